//! Proximal policy optimisation (Schulman et al. 2017), in the order in which things happen.
//!
//! | detail that matters (numbering of "The 37 implementation details of PPO") | where |
//! |---|---|
//! | 1 fixed segments, episodes carried across them; environments in parallel | [`collect`](fn@crate::collect::collect) |
//! | 2 orthogonal weights, zero biases, gains √2, 0.01, 1 | [`crate::mlp::Mlp::new`], [`crate::policy::Policy::new`] |
//! | 3 Adam's ε 1e-5 | [`crate::adam::EPSILON`] |
//! | 4 rate falls linearly to 0 over the whole run | [`PpoSettings::rate_at`] |
//! | 5 GAE, return = advantage + value; truncation bootstraps from the final observation | [`crate::gae::advantages`] |
//! | 6 each epoch sees every sample once, in a fresh permutation | [`update`], `minibatches` |
//! | 7 advantages normalised per minibatch | `normalised` |
//! | 8 clipped surrogate, pessimistic minimum | `loss::Surrogate` |
//! | 9 no value clipping | `loss::squared_error` |
//! | 10 one loss: policy + `value_weight` MSE - `entropy` H | `task::Task` |
//! | 11 clipping of the global gradient norm | [`crate::adam::clip_global_norm`] |
//! | - rate follows the update's divergence, where it has a target | [`RateShare`] |
//! | 12 clip fraction, low-variance KL, explained variance | [`PpoStats`] |
//! | 13-16 separate tanh nets, Gaussian with learnt, state-independent, bounded deviation | [`crate::policy::Policy`] |
//! | 18 commands clipped for the problem, stored unclipped | [`collect`](fn@crate::collect::collect) |
//! | 19-20 running mean and variance of observations, clipped to ±10 | [`crate::normaliser::Normaliser`] |
//! | 21-22 rewards divided by the deviation of the discounted return | [`crate::reward_scaler::RewardScaler`] |
//!
//! The hardware joins in through an [`EffectTerm`]: a loss of its own with its own parameters, optimiser and
//! clipping.
//!
//! Actor, critic and effect share no parameters, so that each is differentiated by a task of its own: the
//! first two in closed form, the effect by autograd. Large minibatches are cut into shards too. Threads take
//! tasks, and what these found is added in a fixed order.

mod loss;
mod rate_share;
mod report;
mod settings;
mod task;
#[cfg(test)]
mod tests;

pub use rate_share::RateShare;
pub use report::{PpoError, PpoStats};
pub use settings::PpoSettings;

use rayon::prelude::*;
use tandem_core::Stream;
use tandem_core::check::refuse;
use tch::{TchError, Tensor};

use crate::adam::{Adam, clip_global_norm};
use crate::policy::Policy;
use crate::rollout::Rollout;

use task::{Gradients, Shard, Task};

/// From this many rows on a minibatch is cut into [`SHARDS`] shards; below, smaller matrices cost more than
/// further threads gain.
const SHARD_FROM: usize = 1024;
/// A fixed number, so that any number of threads adds the same numbers in the same order.
const SHARDS: usize = 4;

/// The hardware's term of the loss.
pub trait EffectTerm: Send {
    /// The leaf tensors it trains.
    fn parameters(&self) -> Vec<Tensor>;

    /// A second handle on the same parameters, for another thread.
    fn share(&self) -> Box<dyn EffectTerm>;

    /// Mean of the term over `rows` (int64 `[m]`, indices `n T + t` into the roll-out, only such that had an
    /// effect).
    fn loss(&self, rows: &Tensor) -> Tensor;
}

/// An [`EffectTerm`] with what trains it.
pub struct EffectUpdate<'a> {
    /// The term.
    pub term: &'a dyn EffectTerm,
    /// Its own optimiser, made from [`EffectTerm::parameters`].
    pub adam: &'a mut Adam,
    /// Its rate.
    pub rate: f64,
    /// Its own limit of the gradient norm.
    pub max_grad_norm: f64,
}

/// What an update trains.
pub struct Learner<'a> {
    /// Actor and critic.
    pub policy: &'a mut Policy,
    /// Their optimiser.
    pub adam: &'a mut Adam,
    /// Its present rate.
    pub rate: f64,
    /// The hardware's term, where it has one.
    pub effect: Option<EffectUpdate<'a>>,
}

