//! `random`: designs drawn at random, each given a stretch of PPO; the best is kept with its policy.
//!
//! The baseline that shows whether a task is too easy to tell methods apart.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_core::Stream;

use super::outer::Inner;
use super::{Constant, Context, DesignOptimizer, MethodError, MethodSettings, PolicyChange, Setup, read, within};
use crate::archive::{Archive, ArchiveError};
use crate::rollout::{DesignSource, Rollout};

/// Settings of [`Random`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct RandomSettings {
    /// Number of designs tried.
    pub designs: usize,
    /// Iterations of PPO per design.
    pub inner_iterations: usize,
}

impl Default for RandomSettings {
    fn default() -> Self {
        Self {
            designs: 8,
            inner_iterations: 15,
        }
    }
}

impl MethodSettings for RandomSettings {}

/// Random search around PPO.
pub struct Random {
    settings: RandomSettings,
    candidates: Vec<Vec<f64>>,
    /// The candidate under test; after the last one, the best.
    current: usize,
    tested: usize,
    best: usize,
    best_score: f64,
    inner: Inner,
}

impl Random {
    /// The method from an experiment.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn new(setup: &Setup) -> Result<Self, MethodError> {
        let settings: RandomSettings = read(setup.settings)?;
        within("designs", settings.designs, [1, 100_000])?;
        Inner::check(settings.inner_iterations)?;
        let space = setup.hardware.space();
        let mut stream = Stream::new(setup.seed, "random-designs", 0);
        let draw = |_| space.logits(&space.sample(&mut stream));
        Ok(Self {
            candidates: (0..settings.designs).map(draw).collect(),
            current: 0,
            tested: 0,
            best: 0,
            best_score: f64::NEG_INFINITY,
            inner: Inner::default(),
            settings,
        })
    }
}

impl DesignOptimizer for Random {
    fn design(&self) -> Vec<f64> {
        self.candidates[self.current].clone()
    }

    fn source(&self) -> Box<dyn DesignSource> {
        Box::new(Constant(self.design()))
    }

    fn update(&mut self, rollout: &Rollout, context: &mut Context) -> Result<PolicyChange, MethodError> {
        if context.frozen || self.tested == self.candidates.len() {
            return Ok(PolicyChange::Keep);
        }
        let Some(score) = self.inner.add(rollout, self.settings.inner_iterations) else {
            return Ok(PolicyChange::Keep);
        };
        let store = (score > self.best_score).then_some(0);
        if store.is_some() {
            (self.best, self.best_score) = (self.current, score);
        }
        self.tested += 1;
        let done = self.tested == self.candidates.len();
        self.current = if done { self.best } else { self.tested };
        let load = done.then_some(0);
        Ok(PolicyChange::Swap { store, load })
    }

    fn report(&self) -> Vec<(&'static str, f64)> {
        vec![("designs_tested", self.tested as f64)]
    }

    fn save(&self, archive: &mut Archive) {
        let counts = [self.current, self.tested, self.best].map(|n| n as f64);
        archive.put_f64("design.counts", &counts);
        archive.put_f64("design.best_score", &[self.best_score]);
        self.inner.save(archive, "design");
    }

    fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        let counts = archive.get_f64_len("design.counts", 3)?;
        let index = |i: usize| (counts[i] as usize).min(self.candidates.len() - 1);
        (self.current, self.best) = (index(0), index(2));
        self.tested = (counts[1] as usize).min(self.candidates.len());
        self.best_score = archive.get_any_f64_len("design.best_score", 1)?[0];
        self.inner.load(archive, "design")
    }
}
