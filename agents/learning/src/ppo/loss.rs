//! The losses of actor and critic on plain numbers, with their gradients in closed form.

use crate::head::{HALF_LN_TAU, Head};

use super::PpoStats;

/// The rows of a shard that the actor learns from.
pub(super) struct Experience<'a> {
    /// `[m, cmd]` unclipped commands, or option indices.
    pub commands: &'a [f32],
    /// `[m]` log-probabilities at collection.
    pub log_probs: &'a [f32],
    /// `[m]` normalised advantages.
    pub advantages: &'a [f32],
}

/// How the actor is judged.
pub(super) struct Surrogate {
    /// The ratio is clipped to 1 ± this.
    pub clip: f64,
    /// Weight of the entropy bonus.
    pub entropy: f64,
    /// Rows of the whole minibatch, over which means are taken.
    pub total: f64,
}

/// Where gradient and statistics of the actor's loss are added up.
struct Sums<'a> {
    by_output: &'a mut [f32],
    by_log_std: &'a mut [f64],
    stats: &'a mut PpoStats,
}

impl Surrogate {
    /// The actor's share of `-E[min(r A, clip(r) A)] - c H` over the rows of `experience`. Adds statistics,
    /// and returns the gradients by the outputs (means or logits, `[m, out]`) and by the log deviations.
    pub fn differentiate(
        &self,
        head: Head,
        outputs: &[f32],
        log_std: &[f32],
        experience: &Experience,
        stats: &mut PpoStats,
    ) -> (Vec<f32>, Vec<f32>) {
        let mut by_output = vec![0.0; outputs.len()];
        let mut by_log_std = vec![0.0; log_std.len()];
        let sums = Sums {
            by_output: &mut by_output,
            by_log_std: &mut by_log_std,
            stats,
        };
        match head {
            Head::Gaussian => self.gaussian(outputs, log_std, experience, sums),
            Head::Categorical => self.categorical(outputs, experience, sums),
        }
        let by_log_std = by_log_std.into_iter().map(|g| g as f32).collect();
        (by_output, by_log_std)
    }

    /// With `z = (u - m) / s`: `ln p = -Σ (z²/2 + ln s + ln(2π)/2)`, so `d ln p / dm = z / s` and
    /// `d ln p / d ln s = z² - 1`; the entropy is `Σ (ln s + (1 + ln 2π)/2)`.
    fn gaussian(&self, means: &[f32], log_std: &[f32], experience: &Experience, sums: Sums) {
        let n = log_std.len();
        let inverse: Vec<f64> = log_std.iter().map(|&s| (-f64::from(s)).exp()).collect();
        let log_det: f64 = log_std.iter().map(|&s| f64::from(s)).sum();
        let entropy = log_det + n as f64 * (0.5 + HALF_LN_TAU);
        let mut z = vec![0.0; n];
        let rows = means
            .chunks_exact(n)
            .zip(experience.commands.chunks_exact(n))
            .zip(sums.by_output.chunks_exact_mut(n));
        for (row, ((mean, command), by_mean)) in rows.enumerate() {
            for j in 0..n {
                z[j] = (f64::from(command[j]) - f64::from(mean[j])) * inverse[j];
            }
            let squares: f64 = z.iter().map(|z| z * z).sum();
            let log_prob = -0.5 * squares - log_det - n as f64 * HALF_LN_TAU;
            let slope = self.row(experience, row, log_prob, entropy, sums.stats);
            for j in 0..n {
                by_mean[j] = (slope * z[j] * inverse[j]) as f32;
                sums.by_log_std[j] += slope * (z[j] * z[j] - 1.0) - self.entropy / self.total;
            }
        }
    }

    /// With `p = softmax(l)`: `d ln p_a / dl_j = [j = a] - p_j`, and for the entropy `H = -Σ p ln p`,
    /// `dH / dl_j = -p_j (ln p_j + H)`.
    fn categorical(&self, logits: &[f32], experience: &Experience, sums: Sums) {
        let options = logits.len() / experience.commands.len().max(1);
        let rows = logits
            .chunks_exact(options.max(1))
            .zip(sums.by_output.chunks_exact_mut(options.max(1)));
        for (row, (logits, by_logit)) in rows.enumerate() {
            let top = logits.iter().copied().fold(f32::NEG_INFINITY, f32::max);
            let shifted = |l: f32| f64::from(l) - f64::from(top);
            let log_sum = logits.iter().map(|&l| shifted(l).exp()).sum::<f64>().ln();
            let log_p = |j: usize| shifted(logits[j]) - log_sum;
            let entropy = -(0..options).map(|j| log_p(j).exp() * log_p(j)).sum::<f64>();
            let chosen = experience.commands[row] as usize;
            let slope = self.row(experience, row, log_p(chosen), entropy, sums.stats);
            for j in 0..options {
                let (hit, p) = (f64::from(u8::from(j == chosen)), log_p(j).exp());
                let bonus = self.entropy / self.total * p * (log_p(j) + entropy);
                by_logit[j] = (slope * (hit - p) + bonus) as f32;
            }
        }
    }

