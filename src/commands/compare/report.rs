//! The results of the runs, and the JSON document for scripts.

use serde::Deserialize;
use serde_json::{Value, json};
use tandem_core::Stream;

use super::plan::{Job, JobState, Outcome};
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::metrics;
use crate::run_folder::{FINAL, RunError, RunFolder};
use crate::statistics::{Estimate, RESAMPLES, bootstrap, interquartile_mean, median_steps, steps_to_success};

/// What one run has found.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct RunResult {
    /// Its seed.
    pub seed: u64,
    /// Share of fresh episodes that the learnt pair solves in the true machine.
    pub success: f64,
    /// Environment steps until the problem was solved and stayed so.
    pub steps_to_success: Option<u64>,
    /// Environment steps of the whole run.
    pub env_steps: u64,
    /// Questions put to the hardware model.
    pub hardware_queries: u64,
    /// Seconds of computing.
    pub seconds: f64,
    /// Environment steps and true success at each evaluation.
    pub curve: Vec<(f64, f64)>,
}

/// One method on one experiment.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Group {
    /// Name of the experiment.
    pub experiment: String,
    /// Name of its problem.
    pub problem: String,
    /// Name of the method.
    pub method: String,
    /// The finished runs, by seed.
    pub runs: Vec<RunResult>,
    /// Seed and message of the runs that failed.
    pub failed: Vec<(u64, String)>,
}

impl Group {
    /// Interquartile mean of success over the seeds, with its bootstrap interval.
    pub fn success(&self) -> Option<Estimate> {
        let scores: Vec<f64> = self.runs.iter().map(|run| run.success).collect();
        let mut stream = Stream::new(0, "bootstrap", 0);
        bootstrap(&[&scores], interquartile_mean, RESAMPLES, &mut stream)
    }

    /// Steps to success of each finished run.
    pub fn steps(&self) -> Vec<Option<u64>> {
        self.runs.iter().map(|run| run.steps_to_success).collect()
    }

    /// Number of runs that solved the problem.
    pub fn solved(&self) -> usize {
        self.steps().iter().flatten().count()
    }
}

/// Reads the runs and sorts them into groups.
///
/// # Errors
/// Files that are missing or damaged; a run that turned out to be of another experiment.
pub(super) fn collect(jobs: &[Job], outcomes: &[Option<Outcome>]) -> Result<Vec<Group>, Error> {
    let mut groups: Vec<Group> = Vec::new();
    for (job, outcome) in jobs.iter().zip(outcomes) {
        let same = |group: &Group| group.experiment == job.experiment && group.method == job.method;
        if !groups.last().is_some_and(same) {
            groups.push(Group {
                experiment: job.experiment.clone(),
                problem: job.problem.clone(),
                method: job.method.clone(),
                runs: Vec::new(),
                failed: Vec::new(),
            });
        }
        let Some(group) = groups.last_mut() else {
            continue;
        };
        match outcome {
            Some(Outcome::Finished) => group.runs.push(read(job)?),
            Some(Outcome::Failed(message)) => group.failed.push((job.seed, message.clone())),
            Some(Outcome::Stopped) | None => group.failed.push((job.seed, "not finished".into())),
        }
    }
    Ok(groups)
}

fn read(job: &Job) -> Result<RunResult, Error> {
    // Its experiment file may have been edited between the start of the comparison and that of the run.
    if job.state()? != JobState::Finished {
        return Err(RunError::Missing(job.folder.join(FINAL)).into());
    }
    let run = RunFolder::view(&job.folder)?;
    let damaged = |reason: String| {
        let path = job.folder.join(FINAL);
        Error::from(RunError::Damaged { path, reason })
    };
    let judged: Evaluation = run.read_json(FINAL)?;
    let success = judged.success.ok_or_else(|| damaged("it lacks success".into()))?;
    run.check_rows()?;
    let rows = metrics::read_as(&run.metrics())?;
    Ok(summarise(job.seed, &judged, success.mean, &rows))
}

/// What a comparison reads of a row of `metrics.jsonl`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(default)]
pub(super) struct Progress {
    pub env_steps: Option<u64>,
    pub true_success: Option<f64>,
}

fn summarise(seed: u64, judged: &Evaluation, success: f64, rows: &[Progress]) -> RunResult {
    let history: Vec<(u64, Option<f64>)> = rows
        .iter()
        .filter_map(|row| Some((row.env_steps?, row.true_success)))
        .collect();
    RunResult {
        seed,
        success,
        steps_to_success: steps_to_success(&history),
        env_steps: judged.env_steps,
        hardware_queries: judged.hardware_queries,
        seconds: judged.seconds,
        curve: history
            .iter()
            .filter_map(|&(steps, success)| Some((steps as f64, success?)))
            .collect(),
    }
}

