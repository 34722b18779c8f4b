//! How often each memory is accessed.
//!
//! A level is filled with a tensor's tile again whenever a loop outside it moves on to another part of the tensor:
//! tile size times the runs of all loops from the innermost relevant one outwards. What fills one level is read from
//! the next. Counts are `f64`: exact up to 2⁵³, and never wrapped beyond.

use serde::Serialize;

use super::mapping::{Dim, Loop, Mapping, Shape};

/// Words that go in and out of each memory.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Accesses {
    /// Multiply-accumulates.
    pub macs: f64,
    /// Reads and fills of the weight registers.
    pub registers: f64,
    /// Reads and updates of the accumulator, 4 bytes each.
    pub accumulator: f64,
    /// Reads and fills of the scratchpad, 1 byte each.
    pub scratchpad: f64,
    /// Reads and updates of DRAM, 1 byte each.
    pub dram: f64,
    /// The same in whole blocks ([`DRAM_BLOCK`], or [`Counting::dram_block`]), tensor by tensor: what costs energy.
    pub dram_blocks: f64,
}

/// Words that DRAM transfers at a time, as the energy of Timeloop's rows shows: a transfer of one word costs as much
/// as one of 64.
pub const DRAM_BLOCK: f64 = 64.0;

/// How long a tile stays in its memory, and what sums cost that come back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Rule {
    /// A tile stays until a loop moves it on, across all levels; sums that come back to the accumulator are not written
    /// (Timeloop, DOSA).
    #[default]
    Timeloop,
    /// Of the loops outside a tile only those within the tile of the next memory out can leave it in place, and sums
    /// that come back are written (AccelForge's rule, for comparison with it).
    Hierarchy,
}

/// How accesses are counted.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Counting {
    /// How long tiles stay.
    pub rule: Rule,
    /// Words that DRAM transfers at a time, at least 1, as far as energy goes.
    pub dram_block: f64,
    /// Whether cycles are rounded up.
    pub whole_cycles: bool,
}

impl Counting {
    /// As the tools of this rule count: AccelForge does not round cycles.
    pub fn new(rule: Rule, dram_block: f64) -> Self {
        Self {
            rule,
            dram_block,
            whole_cycles: rule == Rule::Timeloop,
        }
    }
}

impl Default for Counting {
    /// Timeloop's.
    fn default() -> Self {
        Self::new(Rule::Timeloop, DRAM_BLOCK)
    }
}

/// The tensors, as far as they are filled alike.
#[derive(Clone, Copy)]
enum Tensor {
    Weights,
    Outputs,
}

impl Tensor {
    fn has(self, dim: Dim) -> bool {
        match self {
            Self::Weights => matches!(dim, Dim::R | Dim::S | Dim::C | Dim::K),
            Self::Outputs => matches!(dim, Dim::P | Dim::Q | Dim::K | Dim::N),
        }
    }
}

impl Accesses {
    /// The accesses of a layer under a mapping that makes it up ([`Mapping::check`]), as Timeloop counts them.
    pub fn new(shape: &Shape, mapping: &Mapping) -> Self {
        Self::counted(shape, mapping, &Counting::default())
    }

    /// The same under a counting of one's own.
    pub fn counted(shape: &Shape, mapping: &Mapping, counting: &Counting) -> Self {
        let rows = mapping.spatial(1) as f64;
        let columns = mapping.spatial(2) as f64;
        let fills = Fills {
            rows,
            columns,
            // registers and accumulator banks exist once per row and column, or column, that is used
            registers: rows * columns * fills(mapping, 0, Tensor::Weights, counting.rule),
            accumulator: columns * fills(mapping, 1, Tensor::Outputs, counting.rule),
            weights: fills(mapping, 2, Tensor::Weights, counting.rule),
            inputs: input_fills(shape, mapping),
        };
        fills.accesses(&Totals::of(shape), counting)
    }
}

/// What a layer computes, whatever its mapping.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Totals {
    /// Multiply-accumulates.
    pub macs: f64,
    /// Outputs.
    pub outputs: f64,
}

impl Totals {
    pub(crate) fn of(shape: &Shape) -> Self {
        let size = |dims: &[Dim]| dims.iter().map(|&d| shape.sizes[d as usize] as f64).product();
        Self {
            macs: size(&Dim::ALL),
            outputs: size(&[Dim::P, Dim::Q, Dim::K, Dim::N]),
        }
    }
}

