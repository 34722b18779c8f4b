//! What is known of a run from its folder and its attempts.

use std::fs::{self, File};
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use rayon::prelude::*;
use serde::Deserialize;
use serde_json::Value;

use super::attempts::{self, End, Event};
use super::score::Score;
use super::{Planned, Task};
use crate::error::Error;
use crate::experiment_file::Checked;
use crate::metrics::{self, MetricsError};
use crate::registry;
use crate::run_folder::{FINAL, RunError, RunFolder, first_difference};

/// The last rows of a metrics file are found in this many bytes.
const TAIL: u64 = 65_536;

/// What is left to do for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Left {
    /// Nothing: it is only read.
    Nothing,
    /// It stopped somewhere: it goes on.
    Rest,
    /// Everything.
    All,
}

impl Planned {
    /// What is left to do for this run of the sweep in `sweep`.
    ///
    /// # Errors
    /// A folder that is no run folder, or one that was made from another experiment.
    pub fn left(&self, sweep: &Path) -> Result<Left, Error> {
        let folder = sweep.join(&self.task.folder);
        let is_empty = || fs::read_dir(&folder).is_ok_and(|mut e| e.next().is_none());
        if fs::symlink_metadata(&folder).is_err() || is_empty() {
            return Ok(Left::All);
        }
        let run = RunFolder::view(&folder)?;
        if let Some(difference) = first_difference(&stored(&run)?, &self.config, "") {
            return Err(Error::Input(format!(
                "{} holds a run of another experiment: {difference}; name another folder with --out, or remove it",
                folder.display()
            )));
        }
        match run.read_json::<Value>(FINAL) {
            Ok(_) => Ok(Left::Nothing),
            // a judgement that is damaged is made again, from the last checkpoint
            Err(RunError::Missing(_) | RunError::Damaged { .. }) => Ok(Left::Rest),
            Err(error) => Err(error.into()),
        }
    }
}

/// The experiment of a run with every default filled in, which runs of older versions did not store.
fn stored(run: &RunFolder) -> Result<Value, Error> {
    let whole = Checked::from_run(run).and_then(|read| registry::bundle(&read.experiment, &read.instance));
    match whole
        .ok()
        .and_then(|(experiment, _)| serde_json::to_value(experiment).ok())
    {
        Some(experiment) => Ok(experiment),
        None => Ok(run.experiment()?),
    }
}

/// How far a run has come.
#[derive(Clone, Debug, PartialEq)]
pub enum State {
    /// It is finished.
    Finished,
    /// A process is at it.
    Running {
        /// Its computer.
        host: Option<String>,
        /// Its number there.
        process: u32,
        /// The scheduler's name for it.
        job: Option<String>,
    },
    /// A signal stopped it, and its checkpoint is saved.
    Stopped,
    /// Its process ended without a word: it was killed, or its computer went down.
    Killed,
    /// It waits at a rung, with what it scored there ([`super::halving`]).
    Paused {
        /// Environment steps so far.
        env_steps: u64,
        /// Its score.
        score: Score,
    },
    /// It failed, with its last word.
    Failed(String),
    /// Nobody has begun it.
    Waiting,
}

impl State {
    /// The state's name in tables and documents.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Finished => "finished",
            Self::Running { .. } => "running",
            Self::Stopped => "stopped",
            Self::Killed => "killed",
            Self::Paused { .. } => "paused",
            Self::Failed(_) => "failed",
            Self::Waiting => "waiting",
        }
    }

    /// The states of these runs of the sweep in `sweep`.
    pub fn all(tasks: &[Task], sweep: &Path) -> Vec<Self> {
        tasks.par_iter().map(|task| Self::of(task, sweep)).collect()
    }

    /// The state of a run of the sweep in `sweep`.
    pub fn of(task: &Task, sweep: &Path) -> Self {
        let folder = sweep.join(&task.folder);
        if folder.join(FINAL).exists() {
            return Self::Finished;
        }
        let path = task.attempts(sweep);
        match attempts::read(&path).into_iter().next_back() {
            Some(Event::Began { host, process, job, .. }) if attempts::is_held(&path) => {
                Self::Running { host, process, job }
            }
            Some(Event::Began { .. }) => Self::Killed,
            Some(Event::Ended {
                how: End::Failed,
                message,
                ..
            }) => Self::Failed(message.unwrap_or_default()),
            Some(Event::Rung { env_steps, score, .. }) => Self::Paused { env_steps, score },
            Some(Event::Ended { .. }) => Self::Stopped,
            None if folder.exists() => Self::Stopped,
            None => Self::Waiting,
        }
    }
}

/// The rows of a run folder's metrics that have a true evaluation.
///
/// # Errors
/// Metrics that cannot be read.
pub fn evaluations(folder: &Path) -> Result<Vec<Progress>, MetricsError> {
    metrics::read_with(&folder.join("metrics.jsonl"), "true_success")
}

/// What is read of a row of `metrics.jsonl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub struct Progress {
    /// Environment steps so far.
    pub env_steps: Option<u64>,
    /// Share of solved episodes, where there was a true evaluation.
    pub true_success: Option<f64>,
    /// Mean return of the same episodes.
    pub true_return: Option<f64>,
}

/// A run as far as it has got.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Mark {
    /// Environment steps.
    pub steps: u64,
    /// The last true success.
    pub success: Option<f64>,
}

impl Mark {
    /// Environment steps and the last true success of a run folder; nothing where there is none yet.
    pub fn of(folder: &Path) -> Self {
        let mut found = Self::default();
        for line in tail(&folder.join("metrics.jsonl")).unwrap_or_default().lines() {
            // The first line may be cut, and the last one may still be on its way.
            let Ok(row) = serde_json::from_str::<Progress>(line) else {
                continue;
            };
            found.steps = row.env_steps.unwrap_or(found.steps);
            found.success = row.true_success.or(found.success);
        }
        found
    }
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// The last line of a file with something in it.
pub fn last_line(path: &Path) -> Option<String> {
    let text = tail(path).ok()?;
    let line = text.split(['\n', '\r']).rfind(|line| !line.trim().is_empty())?;
    Some(line.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_the_end_of_a_long_metrics_file_is_read() {
        let folder = tempfile::tempdir().unwrap();
        let row =
            |i: u64| json!({"env_steps": i, "true_success": i.is_multiple_of(5).then_some(0.5)}).to_string() + "\n";
        let text: String = (1..=5000).map(row).collect();
        assert!(text.len() as u64 > 2 * TAIL);
        fs::write(folder.path().join("metrics.jsonl"), text + "{\"env_st").unwrap();
        let success = Some(0.5);
        assert_eq!(Mark::of(folder.path()), Mark { steps: 5000, success });
        assert_eq!(Mark::of(&folder.path().join("none")), Mark::default());
    }

    #[test]
    fn the_last_word_is_the_last_line_with_something_in_it() {
        let folder = tempfile::tempdir().unwrap();
        let log = folder.path().join("a.log");
        fs::write(&log, "step 1\ntandem: the disk is full\n\n").unwrap();
        assert_eq!(last_line(&log).as_deref(), Some("tandem: the disk is full"));
        assert_eq!(last_line(&folder.path().join("none")), None);
    }
}
