//! Experience: what is collected, under which motion, and what can go wrong.
//! [`collect`](mod@crate::collect) does the work.
//!
//! Arrays are `[N, T, ...]`: an environment's steps lie side by side.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use tandem_core::{Fidelity, ProblemError};
use thiserror::Error;

pub use crate::vector_env::{DesignSource, SubEnv, VecEnv, VecEnvError};

use crate::kernel::Scratch;
use crate::normaliser::Moments;

/// A stand-in for the hardware of one design.
pub trait EffectModel: Send + Sync {
    /// Writes the predicted effect `[effects]` (in the channels' units) of `features` `[features]`.
    fn predict(&self, features: &[f32], scratch: &mut Scratch, effect: &mut [f32]);
}

/// A stand-in for the hardware during roll-outs, whatever design an episode has.
pub trait EffectModels: Send + Sync {
    /// The model of the design with these logits.
    fn at(&self, logits: &[f64]) -> Arc<dyn EffectModel>;
}

/// One model for all episodes: they share its design.
pub struct OneModel(pub Arc<dyn EffectModel>);

impl EffectModels for OneModel {
    fn at(&self, _logits: &[f64]) -> Arc<dyn EffectModel> {
        self.0.clone()
    }
}

/// Exploration of task effects: Gaussian noise that may outlast a step.
///
/// ```text
/// n_t = persistence n_(t-1) + sqrt(1 - persistence^2) xi_t,    xi_t ~ N(0, 1),    n = 0 before an episode
/// effect = model + deviation scale n_t
/// ```
///
/// White noise shakes: what a machine does in contact, where a displacement must last to matter, is spoilt by it
/// instead of explored. Given the noise before, a step's effect is Gaussian around `model + persistence n_(t-1)`, and
/// its likelihood is that of the new part alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Noise {
    /// Standard deviation of a long-lasting noise, in units of the effect scale.
    pub deviation: f32,
    /// Share of the noise that is left after a step, in [0, 1).
    pub persistence: f32,
}

impl Noise {
    /// Share of the deviation that is new in each step.
    pub fn fresh(&self) -> f32 {
        (1.0 - self.persistence * self.persistence).sqrt()
    }
}

/// How the world is moved during collection.
#[derive(Clone, Copy)]
pub struct Motion<'a> {
    /// The first so many environments run the complete physical machine, the others are moved by effects.
    pub full_envs: usize,
    /// What answers queries; none: the true hardware.
    pub model: Option<&'a dyn EffectModels>,
    /// Noise on task effects.
    pub noise: Option<Noise>,
}

impl Motion<'_> {
    /// Whether queries, features and effects are recorded.
    pub(crate) fn records(&self) -> bool {
        self.model.is_some() || self.noise.is_some()
    }

    /// How this environment is moved.
    pub(crate) fn fidelity(&self, env: usize) -> Fidelity {
        match env < self.full_envs {
            true => Fidelity::Full,
            false => Fidelity::Effect,
        }
    }
}

/// Why collection stopped. The environments are then in the middle of a segment: restart them before reuse.
#[derive(Debug, Error)]
pub enum CollectError {
    /// A number that is not finite.
    #[error("environment {env}, step {step}: {field}[{index}] is {value}")]
    NonFinite {
        /// Number of the environment.
        env: usize,
        /// Step within the segment.
        step: usize,
        /// `observation`, `command`, `effect` or `reward`.
        field: &'static str,
        /// Index within the field.
        index: usize,
        /// The number.
        value: f32,
    },
    /// An episode cannot start.
    #[error("environment {env}, step {step}: {source}")]
    Reset {
        /// Number of the environment.
        env: usize,
        /// Step within the segment.
        step: usize,
        /// Why.
        source: ProblemError,
    },
    /// The policy was made for another problem.
    #[error("the policy has {policy} {field} numbers, the problem has {problem}")]
    Size {
        /// `observation` or `command`.
        field: &'static str,
        /// Length in the policy.
        policy: usize,
        /// Length in the problem.
        problem: usize,
    },
}

/// What a step did to its episode.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum End {
    /// The episode goes on.
    #[default]
    Running,
    /// The episode ended by its own rules; what follows is worth nothing.
    Terminated,
    /// The episode was cut; what would have followed is worth the value of the final observation.
    Truncated,
}

/// A finished episode.
#[derive(Clone, Debug, PartialEq)]
pub struct Episode {
    /// Its environment.
    pub env: usize,
    /// Its length in control steps.
    pub steps: usize,
    /// Sum of its raw rewards.
    pub total_return: f64,
    /// The critic's value of its first observation: what it expected of this start.
    pub start_value: f32,
    /// Whether the task's criterion was met.
    pub success: bool,
    /// Why the world gave up, if it did.
    pub fault: Option<&'static str>,
    /// Logits of its design.
    pub logits: Vec<f64>,
}

