//! A run's folder: everything that one training leaves behind.
//!
//! ```text
//! experiment.json   what was run, complete (JSON experiment with every --set applied)
//! meta.json         where it came from: version, command, host, commit
//! metrics.jsonl     one row per iteration (crate::metrics)
//! design.json       the hardware, with units and bounds
//! checksums.json    of every file that is read back ([`checksums`])
//! checkpoints/      the last two states to resume from, and the best policy
//! evaluation/       what `tandem evaluate` found
//! events.out.tfevents.*  the same figures for TensorBoard (crate::tensorboard)
//! model-DIGEST/     files that the experiment names: a robot's model ([`crate::registry::Files`])
//! ```
//!
//! The folder appears in one step, and one process at a time writes into it: the lock ends with the process,
//! however that ends. Readers take no lock.

mod checkpoints;
pub(crate) mod checksums;
mod difference;
mod meta;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::atomic;
use crate::output::quoted;
use crate::registry::BundledFile;
pub use checkpoints::Checkpoint;
pub(crate) use difference::first_difference;
pub use meta::{FORMAT, Meta};
pub(crate) use meta::{host, now};

/// Where the result of a finished run stands.
pub const FINAL: &str = "evaluation/final.json";
const METRICS: &str = "metrics.jsonl";
const LOCK_TRIES: usize = 10;
const LOCK_PAUSE: Duration = Duration::from_millis(30);
const SUBFOLDERS: [&str; 2] = ["checkpoints", "evaluation"];
/// Where older versions wrote TensorBoard's event files.
const OLD_EVENTS: &str = "tensorboard";

/// Why a run folder cannot be made, opened, read or written.
#[derive(Debug, thiserror::Error)]
pub enum RunError {
    /// `create` met a folder with something in it, or a file.
    #[error(
        "{} already exists and is not empty; name another folder with --out, or continue it with --resume {}",
        .0.display(), quoted(.0)
    )]
    Taken(PathBuf),
    /// There is nothing at the path.
    #[error("{}: there is no such run folder", .0.display())]
    Absent(PathBuf),
    /// The folder was not made by Tandem.
    #[error("{} is no run folder: it has no meta.json", .0.display())]
    Foreign(PathBuf),
    /// The run was written in a format that this version does not read.
    #[error(
        "{} has run format {found}, and this version of Tandem reads format {FORMAT}; use the version that wrote it",
        path.display()
    )]
    Format {
        /// The run folder.
        path: PathBuf,
        /// The number in its `meta.json`.
        found: u64,
    },
    /// A file that every run has is not there.
    #[error("{} is missing: the run folder is incomplete", .0.display())]
    Missing(PathBuf),
    /// A file is there, but what it holds is not what was written.
    #[error("{} is damaged: {reason}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// Another process writes this run.
    #[error("{} is in use: another process is writing this run", .0.display())]
    Busy(PathBuf),
    /// There are checkpoints, and not one is whole.
    #[error("no checkpoint in {} is whole ({reasons}), so the run cannot be resumed", folder.display())]
    NoCheckpoint {
        /// The folder of checkpoints.
        folder: PathBuf,
        /// What is wrong with each.
        reasons: String,
    },
    /// The file system refuses.
    #[error("cannot {action} {}: {}", path.display(), plain(source))]
    Io {
        /// "read", "write" or "make".
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// What the file system said.
        source: io::Error,
    },
}

/// The file system's error as text.
fn plain(error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => "the disk is full".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::ReadOnlyFilesystem => "the disk is read-only".into(),
        _ => error.to_string(),
    }
}

pub(crate) fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> RunError {
    let path = path.to_owned();
    move |source| RunError::Io { action, path, source }
}

/// An open run folder.
#[derive(Debug)]
pub struct RunFolder {
    path: PathBuf,
    /// Held while this process writes the run; `None` for readers.
    _lock: Option<File>,
}

