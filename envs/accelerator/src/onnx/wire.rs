//! Protocol buffers' wire format, read from a slice without copying.
//!
//! A message is a row of fields, each a number, a wire type and a value; what a field means is for the caller to
//! know (<https://protobuf.dev/programming-guides/encoding>). Every length is held against what is left of the slice,
//! so that nothing is allocated for what a file merely declares.

/// Why bytes are no message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Malformed(pub &'static str);

/// The value of a field.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Field<'a> {
    /// A whole number.
    Varint(u64),
    /// Four bytes.
    Fixed32([u8; 4]),
    /// Eight bytes.
    Fixed64([u8; 8]),
    /// A string, bytes, a message, or packed numbers.
    Bytes(&'a [u8]),
}

/// The fields of a message, one after the other.
pub(super) struct Fields<'a> {
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    pub fn new(message: &'a [u8]) -> Self {
        Self { rest: message }
    }

    /// The next field and its number; `None` at the end.
    pub fn next(&mut self) -> Result<Option<(u64, Field<'a>)>, Malformed> {
        if self.rest.is_empty() {
            return Ok(None);
        }
        let key = self.varint()?;
        if key >> 3 == 0 {
            return Err(Malformed("a field has number 0"));
        }
        let field = match key & 7 {
            0 => Field::Varint(self.varint()?),
            1 => Field::Fixed64(self.array()?),
            5 => Field::Fixed32(self.array()?),
            2 => {
                let length = usize::try_from(self.varint()?).unwrap_or(usize::MAX);
                Field::Bytes(self.take(length)?)
            }
            _ => return Err(Malformed("a field has an unknown wire type")),
        };
        Ok(Some((key >> 3, field)))
    }

    /// A number of at most 64 bits, seven to a byte, the lowest first.
    fn varint(&mut self) -> Result<u64, Malformed> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let [byte] = self.array()?;
            if shift == 63 && byte > 1 {
                break;
            }
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok(value);
            }
        }
        Err(Malformed("a number is longer than 64 bits"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Malformed> {
        let (head, rest) = self
            .rest
            .split_at_checked(length)
            .ok_or(Malformed("it ends in the middle of a field"))?;
        self.rest = rest;
        Ok(head)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Malformed> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }
}

impl<'a> Field<'a> {
    /// The bytes of a string, bytes or message.
    pub fn bytes(self) -> Result<&'a [u8], Malformed> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            _ => Err(Malformed("a number stands where text or a message belongs")),
        }
    }

    /// A string.
    pub fn text(self) -> Result<&'a str, Malformed> {
        std::str::from_utf8(self.bytes()?).map_err(|_| Malformed("a name is not UTF-8"))
    }

    /// A whole number.
    pub fn int(self) -> Result<i64, Malformed> {
        match self {
            Self::Varint(value) => Ok(value.cast_signed()),
            _ => Err(Malformed("something else stands where a number belongs")),
        }
    }

    /// A number with a fraction.
    pub fn float(self) -> Result<f64, Malformed> {
        match self {
            Self::Fixed32(bytes) => Ok(f64::from(f32::from_le_bytes(bytes))),
            Self::Fixed64(bytes) => Ok(f64::from_le_bytes(bytes)),
            _ => Err(Malformed("something else stands where a number belongs")),
        }
    }

    /// Whole numbers of a repeated field, packed into one value or one at a time; as many as `each` wants.
    pub fn ints(self, mut each: impl FnMut(i64) -> Result<(), Malformed>) -> Result<(), Malformed> {
        let Self::Bytes(bytes) = self else {
            return each(self.int()?);
        };
        let mut packed = Fields::new(bytes);
        while !packed.rest.is_empty() {
            each(packed.varint()?.cast_signed())?;
        }
        Ok(())
    }

    /// Numbers with a fraction of `SIZE` bytes of a repeated field, packed or one at a time.
    pub fn floats<const SIZE: usize>(
        self,
        mut each: impl FnMut(f64) -> Result<(), Malformed>,
    ) -> Result<(), Malformed> {
        let Self::Bytes(bytes) = self else {
            return each(self.float()?);
        };
        let mut packed = Fields::new(bytes);
        while !packed.rest.is_empty() {
            let part = packed.take(SIZE)?;
            let field = match (<[u8; 4]>::try_from(part), <[u8; 8]>::try_from(part)) {
                (Ok(four), _) => Self::Fixed32(four),
                (_, Ok(eight)) => Self::Fixed64(eight),
                _ => return Err(Malformed("a number has an unknown size")),
            };
            each(field.float()?)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn all(bytes: &[u8]) -> Result<Vec<(u64, Field<'_>)>, Malformed> {
        let mut fields = Fields::new(bytes);
        std::iter::from_fn(|| fields.next().transpose()).collect()
    }

    #[test]
    fn the_encoding_guides_examples_are_read() {
        assert_eq!(all(&[0x08, 0x96, 0x01]), Ok(vec![(1, Field::Varint(150))]));
        let text = [0x12, 0x07, 0x74, 0x65, 0x73, 0x74, 0x69, 0x6e, 0x67];
        assert_eq!(all(&text).unwrap()[0].1.text(), Ok("testing"));
        let mut packed = Vec::new();
        let field = Field::Bytes(&[0x03, 0x8e, 0x02, 0x9e, 0xa7, 0x05]);
        field
            .ints(|i| {
                packed.push(i);
                Ok(())
            })
            .unwrap();
        assert_eq!(packed, [3, 270, 86942]);
        let minus_two = [0x08, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01];
        assert_eq!(all(&minus_two).unwrap()[0].1.int(), Ok(-2));
    }

    #[test]
    fn what_is_declared_and_not_there_is_an_error() {
        assert!(all(&[0x12, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f]).is_err()); // 2⁶³ bytes
        assert!(all(&[0x12, 0x05, 0x01]).is_err());
        assert!(all(&[0x08]).is_err());
        assert!(all(&[0x08, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x02]).is_err());
        assert!(all(&[0x00, 0x00]).is_err() && all(&[0x0b]).is_err());
        assert!(Field::Bytes(&[0, 0, 0]).floats::<4>(|_| Ok(())).is_err());
    }
}
