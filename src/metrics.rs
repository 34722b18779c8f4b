//! `metrics.jsonl`: one JSON object per line and iteration. Every table, plot and report is made from it.
//!
//! A row is on its way to the disk before [`MetricsLog::append`] returns. A kill can tear the last line at most;
//! readers pass over it, and the next writer removes it.

use std::fs::{self, File};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::atomic;
use crate::run_folder::RunFolder;
use crate::run_folder::checksums::{self, Sum};

/// One iteration's figures, by name.
pub type Row = Map<String, Value>;

/// Key under which [`put`] says which figures were not finite, and what they were.
pub const NOT_FINITE: &str = "not_finite";

/// Why the metrics cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum MetricsError {
    /// The file system refuses.
    #[error("{}: {source}", path.display())]
    Io {
        /// The metrics file.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
    /// A line other than the last one is no JSON object.
    #[error("{}:{line}: not a JSON object, so the metrics are damaged", path.display())]
    Damaged {
        /// The metrics file.
        path: PathBuf,
        /// The first bad line, from 1.
        line: usize,
    },
}

/// Puts a figure into a row. JSON has no NaN and no infinity: such a figure becomes `null`, and `not_finite` says
/// which value it was.
pub fn put(row: &mut Row, key: &str, value: f64) {
    row.insert(key.to_owned(), Value::from(value)); // serde_json turns what is not finite into null
    if !value.is_finite() {
        let reasons = row.entry(NOT_FINITE).or_insert_with(|| Value::Object(Map::new()));
        if let Value::Object(reasons) = reasons {
            reasons.insert(key.to_owned(), Value::from(value.to_string()));
        }
    }
}

/// The metrics file of the run in progress.
#[derive(Debug)]
pub struct MetricsLog {
    path: PathBuf,
    file: File,
    /// Bytes of whole lines.
    length: u64,
    /// Their checksum.
    sum: crc32fast::Hasher,
}

impl MetricsLog {
    /// Opens the file for appending, makes it where it is missing, and removes a torn last line.
    pub fn open(path: &Path) -> Result<Self, MetricsError> {
        let at = |source| MetricsError::Io {
            path: path.to_owned(),
            source,
        };
        let file = File::options().append(true).create(true).open(path).map_err(at)?;
        atomic::sync_folder(atomic::folder_of(path)).map_err(at)?;
        let bytes = fs::read(path).map_err(at)?;
        let whole = whole_lines(&bytes);
        let mut log = Self {
            path: path.to_owned(),
            file,
            length: whole.len() as u64,
            sum: hasher(whole),
        };
        log.cut().map_err(at)?;
        Ok(log)
    }

    /// Opens the rows of a run that is new or goes on after `iteration`, whose later rows it drops; with what is to be
    /// said where the rows before are not what was written: the run can go on, but not in silence.
    pub fn of(folder: &RunFolder, iteration: u64) -> Result<(Self, Option<String>), MetricsError> {
        let doubt = folder.check_rows().err();
        let mut log = Self::open(&folder.metrics())?;
        log.truncate_after(iteration)?;
        let rows = read(&log.path)?.len();
        let doubt = doubt.map(|error| {
            format!(
                "{error}; {rows} rows are there up to the checkpoint of iteration {iteration}, and the run goes on \
                 without what is missing"
            )
        });
        Ok((log, doubt))
    }

    /// Appends one row. After an error (disk full) the file ends with the last whole row.
    pub fn append(&mut self, row: &Row) -> Result<(), MetricsError> {
        let mut line = Value::Object(row.clone()).to_string();
        line.push('\n');
        let written = self.file.write_all(line.as_bytes());
        match written.and_then(|()| self.file.flush()) {
            Ok(()) => {
                self.length += line.len() as u64;
                self.sum.update(line.as_bytes());
                Ok(())
            }
            Err(error) => {
                let _ = self.cut(); // the next `open` tries again
                Err(self.failed(error))
            }
        }
    }