impl RunFolder {
    /// Makes a new run folder and locks it. The folder appears complete or not at all.
    ///
    /// # Errors
    /// [`RunError::Taken`] where something is there already; [`RunError::Io`] where nothing can be written.
    pub fn create(path: &Path, experiment: &Value, files: &[BundledFile], meta: &Meta) -> Result<Self, RunError> {
        let is_empty = |path: &Path| fs::read_dir(path).is_ok_and(|mut e| e.next().is_none());
        if fs::symlink_metadata(path).is_ok() && !is_empty(path) {
            return Err(RunError::Taken(path.to_owned()));
        }
        let parent = atomic::folder_of(path);
        atomic::create_folders(parent).map_err(io_error("make", parent))?;
        let scratch = atomic::scratch_beside(path).map_err(io_error("make", path))?;
        let lock = fill(&scratch, experiment, files, meta).and_then(|lock| {
            // Taking the final name fails where another process was faster.
            fs::rename(&scratch, path).map_err(|error| match error.kind() {
                io::ErrorKind::DirectoryNotEmpty | io::ErrorKind::AlreadyExists | io::ErrorKind::NotADirectory => {
                    RunError::Taken(path.to_owned())
                }
                _ => io_error("make", path)(error),
            })?;
            Ok(lock)
        });
        let lock = lock.inspect_err(|_| {
            let _ = fs::remove_dir_all(&scratch); // the first error is the one to report
        })?;
        atomic::sync_folder(parent).map_err(io_error("write", parent))?;
        Ok(Self {
            path: path.to_owned(),
            _lock: lock,
        })
    }

    /// Makes a run folder with a name of its own, [`default_name`], with `-2`, `-3`, ... where that is taken.
    pub fn create_default(
        runs: &Path,
        stem: &str,
        experiment: &Value,
        files: &[BundledFile],
        meta: &Meta,
    ) -> Result<Self, RunError> {
        let mut path = runs.join(stem);
        let mut number = 1u64;
        loop {
            match Self::create(&path, experiment, files, meta) {
                Err(RunError::Taken(_)) => {
                    number += 1;
                    path = runs.join(format!("{stem}-{number}"));
                }
                result => return result,
            }
        }
    }

    /// Opens an existing run for writing (to resume it), locks it, and removes what a kill left half-written.
    ///
    /// # Errors
    /// [`RunError::Busy`] where another process writes it, and everything that [`RunFolder::view`] reports.
    pub fn open(path: &Path) -> Result<Self, RunError> {
        let mut run = Self::view(path)?;
        run._lock = lock(path)?;
        let folders = SUBFOLDERS.map(|name| run.file(name));
        for folder in folders.into_iter().chain([path.to_owned()]) {
            atomic::remove_scratch(&folder).map_err(io_error("clean", &folder))?;
        }
        Ok(run)
    }

    /// Opens an existing run for reading, also while another process writes it.
    ///
    /// # Errors
    /// The folder is absent, foreign, incomplete, damaged or of another format.
    pub fn view(path: &Path) -> Result<Self, RunError> {
        if !path.is_dir() {
            return Err(RunError::Absent(path.to_owned()));
        }
        let run = Self {
            path: path.to_owned(),
            _lock: None,
        };
        run.meta()?;
        let folders = SUBFOLDERS.map(|name| run.file(name));
        if let Some(missing) = folders.into_iter().find(|folder| !folder.is_dir()) {
            return Err(RunError::Missing(missing));
        }
        run.experiment()?;
        Ok(run)
    }

    /// The folder.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The path of a file in the folder, for example `design.json` or `evaluation/final.json`.
    pub fn file(&self, name: &str) -> PathBuf {
        self.path.join(name)
    }

    /// The path of `metrics.jsonl`.
    pub fn metrics(&self) -> PathBuf {
        self.file(METRICS)
    }

    /// The folder of TensorBoard's event files: the run's own, whose name TensorBoard then shows; a run of an older version
    /// goes on where its files are.
    pub fn tensorboard(&self) -> PathBuf {
        let old = self.file(OLD_EVENTS);
        match old.is_dir() {
            true => old,
            false => self.path.clone(),
        }
    }

    /// The experiment that the run was made from.
    pub fn experiment(&self) -> Result<Value, RunError> {
        self.read_json("experiment.json")
    }