/// Parts of the array that are used, and words that go into all copies of each memory.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Fills {
    pub rows: f64,
    pub columns: f64,
    pub registers: f64,
    pub accumulator: f64,
    pub weights: f64,
    pub inputs: f64,
}

impl Fills {
    /// The accesses that these fills come to.
    pub(crate) fn accesses(&self, &Totals { macs, outputs }: &Totals, counting: &Counting) -> Accesses {
        // sums run down the rows before they reach the accumulator; the first value of each needs no read
        let updates = macs / self.rows;
        let partial_sums = self.accumulator - outputs;
        let transfers = [self.weights, self.inputs, partial_sums, self.accumulator];
        let written = match counting.rule {
            Rule::Timeloop => self.accumulator,
            Rule::Hierarchy => self.accumulator + partial_sums,
        };
        let block = counting.dram_block;
        Accesses {
            macs,
            registers: macs + self.registers,
            accumulator: 2.0 * updates - outputs + written,
            // an input is read once for all columns
            scratchpad: self.registers + macs / self.columns + self.weights + self.inputs,
            dram: transfers.iter().sum(),
            dram_blocks: transfers.iter().map(|words| (words / block).ceil() * block).sum(),
        }
    }
}

/// Outputs that one accumulator bank holds.
pub(crate) fn bank_words(mapping: &Mapping) -> f64 {
    tile(mapping, 1, Tensor::Outputs)
}

/// Weights and inputs that the scratchpad holds.
pub(crate) fn scratchpad_words(shape: &Shape, mapping: &Mapping) -> f64 {
    let extents = mapping.extents(2).map(|extent| extent as f64);
    tile(mapping, 2, Tensor::Weights) + Window::new(shape, &extents).words()
}

/// Words of a tensor that one copy of a level holds.
fn tile(mapping: &Mapping, level: usize, tensor: Tensor) -> f64 {
    let extents = mapping.extents(level);
    Dim::ALL
        .iter()
        .filter(|&&dim| tensor.has(dim))
        .map(|&dim| extents[dim as usize] as f64)
        .product()
}

/// Words of a tensor that go into one copy of a level.
fn fills(mapping: &Mapping, level: usize, tensor: Tensor, rule: Rule) -> f64 {
    let passes = |within: usize| -> f64 {
        let loops = mapping.outside(level).take(within);
        let moving = loops.skip_while(|part| !tensor.has(part.dim));
        moving.map(|part| part.factor as f64).product()
    };
    let passes = match rule {
        Rule::Timeloop => passes(usize::MAX),
        Rule::Hierarchy => {
            let beyond = mapping.outside(level + 1).map(|part| part.factor as f64);
            passes(mapping.outside(level).count() - mapping.outside(level + 1).count()) * beyond.product::<f64>()
        }
    };
    tile(mapping, level, tensor) * passes
}

/// Input words that go into the scratchpad.
///
/// When the window slides on, only the new rows (or columns) are loaded. Timeloop finds them by comparing consecutive
/// tiles, and gives up in three cases, which its rows show and which are followed here: once a loop over output
/// channels lies inside, when tiles move in two directions at once, and when an outer loop moves the window farther
/// than the inner one (then the tile is loaded anew; otherwise the step counts as much as the inner loop's).
fn input_fills(shape: &Shape, mapping: &Mapping) -> f64 {
    let mut extents = mapping.extents(2).map(|extent| extent as f64);
    let window = Window::new(shape, &extents);
    let mut total = window.words();
    let mut passes: f64 = mapping.outside(2).map(|part| part.factor as f64).product();
    let mut reset = [0.0; 2]; // how far inner loops slide, and so have to go back
    let mut step = [0.0; 2]; // how far the innermost sliding loop goes at a time
    let mut moved = false; // inner loops move along channels or batch
    let mut outputs_inside = false;
    for &Loop { dim, factor, .. } in mapping.outside(2) {
        let factor = factor as f64;
        passes /= factor;
        let shift = shape.slide(dim) * extents[dim as usize];
        extents[dim as usize] *= factor;
        let words = match (dim, dim.axis()) {
            // the same inputs for other outputs; if inner loops have moved, they start again
            (Dim::K, _) if !moved && reset == [0.0; 2] => 0.0,
            (_, Some(axis)) if !outputs_inside && !moved && reset[1 - axis] == 0.0 => {
                if reset[axis] == 0.0 {
                    step[axis] = shift;
                    window.slice(axis, shift)
                } else if (shift - reset[axis]).abs() <= step[axis] {
                    window.slice(axis, step[axis])
                } else {
                    window.words()
                }
            }
            _ => window.words(),
        };
        total += (factor - 1.0) * passes * words;
        match dim.axis() {
            Some(axis) => reset[axis] += (factor - 1.0) * shift,
            None if dim == Dim::K => outputs_inside = true,
            None => moved = true,
        }
    }
    total
}

