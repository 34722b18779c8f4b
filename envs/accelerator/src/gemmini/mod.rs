//! Gemmini as it is measured: cycles of mapped layers on its RTL, from a model of how its program runs.
//!
//! [`super::loopnest`] is the machine as a closed form sees it: everything overlaps, memory has one bandwidth. The
//! RTL differs by a quarter, since software issues each tile as a call of its own, rows are fetched in beats of 16
//! bytes, strides conflict in the caches, and blocks of the array have a shortest time. This model follows the
//! measured program call by call, in closed form:
//!
//! - the calls (private module `calls`): tiles, loop order and borders of the program that DOSA measured
//!   (ucb-bar/gemmini-rocc-tests);
//! - `blocks`: rows and loading of weights on the array (Gemmini's `ExecuteController.scala`, `LoopConv.scala`);
//! - `dma`: requests and beats (`DMA.scala`);
//! - `cache`: what misses a cache of 512 KiB and one of 4 MiB behind it;
//! - [`Constants`]: ten numbers, the same for all layers.
//!
//! [`Calibrated`] adds what measured rows teach beyond that.

mod blocks;
mod cache;
mod calls;
mod dma;
mod fit;
mod model;
mod reference;

pub use calls::{LONGEST_LOOP, Program};
pub use fit::{Calibrated, Measured, cross_validated, fit_constants};
pub use model::{Constants, Cycles, L2_BYTES, LLC_BYTES, Traffic};
#[cfg(test)]
pub(crate) use reference::rank_correlation;
pub use reference::{Comparison, FOLDS, Rows, compare, read};
