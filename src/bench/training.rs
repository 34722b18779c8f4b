//! Training speed end to end, and where the time goes.

use std::time::Instant;

use serde_json::json;
use tandem_core::Stream;
use tandem_learning::kernel::Scratch;
use tandem_learning::policy::PolicySnapshot;

use super::Entry;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::statistics::median;
use crate::trainer::Trainer;

/// The shipped experiment that is measured.
const SHIPPED: &str = include_str!("../../experiments/far.json");
/// The one with contact physics.
const TENDON: &str = include_str!("../../experiments/tendon.json");
/// Steps for which the policy's inference is measured on its own.
const INFERENCES: u32 = 20_000;

/// A training run whose speed is measured.
pub struct Case {
    /// Name of its entries.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// What the method does to its design after an update, by its part's name.
    design: &'static str,
    /// Measured iterations, after one that only warms up.
    iterations: usize,
    experiment: fn() -> Result<Experiment, Error>,
}

/// All cases.
pub const CASES: [Case; 4] = [
    Case {
        name: "shipped",
        about: "experiments/far.json, morph-conditioned, evaluation included",
        design: "proxy_fit",
        iterations: 5,
        experiment: || shipped("morph-conditioned"),
    },
    Case {
        name: "shipped_morph",
        about: "experiments/far.json, morph, evaluation included; the proxy is fitted in the update",
        design: "extraction",
        iterations: 5,
        experiment: || shipped("morph"),
    },
    Case {
        name: "tendon",
        about: "experiments/tendon.json, morph-conditioned, evaluation included: contact physics",
        design: "proxy_fit",
        iterations: 5,
        experiment: || Experiment::parse(TENDON, "tendon.json"),
    },
    Case {
        name: "small_batch",
        about: "reach2d near, fixed: 16 lanes x 128 steps, 10 epochs of 32 minibatches of 64, no evaluation",
        design: "design",
        iterations: 15,
        experiment: small_batch,
    },
];

fn shipped(method: &str) -> Result<Experiment, Error> {
    let mut experiment = Experiment::parse(SHIPPED, "far.json")?;
    experiment.method = method.into();
    Ok(experiment)
}

fn small_batch() -> Result<Experiment, Error> {
    let document = json!({
        "problem": "reach2d",
        "task": {"preset": "near"},
        "method": "fixed",
        "rollout": {"lanes": 16, "steps": 128},
        "ppo": {"epochs": 10, "minibatches": 32},
        "evaluation": {"every": 1_000_000},
    });
    Experiment::parse(&document.to_string(), "small batch")
}

/// What was measured; seconds are medians per iteration.
pub struct Speed {
    /// Name of the case.
    pub name: &'static str,
    /// Environment steps per second: steps of an iteration by the sum of `parts`.
    pub steps_per_second: f64,
    /// Seconds of the work before the first iteration: the first fit of a proxy.
    pub first_fit: f64,
    /// Names and seconds: roll-out (inference, then physics: world and hardware), update, the method's work on
    /// its design, evaluation (spread over the iterations between two of them).
    pub parts: Vec<(&'static str, f64)>,
}

impl Case {
    /// Measures it in the current thread pool.
    ///
    /// # Errors
    /// Numbers that are not finite.
    pub fn measure(&self) -> Result<Speed, Error> {
        let experiment = (self.experiment)()?;
        let mut trainer = Trainer::new(&experiment)?;
        let clock = Instant::now();
        trainer.prepare(&|| false)?;
        let first_fit = clock.elapsed().as_secs_f64();
        let mut spent = Spent::default();
        for iteration in 0..=self.iterations {
            let Some(record) = trainer.iterate()? else {
                break;
            };
            if iteration > 0 {
                spent.note(record.seconds.parts());
            }
        }
        let steps = (experiment.rollout.lanes * experiment.rollout.steps) as f64;
        let inference = steps * seconds_per_inference(&trainer.policy()) / rayon::current_num_threads().max(1) as f64;
        let rollout = spent.median("rollout");
        let parts = vec![
            ("inference", inference.min(rollout)),
            ("physics", (rollout - inference).max(0.0)),
            ("update", spent.median("update")),
            (self.design, spent.median("design")),
            (
                "evaluation",
                spent.median("evaluation") / experiment.evaluation.every as f64,
            ),
        ];
        let seconds: f64 = parts.iter().map(|(_, seconds)| seconds).sum();
        Ok(Speed {
            name: self.name,
            steps_per_second: steps / seconds,
            first_fit,
            parts,
        })
    }
}

/// Seconds of the parts of the iterations.
#[derive(Default)]
struct Spent(Vec<(&'static str, f64)>);

impl Spent {
    fn note(&mut self, parts: &[(&'static str, f64)]) {
        self.0.extend_from_slice(parts);
    }

    /// Median of a part over the iterations that had it; 0 when none had.
    fn median(&self, name: &str) -> f64 {
        let seconds: Vec<f64> = self.0.iter().filter(|p| p.0 == name).map(|p| p.1).collect();
        median(&seconds).unwrap_or(0.0)
    }
}

/// Seconds in which one thread normalises an observation, draws a command and asks the critic.
fn seconds_per_inference(policy: &PolicySnapshot) -> f64 {
    let mut stream = Stream::new(0, "inference", 0);
    let mut raw = vec![0.0; policy.input_len()];
    stream.fill_normal(&mut raw);
    let mut observation = raw.clone();
    let mut command = vec![0.0; policy.command_len()];
    let mut scratch = Scratch::default();
    let mut sum = 0.0;
    let clock = Instant::now();
    for _ in 0..INFERENCES {
        policy.normaliser().apply(&raw, &mut observation);
        sum += policy.act(&observation, &mut stream, &mut scratch, &mut command);
        sum += policy.value(&observation, &mut scratch);
    }
    std::hint::black_box(sum);
    clock.elapsed().as_secs_f64() / f64::from(INFERENCES)
}

impl Speed {
    /// `NAME` in environment steps per second, `NAME_first_fit` and `NAME_seconds_PART`.
    pub fn entries(&self) -> Vec<Entry> {
        let name = self.name;
        let mut entries = vec![
            Entry::new(name, self.steps_per_second, "environment steps/s"),
            Entry::new(format!("{name}_first_fit"), self.first_fit, "s"),
        ];
        let part =
            |(part, seconds): &(&str, f64)| Entry::new(format!("{name}_seconds_{part}"), *seconds, "s per iteration");
        entries.extend(self.parts.iter().map(part));
        entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_batch_is_what_its_name_promises() {
        let experiment = small_batch().unwrap();
        let rows = experiment.rollout.lanes * experiment.rollout.steps;
        assert_eq!((experiment.rollout.lanes, experiment.rollout.steps), (16, 128));
        assert_eq!((experiment.ppo.epochs, rows / experiment.ppo.minibatches), (10, 64));
    }

    #[test]
    fn medians_are_taken_part_by_part() {
        let mut spent = Spent::default();
        spent.note(&[("rollout", 1.0), ("update", 5.0)]);
        spent.note(&[("rollout", 9.0), ("update", 6.0), ("evaluation", 4.0)]);
        spent.note(&[("rollout", 2.0), ("update", 7.0)]);
        assert_eq!((spent.median("rollout"), spent.median("update")), (2.0, 6.0));
        assert_eq!((spent.median("evaluation"), spent.median("design")), (4.0, 0.0));
    }
}
