//! SCALE-Sim's files and its cycle counts, so that its users can move.
//!
//! Checked against version 3.0.0 (scalesim-project/scale-sim-v3): its `total_cycles` with unlimited memory bandwidth
//! are those of [`crate::systolic`] less one, because the tool reports the number of its last cycle and
//! counts from 0.

mod config;
mod reference;
mod topology;

use thiserror::Error;

use super::gemm::{Gemm, TooLarge};
use super::systolic::{SystolicArray, SystolicCost};

pub use config::Config;
pub use reference::{Comparison, Mismatch, compare};
pub use topology::{Kind, Layer, Topology};

/// A layer that is too large to be counted.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("layer `{layer}`: {cause}")]
pub struct LayerError {
    /// The layer's name.
    pub layer: String,
    /// Which count is too large.
    pub cause: TooLarge,
}

/// What a layer costs, in the tool's terms.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerCost {
    /// The matrix product, sparsity taken out.
    pub gemm: Gemm,
    /// The tool's `Total Cycles`: one less than the array is busy.
    pub total_cycles: u64,
    /// The array's own count of cycles and accesses.
    pub array: SystolicCost,
}

impl LayerCost {
    /// The cost of a matrix product.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn new(array: &SystolicArray, gemm: Gemm) -> Result<Self, TooLarge> {
        let cost = array.cost(&gemm)?;
        Ok(Self {
            gemm,
            total_cycles: cost.cycles - 1,
            array: cost,
        })
    }
}

/// The costs of all layers, in order.
///
/// # Errors
/// A layer whose counts do not fit 64 bits.
pub fn run(config: &Config, topology: &Topology) -> Result<Vec<LayerCost>, LayerError> {
    let cost = |layer: &Layer| {
        let gemm = match config.sparse {
            true => layer.sparse_gemm(),
            false => layer.gemm,
        };
        LayerCost::new(&config.array, gemm).map_err(|cause| LayerError {
            layer: layer.name.clone(),
            cause,
        })
    };
    topology.layers.iter().map(cost).collect()
}

#[cfg(test)]
mod tests;
