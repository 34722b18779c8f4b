//! Proximal policy optimisation (Schulman et al. 2017), in the order in which things happen.
//!
//! | detail that matters (numbering of "The 37 implementation details of PPO") | where |
//! |---|---|
//! | 1 fixed segments, episodes carried across them; lanes in parallel | [`crate::rollout::collect`] |
//! | 2 orthogonal weights, zero biases, gains √2, 0.01, 1 | [`crate::mlp::Mlp::new`], [`crate::policy::Policy::new`] |
//! | 3 Adam's ε 1e-5 | [`crate::adam::EPSILON`] |
//! | 4 rate falls linearly to 0 over the whole run | [`PpoSettings::rate_at`] |
//! | 5 GAE, return = advantage + value; truncation bootstraps from the final observation | [`crate::gae::advantages`] |
//! | 6 each epoch sees every sample once, in a fresh permutation | [`update`], `minibatches` |
//! | 7 advantages normalised per minibatch | `normalised` |
//! | 8 clipped surrogate, pessimistic minimum | `shard` |
//! | 9 no value clipping | `shard` |
//! | 10 one loss: policy + `value_weight` MSE - `entropy` H | `shard` |
//! | 11 clipping of the global gradient norm | [`crate::adam::clip_global_norm`] |
//! | 12 clip fraction, low-variance KL, explained variance | [`PpoStats`] |
//! | 13-16 separate tanh nets, Gaussian with learnt, state-independent, bounded deviation | [`crate::policy::Policy`] |
//! | 18 commands clipped for the problem, stored unclipped | [`crate::rollout::collect`] |
//! | 19-20 running mean and variance of observations, clipped to ±10 | [`crate::normaliser::Normaliser`] |
//! | 21-22 rewards divided by the deviation of the discounted return | [`crate::reward_scaler::RewardScaler`] |
//!
//! The hardware joins in through an [`EffectTerm`]: a loss of its own with its own parameters, optimiser and
//! clipping, added to the same graph.

mod report;
mod settings;
#[cfg(test)]
mod tests;

pub use report::{PpoError, PpoStats};
pub use settings::PpoSettings;

use rayon::prelude::*;
use tandem_envs::Stream;
use tch::{Kind, TchError, Tensor};

use crate::adam::{Adam, clip_global_norm, gradients};
use crate::policy::Policy;
use crate::raw;
use crate::rollout::Rollout;

/// From this many rows on a minibatch is cut into [`SHARDS`] shards; below, threads cost more than they gain.
const SHARD_FROM: usize = 1024;
/// A fixed number, so that any number of threads adds the same numbers in the same order.
const SHARDS: usize = 4;

/// The hardware's term of the loss.
pub trait EffectTerm: Send {
    /// The leaf tensors it trains.
    fn parameters(&self) -> Vec<Tensor>;

    /// A second handle on the same parameters, for another thread.
    fn share(&self) -> Box<dyn EffectTerm>;

    /// Mean of the term over `rows` (int64 `[m]`, indices `n T + t` into the roll-out) with their
    /// `advantages` `[m]`, as normalised over the minibatch.
    fn loss(&self, rows: &Tensor, advantages: &Tensor) -> Tensor;
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

/// Improves policy and critic (and the effect term's parameters) on a roll-out.
///
/// `advantages` and `returns` are `[N, T]`, from [`crate::gae::advantages`]; `rate` is Adam's present rate;
/// `stream` orders the samples. The bytes of the result do not depend on the number of threads.
///
/// # Errors
/// Too few samples for the minibatches, arrays of unequal length, numbers that are not finite.
#[allow(clippy::too_many_arguments)] // each is a different thing; a struct would only rename them
pub fn update(
    policy: &mut Policy,
    adam: &mut Adam,
    settings: &PpoSettings,
    rate: f64,
    rollout: &Rollout,
    advantages: &[f32],
    returns: &[f32],
    mut effect: Option<EffectUpdate>,
    stream: &mut Stream,
) -> Result<PpoStats, PpoError> {
    let data = Data {
        rollout,
        advantages,
        returns,
        settings,
    };
    data.check()?;
    let mut order: Vec<i64> = (0..rollout.rows() as i64).collect();
    let mut stats = PpoStats::default();
    for epoch in 0..settings.epochs {
        stream.shuffle(&mut order);
        stats = PpoStats::default();
        for (minibatch, rows) in minibatches(&order, settings.minibatches).enumerate() {
            let term = effect.as_ref().map(|e| e.term);
            let mut part = data.differentiate(policy, term, rows)?;
            let split = policy.parameters().len();
            let (for_policy, for_effect) = part.gradients.split_at_mut(split);
            part.stats.grad_norm = clip_global_norm(for_policy, settings.max_grad_norm);
            if let Some(effect) = &effect {
                part.stats.effect_grad_norm = clip_global_norm(for_effect, effect.max_grad_norm);
            }
            check_finite(&part.stats, settings, epoch, minibatch)?;
            adam.step(for_policy, rate);
            policy.clamp_log_std();
            if let Some(effect) = &mut effect {
                effect.adam.step(for_effect, effect.rate);
            }
            stats.add(&part.stats, 1.0 / settings.minibatches as f64);
        }
        if settings.target_kl.is_some_and(|limit| stats.kl > limit) {
            break;
        }
    }
    stats.explained_variance = explained_variance(&rollout.values, returns);
    Ok(stats)
}

/// Cuts the permuted rows into `count` even runs; nothing is left over.
fn minibatches(order: &[i64], count: usize) -> impl Iterator<Item = &[i64]> {
    (0..count).map(move |i| &order[order.len() * i / count..order.len() * (i + 1) / count])
}

/// What all minibatches are cut from.
struct Data<'a> {
    rollout: &'a Rollout,
    advantages: &'a [f32],
    returns: &'a [f32],
    settings: &'a PpoSettings,
}

