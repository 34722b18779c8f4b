//! The checksum that a result's file carries as its key `crc32`: eight hexadecimal digits, which count as zeros there.

use std::path::Path;

use crate::error::Error;

/// A checksum that is not there yet.
pub(super) const NO_SUM: &str = "00000000";

/// A result's text, in which [`NO_SUM`] stands first, with its checksum in its place.
pub(super) fn sealed(text: &str) -> String {
    text.replacen(NO_SUM, &format!("{:08x}", crc32fast::hash(text.as_bytes())), 1)
}

/// Checks the text of the file at `path` against the checksum that it names.
///
/// # Errors
/// The file is not what was written.
pub(super) fn check(path: &Path, text: &str, crc32: &str) -> Result<(), Error> {
    if sealed(&text.replacen(crc32, NO_SUM, 1)) == text {
        return Ok(());
    }
    Err(Error::Run(format!(
        "{} is damaged: its checksum is wrong; remove it, and the same command searches again",
        path.display()
    )))
}
