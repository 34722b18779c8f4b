//! Settings of the problem `accelerator`.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::space::workload::{Work, workload};
use crate::zoo;
use tandem_core::check::{refuse, within};
use tandem_core::preset::{Preset, choose};
use tandem_core::problem::ProblemError;

/// All presets.
pub const PRESETS: [Preset; 2] = [
    Preset {
        name: "resnet50",
        about: "ResNet-50 within 10 mm2 and 3 W, 1.5 times better than the start platform",
    },
    Preset {
        name: "unet",
        about: "U-Net within 10 mm2 and 3 W, 1.5 times better than the start platform",
    },
];

/// Settings of the problem: a preset and what differs from it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// Name of the preset; `resnet50` when absent.
    pub preset: Option<String>,
    /// A built-in network instead of the preset's.
    pub network: Option<String>,
    /// Largest area, mm², in [0.1, 1000].
    #[schemars(extend("unit" = "mm2"))]
    pub area_limit: Option<f64>,
    /// Largest mean power, W, in [0.01, 1000].
    #[schemars(extend("unit" = "W"))]
    pub power_limit: Option<f64>,
    /// How many times better than the reference the energy-delay product has to become, in [1, 1000].
    pub target: Option<f64>,
}

impl Config {
    /// The same with nothing left to the preset.
    ///
    /// # Errors
    /// As of [`Settings::new`].
    pub fn resolved(&self) -> Result<Self, ProblemError> {
        let s = Settings::new(self)?;
        let preset = self.preset.as_deref().unwrap_or(PRESETS[0].name);
        Ok(Self {
            preset: Some(preset.into()),
            network: Some(self.network.clone().unwrap_or_else(|| preset.into())),
            area_limit: Some(s.area_limit),
            power_limit: Some(s.power_limit),
            target: Some(s.target),
        })
    }
}

/// Settings with every choice made and checked.
#[derive(Clone, Debug, PartialEq)]
pub struct Settings {
    /// Name of the network.
    pub network: String,
    /// Its different layers.
    pub works: Vec<Work>,
    /// Largest area, mm².
    pub area_limit: f64,
    /// Largest mean power, W.
    pub power_limit: f64,
    /// How many times better the energy-delay product has to become.
    pub target: f64,
}

impl Settings {
    /// Applies and checks a configuration.
    ///
    /// # Errors
    /// [`ProblemError::Setting`] with the key, the value and what is allowed.
    pub fn new(config: &Config) -> Result<Self, ProblemError> {
        let preset = config.preset.as_deref().unwrap_or(PRESETS[0].name);
        choose(&PRESETS, preset)?;
        let name = config.network.as_deref().unwrap_or(preset);
        let Some(network) = zoo::named(name) else {
            let names: Vec<&str> = zoo::NETWORKS.iter().map(|entry| entry.name).collect();
            let reason = format!("is `{name}`; it must be one of {}", names.join(", "));
            return refuse("network", reason);
        };
        let works = match workload(&network) {
            Ok(works) => works,
            Err(error) => return refuse("network", error.to_string()),
        };
        let area_limit = config.area_limit.unwrap_or(10.0);
        let power_limit = config.power_limit.unwrap_or(3.0);
        Ok(Self {
            network: network.name,
            works,
            area_limit: within("area_limit", area_limit, [0.1, 1000.0])?,
            power_limit: within("power_limit", power_limit, [0.01, 1000.0])?,
            target: within("target", config.target.unwrap_or(1.5), [1.0, 1000.0])?,
        })
    }
}
