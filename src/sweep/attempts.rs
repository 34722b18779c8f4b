//! `NAME.attempts.jsonl`: who began a run, where, and how that ended. Whoever runs it holds a lock on this file; the lock
//! ends with the process, however that ends, so that an attempt without an end and without a lock was killed.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::score::Score;
use super::slurm;
use crate::atomic;
use crate::error::Error;
use crate::interrupt;
use crate::run_folder::{host, now};

/// How often one who waits looks again.
const PAUSE: Duration = Duration::from_millis(200);
/// A reader holds the lock for a moment, and so does a program that has just ended: it is tried this often.
const TRIES: usize = 5;
const TRY_PAUSE: Duration = Duration::from_millis(30);

/// A line of the file.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// A process began the run, or went on with it.
    Began {
        /// UTC.
        at: String,
        /// Name of its computer.
        host: Option<String>,
        /// Its number there.
        process: u32,
        /// The scheduler's name for it.
        job: Option<String>,
    },
    /// The run has reached a rung and pauses there: the attempt's end.
    Rung {
        /// UTC.
        at: String,
        /// Environment steps so far.
        env_steps: u64,
        /// What it scored.
        score: Score,
    },
    /// It ended.
    Ended {
        /// UTC.
        at: String,
        /// How.
        how: End,
        /// The last word, where it was not finished.
        message: Option<String>,
    },
}

/// How an attempt ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum End {
    /// The run is finished.
    Finished,
    /// A signal stopped it; it goes on from its checkpoint.
    Stopped,
    /// It failed.
    Failed,
}

/// Holds a run for this process.
#[derive(Clone, Debug)]
pub struct Hold {
    path: PathBuf,
    /// `None` once the end is written.
    file: Arc<Mutex<Option<File>>>,
}

impl Hold {
    /// Takes the run whose attempts stand at `path`. `what` names it in messages; `wait`: until it is free, else
    /// [`Error::Busy`] says who has it.
    ///
    /// # Errors
    /// [`Error::Busy`]; [`Error::Paused`] where a signal ends the waiting; a file that cannot be written.
    pub fn take(path: &Path, what: &str, wait: bool) -> Result<Self, Error> {
        let cannot = |error: io::Error| Error::Run(format!("cannot write {}: {error}", path.display()));
        let folder = atomic::folder_of(path);
        atomic::create_folders(folder).map_err(cannot)?;
        let mut file = File::options().append(true).create(true).open(path).map_err(cannot)?;
        for tries in 1.. {
            match file.try_lock() {
                Ok(()) => break,
                // Some network file systems have no locks; a run there is better than none.
                Err(TryLockError::Error(error)) if error.kind() == io::ErrorKind::Unsupported => break,
                Err(TryLockError::Error(error)) => return Err(cannot(error)),
                Err(TryLockError::WouldBlock) if interrupt::requested().is_some() => {
                    return Err(Error::Paused(format!(
                        "{what}: stopped while it waited for another process"
                    )));
                }
                Err(TryLockError::WouldBlock) if wait => std::thread::sleep(PAUSE),
                Err(TryLockError::WouldBlock) if tries < TRIES => std::thread::sleep(TRY_PAUSE),
                Err(TryLockError::WouldBlock) => return Err(Error::Busy(busy(what, path))),
            }
        }
        let is_torn = fs::read(path)
            .map_err(cannot)?
            .last()
            .is_some_and(|last| *last != b'\n');
        if is_torn {
            file.write_all(b"\n").map_err(cannot)?;
        }
        Ok(Self {
            path: path.to_owned(),
            file: Arc::new(Mutex::new(Some(file))),
        })
    }

