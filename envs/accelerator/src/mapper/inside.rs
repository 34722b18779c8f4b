//! Between scratchpad and registers: what is left to choose once the scratchpad's tile and the order at DRAM are fixed.
//!
//! Rows and columns are as wide as the tile and the array allow. The rest of the tile's loops are split between the
//! scratchpad's level and the accumulator's (with the registers', which costs nothing more). What counts is how many
//! steps a weight stays in its register, and how often a sum leaves the accumulator:
//!
//! - *accumulate*: kernel and channels run inside all pixels of the accumulator's tile; a weight stays for as many
//!   pixels as a bank has words, a sum leaves once per step of R, S, C at DRAM;
//! - *stream*: where rows take all of them, weights stay for all pixels of the scratchpad's tile, and on through the
//!   innermost loops at DRAM if the columns take all output channels, too;
//! - *weights stay*: the same while kernel and channels run outside the pixels, at the price of a sum that leaves at
//!   every step of them;
//! - *whole*: the bank holds all outputs of the scratchpad's tile; sums stay on through the innermost loops at DRAM.

use super::dram::Dram;
use crate::loopnest::{Fills, Rule, Totals};

/// Which of the cases.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Inside {
    /// Sums grow in the accumulator.
    Accumulate,
    /// No loop in time moves the weights within the scratchpad's tile, but output channels.
    Stream,
    /// Weights stay while all pixels of the scratchpad's tile pass.
    WeightsStay,
    /// All outputs of the scratchpad's tile lie in the accumulator.
    Whole,
}

/// The scratchpad's tile, seen from inside.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    pub rows: f64,
    pub columns: f64,
    /// Steps of R, S and C in time within the tile.
    pub sums: f64,
    /// Steps of K in time within the tile.
    pub outputs: f64,
    /// P, Q and N of the tile.
    pub pixels: f64,
    /// P, Q and N of the largest part of it that a bank holds.
    pub in_bank: f64,
    /// Whether a bank holds all outputs of the tile.
    pub whole: bool,
    /// Steps of R, S and C at DRAM.
    pub sums_outside: f64,
}

impl Room {
    /// Calls `each` with every case that may be best.
    pub fn cases(&self, dram: &Dram, totals: &Totals, rule: Rule, mut each: impl FnMut(Inside, &Fills)) {
        let mut offer = |case: Inside, stay: f64, leave: f64| {
            each(
                case,
                &Fills {
                    rows: self.rows,
                    columns: self.columns,
                    registers: totals.macs / stay,
                    accumulator: totals.outputs * leave,
                    weights: dram.weights,
                    inputs: dram.inputs,
                },
            );
        };
        if rule == Rule::Hierarchy {
            return offer(Inside::Accumulate, self.in_bank, self.sums_outside);
        }
        if self.sums == 1.0 {
            let on = if self.outputs == 1.0 { dram.weights_stay } else { 1.0 };
            offer(Inside::Stream, self.pixels * on, self.sums_outside);
        } else {
            offer(Inside::Accumulate, self.in_bank, self.sums_outside);
            if self.in_bank < self.pixels {
                offer(Inside::WeightsStay, self.pixels, self.sums_outside * self.sums);
            }
        }
        if self.whole && dram.sums_stay > 1.0 {
            offer(Inside::Whole, self.pixels, self.sums_outside / dram.sums_stay);
        }
    }
}
