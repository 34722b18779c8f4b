//! Checkpoints as one byte buffer: an ordered map from names to arrays, in the safetensors format, so that
//! any tool of that ecosystem can open it. Numbers round-trip bit for bit.

use std::collections::BTreeMap;

use safetensors::tensor::{Dtype, SafeTensors, TensorView};
use serde::{Serialize, de::DeserializeOwned};
use thiserror::Error;

/// What can be wrong with an archive.
#[derive(Debug, Error)]
pub enum ArchiveError {
    /// The bytes are no archive: truncated, damaged, or something else.
    #[error("not a readable archive: {0}")]
    Format(String),
    /// An entry is missing.
    #[error("the archive has no entry `{0}`")]
    Missing(String),
    /// An entry holds another type of number.
    #[error("archive entry `{name}` holds {got}, not {expected}")]
    Kind {
        /// Name of the entry.
        name: String,
        /// Type asked for.
        expected: &'static str,
        /// Type found.
        got: &'static str,
    },
    /// An entry has another length.
    #[error("archive entry `{name}` has {got} numbers, not {expected}")]
    Length {
        /// Name of the entry.
        name: String,
        /// Length asked for.
        expected: usize,
        /// Length found.
        got: usize,
    },
    /// An entry holds a number that is not finite where it must be.
    #[error("archive entry `{name}`, number {index}, is {value}, which is not finite: the archive is damaged")]
    NotFinite {
        /// Name of the entry.
        name: String,
        /// Place of the number in it, from 0.
        index: usize,
        /// The number.
        value: f64,
    },
    /// An entry's value cannot be written or understood.
    #[error("archive entry `{name}`: {reason}")]
    Value {
        /// Name of the entry.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

#[derive(Clone, Debug, PartialEq)]
enum Entry {
    F32(Vec<f32>),
    F64(Vec<f64>),
    Bytes(Vec<u8>),
}

impl Entry {
    fn kind(&self) -> &'static str {
        match self {
            Self::F32(_) => "f32",
            Self::F64(_) => "f64",
            Self::Bytes(_) => "bytes",
        }
    }

    /// Type, number of elements and little-endian bytes.
    fn encode(&self) -> (Dtype, usize, Vec<u8>) {
        match self {
            Self::F32(v) => (Dtype::F32, v.len(), v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Self::F64(v) => (Dtype::F64, v.len(), v.iter().flat_map(|x| x.to_le_bytes()).collect()),
            Self::Bytes(v) => (Dtype::U8, v.len(), v.clone()),
        }
    }

    fn decode(name: &str, view: &TensorView) -> Result<Self, ArchiveError> {
        let data = view.data();
        match view.dtype() {
            Dtype::F32 => Ok(Self::F32(numbers(data, f32::from_le_bytes))),
            Dtype::F64 => Ok(Self::F64(numbers(data, f64::from_le_bytes))),
            Dtype::U8 => Ok(Self::Bytes(data.to_vec())),
            other => Err(ArchiveError::Value {
                name: name.into(),
                reason: format!("numbers of type {other:?} are not used here"),
            }),
        }
    }
}

fn numbers<T, const N: usize>(data: &[u8], convert: fn([u8; N]) -> T) -> Vec<T> {
    data.as_chunks().0.iter().map(|&bytes| convert(bytes)).collect()
}

/// Named arrays, in the order of their names.
#[derive(Clone, Debug, Default)]
pub struct Archive {
    entries: BTreeMap<String, Entry>,
    /// The first value that could not be encoded; reported by [`Archive::to_bytes`].
    broken: Option<(String, String)>,
}

impl Archive {
    /// An empty archive.
    pub fn new() -> Self {
        Self::default()
    }

    /// Names of all entries, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries.keys().map(String::as_str)
    }

    /// Whether there is an entry of this name.
    pub fn contains(&self, name: &str) -> bool {
        self.entries.contains_key(name)
    }

    /// Stores single-precision numbers.
    pub fn put_f32(&mut self, name: &str, values: &[f32]) {
        self.entries.insert(name.into(), Entry::F32(values.to_vec()));
    }

    /// Stores double-precision numbers.
    pub fn put_f64(&mut self, name: &str, values: &[f64]) {
        self.entries.insert(name.into(), Entry::F64(values.to_vec()));
    }

    /// Stores bytes.
    pub fn put_bytes(&mut self, name: &str, bytes: &[u8]) {
        self.entries.insert(name.into(), Entry::Bytes(bytes.to_vec()));
    }

    /// Stores a structure as JSON. Finite floats survive bit for bit, infinities and NaN do not: store those
    /// with [`Archive::put_f64`]. A value that has no JSON form makes [`Archive::to_bytes`] fail.
    pub fn put_json<T: Serialize>(&mut self, name: &str, value: &T) {
        match serde_json::to_vec(value) {
            Ok(bytes) => self.put_bytes(name, &bytes),
            Err(error) => {
                self.broken.get_or_insert((name.into(), error.to_string()));
            }
        }
    }

    fn get(&self, name: &str) -> Result<&Entry, ArchiveError> {
        self.entries.get(name).ok_or_else(|| ArchiveError::Missing(name.into()))
    }

    /// Finite single-precision numbers.
    ///
    /// # Errors
    /// A missing entry, one of another type, or a number that is not finite.
    pub fn get_f32(&self, name: &str) -> Result<Vec<f32>, ArchiveError> {
        match self.get(name)? {
            Entry::F32(values) => {
                check_finite(name, values.iter().map(|&x| f64::from(x)))?;
                Ok(values.clone())
            }
            other => Err(wrong_kind(name, "f32", other)),
        }
    }

    /// Finite double-precision numbers.
    ///
    /// # Errors
    /// A missing entry, one of another type, or a number that is not finite.
    pub fn get_f64(&self, name: &str) -> Result<Vec<f64>, ArchiveError> {
        let values = self.get_any_f64(name)?;
        check_finite(name, values.iter().copied())?;
        Ok(values)
    }

    /// Double-precision numbers that may be infinite or NaN, as a score that nothing has set yet.
    ///
    /// # Errors
    /// A missing entry or one of another type.
    pub fn get_any_f64(&self, name: &str) -> Result<Vec<f64>, ArchiveError> {
        match self.get(name)? {
            Entry::F64(values) => Ok(values.clone()),
            other => Err(wrong_kind(name, "f64", other)),
        }
    }

    /// Exactly `len` double-precision numbers that may be infinite or NaN.
    ///
    /// # Errors
    /// A missing entry, one of another type or length.
    pub fn get_any_f64_len(&self, name: &str, len: usize) -> Result<Vec<f64>, ArchiveError> {
        let values = self.get_any_f64(name)?;
        check_len(name, len, values.len()).map(|()| values)
    }

    /// Exactly `len` finite single-precision numbers.
    ///
    /// # Errors
    /// A missing entry, one of another type or length, or a number that is not finite.
    pub fn get_f32_len(&self, name: &str, len: usize) -> Result<Vec<f32>, ArchiveError> {
        let values = self.get_f32(name)?;
        check_len(name, len, values.len()).map(|()| values)
    }

    /// Exactly `len` finite double-precision numbers.
    ///
    /// # Errors
    /// A missing entry, one of another type or length, or a number that is not finite.
    pub fn get_f64_len(&self, name: &str, len: usize) -> Result<Vec<f64>, ArchiveError> {
        let values = self.get_f64(name)?;
        check_len(name, len, values.len()).map(|()| values)
    }

    /// Bytes.
    ///
    /// # Errors
    /// A missing entry or one of another type.
    pub fn get_bytes(&self, name: &str) -> Result<&[u8], ArchiveError> {
        match self.get(name)? {
            Entry::Bytes(bytes) => Ok(bytes),
            other => Err(wrong_kind(name, "bytes", other)),
        }
    }

    /// A structure stored with [`Archive::put_json`].
    ///
    /// # Errors
    /// A missing entry, one of another type, or JSON that does not fit the structure.
    pub fn get_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, ArchiveError> {
        serde_json::from_slice(self.get_bytes(name)?).map_err(|error| ArchiveError::Value {
            name: name.into(),
            reason: error.to_string(),
        })
    }

    /// The archive as a safetensors file; equal archives give equal bytes.
    ///
    /// # Errors
    /// An entry that could not be encoded.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ArchiveError> {
        if let Some((name, reason)) = &self.broken {
            return Err(ArchiveError::Value {
                name: name.clone(),
                reason: reason.clone(),
            });
        }
        let encoded = self.entries.iter().map(|(name, entry)| (name, entry.encode()));
        let encoded: Vec<_> = encoded.collect();
        let views: Result<Vec<_>, _> = encoded
            .iter()
            .map(|(name, (dtype, len, data))| {
                TensorView::new(*dtype, vec![*len], data).map(|view| (name.as_str(), view))
            })
            .collect();
        views
            .and_then(|views| safetensors::serialize(views, None))
            .map_err(|error| ArchiveError::Format(error.to_string()))
    }

