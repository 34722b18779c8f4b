//! A stochastic hill climber as a design method of one's own, with all of Tandem's command line.
//!
//! One policy learns all the time. The best design and a random step away from it take turns; the step is taken where
//! episodes earned more with it.

use std::process::ExitCode;

use serde::{Deserialize, Serialize};
use tandem::learning::design::*;
use tandem::{App, MethodEntry, core::Stream};

/// Iterations of PPO on a design before it is scored.
const INNER_ITERATIONS: usize = 4;

/// What an experiment's `methods.hill-climber` may say.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Settings {
    /// Deviation of a step, in logits of the design; 0.5 when absent.
    step: Option<f64>,
}

/// The method, which is also what a checkpoint holds.
#[derive(Serialize, Deserialize)]
struct HillClimber {
    step: f64,
    seed: u64,
    best: Vec<f64>,
    score: f64,
    tried: Vec<f64>,
    inner: Inner,
    steps: u64,
}

fn new(setup: &Setup, settings: Settings) -> Result<HillClimber, MethodError> {
    let step = settings.step.unwrap_or(0.5);
    within("step", step, [1e-3, 10.0])?;
    let (seed, best, tried) = (setup.seed, setup.start.clone(), setup.start.clone());
    Ok(HillClimber { step, seed, best, score: 0.0, tried, inner: Inner::default(), steps: 0 })
}

impl DesignOptimizer for HillClimber {
    fn design(&self) -> Vec<f64> {
        self.best.clone()
    }
    fn source(&self) -> Box<dyn DesignSource> {
        Box::new(Constant(self.tried.clone()))
    }
    fn update(&mut self, rollout: &Rollout, context: &mut Context) -> Result<PolicyChange, MethodError> {
        let Some(score) = self.inner.add(rollout, INNER_ITERATIONS) else { return Ok(PolicyChange::Keep) };
        let was_best = self.tried == self.best;
        if score.is_finite() && (was_best || score > self.score) {
            // not finite: no episode has ended yet
            (self.best, self.score) = (self.tried.clone(), score);
        }
        self.tried = self.best.clone();
        if was_best && !context.frozen {
            self.steps += 1;
            let mut stream = Stream::new(self.seed, "hill-climber", self.steps);
            self.tried.iter_mut().for_each(|logit| *logit += self.step * stream.normal());
        }
        Ok(PolicyChange::Next)
    }
    fn save(&self, archive: &mut Archive) {
        archive.put_json("hill-climber", self);
    }
    fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        archive.get_json("hill-climber").map(|stored| *self = stored)
    }
}

fn main() -> ExitCode {
    App::new().method(MethodEntry::new("hill-climber", "steps uphill from the best design", new)).run()
}
