//! Virtual models of accelerators for neural networks: time, energy and area in the concept phase, before any
//! hardware exists (the method of Klaiber et al., arXiv 1910.11632).
//!
//! Networks:
//! - [`layer`], [`conv`] and [`zoo`]: what they are and need, built-in ones included;
//! - [`onnx`] and [`network`]: networks from ONNX files, and by name or file.
//!
//! Closed forms of a layer:
//! - [`systolic`]: an array of multiply-accumulate cells, three dataflows;
//! - [`roofline`]: operations at the peak rate or bytes at the full bandwidth;
//! - [`loopnest`]: a convolution as a tiled loop nest on a Gemmini-like machine: cycles, energy, area;
//! - [`mapper`]: the mapping of such a nest that no other beats, with proof;
//! - [`gemmini`]: the same on Gemmini's RTL, from how its program runs;
//! - [`host`]: the processor that Tandem runs on, calibrated by measurement;
//! - [`codesign`]: the problem `accelerator` for the shared loop: platform and mapping together;
//! - [`space`]: spaces of machines and mappings to search;
//! - [`scalesim`]: SCALE-Sim's files and cycle counts.
//!
//! A network on a whole system:
//! - [`platform`], [`number_format`] and [`technology`]: the system as numbers, energy and area of its parts;
//! - [`cost`]: what a tile costs on an engine, one trait for all kinds of engine;
//! - [`compile`]: from network to [`task`] graph;
//! - [`event`]: the task graph on timed resources;
//! - [`simulation`]: all of it, and what it comes to ([`evaluate`]).

pub mod accuracy;
pub mod codesign;
pub mod compile;
pub mod conv;
pub mod cost;
pub mod event;
pub mod gemm;
pub mod gemmini;
pub mod host;
pub mod input;
pub mod layer;
pub mod loopnest;
pub mod mapper;
pub mod network;
pub mod number_format;
pub mod onnx;
pub mod platform;
pub mod roofline;
pub mod scalesim;
pub mod simulation;
pub mod space;
pub mod systolic;
mod table;
pub mod task;
pub mod technology;
pub mod zoo;

pub use accuracy::Accuracy;
pub use conv::Conv;
pub use gemm::{Gemm, TooLarge};
pub use input::InputError;
pub use layer::{Layer, Network, NormKind, Op, PoolKind};
pub use platform::Platform;
pub use roofline::{Roofline, RooflineCost};
pub use simulation::{Limits, Metrics, Options, SimulationError, evaluate, simulate};
pub use systolic::{Dataflow, SystolicArray, SystolicCost};
