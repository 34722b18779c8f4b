//! Reward scaling ([`crate::ppo`], rows 21 and 22): rewards are divided by the running standard deviation of the
//! discounted return, without subtracting a mean, and clipped.

use crate::archive::{Archive, ArchiveError};
use crate::normaliser::Moments;
use crate::rollout::End;

/// Scaled rewards are clipped to ± this.
pub const CLIP: f32 = 10.0;

/// Running scale of rewards. The discounted return `R <- gamma R + r` of each environment is followed across
/// segments and starts again when an episode ends either way.
#[derive(Clone, Debug)]
pub struct RewardScaler {
    gamma: f64,
    /// Discounted return of each environment's running episode.
    running: Vec<f64>,
    moments: Moments,
}

impl RewardScaler {
    /// A scaler for this many environments.
    pub fn new(envs: usize, gamma: f64) -> Self {
        Self {
            gamma,
            running: vec![0.0; envs],
            moments: Moments::new(1),
        }
    }

    /// Takes in a segment, `rewards` and `ends` `[N, T]`, then returns its rewards in the new scale.
    pub fn scale(&mut self, rewards: &[f32], ends: &[End]) -> Vec<f32> {
        let steps = rewards.len() / self.running.len().max(1);
        if steps == 0 {
            return Vec::new();
        }
        let envs = rewards.chunks_exact(steps).zip(ends.chunks_exact(steps));
        for (running, (rewards, ends)) in self.running.iter_mut().zip(envs) {
            let mut env = Moments::new(1);
            for (&reward, &end) in rewards.iter().zip(ends) {
                *running = self.gamma * *running + f64::from(reward);
                env.push(&[*running as f32]);
                if end != End::Running {
                    *running = 0.0;
                }
            }
            self.moments.merge(&env);
        }
        let deviation = self.deviation();
        let scale = |&r: &f32| ((f64::from(r) / deviation) as f32).clamp(-CLIP, CLIP);
        rewards.iter().map(scale).collect()
    }

    /// What rewards are divided by.
    pub fn deviation(&self) -> f64 {
        (self.moments.variance()[0] + 1e-8).sqrt()
    }

    /// Forgets the running returns, when all environments start new episodes; the scale stays.
    pub fn restart(&mut self) {
        self.running.fill(0.0);
    }

    /// Stores everything under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        archive.put_f64(&format!("{prefix}.running"), &self.running);
        self.moments.save(archive, prefix);
    }

    /// Loads what [`RewardScaler::save`] stored.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), ArchiveError> {
        self.running = archive.get_f64_len(&format!("{prefix}.running"), self.running.len())?;
        self.moments.load(archive, prefix)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use End::{Running, Terminated, Truncated};

    #[test]
    fn divides_by_the_deviation_of_discounted_returns_that_restart_at_either_end() {
        let mut scaler = RewardScaler::new(2, 0.5);
        let rewards = [1.0, 2.0, 4.0, 1.0, 0.0, -1.0];
        let ends = [Running, Truncated, Running, Terminated, Running, Running];
        let scaled = scaler.scale(&rewards, &ends);
        // environment 0: 1, 0.5 + 2, then anew 4; environment 1: 1, then anew 0, -1
        let returns = [1.0, 2.5, 4.0, 1.0, 0.0, -1.0];
        let mean = returns.iter().sum::<f64>() / 6.0;
        let deviation = (returns.iter().map(|r| (r - mean).powi(2)).sum::<f64>() / 6.0).sqrt();
        for (scaled, reward) in scaled.iter().zip(rewards) {
            assert!((f64::from(*scaled) - reward as f64 / deviation).abs() < 1e-5);
        }
        // environment 0 goes on from 4: the next return is 2 + 3
        let mut one = scaler.clone();
        one.scale(&[3.0, 0.0], &[Running; 2]);
        assert_eq!(one.running, [5.0, -0.5]);
    }

    #[test]
    fn continues_exactly_from_an_archive_and_clips() {
        let mut a = RewardScaler::new(1, 0.9);
        a.scale(&[1.0, -1.0, 0.5], &[Running; 3]);
        let mut archive = Archive::new();
        a.save(&mut archive, "scale");
        let mut b = RewardScaler::new(1, 0.9);
        b.load(&archive, "scale").unwrap();
        assert_eq!(a.scale(&[0.1, 0.2], &[Running; 2]), b.scale(&[0.1, 0.2], &[Running; 2]));
        let many: Vec<f32> = (0..200).map(|i| if i == 0 { 1e4 } else { 0.0 }).collect();
        assert_eq!(RewardScaler::new(1, 0.0).scale(&many, &[Running; 200])[0], CLIP);
    }
}
