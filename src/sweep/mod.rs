//! Many runs of one plan: on this machine, or as tasks of a cluster's scheduler, which needs to know nothing but their
//! numbers.
//!
//! ```text
//! DIR/plan.json                    the plan, as it was written
//! DIR/manifest.jsonl               one line a run: number, settings, seed, folder, and the complete experiment
//! DIR/model-DIGEST/                files that experiments name
//! DIR/runs/NAME/                   the run folders
//! DIR/runs/NAME.attempts.jsonl     who began it and how that ended; locked while it is being run
//! DIR/runs/NAME.log                its messages, where the local engine ran it
//! DIR/slurm/                       batch scripts, their logs, and what was submitted
//! DIR/summary/                     tables and plots
//! ```
//!
//! The manifest is complete: experiments may be edited after a sweep was planned. A task can be run any number of times,
//! by anybody who knows its number: a finished run is left as it is, a stopped one goes on, and of two at once the second
//! one is told who is at it.

pub mod attempts;
pub mod halving;
mod live;
pub mod local;
pub mod manifest;
pub mod plan;
pub mod run;
pub mod score;
pub mod settings;
pub mod slurm;
pub mod state;
pub mod status;
pub mod summary;

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::registry::BundledFile;
use halving::Halving;

/// One run of a sweep.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Task {
    /// Its number, from 0.
    pub task: usize,
    /// Name of the experiment: its file without folder and ending.
    pub experiment: String,
    /// Name of the problem.
    pub problem: String,
    /// Name of the method.
    pub method: String,
    /// Number of the combination of settings, among those of this experiment and method.
    pub setting: usize,
    /// The settings that are varied, by dotted path.
    pub settings: Map<String, Value>,
    /// Seed of the run.
    pub seed: u64,
    /// Environment steps of the whole run, unless it ends early.
    pub env_steps: u64,
    /// The run folder, from the sweep's folder.
    pub folder: PathBuf,
    /// Where the run pauses to be compared, in a plan that says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub halving: Option<Halving>,
}

impl Task {
    /// Name of the run: that of its folder.
    pub fn name(&self) -> String {
        self.folder
            .file_name()
            .map_or(String::new(), |name| name.to_string_lossy().into_owned())
    }

    /// Who began it and how that ended ([`attempts`]).
    pub fn attempts(&self, sweep: &Path) -> PathBuf {
        self.beside(sweep, ".attempts.jsonl")
    }

    /// A file beside the run folder, with its name and this ending.
    fn beside(&self, sweep: &Path, ending: &str) -> PathBuf {
        let mut path = sweep.join(&self.folder).into_os_string();
        path.push(ending);
        path.into()
    }

    /// The log of the run's messages, where the local engine runs it.
    pub fn log(&self, sweep: &Path) -> PathBuf {
        self.beside(sweep, ".log")
    }
}

/// A run with everything it takes.
#[derive(Clone, Debug)]
pub struct Planned {
    /// The run.
    pub task: Task,
    /// Its complete experiment; relative paths start at the sweep's folder.
    pub config: Value,
    /// Files that the experiment names; of runs that share them, the first one has them.
    pub files: Vec<BundledFile>,
}
