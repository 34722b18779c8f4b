//! The policy gradient of the effect: PPO's clipped surrogate on the task effects' own likelihood ratio.
//!
//! The effect a roll-out used was drawn from `N(mean(query), sigma)`. Clipping its ratio apart from the
//! command's matters: in one joint ratio the many narrow effect dimensions reach the clip first and stall the
//! policy too. The loss is `L_y = -E min(r_y A_y, clip(r_y) A_y)`.
//!
//! The advantage `A_y` has a credit of its own, [`EffectSettings`]: noise on an effect often acts on the next
//! reward only (the arm's true state is its joint angles), and then a long horizon adds the whole future's noise
//! to the design's gradient and no signal. What state and command explain of it is subtracted (`baseline`).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

use super::baseline::Baseline;
use super::{MethodError, SettingError, Setup, geometric, within};
use crate::archive::{Archive, ArchiveError};
use crate::gae::{Segments, advantages};
use crate::proxy::matrix;
use crate::rollout::{Noise, Rollout};

/// Discount, decay and persistence where effects leave traces and the experiment does not say: a displacement is felt for
/// about ten steps, and what it earned until then is summed up. Where a reward is due at once that is too long, and costs a third:
/// `examples/spring` takes 154 k steps to success by it, 115 k with decay and persistence 0 (medians of seeds 20 to 22).
const LASTING: f64 = 0.9;

/// How task effects are explored and credited: shared by all methods with an effect likelihood.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct EffectSettings {
    /// Deviation of the noise on task effects at the start and at the end of its annealing, in effect scales.
    pub noise: [f64; 2],
    /// Share of the search after which the noise has its end value, in (0, 1].
    pub anneal: f64,
    /// Share of the noise that is left after a step, in [0, 1): 0 is white noise, right where an effect is felt at
    /// once; where a displacement must last to matter, as in contact, near 1, with `gamma` near it. Absent, it follows the
    /// problem, as `gamma` does.
    pub persistence: Option<f64>,
    /// Discount of the effect's return, in [0, 1]. Absent, it follows the problem
    /// ([`Problem::effects_last`](tandem_core::Problem::effects_last)): 0.9 where an effect is part of what the
    /// world does next; 0, credit for the next reward only, where it leaves no trace in the state (kinematic arms):
    /// that is exact there and has the least noise.
    pub gamma: Option<f64>,
    /// Decay of the effect's return towards the critic's value, in [0, 1]. Absent, it follows the problem, as `gamma` does.
    pub lambda: Option<f64>,
    /// Whether the baseline knows the reward of the step before: where rewards are a matter of state, their difference
    /// shows what an effect did.
    pub reward_before: bool,
}

impl Default for EffectSettings {
    fn default() -> Self {
        Self {
            noise: [0.3, 0.1],
            anneal: 0.8,
            persistence: None,
            gamma: None,
            lambda: None,
            reward_before: true,
        }
    }
}

impl EffectSettings {
    /// Checks all ranges.
    ///
    /// # Errors
    /// The first setting out of range.
    pub fn check(&self) -> Result<(), SettingError> {
        within("effect.noise.0", self.noise[0], [1e-4, 100.0])?;
        within("effect.noise.1", self.noise[1], [1e-4, 100.0])?;
        within("effect.anneal", self.anneal, [1e-3, 1.0])?;
        within("effect.persistence", self.persistence.unwrap_or(0.0), [0.0, 0.999])?;
        within("effect.gamma", self.gamma.unwrap_or(0.0), [0.0, 1.0])?;
        within("effect.lambda", self.lambda.unwrap_or(0.0), [0.0, 1.0])?;
        Ok(())
    }

    /// The noise at this progress of the search.
    pub fn noise_at(&self, progress: f64) -> Noise {
        let [start, end] = self.noise;
        Noise {
            deviation: geometric(start, end, progress / self.anneal) as f32,
            persistence: self.persistence.unwrap_or(0.0) as f32,
        }
    }

    /// The settings with what they leave open filled in, for a problem whose effects last or do not
    /// ([`Problem::effects_last`](tandem_core::Problem::effects_last)).
    #[must_use]
    pub fn resolved(&self, effects_last: bool) -> Self {
        let rule = Some(if effects_last { LASTING } else { 0.0 });
        Self {
            persistence: self.persistence.or(rule),
            gamma: self.gamma.or(rule),
            lambda: self.lambda.or(rule),
            ..self.clone()
        }
    }
}

