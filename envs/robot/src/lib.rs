//! A robot of one's own from one file: MJCF or URDF, moved by MuJoCo inside the process.
//!
//! An experiment's `task` ([`Config`]) names the robot's file, the numbers in it that are designed, and lists of *terms*: what
//! is observed, commanded, rewarded, what ends an episode. [`model`] turns a design into a compiled model, [`simulation`]
//! moves it, [`terms`] read it, [`scene`] draws it, [`effect`] cuts it into hardware and world, and [`world`] puts them
//! together.

pub mod config;
pub mod effect;
pub mod episode;
pub mod model;
pub mod names;
mod pattern;
pub mod scene;
pub mod terms;
pub mod world;

pub use config::Config;
pub use effect::LinearEffects;
pub use tandem_mujoco::{Simulation, engine, simulation};
pub use world::RobotWorld;