/// What was collected: N environments times T steps. Reused from one collection to the next.
#[derive(Clone, Debug)]
pub struct Rollout {
    /// N.
    pub envs: usize,
    /// T.
    pub steps: usize,
    /// The first so many environments ran the complete physical machine: they have queries, but no effects.
    pub full_envs: usize,
    /// `[N, T, obs]`, normalised as the policy saw them; with the design of their episode, `[N, T, obs + design]`, where it
    /// sees that.
    pub observations: Vec<f32>,
    /// `[N, T, cmd]` samples before clipping (or option indices).
    pub commands: Vec<f32>,
    /// `[N, T]` log-probabilities of the commands.
    pub log_probs: Vec<f32>,
    /// `[N, T]` the critic's values.
    pub values: Vec<f32>,
    /// `[N, T]` raw rewards.
    pub rewards: Vec<f32>,
    /// `[N, T]` what each step did to its episode.
    pub ends: Vec<End>,
    /// `[N, T]` value of the final observation where truncated, else 0.
    pub final_values: Vec<f32>,
    /// `[N]` value of the observation after the last step, 0 where the episode has just ended.
    pub last_values: Vec<f32>,
    /// `[N, T, query]`; empty unless a model or noise was used.
    pub queries: Vec<f32>,
    /// `[N, T, features]`; empty unless a model or noise was used.
    pub features: Vec<f32>,
    /// `[N, T, task effects]` as drawn: with a step's own noise, without what was left of the noise before; empty
    /// unless a model or noise was used.
    pub effects: Vec<f32>,
    /// `[N, T, task effects]` each step's own noise in its deviations; empty without noise.
    pub effect_noise: Vec<f32>,
    /// `[N, T]` log-density of the task effects in units of the effect scale; empty without noise.
    pub effect_log_probs: Vec<f32>,
    /// `[N, T, design]` logits of the design in force.
    pub logits: Vec<f32>,
    /// Episodes that ended, by environment, then by time.
    pub episodes: Vec<Episode>,
    /// `[reward_terms]` mean per step.
    pub reward_terms: Vec<f64>,
    /// Moments of the raw observations.
    pub moments: Moments,
    /// How often the true hardware model was asked.
    pub hardware_queries: u64,
}

impl Rollout {
    /// An empty roll-out for segments of `steps` steps per environment.
    pub fn new(steps: usize) -> Self {
        Self {
            envs: 0,
            steps,
            full_envs: 0,
            observations: Vec::new(),
            commands: Vec::new(),
            log_probs: Vec::new(),
            values: Vec::new(),
            rewards: Vec::new(),
            ends: Vec::new(),
            final_values: Vec::new(),
            last_values: Vec::new(),
            queries: Vec::new(),
            features: Vec::new(),
            effects: Vec::new(),
            effect_noise: Vec::new(),
            effect_log_probs: Vec::new(),
            logits: Vec::new(),
            episodes: Vec::new(),
            reward_terms: Vec::new(),
            moments: Moments::new(0),
            hardware_queries: 0,
        }
    }

    /// Number of control steps held: N T.
    pub fn rows(&self) -> usize {
        self.envs * self.steps
    }

    /// Makes room for a collection.
    pub(crate) fn resize(&mut self, envs: &VecEnv, motion: &Motion) {
        let (spec, hardware) = (envs.spec(), envs.hardware());
        self.envs = envs.len();
        self.full_envs = motion.full_envs.min(self.envs);
        let rows = self.rows();
        let recorded = if motion.records() { rows } else { 0 };
        let noisy = if motion.noise.is_some() { recorded } else { 0 };
        self.observations.resize(rows * envs.input_len(), 0.0);
        self.commands.resize(rows * spec.command.len(), 0.0);
        self.logits.resize(rows * hardware.space().len(), 0.0);
        self.queries.resize(recorded * hardware.query_channels().len(), 0.0);
        self.features.resize(recorded * hardware.feature_len(), 0.0);
        self.effects.resize(recorded * hardware.task_effects(), 0.0);
        self.effect_noise.resize(noisy * hardware.task_effects(), 0.0);
        self.effect_log_probs.resize(noisy, 0.0);
        for array in [
            &mut self.log_probs,
            &mut self.values,
            &mut self.rewards,
            &mut self.final_values,
        ] {
            array.resize(rows, 0.0);
        }
        self.ends.resize(rows, End::Running);
        self.last_values.resize(self.envs, 0.0);
    }
}
