//! Spaces of machines and mappings, as searchers see them ([`SearchSpace`](crate::SearchSpace)).
//!
//! - [`gemmini`]: DOSA's space: three sizes of a Gemmini-like machine, and for each layer the split and order of its
//!   loops; the objective is the energy-delay product of the network.
//!
//! [`dual`] and [`nest`] are the differentiable form of [`loopnest`](super::loopnest); [`split`] turns genes into
//! mappings; [`workload`] says which layers there are to map.

pub mod dual;
pub mod gemmini;
pub mod nest;
pub mod platform;
pub mod split;
pub mod workload;

pub use gemmini::Gemmini;
pub use workload::{Work, WorkloadError, workload};

use crate::accelerator::layer::Network;
use crate::search::SearchSpace;

/// A space that can be named.
pub struct SpaceEntry {
    /// Its name.
    pub name: &'static str,
    /// Makes it for a network.
    pub build: fn(&Network) -> Result<Box<dyn SearchSpace>, WorkloadError>,
}

/// The spaces.
pub const SPACES: [SpaceEntry; 1] = [SpaceEntry {
    name: "gemmini",
    build: |network| Ok(Box::new(Gemmini::new(network)?)),
}];
