//! The processor that Tandem runs on, as an accelerator: calibrated on random layers, then asked about networks.
//!
//! Each family of operators has a roofline with its own peak, times an efficiency that a Gaussian process learns
//! from sizes (Klaiber et al., arXiv 1910.11632, annotate their virtual models with measurements in the same way).
//! Multiplications with padding are not counted, since libraries skip them. Layers are measured with their input just
//! written and their weights out of the caches, as they find them inside a network.
//!
//! Measuring needs libtorch and is not done here; [`Calibration`] is what it leaves behind.

mod calibration;
mod costs;
mod demand;
mod model;

pub use calibration::{Calibration, FORMAT, Machine, Sample};
pub use costs::{HostCosts, NOT_DONE};
pub use demand::{Demand, Family, WORD_BYTES};
pub use model::{HostModel, ModelError};