/// Gradients (policy's, then effect term's) and statistics of some rows.
struct Part {
    gradients: Vec<Tensor>,
    stats: PpoStats,
}

impl Data<'_> {
    fn check(&self) -> Result<(), PpoError> {
        self.settings.check()?;
        let expected = self.rollout.rows();
        for (name, got) in [
            ("advantages", self.advantages.len()),
            ("returns", self.returns.len()),
        ] {
            if got != expected {
                return Err(PpoError::Size {
                    name,
                    expected,
                    got,
                });
            }
        }
        if expected / self.settings.minibatches < 2 {
            let reason = format!(
                "{expected} samples give minibatches of less than 2, which cannot be normalised"
            );
            return Err(PpoError::Setting {
                key: "minibatches",
                reason,
            });
        }
        Ok(())
    }

    /// Gradients of the loss over one minibatch.
    fn differentiate(
        &self,
        policy: &Policy,
        effect: Option<&dyn EffectTerm>,
        rows: &[i64],
    ) -> Result<Part, PpoError> {
        let advantages = normalised(
            rows.iter()
                .map(|&row| self.advantages[row as usize])
                .collect(),
        );
        if rows.len() < SHARD_FROM {
            return Ok(shard(self, policy, effect, rows, &advantages)?);
        }
        let size = rows.len().div_ceil(SHARDS);
        // tensors can move to another thread but not be seen from two: each shard gets its own handles
        let jobs: Vec<_> = rows
            .chunks(size)
            .zip(advantages.chunks(size))
            .map(|(rows, advantages)| {
                (
                    policy.share(),
                    effect.map(EffectTerm::share),
                    rows,
                    advantages,
                )
            })
            .collect();
        let parts: Vec<Result<Part, TchError>> = jobs
            .into_par_iter()
            .with_max_len(1)
            .map(|(policy, effect, rows, advantages)| {
                shard(self, &policy, effect.as_deref(), rows, advantages)
            })
            .collect();
        let weights = rows
            .chunks(size)
            .map(|shard| shard.len() as f64 / rows.len() as f64);
        sum(parts, weights)
    }
}

/// Shifts and scales to mean 0 and deviation 1 (n - 1 in the variance, ε 1e-8).
fn normalised(mut values: Vec<f32>) -> Vec<f32> {
    let n = values.len() as f64;
    let mean = values.iter().map(|&a| f64::from(a)).sum::<f64>() / n;
    let squares = values
        .iter()
        .map(|&a| (f64::from(a) - mean).powi(2))
        .sum::<f64>();
    let deviation = (squares / (n - 1.0)).sqrt() + 1e-8;
    values
        .iter_mut()
        .for_each(|a| *a = ((f64::from(*a) - mean) / deviation) as f32);
    values
}

