//! Settings of the tendon hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::task::PUSH;
use tandem_core::check::within;
use tandem_core::preset::{Preset, choose};
use tandem_core::problem::ProblemError;

/// All presets. The share is what [`super::selectivity`] counts with seed 0.
pub const PRESETS: [Preset; 1] = [Preset {
    name: "tendon",
    about: "boxes, spheres and cylinders, lifted and held under a push; by script 0.05 % of random designs work (n = 2000)",
}];

/// Settings of the problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Settings {
    /// Name of the preset; there is one, `tendon`.
    pub preset: String,
    /// How far the object may lie from its place at the start, m, in [0, 0.02].
    #[schemars(extend("unit" = "m"))]
    pub start_offset: f64,
    /// Standard deviation of the start angles, rad, in [0, 0.1].
    #[schemars(extend("unit" = "rad"))]
    pub start_noise: f64,
    /// The push on the lifted object, N, in [0, 20].
    #[schemars(extend("unit" = "N"))]
    pub push: f64,
    /// Physics steps in a control step, 4 to 256.
    pub substeps: usize,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            preset: PRESETS[0].name.into(),
            start_offset: 0.015,
            start_noise: 0.03,
            push: PUSH,
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
        within("start_offset", self.start_offset, [0.0, 0.02])?;
        within("start_noise", self.start_noise, [0.0, 0.1])?;
        within("push", self.push, [0.0, 20.0])?;
        within("substeps", self.substeps, [4, 256])?;
        Ok(())
    }
}
