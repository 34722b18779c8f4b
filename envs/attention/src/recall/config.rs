//! Settings of the problem `attention`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::code::{KEYS, ROWS, SLOTS};
use crate::gain_cell::{GainCell, Noise, Timing};
use tandem_core::check::{refuse, within};
use tandem_core::preset::{Preset, choose};
use tandem_core::problem::ProblemError;

/// All presets. Shares as [`super::selectivity()`] counts them with seed 0.
pub const PRESETS: [Preset; 1] = [Preset {
    name: "recall",
    about: "facts that change, the latest six are asked for; three times less energy than the published cells",
}];

/// Settings of the problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Name of the preset; there is one, `recall`.
    pub preset: String,
    /// Tokens of an episode, in [8, 100].
    #[schemars(extend("unit" = "tokens"))]
    pub tokens: usize,
    /// How many of the latest facts are asked for, in [1, 6].
    pub reach: usize,
    /// Price of energy: nat per token for e times the reference, in [0, 10].
    #[schemars(extend("unit" = "nat"))]
    pub energy_weight: f64,
    /// How many times less energy than the reference a success needs, in [0.1, 1000].
    pub energy_target: f64,
    /// Mean loss that a success may have, nat, in [0.001, 2].
    #[schemars(extend("unit" = "nat"))]
    pub loss_limit: f64,
    /// The circuit that is started from: head dimension 8, a window of 5 to 12, one layer of cells. What
    /// it leaves out is as published (so without noise); absent: the published cells with the noise of the language model's
    /// experiments.
    pub circuit: GainCell,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preset: PRESETS[0].name.into(),
            tokens: 24,
            reach: 6,
            energy_weight: 0.3,
            energy_target: 3.0,
            loss_limit: 0.1,
            circuit: published(),
        }
    }
}

/// The published cells around a small head, with noise and mismatch as assumed for the language model's experiments.
fn published() -> GainCell {
    GainCell {
        head_dimension: ROWS as u32,
        window: SLOTS as u32,
        columns: 16,
        timing: Timing {
            other_s: 6.27e-6,
            ..Timing::default()
        },
        noise: Noise {
            thermal: true,
            storage_v: 0.005,
            gain: 0.02,
            offset_ua: 0.1,
            jitter_s: 5e-11,
        },
        ..GainCell::default()
    }
}

impl Settings {
    /// Checks that every setting is within its bounds.
    ///
    /// # Errors
    /// [`ProblemError::Setting`] with the key, the value and what is allowed.
    pub fn check(&self) -> Result<(), ProblemError> {
        choose(&PRESETS, &self.preset)?;
        let circuit = &self.circuit;
        if let Err(error) = circuit.check() {
            return refuse("circuit", error.to_string());
        }
        within("circuit.head_dimension", circuit.head_dimension, [ROWS as u32; 2])?;
        within("circuit.stack", circuit.stack, [1; 2])?; // the design may choose silicon
        within("circuit.window", circuit.window, [5, SLOTS as u32])?;
        within("tokens", self.tokens, [8, 100])?;
        within("reach", self.reach, [1, KEYS - 1])?;
        within("energy_weight", self.energy_weight, [0.0, 10.0])?;
        within("energy_target", self.energy_target, [0.1, 1000.0])?;
        within("loss_limit", self.loss_limit, [0.001, 2.0])?;
        Ok(())
    }
}
