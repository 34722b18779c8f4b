//! `gaussian`: one design per episode from a Gaussian over the logits, moved by the score function.
//!
//! The family of Ha (2018), NLIMB (Schaff et al. 2019) and HWasP-Minimal; see [`super::spread`]. The policy sees
//! the design, unless `policy_sees_design` is false.

use super::spread::{Spread, SpreadSettings};
use super::{Context, DesignOptimizer, MethodError, MethodSettings, PolicyChange, Setup, read};
use crate::archive::{Archive, ArchiveError};
use crate::rollout::{DesignSource, Rollout};

/// Settings of [`Gaussian`].
pub type GaussianSettings = SpreadSettings;

/// A Gaussian over designs.
pub struct Gaussian {
    settings: GaussianSettings,
    mean: Vec<f64>,
    spread: Spread,
}

impl Gaussian {
    /// The method from an experiment.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn new(setup: &Setup) -> Result<Self, MethodError> {
        let settings: GaussianSettings = read(setup.settings)?;
        settings.check("")?;
        let settings = settings.resolved(setup);
        Ok(Self {
            mean: setup.start.clone(),
            spread: Spread::new(&settings, setup.start.len()),
            settings,
        })
    }
}

impl DesignOptimizer for Gaussian {
    fn design(&self) -> Vec<f64> {
        self.mean.clone()
    }

    fn source(&self) -> Box<dyn DesignSource> {
        self.spread.source(self.mean.clone())
    }

    fn policy_inputs(&self) -> usize {
        self.settings.policy_inputs(self.mean.len())
    }

    fn update(&mut self, rollout: &Rollout, context: &mut Context) -> Result<PolicyChange, MethodError> {
        if !context.frozen {
            self.spread
                .step(&mut self.mean, rollout, context.rewards, &self.settings)?;
        }
        Ok(PolicyChange::Keep)
    }

    fn report(&self) -> Vec<(&'static str, f64)> {
        vec![("design_deviation", self.spread.mean_deviation())]
    }

    fn save(&self, archive: &mut Archive) {
        archive.put_f64("design.mean", &self.mean);
        self.spread.save(archive);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.mean = archive.get_f64_len("design.mean", self.mean.len())?;
        self.spread.load(archive)
    }
}
