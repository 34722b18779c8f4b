//! The loop nest of [`loopnest`](crate::loopnest) for numbers of any kind: exact with whole factors,
//! and differentiable with real ones.
//!
//! With whole factors every count equals [`Accesses`](crate::loopnest::Accesses), to the last bit; a
//! test holds them together. With real factors the counts are smooth between two structures: a loop counts as
//! present, and so ends the reuse of what lies inside it, from a factor of `PRESENT` on.

use super::dual::Real;
use crate::loopnest::{
    ACCUMULATOR_WORDS, DRAM_BLOCK, DRAM_WORDS, Dim, Loop, Mapping, SCRATCHPAD_WORDS, Shape, picojoule,
};

/// Factor from which a loop counts as one that would not be rounded away: the geometric mean of 1 and 2.
const PRESENT: f64 = std::f64::consts::SQRT_2;

/// Loops in time of a level, inner ones first, by what stays where it is (DOSA's three): weights, outputs, inputs.
pub const ORDERS: [[Dim; 7]; 3] = [
    [Dim::P, Dim::Q, Dim::N, Dim::C, Dim::R, Dim::S, Dim::K],
    [Dim::R, Dim::S, Dim::C, Dim::P, Dim::Q, Dim::N, Dim::K],
    [Dim::K, Dim::C, Dim::R, Dim::S, Dim::P, Dim::Q, Dim::N],
];

/// How the loops of a layer are split.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Nest<T> {
    /// Factors in time per level, by `Dim as usize`.
    pub time: [[T; 7]; 4],
    /// Input channels at once, over the rows of the array.
    pub rows: T,
    /// Output channels at once, over its columns.
    pub columns: T,
    /// Loops in time of levels 1, 2 and 3, inner ones first.
    pub orders: [[Dim; 7]; 3],
}

/// What a layer asks of a machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Counts<T> {
    /// Multiply-accumulates.
    pub macs: T,
    /// Rows used.
    pub rows: T,
    /// Columns used.
    pub columns: T,
    /// Accesses of the weight registers.
    pub registers: T,
    /// Accesses of the accumulator.
    pub accumulator: T,
    /// Accesses of the scratchpad.
    pub scratchpad: T,
    /// Words from and to DRAM.
    pub dram: T,
    /// The same in whole blocks.
    pub dram_blocks: T,
    /// Words that one accumulator bank has to hold.
    pub bank_words: T,
    /// Words that the scratchpad has to hold.
    pub scratchpad_words: T,
}

/// A machine's sizes; see [`Machine`](crate::loopnest::Machine).
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sizes<T> {
    /// Cells along each side of the array.
    pub side: T,
    /// Accumulator of one column, kB.
    pub bank_kb: T,
    /// Scratchpad, kB.
    pub scratchpad_kb: T,
}

const WEIGHTS: [Dim; 4] = [Dim::R, Dim::S, Dim::C, Dim::K];
const OUTPUTS: [Dim; 4] = [Dim::P, Dim::Q, Dim::K, Dim::N];

impl<T: Real> Nest<T> {
    /// How much of each loop runs at a level and inside it, space included.
    fn extents(&self, level: usize) -> [T; 7] {
        let mut extents = [T::constant(1.0); 7];
        for factors in &self.time[..=level] {
            for (extent, &factor) in extents.iter_mut().zip(factors) {
                *extent = *extent * factor;
            }
        }
        if level >= 1 {
            extents[Dim::C as usize] = extents[Dim::C as usize] * self.rows;
        }
        if level >= 2 {
            extents[Dim::K as usize] = extents[Dim::K as usize] * self.columns;
        }
        extents
    }

    /// Loops in time outside a level, inner ones first.
    fn outside(&self, level: usize) -> impl Iterator<Item = (Dim, T)> {
        (level + 1..4).flat_map(move |at| {
            let order = &self.orders[at - 1];
            order.iter().map(move |&dim| (dim, self.time[at][dim as usize]))
        })
    }

    /// Times that a tensor's tile is filled into a level.
    fn passes(&self, level: usize, tensor: &[Dim; 4]) -> T {
        let mut passes = T::constant(1.0);
        let mut started = false;
        for (dim, factor) in self.outside(level) {
            let relevant = tensor.contains(&dim);
            if relevant || started {
                passes = passes * factor;
            }
            started |= relevant && factor.value() > PRESENT;
        }
        passes
    }

    /// Counts what the layer asks for.
    pub fn counts(&self, shape: &Shape) -> Counts<T> {
        let size = |dims: &[Dim]| -> f64 { dims.iter().map(|&d| shape.sizes[d as usize] as f64).product() };
        let (macs, outputs) = (T::constant(size(&Dim::ALL)), T::constant(size(&OUTPUTS)));
        let extents = [0, 1, 2].map(|level| self.extents(level));
        let tile = |level: usize, tensor: &[Dim; 4]| product(&extents[level], tensor);
        let (bank, weights) = (tile(1, &OUTPUTS), tile(2, &WEIGHTS));
        let window = Window::new(shape, &extents[2]);
        let register_fills = self.rows * self.columns * tile(0, &WEIGHTS) * self.passes(0, &WEIGHTS);
        let accumulator_fills = self.columns * bank * self.passes(1, &OUTPUTS);
        let weight_fills = weights * self.passes(2, &WEIGHTS);
        let input_fills = self.input_fills(shape, &extents[2], &window);
        let updates = macs / self.rows;
        let sums = accumulator_fills - outputs;
        let transfers = [weight_fills, input_fills, sums, accumulator_fills];
        let zero = T::constant(0.0);
        Counts {
            macs,
            rows: self.rows,
            columns: self.columns,
            registers: macs + register_fills,
            accumulator: T::constant(2.0) * updates - outputs + accumulator_fills,
            scratchpad: register_fills + macs / self.columns + weight_fills + input_fills,
            dram: transfers.into_iter().fold(zero, |sum, words| sum + words),
            dram_blocks: transfers
                .into_iter()
                .fold(zero, |sum, words| sum + words.blocks(DRAM_BLOCK)),
            bank_words: bank,
            scratchpad_words: weights + window.words(),
        }
    }

