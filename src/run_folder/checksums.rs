//! Checksums of a folder's files that are read back, in `checksums.json` beside them.
//!
//! ```text
//! {"crc32": "03b1a2c9", "files": {"design.json": [{"length": 412, "crc32": "8d2f1c03"}], "metrics.jsonl": [...], ...}}
//! ```
//!
//! A file is whole where one of its sums fits. Its new sum is on the disk before the file is, and the old one stays
//! until the next write, so that a kill between the two damages nothing. Of a file that grows (`metrics.jsonl`) the sum
//! is that of its beginning, as of the last checkpoint. Checkpoints have their own checksum, and so has the list itself.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{RunError, damaged, io_error};
use crate::atomic;

const FILE: &str = "checksums.json";
/// How often a file is read whose writer was faster.
const TRIES: usize = 5;

/// What a file holds, or its beginning.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sum {
    /// Bytes.
    length: u64,
    /// Their CRC-32 in eight hexadecimal digits.
    crc32: String,
}

impl Sum {
    /// The sum of so many bytes with this CRC-32.
    pub fn new(length: u64, crc32: u32) -> Self {
        let crc32 = format!("{crc32:08x}");
        Self { length, crc32 }
    }

    fn of(bytes: &[u8]) -> Self {
        Self::new(bytes.len() as u64, crc32fast::hash(bytes))
    }

    /// Whether `bytes` begin with what was summed.
    fn begins(&self, bytes: &[u8]) -> bool {
        let beginning = usize::try_from(self.length).ok().and_then(|length| bytes.get(..length));
        beginning.is_some_and(|beginning| Self::of(beginning) == *self)
    }
}

type Sums = BTreeMap<String, Vec<Sum>>;

/// The file of checksums.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Sealed {
    /// CRC-32 of `files` as JSON without white space.
    crc32: String,
    files: Sums,
}

impl Sealed {
    fn new(files: Sums) -> io::Result<Self> {
        let crc32 = Sum::of(&serde_json::to_vec(&files)?).crc32;
        Ok(Self { crc32, files })
    }
}

/// Replaces the file `name` of `folder` by `bytes` in one step, and its checksum with it.
///
/// # Errors
/// What the file system says.
pub fn write(folder: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let path = folder.join(name);
    let mut sums = load(folder)?;
    let entry = sums.entry(name.to_owned()).or_default();
    let present = fs::read(&path).ok().map(|bytes| Sum::of(&bytes));
    entry.retain(|sum| Some(sum) == present.as_ref());
    let new = Sum::of(bytes);
    if !entry.contains(&new) {
        entry.push(new);
    }
    save(folder, &sums)?;
    atomic::write(&path, bytes)
}

/// Names of the files of `folder` that have a checksum.
///
/// # Errors
/// What the file system says.
pub fn names(folder: &Path) -> io::Result<Vec<String>> {
    Ok(load(folder)?.into_keys().collect())
}

/// Notes what the file `name`, which grows, begins with from now on.
///
/// # Errors
/// What the file system says.
pub fn note(folder: &Path, name: &str, beginning: Sum) -> io::Result<()> {
    let mut sums = load(folder)?;
    sums.insert(name.to_owned(), vec![beginning]);
    save(folder, &sums)
}

/// The file `name` of `folder`, as it was written.
///
/// # Errors
/// [`RunError::Missing`], [`RunError::Io`], and [`RunError::Damaged`] where it is not what was written.
pub fn read(folder: &Path, name: &str) -> Result<Vec<u8>, RunError> {
    let path = folder.join(name);
    for _ in 0..TRIES {
        let bytes = fs::read(&path).map_err(|error| match error.kind() {
            io::ErrorKind::NotFound => RunError::Missing(path.clone()),
            _ => io_error("read", &path)(error),
        })?;
        if known(folder, name)?.contains(&Sum::of(&bytes)) {
            return Ok(bytes);
        }
    }
    Err(differs(&path))
}