    /// Makes the rows so far survive a power cut, and notes their checksum beside them: to be called before a
    /// checkpoint is saved, since a run resumed from it relies on them.
    pub fn secure(&mut self) -> Result<(), MetricsError> {
        self.file.sync_all().map_err(|e| self.failed(e))?;
        let sum = Sum::new(self.length, self.sum.clone().finalize());
        self.note(sum)
    }

    fn note(&self, sum: Sum) -> Result<(), MetricsError> {
        let name = self.path.file_name().unwrap_or_default().to_string_lossy();
        checksums::note(atomic::folder_of(&self.path), &name, sum).map_err(|e| self.failed(e))
    }

    /// Drops the rows after `iteration`, in one step: a run resumed from that iteration's checkpoint writes them
    /// again. Rows that stay keep their bytes.
    pub fn truncate_after(&mut self, iteration: u64) -> Result<(), MetricsError> {
        let bytes = fs::read(&self.path).map_err(|e| self.failed(e))?;
        let mut kept = 0;
        for (index, line) in whole_lines(&bytes).split_inclusive(|&b| b == b'\n').enumerate() {
            let row: Row = serde_json::from_slice(line).map_err(|_| MetricsError::Damaged {
                path: self.path.clone(),
                line: index + 1,
            })?;
            if row.get("iteration").and_then(Value::as_u64) > Some(iteration) {
                break;
            }
            kept += line.len();
        }
        if kept < bytes.len() {
            self.note(Sum::new(kept as u64, hasher(&bytes[..kept]).finalize()))?;
            atomic::write(&self.path, &bytes[..kept]).map_err(|e| self.failed(e))?;
        }
        *self = Self::open(&self.path)?;
        Ok(())
    }

    fn cut(&mut self) -> io::Result<()> {
        if self.file.seek(SeekFrom::End(0))? > self.length {
            self.file.set_len(self.length)?;
        }
        Ok(())
    }

    fn failed(&self, source: io::Error) -> MetricsError {
        MetricsError::Io {
            path: self.path.clone(),
            source,
        }
    }
}

/// All rows of a metrics file, also of a run that is still going on: a torn last line is passed over.
pub fn read(path: &Path) -> Result<Vec<Row>, MetricsError> {
    read_as(path)
}

/// The same, of each row only what `T` names.
pub fn read_as<T: DeserializeOwned>(path: &Path) -> Result<Vec<T>, MetricsError> {
    rows(path, |_| true)
}

/// The same, of those rows alone in which `key` is not null. The others are told by their text, since parsing them is what
/// takes time; whether they are whole, [`RunFolder::check_rows`] knows.
pub fn read_with<T: DeserializeOwned>(path: &Path, key: &str) -> Result<Vec<T>, MetricsError> {
    let key = format!("\"{key}\":");
    let is_null = |line: &str| {
        line.find(&key)
            .is_some_and(|at| line[at + key.len()..].starts_with("null"))
    };
    rows(path, |line| !is_null(line))
}

fn rows<T: DeserializeOwned>(path: &Path, is_wanted: impl Fn(&str) -> bool) -> Result<Vec<T>, MetricsError> {
    let bytes = fs::read(path).map_err(|source| MetricsError::Io {
        path: path.to_owned(),
        source,
    })?;
    let damaged = |line: usize| MetricsError::Damaged {
        path: path.to_owned(),
        line: line + 1,
    };
    let whole = whole_lines(&bytes);
    let text = std::str::from_utf8(whole).map_err(|error| {
        let before = &whole[..error.valid_up_to()];
        damaged(before.iter().filter(|&&b| b == b'\n').count())
    })?;
    let lines = text.lines().enumerate().filter(|(_, line)| is_wanted(line));
    lines
        .map(|(index, line)| serde_json::from_str(line).map_err(|_| damaged(index)))
        .collect()
}

fn hasher(bytes: &[u8]) -> crc32fast::Hasher {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(bytes);
    hasher
}

