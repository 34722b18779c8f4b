//! The exact mapper: the mapping of a layer that no other mapping beats, on a Gemmini-like machine of [`loopnest`], for
//! energy, cycles or their product, with proof.
//!
//! The space is every split of the seven loops into whole factors over the levels, and every order of the loops of each
//! level: input channels over the rows, output channels over the columns, P, Q and N at the registers (which hold one
//! weight each), all loops at accumulator, scratchpad and DRAM. Accumulator and scratchpad must hold their tiles. That is
//! 10⁷ splits of a usual layer times up to (7!)³ orders, of which almost none has to be looked at:
//!
//! - *Spread wide.* More rows and columns are never worse once the scratchpad's tile is fixed: rows and columns are the
//!   largest divisors of the tile's channels that the array takes.
//! - *Orders are streaks.* Of the order of a level's loops only those innermost loops count that leave a tile in place:
//!   at DRAM at most eleven cases (`dram`), between scratchpad and accumulator four (`inside`). In each case all
//!   counts are closed forms.
//! - *Tiles by bound.* What is left is the scratchpad's tile. Its weight part is opened in the order of a lower bound
//!   (known rows and columns, least fills that its capacity allows), and left out where that passes the best (`search`).
//!
//! Costs are those of [`Machine::cost_counted`], by the same code, so that the mapping found has its value to the last
//! bit. Equal values are decided by the other quantity, then by a fixed order of tiles: the result is the same for any
//! number of threads. Memory is bounded by the divisors of input times output channels.
//!
//! From the optima of layers follow those of networks: [`front`] and [`least_product`] give the least product of summed
//! energy and summed cycles on a fixed machine, [`MachineSearch`] the machine for which that is least.
//!
//! The optimum lies below that of other mappers where their rules are narrower: see [`Rule`]. Tests hold more than a
//! thousand small layers to full enumeration, usual ones to a search without bounds, and both rules to the optima of
//! AccelForge and of other programs (`testdata/accelforge`, 1e-9). AccelForge still differs where it slides the window over
//! output channels, and where the stride exceeds the kernel: it loads inputs that no tap touches.

mod build;
mod dram;
mod inside;
mod keep;
mod layers;
mod loops;
mod machine;
mod network;
mod search;
#[cfg(test)]
mod tests;

use serde::Serialize;
use thiserror::Error;

#[cfg(doc)]
use crate::loopnest::{self, Rule};
use crate::loopnest::{Counting, Machine, Mapping, Shape};
use keep::{Best, Front};
pub use layers::read_layers;
use loops::Loops;
pub use machine::{BestMachine, MachineSearch, Open};
pub use network::least_product;
use search::{Search, Target};

/// What is to be least.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Metric {
    /// Energy; among equals, cycles.
    Energy,
    /// Cycles; among equals, energy.
    Cycles,
    /// Energy times cycles; among equals, energy.
    Edp,
}

/// A mapping with its cost.
#[derive(Clone, Debug, PartialEq)]
pub struct Mapped {
    /// The mapping.
    pub mapping: Mapping,
    /// Energy, pJ.
    pub picojoules: f64,
    /// Clock cycles.
    pub cycles: f64,
}

/// What a search came to.
#[derive(Clone, Debug, PartialEq)]
pub struct Answer<T> {
    /// The best that was found.
    pub found: T,
    /// Whether nothing better exists; false where the search was stopped.
    pub proved: bool,
    /// Tiles that were opened.
    pub opened: u64,
}

/// Why a layer has no mapping.
#[derive(Clone, Debug, PartialEq, Error)]
pub enum MapError {
    /// A loop or step that is empty, or too long to be counted.
    #[error("every loop, stride and dilation must be from 1 to 2^20, and all loops together at most 2^53; {0} is not")]
    Size(String),
    /// A machine without cells or buffers.
    #[error("the machine's side must be at least 1 and its buffers positive numbers")]
    Machine,
    /// Not a single sum fits the accumulator.
    #[error(
        "no mapping fits: an accumulator of {kb} kB gives each of {side} columns {bytes:.1} bytes, and one sum takes 4; \
         it needs at least {needed} kB"
    )]
    Accumulator {
        /// The accumulator, kB.
        kb: f64,
        /// Columns.
        side: u64,
        /// Bytes of a column.
        bytes: f64,
        /// The least accumulator, kB.
        needed: f64,
    },
    /// Not a single weight with its input fits the scratchpad.
    #[error(
        "no mapping fits: a scratchpad of {kb} kB holds {words:.1} words, and one weight with one input takes 2; it \
         needs at least {needed} kB"
    )]
    Scratchpad {
        /// The scratchpad, kB.
        kb: f64,
        /// Words that it holds.
        words: f64,
        /// The least scratchpad, kB.
        needed: f64,
    },
}

/// Tells a search to stop; asked every few microseconds.
pub type Stop<'a> = &'a (dyn Fn() -> bool + Sync);

/// The mapping of a layer for which `metric` is least. When `stop` says so, the best so far.
///
/// # Errors
/// A layer that has no mapping on this machine.
pub fn optimum(
    shape: &Shape,
    machine: &Machine,
    counting: &Counting,
    metric: Metric,
    stop: Stop,
) -> Result<Answer<Mapped>, MapError> {
    let target = Target::new(machine, counting)?;
    let loops = Loops::new(shape)?;
    let mut search = Search::new(&loops, &target, Best::new(metric), stop);
    let proved = search.run();
    let (best, opened) = (search.keep.best, search.opened);
    // the smallest tile, one word of each tensor, fits every target
    let choice = best.ok_or(MapError::Machine)?.choice;
    Ok(Answer {
        found: loops.mapped(&choice, machine, counting)?,
        proved,
        opened,
    })
}

/// The mappings of a layer of which none is beaten in both energy and cycles, by rising energy. When `stop` says so,
/// those so far.
///
/// # Errors
/// A layer that has no mapping on this machine.
pub fn front(
    shape: &Shape,
    machine: &Machine,
    counting: &Counting,
    stop: Stop,
) -> Result<Answer<Vec<Mapped>>, MapError> {
    let target = Target::new(machine, counting)?;
    let loops = Loops::new(shape)?;
    let mut search = Search::new(&loops, &target, Front::default(), stop);
    let proved = search.run();
    let (points, opened) = (search.keep.points, search.opened);
    let found = points
        .iter()
        .map(|point| loops.mapped(&point.choice, machine, counting));
    Ok(Answer {
        found: found.collect::<Result<_, _>>()?,
        proved,
        opened,
    })
}
