//! Tandem: the body and the brain of a machine, designed together.
//!
//! This is the application: it joins the problems of `tandem_physics`, `tandem_accelerator` and `tandem_attention` with
//! the learners of `tandem_learning`; what they share is `tandem_core`.
//! Data flows one way:
//!
//! ```text
//! experiment -> registry -> trainer -> run folder -> evaluate, compare, render, report
//! ```
//!
//! Read [`trainer`] first: it is the method. `ARCHITECTURE.md` says where everything is.

#![cfg_attr(not(test), warn(clippy::print_stdout, clippy::print_stderr))] // see output

pub mod adaptation;
pub mod agent;
pub mod app;
pub mod atomic;
pub mod bench;
pub mod cli;
pub mod codesign;
pub mod commands;
pub mod contract;
pub mod convergence;
pub mod design_file;
pub mod destination;
pub mod error;
pub mod evaluate;
pub mod evaluation;
pub mod experiment;
pub mod experiment_file;
pub mod export;
pub mod film;
pub mod fork;
pub mod host;
pub mod interrupt;
pub mod judge;
mod legible;
pub mod machine;
pub mod metrics;
mod output;
pub mod phase;
pub mod plot;
pub mod progress;
pub mod record;
pub mod registry;
pub mod render;
pub mod report;
pub mod run;
pub mod run_folder;
pub mod schema;
pub mod second_judge;
pub mod sensitivity;
pub mod session;
pub mod sets;
pub mod statistics;
pub mod strict;
pub mod sweep;
pub mod tensor_hardware;
pub mod tensorboard;
pub mod trainer;
pub mod watch;

pub use app::App;
pub use registry::{MethodEntry, ProblemEntry};
pub use {schemars, tandem_core as core, tandem_learning as learning};
