//! Settings of PPO.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_core::check::{SettingError, refuse, within};

use crate::size::MOST_WEIGHTS;

/// Most hidden layers: far more than a policy learns with.
const MOST_LAYERS: usize = 16;

/// Settings of PPO; the defaults are the established ones for continuous control.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct PpoSettings {
    /// Discount per control step.
    pub gamma: f64,
    /// Decay of generalised advantage estimation.
    pub lambda: f64,
    /// The probability ratio is clipped to 1 ± this.
    pub clip: f64,
    /// Passes over the roll-out per update.
    pub epochs: usize,
    /// Minibatches per pass.
    pub minibatches: usize,
    /// Adam's rate at the start.
    pub rate: f64,
    /// Whether the rate falls linearly to 0 over the run.
    pub anneal: bool,
    /// Weight of the entropy bonus.
    pub entropy: f64,
    /// Weight of the critic's mean squared error (no further ½).
    pub value_weight: f64,
    /// Limit of the global gradient norm.
    pub max_grad_norm: f64,
    /// No further epoch is begun when the last one's mean KL divergence is above this. The next update's rate is
    /// a third lower where it was above twice this, and grows back, to its schedule at most, where it was below half of it.
    /// Absent: neither.
    pub target_kl: Option<f64>,
    /// Start of the log standard deviation of commands.
    pub log_std_start: f64,
    /// End of a cap on it that falls linearly with the budget, and to its end over the first quarter of the last phase;
    /// absent: no cap. Precise tasks need it: the mean that is best with much noise is not the mean that is best without.
    pub log_std_end: Option<f64>,
    /// Hidden layers of actor and critic each.
    pub hidden: Vec<usize>,
    /// Whether observations are normalised by running statistics.
    pub normalise_observations: bool,
    /// Whether rewards are scaled by the running deviation of the discounted return.
    pub scale_rewards: bool,
    /// Share of the newest parameters in their running average, per iteration; the average is what is judged and
    /// delivered, since single iterations jitter about it (Polyak and Juditsky 1992). 1: no average.
    pub averaging: f64,
    /// Whether a cut episode is worth the value of its final observation. Without, a cut counts as a
    /// termination, which is wrong: only for showing what that costs.
    pub bootstrap_truncation: bool,
}

impl Default for PpoSettings {
    fn default() -> Self {
        Self {
            gamma: 0.99,
            lambda: 0.95,
            clip: 0.2,
            epochs: 10,
            minibatches: 32,
            rate: 3e-4,
            anneal: true,
            entropy: 0.0,
            value_weight: 0.5,
            max_grad_norm: 0.5,
            target_kl: None,
            log_std_start: 0.0,
            log_std_end: None,
            hidden: vec![64, 64],
            normalise_observations: true,
            scale_rewards: true,
            averaging: 1.0,
            bootstrap_truncation: true,
        }
    }
}

impl PpoSettings {
    /// Checks all ranges.
    ///
    /// # Errors
    /// The first setting out of range.
    pub fn check(&self) -> Result<(), SettingError> {
        let unbounded = [0.0, f64::MAX];
        let positive = [1e-12, f64::MAX];
        within("gamma", self.gamma, [0.0, 1.0])?;
        within("lambda", self.lambda, [0.0, 1.0])?;
        within("clip", self.clip, [1e-6, 1e6])?;
        within("rate", self.rate, [0.0, 10.0])?;
        within("averaging", self.averaging, [1e-4, 1.0])?;
        within("entropy", self.entropy, unbounded)?;
        within("value_weight", self.value_weight, unbounded)?;
        within("max_grad_norm", self.max_grad_norm, positive)?;
        within("target_kl", self.target_kl.unwrap_or(1.0), positive)?;
        within("log_std_start", self.log_std_start, [-5.0, 2.0])?;
        within("log_std_end", self.log_std_end.unwrap_or(0.0), [-5.0, 2.0])?;
        within("epochs", self.epochs, [1, 10_000])?;
        within("minibatches", self.minibatches, [1, 1_000_000])?;
        let layers = self.hidden.len();
        if layers > MOST_LAYERS {
            return refuse(
                "hidden",
                format!("has {layers} layers; at most {MOST_LAYERS} are allowed"),
            );
        }
        for &width in &self.hidden {
            within("hidden", width, [1, 4096])?;
        }
        let between = self.hidden.windows(2).map(|pair| pair[0] as f64 * pair[1] as f64);
        let weights: f64 = between.sum();
        if weights > MOST_WEIGHTS {
            let reason = format!("has {weights:.0} weights between its layers; at most {MOST_WEIGHTS:.0} fit");
            return refuse("hidden", reason);
        }
        Ok(())
    }

    /// Highest log standard deviation when exploration has fallen this far (0 to 1), where there is a cap.
    pub fn log_std_cap_at(&self, progress: f64) -> Option<f64> {
        let start = self.log_std_start;
        self.log_std_end
            .map(|end| start + (end - start) * progress.clamp(0.0, 1.0))
    }

    /// The rate after this share (0 to 1) of the whole run.
    pub fn rate_at(&self, progress: f64) -> f64 {
        let left = if self.anneal {
            1.0 - progress.clamp(0.0, 1.0)
        } else {
            1.0
        };
        self.rate * left
    }
}
