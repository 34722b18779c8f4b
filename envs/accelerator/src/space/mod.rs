//! Spaces of machines and mappings, as searchers see them ([`SearchSpace`]).
//!
//! - [`gemmini`]: DOSA's space: three sizes of a Gemmini-like machine, and for each layer the split and order of its
//!   loops; the objective is the energy-delay product of the network;
//! - [`confuciux`]: ConfuciuX's space: multipliers and buffer of every layer's own engine, under an area limit;
//! - [`system`]: the platform of [`platform`] with a tiling for each layer, under area and power limits.
//!
//! [`rescore`] runs winners on the event simulator.
//!
//! [`dual`] and [`nest`] are the differentiable form of [`loopnest`](super::loopnest); [`split`] turns genes into
//! mappings; [`workload()`] says which layers there are to map.

pub mod confuciux;
pub mod dual;
pub mod gemmini;
#[cfg(test)]
mod gradients;
pub mod nest;
pub mod platform;
pub mod rescore;
pub mod split;
pub mod system;
pub mod workload;

pub use confuciux::{Confuciux, Goal};
pub use gemmini::{Gemmini, Solution};
pub use rescore::Rescored;
pub use system::System;
pub use workload::{Work, WorkloadError, workload};

use crate::layer::Network;
use crate::platform::Platform;
use crate::simulation::Limits;
use tandem_core::search::SearchSpace;

/// A space that can be named.
pub struct SpaceEntry {
    /// Its name.
    pub name: &'static str,
    /// Makes it for a network, within limits.
    pub build: Build,
    /// Whether it heeds limits of the caller's.
    pub limited: bool,
    /// Runs a point on the event simulator, where that can be.
    pub simulate: Option<Simulate>,
    /// A point as a platform of the event simulator, where there is one.
    pub platform: Option<AsPlatform>,
}

/// Makes a space for a network, within limits.
pub type Build = fn(&Network, &Limits) -> Result<Box<dyn SearchSpace>, WorkloadError>;

/// Runs a point on the event simulator.
pub type Simulate = fn(&Network, &[f64]) -> Rescored;

/// Turns a point into a platform.
pub type AsPlatform = fn(&Network, &[f64]) -> Result<Platform, String>;

/// The spaces.
pub const SPACES: [SpaceEntry; 5] = [
    SpaceEntry {
        name: "gemmini",
        build: |network, _| Ok(Box::new(Gemmini::new(network)?)),
        limited: false,
        simulate: Some(rescore::gemmini),
        platform: Some(rescore::gemmini_platform),
    },
    SpaceEntry {
        name: "confuciux",
        build: |network, _| Ok(Box::new(Confuciux::new(network, Goal::Latency, 0.5)?)),
        limited: false,
        simulate: None,
        platform: None,
    },
    SpaceEntry {
        name: "confuciux-tight",
        build: |network, _| Ok(Box::new(Confuciux::new(network, Goal::Latency, 0.05)?)),
        limited: false,
        simulate: None,
        platform: None,
    },
    SpaceEntry {
        name: "confuciux-energy",
        build: |network, _| Ok(Box::new(Confuciux::new(network, Goal::Energy, 0.5)?)),
        limited: false,
        simulate: None,
        platform: None,
    },
    SpaceEntry {
        name: "platform",
        build: |network, limits| Ok(Box::new(System::within(network, limits)?)),
        limited: true,
        simulate: Some(rescore::system),
        platform: Some(rescore::system_platform),
    },
];