/// A tile of the input.
struct Window {
    /// Width and height.
    sides: [f64; 2],
    /// Channels times batch.
    depth: f64,
}

impl Window {
    fn new(shape: &Shape, extents: &[f64; 7]) -> Self {
        let extent = |dim: Dim| extents[dim as usize];
        let side =
            |out: Dim, tap: Dim| (extent(out) - 1.0) * shape.slide(out) + (extent(tap) - 1.0) * shape.slide(tap) + 1.0;
        Self {
            sides: [side(Dim::P, Dim::R), side(Dim::Q, Dim::S)],
            depth: extent(Dim::C) * extent(Dim::N),
        }
    }

    fn words(&self) -> f64 {
        self.sides[0] * self.sides[1] * self.depth
    }

    /// New words after a step along an axis.
    fn slice(&self, axis: usize, step: f64) -> f64 {
        self.sides[axis].min(step) * self.sides[1 - axis] * self.depth
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A 1-D convolution: `width` outputs of a kernel of 3 over 8 channels into 4.
    fn line(width: u64) -> Shape {
        Shape {
            sizes: [3, 1, width, 1, 8, 4, 1],
            stride: [1, 1],
            dilation: [1, 1],
        }
    }

    fn accesses(shape: &Shape, mapping: &str) -> Accesses {
        let mapping = Mapping::parse(mapping).unwrap();
        mapping.check(shape, 128).unwrap();
        Accesses::new(shape, &mapping)
    }

    #[test]
    fn a_layer_that_fits_goes_through_dram_once() {
        let counts = accesses(&line(10), "L3[WIO] N1 - L2[WI] K4 - L1[O] R3 C8 P10 - L0[W] N1");
        let (weights, inputs, outputs) = (3.0 * 8.0 * 4.0, 12.0 * 8.0, 10.0 * 4.0);
        assert_eq!(counts.dram, weights + inputs + outputs);
        assert_eq!(counts.macs, 960.0);
    }

    #[test]
    fn a_sliding_window_loads_each_input_once() {
        let counts = accesses(&line(10), "L3[WIO] P10 - L2[WI] K4 - L1[O] R3 C8 - L0[W] N1");
        assert_eq!(counts.dram, 96.0 + 12.0 * 8.0 + 40.0);
        // two outputs at a time, two steps of the window: still once
        let counts = accesses(&line(10), "L3[WIO] P5 - L2[WI] K4 - L1[O] R3 C8 P2 - L0[W] N1");
        assert_eq!(counts.dram, 96.0 + 12.0 * 8.0 + 40.0);
    }

    #[test]
    fn partial_sums_that_leave_the_accumulator_come_back() {
        // channels outermost: every output goes out 8 times and back in 7 times
        let counts = accesses(&line(10), "L3[WIO] C8 P10 - L2[WI] K4 - L1[O] R3 - L0[W] N1");
        assert_eq!(counts.dram, 96.0 + 96.0 + 40.0 * (8.0 + 7.0));
    }

    #[test]
    fn unrolling_over_rows_sums_before_the_accumulator_and_over_columns_shares_inputs() {
        let serial = accesses(&line(10), "L3[WIO] N1 - L2[WI] K4 - L1[O] R3 C8 P10 - L0[W] N1");
        let parallel = accesses(&line(10), "L3[WIO] N1 - L2[WI] K4X - L1[O] R3 P10 C8X - L0[W] N1");
        assert_eq!(serial.dram, parallel.dram);
        assert_eq!(serial.accumulator, 2.0 * 960.0 - 40.0 + 40.0);
        assert_eq!(parallel.accumulator, 2.0 * 120.0 - 40.0 + 40.0);
        assert!(parallel.scratchpad < serial.scratchpad);
    }

    #[test]
    fn one_word_to_dram_costs_a_block() {
        let shape = Shape {
            sizes: [1, 1, 1, 1, 256, 1, 1],
            stride: [1, 1],
            dilation: [1, 1],
        };
        let counts = accesses(&shape, "L3[WIO] C4 - L2[WI] N1 - L1[O] C64 - L0[W] N1");
        assert_eq!((counts.dram, counts.dram_blocks), (513.0, 576.0));
    }
}
