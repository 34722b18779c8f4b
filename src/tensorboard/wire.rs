//! Protocol-buffer messages, as far as event files need them (protobuf.dev, "Encoding").

/// A message under construction: each call appends one field.
#[derive(Clone, Debug, Default)]
pub(super) struct Message(Vec<u8>);

impl Message {
    /// A message without fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// The message's bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value as u8 | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn tag(&mut self, field: u32, wire_type: u32) {
        self.varint(u64::from(field << 3 | wire_type));
    }

    /// A whole number, truth value or enumeration.
    pub fn number(mut self, field: u32, value: u64) -> Self {
        self.tag(field, 0);
        self.varint(value);
        self
    }

    /// A `double`.
    pub fn double(mut self, field: u32, value: f64) -> Self {
        self.tag(field, 1);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// A `float`.
    pub fn float(mut self, field: u32, value: f32) -> Self {
        self.tag(field, 5);
        self.0.extend(value.to_le_bytes());
        self
    }

    /// `bytes`.
    pub fn blob(mut self, field: u32, value: &[u8]) -> Self {
        self.tag(field, 2);
        self.varint(value.len() as u64);
        self.0.extend(value);
        self
    }

    /// A `string`.
    pub fn text(self, field: u32, value: &str) -> Self {
        self.blob(field, value.as_bytes())
    }

    /// A message inside this one.
    pub fn message(self, field: u32, value: &Message) -> Self {
        self.blob(field, value.bytes())
    }

    /// `repeated double`, packed.
    pub fn doubles(self, field: u32, values: &[f64]) -> Self {
        let bytes: Vec<u8> = values.iter().flat_map(|v| v.to_le_bytes()).collect();
        self.blob(field, &bytes)
    }
}

/// Splits off the first field of an encoded message: its number, its value where that is a whole number (else 0),
/// and its content where it has a length (else nothing). `None` where the bytes are no message.
pub(super) fn next_field<'a>(bytes: &mut &'a [u8]) -> Option<(u32, u64, &'a [u8])> {
    let tag = take_varint(bytes)?;
    let field = u32::try_from(tag >> 3).ok()?;
    let length = match tag & 7 {
        0 => return take_varint(bytes).map(|value| (field, value, &[][..])),
        1 => 8,
        2 => usize::try_from(take_varint(bytes)?).ok()?,
        5 => 4,
        _ => return None,
    };
    let (content, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some((field, 0, content))
}

fn take_varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let (&byte, rest) = bytes.split_first()?;
        *bytes = rest;
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}