/// The bytes up to and with the last line end.
fn whole_lines(bytes: &[u8]) -> &[u8] {
    let end = bytes.iter().rposition(|&b| b == b'\n').map_or(0, |i| i + 1);
    &bytes[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(iteration: u64) -> Row {
        let mut row = Row::new();
        row.insert("iteration".into(), iteration.into());
        put(&mut row, "return", iteration as f64 / 3.0);
        row
    }

    fn filled(rows: u64) -> (tempfile::TempDir, PathBuf) {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("metrics.jsonl");
        let mut log = MetricsLog::open(&path).unwrap();
        for iteration in 1..=rows {
            log.append(&row(iteration)).unwrap();
        }
        (folder, path)
    }

    #[test]
    fn rows_come_back_as_they_were_and_at_once() {
        let (_folder, path) = filled(0);
        let mut log = MetricsLog::open(&path).unwrap();
        for iteration in 1..=3 {
            log.append(&row(iteration)).unwrap();
            assert_eq!(read(&path).unwrap().last(), Some(&row(iteration)));
        }
        assert_eq!(read(&path).unwrap(), [row(1), row(2), row(3)]);
    }

    #[test]
    fn figures_that_are_not_finite_become_null_with_the_reason_beside_them() {
        let mut row = Row::new();
        put(&mut row, "loss", f64::NAN);
        put(&mut row, "return", f64::NEG_INFINITY);
        put(&mut row, "gap", 0.5);
        assert_eq!(
            Value::Object(row).to_string(),
            r#"{"loss":null,"not_finite":{"loss":"NaN","return":"-inf"},"return":null,"gap":0.5}"#
        );
    }

    #[test]
    fn every_possible_tear_of_the_last_line_is_survived() {
        let (_folder, path) = filled(3);
        let whole = fs::read(&path).unwrap();
        let two_rows = whole.iter().enumerate().filter(|(_, b)| **b == b'\n');
        let start = two_rows.map(|(i, _)| i + 1).nth(1).unwrap();
        for cut in start..whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            assert_eq!(read(&path).unwrap(), [row(1), row(2)]);
            MetricsLog::open(&path).unwrap().append(&row(3)).unwrap();
            assert_eq!(fs::read(&path).unwrap(), whole);
        }
    }

    #[test]
    fn a_resumed_log_ends_with_the_same_bytes_as_an_uninterrupted_one() {
        let (_folder, path) = filled(9);
        let uninterrupted = fs::read(&path).unwrap();
        for checkpoint in 0..=9 {
            let mut log = MetricsLog::open(&path).unwrap();
            log.truncate_after(checkpoint).unwrap();
            assert_eq!(read(&path).unwrap().len() as u64, checkpoint);
            for iteration in checkpoint + 1..=9 {
                log.append(&row(iteration)).unwrap();
            }
            assert_eq!(fs::read(&path).unwrap(), uninterrupted);
        }
    }

    #[test]
    fn damage_inside_the_file_is_an_error_that_names_the_line() {
        let (_folder, path) = filled(3);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replacen("\"iteration\":2", "\"itera", 1)).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("metrics.jsonl:2:"), "{message}");
        assert!(MetricsLog::open(&path).unwrap().truncate_after(2).is_err());
        let mut bytes = text.into_bytes();
        let last = bytes.len() - 3;
        bytes[last] = 0xff; // no UTF-8
        fs::write(&path, bytes).unwrap();
        let message = read(&path).unwrap_err().to_string();
        assert!(message.contains("metrics.jsonl:3:"), "{message}");
    }

    #[test]
    fn rows_in_which_a_key_is_null_are_passed_over() {
        let (_folder, path) = filled(0);
        let mut log = MetricsLog::open(&path).unwrap();
        let rows = [0.5, f64::NAN, 0.0].map(|value| {
            let mut row = row(1);
            put(&mut row, "success", value);
            row
        });
        rows.iter().for_each(|row| log.append(row).unwrap());
        log.append(&row(2)).unwrap(); // says nothing of it
        let found: Vec<Row> = read_with(&path, "success").unwrap();
        assert_eq!(found, [rows[0].clone(), rows[2].clone(), row(2)]);
    }
}
