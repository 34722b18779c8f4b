//! How much of the scheduled noise on task effects a problem bears.
//!
//! The effect's gradient needs noise, and noise spoils what the policy earns: by how much differs a hundredfold from problem
//! to problem. Environments of the complete machine run the same policy and the same designs without noise, so both can
//! be compared in each roll-out:
//!
//! ```text
//! cost = (mean return without noise - mean return with noise) / deviation of the returns without
//! ```
//!
//! Beyond the cost that is borne the noise falls, below it grows back to its schedule.

use crate::archive::{Archive, ArchiveError};
use crate::rollout::{Noise, Rollout};

/// Episodes of each kind that a comparison needs.
const EPISODES: usize = 8;
/// What one costly roll-out leaves of the noise.
const FALL: f64 = 0.8;
/// By what one cheap roll-out raises it.
const RISE: f64 = 1.1;
/// The share never falls below: without any noise there is no gradient.
const LEAST: f64 = 0.1;

/// The share of the scheduled noise that is used.
pub struct NoiseShare {
    share: f64,
    /// The cost that is borne; none: all of the schedule, whatever it costs.
    bound: Option<f64>,
}

impl NoiseShare {
    /// All of the schedule, at first.
    pub fn new(bound: Option<f64>) -> Self {
        Self { share: 1.0, bound }
    }

    /// The scheduled noise as it is used.
    pub fn of(&self, noise: Noise) -> Noise {
        Noise {
            deviation: noise.deviation * self.share as f32,
            ..noise
        }
    }

    /// The share, in (0, 1].
    pub fn share(&self) -> f64 {
        self.share
    }

    /// Learns from a roll-out what the noise costs.
    pub fn adapt(&mut self, rollout: &Rollout) {
        if let (Some(bound), Some(cost)) = (self.bound, cost(rollout)) {
            let factor = if cost > bound { FALL } else { RISE };
            self.share = (self.share * factor).clamp(LEAST, 1.0);
        }
    }

    /// Stores the share.
    pub fn save(&self, archive: &mut Archive) {
        archive.put_f64("effect.noise_share", &[self.share]);
    }

    /// Loads what [`NoiseShare::save`] stored.
    ///
    /// # Errors
    /// A missing entry.
    pub fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.share = archive.get_f64_len("effect.noise_share", 1)?[0];
        Ok(())
    }
}

/// What noise costs in a roll-out, in deviations of the return; none where too few episodes ended.
fn cost(rollout: &Rollout) -> Option<f64> {
    let returns = |without: bool| -> Vec<f64> {
        let chosen = rollout
            .episodes
            .iter()
            .filter(|e| (e.env < rollout.full_envs) == without);
        chosen.map(|episode| episode.total_return).collect()
    };
    let [without, with] = [true, false].map(returns);
    if without.len().min(with.len()) < EPISODES {
        return None;
    }
    let mean = |xs: &[f64]| xs.iter().sum::<f64>() / xs.len() as f64;
    let centre = mean(&without);
    let variance = mean(&without.iter().map(|x| (x - centre).powi(2)).collect::<Vec<_>>());
    Some((centre - mean(&with)) / (variance.sqrt() + 1e-8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::Episode;

    /// Eight episodes without noise that earn 9 and 11 in turn, and as many with noise that earn `noisy`.
    fn rollout(noisy: f64) -> Rollout {
        let mut rollout = Rollout::new(1);
        rollout.full_envs = 8;
        let earned = |env: usize| match env {
            8.. => noisy,
            _ => 10.0 + if env.is_multiple_of(2) { 1.0 } else { -1.0 },
        };
        let episode = |env| Episode {
            env,
            steps: 1,
            total_return: earned(env),
            start_value: 0.0,
            success: false,
            fault: None,
            logits: Vec::new(),
        };
        rollout.episodes = (0..16).map(episode).collect();
        rollout
    }

    #[test]
    fn the_cost_is_in_deviations_of_the_return_without_noise() {
        assert!((cost(&rollout(7.0)).unwrap() - 3.0).abs() < 1e-6);
        assert!((cost(&rollout(11.0)).unwrap() + 1.0).abs() < 1e-6);
        let mut few = rollout(7.0);
        few.full_envs = 7;
        assert_eq!(cost(&few), None);
    }

    #[test]
    fn costly_noise_falls_to_a_tenth_and_cheap_noise_grows_back() {
        let mut share = NoiseShare::new(Some(0.5));
        let scheduled = Noise {
            deviation: 0.3,
            persistence: 0.9,
        };
        share.adapt(&rollout(7.0));
        assert!((share.of(scheduled).deviation - 0.24).abs() < 1e-6);
        (0..20).for_each(|_| share.adapt(&rollout(7.0)));
        assert_eq!(share.share(), LEAST);
        (0..40).for_each(|_| share.adapt(&rollout(10.0)));
        assert_eq!(share.share(), 1.0);
    }

    #[test]
    fn without_a_bound_the_schedule_stands() {
        let mut share = NoiseShare::new(None);
        share.adapt(&rollout(-100.0));
        assert_eq!(share.share(), 1.0);
    }
}
