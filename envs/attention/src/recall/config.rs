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

/// Settings of the problem: a preset and what differs from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the preset; `recall` when absent.
    pub preset: Option<String>,
    /// Tokens of an episode, in [8, 100].
    #[schemars(extend("unit" = "tokens"))]
    pub tokens: Option<usize>,
    /// How many of the latest facts are asked for, in [1, 6].
    pub reach: Option<usize>,
    /// Price of energy: nat per token for e times the reference, in [0, 10].
    #[schemars(extend("unit" = "nat"))]
    pub energy_weight: Option<f64>,
    /// How many times less energy than the reference a success needs, in [0.1, 1000].
    pub energy_target: Option<f64>,
    /// Mean loss that a success may have, nat, in [0.001, 2].
    #[schemars(extend("unit" = "nat"))]
    pub loss_limit: Option<f64>,
    /// The circuit that is started from: head dimension 8, a window of 5 to 12, one layer of cells. What
    /// it leaves out is as published (so without noise); absent: the published cells with the noise of the language model's
    /// experiments.
    pub circuit: Option<GainCell>,
}

impl Config {
    /// The same with every default filled in.
    ///
    /// # Errors
    /// As of [`Settings::new`].
    pub fn resolved(&self) -> Result<Self, ProblemError> {
        let s = Settings::new(self)?;
        Ok(Self {
            preset: Some(PRESETS[0].name.into()),
            tokens: Some(s.tokens),
            reach: Some(s.reach),
            energy_weight: Some(s.energy_weight),
            energy_target: Some(s.energy_target),
            loss_limit: Some(s.loss_limit),
            circuit: Some(s.circuit),
        })
    }
}

/// Settings with every choice made and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Tokens of an episode.
    pub tokens: usize,
    /// How many of the latest facts are asked for.
    pub reach: usize,
    /// Price of energy, nat per token.
    pub energy_weight: f64,
    /// How many times less energy than the reference a success needs.
    pub energy_target: f64,
    /// Mean loss that a success may have, nat.
    pub loss_limit: f64,
    /// The circuit that is started from.
    pub circuit: GainCell,
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
    /// Applies and checks a configuration.
    ///
    /// # Errors
    /// [`ProblemError::Setting`] with the key, the value and what is allowed.
    pub fn new(config: &Config) -> Result<Self, ProblemError> {
        choose(&PRESETS, config.preset.as_deref().unwrap_or(PRESETS[0].name))?;
        let circuit = config.circuit.clone().unwrap_or_else(published);
        if let Err(error) = circuit.check() {
            return refuse("circuit", error.to_string());
        }
        within("circuit.head_dimension", circuit.head_dimension, [ROWS as u32; 2])?;
        within("circuit.stack", circuit.stack, [1; 2])?; // the design may choose silicon
        within("circuit.window", circuit.window, [5, SLOTS as u32])?;
        let real = |key, value: Option<f64>, default, bounds| within(key, value.unwrap_or(default), bounds);
        Ok(Self {
            tokens: within("tokens", config.tokens.unwrap_or(24), [8, 100])?,
            reach: within("reach", config.reach.unwrap_or(6), [1, KEYS - 1])?,
            energy_weight: real("energy_weight", config.energy_weight, 0.3, [0.0, 10.0])?,
            energy_target: real("energy_target", config.energy_target, 3.0, [0.1, 1000.0])?,
            loss_limit: real("loss_limit", config.loss_limit, 0.1, [0.001, 2.0])?,
            circuit,
        })
    }
}
