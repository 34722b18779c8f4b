//! Settings of the proxy network.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_core::Hardware;
use tandem_core::check::{SettingError, within};

use super::pairs::DesignDraw;
use crate::size::{MOST_NUMBERS, MOST_WEIGHTS, activations, at_most, weights};

/// Settings of the proxy network and of its first fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct ProxySettings {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Learning rate of the first fit; falls to a tenth of it over the fit.
    pub rate: f64,
    /// Rows per step of the first fit.
    pub batch: usize,
    /// Most steps of the first fit; where it is not given, 3000, and 300 where an answer of the hardware is a simulation.
    pub steps: Option<usize>,
    /// The first fit ends when the held-out error of the task effects (RMSE in units of the effect scale)
    /// is below this.
    pub tolerance: f64,
    /// Weight of the task effects' errors relative to the auxiliary effects'.
    pub task_weight: f64,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            hidden: vec![128, 128],
            rate: 2e-3,
            batch: 1024,
            steps: None,
            tolerance: 0.01,
            task_weight: 4.0,
        }
    }
}

impl ProxySettings {
    /// Checks all ranges.
    ///
    /// # Errors
    /// The first setting out of range.
    pub fn check(&self) -> Result<(), SettingError> {
        within("proxy.rate", self.rate, [1e-7, 1.0])?;
        within("proxy.batch", self.batch, [2, 1_000_000])?;
        within("proxy.steps", self.steps.unwrap_or(0), [0, 10_000_000])?;
        within("proxy.tolerance", self.tolerance, [0.0, 1e6])?;
        within("proxy.task_weight", self.task_weight, [1e-3, 1e3])?;
        within("proxy.hidden (layers)", self.hidden.len(), [1, 8])?;
        for &width in &self.hidden {
            within("proxy.hidden", width, [1, 4096])?;
        }
        Ok(())
    }

    /// The settings with what they leave open filled in, for this hardware.
    #[must_use]
    pub fn resolved(&self, hardware: &dyn Hardware) -> Self {
        Self {
            steps: Some(self.first_steps(hardware)),
            ..self.clone()
        }
    }

    /// Most steps of the first fit to this hardware.
    pub fn first_steps(&self, hardware: &dyn Hardware) -> usize {
        let costly = hardware.is_costly();
        self.steps.unwrap_or(if costly { 300 } else { 3000 })
    }

    /// Checks all ranges, and that the networks and their batches fit for this hardware.
    ///
    /// # Errors
    /// The first setting out of range, or the first product of settings that is too large.
    pub fn check_for(&self, hardware: &dyn Hardware, conditioned: bool) -> Result<(), SettingError> {
        self.check()?;
        let (f, e) = (hardware.feature_len(), hardware.effect_channels().len());
        let d = if conditioned { hardware.space().len() } else { 0 };
        let net = weights(f + d, &self.hidden, e);
        let maker = if conditioned {
            weights(d, &self.hidden, f * e)
        } else {
            0.0
        };
        at_most("proxy.hidden", net + maker, "weights", MOST_WEIGHTS)?;
        self.check_batch("proxy.batch", self.batch, hardware, conditioned)
    }

    /// Checks that a batch of so many pairs fits, which the setting `key` asks for.
    ///
    /// # Errors
    /// It does not.
    pub fn check_batch(
        &self,
        key: &str,
        batch: usize,
        hardware: &dyn Hardware,
        conditioned: bool,
    ) -> Result<(), SettingError> {
        let (f, e) = (hardware.feature_len(), hardware.effect_channels().len());
        let d = hardware.space().len();
        let row = (hardware.query_channels().len() + f + d + 2 * e) as f64 + activations(&self.hidden);
        let designs = match conditioned {
            true => batch / DesignDraw::Uniform.shared(batch, hardware),
            false => 0,
        };
        let maker = activations(&self.hidden) + (f * e) as f64;
        let numbers = batch as f64 * row + designs as f64 * maker;
        at_most(key, numbers, "numbers in a batch (rows times widths)", MOST_NUMBERS)
    }
}
