//! Settings of a co-design.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_core::check::{SettingError, within};

/// Share of the rounds after which the model is trained on nothing but circuits that are good enough.
const HURDLE: f64 = 0.6;

/// Settings of a co-design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct CodesignSettings {
    /// Rounds.
    pub rounds: u32,
    /// Circuits that are judged in a round.
    pub candidates: usize,
    /// Iterations of the model, and of the control, in a round.
    pub training: u64,
    /// Rate of AdamW at the start; falls to zero over the rounds.
    pub rate: f64,
    /// Perplexity that may be lost against the control, as a share.
    pub margin: f64,
    /// Part of that margin that a circuit may take on the search text: the rest is for texts that differ.
    pub reserve: f64,
    /// In the first round the model is trained on a circuit that loses up to so many times what a circuit may lose; this
    /// falls to once by three fifths of the rounds. What a circuit loses before the model has learnt on it says little of
    /// what it loses afterwards, and those of least energy lose most.
    pub reach: f64,
    /// Chips with different noise that the last judgement takes.
    pub chips: u32,
    /// Seed of all random streams.
    pub seed: u64,
}

impl Default for CodesignSettings {
    fn default() -> Self {
        Self {
            rounds: 10,
            candidates: 12,
            training: 25,
            rate: 3e-4,
            margin: 0.01,
            reserve: 0.5,
            reach: 6.0,
            chips: 2,
            seed: 0,
        }
    }
}

impl CodesignSettings {
    /// Checks all ranges.
    ///
    /// # Errors
    /// The first setting out of range.
    pub fn check(&self) -> Result<(), SettingError> {
        within("rounds", self.rounds, [1, 100_000])?;
        within("candidates", self.candidates, [1, 10_000])?;
        within("training", self.training, [0, 1_000_000])?;
        within("rate", self.rate, [0.0, 1.0])?;
        within("margin", self.margin, [0.0, 10.0])?;
        within("reserve", self.reserve, [0.0, 1.0])?;
        within("reach", self.reach, [1.0, 1000.0])?;
        within("chips", self.chips, [0, 1000])?;
        Ok(())
    }

    /// Loss above the control's that a circuit may have on the search text after so many rounds, nat.
    pub(super) fn allowed(&self, round: u32) -> f64 {
        let passed = f64::from(round) / (HURDLE * f64::from(self.rounds));
        let reach = 1.0 + (self.reach - 1.0) * (1.0 - passed).max(0.0);
        reach * (1.0 - self.reserve) * self.margin.ln_1p()
    }
}
