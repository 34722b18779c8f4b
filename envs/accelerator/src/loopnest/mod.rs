//! A convolution as a tiled loop nest on a Gemmini-like memory hierarchy, in closed form: Timeloop's results without
//! Timeloop.
//!
//! The seven loops of a convolution (R, S over the kernel, P, Q over the output, C and K over input and output
//! channels, N over the batch) are split over four levels of memory, each of which holds some of the tensors:
//!
//! | level | memory | holds | unrolled in space |
//! |---|---|---|---|
//! | 0 | registers, one per multiplier | weights | |
//! | 1 | accumulator, one bank per column | outputs | C, over the rows of the array |
//! | 2 | scratchpad | weights, inputs | K, over the columns |
//! | 3 | DRAM | all | |
//!
//! A [`Mapping`] says how each loop is split and in which order the parts run at each level. From it follow how often
//! each memory is accessed ([`Accesses`]), hence cycles, energy and area ([`Machine::cost`]).
//!
//! The model is DOSA's (Hong et al., MICRO 2023, arXiv 2509.10702), with the halo of inputs and the rounding of DRAM
//! transfers as Timeloop does them (Parashar et al., ISPASS 2019). Against the 72 700 rows that DOSA publishes
//! (ucb-bar/dosa a7a3239), `tandem validate timeloop` gives the errors.

mod access;
mod cost;
mod mapping;
mod operation;
mod reference;

pub use access::{Accesses, Counting, DRAM_BLOCK, Rule};
pub(crate) use access::{Fills, Totals, bank_words, scratchpad_words};
pub(crate) use cost::{ACCUMULATOR_WORDS, DRAM_WORDS, SCRATCHPAD_WORDS, picojoule};
pub use cost::{Bound, Cost, Machine};
pub use mapping::{Dim, Loop, Mapping, MappingError, Shape};
pub(super) use reference::{Columns, read_table};
pub use reference::{Comparison, compare};
