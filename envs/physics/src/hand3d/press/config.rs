//! Settings of the pressing hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use tandem_core::check::within;
use tandem_core::preset::{Preset, choose};
use tandem_core::problem::ProblemError;

/// All presets. The share is what [`super::selectivity`] counts with seed 0.
pub const PRESETS: [Preset; 1] = [Preset {
    name: "press",
    about: "a box of 280 mm with a button on its end; by script 0.6 % of random designs work (n = 2000)",
}];

/// Settings of the problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Name of the preset; there is one, `press`.
    pub preset: String,
    /// Control steps of an episode, 1 to 10 000.
    #[schemars(extend("unit" = "control steps"))]
    pub horizon: usize,
    /// How far the box may lie from its place at the start, m, in [0, 0.02]. It is turned by as many radians as this is tens of
    /// millimetres.
    #[schemars(extend("unit" = "m"))]
    pub start_offset: f64,
    /// Standard deviation of the start angles, rad, in [0, 0.1].
    #[schemars(extend("unit" = "rad"))]
    pub start_noise: f64,
    /// Physics steps in a control step, 4 to 256.
    pub substeps: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preset: PRESETS[0].name.into(),
            horizon: 100,
            start_offset: 0.002,
            start_noise: 0.03,
            substeps: 10,
        }
    }
}

impl Settings {
    /// Checks that every setting is within its bounds.
    ///
    /// # Errors
    /// [`ProblemError::Setting`] with the key, the value and what is allowed.
    pub fn check(&self) -> Result<(), ProblemError> {
        choose(&PRESETS, &self.preset)?;
        within("horizon", self.horizon, [1, 10_000])?;
        within("start_offset", self.start_offset, [0.0, 0.02])?;
        within("start_noise", self.start_noise, [0.0, 0.1])?;
        within("substeps", self.substeps, [4, 256])?;
        Ok(())
    }
}
