//! Virtual models of accelerators for neural networks: time, energy and area in the concept phase, before any
//! hardware exists (the method of Klaiber et al., arXiv 1910.11632).
//!
//! - [`layer`], [`conv`] and [`zoo`]: networks and what they need, built-in ones included;
//! - [`onnx`]: networks from ONNX files;
//! - [`systolic`]: an array of multiply-accumulate cells, three dataflows, in closed form;
//! - [`roofline`]: operations at the peak rate or bytes at the full bandwidth;
//! - [`loopnest`]: a convolution as a tiled loop nest on a Gemmini-like machine: cycles, energy, area;
//! - [`gemmini`]: the same on Gemmini's RTL, from how its program runs;
//! - [`host`]: the processor that Tandem runs on, calibrated by measurement;
//! - [`gaussian_process`]: what measurements teach beyond a formula;
//! - [`scalesim`]: SCALE-Sim's files and cycle counts.

pub mod accuracy;
pub mod conv;
pub mod gaussian_process;
pub mod gemm;
pub mod gemmini;
pub mod host;
pub mod input;
pub mod layer;
pub mod loopnest;
pub mod onnx;
pub mod roofline;
pub mod scalesim;
pub mod systolic;
mod table;
pub mod zoo;

pub use accuracy::Accuracy;
pub use conv::Conv;
pub use gaussian_process::GaussianProcess;
pub use gemm::{Gemm, TooLarge};
pub use input::InputError;
pub use layer::{Layer, Network, NormKind, Op, PoolKind};
pub use roofline::{Roofline, RooflineCost};
pub use systolic::{Dataflow, SystolicArray, SystolicCost};
