//! The results of runs, and the runs that belong together: same experiment, method and settings.

use std::path::Path;

use rayon::prelude::*;
use serde_json::{Map, Value};
use tandem_core::Stream;

use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::run_folder::{FINAL, RunError, RunFolder};
use crate::statistics::{Estimate, RESAMPLES, bootstrap, interquartile_mean, median_steps, steps_to_success};
use crate::sweep::Task;
use crate::sweep::state::{Progress, State, evaluations};

/// Most points that are kept of a run's curve: a picture shows no more.
const CURVE_POINTS: usize = 200;

/// The method that learns control alone.
pub const FIXED: &str = "fixed";
/// Its setting: the design that it learns to control, where that is not the start design.
pub const KNOWN_DESIGN: &str = "methods.fixed.design";

/// What one run has found.
#[derive(Clone, Debug, PartialEq)]
pub struct RunResult {
    /// Number of its task.
    pub task: usize,
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

/// A run without a result.
#[derive(Clone, Debug, PartialEq)]
pub struct Missing {
    /// Number of its task.
    pub task: usize,
    /// Its seed.
    pub seed: u64,
    /// How far it has come ([`State::name`]).
    pub state: &'static str,
    /// Why it is missing.
    pub message: String,
}

/// The runs of one experiment, method and combination of settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Group {
    /// Name of the experiment.
    pub experiment: String,
    /// Name of its problem.
    pub problem: String,
    /// Name of the method.
    pub method: String,
    /// Number of the combination of settings, among those of this experiment and method.
    pub setting: usize,
    /// The settings that are varied, by dotted path.
    pub settings: Map<String, Value>,
    /// The finished runs, by seed.
    pub runs: Vec<RunResult>,
    /// The others.
    pub missing: Vec<Missing>,
}

impl Group {
    /// Success of the finished runs.
    pub fn scores(&self) -> Vec<f64> {
        self.runs.iter().map(|run| run.success).collect()
    }

    /// Interquartile mean of success over the seeds, with its bootstrap interval.
    pub fn success(&self) -> Option<Estimate> {
        let mut stream = Stream::new(0, "bootstrap", 0);
        bootstrap(&[&self.scores()], interquartile_mean, RESAMPLES, &mut stream)
    }

    /// Steps to success of each finished run.
    pub fn steps(&self) -> Vec<Option<u64>> {
        self.runs.iter().map(|run| run.steps_to_success).collect()
    }

    /// Number of runs that solved the problem.
    pub fn solved(&self) -> usize {
        self.steps().iter().flatten().count()
    }

    /// Whether this is control alone, on a design that is known.
    pub fn is_known(&self) -> bool {
        self.method == FIXED && self.settings.contains_key(KNOWN_DESIGN)
    }

    /// The price of not knowing the design: median steps to success by those of control alone on the `known` one. None where
    /// either has not solved the problem in half of its seeds.
    pub fn price(&self, known: &Group) -> Option<f64> {
        match self.is_known() {
            true => None,
            false => Some(median_steps(&self.steps())? / median_steps(&known.steps())?),
        }
    }

    /// The settings as text: `ppo.rate=0.001, ppo.epochs=2`; empty where none is varied.
    pub fn settings_text(&self) -> String {
        settings_text(&self.settings)
    }

    /// Method and settings.
    pub fn label(&self) -> String {
        match self.settings.is_empty() {
            true => self.method.clone(),
            false => format!("{}, {}", self.method, self.settings_text()),
        }
    }
}

/// Settings as text: `ppo.rate=0.001, ppo.epochs=2`.
pub fn settings_text(settings: &Map<String, Value>) -> String {
    let text = |(path, value): (&String, &Value)| match path.as_str() {
        KNOWN_DESIGN => "known design".into(), // its numbers are in the runs' files
        path => format!("{path}={value}"),
    };
    settings.iter().map(text).collect::<Vec<_>>().join(", ")
}

/// Reads the runs of the sweep in `sweep` and sorts them into groups. `why` may know more of a run without a result.
pub fn collect(sweep: &Path, tasks: &[Task], why: impl Fn(usize) -> Option<String> + Sync) -> Vec<Group> {
    let read = |task: &Task| read(sweep, task, &why);
    let results: Vec<Result<RunResult, Missing>> = tasks.par_iter().map(read).collect();
    let mut groups: Vec<Group> = Vec::new();
    for (task, result) in tasks.iter().zip(results) {
        let same = |g: &Group| (&g.experiment, &g.method, g.setting) == (&task.experiment, &task.method, task.setting);
        if !groups.last().is_some_and(same) {
            groups.push(Group {
                experiment: task.experiment.clone(),
                problem: task.problem.clone(),
                method: task.method.clone(),
                setting: task.setting,
                settings: task.settings.clone(),
                runs: Vec::new(),
                missing: Vec::new(),
            });
        }
        let Some(group) = groups.last_mut() else { continue };
        match result {
            Ok(run) => group.runs.push(run),
            Err(missing) => group.missing.push(missing),
        }
    }
    groups
}

