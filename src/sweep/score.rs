//! What runs are compared by, at a rung.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::state::evaluations;
use crate::error::Error;

/// So many of the last true evaluations are averaged.
const EVALUATIONS: usize = 3;

/// What is compared at a rung: true success, then the return.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Score {
    /// Share of solved episodes.
    pub success: f64,
    /// Mean return of the same episodes.
    #[serde(rename = "return")]
    pub total_return: f64,
}

impl Score {
    /// The mean of the last true evaluations in a run folder; nothing solved where there was none.
    ///
    /// # Errors
    /// Metrics that cannot be read.
    pub fn of(folder: &Path) -> Result<Self, Error> {
        let rows = evaluations(folder)?;
        let judged = rows
            .iter()
            .rev()
            .filter_map(|row| Some((row.true_success?, row.true_return?)));
        let judged: Vec<(f64, f64)> = judged.take(EVALUATIONS).collect();
        Ok(Self::mean(
            judged
                .iter()
                .map(|&(success, total_return)| Self { success, total_return }),
        ))
    }

    /// The mean of these; less than anything where there is none.
    pub fn mean(scores: impl Iterator<Item = Self>) -> Self {
        let scores: Vec<Self> = scores.collect();
        let mean = |of: fn(&Self) -> f64| scores.iter().map(of).sum::<f64>() / scores.len() as f64;
        match scores.is_empty() {
            true => Self {
                success: 0.0,
                total_return: f64::MIN,
            },
            false => Self {
                success: mean(|score| score.success),
                total_return: mean(|score| score.total_return),
            },
        }
    }

    /// The better one comes first.
    pub fn beats(&self, other: &Self) -> std::cmp::Ordering {
        let success = other.success.total_cmp(&self.success);
        success.then(other.total_return.total_cmp(&self.total_return))
    }
}