/// What an update learns from.
#[derive(Clone, Copy, Debug)]
pub struct Batch<'a> {
    /// The experience.
    pub rollout: &'a Rollout,
    /// `[N, T]`, from [`crate::gae::advantages`].
    pub advantages: &'a [f32],
    /// `[N, T]` the critic's targets, from there too.
    pub returns: &'a [f32],
}

/// Improves policy and critic (and the effect term's parameters) on a roll-out.
///
/// `stream` orders the samples. Works in the current rayon pool; the bytes of the result do not depend on the number
/// of its threads.
///
/// # Errors
/// Too few samples for the minibatches, arrays of unequal length, numbers that are not finite.
pub fn update(
    learner: Learner,
    settings: &PpoSettings,
    batch: Batch,
    stream: &mut Stream,
) -> Result<PpoStats, PpoError> {
    let data = Data { batch, settings };
    data.check()?;
    let effect = learner.effect;
    let mut descent = Descent {
        policy: learner.policy,
        adam: learner.adam,
        rate: learner.rate,
        // a term can move to a thread of the pool, a reference to it cannot
        term: effect.as_ref().map(|effect| effect.term.share()),
        effect: effect.map(|e| (e.adam, e.rate, e.max_grad_norm)),
    };
    // handing work to the pool from outside costs a wake-up each time: go inside once
    rayon::scope(|_| descent.epochs(&data, stream))
}

/// A [`Learner`] in a form that threads can take.
struct Descent<'a> {
    policy: &'a mut Policy,
    adam: &'a mut Adam,
    rate: f64,
    term: Option<Box<dyn EffectTerm>>,
    /// The effect's optimiser, rate and limit of the gradient norm.
    effect: Option<(&'a mut Adam, f64, f64)>,
}

impl Descent<'_> {
    /// All epochs.
    fn epochs(&mut self, data: &Data, stream: &mut Stream) -> Result<PpoStats, PpoError> {
        let settings = data.settings;
        let mut order: Vec<i64> = (0..data.batch.rollout.rows() as i64).collect();
        let mut stats = PpoStats::default();
        for epoch in 0..settings.epochs {
            stream.shuffle(&mut order);
            stats = PpoStats::default();
            for (minibatch, rows) in minibatches(&order, settings.minibatches).enumerate() {
                let part = self.step(data, rows, (epoch, minibatch))?;
                stats.add(&part, 1.0 / settings.minibatches as f64);
            }
            if settings.target_kl.is_some_and(|limit| stats.kl > limit) {
                break;
            }
        }
        stats.explained_variance = explained_variance(&data.batch.rollout.values, data.batch.returns);
        Ok(stats)
    }

    /// One minibatch: differentiate, clip, step.
    fn step(&mut self, data: &Data, rows: &[i64], place: (usize, usize)) -> Result<PpoStats, PpoError> {
        let mut part = data.differentiate(self.policy, self.term.as_deref(), rows)?;
        let (mut gradients, mut stats) = (part.policy(), part.stats);
        stats.grad_norm = clip_global_norm(&mut gradients, data.settings.max_grad_norm);
        if let Some((_, _, limit)) = self.effect {
            stats.effect_grad_norm = clip_global_norm(&mut part.effect, limit);
        }
        check_finite(&stats, data.settings, place)?;
        self.adam.step(&gradients, self.rate);
        self.policy.clamp_log_std();
        // a small minibatch may hold no row with an effect
        if let Some((adam, rate, _)) = self.effect.as_mut().filter(|_| !part.effect.is_empty()) {
            adam.step(&part.effect, *rate);
        }
        Ok(stats)
    }
}

/// Cuts the permuted rows into `count` even runs; nothing is left over.
fn minibatches(order: &[i64], count: usize) -> impl Iterator<Item = &[i64]> {
    (0..count).map(move |i| &order[order.len() * i / count..order.len() * (i + 1) / count])
}

/// What all minibatches are cut from.
struct Data<'a> {
    batch: Batch<'a>,
    settings: &'a PpoSettings,
}

