//! Virtual models of accelerators for neural networks: time, energy and area in the concept phase, before any
//! hardware exists (the method of Klaiber et al., arXiv 1910.11632).
//!
//! - [`systolic`]: an array of multiply-accumulate cells, three dataflows, in closed form;
//! - [`loopnest`]: a convolution as a tiled loop nest on a Gemmini-like machine: cycles, energy, area;
//! - [`scalesim`]: SCALE-Sim's files and cycle counts.

pub mod accuracy;
pub mod gemm;
pub mod input;
pub mod loopnest;
pub mod scalesim;
pub mod systolic;
mod table;

pub use accuracy::Accuracy;
pub use gemm::{Gemm, TooLarge};
pub use input::InputError;
pub use systolic::{Dataflow, SystolicArray, SystolicCost};