fn read(sweep: &Path, task: &Task, why: &impl Fn(usize) -> Option<String>) -> Result<RunResult, Missing> {
    let missing = |state: &'static str, message: String| Missing {
        task: task.task,
        seed: task.seed,
        state,
        message,
    };
    let state = State::of(task, sweep);
    let own = match &state {
        State::Finished => {
            let result = read_run(&sweep.join(&task.folder), task);
            return result.map_err(|error| missing("damaged", error.to_string()));
        }
        State::Failed(message) => message.clone(),
        State::Killed => "its process ended without a word".into(),
        State::Paused { env_steps, score } => {
            let success = 100.0 * score.success;
            format!(
                "at {env_steps} of {} environment steps, true success {success:.1} %",
                task.env_steps
            )
        }
        State::Running { .. } => "a process is at it".into(),
        State::Stopped => "it goes on from its checkpoint".into(),
        State::Waiting => "nobody has begun it".into(),
    };
    Err(missing(state.name(), why(task.task).unwrap_or(own)))
}

fn read_run(folder: &Path, task: &Task) -> Result<RunResult, Error> {
    let run = RunFolder::view(folder)?;
    let judged: Evaluation = run.read_json(FINAL)?;
    let success = judged.success.ok_or_else(|| {
        let (path, reason) = (folder.join(FINAL), "it lacks success".into());
        Error::from(RunError::Damaged { path, reason })
    })?;
    run.check_rows()?;
    Ok(summarise(task, &judged, success.mean, &evaluations(folder)?))
}

fn summarise(task: &Task, judged: &Evaluation, success: f64, rows: &[Progress]) -> RunResult {
    let history: Vec<(u64, Option<f64>)> = rows
        .iter()
        .filter_map(|row| Some((row.env_steps?, row.true_success)))
        .collect();
    let curve: Vec<(f64, f64)> = history
        .iter()
        .filter_map(|&(steps, success)| Some((steps as f64, success?)))
        .collect();
    RunResult {
        task: task.task,
        seed: task.seed,
        success,
        steps_to_success: steps_to_success(&history),
        env_steps: judged.env_steps,
        hardware_queries: judged.hardware_queries,
        seconds: judged.seconds,
        curve: thinned(curve),
    }
}

/// At most [`CURVE_POINTS`] and the last one.
fn thinned(curve: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let step = curve.len().div_ceil(CURVE_POINTS).max(1);
    let last = curve.len().saturating_sub(1);
    let kept = curve
        .into_iter()
        .enumerate()
        .filter(|(i, _)| i % step == 0 || *i == last);
    kept.map(|(_, point)| point).collect()
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// A run that was solved at `solved`, if at all.
    pub(crate) fn run(seed: u64, success: f64, solved: Option<u64>) -> RunResult {
        RunResult {
            task: seed as usize,
            seed,
            success,
            steps_to_success: solved,
            env_steps: 2_000_000 + 1000 * seed,
            hardware_queries: 1_500_000,
            seconds: 90.0,
            curve: vec![(1e6, 0.5), (2e6, success)],
        }
    }

    pub(crate) fn group(experiment: &str, method: &str, runs: Vec<RunResult>) -> Group {
        Group {
            experiment: experiment.into(),
            problem: "reach2d".into(),
            method: method.into(),
            setting: 0,
            settings: Map::new(),
            runs,
            missing: Vec::new(),
        }
    }

    pub(crate) fn failed(seed: u64, message: &str) -> Missing {
        Missing {
            task: seed as usize,
            seed,
            state: "failed",
            message: message.into(),
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
            true_return: None,
        });
        let task = Task {
            seed: 4,
            ..Task::default()
        };
        let run = summarise(&task, &judged, 0.9, &rows);
        assert_eq!((run.seed, run.success, run.steps_to_success), (4, 0.9, Some(300)));
        assert_eq!(run.curve, [(100.0, 0.5), (300.0, 0.8), (400.0, 1.0), (500.0, 0.9)]);
    }

    #[test]
    fn long_curves_keep_their_ends() {
        let curve: Vec<(f64, f64)> = (0..1000).map(|i| (f64::from(i), 0.0)).collect();
        let thin = thinned(curve);
        assert!(thin.len() <= CURVE_POINTS + 1 && thin[0].0 == 0.0 && thin[thin.len() - 1].0 == 999.0);
        assert_eq!(thinned(vec![(1.0, 2.0)]), [(1.0, 2.0)]);
    }
}