impl Data<'_> {
    fn check(&self) -> Result<(), PpoError> {
        self.settings.check()?;
        let expected = self.batch.rollout.rows();
        for (name, got) in [
            ("advantages", self.batch.advantages.len()),
            ("returns", self.batch.returns.len()),
        ] {
            if got != expected {
                return Err(PpoError::Size { name, expected, got });
            }
        }
        if expected / self.settings.minibatches < 2 {
            let reason = format!("{expected} samples give minibatches of less than 2, which cannot be normalised");
            return refuse("ppo.minibatches", reason);
        }
        Ok(())
    }

    /// Gradients of the loss over one minibatch.
    fn differentiate(
        &self,
        policy: &Policy,
        effect: Option<&dyn EffectTerm>,
        rows: &[i64],
    ) -> Result<Gradients, PpoError> {
        let chosen = rows.iter().map(|&row| self.batch.advantages[row as usize]);
        let advantages = normalised(chosen.collect());
        let shards = if rows.len() < SHARD_FROM { 1 } else { SHARDS };
        Ok(self.in_shards(policy, effect, rows, &advantages, shards)?)
    }

    /// Gradients over `rows` with these normalised `advantages`, from so many shards.
    fn in_shards(
        &self,
        policy: &Policy,
        effect: Option<&dyn EffectTerm>,
        rows: &[i64],
        advantages: &[f32],
        shards: usize,
    ) -> Result<Gradients, TchError> {
        let size = rows.len().div_ceil(shards);
        let shard = |(part, advantages)| Shard {
            data: self,
            rows: part,
            advantages,
            total: rows.len() as f64,
        };
        let shards: Vec<Shard> = rows.chunks(size).zip(advantages.chunks(size)).map(shard).collect();
        let whole = shard((rows, advantages));
        let mut tasks: Vec<(&Shard, Task)> = Vec::with_capacity(1 + 2 * shards.len());
        if let Some(term) = effect {
            // in one piece: autograd's overhead per call outweighs what a second thread would gain
            tasks.push((&whole, Task::Effect(term.share())));
        }
        tasks.extend(shards.iter().map(|s| (s, Task::actor(policy))));
        tasks.extend(shards.iter().map(|s| (s, Task::critic(policy))));
        let found: Vec<Result<Gradients, TchError>> = tasks
            .into_par_iter()
            .with_max_len(1)
            .map(|(shard, task)| task.differentiate(shard))
            .collect();
        found.into_iter().try_fold(Gradients::default(), |mut sum, part| {
            sum.add(part?);
            Ok(sum)
        })
    }
}

/// Shifts and scales to mean 0 and deviation 1 (n - 1 in the variance, ε 1e-8).
fn normalised(mut values: Vec<f32>) -> Vec<f32> {
    let n = values.len() as f64;
    let mean = values.iter().map(|&a| f64::from(a)).sum::<f64>() / n;
    let squares = values.iter().map(|&a| (f64::from(a) - mean).powi(2)).sum::<f64>();
    let deviation = (squares / (n - 1.0)).sqrt() + 1e-8;
    values
        .iter_mut()
        .for_each(|a| *a = ((f64::from(*a) - mean) / deviation) as f32);
    values
}

/// `1 - Var(returns - values) / Var(returns)`; 0 when the returns do not vary.
fn explained_variance(values: &[f32], returns: &[f32]) -> f64 {
    let variance = |numbers: &dyn Fn(usize) -> f64| {
        let n = returns.len() as f64;
        let mean = (0..returns.len()).map(numbers).sum::<f64>() / n;
        (0..returns.len()).map(|i| (numbers(i) - mean).powi(2)).sum::<f64>() / n
    };
    let total = variance(&|i| f64::from(returns[i]));
    let left = variance(&|i| f64::from(returns[i]) - f64::from(values[i]));
    if total > 0.0 { 1.0 - left / total } else { 0.0 }
}

fn check_finite(s: &PpoStats, settings: &PpoSettings, (epoch, minibatch): (usize, usize)) -> Result<(), PpoError> {
    let loss = s.policy_loss + settings.value_weight * s.value_loss - settings.entropy * s.entropy + s.effect_loss;
    let quantities = [
        ("loss", loss),
        ("policy gradient", s.grad_norm),
        ("effect gradient", s.effect_grad_norm),
    ];
    match quantities.into_iter().find(|(_, value)| !value.is_finite()) {
        None => Ok(()),
        Some((quantity, value)) => Err(PpoError::NonFinite {
            quantity,
            value,
            epoch,
            minibatch,
            policy_loss: s.policy_loss,
            value_loss: s.value_loss,
            effect_loss: s.effect_loss,
        }),
    }
}
