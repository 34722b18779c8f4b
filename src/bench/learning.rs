//! PPO on the classic problems against published scores: the proof that it learns.
//!
//! Every run is an ordinary experiment of `experiments/classic` under the ordinary trainer. Judged is the
//! present policy, not the best one: mean actions, frozen statistics, raw rewards, fresh start states. A gate is
//! passed when *every* seed passes it. Seeds run side by side, one thread each.

use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::json;
use tandem_core::Stream;

use super::Entry;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::judge::{Actions, Judge, Starts, World};
use crate::registry;
use crate::statistics::{Estimate, RESAMPLES, bootstrap, mean};
use crate::trainer::Trainer;

/// Episodes per judgement.
pub const EPISODES: usize = 100;

/// A bar for the mean return of [`EPISODES`] episodes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bar {
    /// Passed from here upwards.
    AtLeast(f64),
    /// Passed from here downwards: the run must fail to learn.
    AtMost(f64),
}

impl Bar {
    /// Whether a score passes.
    pub fn passes(self, score: f64) -> bool {
        match self {
            Self::AtLeast(bar) => score >= bar,
            Self::AtMost(bar) => score <= bar,
        }
    }
}

/// One run per seed, and what it has to reach.
#[derive(Clone, Copy, Debug)]
pub struct Case {
    /// Name in tables.
    pub name: &'static str,
    /// The experiment file's text.
    experiment: &'static str,
    /// Whether cut episodes are bootstrapped, as they should be.
    bootstrap: bool,
    /// Environment steps at which the policy is judged (at the first iteration that reaches them), and bars.
    pub gates: &'static [(u64, Bar)],
}

macro_rules! case {
    ($name:literal, $file:literal, $bootstrap:literal, $gates:expr) => {
        Case {
            name: $name,
            experiment: include_str!(concat!("../../experiments/classic/", $file, ".json")),
            bootstrap: $bootstrap,
            gates: $gates,
        }
    };
}

/// All cases. The bars are what good implementations reach (CleanRL, RL Zoo, Tianshou), with a little room.
///
/// The last two are a pair: with the settings of MuJoCo tasks Pendulum, whose episodes are all cut, is learnt only
/// if the cut is worth the final observation's value. CleanRL, which counts it as a termination, reports -1142.
pub const CASES: &[Case] = &[
    case!("cartpole", "cartpole", true, &[(150_000, Bar::AtLeast(475.0))]),
    case!("acrobot", "acrobot", true, &[(300_000, Bar::AtLeast(-100.0))]),
    case!("pendulum", "pendulum", true, &[(100_000, Bar::AtLeast(-250.0))]),
    case!(
        "inverted-pendulum",
        "inverted-pendulum",
        true,
        &[(150_000, Bar::AtLeast(950.0))]
    ),
    case!(
        "reacher",
        "reacher",
        true,
        &[(300_000, Bar::AtLeast(-7.0)), (1_000_000, Bar::AtLeast(-5.0))]
    ),
    case!(
        "inverted-double-pendulum",
        "inverted-double-pendulum",
        true,
        &[(400_000, Bar::AtLeast(8500.0))]
    ),
    case!(
        "pendulum-mujoco",
        "pendulum-mujoco",
        true,
        &[(98_304, Bar::AtLeast(-500.0))]
    ),
    case!(
        "pendulum-mujoco-no-bootstrap",
        "pendulum-mujoco",
        false,
        &[(98_304, Bar::AtMost(-800.0))]
    ),
];

impl Case {
    /// The case of this name.
    pub fn named(name: &str) -> Option<&'static Self> {
        CASES.iter().find(|case| case.name == name)
    }

    /// Its experiment with this seed.
    ///
    /// # Errors
    /// None for the cases of [`CASES`], which the tests read.
    pub fn experiment(&self, seed: u64) -> Result<Experiment, Error> {
        let mut experiment = Experiment::parse(self.experiment, self.name)?;
        experiment.seed = seed;
        experiment.ppo.bootstrap_truncation = self.bootstrap;
        Ok(experiment)
    }

    /// Trains one seed; returns the score at each gate.
    ///
    /// # Errors
    /// Numbers that are not finite.
    pub fn train(&self, seed: u64) -> Result<Vec<f64>, Error> {
        let experiment = self.experiment(seed)?;
        let mut trainer = Trainer::new(&experiment)?;
        trainer.prepare(&|| false)?;
        let mut scores = Vec::new();
        while let Some(record) = trainer.iterate()? {
            let passed = self.gates.get(scores.len());
            if passed.is_some_and(|(steps, _)| record.counters.env_steps >= *steps) {
                scores.push(judge(&experiment, &trainer)?);
            }
        }
        Ok(scores)
    }
}

/// Mean return of the present policy over fresh episodes.
fn judge(experiment: &Experiment, trainer: &Trainer) -> Result<f64, Error> {
    let instance = registry::problem(experiment)?;
    let design = instance.problem.hardware().space().start();
    let starts = Starts {
        name: "learning-bench",
        seed: experiment.seed,
        episodes: EPISODES,
    };
    let mut judge = Judge::new(&*instance.problem);
    let policy = trainer.policy();
    let judgement = judge.judge(&policy, &design, Actions::Mean, &World::Full, starts)?;
    Ok(judgement.mean_return())
}

/// All seeds of one gate.
#[derive(Clone, Debug)]
pub struct Verdict {
    /// Name of the case.
    pub name: &'static str,
    /// Environment steps at which it was judged.
    pub env_steps: u64,
    /// Scores by seed.
    pub scores: Vec<f64>,
    /// What had to be reached.
    pub bar: Bar,
}