    /// Where the run comes from.
    pub fn meta(&self) -> Result<Meta, RunError> {
        let path = self.file("meta.json");
        // The format comes first: another version may keep no checksums, or others.
        let text = match fs::read(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return Err(RunError::Foreign(self.path.clone()));
            }
            other => other.map_err(io_error("read", &path))?,
        };
        let value: Value = serde_json::from_slice(&text).map_err(|e| damaged(&path, &e))?;
        match value.get("format").and_then(Value::as_u64) {
            Some(FORMAT) => serde_json::from_value(self.read_json("meta.json")?).map_err(|e| damaged(&path, &e)),
            Some(found) => Err(RunError::Format {
                path: self.path.clone(),
                found,
            }),
            None => Err(RunError::Foreign(self.path.clone())),
        }
    }

    /// Replaces a JSON file of the run, for example `design.json`, in one step ([`atomic::write`]).
    pub fn write_json(&self, name: &str, value: &impl serde::Serialize) -> Result<(), RunError> {
        write_json(&self.path, name, value)
    }

    /// Replaces a file of the run that is read back, in one step, with its checksum.
    pub fn write(&self, name: &str, bytes: &[u8]) -> Result<(), RunError> {
        checksums::write(&self.path, name, bytes).map_err(io_error("write", &self.file(name)))
    }

    /// Removes a file that no longer holds; one that is not there is no error.
    pub fn forget(&self, name: &str) -> Result<(), RunError> {
        let path = self.file(name);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(io_error("remove", &path)(error)),
            _ => Ok(()),
        }
    }

    /// A file that [`RunFolder::write`] wrote.
    ///
    /// # Errors
    /// [`RunError::Missing`], [`RunError::Damaged`] or [`RunError::Io`].
    pub fn read(&self, name: &str) -> Result<Vec<u8>, RunError> {
        checksums::read(&self.path, name)
    }

    /// Whether the files that the experiment names are what came into the folder.
    ///
    /// # Errors
    /// [`RunError::Missing`], [`RunError::Damaged`] or [`RunError::Io`].
    pub fn check_bundled(&self) -> Result<(), RunError> {
        let names = checksums::names(&self.path).map_err(io_error("read", &self.path))?;
        let bundled = |name: &&String| name.contains('/') && !SUBFOLDERS.iter().any(|folder| name.starts_with(folder));
        names
            .iter()
            .filter(bundled)
            .try_for_each(|name| self.read(name).map(drop))
    }

    /// Whether the rows of `metrics.jsonl` are what was written up to the last checkpoint.
    ///
    /// # Errors
    /// [`RunError::Damaged`] where they are not, and what the file system says.
    pub fn check_rows(&self) -> Result<(), RunError> {
        checksums::check_beginning(&self.path, METRICS)
    }

    /// A JSON file of the run.
    ///
    /// # Errors
    /// [`RunError::Missing`], [`RunError::Damaged`] or [`RunError::Io`].
    pub fn read_json<T: DeserializeOwned>(&self, name: &str) -> Result<T, RunError> {
        serde_json::from_slice(&self.read(name)?).map_err(|e| damaged(&self.file(name), &e))
    }
}

fn damaged(path: &Path, reason: &dyn ToString) -> RunError {
    RunError::Damaged {
        path: path.to_owned(),
        reason: reason.to_string(),
    }
}

/// `NAME-METHOD-sSEED`, with every character that a shell or a file system might mind replaced by `-`.
pub fn default_name(name: &str, method: &str, seed: u64) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let text = format!("{name}-{method}-s{seed}");
    let name: String = text.chars().map(|c| if harmless(c) { c } else { '-' }).collect();
    name.trim_start_matches(['.', '-']).to_owned()
}

/// Makes the folder at `path` with all that a new run has, and locks it.
fn fill(path: &Path, experiment: &Value, files: &[BundledFile], meta: &Meta) -> Result<Option<File>, RunError> {
    fs::create_dir(path).map_err(io_error("make", path))?;
    for name in SUBFOLDERS {
        let folder = path.join(name);
        fs::create_dir(&folder).map_err(io_error("make", &folder))?;
    }
    for file in files {
        let to = path.join(&file.path);
        let name = file.path.to_string_lossy();
        fs::create_dir_all(atomic::folder_of(&to)).map_err(io_error("make", &to))?;
        checksums::write(path, &name, &file.bytes).map_err(io_error("write", &to))?;
    }
    write_json(path, "experiment.json", experiment)?;
    write_json(path, "meta.json", meta)?;
    lock(path)
}

fn write_json(folder: &Path, name: &str, value: &impl serde::Serialize) -> Result<(), RunError> {
    let path = folder.join(name);
    let text = serde_json::to_string_pretty(value).map_err(|e| damaged(&path, &e))?;
    checksums::write(folder, name, format!("{text}\n").as_bytes()).map_err(io_error("write", &path))
}

fn lock(folder: &Path) -> Result<Option<File>, RunError> {
    let path = folder.join(atomic::LOCK);
    let file = File::options()
        .append(true)
        .create(true)
        .open(&path)
        .map_err(io_error("write", &path))?;
    // A process that has just ended, or a program that it is just starting, may hold the lock for a moment longer.
    for _ in 0..LOCK_TRIES {
        match file.try_lock() {
            Ok(()) => return Ok(Some(file)),
            Err(TryLockError::WouldBlock) => std::thread::sleep(LOCK_PAUSE),
            // Some network file systems have no locks; a run there is better than none.
            Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => {
                return Ok(None);
            }
            Err(TryLockError::Error(error)) => return Err(io_error("lock", &path)(error)),
        }
    }
    Err(RunError::Busy(folder.to_owned()))
}

#[cfg(test)]
mod tests;
