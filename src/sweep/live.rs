//! Progress of the runs: one live line on a terminal, occasional plain lines where stderr is a file.

use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::Task;
use super::local::Outcome;
use super::state::Mark;
use crate::output::note;
use crate::progress;

/// Interval at which the runs' metrics are polled.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Time between two plain lines.
const PLAIN_PAUSE: Duration = Duration::from_secs(60);

/// Shows how the runs get on.
pub struct Live<'a> {
    sweep: &'a Path,
    tasks: &'a [Task],
    marks: Vec<Mark>,
    /// Environment steps of each run when this began.
    first: Vec<u64>,
    open: Vec<bool>,
    began: Instant,
    polled: Option<Instant>,
    printed: Instant,
    bar: Option<ProgressBar>,
}

impl<'a> Live<'a> {
    /// Begins to show these runs of the sweep in `sweep`; `open`: those that are not finished.
    pub fn new(sweep: &'a Path, tasks: &'a [Task], open: Vec<bool>) -> Self {
        let marks = |(task, open): (&Task, &bool)| match open {
            true => Mark::of(&sweep.join(&task.folder)),
            false => Mark::default(), // nothing is said of it
        };
        let marks: Vec<Mark> = tasks.iter().zip(&open).map(marks).collect();
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{wide_msg}");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self {
            first: marks.iter().map(|mark| mark.steps).collect(),
            open,
            marks,
            sweep,
            tasks,
            began: Instant::now(),
            polled: None,
            printed: Instant::now(),
            bar,
        }
    }

    /// Looks at the runs' metrics and shows the line when the last one is old enough.
    pub fn update(&mut self, running: impl Iterator<Item = usize>) {
        if self.polled.is_some_and(|at| at.elapsed() < POLL_INTERVAL) {
            return;
        }
        self.polled = Some(Instant::now());
        let running: Vec<usize> = running.collect();
        for &index in &running {
            self.look(index);
        }
        let line = self.line(&running, self.began.elapsed());
        if let Some(bar) = &self.bar {
            bar.set_message(line);
        } else if self.printed.elapsed() >= PLAIN_PAUSE {
            self.printed = Instant::now();
            self.say(&line);
        }
    }

    /// Takes note that a run has ended, and says so.
    pub fn ended(&mut self, index: usize, outcome: Outcome) -> Outcome {
        self.open[index] = false;
        self.look(index);
        let task = &self.tasks[index];
        let what = match &outcome {
            Outcome::Finished => "done".into(),
            Outcome::Stopped => "stopped, checkpoint saved".into(),
            Outcome::Failed(message) => format!("failed: {message} (see {})", task.log(self.sweep).display()),
            Outcome::Paused => "pauses at a rung".into(),
            Outcome::Busy(who) => format!("left to {who}"),
        };
        self.say(&format!(
            "[{}/{}] {}: {what}",
            self.done(),
            self.tasks.len(),
            task.name()
        ));
        outcome
    }

    /// A line of its own that stays.
    pub fn say(&self, text: &str) {
        let print = || note!("{text}");
        match &self.bar {
            Some(bar) => bar.suspend(print),
            None => print(),
        }
    }

    /// Takes the live line away.
    pub fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    fn look(&mut self, index: usize) {
        self.marks[index] = Mark::of(&self.sweep.join(&self.tasks[index].folder));
    }

    fn done(&self) -> usize {
        self.open.iter().filter(|open| !**open).count()
    }

    fn line(&self, running: &[usize], elapsed: Duration) -> String {
        let mut parts = vec![format!("{}/{} runs done", self.done(), self.tasks.len())];
        if let Some(left) = self.time_left(elapsed) {
            parts.push(format!("at most {} left", progress::short(left)));
        }
        for &index in running {
            let (task, mark) = (&self.tasks[index], &self.marks[index]);
            let share = (100.0 * mark.steps as f64 / task.env_steps.max(1) as f64).min(100.0);
            let success = mark.success.map_or(String::new(), |s| format!(", success {s:.2}"));
            parts.push(format!("{} {share:.0} %{success}", task.name()));
        }
        parts.join("; ")
    }

    /// Seconds for the steps that are left at the speed so far; early ends are not foreseen.
    fn time_left(&self, elapsed: Duration) -> Option<f64> {
        let passed: u64 = self
            .marks
            .iter()
            .zip(&self.first)
            .map(|(mark, first)| mark.steps.saturating_sub(*first))
            .sum();
        let left = |i: usize| {
            if self.open[i] {
                self.tasks[i].env_steps.saturating_sub(self.marks[i].steps)
            } else {
                0
            }
        };
        let left: u64 = (0..self.tasks.len()).map(left).sum();
        (passed > 0).then(|| elapsed.as_secs_f64() * left as f64 / passed as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_line_names_running_runs_and_the_time_that_is_left() {
        let root = tempfile::tempdir().unwrap();
        let task = |seed: u64| Task {
            folder: format!("near-morph-s{seed}").into(),
            env_steps: 1000,
            ..Task::default()
        };
        let tasks = [task(0), task(1), task(2)];
        let write = |rows: &[(u64, Option<f64>)]| {
            let row = |(steps, success)| json!({"env_steps": steps, "true_success": success}).to_string() + "\n";
            let text: String = rows.iter().copied().map(row).collect();
            std::fs::write(root.path().join("near-morph-s1/metrics.jsonl"), text).unwrap();
        };
        std::fs::create_dir(root.path().join("near-morph-s1")).unwrap();
        write(&[(200, Some(0.25))]);
        let mut live = Live::new(root.path(), &tasks, vec![false, true, true]);
        write(&[(200, Some(0.25)), (500, None)]);
        live.update([1].into_iter());
        // 300 steps in 30 s; 500 steps are left of this run and 1000 of the next one.
        let line = live.line(&[1], Duration::from_secs(30));
        assert_eq!(
            line,
            "1/3 runs done; at most 2 min 30 s left; near-morph-s1 50 %, success 0.25"
        );
    }
}
