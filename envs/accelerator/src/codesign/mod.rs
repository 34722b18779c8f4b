//! The problem `accelerator`: a platform and the mapping of a network onto it, designed together.
//!
//! The policy maps layer after layer. Its command says how a layer is tiled (pixels, input and output channels at a time)
//! and what stays when tiles change; the design is the [`Platform`](super::space::platform::Platform): array, buffers,
//! clock, memory bandwidth. The effect is what the layer then costs, on logarithmic scales, against the *reference*: the
//! start platform under its best command out of a grid.
//!
//! ```text
//! effect  = ln(time / reference), ln(energy / reference), ln(area / limit);  ln(traffic / reference)
//! time    = sum over layers of (share of the reference's time) * exp(effect_0), 1 where a layer is not mapped yet
//! energy  = the same with effect_1
//! reward  = fall of ln(time) + ln(energy) + 5 max(0, ln(mean power / limit))  -  5 max(0, effect_2) / layers
//! ```
//!
//! So the rewards of an episode add up to what it is judged by, the logarithm of the energy-delay product (and what limits
//! cost), whatever the order of the layers. Since later falls depend on what came before, effects have to be credited
//! with the rest of the episode (`effect.gamma` 1).
//!
//! An episode maps every different layer once, in a random order. It is a success if the network's energy-delay
//! product is `target` times better than the reference's, and area and mean power keep their limits.
//!
//! **The true machine** is the closed form with whole numbers ([`super::space::platform`]).

mod config;
mod draw;
mod hardware;
mod state;
mod world;

pub use config::{Config, PRESETS, Settings};
pub use hardware::{AcceleratorHardware, COMMANDS, EFFECTS};
pub use world::Accelerator;

use tandem_core::problem::{Problem, ProblemError};

/// An environment of these settings, to be reset before use.
///
/// # Errors
/// [`ProblemError::Setting`] for a setting out of range.
pub fn make(config: &Config) -> Result<Box<dyn Problem>, ProblemError> {
    Ok(Box::new(Accelerator::new(Settings::new(config)?)?))
}
