//! The policy gradient of the effect: PPO's clipped surrogate on the task effects' own likelihood ratio.
//!
//! The effect a roll-out used was drawn from `N(mean(query), sigma)`. Clipping its ratio apart from the
//! command's matters: in one joint ratio the many narrow effect dimensions reach the clip first and stall the
//! policy too (method: `L_y = -E min(r_y A_y, clip(r_y) A_y)`).
//!
//! The advantage `A_y` has a decay of its own, [`EffectCredit::lambda`]: noise on an effect often acts on the
//! next reward only (the arm's true state is its joint angles), and then a long decay adds the whole future's
//! noise to the design's gradient and no signal.

use tch::{Kind, Tensor};

use super::Setup;
use super::baseline::Baseline;
use crate::gae::{Segments, advantages};
use crate::proxy::matrix;
use crate::rollout::Rollout;

/// How the effect is credited.
pub struct EffectCredit {
    /// Discount of the effect's advantage.
    pub gamma: f64,
    /// Decay of generalised advantage estimation for the effect.
    pub lambda: f64,
    /// Half width of the clipped ratio, PPO's own.
    pub clip: f64,
    /// What state and command explain of the advantage.
    pub baseline: Baseline,
}

impl EffectCredit {
    /// The experiment's credit with this discount and decay.
    pub fn new(setup: &Setup, gamma: f64, lambda: f64) -> Self {
        Self {
            gamma,
            lambda,
            clip: setup.clip,
            baseline: Baseline::new(setup.observations + setup.commands, setup.seed),
        }
    }
}

/// The rows of a roll-out that an effect term needs, as tensors over all `R = N T` rows.
#[derive(Debug)]
pub struct EffectRows {
    /// Task effects as drawn, `[R, k]`.
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
    /// Takes the rows from a roll-out that was collected with noise `sigma` (in units of `scale`); `rewards`
    /// `[N, T]` are scaled as the critic sees them.
    pub fn new(
        rollout: &Rollout,
        rewards: &[f32],
        scale: &[f32],
        sigma: f32,
        credit: &mut EffectCredit,
    ) -> Self {
        let rows = rollout.rows();
        let columns = rollout.effects.len() / rows.max(1);
        let deviation: Vec<f32> = scale[..columns].iter().map(|s| s * sigma).collect();
        let segments = Segments::new(rollout, rewards);
        // returns, not advantages: the critic knows less than the baseline, and its error would only be added
        let (_, raw) = advantages(&segments, credit.gamma, credit.lambda);
        let advantages = credit.baseline.subtract(rollout, &raw);
        Self {
            samples: matrix(&rollout.effects, rows),
            log_probs: Tensor::from_slice(&rollout.effect_log_probs),
            deviation: Tensor::from_slice(&deviation),
            sigma: f64::from(sigma),
            advantages,
            clip: credit.clip,
        }
    }

    /// Clipped surrogate, a mean over the rows: `mean` `[M, k]` are the current means of the task effects for
    /// the rows with these indices.
    pub fn surrogate(&self, rows: &Tensor, mean: &Tensor) -> Tensor {
        let advantages = self.advantages.index_select(0, rows);
        let samples = self.samples.index_select(0, rows);
        let z = (samples - mean) / &self.deviation;
        let constant =
            (self.sigma.ln() + 0.5 * std::f64::consts::TAU.ln()) * self.deviation.numel() as f64;
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