    /// One row's loss and statistics; returns its gradient by the log-probability: `-r A / total`, or 0
    /// where the pessimistic minimum is the clipped ratio.
    fn row(&self, experience: &Experience, row: usize, log_prob: f64, entropy: f64, stats: &mut PpoStats) -> f64 {
        let log_ratio = log_prob - f64::from(experience.log_probs[row]);
        let advantage = f64::from(experience.advantages[row]);
        let ratio = log_ratio.exp();
        let clipped = ratio.clamp(1.0 - self.clip, 1.0 + self.clip);
        let kept = ratio * advantage <= clipped * advantage;
        let gain = if kept { ratio } else { clipped } * advantage;
        stats.policy_loss -= gain / self.total;
        stats.entropy += entropy / self.total;
        // KL divergence by the low-variance estimator (r - 1) - ln r
        stats.kl += (log_ratio.exp_m1() - log_ratio) / self.total;
        stats.clip_fraction += f64::from(u8::from(clipped != ratio)) / self.total;
        if kept { -gain / self.total } else { 0.0 }
    }
}

/// The critic's share of `weight E[(v - return)²]`: adds the unweighted mean to `value_loss` and returns the
/// gradient by the values `[m]`. Values are not clipped.
pub(super) fn squared_error(
    values: &[f32],
    returns: &[f32],
    weight: f64,
    total: f64,
    stats: &mut PpoStats,
) -> Vec<f32> {
    let slope = |(&value, &target): (&f32, &f32)| {
        let error = f64::from(value) - f64::from(target);
        stats.value_loss += error * error / total;
        (2.0 * weight * error / total) as f32
    };
    values.iter().zip(returns).map(slope).collect()
}

#[cfg(test)]
mod tests {
    use tandem_core::{Channel, CommandSpace, Stream};
    use tch::{Kind, Tensor};

    use super::*;
    use crate::network::Network;
    use crate::policy::{Policy, PolicyShape};

    const ROWS: usize = 64;
    const CLIP: f64 = 0.2;
    const ENTROPY: f64 = 0.03;
    const WEIGHT: f64 = 0.7;

    fn normals(n: usize, stream: &mut Stream) -> Vec<f32> {
        let mut out = vec![0.0; n];
        stream.fill_normal(&mut out);
        out
    }

    fn policy(command: &CommandSpace, stream: &mut Stream) -> Policy {
        let shape = PolicyShape {
            observations: 7,
            designs: 0,
            command,
            hidden: &[32, 16],
            log_std_start: -0.4,
            normalise: false,
        };
        let mut policy = Policy::new(&shape, stream);
        // the fresh head is near zero: move away from it, so that all terms count
        let mut parameters = policy.parameters();
        for parameter in &mut parameters {
            let numbers = crate::raw::floats(parameter).iter();
            let numbers: Vec<f32> = numbers.map(|p| p + 0.1 * stream.normal() as f32).collect();
            crate::raw::set(parameter, &numbers);
        }
        policy.clamp_log_std();
        policy
    }

    fn matrix(values: &[f32]) -> Tensor {
        Tensor::from_slice(values).view([ROWS as i64, -1])
    }

    /// The loss as its formula stands, left to autograd. Returns its gradients by the parameters.
    fn by_autograd(policy: &Policy, observations: &[f32], e: &Experience, returns: &[f32]) -> Vec<Tensor> {
        let x = matrix(observations);
        let (log_probs, entropy) = policy.log_prob_entropy(&x, &matrix(e.commands));
        let ratio = (log_probs - Tensor::from_slice(e.log_probs)).exp();
        let a = Tensor::from_slice(e.advantages);
        let clipped = ratio.clamp(1.0 - CLIP, 1.0 + CLIP) * &a;
        let gain = (ratio * a).minimum(&clipped).mean(Kind::Float);
        let error = policy.value(&x) - Tensor::from_slice(returns);
        let loss = error.square().mean(Kind::Float) * WEIGHT - gain - entropy.mean(Kind::Float) * ENTROPY;
        crate::adam::gradients(&loss, &policy.parameters()).unwrap()
    }