/// The document of `tandem compare --json`; `problem` and `experiment` at its top are null where there are
/// several experiments, and stand in each row in any case.
pub(super) fn document(groups: &[Group]) -> Value {
    let alone = |of: fn(&Group) -> &String| {
        let first = groups.first().map(of);
        first.filter(|name| groups.iter().all(|group| of(group) == *name))
    };
    json!({
        "problem": alone(|group| &group.problem),
        "experiment": alone(|group| &group.experiment),
        "rows": groups.iter().map(row).collect::<Vec<_>>(),
    })
}

fn row(group: &Group) -> Value {
    let success = group.success();
    let runs: Vec<Value> = group
        .runs
        .iter()
        .map(|run| {
            json!({
                "seed": run.seed,
                "success": run.success,
                "steps_to_success": run.steps_to_success,
                "env_steps": run.env_steps,
                "hardware_queries": run.hardware_queries,
                "seconds": run.seconds,
            })
        })
        .collect();
    let failed = group
        .failed
        .iter()
        .map(|(seed, message)| json!({"seed": seed, "message": message}));
    json!({
        "experiment": group.experiment,
        "problem": group.problem,
        "method": group.method,
        "success": {
            "iqm": success.map(|e| e.value), "low": success.map(|e| e.low), "high": success.map(|e| e.high),
        },
        "steps_to_success": {
            "median": median_steps(&group.steps()), "solved": group.solved(), "of": group.runs.len(),
        },
        "runs": runs,
        "failed": failed.collect::<Vec<_>>(),
    })
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A run that was solved at `solved`, if at all.
    pub fn run(seed: u64, success: f64, solved: Option<u64>) -> RunResult {
        RunResult {
            seed,
            success,
            steps_to_success: solved,
            env_steps: 2_000_000 + 1000 * seed,
            hardware_queries: 1_500_000,
            seconds: 90.0,
            curve: vec![(1e6, 0.5), (2e6, success)],
        }
    }

    pub fn group(experiment: &str, method: &str, runs: Vec<RunResult>) -> Group {
        Group {
            experiment: experiment.into(),
            problem: "reach2d".into(),
            method: method.into(),
            runs,
            failed: Vec::new(),
        }
    }

    #[test]
    fn a_run_is_described_by_its_final_judgement_and_its_metrics() {
        let judged = Evaluation {
            env_steps: 500,
            hardware_queries: 70,
            seconds: 1.5,
            ..Evaluation::default()
        };
        let rows = [
            (100, Some(0.5)),
            (200, None),
            (300, Some(0.8)),
            (400, Some(1.0)),
            (500, Some(0.9)),
        ]
        .map(|(steps, true_success)| Progress {
            env_steps: Some(steps),
            true_success,
        });
        let run = summarise(4, &judged, 0.9, &rows);
        assert_eq!((run.seed, run.success, run.steps_to_success), (4, 0.9, Some(300)));
        assert_eq!(run.curve, [(100.0, 0.5), (300.0, 0.8), (400.0, 1.0), (500.0, 0.9)]);
    }

    #[test]
    fn the_document_has_the_keys_that_scripts_rely_on() {
        let runs = vec![
            run(0, 1.0, Some(400_000)),
            run(1, 0.9, Some(600_000)),
            run(2, 0.2, None),
        ];
        let mut morph = group("far", "morph", runs);
        morph.failed.push((3, "no space".into()));
        let document = document(&[morph.clone()]);
        assert_eq!(
            (&document["problem"], &document["experiment"]),
            (&json!("reach2d"), &json!("far"))
        );
        let row = &document["rows"][0];
        assert_eq!(row["method"], "morph");
        assert_eq!(row["success"]["iqm"], json!((1.0 + 0.9 + 0.2) / 3.0));
        assert!(row["success"]["low"].as_f64() < row["success"]["high"].as_f64());
        assert_eq!(
            row["steps_to_success"],
            json!({"median": 600_000.0, "solved": 2, "of": 3})
        );
        assert_eq!(
            row["runs"][2],
            json!({
                "seed": 2, "success": 0.2, "steps_to_success": null, "env_steps": 2_002_000,
                "hardware_queries": 1_500_000, "seconds": 90.0,
            })
        );
        assert_eq!(row["failed"], json!([{"seed": 3, "message": "no space"}]));

        let several = super::document(&[morph, group("near", "morph", Vec::new())]);
        assert_eq!(several["experiment"], Value::Null);
        assert_eq!(several["rows"][1]["experiment"], "near");
        assert_eq!(several["rows"][1]["success"]["iqm"], Value::Null, "no run, no number");
    }
}
