//! How much of the scheduled rate an update's size allows.
//!
//! The smaller exploration gets, the further the same step of Adam moves the policy in units of its noise, the more so the more
//! commands there are: with fifteen joints the divergence of one update grew from 0.03 to between 14 and 43 nats while the noise
//! fell to its end. So the rate follows the divergence by the rule of rsl_rl (`schedule="adaptive"`; Rudin et al. 2022, "Learning to
//! walk in minutes using massively parallel deep reinforcement learning"), but never beyond its schedule.

use crate::archive::{Archive, ArchiveError};

/// The rate is divided by this beyond twice the target, and multiplied by it below half of it.
const FACTOR: f64 = 1.5;
/// The share never falls below.
const LEAST: f64 = 1e-3;

/// The share of the scheduled rate that is used, in (0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RateShare(f64);

impl Default for RateShare {
    /// All of the schedule.
    fn default() -> Self {
        Self(1.0)
    }
}

impl RateShare {
    /// The scheduled rate as it is used.
    pub fn of(&self, rate: f64) -> f64 {
        rate * self.0
    }

    /// Learns from an update's KL divergence; without a target the schedule stands.
    pub fn adapt(&mut self, target: Option<f64>, kl: f64) {
        let Some(target) = target else { return };
        if kl > 2.0 * target {
            self.0 = (self.0 / FACTOR).max(LEAST);
        } else if kl < target / 2.0 {
            self.0 = (self.0 * FACTOR).min(1.0);
        }
    }

    /// Stores the share.
    pub fn save(&self, archive: &mut Archive) {
        archive.put_f64("policy.rate_share", &[self.0]);
    }

    /// Loads what [`RateShare::save`] stored.
    ///
    /// # Errors
    /// A missing entry.
    pub fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        self.0 = archive.get_f64_len("policy.rate_share", 1)?[0];
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn large_updates_slow_the_rate_and_small_ones_let_it_grow_back() {
        let mut share = RateShare::default();
        share.adapt(Some(0.02), 0.05);
        assert!((share.of(0.003) - 0.002).abs() < 1e-12);
        share.adapt(Some(0.02), 0.02); // between half and twice the target it stays
        assert!((share.of(0.003) - 0.002).abs() < 1e-12);
        share.adapt(Some(0.02), 0.009);
        share.adapt(Some(0.02), 0.009);
        assert_eq!(share, RateShare::default());
        (0..100).for_each(|_| share.adapt(Some(0.02), 9.0));
        assert_eq!(share.of(1.0), LEAST);
    }

    #[test]
    fn without_a_target_the_schedule_stands() {
        let mut share = RateShare::default();
        share.adapt(None, 9.0);
        assert_eq!(share, RateShare::default());
    }
}
