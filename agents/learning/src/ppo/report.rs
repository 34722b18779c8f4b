//! What an update reports: statistics or the reason why it stopped.

use serde::{Deserialize, Serialize};
use tandem_core::check::SettingError;
use tch::TchError;
use thiserror::Error;

/// What an update did: means over the minibatches of its last epoch.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PpoStats {
    /// Clipped surrogate, negated.
    pub policy_loss: f64,
    /// Mean squared error of the critic.
    pub value_loss: f64,
    /// Entropy of the command distribution, nats.
    pub entropy: f64,
    /// Share of samples whose ratio left the clip range.
    pub clip_fraction: f64,
    /// KL divergence of new from old policy, `E[(r - 1) - ln r]`.
    pub kl: f64,
    /// Share of the returns' variance that the critic's values at collection explained.
    pub explained_variance: f64,
    /// Global gradient norm of the policy before clipping.
    pub grad_norm: f64,
    /// Mean of the effect term, 0 without one.
    pub effect_loss: f64,
    /// Gradient norm of the effect term's parameters before clipping, 0 without one.
    pub effect_grad_norm: f64,
}

/// Why an update stopped.
#[derive(Debug, Error)]
pub enum PpoError {
    /// A setting is out of range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// Arrays of unequal length.
    #[error("{name} has {got} numbers, the roll-out has {expected}")]
    Size {
        /// Name of the array.
        name: &'static str,
        /// Length needed.
        expected: usize,
        /// Length given.
        got: usize,
    },
    /// Loss or gradient is not finite. The minibatch was not applied.
    #[error(
        "{quantity} is {value} in epoch {epoch}, minibatch {minibatch} (policy loss {policy_loss}, value loss \
         {value_loss}, effect loss {effect_loss}); the parameters are those of the minibatch before"
    )]
    NonFinite {
        /// `loss`, `policy gradient` or `effect gradient`.
        quantity: &'static str,
        /// Its value.
        value: f64,
        /// Epoch, from 0.
        epoch: usize,
        /// Minibatch, from 0.
        minibatch: usize,
        /// Policy loss of the minibatch.
        policy_loss: f64,
        /// Value loss of the minibatch.
        value_loss: f64,
        /// Effect loss of the minibatch.
        effect_loss: f64,
    },
    /// libtorch refused.
    #[error("libtorch: {0}")]
    Torch(#[from] TchError),
}

impl PpoStats {
    /// Adds another part with a weight.
    pub(super) fn add(&mut self, other: &Self, weight: f64) {
        self.policy_loss += weight * other.policy_loss;
        self.value_loss += weight * other.value_loss;
        self.entropy += weight * other.entropy;
        self.clip_fraction += weight * other.clip_fraction;
        self.kl += weight * other.kl;
        self.grad_norm += weight * other.grad_norm;
        self.effect_loss += weight * other.effect_loss;
        self.effect_grad_norm += weight * other.effect_grad_norm;
    }
}
