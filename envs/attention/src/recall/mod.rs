//! The problem `attention`: a circuit for attention, and the encoder that uses it as its memory, designed together.
//!
//! The task is a language reduced to what attention is for, recalling: every token of a text states a fact (a key and a
//! value), facts change, and after every token one of the latest facts is asked for. The policy is the model's encoder: it turns a
//! token into the query, the key and the value that go to the hardware, a head of gain cells ([`super::Head`]). The design is the
//! circuit ([`super::design`]): window, sub-tiles, bits, clock, voltages, saturations, capacitor, technology.
//!
//! ```text
//! observation  the token's key and value, the key that is asked for
//! command      corrections of query, key and value:  x = clip(code + command, -1, 1)
//!              code: 0.4 times a row of a Hadamard matrix (query, key), 0.4 on the value's own column and -0.4 elsewhere
//! effect       loss = -ln softmax(8 outputs)[the right value], nat, at most 4;  ln(energy / reference);  ln(time), ln(area) likewise
//! reward       -(loss + energy_weight ln(energy / reference)) / tokens
//! ```
//!
//! Two facts of the same key lie at least as far apart as questions reach: a longer window keeps what is no longer true,
//! and the column that holds it pulls as much as the one that holds the latest. Rounding, clipping and the window have no
//! gradient, so that a proxy is needed.
//!
//! The reference is the circuit that is started from, with its activity as published. An episode is a success if its mean
//! loss is at most `loss_limit` and its mean energy `energy_target` times lower than the reference.
//!
//! **The true machine** is a [`super::Head`] cell for cell, a new chip with its own mismatch in every episode, noise at every write and
//! pulse. The effect model has neither. Designs that could not be built are taken as the nearest that can
//! ([`super::design::buildable`]): bits of counters and capacitors are upper limits, and named so.
//!
//! The proxy sees the losses of a few ideal heads (bits, saturations, windows) as features; they know nothing of the design.
//!
//! The large form, a transformer trained and adapted on text, is `tandem explore`.

mod code;
mod config;
mod draw;
mod hardware;
mod selectivity;
mod state;
mod world;

pub use config::{PRESETS, Settings};
pub use hardware::RecallHardware;
pub use selectivity::selectivity;
pub use world::Recall;

use tandem_core::problem::{Problem, ProblemError};

/// An environment of these settings, to be reset before use.
///
/// # Errors
/// [`ProblemError::Setting`] for a setting out of range.
pub fn make(settings: Settings) -> Result<Box<dyn Problem>, ProblemError> {
    Ok(Box::new(Recall::new(settings)?))
}
