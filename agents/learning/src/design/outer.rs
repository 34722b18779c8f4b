//! What the outer-loop methods share: judging one candidate design by a stretch of PPO.

use serde::{Deserialize, Serialize};
use tandem_core::check::{SettingError, within};

use crate::archive::{Archive, ArchiveError};
use crate::rollout::Rollout;

/// What the trainer does with the policy before the next iteration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PolicyChange {
    /// Nothing: the design may have moved a little.
    Keep,
    /// Another design is tried by the same policy: episodes under way are dropped.
    Next,
    /// Another design is tried by a policy from scratch.
    Restart,
    /// The policy is stored under `store`, and training goes on with the one stored under `load` (from scratch
    /// when `None`).
    Swap {
        /// Where to store the present policy.
        store: Option<usize>,
        /// Which policy goes on.
        load: Option<usize>,
    },
}

/// Counts a candidate's iterations and scores it by the mean return of the later half of them.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Inner {
    iterations: usize,
    sum: f64,
    episodes: f64,
}

impl Inner {
    /// Checks the number of iterations that each candidate gets.
    ///
    /// # Errors
    /// It is out of range.
    pub(super) fn check(iterations: usize) -> Result<(), SettingError> {
        within("inner_iterations", iterations, [1, 1_000_000])?;
        Ok(())
    }

    /// Adds an iteration's episodes. Returns the score once `budget` iterations are done and an episode has ended, and
    /// starts anew: where episodes are longer than the stretch, it grows, since a candidate without an episode has no
    /// score.
    pub fn add(&mut self, rollout: &Rollout, budget: usize) -> Option<f64> {
        self.iterations += 1;
        if self.iterations > budget / 2 {
            self.sum += rollout.episodes.iter().map(|e| e.total_return).sum::<f64>();
            self.episodes += rollout.episodes.len() as f64;
        }
        if self.iterations < budget || self.episodes == 0.0 {
            return None;
        }
        let score = self.sum / self.episodes;
        *self = Self::default();
        Some(score)
    }

    /// Stores the counters under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        let values = [self.iterations as f64, self.sum, self.episodes];
        archive.put_f64(&format!("{prefix}.inner"), &values);
    }

    /// Loads what [`Inner::save`] stored.
    ///
    /// # Errors
    /// A missing entry.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), ArchiveError> {
        let values = archive.get_f64_len(&format!("{prefix}.inner"), 3)?;
        self.iterations = values[0] as usize;
        self.sum = values[1];
        self.episodes = values[2];
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rollout::Episode;

    fn rollout(returns: &[f64]) -> Rollout {
        let mut rollout = Rollout::new(1);
        rollout.episodes = returns
            .iter()
            .map(|&total_return| Episode {
                env: 0,
                steps: 1,
                total_return,
                start_value: 0.0,
                success: false,
                fault: None,
                logits: Vec::new(),
            })
            .collect();
        rollout
    }

    #[test]
    fn the_score_is_the_mean_return_of_the_later_half() {
        let mut inner = Inner::default();
        for early in [9.0, 9.0, 1.0] {
            assert_eq!(inner.add(&rollout(&[early]), 4), None);
        }
        assert_eq!(inner.add(&rollout(&[2.0, 6.0]), 4), Some(3.0));
    }

    #[test]
    fn a_stretch_in_which_no_episode_ends_grows_until_one_does() {
        let mut inner = Inner::default();
        for _ in 0..7 {
            assert_eq!(inner.add(&rollout(&[]), 2), None);
        }
        assert_eq!(inner.add(&rollout(&[5.0]), 2), Some(5.0));
        assert_eq!(inner.add(&rollout(&[1.0]), 1), Some(1.0), "and starts anew");
    }
}
