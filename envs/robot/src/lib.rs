//! A robot of one's own from one file: MJCF or URDF, moved by MuJoCo inside the process.
//!
//! An experiment's `task` ([`Config`]) names the robot's file, the numbers in it that are designed, and lists of *terms*: what
//! is observed, commanded, rewarded, what ends an episode. [`model`] turns a design into a compiled model, [`simulation`]
//! moves it, [`terms`] read it.

pub mod config;
pub mod model;
pub mod terms;

pub use config::Config;
pub use tandem_mujoco::{Simulation, engine, simulation};