/// Loss and gradients over the rows of one shard; `advantages` are normalised.
fn shard(
    data: &Data,
    policy: &Policy,
    effect: Option<&dyn EffectTerm>,
    rows: &[i64],
    advantages: &[f32],
) -> Result<Part, TchError> {
    let settings = data.settings;
    let observations = gather(&data.rollout.observations, data.rollout.rows(), rows);
    let commands = gather(&data.rollout.commands, data.rollout.rows(), rows);
    let old = gather(&data.rollout.log_probs, data.rollout.rows(), rows).squeeze_dim(1);
    let returns = gather(data.returns, data.rollout.rows(), rows).squeeze_dim(1);
    let advantages = Tensor::from_slice(advantages);

    let (log_probs, entropy) = policy.log_prob_entropy(&observations, &commands);
    let log_ratio = log_probs - old;
    let ratio = log_ratio.exp();
    let clipped = ratio.clamp(1.0 - settings.clip, 1.0 + settings.clip);
    let policy_loss = -(&ratio * &advantages)
        .minimum(&(clipped * &advantages))
        .mean(Kind::Float);
    let value_loss = (policy.value(&observations) - returns)
        .square()
        .mean(Kind::Float);
    let entropy = entropy.mean(Kind::Float);

    let mut loss = &policy_loss + &value_loss * settings.value_weight;
    if settings.entropy != 0.0 {
        loss -= &entropy * settings.entropy;
    }
    let mut parameters = policy.parameters();
    let mut effect_loss = 0.0;
    if let Some(effect) = effect {
        let term = effect.loss(&Tensor::from_slice(rows), &advantages);
        effect_loss = term.f_double_value(&[])?;
        loss += term;
        parameters.extend(effect.parameters());
    }
    let (kl, clip_fraction) = divergence(&log_ratio, settings.clip);
    Ok(Part {
        gradients: gradients(&loss, &parameters)?,
        stats: PpoStats {
            policy_loss: policy_loss.f_double_value(&[])?,
            value_loss: value_loss.f_double_value(&[])?,
            entropy: entropy.f_double_value(&[])?,
            clip_fraction,
            kl,
            effect_loss,
            ..PpoStats::default()
        },
    })
}

/// Rows of an array `[total, width]` as a tensor `[m, width]`.
fn gather(array: &[f32], total: usize, rows: &[i64]) -> Tensor {
    let width = array.len() / total;
    let mut out = Vec::with_capacity(rows.len() * width);
    for &row in rows {
        out.extend_from_slice(&array[row as usize * width..(row as usize + 1) * width]);
    }
    Tensor::from_slice(&out).view([rows.len() as i64, width as i64])
}

/// KL divergence by the low-variance estimator `(r - 1) - ln r`, and the share of clipped ratios.
fn divergence(log_ratio: &Tensor, clip: f64) -> (f64, f64) {
    let log_ratios = raw::floats(log_ratio);
    let (mut kl, mut clipped) = (0.0, 0.0);
    for &log_ratio in log_ratios {
        let log_ratio = f64::from(log_ratio);
        kl += log_ratio.exp_m1() - log_ratio;
        clipped += f64::from(u8::from(log_ratio.exp_m1().abs() > clip));
    }
    let n = log_ratios.len() as f64;
    (kl / n, clipped / n)
}

/// Adds shards in their order.
fn sum(
    parts: Vec<Result<Part, TchError>>,
    weights: impl Iterator<Item = f64>,
) -> Result<Part, PpoError> {
    let mut total: Option<Part> = None;
    for (part, weight) in parts.into_iter().zip(weights) {
        let Part {
            mut gradients,
            stats,
        } = part?;
        for gradient in &mut gradients {
            raw::rewrite(gradient, |g| g.iter_mut().for_each(|g| *g *= weight as f32));
        }
        let total = match &mut total {
            Some(total) => {
                for (sum, gradient) in total.gradients.iter_mut().zip(&gradients) {
                    let add = |sum: &mut [f32]| {
                        sum.iter_mut()
                            .zip(raw::floats(gradient))
                            .for_each(|(s, g)| *s += g)
                    };
                    raw::rewrite(sum, add);
                }
                total
            }
            None => total.insert(Part {
                gradients,
                stats: PpoStats::default(),
            }),
        };
        total.stats.add(&stats, weight);
    }
    total.ok_or(PpoError::Size {
        name: "minibatch",
        expected: 2,
        got: 0,
    })
}

/// `1 - Var(returns - values) / Var(returns)`; 0 when the returns do not vary.
fn explained_variance(values: &[f32], returns: &[f32]) -> f64 {
    let variance = |numbers: &dyn Fn(usize) -> f64| {
        let n = returns.len() as f64;
        let mean = (0..returns.len()).map(numbers).sum::<f64>() / n;
        (0..returns.len())
            .map(|i| (numbers(i) - mean).powi(2))
            .sum::<f64>()
            / n
    };
    let total = variance(&|i| f64::from(returns[i]));
    let left = variance(&|i| f64::from(returns[i]) - f64::from(values[i]));
    if total > 0.0 { 1.0 - left / total } else { 0.0 }
}

fn check_finite(
    s: &PpoStats,
    settings: &PpoSettings,
    epoch: usize,
    minibatch: usize,
) -> Result<(), PpoError> {
    let loss = s.policy_loss + settings.value_weight * s.value_loss - settings.entropy * s.entropy
        + s.effect_loss;
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