/// Whether the file `name`, which grows, still begins with what was noted; so does one of which nothing was.
///
/// # Errors
/// As of [`read`].
pub fn check_beginning(folder: &Path, name: &str) -> Result<(), RunError> {
    let path = folder.join(name);
    let bytes = match fs::read(&path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
        read => read.map_err(io_error("read", &path))?,
    };
    let sums = known(folder, name)?;
    match sums.is_empty() || sums.iter().any(|sum| sum.begins(&bytes)) {
        true => Ok(()),
        false => Err(differs(&path)),
    }
}

fn differs(path: &Path) -> RunError {
    damaged(
        path,
        &"its checksum is not the one in checksums.json, so it is not what was written",
    )
}

fn known(folder: &Path, name: &str) -> Result<Vec<Sum>, RunError> {
    let path = folder.join(FILE);
    if !path.exists() {
        return Err(RunError::Missing(path));
    }
    let mut sums = load(folder).map_err(|error| match error.kind() {
        io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => damaged(&path, &error),
        _ => io_error("read", &path)(error),
    })?;
    Ok(sums.remove(name).unwrap_or_default())
}

fn load(folder: &Path) -> io::Result<Sums> {
    match fs::read(folder.join(FILE)) {
        Ok(text) => {
            let read: Sealed = serde_json::from_slice(&text)?;
            let sealed = Sealed::new(read.files)?;
            match sealed.crc32 == read.crc32 {
                true => Ok(sealed.files),
                false => Err(io::Error::new(io::ErrorKind::InvalidData, "its checksum is wrong")),
            }
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Sums::new()),
        Err(error) => Err(error),
    }
}

fn save(folder: &Path, sums: &Sums) -> io::Result<()> {
    let text = serde_json::to_string_pretty(&Sealed::new(sums.clone())?)?;
    atomic::write(&folder.join(FILE), (text + "\n").as_bytes())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_changed_byte_of_a_file_and_of_its_sum_is_noticed() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "a.json", b"{\"x\": 1}\n").unwrap();
        assert_eq!(read(folder, "a.json").unwrap(), b"{\"x\": 1}\n");
        for name in ["a.json", FILE] {
            let whole = fs::read(folder.join(name)).unwrap();
            for at in 0..whole.len() {
                let mut bytes = whole.clone();
                bytes[at] ^= 0x40;
                fs::write(folder.join(name), bytes).unwrap();
                let is_space = name == FILE && whole[at].is_ascii_whitespace() && read(folder, "a.json").is_ok();
                assert!(is_space || read(folder, "a.json").is_err(), "{name}, byte {at}");
            }
            fs::write(folder.join(name), whole).unwrap();
        }
        fs::remove_file(folder.join("a.json")).unwrap();
        assert!(matches!(read(folder, "a.json"), Err(RunError::Missing(_))));
    }

    #[test]
    fn a_kill_between_sum_and_file_damages_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "a", b"first").unwrap();
        for round in 0..3 {
            // what a kill before the file's renaming leaves: the new sum and the old file
            write(folder, "a", format!("round {round}").as_bytes()).unwrap();
            atomic::write(&folder.join("a"), b"first").unwrap();
            if round == 0 {
                assert_eq!(read(folder, "a").unwrap(), b"first");
            }
            write(folder, "a", b"first").unwrap();
            assert_eq!(read(folder, "a").unwrap(), b"first");
        }
        let sums = load(folder).unwrap();
        assert!(sums["a"].len() <= 2, "old sums go");
    }

    #[test]
    fn a_file_that_grows_is_held_to_its_beginning() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let check = |text: &str| {
            fs::write(folder.join("rows"), text).unwrap();
            check_beginning(folder, "rows")
        };
        note(folder, "other", Sum::of(b"")).unwrap();
        check("anything").unwrap();
        note(folder, "rows", Sum::of(b"one\ntwo\n")).unwrap();
        check("one\ntwo\n").unwrap();
        check("one\ntwo\nthree\n").unwrap();
        assert!(check("one\n").is_err());
        assert!(check("one\ntwp\nthree\n").is_err());
    }
}
