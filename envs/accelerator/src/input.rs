//! Files that come from elsewhere: read with a limit, and wrong in one message that names file and line.

use std::io::Read;
use std::path::Path;

use thiserror::Error;

/// Longest text that is read, bytes. The largest reference data set has 16 MB; a device or a wrong file has no end.
pub(super) const LONGEST_TEXT: u64 = 256 << 20;

/// Longest model that is read, bytes: 2 GiB is as much as a protocol buffer can be.
pub(super) const LONGEST_MODEL: u64 = 2 << 30;

/// What is wrong with an input, ready to be printed on one line.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", self.message())]
pub struct InputError {
    /// File name, or a name for the source.
    pub origin: String,
    /// Line in the file, from 1.
    pub line: Option<usize>,
    /// What is wrong, and what to write instead.
    pub reason: String,
}

impl InputError {
    /// An error about a whole file.
    pub fn file(origin: &str, reason: impl Into<String>) -> Self {
        Self {
            origin: origin.to_owned(),
            line: None,
            reason: reason.into(),
        }
    }

    /// An error about a line, counted from 1.
    pub fn line(origin: &str, line: usize, reason: impl Into<String>) -> Self {
        Self {
            line: Some(line),
            ..Self::file(origin, reason)
        }
    }

    fn message(&self) -> String {
        let at = self.line.map_or(String::new(), |line| format!(":{line}"));
        let text = format!("{}{at}: {}", self.origin, self.reason);
        // Names and values may hold line ends; a message is one line all the same.
        text.chars()
            .flat_map(|c| {
                let escaped = c.is_control().then(|| c.escape_debug());
                let plain = (!c.is_control()).then_some(c);
                escaped.into_iter().flatten().chain(plain)
            })
            .collect()
    }
}

/// A value from a file, shortened so that a message stays readable whatever the file holds.
pub(super) fn quote(value: &str) -> String {
    const LONGEST: usize = 40;
    match value.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("\"{}...\"", &value[..end]),
        None => format!("\"{value}\""),
    }
}

/// The bytes of a file.
///
/// # Errors
/// No file, a folder, or more than [`LONGEST_TEXT`] bytes.
pub(super) fn read_bytes(path: &Path) -> Result<Vec<u8>, InputError> {
    read_up_to(path, LONGEST_TEXT)
}

/// The bytes of a file that may hold a large model.
///
/// # Errors
/// As [`read_bytes`], with a limit of [`LONGEST_MODEL`] bytes, and anything else than a plain file.
pub(super) fn read_large(path: &Path) -> Result<Vec<u8>, InputError> {
    if path.metadata().is_ok_and(|file| !file.is_file() && !file.is_dir()) {
        let origin = path.display().to_string();
        return Err(InputError::file(&origin, "is not a plain file"));
    }
    read_up_to(path, LONGEST_MODEL)
}

fn read_up_to(path: &Path, longest: u64) -> Result<Vec<u8>, InputError> {
    let origin = path.display().to_string();
    let fail = |reason: String| InputError::file(&origin, reason);
    if path.is_dir() {
        return Err(fail("is a folder; name a file".into()));
    }
    let unreadable = |error: std::io::Error| match error.kind() {
        std::io::ErrorKind::NotFound => fail("there is no such file".into()),
        _ => fail(format!("cannot be read: {error}")),
    };
    let file = std::fs::File::open(path).map_err(unreadable)?;
    let mut bytes = Vec::new();
    file.take(longest + 1).read_to_end(&mut bytes).map_err(unreadable)?;
    if bytes.len() as u64 > longest {
        return Err(fail(format!("is longer than {longest} bytes")));
    }
    Ok(bytes)
}

/// Bytes as text, without the mark that some editors put before it.
///
/// # Errors
/// No UTF-8.
pub(super) fn utf8(bytes: Vec<u8>, origin: &str) -> Result<String, InputError> {
    let text = String::from_utf8(bytes).map_err(|_| InputError::file(origin, "not UTF-8 text; name a text file"))?;
    Ok(match text.strip_prefix('\u{feff}') {
        Some(rest) => rest.to_owned(),
        None => text,
    })
}

/// A text file.
///
/// # Errors
/// As [`read_bytes`], and where it is no UTF-8.
pub(super) fn read_text(path: &Path) -> Result<String, InputError> {
    utf8(read_bytes(path)?, &path.display().to_string())
}

/// A whole number of at least 1.
///
/// # Errors
/// Anything else; the reason names what the number is for.
pub(super) fn positive(text: &str, what: &str) -> Result<u64, String> {
    match text.trim().parse::<u64>() {
        Ok(value) if value > 0 => Ok(value),
        _ => Err(format!(
            "{what} must be a whole number from 1, not {}",
            quote(text.trim())
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_that_names_file_and_line() {
        let error = InputError::line("net.csv", 3, "bad \"a\nb\"");
        assert_eq!(error.to_string(), "net.csv:3: bad \"a\\nb\"");
    }

    #[test]
    fn long_values_are_shortened_and_short_ones_kept() {
        assert_eq!(quote("abc"), "\"abc\"");
        assert!(quote(&"é".repeat(1000)).len() < 100);
    }

    #[test]
    fn only_whole_numbers_from_one_are_positive() {
        assert_eq!(positive(" 7 ", "stride"), Ok(7));
        for text in ["0", "-1", "1.5", "", "1e3", "99999999999999999999"] {
            assert!(positive(text, "stride").unwrap_err().contains("stride"));
        }
    }

    #[test]
    fn a_folder_and_an_absent_file_are_named() {
        let error = read_text(Path::new("/")).unwrap_err();
        assert_eq!(error.to_string(), "/: is a folder; name a file");
        let error = read_text(Path::new("no/such.csv")).unwrap_err();
        assert_eq!(error.to_string(), "no/such.csv: there is no such file");
    }
}
