//! The host as a platform: whole layers at their calibrated times.

use super::model::HostModel;
use crate::cost::{CostModel, TileCost};
use crate::gemm::{Gemm, TooLarge};
use crate::layer::Layer;
use crate::platform::Platform;

/// Passes that change what a layer is: a library that runs layer after layer, as the calibration did, has none of them.
pub const NOT_DONE: [&str; 3] = ["fold_bn", "fuse_activation", "fuse_pool"];

/// Calibrated times of whole layers; tiles, where one is asked for, are the platform's own.
pub struct HostCosts {
    model: HostModel,
    tiles: Box<dyn CostModel>,
}

impl HostCosts {
    /// The costs of a platform whose layers were measured. Its control processor's time becomes the measured time
    /// between two layers.
    pub fn of(model: HostModel, platform: &mut Platform) -> Self {
        let cycles = model.dispatch_seconds * 1e6 * platform.clock_mhz;
        platform.control.dispatch_cycles = cycles.round() as u64;
        Self {
            tiles: platform.engine.model.cost_model(),
            model,
        }
    }
}

impl CostModel for HostCosts {
    fn tile(&self, gemm: &Gemm) -> Result<TileCost, TooLarge> {
        self.tiles.tile(gemm)
    }

    fn layer(&self, layer: &Layer) -> Option<f64> {
        // sizes beyond counting are told by whoever counts them next
        self.model.seconds(&layer.op).ok()
    }
}
