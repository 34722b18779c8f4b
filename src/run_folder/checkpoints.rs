//! The states to resume from: the last two are kept, each with a checksum, so that a damaged one is passed over.
//!
//! A checkpoint file is a header of 32 bytes and the trainer's own bytes:
//!
//! | bytes | content (little-endian) |
//! |---|---|
//! | 0..8 | `TANDEMCK` |
//! | 8..12 | CRC-32 of bytes 12 to the end |
//! | 12..16 | run format ([`FORMAT`]) |
//! | 16..24 | iteration |
//! | 24..32 | length of what follows |

use std::fs;
use std::path::{Path, PathBuf};

use super::{FORMAT, RunError, RunFolder, io_error};
use crate::atomic;

const MAGIC: &[u8; 8] = b"TANDEMCK";
const HEADER: usize = 32;
const ENDING: &str = "ckpt";
const BEST: &str = "checkpoints/best.safetensors";
const KEPT: usize = 2;

/// A whole checkpoint.
#[derive(Clone, Debug, PartialEq)]
pub struct Checkpoint {
    /// The iteration after which it was taken.
    pub iteration: u64,
    /// What was given to [`RunFolder::save_checkpoint`].
    pub bytes: Vec<u8>,
    /// Newer checkpoints that were passed over, with what is wrong with each: worth a warning.
    pub passed_over: Vec<String>,
}

impl RunFolder {
    /// Saves the state after `iteration` in one step, then removes all checkpoints but the last two.
    pub fn save_checkpoint(&self, iteration: u64, bytes: &[u8]) -> Result<(), RunError> {
        let path = self.checkpoint_path(iteration);
        atomic::write(&path, &encode(iteration, bytes)).map_err(io_error("write", &path))?;
        // Newer ones are remains of a history that was left behind when a damaged checkpoint was passed over.
        let (older, newer): (Vec<_>, Vec<_>) = self
            .checkpoint_files()?
            .into_iter()
            .partition(|(at, _)| *at <= iteration);
        let surplus = older.len().saturating_sub(KEPT);
        for (_, path) in older.into_iter().take(surplus).chain(newer) {
            fs::remove_file(&path).map_err(io_error("remove", &path))?;
        }
        Ok(())
    }

    /// The newest whole checkpoint; `None` where the run has not saved one yet.
    ///
    /// # Errors
    /// [`RunError::NoCheckpoint`] where there are some and all are damaged; [`RunError::Format`] where they were
    /// written in another format.
    pub fn latest_checkpoint(&self) -> Result<Option<Checkpoint>, RunError> {
        let mut passed_over = Vec::new();
        for (iteration, path) in self.checkpoint_files()?.into_iter().rev() {
            let file = fs::read(&path).map_err(io_error("read", &path))?;
            match decode(file, iteration) {
                Ok(bytes) => {
                    return Ok(Some(Checkpoint {
                        iteration,
                        bytes,
                        passed_over,
                    }));
                }
                Err(Fault::Format(found)) => return Err(RunError::Format { path, found }),
                Err(Fault::Damage(reason)) => {
                    let name = path.file_name().unwrap_or_default().to_string_lossy();
                    passed_over.push(format!("{name} {reason}"));
                }
            }
        }
        if passed_over.is_empty() {
            return Ok(None);
        }
        Err(RunError::NoCheckpoint {
            folder: self.file("checkpoints"),
            reasons: passed_over.join(", "),
        })
    }

    /// Replaces the best policy so far, `checkpoints/best.safetensors`: plain safetensors, as other programs read it.
    pub fn save_best(&self, safetensors: &[u8]) -> Result<(), RunError> {
        self.write(BEST, safetensors)
    }

    /// The best policy so far; `None` where there is none yet.
    pub fn best(&self) -> Result<Option<Vec<u8>>, RunError> {
        match self.read(BEST) {
            Err(RunError::Missing(path)) if path == self.file(BEST) => Ok(None),
            read => read.map(Some),
        }
    }

    fn checkpoint_path(&self, iteration: u64) -> PathBuf {
        self.file("checkpoints").join(format!("{iteration:08}.{ENDING}"))
    }

    /// Iteration and path of each checkpoint, oldest first.
    fn checkpoint_files(&self) -> Result<Vec<(u64, PathBuf)>, RunError> {
        let folder = self.file("checkpoints");
        let mut files = Vec::new();
        for entry in fs::read_dir(&folder).map_err(io_error("read", &folder))? {
            let path = entry.map_err(io_error("read", &folder))?.path();
            files.extend(iteration_of(&path).map(|iteration| (iteration, path)));
        }
        files.sort();
        Ok(files)
    }
}

fn iteration_of(path: &Path) -> Option<u64> {
    let is_checkpoint = path.extension()? == ENDING;
    let number = path.file_stem()?.to_str()?.parse().ok()?;
    is_checkpoint.then_some(number)
}

/// What is wrong with a checkpoint file.
enum Fault {
    Damage(&'static str),
    Format(u64),
}

fn encode(iteration: u64, bytes: &[u8]) -> Vec<u8> {
    let mut file = Vec::with_capacity(HEADER + bytes.len());
    file.extend(MAGIC);
    file.extend([0; 4]);
    file.extend((FORMAT as u32).to_le_bytes());
    file.extend(iteration.to_le_bytes());
    file.extend((bytes.len() as u64).to_le_bytes());
    file.extend(bytes);
    let sum = crc32fast::hash(&file[12..]);
    file[8..12].copy_from_slice(&sum.to_le_bytes());
    file
}

fn decode(mut file: Vec<u8>, iteration: u64) -> Result<Vec<u8>, Fault> {
    if file.len() < HEADER {
        return Err(Fault::Damage("is cut short"));
    }
    if &file[..8] != MAGIC {
        return Err(Fault::Damage("is no checkpoint"));
    }
    let number = |bytes: &[u8]| bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b));
    let (sum, format) = (number(&file[8..12]), number(&file[12..16]));
    let (named, length) = (number(&file[16..24]), number(&file[24..32]));
    if length > (file.len() - HEADER) as u64 {
        return Err(Fault::Damage("is cut short"));
    }
    if u64::from(crc32fast::hash(&file[12..])) != sum {
        return Err(Fault::Damage("has a wrong checksum"));
    }
    if format != FORMAT {
        return Err(Fault::Format(format));
    }
    if named != iteration {
        return Err(Fault::Damage("belongs to another iteration"));
    }
    file.drain(..HEADER);
    Ok(file)
}
