//! MuJoCo inside the process.
//!
//! | module | what it holds |
//! |---|---|
//! | [`engine`] | MuJoCo's errors as errors, where it would end the process |
//! | [`simulation`] | a compiled model and its state, stored and restored exactly |
//! | [`mjcf`], [`xml`] | the format in which a [`tandem_core::Mechanism`] is handed to MuJoCo |
//! | [`machine`] | a mechanism moved by MuJoCo, its servos by set points: the second judge of the physical problems |

pub mod engine;
pub mod machine;
pub mod mjcf;
pub mod simulation;
pub mod xml;

pub use machine::Machine;
pub use simulation::Simulation;
