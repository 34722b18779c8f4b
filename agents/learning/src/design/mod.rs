//! Design optimisers: one file per method, all under the same trainer and the same counters.
//!
//! A [`DesignOptimizer`] says which design the next episodes use, what produces the effect during roll-outs,
//! which loss joins PPO's, and how the design moves after an iteration. It never sees a concrete problem.
//! All types that the trait names are found here, so that a method of one's own begins with
//! `use tandem::learning::design::*`; `examples/hill-climber` is one.

mod baseline;
mod cma;
mod design_term;
mod effect;
mod extraction;
mod fitted_proxy;
mod fixed;
mod gaussian;
mod hardware_as_policy;
mod logits;
mod morph;
mod morph_conditioned;
mod noise_share;
mod outer;
mod random;
mod spread;
mod trials;

use std::sync::Arc;

use tandem_core::{Hardware, Stream};
use tch::Tensor;

pub use cma::{Cma, CmaSettings};
pub use effect::EffectSettings;
pub use extraction::ExtractionSettings;
pub use fixed::{Fixed, FixedSettings};
pub use gaussian::{Gaussian, GaussianSettings};
pub use hardware_as_policy::{HardwareAsPolicy, HardwareAsPolicySettings};
pub use morph::{Morph, MorphSettings};
pub use morph_conditioned::{MorphConditioned, MorphConditionedSettings};
pub use outer::{Inner, PolicyChange};
pub use random::{Random, RandomSettings};
pub use spread::SpreadSettings;

pub use crate::archive::{Archive, ArchiveError};
pub use crate::method_error::MethodError;
pub use crate::ppo::EffectUpdate;
pub use crate::proxy::Gap;
pub use crate::rollout::{DesignSource, EffectModels, Noise, Rollout};
pub use tandem_core::check::{SettingError, read, within};

/// An exact, differentiable form of a hardware model.
pub trait TensorHardware: Send + Sync {
    /// Effects `[M, effects]` of queries `[M, query]` under a design `[design]` of values in their units.
    fn respond(&self, design: &Tensor, queries: &Tensor) -> Tensor;
}

/// What a method is built from.
pub struct Setup<'a> {
    /// The hardware model.
    pub hardware: Arc<dyn Hardware>,
    /// Its differentiable form, when there is one.
    pub tensor_hardware: Option<Arc<dyn TensorHardware>>,
    /// Length of an observation.
    pub observations: usize,
    /// Length of a command.
    pub commands: usize,
    /// Logits of the start design.
    pub start: Vec<f64>,
    /// Whether effects leave traces in the world's state ([`Problem::effects_last`](tandem_core::Problem::effects_last)).
    pub effects_last: bool,
    /// Longest episode, in control steps.
    pub horizon: usize,
    /// Control steps per environment and iteration.
    pub rollout_steps: usize,
    /// PPO's clip range, used for the effect's ratio too.
    pub clip: f64,
    /// The experiment's seed: methods derive their own named streams from it.
    pub seed: u64,
    /// The method's settings as they stand in the experiment.
    pub settings: &'a serde_json::Value,
}

impl Setup<'_> {
    /// Whether there is a design to search for, which this method needs.
    ///
    /// # Errors
    /// There is nothing to design.
    fn check_designs(&self, method: &'static str) -> Result<(), MethodError> {
        match self.start.is_empty() {
            false => Ok(()),
            true => Err(MethodError::Unsuitable {
                method,
                reason: "it has nothing to design; use `fixed`".into(),
            }),
        }
    }
}

/// Settings of a method, some of whose defaults follow from the problem.
pub trait MethodSettings: Clone {
    /// The settings with what they leave open filled in.
    #[must_use]
    fn resolved(&self, _setup: &Setup) -> Self {
        self.clone()
    }
}

/// What a method may use during an iteration.
pub struct Context<'a> {
    /// Fraction of the search phase that has passed, in [0, 1].
    pub progress: f64,
    /// The design must not move now (burn-in).
    pub frozen: bool,
    /// Rewards of the roll-out, `[N, T]`, scaled as the critic sees them; empty before the first one.
    pub rewards: &'a [f32],
    /// Counter of hardware queries, to be raised by every use of the hardware model.
    pub hardware_queries: &'a mut u64,
}

/// A way to search for a design while a policy learns.
pub trait DesignOptimizer {
    /// Work before the first iteration (fitting a proxy, say), unless `stop` asks to end it early.
    ///
    /// # Errors
    /// Numbers that are not finite; [`MethodError::Stopped`].
    fn prepare(&mut self, _context: &mut Context, _stop: &dyn Fn() -> bool) -> Result<(), MethodError> {
        Ok(())
    }

    /// Logits of the design the method would deliver now.
    fn design(&self) -> Vec<f64>;

    /// Where the next episodes' designs come from.
    fn source(&self) -> Box<dyn DesignSource>;

    /// How many numbers of the design the policy and its critic see beside the observation: all or none. Where every episode
    /// has a design of its own, a policy that sees it serves each; where all have the same, there is nothing to see.
    fn policy_inputs(&self) -> usize {
        0
    }

    /// What stands in for the hardware during roll-outs; `None`: the true model.
    fn effect_model(&self) -> Option<Arc<dyn EffectModels>> {
        None
    }

    /// The noise on task effects at this progress; `None`: the method needs no effect likelihood.
    fn noise(&self, _progress: f64) -> Option<Noise> {
        None
    }

    /// The loss that joins PPO's in an iteration in which the design may move; `rewards` `[N, T]` are scaled as the critic sees them.
    ///
    /// # Errors
    /// Numbers that are not finite.
    fn effect_update(
        &mut self,
        _rollout: &Rollout,
        _rewards: &[f32],
        _context: &mut Context,
    ) -> Result<Option<EffectUpdate<'_>>, MethodError> {
        Ok(None)
    }

    /// Moves the design after the policy's update.
    ///
    /// # Errors
    /// Numbers that are not finite.
    fn update(&mut self, _rollout: &Rollout, _context: &mut Context) -> Result<PolicyChange, MethodError> {
        Ok(PolicyChange::Keep)
    }

    /// Distance between proxy and hardware at the current design on visited and on uniform queries, when
    /// there is a proxy. `queries` is `[R, query]`, as visited.
    fn gap(&self, _queries: &[f32]) -> Option<[Gap; 2]> {
        None
    }

    /// Numbers worth logging, in a fixed order.
    fn report(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// Stores the whole state of the search.
    fn save(&self, archive: &mut Archive);

    /// Continues a stored search.
    ///
    /// # Errors
    /// Entries that are missing or do not fit.
    fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError>;
}

/// Episodes that all use one design.
pub struct Constant(pub Vec<f64>);

impl DesignSource for Constant {
    fn draw(&self, _stream: &mut Stream, logits: &mut [f64]) {
        logits.copy_from_slice(&self.0);
    }
}

/// Geometric interpolation from `a` to `b`.
pub(crate) fn geometric(a: f64, b: f64, fraction: f64) -> f64 {
    (a.ln() + (b / a).ln() * fraction.clamp(0.0, 1.0)).exp()
}