    /// Writes that the run begins, or goes on.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn begin(&self) -> Result<(), Error> {
        let began = Event::Began {
            at: now(),
            host: host(),
            process: std::process::id(),
            job: slurm::job(),
        };
        match &mut *self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner) {
            Some(file) => append(file, &began).map_err(|error| self.cannot(&error)),
            None => Ok(()),
        }
    }

    /// Writes how the attempt ended, once, and lets go.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn end(&self, how: End, message: Option<String>) -> Result<(), Error> {
        self.let_go(&[Event::Ended {
            at: now(),
            how,
            message,
        }])
    }

    /// Writes that the run has reached so many rungs and, unless it is finished, pauses there; lets go.
    ///
    /// # Errors
    /// A file that cannot be written.
    pub fn reach(&self, env_steps: u64, score: Score, rungs: usize) -> Result<(), Error> {
        let rung = Event::Rung {
            at: now(),
            env_steps,
            score,
        };
        self.let_go(&vec![rung; rungs])
    }

    fn let_go(&self, events: &[Event]) -> Result<(), Error> {
        let mut file = self.file.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let Some(mut file) = file.take() else {
            return Ok(());
        };
        let written = events.iter().try_for_each(|event| append(&mut file, event));
        written.map_err(|error| self.cannot(&error))
    }

    fn cannot(&self, error: &io::Error) -> Error {
        Error::Run(format!("cannot write {}: {error}", self.path.display()))
    }
}

fn append(file: &mut File, event: &Event) -> io::Result<()> {
    let line = serde_json::to_string(event)? + "\n";
    file.write_all(line.as_bytes()).and_then(|()| file.sync_data())
}

fn busy(what: &str, path: &Path) -> String {
    format!("{what} is being run by {}; --wait waits for it", holder(path))
}

/// Who began the run whose attempts stand at `path` last, where that has not ended.
pub fn holder(path: &Path) -> String {
    match read(path).into_iter().next_back() {
        Some(Event::Began { at, host, process, job }) => {
            let job = job.map_or(String::new(), |job| format!(", job {job}"));
            let host = host.unwrap_or_else(|| "a computer without a name".into());
            format!("process {process} on {host}{job}, since {at}")
        }
        _ => "another process".into(),
    }
}

/// All attempts so far; none where there is no such file. Torn lines are passed over.
pub fn read(path: &Path) -> Vec<Event> {
    let text = fs::read(path).unwrap_or_default();
    let lines = text.split(|&byte| byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok()).collect()
}

/// Whether a process holds the run.
pub fn is_held(path: &Path) -> bool {
    let file = File::open(path);
    file.is_ok_and(|file| matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_second_one_is_told_who_is_at_it_and_may_wait() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("runs/a.attempts.jsonl");
        let hold = Hold::take(&path, "task 3 (a)", false).unwrap();
        hold.begin().unwrap();
        assert!(is_held(&path));
        let message = Hold::take(&path, "task 3 (a)", false).unwrap_err();
        assert_eq!(message.exit_code(), 4);
        let process = format!("task 3 (a) is being run by process {} on ", std::process::id());
        assert!(message.to_string().starts_with(&process), "{message}");
        let second = std::thread::scope(|scope| {
            let second = scope.spawn(|| Hold::take(&path, "task 3 (a)", true));
            std::thread::sleep(PAUSE / 2);
            hold.end(End::Stopped, Some("SIGTERM".into())).unwrap();
            hold.end(End::Failed, None).unwrap();
            second.join().unwrap().unwrap()
        });
        second.begin().unwrap();
        drop(second); // killed
        assert!(!is_held(&path));
        let events = read(&path);
        let how = |event: &Event| matches!(event, Event::Ended { how: End::Stopped, .. });
        assert!(events.len() == 3 && how(&events[1]), "{events:?}");
    }

    #[test]
    fn a_torn_line_is_passed_over() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.attempts.jsonl");
        fs::write(&path, "{\"event\":\"beg").unwrap();
        Hold::take(&path, "a", false).unwrap().end(End::Finished, None).unwrap();
        assert_eq!(read(&path).len(), 1);
        assert_eq!(read(&folder.path().join("none")), []);
    }
}