    /// Reads what [`Archive::to_bytes`] wrote. Memory is only taken for entries that are really there.
    ///
    /// # Errors
    /// Truncated, damaged or foreign bytes.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ArchiveError> {
        let tensors = SafeTensors::deserialize(bytes).map_err(|error| ArchiveError::Format(error.to_string()))?;
        let decode =
            |(name, view): (&str, TensorView)| Entry::decode(name, &view).map(|entry| (name.to_owned(), entry));
        Ok(Self {
            entries: tensors.iter().map(decode).collect::<Result<_, _>>()?,
            broken: None,
        })
    }
}

fn wrong_kind(name: &str, expected: &'static str, got: &Entry) -> ArchiveError {
    ArchiveError::Kind {
        name: name.into(),
        expected,
        got: got.kind(),
    }
}

fn check_finite(name: &str, values: impl Iterator<Item = f64>) -> Result<(), ArchiveError> {
    match values.enumerate().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((index, value)) => Err(ArchiveError::NotFinite {
            name: name.into(),
            index,
            value,
        }),
    }
}

fn check_len(name: &str, expected: usize, got: usize) -> Result<(), ArchiveError> {
    if expected == got {
        return Ok(());
    }
    Err(ArchiveError::Length {
        name: name.into(),
        expected,
        got,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_core::Stream;

    fn sample() -> Archive {
        let mut archive = Archive::new();
        archive.put_f32("a.weights", &[1.0, f32::MIN_POSITIVE, f32::MAX, -0.0]);
        archive.put_f64("b", &[std::f64::consts::PI, f64::INFINITY, 5e-324]);
        archive.put_bytes("empty", &[]);
        archive.put_json("stream", &Stream::new(1, "archive", 2));
        archive.put_json("number", &0.1f64.powf(7.3));
        archive
    }

    #[test]
    fn every_number_survives_bit_for_bit() {
        let bytes = sample().to_bytes().unwrap();
        let back = Archive::from_bytes(&bytes).unwrap();
        assert_eq!(bytes, back.to_bytes().unwrap());
        let bits = |v: Vec<f32>| v.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let weights = back.get_f32("a.weights").unwrap();
        assert_eq!(bits(weights), bits(sample().get_f32("a.weights").unwrap()));
        assert_eq!(back.get_any_f64("b").unwrap(), sample().get_any_f64("b").unwrap());
        assert_eq!(back.get_json::<f64>("number").unwrap(), 0.1f64.powf(7.3));
        let mut stream: Stream = back.get_json("stream").unwrap();
        assert_eq!(stream.bits(), Stream::new(1, "archive", 2).bits());
    }

    #[test]
    fn a_file_cut_at_any_length_is_refused() {
        let bytes = sample().to_bytes().unwrap();
        for end in 0..bytes.len() {
            assert!(Archive::from_bytes(&bytes[..end]).is_err(), "cut at {end}");
        }
    }

    #[test]
    fn damaged_bytes_never_panic() {
        let bytes = sample().to_bytes().unwrap();
        let mut stream = Stream::new(0, "damage", 0);
        for _ in 0..5000 {
            let mut damaged = bytes.clone();
            for _ in 0..1 + stream.below(4) {
                let at = stream.below(damaged.len());
                damaged[at] = stream.bits() as u8;
            }
            if let Ok(archive) = Archive::from_bytes(&damaged) {
                let _ = archive.get_json::<f64>("number");
                let _ = archive.get_f32_len("a.weights", 4);
            }
        }
        // a header that claims to be enormous
        assert!(Archive::from_bytes(&u64::MAX.to_le_bytes()).is_err());
        assert!(Archive::from_bytes(&90_000_000u64.to_le_bytes()).is_err());
    }

    #[test]
    fn errors_name_the_entry() {
        let archive = sample();
        let text = |error: ArchiveError| error.to_string();
        assert!(text(archive.get_f32("c").unwrap_err()).contains("`c`"));
        assert!(text(archive.get_f32("b").unwrap_err()).contains("f64"));
        assert!(text(archive.get_f64("b").unwrap_err()).contains("`b`, number 1, is inf"));
        assert!(text(archive.get_any_f64_len("b", 2).unwrap_err()).contains("3 numbers"));
        assert!(text(archive.get_json::<u8>("empty").unwrap_err()).contains("`empty`"));
    }
}
