//! Settings of the pressing hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use tandem_core::check::{refuse, within};
use tandem_core::preset::Preset;
use tandem_core::problem::ProblemError;

/// All presets. The share is what [`super::selectivity`] counts with seed 0.
pub const PRESETS: [Preset; 1] = [Preset {
    name: "press",
    about: "a box of 280 mm with a button on its end; by script 0.6 % of random designs work (n = 2000)",
}];

/// Settings of the problem: what differs from the defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the preset; there is one, `press`.
    pub preset: Option<String>,
    /// Control steps of an episode, 1 to 10 000; 100 when absent.
    #[schemars(extend("unit" = "control steps"))]
    pub horizon: Option<usize>,
    /// How far the box may lie from its place at the start, m, in [0, 0.02]; 2 mm when absent. It is turned by as many
    /// radians as this is tens of millimetres.
    #[schemars(extend("unit" = "m"))]
    pub start_offset: Option<f64>,
    /// Standard deviation of the start angles, rad, in [0, 0.1]; 0.03 when absent.
    #[schemars(extend("unit" = "rad"))]
    pub start_noise: Option<f64>,
    /// Physics steps in a control step, 4 to 256; 10 when absent.
    pub substeps: Option<usize>,
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
            horizon: Some(s.horizon),
            start_offset: Some(s.start_offset),
            start_noise: Some(s.start_noise),
            substeps: Some(s.substeps),
        })
    }
}

/// Settings with every choice made and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Control steps of an episode.
    pub horizon: usize,
    /// How far the box may lie from its place at the start, m.
    pub start_offset: f64,
    /// Standard deviation of the start angles, rad.
    pub start_noise: f64,
    /// Physics steps in a control step.
    pub substeps: usize,
}

impl Settings {
    /// Applies and checks a configuration.
    ///
    /// # Errors
    /// [`ProblemError::Setting`] with the key, the value and what is allowed.
    pub fn new(config: &Config) -> Result<Self, ProblemError> {
        let c = config;
        let preset = c.preset.as_deref().unwrap_or(PRESETS[0].name);
        if preset != PRESETS[0].name {
            let reason = format!("is `{preset}`; there is only `{}`", PRESETS[0].name);
            return refuse("preset", reason);
        }
        Ok(Self {
            horizon: within("horizon", c.horizon.unwrap_or(100), [1, 10_000])?,
            start_offset: within("start_offset", c.start_offset.unwrap_or(0.002), [0.0, 0.02])?,
            start_noise: within("start_noise", c.start_noise.unwrap_or(0.03), [0.0, 0.1])?,
            substeps: within("substeps", c.substeps.unwrap_or(10), [4, 256])?,
        })
    }
}
