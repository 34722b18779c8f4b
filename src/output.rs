//! All output: results go to standard output, messages to standard error, and neither can panic.
//!
//! A reader that has seen enough (`tandem list platforms | head -1`) closes the pipe; that is the command's normal
//! end, with exit code 0. Any other failure (`> /dev/full`) is an error with a message and exit code 1.
//! [`OutputError`] carries both to `main`. What cannot be written to
//! standard error is dropped: there is nowhere left to report it.

use std::fmt::Arguments;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::legible::legible;

/// Standard output cannot be written.
#[derive(Debug, Error)]
#[error("cannot write to standard output: {0}")]
pub struct OutputError(io::Error);

impl OutputError {
    /// What a failed write of clap's means.
    pub fn new(error: io::Error) -> Self {
        Self(error)
    }

    /// The reader has seen enough: a normal end.
    pub fn is_closed_pipe(&self) -> bool {
        self.0.kind() == io::ErrorKind::BrokenPipe
    }
}

/// Writes a line to standard output, formatted as by `println!`; the result is to be passed on with `?`.
macro_rules! out {
    ($($text:tt)*) => { $crate::output::line(format_args!($($text)*)) };
}

/// Writes a line to standard error, formatted as by `eprintln!`.
macro_rules! note {
    ($($text:tt)*) => { $crate::output::message(format_args!($($text)*)) };
}

pub(crate) use {note, out};

/// Writes `text` and the end of its line to standard output.
///
/// # Errors
/// Standard output is closed or full.
pub fn line(text: Arguments) -> Result<(), OutputError> {
    let mut stdout = io::stdout().lock();
    stdout.write_fmt(text).map_err(OutputError)?;
    stdout.write_all(b"\n").map_err(OutputError)
}

/// What to type to reach this program: its own name, since a program with problems of its own is not called `tandem`.
pub fn program() -> String {
    let name = std::env::args_os().next().map(PathBuf::from);
    let stem = name.as_deref().and_then(Path::file_stem);
    stem.map_or_else(|| "tandem".into(), |stem| stem.to_string_lossy().into_owned())
}

/// A path or another word as a shell takes it: in quotes where it needs them.
pub fn quoted(word: impl AsRef<Path>) -> String {
    let text = word.as_ref().display().to_string();
    let harmless = |c: char| c.is_ascii_alphanumeric() || "_-./+=:@%,~".contains(c);
    match !text.is_empty() && text.chars().all(harmless) {
        true => text,
        false => format!("'{}'", text.replace('\'', "'\\''")),
    }
}

/// Writes `text`, which ends its lines itself, to standard output and flushes it.
///
/// # Errors
/// Standard output is closed or full.
pub fn text(text: impl std::fmt::Display) -> Result<(), OutputError> {
    let mut stdout = io::stdout().lock();
    write!(stdout, "{text}")
        .and_then(|()| stdout.flush())
        .map_err(OutputError)
}

/// Writes `text`, made [`legible`], and the end of its line to standard error.
pub fn message(text: Arguments) {
    let _ = writeln!(io::stderr().lock(), "{}", legible(&text.to_string()));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_quoted_where_a_shell_would_part_them() {
        for (path, text) in [
            ("runs/a-s0", "runs/a-s0"),
            ("my run", "'my run'"),
            ("it's", "'it'\\''s'"),
        ] {
            assert_eq!(quoted(path), text);
        }
    }
}
