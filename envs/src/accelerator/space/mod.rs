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
pub mod split;
pub mod workload;

pub use gemmini::Gemmini;
pub use workload::{Work, WorkloadError, workload};
