//! Progress of the runs: one live line on a terminal, occasional plain lines where stderr is a file.

use std::fs::File;
use std::io::{IsTerminal, Read, Seek, SeekFrom};
use std::path::Path;
use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressStyle};

use super::plan::{Job, JobState, Outcome};
use super::report::Progress;
use crate::output::note;

/// Interval at which the runs' metrics are polled.
const POLL_INTERVAL: Duration = Duration::from_secs(1);
/// Time between two plain lines.
const PLAIN_PAUSE: Duration = Duration::from_secs(60);
/// The last rows of a metrics file are found in this many bytes.
const TAIL: u64 = 65_536;

/// A run as far as it has got.
#[derive(Clone, Debug, Default, PartialEq)]
struct Mark {
    steps: u64,
    success: Option<f64>,
}

/// Shows how the runs get on.
pub(super) struct Live<'a> {
    jobs: &'a [Job],
    marks: Vec<Mark>,
    /// Environment steps of each run when the comparison began.
    first: Vec<u64>,
    open: Vec<bool>,
    began: Instant,
    polled: Option<Instant>,
    printed: Instant,
    bar: Option<ProgressBar>,
}

impl<'a> Live<'a> {
    /// Begins to show these runs.
    pub fn new(jobs: &'a [Job], states: &[JobState]) -> Self {
        let marks: Vec<Mark> = jobs.iter().map(|job| mark(&job.folder.join("metrics.jsonl"))).collect();
        let bar = std::io::stderr().is_terminal().then(|| {
            let style = ProgressStyle::with_template("{wide_msg}");
            ProgressBar::new_spinner().with_style(style.unwrap_or_else(|_| ProgressStyle::default_spinner()))
        });
        Self {
            first: marks.iter().map(|mark| mark.steps).collect(),
            open: states.iter().map(|state| *state != JobState::Finished).collect(),
            marks,
            jobs,
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
            self.marks[index] = mark(&self.jobs[index].folder.join("metrics.jsonl"));
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
        let job = &self.jobs[index];
        self.marks[index] = mark(&job.folder.join("metrics.jsonl"));
        let what = match &outcome {
            Outcome::Finished => "done".into(),
            Outcome::Stopped => "stopped, checkpoint saved".into(),
            Outcome::Failed(message) => format!("failed: {message} (see {})", job.log().display()),
        };
        self.say(&format!("[{}/{}] {}: {what}", self.done(), self.jobs.len(), job.name()));
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

    fn done(&self) -> usize {
        self.open.iter().filter(|open| !**open).count()
    }

    fn line(&self, running: &[usize], elapsed: Duration) -> String {
        let mut parts = vec![format!("{}/{} runs done", self.done(), self.jobs.len())];
        if let Some(left) = self.time_left(elapsed) {
            parts.push(format!("at most {} left", time(left)));
        }
        for &index in running {
            let (job, mark) = (&self.jobs[index], &self.marks[index]);
            let share = 100.0 * mark.steps as f64 / job.end.max(1) as f64;
            let success = mark.success.map_or(String::new(), |s| format!(", success {s:.2}"));
            parts.push(format!("{} {share:.0} %{success}", job.name()));
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
                self.jobs[i].end.saturating_sub(self.marks[i].steps)
            } else {
                0
            }
        };
        let left: u64 = (0..self.jobs.len()).map(left).sum();
        (passed > 0).then(|| elapsed.as_secs_f64() * left as f64 / passed as f64)
    }
}

/// A length of time in words, from seconds.
fn time(seconds: f64) -> String {
    match seconds {
        s if s < 90.0 => format!("{s:.0} s"),
        s if s < 5400.0 => format!("{:.0} min", s / 60.0),
        s => format!("{:.1} h", s / 3600.0),
    }
}

/// Environment steps and the last true success of a metrics file; nothing where there is none yet.
fn mark(path: &Path) -> Mark {
    let mut found = Mark::default();
    for line in tail(path).unwrap_or_default().lines() {
        // The first line may be cut, and the last one may still be on its way.
        let Ok(row) = serde_json::from_str::<Progress>(line) else {
            continue;
        };
        found.steps = row.env_steps.unwrap_or(found.steps);
        found.success = row.true_success.or(found.success);
    }
    found
}

fn tail(path: &Path) -> std::io::Result<String> {
    let mut file = File::open(path)?;
    let length = file.seek(SeekFrom::End(0))?;
    file.seek(SeekFrom::Start(length.saturating_sub(TAIL)))?;
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn job(folder: &Path, seed: u64) -> Job {
        let name = format!("near-morph-s{seed}");
        std::fs::create_dir(folder.join(&name)).unwrap();
        Job {
            experiment: "near".into(),
            file: "near.json".into(),
            problem: "reach2d".into(),
            method: "morph".into(),
            seed,
            folder: folder.join(name),
            end: 1000,
            wanted: json!({}),
        }
    }

    fn write(job: &Job, rows: &[(u64, Option<f64>)]) {
        let text: String = rows
            .iter()
            .map(|(steps, success)| json!({"env_steps": steps, "true_success": success}).to_string() + "\n")
            .collect();
        std::fs::write(job.folder.join("metrics.jsonl"), text + "{\"env_st").unwrap();
    }

    #[test]
    fn the_line_names_running_runs_and_the_time_that_is_left() {
        let root = tempfile::tempdir().unwrap();
        let jobs = [job(root.path(), 0), job(root.path(), 1), job(root.path(), 2)];
        write(&jobs[1], &[(200, Some(0.25))]);
        let mut live = Live::new(&jobs, &[JobState::Finished, JobState::Stopped, JobState::Absent]);
        write(&jobs[1], &[(200, Some(0.25)), (500, None)]);
        live.update([1].into_iter());
        // 300 steps in 30 s; 500 steps are left of this run and 1000 of the next one.
        let line = live.line(&[1], Duration::from_secs(30));
        assert_eq!(
            line,
            "1/3 runs done; at most 2 min left; near-morph-s1 50 %, success 0.25"
        );
    }

    #[test]
    fn only_the_end_of_a_long_metrics_file_is_read() {
        let root = tempfile::tempdir().unwrap();
        let job = job(root.path(), 0);
        let rows: Vec<(u64, Option<f64>)> = (1..=5000).map(|i| (i, (i % 5 == 0).then_some(0.5))).collect();
        write(&job, &rows);
        let path = job.folder.join("metrics.jsonl");
        assert!(std::fs::metadata(&path).unwrap().len() > 2 * TAIL);
        assert_eq!(
            mark(&path),
            Mark {
                steps: 5000,
                success: Some(0.5)
            }
        );
        assert_eq!(mark(&root.path().join("none")), Mark::default());
    }
}
