//! What threads take when a minibatch is differentiated: one part of the loss over one shard.

use tch::{TchError, Tensor};

use super::loss::{Experience, Surrogate, squared_error};
use super::{Data, EffectTerm, PpoStats};
use crate::adam::gradients;
use crate::head::Head;
use crate::network::Network;
use crate::policy::Policy;
use crate::raw;

/// Some rows of a minibatch.
pub(super) struct Shard<'a> {
    pub data: &'a Data<'a>,
    pub rows: &'a [i64],
    /// Normalised over the minibatch.
    pub advantages: &'a [f32],
    /// Rows of the whole minibatch.
    pub total: f64,
}

impl Shard<'_> {
    /// The shard's rows of an array `[N T, width]`.
    fn gather(&self, array: &[f32]) -> Vec<f32> {
        let width = array.len() / self.data.batch.rollout.rows();
        let mut out = Vec::with_capacity(self.rows.len() * width);
        for &row in self.rows {
            let start = row as usize * width;
            out.extend_from_slice(&array[start..start + width]);
        }
        out
    }

    /// The rows whose effect was asked from a model: environments of the complete machine come first and have none.
    fn with_effects(&self) -> Vec<i64> {
        let rollout = self.data.batch.rollout;
        let first = (rollout.full_envs * rollout.steps) as i64;
        let rows = self.rows.iter().copied();
        rows.filter(|row| *row >= first).collect()
    }

    fn observations(&self) -> Tensor {
        let observations = self.gather(&self.data.batch.rollout.observations);
        Tensor::from_slice(&observations).view([self.rows.len() as i64, -1])
    }
}

/// A part of the loss that has parameters of its own. Tensors can move to another thread but not be seen
/// from two: each task has its own handles.
pub(super) enum Task<'a> {
    Actor(Network, Head, &'a [f32]),
    Critic(Network),
    Effect(Box<dyn EffectTerm>),
}

impl<'a> Task<'a> {
    pub fn actor(policy: &'a Policy) -> Self {
        let log_std = raw::floats(&policy.log_std);
        Self::Actor(Network::new(&policy.actor), policy.kind, log_std)
    }

    pub fn critic(policy: &Policy) -> Self {
        Self::Critic(Network::new(&policy.critic))
    }

    /// The shard's share of the minibatch's loss: gradients and statistics.
    pub fn differentiate(self, shard: &Shard) -> Result<Gradients, TchError> {
        match self {
            Self::Actor(actor, head, log_std) => Ok(tch::no_grad(|| by_actor(shard, &actor, head, log_std))),
            Self::Critic(critic) => Ok(tch::no_grad(|| by_critic(shard, &critic))),
            Self::Effect(term) => by_effect(shard, &*term),
        }
    }
}

fn by_actor(shard: &Shard, actor: &Network, head: Head, log_std: &[f32]) -> Gradients {
    let (settings, rollout) = (shard.data.settings, shard.data.batch.rollout);
    let mut part = Gradients::default();
    let trace = actor.forward(shard.observations());
    let experience = Experience {
        commands: &shard.gather(&rollout.commands),
        log_probs: &shard.gather(&rollout.log_probs),
        advantages: shard.advantages,
    };
    let surrogate = Surrogate {
        clip: settings.clip,
        entropy: settings.entropy,
        total: shard.total,
    };
    let means = trace.output();
    let (by_output, by_log_std) = surrogate.differentiate(head, means, log_std, &experience, &mut part.stats);
    part.actor = actor.backward(&trace, &by_output);
    if head == Head::Gaussian {
        part.log_std = vec![Tensor::from_slice(&by_log_std)];
    }
    part
}

fn by_critic(shard: &Shard, critic: &Network) -> Gradients {
    let mut part = Gradients::default();
    let trace = critic.forward(shard.observations());
    let weight = shard.data.settings.value_weight;
    let returns = shard.gather(shard.data.batch.returns);
    let values = trace.output();
    let by_value = squared_error(values, &returns, weight, shard.total, &mut part.stats);
    part.critic = critic.backward(&trace, &by_value);
    part
}

fn by_effect(shard: &Shard, term: &dyn EffectTerm) -> Result<Gradients, TchError> {
    let mut part = Gradients::default();
    let rows = shard.with_effects();
    if !rows.is_empty() {
        let loss = term.loss(&Tensor::from_slice(&rows));
        part.stats.effect_loss = loss.f_double_value(&[])?;
        part.effect = gradients(&loss, &term.parameters())?;
    }
    Ok(part)
}

/// Gradients and statistics; a task leaves those of the others empty.
#[derive(Default)]
pub(super) struct Gradients {
    actor: Vec<Tensor>,
    critic: Vec<Tensor>,
    log_std: Vec<Tensor>,
    /// In the order of [`EffectTerm::parameters`].
    pub effect: Vec<Tensor>,
    pub stats: PpoStats,
}

impl Gradients {
    /// Adds another part; the order of additions decides the last bits.
    pub fn add(&mut self, other: Self) {
        let pairs = [
            (&mut self.actor, other.actor),
            (&mut self.critic, other.critic),
            (&mut self.log_std, other.log_std),
            (&mut self.effect, other.effect),
        ];
        for (sum, gradients) in pairs {
            if sum.is_empty() {
                *sum = gradients;
                continue;
            }
            for (sum, gradient) in sum.iter_mut().zip(&gradients) {
                let add = |sum: &mut [f32], gradient: &[f32]| {
                    let pairs = sum.iter_mut().zip(gradient);
                    pairs.for_each(|(sum, g)| *sum += g);
                };
                // SAFETY: the passes that made these gradients are over, and only the sum has a handle on its own.
                unsafe { raw::rewrite_with(sum, gradient, add) };
            }
        }
        self.stats.add(&other.stats, 1.0);
    }

    /// Takes the policy's gradients, in the order of [`Policy::parameters`].
    pub fn policy(&mut self) -> Vec<Tensor> {
        let mut all = std::mem::take(&mut self.actor);
        all.append(&mut self.critic);
        all.append(&mut self.log_std);
        all
    }
}
