//! Cycles, energy and area of a layer under a mapping.

use serde::{Deserialize, Serialize};

use super::access::{Accesses, Counting, bank_words, scratchpad_words};
use super::mapping::{Mapping, MappingError, Shape};

/// The sizes of a Gemmini-like machine: weight-stationary or output-stationary array, two buffers, DRAM.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// Cells along each side of the array, at least 1.
    pub side: u64,
    /// Accumulator, kB (of 1024 bytes, 4 per word).
    pub accumulator_kb: f64,
    /// Scratchpad, kB (1 byte per word).
    pub scratchpad_kb: f64,
}

/// What a layer costs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cost {
    /// Clock cycles.
    pub cycles: f64,
    /// Energy, J.
    pub energy_j: f64,
    /// What the cycles are spent on.
    pub bound: Bound,
    /// Accesses behind both.
    pub accesses: Accesses,
}

/// The part of a machine that takes longest; the others work at the same time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// The multipliers.
    Compute,
    /// The accumulator's ports.
    Accumulator,
    /// The scratchpad's port.
    Scratchpad,
    /// DRAM.
    Dram,
}

/// Accumulator words per cycle and column, scratchpad words per cycle and column, DRAM words per cycle: the bandwidths
/// of DOSA's Gemmini (its `arch.yaml`; columns `shared_bandwidth` of the data set).
pub(crate) const ACCUMULATOR_WORDS: f64 = 2.0;
pub(crate) const SCRATCHPAD_WORDS: f64 = 2.0;
pub(crate) const DRAM_WORDS: f64 = 8.0;

/// Energies in pJ at 40 nm and 8 bits, as DOSA fits them to Accelergy's tables for Timeloop.
pub(crate) mod picojoule {
    /// One multiply-accumulate.
    pub const MAC: f64 = 0.5608;
    /// One access of a weight register.
    pub const REGISTER: f64 = 0.4875;
    /// One accumulator access: fixed part, and part per kB of a column's bank.
    pub const ACCUMULATOR: [f64; 2] = [1.94, 0.1005];
    /// One scratchpad access: fixed part, and part per kB.
    pub const SCRATCHPAD: [f64; 2] = [0.49, 0.02513];
    /// One word from or to DRAM.
    pub const DRAM: f64 = 100.0;
}

impl Machine {
    /// Area at 40 nm, mm²: a least-squares fit (mean error 5.4 %) to the 95 machines of DOSA's data
    /// set, which reach from 0.06 to 20.6 mm².
    pub fn area_mm2(&self) -> f64 {
        let side = self.side as f64;
        0.0138 + 4.05e-4 * side * side + 1.09e-3 * side + 5.55e-3 * self.accumulator_kb + 2.60e-3 * self.scratchpad_kb
    }

    /// The cost of a layer.
    ///
    /// # Errors
    /// A mapping that does not make up the layer or does not fit the array.
    pub fn cost(&self, shape: &Shape, mapping: &Mapping) -> Result<Cost, MappingError> {
        self.cost_counted(shape, mapping, &Counting::default())
    }

    /// The same under a counting of one's own.
    ///
    /// # Errors
    /// A mapping that does not make up the layer or does not fit the array.
    pub fn cost_counted(&self, shape: &Shape, mapping: &Mapping, counting: &Counting) -> Result<Cost, MappingError> {
        mapping.check(shape, self.side)?;
        let accesses = Accesses::counted(shape, mapping, counting);
        let (cycles, bound) = self.cycles(used(mapping), &accesses, counting);
        Ok(Cost {
            cycles,
            energy_j: 1e-12 * self.picojoules(&accesses),
            bound,
            accesses,
        })
    }

    /// Every part works at its own pace; the slowest sets the time.
    pub(crate) fn cycles(&self, used: [f64; 2], accesses: &Accesses, counting: &Counting) -> (f64, Bound) {
        let paces = self.paces(used, accesses);
        let mut slowest = paces[0];
        for part in paces {
            if part.0 > slowest.0 {
                slowest = part;
            }
        }
        if counting.whole_cycles {
            slowest.0 = slowest.0.ceil();
        }
        slowest
    }

    /// Cycles as far as everything but DRAM sets them: for a tile that is in the scratchpad already.
    pub fn on_chip_cycles(&self, mapping: &Mapping, accesses: &Accesses) -> f64 {
        let parts = self.paces(used(mapping), accesses).into_iter();
        let on_chip = parts.filter(|(_, bound)| *bound != Bound::Dram);
        on_chip.map(|(cycles, _)| cycles).fold(0.0, f64::max).ceil()
    }

    /// Cycles of each part on its own.
    fn paces(&self, [rows, columns]: [f64; 2], accesses: &Accesses) -> [(f64, Bound); 4] {
        let cells = rows * columns;
        [
            (accesses.macs / cells, Bound::Compute),
            (accesses.accumulator / (ACCUMULATOR_WORDS * columns), Bound::Accumulator),
            (
                accesses.scratchpad / (SCRATCHPAD_WORDS * self.side as f64),
                Bound::Scratchpad,
            ),
            (accesses.dram / DRAM_WORDS, Bound::Dram),
        ]
    }

    /// Energy of accesses, pJ.
    pub fn picojoules(&self, accesses: &Accesses) -> f64 {
        let sized = |[fixed, per_kb]: [f64; 2], kb: f64| fixed + per_kb * kb;
        let bank = self.accumulator_kb / self.side as f64;
        picojoule::MAC * accesses.macs
            + picojoule::REGISTER * accesses.registers
            + sized(picojoule::ACCUMULATOR, bank) * accesses.accumulator
            + sized(picojoule::SCRATCHPAD, self.scratchpad_kb) * accesses.scratchpad
            + picojoule::DRAM * accesses.dram_blocks
    }

    /// The smallest machine that holds the tiles of all these layers (hardware follows from mappings, as in DOSA);
    /// `None` without layers.
    pub fn smallest<'a>(layers: impl IntoIterator<Item = (&'a Shape, &'a Mapping)>) -> Option<Self> {
        let mut needs: Option<(u64, f64, f64)> = None;
        for (shape, mapping) in layers {
            let side = mapping.spatial(1).max(mapping.spatial(2));
            let (side_before, bank, words) = needs.unwrap_or((2, 0.0, 0.0));
            needs = Some((
                side_before.max(side),
                bank.max(bank_words(mapping)),
                words.max(scratchpad_words(shape, mapping)),
            ));
        }
        needs.map(|(side, bank, words)| Self {
            side,
            accumulator_kb: 4.0 * bank * side as f64 / 1024.0,
            scratchpad_kb: words / 1024.0,
        })
    }
}

/// Rows and columns that a mapping uses.
fn used(mapping: &Mapping) -> [f64; 2] {
    [1, 2].map(|level| mapping.spatial(level) as f64)
}

#[cfg(test)]
mod tests;
