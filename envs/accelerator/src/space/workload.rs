//! The layers of a network that a machine has to map: what is multiplied, equal ones counted.

use thiserror::Error;

use crate::gemm::TooLarge;
use crate::layer::Network;
use crate::loopnest::{Dim, Shape};

/// Longest loop: what a factor's table is made for.
const LONGEST: u64 = 1 << 20;

/// A layer, and how often it occurs.
#[derive(Clone, Debug, PartialEq)]
pub struct Work {
    /// Name of its first occurrence.
    pub name: String,
    /// Its loops.
    pub shape: Shape,
    /// How often it runs.
    pub count: u64,
}

impl Work {
    /// Logarithms of the loops, strides and how often the layer runs, of order 1.
    pub fn features(&self) -> Vec<f64> {
        let log = |n: u64| (n as f64).log2() / 6.0 - 1.0;
        let sizes = self.shape.sizes.iter().map(|&size| log(size));
        let stride = self.shape.stride.iter().map(|&stride| stride as f64 - 1.0);
        sizes.chain(stride).chain([log(self.count)]).collect()
    }
}

/// Why a network cannot be mapped.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum WorkloadError {
    /// No layer multiplies.
    #[error("network {0} has no layer with multiply-accumulates, so there is nothing to map")]
    Empty(String),
    /// A loop that is too long, or empty.
    #[error("layer {layer}: loop {dim:?} runs {size} times; between 1 and {LONGEST} can be mapped")]
    Size {
        /// The layer.
        layer: String,
        /// The loop.
        dim: Dim,
        /// Its length.
        size: u64,
    },
    /// A count beyond 64 bits.
    #[error("layer {layer}: {error}")]
    TooLarge {
        /// The layer.
        layer: String,
        /// What is too large.
        error: TooLarge,
    },
}

/// The layers of a network that multiply, each once, in the order of their first occurrence. Groups of a convolution
/// and heads of an attention run one after the other. A transposed convolution multiplies each input pixel with the
/// whole kernel.
///
/// # Errors
/// A network without such layers, a loop that is empty or too long.
pub fn workload(network: &Network) -> Result<Vec<Work>, WorkloadError> {
    let mut works: Vec<Work> = Vec::new();
    for layer in &network.layers {
        let large = |error| WorkloadError::TooLarge {
            layer: layer.name.clone(),
            error,
        };
        let Some((shape, count)) = Shape::of(&layer.op).map_err(large)? else {
            continue;
        };
        for dim in Dim::ALL {
            let size = shape.sizes[dim as usize];
            if !(1..=LONGEST).contains(&size) {
                let layer = layer.name.clone();
                return Err(WorkloadError::Size { layer, dim, size });
            }
        }
        match works.iter_mut().find(|work| work.shape == shape) {
            Some(work) => work.count = work.count.saturating_add(count),
            None => works.push(Work {
                name: layer.name.clone(),
                shape,
                count,
            }),
        }
    }
    if works.is_empty() {
        return Err(WorkloadError::Empty(network.name.clone()));
    }
    Ok(works)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo;

    #[test]
    fn all_multiplications_of_the_built_in_networks_are_there() {
        for entry in &zoo::NETWORKS {
            let network = entry.build();
            let works = workload(&network).unwrap();
            let macs = works.iter().map(|work| work.count * work.shape.macs().unwrap());
            assert_eq!(macs.sum::<u64>(), network.macs().unwrap(), "{}", entry.name);
        }
    }

    #[test]
    fn unique_layers_are_about_those_that_dosa_counts() {
        // DOSA: ResNet-50 24 unique of 54, U-Net 23 of 23
        let count = |name: &str| {
            let works = workload(&zoo::named(name).unwrap()).unwrap();
            (works.len(), works.iter().map(|work| work.count).sum::<u64>())
        };
        assert_eq!(count("resnet50"), (24, 54));
        assert_eq!(count("unet"), (23, 23));
    }

    #[test]
    fn a_network_without_multiplications_is_refused() {
        let network = Network {
            name: "none".into(),
            ..Network::default()
        };
        assert!(workload(&network).unwrap_err().to_string().contains("none"));
    }
}
