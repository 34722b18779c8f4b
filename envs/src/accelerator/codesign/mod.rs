//! The problem `accelerator`: a platform and the mapping of a network onto it, designed together.
//!
//! The policy maps layer after layer. Its command says how a layer is tiled (pixels, input and output channels at a time)
//! and what stays when tiles change; the design is the [`Platform`](super::space::platform::Platform): array, buffers,
//! clock, memory bandwidth. The effect is what the layer then costs, on logarithmic scales, against the *reference*: the
//! start platform under its best command out of a grid.
//!
//! ```text
//! effect  = ln(time / reference), ln(energy / reference), ln(area / limit);  ln(traffic / reference)
//! reward  = - share of time * effect_0 - share of energy * effect_1 - penalties
//! shares  = the layer's parts of the reference's time and energy
//! penalty = 5 max(0, effect_2) / layers + 5 (rise of max(0, ln(mean power so far / limit)))
//! ```
//!
//! An episode maps every different layer once, in a random order. It is a success if the network's energy-delay
//! product is `target` times better than the reference's, and area and mean power keep their limits.
//!
//! **The true machine** is the closed form with whole numbers ([`super::space::platform`]).

mod config;
mod draw;
mod hardware;
mod world;

pub use config::{Config, PRESETS, Settings};
pub use hardware::{AcceleratorHardware, COMMANDS, EFFECTS};
pub use world::Accelerator;

use crate::problem::{Problem, ProblemError};

/// An environment of these settings, to be reset before use.
///
/// # Errors
/// [`ProblemError::Setting`] for a setting out of range.
pub fn make(config: &Config) -> Result<Box<dyn Problem>, ProblemError> {
    Ok(Box::new(Accelerator::new(Settings::new(config)?)?))
}
