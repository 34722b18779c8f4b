//! Problems of Tandem: a **world** plus the **hardware** that stands between a command and that world.
//!
//! This crate knows no learning library: it builds and tests in seconds. The contract is in [`problem`];
//! every other folder is one problem.
//!
//! ```text
//! observation -> policy -> command -> hardware(design) -> effect -> world -> reward, next observation
//! ```

pub mod accelerator;
pub mod attention;
mod check;
pub mod classic;
pub mod design;
pub mod hand3d;
pub mod mechanism;
mod physics;
pub mod preset;
pub mod problem;
pub mod reach2d;
mod saved;
pub mod scene;
pub mod search;
pub mod stream;
pub mod tentacle;

pub use design::{Design, DesignError, DesignSpace, Parameter, Scale};
pub use mechanism::Mechanism;
pub use physics::PhysicsRate;
pub use preset::{Preset, Share};
pub use problem::{
    Channel, CommandSpace, Fidelity, Hardware, IdentityHardware, Problem, ProblemError, Spec, Step,
};
pub use scene::{Role, Scene, Shape, View};
pub use search::SearchSpace;
pub use stream::Stream;
