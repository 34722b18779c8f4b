//! A baseline for the effect's advantage that depends on state and command.
//!
//! The effect is drawn given state *and* command, so any function of both may be subtracted from its
//! advantage without bias. PPO's critic depends on the state only: the contribution of the command's own
//! exploration would remain, and on long arms it dominates that of the effect's noise. Optionally the reward of the step
//! before is an input too: the state's own value is in both rewards, so that their difference shows what happened in
//! between. The baseline is fitted to each roll-out after it was used on it.

use tandem_core::Stream;
use tch::{Kind, Tensor};

use crate::adam::{Adam, clip_global_norm};
use crate::archive::{Archive, ArchiveError};
use crate::mlp::Mlp;
use crate::network::Network;
use crate::proxy::matrix;
use crate::raw;
use crate::rollout::{End, Rollout};

/// Rows per regression step.
const BATCH: usize = 512;
/// Passes over a roll-out.
const EPOCHS: usize = 3;
/// Learning rate.
const RATE: f64 = 2e-3;
/// Inputs beside observation and command: the reward before, and whether it is known.
const BEFORE: usize = 2;

/// A network from observation and command, and the reward before where it is asked for, to the expected advantage.
pub struct Baseline {
    net: Mlp,
    reward_before: bool,
    adam: Adam,
    stream: Stream,
}

impl Baseline {
    /// An unfitted baseline, which predicts about 0, for `inputs` = observation + command numbers.
    pub fn new(inputs: usize, reward_before: bool, seed: u64) -> Self {
        let mut stream = Stream::new(seed, "effect-baseline", 0);
        let inputs = inputs + if reward_before { BEFORE } else { 0 };
        let net = Mlp::new(inputs, &[64, 64], 1, 0.01, &mut stream);
        Self {
            adam: Adam::new(net.parameters()),
            net,
            reward_before,
            stream,
        }
    }

    /// Advantages `[R]` less what state and command explain, normalised; then fits itself to them. Environments of
    /// the complete machine had no effect to be credited: their rows are 0.
    pub fn subtract(&mut self, rollout: &Rollout, advantages: &[f32]) -> Tensor {
        let rows = rollout.rows() as i64;
        let full = (rollout.full_envs * rollout.steps) as i64;
        let mut inputs = vec![
            matrix(&rollout.observations, rollout.rows()),
            matrix(&rollout.commands, rollout.rows()).clamp(-1.0, 1.0),
        ];
        if self.reward_before {
            inputs.push(matrix(&before(rollout), rollout.rows()));
        }
        let inputs = Tensor::cat(&inputs, 1).narrow(0, full, rows - full);
        let raw = Tensor::from_slice(advantages).narrow(0, full, rows - full);
        let raw = &raw / (raw.std(false) + 1e-8);
        let rest = tch::no_grad(|| &raw - self.net.forward(&inputs).squeeze_dim(1));
        self.fit(&inputs, raw::floats(&raw));
        let rest = (&rest - rest.mean(Kind::Float)) / (rest.std(false) + 1e-8);
        Tensor::cat(&[rest.new_zeros([full], (Kind::Float, rest.device())), rest], 0)
    }

    fn fit(&mut self, inputs: &Tensor, targets: &[f32]) {
        let mut order: Vec<i64> = (0..targets.len() as i64).collect();
        let network = Network::new(&self.net);
        for _ in 0..EPOCHS {
            self.stream.shuffle(&mut order);
            for rows in order.chunks(BATCH) {
                let batch = Tensor::from_slice(rows);
                tch::no_grad(|| {
                    let trace = network.forward(inputs.index_select(0, &batch));
                    // d/dp of mean (p - target)^2
                    let by_output: Vec<f32> = trace
                        .output()
                        .iter()
                        .zip(rows)
                        .map(|(p, &row)| 2.0 * (p - targets[row as usize]) / rows.len() as f32)
                        .collect();
                    let mut gradients = network.backward(&trace, &by_output);
                    if clip_global_norm(&mut gradients, 1.0).is_finite() {
                        self.adam.step(&gradients, RATE);
                    }
                });
            }
        }
    }

    /// Stores network, optimiser and stream.
    pub fn save(&self, archive: &mut Archive) {
        self.net.save(archive, "effect_baseline");
        self.adam.save(archive, "effect_baseline.adam");
        archive.put_json("effect_baseline.stream", &self.stream);
    }

    /// Loads what [`Baseline::save`] stored.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.net.load(archive, "effect_baseline")?;
        self.adam.load(archive, "effect_baseline.adam")?;
        self.stream = archive.get_json("effect_baseline.stream")?;
        Ok(())
    }
}

/// `[R, 2]`: the reward of the step before, in standard deviations of this roll-out, and 1; zeros where an episode or
/// the roll-out begins.
fn before(rollout: &Rollout) -> Vec<f32> {
    let count = rollout.rewards.len().max(1) as f64;
    let mean = rollout.rewards.iter().map(|&r| f64::from(r)).sum::<f64>() / count;
    let square = |&r: &f32| (f64::from(r) - mean).powi(2);
    let deviation = (rollout.rewards.iter().map(square).sum::<f64>() / count).sqrt();
    let scale = 1.0 / (deviation + 1e-8) as f32;
    let mut rows = vec![0.0; BEFORE * rollout.rows()];
    let envs = rows.chunks_exact_mut(BEFORE * rollout.steps.max(1));
    for (env, rows) in envs.enumerate() {
        for step in 1..rollout.steps {
            let last = env * rollout.steps + step - 1;
            if rollout.ends[last] == End::Running {
                rows[BEFORE * step] = rollout.rewards[last] * scale;
                rows[BEFORE * step + 1] = 1.0;
            }
        }
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reward_before_is_that_of_the_same_episode() {
        let mut rollout = Rollout::new(3);
        rollout.envs = 2;
        rollout.rewards = vec![1.0, 3.0, 1.0, 3.0, 1.0, 3.0]; // deviation 1
        rollout.ends = vec![End::Running; 6];
        rollout.ends[3] = End::Terminated;
        let expected = [0., 0., 1., 1., 3., 1., 0., 0., 0., 0., 1., 1.];
        for (found, expected) in before(&rollout).iter().zip(expected) {
            assert!((found - expected).abs() < 1e-6, "{found} {expected}");
        }
    }
}