impl Verdict {
    /// Mean over the seeds with its 95 % bootstrap interval.
    pub fn estimate(&self) -> Option<Estimate> {
        let mut stream = Stream::new(0, "bootstrap", 0);
        bootstrap(&[&self.scores], mean, RESAMPLES, &mut stream)
    }

    /// The seed that is farthest on the wrong side.
    pub fn worst(&self) -> f64 {
        let scores = self.scores.iter().copied();
        match self.bar {
            Bar::AtLeast(_) => scores.fold(f64::INFINITY, f64::min),
            Bar::AtMost(_) => scores.fold(f64::NEG_INFINITY, f64::max),
        }
    }

    /// Whether every seed passes.
    pub fn passed(&self) -> bool {
        self.scores.iter().all(|&score| self.bar.passes(score))
    }

    /// As an entry of `tandem bench --json`.
    pub fn entry(&self) -> Entry {
        let estimate = self.estimate();
        let value = estimate.map_or(f64::NAN, |e| e.value);
        let name = format!("{}_{}", self.name, self.env_steps);
        let mut entry = Entry::new(name, value, "mean return");
        let (direction, bar) = match self.bar {
            Bar::AtLeast(bar) => ("at_least", bar),
            Bar::AtMost(bar) => ("at_most", bar),
        };
        for (key, value) in [
            ("low", json!(estimate.map(|e| e.low))),
            ("high", json!(estimate.map(|e| e.high))),
            ("worst", json!(self.worst())),
            ("scores", json!(self.scores)),
            (direction, json!(bar)),
            ("passed", json!(self.passed())),
        ] {
            entry.details.insert(key.into(), value);
        }
        entry
    }
}

/// Trains seeds 0 to `seeds` - 1 of these cases on `threads` threads; `done` is called for each finished seed.
///
/// # Errors
/// The first run that fails.
pub fn learn(
    cases: &[&Case],
    seeds: u64,
    threads: usize,
    done: impl Fn(&Case, u64, &[f64]) + Sync,
) -> Result<Vec<Verdict>, Error> {
    let jobs: Vec<(&Case, u64)> = cases
        .iter()
        .flat_map(|&case| (0..seeds).map(move |seed| (case, seed)))
        .collect();
    let next = AtomicUsize::new(0);
    // a pool of one thread each: in a common pool a run that waits for its environments would take up another run
    let worker = || -> Result<Vec<(usize, Vec<f64>)>, Error> {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build();
        let pool = pool.map_err(|error| Error::Run(format!("no thread: {error}")))?;
        let mut found = Vec::new();
        while let Some((job, (case, seed))) = take(&next, &jobs) {
            let scores = pool.install(|| case.train(*seed))?;
            done(case, *seed, &scores);
            found.push((job, scores));
        }
        Ok(found)
    };
    let found: Vec<Result<Vec<_>, Error>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads.max(1)).map(|_| scope.spawn(worker)).collect();
        let join = |worker: std::thread::ScopedJoinHandle<_>| {
            worker.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
        };
        workers.into_iter().map(join).collect()
    });
    let mut found = found.into_iter().collect::<Result<Vec<_>, _>>()?.concat();
    found.sort_by_key(|(job, _)| *job);
    let scores: Vec<Vec<f64>> = found.into_iter().map(|(_, scores)| scores).collect();
    Ok(verdicts(cases, seeds, &scores))
}

fn take<'a, T>(next: &AtomicUsize, jobs: &'a [T]) -> Option<(usize, &'a T)> {
    let job = next.fetch_add(1, Ordering::Relaxed);
    jobs.get(job).map(|item| (job, item))
}

/// One verdict per gate; `scores` are by case, then seed, then gate.
fn verdicts(cases: &[&Case], seeds: u64, scores: &[Vec<f64>]) -> Vec<Verdict> {
    let by_case = cases.iter().zip(scores.chunks(seeds.max(1) as usize));
    let of_case = |(case, runs): (&&Case, &[Vec<f64>])| -> Vec<Verdict> {
        let verdict = |(gate, &(env_steps, bar)): (usize, &(u64, Bar))| Verdict {
            name: case.name,
            env_steps,
            scores: runs.iter().filter_map(|run| run.get(gate).copied()).collect(),
            bar,
        };
        case.gates.iter().enumerate().map(verdict).collect()
    };
    by_case.flat_map(of_case).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_case_is_a_valid_experiment_that_reaches_its_gates() {
        for case in CASES {
            let experiment = case.experiment(3).unwrap();
            assert_eq!((experiment.seed, experiment.method.as_str()), (3, "fixed"));
            let last = case.gates.last().unwrap().0;
            assert_eq!(experiment.schedule.env_steps, last, "{}", case.name);
            assert_eq!(experiment.schedule.fine_tune, 0.0, "{}", case.name);
        }
    }

    #[test]
    fn a_gate_is_passed_only_if_the_worst_seed_passes() {
        let verdict = |bar| Verdict {
            name: "x",
            env_steps: 1,
            scores: vec![480.0, 470.0, 500.0],
            bar,
        };
        let high = verdict(Bar::AtLeast(475.0));
        assert_eq!((high.worst(), high.passed()), (470.0, false));
        let low = verdict(Bar::AtMost(500.0));
        assert_eq!((low.worst(), low.passed()), (500.0, true));
        assert_eq!(high.estimate().unwrap().value, 1450.0 / 3.0);
    }

    #[test]
    fn scores_find_their_gates() {
        let case = Case::named("reacher").unwrap();
        let found = verdicts(&[case], 2, &[vec![-6.0, -4.0], vec![-5.0, -3.0]]);
        assert_eq!(found.len(), 2);
        assert_eq!((found[0].env_steps, &found[0].scores), (300_000, &vec![-6.0, -5.0]));
        assert_eq!((found[1].env_steps, &found[1].scores), (1_000_000, &vec![-4.0, -3.0]));
    }
}