    /// The same gradients in closed form, and statistics.
    fn in_closed_form(
        policy: &Policy,
        observations: &[f32],
        e: &Experience,
        returns: &[f32],
    ) -> (Vec<Tensor>, PpoStats) {
        let mut stats = PpoStats::default();
        let surrogate = Surrogate {
            clip: CLIP,
            entropy: ENTROPY,
            total: ROWS as f64,
        };
        let gradients = tch::no_grad(|| {
            let actor = Network::new(&policy.actor);
            let trace = actor.forward(matrix(observations));
            let log_std = crate::raw::floats(&policy.log_std);
            let (by_output, by_log_std) = surrogate.differentiate(policy.kind, trace.output(), log_std, e, &mut stats);
            let mut gradients = actor.backward(&trace, &by_output);
            let critic = Network::new(&policy.critic);
            let trace = critic.forward(matrix(observations));
            let values = trace.output();
            let by_value = squared_error(values, returns, WEIGHT, ROWS as f64, &mut stats);
            gradients.extend(critic.backward(&trace, &by_value));
            if policy.kind == Head::Gaussian {
                gradients.push(Tensor::from_slice(&by_log_std));
            }
            gradients
        });
        (gradients, stats)
    }

    #[test]
    fn closed_form_gradients_are_those_of_autograd_for_both_heads() {
        let planar = CommandSpace::Continuous(vec![Channel::new("x", "1"), Channel::new("y", "1")]);
        for space in [planar, CommandSpace::Discrete(3)] {
            let mut stream = Stream::new(0, "loss", 0);
            let policy = policy(&space, &mut stream);
            let observations = normals(ROWS * 7, &mut stream);
            let commands: Vec<f32> = match &space {
                CommandSpace::Continuous(_) => normals(ROWS * 2, &mut stream),
                CommandSpace::Discrete(n) => (0..ROWS).map(|_| stream.below(*n) as f32).collect(),
            };
            let (now, _) = policy.log_prob_entropy(&matrix(&observations), &matrix(&commands));
            let now = crate::raw::floats(&now.detach()).to_vec();
            let spread = normals(ROWS, &mut stream);
            let log_probs: Vec<f32> = now.iter().zip(&spread).map(|(p, d)| p - 0.4 * d).collect();
            let experience = Experience {
                commands: &commands,
                log_probs: &log_probs,
                advantages: &normals(ROWS, &mut stream),
            };
            let returns = normals(ROWS, &mut stream);
            let expected = by_autograd(&policy, &observations, &experience, &returns);
            let (found, stats) = in_closed_form(&policy, &observations, &experience, &returns);
            assert!(
                (0.2..0.8).contains(&stats.clip_fraction),
                "rows of both kinds: {}",
                stats.clip_fraction
            );
            assert_eq!(found.len(), expected.len());
            let norm = |g: &Tensor| g.norm().double_value(&[]);
            let whole = expected.iter().map(|g| norm(g).powi(2)).sum::<f64>().sqrt();
            for (i, (found, expected)) in found.iter().zip(&expected).enumerate() {
                assert_eq!(found.size(), expected.size());
                assert!(norm(expected) > 1e-3 * whole, "parameter {i} counts");
                let error = norm(&(found - expected)) / whole;
                // sums over `ROWS` rows in single precision
                assert!(error < 1e-5, "parameter {i} is off by {error:e}");
            }
        }
    }

    #[test]
    fn statistics_of_one_row_by_hand() {
        // ln r = 0.5: beyond the clip range, and good, so that the clipped ratio counts
        let experience = Experience {
            commands: &[0.0],
            log_probs: &[(-HALF_LN_TAU - 0.5) as f32],
            advantages: &[2.0],
        };
        let surrogate = Surrogate {
            clip: CLIP,
            entropy: 0.0,
            total: 1.0,
        };
        let mut stats = PpoStats::default();
        let (by_mean, by_log_std) = surrogate.differentiate(Head::Gaussian, &[0.0], &[0.0], &experience, &mut stats);
        assert_eq!((by_mean, by_log_std), (vec![0.0], vec![0.0]));
        assert!((stats.policy_loss + 1.2 * 2.0).abs() < 1e-6);
        assert!((stats.kl - (0.5f64.exp() - 1.0 - 0.5)).abs() < 1e-6);
        assert!((stats.entropy - (0.5 + HALF_LN_TAU)).abs() < 1e-12);
        assert_eq!(stats.clip_fraction, 1.0);
    }
}