    /// Input words that go into the scratchpad; the rules are those of the exact model.
    fn input_fills(&self, shape: &Shape, tile: &[T; 7], window: &Window<T>) -> T {
        let (zero, one) = (T::constant(0.0), T::constant(1.0));
        let mut extents = *tile;
        let mut total = window.words();
        let mut passes = self.outside(2).fold(one, |passes, (_, factor)| passes * factor);
        let mut reset = [zero; 2];
        let mut step = [zero; 2];
        let (mut moved, mut outputs_inside) = (false, false);
        for (dim, factor) in self.outside(2) {
            passes = passes / factor;
            let shift = T::constant(shape.slide(dim)) * extents[dim as usize];
            extents[dim as usize] = extents[dim as usize] * factor;
            let still = !moved && reset.iter().all(|r| r.value() == 0.0);
            let words = match (dim, dim.axis()) {
                (Dim::K, _) if still => zero,
                (_, Some(axis)) if !outputs_inside && !moved && reset[1 - axis].value() == 0.0 => {
                    if reset[axis].value() == 0.0 {
                        step[axis] = shift;
                        window.slice(axis, shift)
                    } else if (shift.value() - reset[axis].value()).abs() <= step[axis].value() {
                        window.slice(axis, step[axis])
                    } else {
                        window.words()
                    }
                }
                _ => window.words(),
            };
            total = total + (factor - one) * passes * words;
            if factor.value() > PRESENT {
                match dim.axis() {
                    Some(axis) => reset[axis] = reset[axis] + (factor - one) * shift,
                    None if dim == Dim::K => outputs_inside = true,
                    None => moved = true,
                }
            }
        }
        total
    }
}

impl<T: Real> Counts<T> {
    /// Clock cycles on a machine: the slowest part sets the time.
    pub fn cycles(&self, sizes: &Sizes<T>) -> T {
        let per = |words: f64, parts: T| T::constant(words) * parts;
        let parts = [
            self.accumulator / per(ACCUMULATOR_WORDS, self.columns),
            self.scratchpad / per(SCRATCHPAD_WORDS, sizes.side),
            self.dram / T::constant(DRAM_WORDS),
        ];
        let compute = self.macs / (self.rows * self.columns);
        parts.into_iter().fold(compute, T::larger).whole()
    }

    /// Energy on a machine, pJ.
    pub fn picojoules(&self, sizes: &Sizes<T>) -> T {
        let c = T::constant;
        let sized = |[fixed, per_kb]: [f64; 2], kb: T| c(fixed) + c(per_kb) * kb;
        c(picojoule::MAC) * self.macs
            + c(picojoule::REGISTER) * self.registers
            + sized(picojoule::ACCUMULATOR, sizes.bank_kb) * self.accumulator
            + sized(picojoule::SCRATCHPAD, sizes.scratchpad_kb) * self.scratchpad
            + c(picojoule::DRAM) * self.dram_blocks
    }
}

impl Nest<f64> {
    /// The same as a mapping with names; the factors must be whole.
    pub fn mapping(&self) -> Mapping {
        let mut levels: [Vec<Loop>; 4] = Default::default();
        for (at, level) in levels.iter_mut().enumerate() {
            // level 0 has P and Q only, in the first order
            let order = at.checked_sub(1).map_or(&ORDERS[0], |at| &self.orders[at]);
            for &dim in order.iter().rev() {
                let factor = self.time[at][dim as usize] as u64;
                if factor > 1 {
                    level.push(Loop {
                        dim,
                        factor,
                        spatial: false,
                    });
                }
            }
        }
        for (at, dim, factor) in [(1, Dim::C, self.rows), (2, Dim::K, self.columns)] {
            levels[at].push(Loop {
                dim,
                factor: factor as u64,
                spatial: true,
            });
        }
        Mapping { levels }
    }
}

fn product<T: Real>(extents: &[T; 7], dims: &[Dim; 4]) -> T {
    dims.iter().fold(T::constant(1.0), |p, &dim| p * extents[dim as usize])
}

/// A tile of the input.
struct Window<T> {
    /// Width and height.
    sides: [T; 2],
    /// Channels times batch.
    depth: T,
}

impl<T: Real> Window<T> {
    fn new(shape: &Shape, extents: &[T; 7]) -> Self {
        let one = T::constant(1.0);
        let reach = |dim: Dim| (extents[dim as usize] - one) * T::constant(shape.slide(dim));
        Self {
            sides: [reach(Dim::P) + reach(Dim::R) + one, reach(Dim::Q) + reach(Dim::S) + one],
            depth: extents[Dim::C as usize] * extents[Dim::N as usize],
        }
    }

    fn words(&self) -> T {
        self.sides[0] * self.sides[1] * self.depth
    }

    /// New words after a step along an axis.
    fn slice(&self, axis: usize, step: T) -> T {
        self.sides[axis].smaller(step) * self.sides[1 - axis] * self.depth
    }
}