/// Turns roll-outs into [`EffectRows`].
pub struct EffectCredit {
    settings: EffectSettings,
    /// Half width of the clipped ratio, PPO's own.
    clip: f64,
    /// The hardware's effect scales.
    scale: Vec<f32>,
    baseline: Baseline,
}

impl EffectCredit {
    /// The credit of an experiment whose policy sees so many numbers.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn new(setup: &Setup, settings: &EffectSettings, inputs: usize) -> Result<Self, MethodError> {
        settings.check()?;
        Ok(Self {
            settings: settings.resolved(setup.effects_last),
            clip: setup.clip,
            scale: setup.hardware.effect_scale().to_vec(),
            baseline: Baseline::new(inputs + setup.commands, settings.reward_before, setup.seed),
        })
    }

    /// The noise at this progress of the search.
    pub fn noise(&self, progress: f64) -> Noise {
        self.settings.noise_at(progress)
    }

    /// The rows of a roll-out that was collected with this noise; `rewards` `[N, T]` are scaled as the critic
    /// sees them.
    pub fn rows(&mut self, rollout: &Rollout, rewards: &[f32], noise: Noise) -> EffectRows {
        let rows = rollout.rows();
        let sigma = noise.deviation * noise.fresh();
        let columns = rollout.effects.len() / rows.max(1);
        let deviation: Vec<f32> = self.scale[..columns].iter().map(|s| s * sigma).collect();
        let segments = Segments::new(rollout, rewards);
        let [gamma, lambda] = [self.settings.gamma, self.settings.lambda].map(Option::unwrap_or_default);
        // returns, not advantages: the critic knows less than the baseline, and its error would only be added
        let (_, returns) = advantages(&segments, gamma, lambda);
        EffectRows {
            samples: matrix(&rollout.effects, rows),
            log_probs: Tensor::from_slice(&rollout.effect_log_probs),
            deviation: Tensor::from_slice(&deviation),
            sigma: f64::from(sigma),
            advantages: self.baseline.subtract(rollout, &returns),
            clip: self.clip,
        }
    }

    /// Stores the baseline.
    pub fn save(&self, archive: &mut Archive) {
        self.baseline.save(archive);
    }

    /// Loads what [`EffectCredit::save`] stored.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.baseline.load(archive)
    }
}

/// The rows of a roll-out that an effect term needs, as tensors over all `R = N T` rows.
#[derive(Debug)]
pub struct EffectRows {
    /// Task effects as drawn, each with its step's own noise only, `[R, k]`.
    pub samples: Tensor,
    /// Their log-likelihood when drawn, `[R]`.
    pub log_probs: Tensor,
    /// Deviation of each task effect, in its unit, `[k]`.
    pub deviation: Tensor,
    /// Deviation in effect scales: likelihoods are measured in these units.
    pub sigma: f64,
    /// Advantages of the effect, normalised over the roll-out, `[R]`.
    pub advantages: Tensor,
    /// Half width of the clipped ratio.
    pub clip: f64,
}

impl EffectRows {
    /// Clipped surrogate, a mean over the rows: `mean` `[M, k]` are the current means of the task effects for
    /// the rows with these indices.
    pub fn surrogate(&self, rows: &Tensor, mean: &Tensor) -> Tensor {
        let advantages = self.advantages.index_select(0, rows);
        let samples = self.samples.index_select(0, rows);
        let z = (samples - mean) / &self.deviation;
        let constant = (self.sigma.ln() + 0.5 * std::f64::consts::TAU.ln()) * self.deviation.numel() as f64;
        let log_prob = z.square().sum_dim_intlist(1i64, false, Kind::Float) * -0.5 - constant;
        let ratio = (log_prob - self.log_probs.index_select(0, rows))
            .clamp(-20.0, 20.0)
            .exp();
        let clipped = ratio.clamp(1.0 - self.clip, 1.0 + self.clip);
        -(&ratio * &advantages)
            .minimum(&(clipped * &advantages))
            .mean(Kind::Float)
    }

    /// A handle on the same tensors for another thread.
    pub fn share(&self) -> Self {
        Self {
            samples: self.samples.shallow_clone(),
            log_probs: self.log_probs.shallow_clone(),
            deviation: self.deviation.shallow_clone(),
            sigma: self.sigma,
            advantages: self.advantages.shallow_clone(),
            clip: self.clip,
        }
    }
}
