//! How far a sweep has come, from its folders alone.

use std::path::Path;

use rayon::prelude::*;
use serde::Serialize;

use super::Task;
use super::state::{Mark, State};
use crate::progress;
use crate::run_folder::FINAL;

/// So many finished runs tell how long a step takes.
const SAMPLED: usize = 64;
/// So many runs are named in the text of each kind.
const NAMED: usize = 20;

/// Counts, time left and what is wrong: the document of `tandem sweep status --json`.
#[derive(Debug, Default, Serialize)]
pub struct Status {
    /// All runs.
    pub tasks: usize,
    /// Runs that are finished.
    pub finished: usize,
    /// Runs that a process is at.
    pub running: usize,
    /// Runs that a signal stopped.
    pub stopped: usize,
    /// Runs that wait at a rung.
    pub paused: usize,
    /// Runs whose process ended without a word.
    pub killed: usize,
    /// Runs that failed.
    pub failed: usize,
    /// Runs that nobody has begun.
    pub waiting: usize,
    /// Environment steps of the unfinished runs so far.
    pub env_steps_begun: u64,
    /// Environment steps that are left, if no run ends early.
    pub env_steps_left: u64,
    /// Seconds until the end, by the speed of finished runs and with as many at a time as there are now; null where no run
    /// is running or no speed is known.
    pub eta_seconds: Option<f64>,
    /// Runs that are running, with how far they are.
    pub at_work: Vec<AtWork>,
    /// Runs that failed or were killed.
    pub failures: Vec<Failure>,
}

/// A run that a process is at.
#[derive(Debug, Serialize)]
pub struct AtWork {
    /// Its number.
    pub task: usize,
    /// Its name.
    pub name: String,
    /// Environment steps so far.
    pub env_steps: u64,
    /// Environment steps of the whole run.
    pub of: u64,
    /// The last true success.
    pub success: Option<f64>,
    /// The process's computer.
    pub host: Option<String>,
    /// Its number there.
    pub process: u32,
    /// The scheduler's name for it.
    pub job: Option<String>,
}

/// A run that failed or was killed.
#[derive(Debug, Serialize)]
pub struct Failure {
    /// Its number.
    pub task: usize,
    /// Its name.
    pub name: String,
    /// `failed` or `killed`.
    pub state: &'static str,
    /// Its last word.
    pub message: String,
}

impl Status {
    /// Looks at the runs of the sweep in `sweep`, which are in these `states` ([`State::all`]).
    pub fn of(sweep: &Path, tasks: &[Task], states: &[State]) -> Self {
        let mark = |(task, state): (&Task, &State)| match state {
            State::Finished | State::Waiting => Mark::default(),
            _ => Mark::of(&sweep.join(&task.folder)),
        };
        let marks: Vec<Mark> = tasks.par_iter().zip(states).map(mark).collect();
        let mut status = Self {
            tasks: tasks.len(),
            ..Self::default()
        };
        let mut finished = Vec::new();
        for ((task, state), mark) in tasks.iter().zip(states).zip(&marks) {
            if *state == State::Finished {
                finished.push(task);
            } else {
                status.env_steps_begun += mark.steps;
                status.env_steps_left += task.env_steps.saturating_sub(mark.steps);
            }
            status.count(task, state, mark);
        }
        status.eta_seconds = seconds_per_step(sweep, &finished)
            .filter(|_| status.running > 0)
            .map(|speed| speed * status.env_steps_left as f64 / status.running as f64);
        status
    }

    fn count(&mut self, task: &Task, state: &State, mark: &Mark) {
        let mut failure = |message: String| {
            self.failures.push(Failure {
                task: task.task,
                name: task.name(),
                state: state.name(),
                message,
            });
        };
        match state {
            State::Finished => self.finished += 1,
            State::Stopped => self.stopped += 1,
            State::Waiting => self.waiting += 1,
            State::Paused { .. } => self.paused += 1,
            State::Killed => {
                failure("its process ended without a word; it goes on from its checkpoint".into());
                self.killed += 1;
            }
            State::Failed(message) => {
                failure(message.clone());
                self.failed += 1;
            }
            State::Running { host, process, job } => {
                self.running += 1;
                self.at_work.push(AtWork {
                    task: task.task,
                    name: task.name(),
                    env_steps: mark.steps,
                    of: task.env_steps,
                    success: mark.success,
                    host: host.clone(),
                    process: *process,
                    job: job.clone(),
                });
            }
        }
    }

    /// Counts and time left as text.
    pub fn head(&self) -> String {
        let states = [
            (self.finished, "finished"),
            (self.running, "running"),
            (self.stopped, "stopped"),
            (self.paused, "paused at a rung"),
            (self.killed, "killed"),
            (self.failed, "failed"),
            (self.waiting, "waiting"),
        ];
        let counts = states.iter().filter(|(count, _)| *count > 0);
        let counts: Vec<String> = counts.map(|(count, name)| format!("{count} {name}")).collect();
        let mut text = format!("{} runs: {}\n", self.tasks, counts.join(", "));
        if let Some(seconds) = self.eta_seconds {
            text += &format!(
                "at most {} left, {} at a time\n",
                progress::short(seconds),
                self.running
            );
        }
        text
    }

    /// All of it as text.
    pub fn text(&self) -> String {
        let mut text = self.head();
        for run in self.at_work.iter().take(NAMED) {
            let share = (100.0 * run.env_steps as f64 / run.of.max(1) as f64).min(100.0);
            let success = run
                .success
                .map_or(String::new(), |success| format!(", success {success:.2}"));
            let host = run.host.as_deref().unwrap_or("?");
            let job = run.job.as_ref().map_or(String::new(), |job| format!(", job {job}"));
            text += &format!(
                "{:>6}  {}  {share:.0} %{success}  (process {} on {host}{job})\n",
                run.task, run.name, run.process
            );
        }
        for run in self.failures.iter().take(NAMED) {
            text += &format!("{:>6}  {}  {}: {}\n", run.task, run.name, run.state, run.message);
        }
        let unnamed = self.at_work.len().saturating_sub(NAMED) + self.failures.len().saturating_sub(NAMED);
        if unnamed > 0 {
            text += &format!("and {unnamed} more; --json names all\n");
        }
        text
    }
}

/// Seconds of an environment step, from some of these finished runs.
fn seconds_per_step(sweep: &Path, finished: &[&Task]) -> Option<f64> {
    #[derive(serde::Deserialize)]
    struct Judged {
        env_steps: u64,
        seconds: f64,
    }
    let step = finished.len().div_ceil(SAMPLED).max(1);
    let read = |task: &&Task| {
        let text = std::fs::read(sweep.join(&task.folder).join(FINAL)).ok()?;
        serde_json::from_slice::<Judged>(&text).ok()
    };
    let judged: Vec<Judged> = finished.iter().step_by(step).filter_map(read).collect();
    let steps: u64 = judged.iter().map(|judged| judged.env_steps).sum();
    let seconds: f64 = judged.iter().map(|judged| judged.seconds).sum();
    (steps > 0).then(|| seconds / steps as f64)
}
