//! Settings of the tendon hand.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::task::PUSH;
use tandem_core::check::{refuse, within};
use tandem_core::preset::Preset;
use tandem_core::problem::ProblemError;

/// All presets. The share is what [`super::selectivity`] counts with seed 0.
pub const PRESETS: [Preset; 1] = [Preset {
    name: "tendon",
    about: "boxes, spheres and cylinders, lifted and held under a push; by script 0.05 % of random designs work (n = 2000)",
}];

/// Settings of the problem: what differs from the defaults.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the preset; there is one, `tendon`.
    pub preset: Option<String>,
    /// How far the object may lie from its place at the start, m, in [0, 0.02]; 15 mm when absent.
    #[schemars(extend("unit" = "m"))]
    pub start_offset: Option<f64>,
    /// Standard deviation of the start angles, rad, in [0, 0.1]; 0.03 when absent.
    #[schemars(extend("unit" = "rad"))]
    pub start_noise: Option<f64>,
    /// The push on the lifted object, N, in [0, 20]; 2 N when absent.
    #[schemars(extend("unit" = "N"))]
    pub push: Option<f64>,
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
            start_offset: Some(s.start_offset),
            start_noise: Some(s.start_noise),
            push: Some(s.push),
            substeps: Some(s.substeps),
        })
    }
}

/// Settings with every choice made and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// How far the object may lie from its place at the start, m.
    pub start_offset: f64,
    /// Standard deviation of the start angles, rad.
    pub start_noise: f64,
    /// The push on the lifted object, N.
    pub push: f64,
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
            start_offset: within("start_offset", c.start_offset.unwrap_or(0.015), [0.0, 0.02])?,
            start_noise: within("start_noise", c.start_noise.unwrap_or(0.03), [0.0, 0.1])?,
            push: within("push", c.push.unwrap_or(PUSH), [0.0, 20.0])?,
            substeps: within("substeps", c.substeps.unwrap_or(10), [4, 256])?,
        })
    }
}
