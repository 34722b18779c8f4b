//! Settings of the proxy network.

use serde::{Deserialize, Serialize};

use crate::method_error::{MethodError, within};

/// Settings of the proxy network and of its first fit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ProxySettings {
    /// Widths of the hidden layers.
    pub hidden: Vec<usize>,
    /// Learning rate of the first fit; falls to a tenth of it over the fit.
    pub rate: f64,
    /// Rows per step of the first fit.
    pub batch: usize,
    /// Most steps of the first fit.
    pub steps: usize,
    /// The first fit ends when the held-out error of the task effects (RMSE in units of the effect scale)
    /// is below this.
    pub tolerance: f64,
    /// Weight of the task effects' errors relative to the auxiliary effects'.
    pub task_weight: f64,
}

impl Default for ProxySettings {
    fn default() -> Self {
        Self {
            hidden: vec![64, 64],
            rate: 2e-3,
            batch: 1024,
            steps: 3000,
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
    pub fn check(&self) -> Result<(), MethodError> {
        within("proxy.rate", self.rate, 1e-7, 1.0)?;
        within("proxy.batch", self.batch as f64, 2.0, 1e6)?;
        within("proxy.steps", self.steps as f64, 0.0, 1e7)?;
        within("proxy.tolerance", self.tolerance, 0.0, 1e6)?;
        within("proxy.task_weight", self.task_weight, 1e-3, 1e3)?;
        within("proxy.hidden (layers)", self.hidden.len() as f64, 1.0, 8.0)?;
        let widths = self.hidden.iter();
        widths
            .copied()
            .try_for_each(|w| within("proxy.hidden", w as f64, 1.0, 4096.0))
    }
}
