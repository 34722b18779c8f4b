//! Analog attention in gain cells: keys and values live as voltages on capacitors, and the products of attention are
//! currents on wires (Leroux et al., Nature Computational Science 5, 813-824, 2025, doi 10.1038/s43588-025-00854-1).
//!
//! One set of parameters, [`GainCell`], gives accuracy ([`Head`], [`cell`]), latency, energy and area ([`cost`])
//! together:
//!
//! - [`cell`]: the current of a cell, as measured in circuit simulation and as the cubic that stands for it;
//! - [`gain_cell`]: the parameters; [`GainCell::check`] says why a circuit cannot be built, and
//!   [`GainCell::retention_s`] and the methods beside it how long stored voltages last;
//! - [`quantity`]: unit, bounds and source of every parameter;
//! - [`converter`]: levels of pulses, stored voltages and counters;
//! - [`head`]: one attention head, token by token, over a ring of cells, with noise and mismatch where asked;
//! - [`cost`]: time, energy and area of a token, from the activity of the data;
//! - [`design`]: what can be designed, as a design space;
//! - [`recall`]: the problem `attention`, a circuit and the encoder that uses it, designed together;
//! - [`gpu`]: measured graphics processors to compare with.
//!
//! The learner's form of the same equations, on tensors and with gradients, is in `tandem_language::attention`; a test
//! there holds the two against each other.

pub mod cell;
mod check;
pub mod converter;
pub mod cost;
pub mod design;
pub mod gain_cell;
pub mod gpu;
pub mod head;
pub mod quantity;
pub mod recall;
mod retention;

pub use cell::CellLaw;
pub use cost::Cost;
pub use gain_cell::{Activity, Counter, GainCell, Noise, Technology};
pub use head::{Head, Scalers};
pub use quantity::{CircuitError, QUANTITIES, Quantity, Source};
