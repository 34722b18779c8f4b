//! One layer of the space: what a mapping of it costs, exactly and relaxed.

use super::HARDWARE;
use crate::loopnest::{DRAM_WORDS, Dim, picojoule};
use crate::space::dual::{Dual, Real};
use crate::space::nest::{Counts, Sizes};
use crate::space::split::{CHOICES, LONGEST_SIDE, Place, SLOTS, Splitter};
use crate::space::workload::Work;
use tandem_core::search::gene_of;

/// Variables of a layer's relaxed cost: factors, then hardware.
pub const VARIABLES: usize = SLOTS.len() + HARDWARE;
/// Smallest side, and doublings up to the largest.
pub const SIDE: (f64, f64) = (1.0, 6.0);
/// Doublings of a buffer from 1 kB to 2 MB.
pub const DOUBLINGS: f64 = 11.0;
/// Weight of the squared excess, in doublings, over what the hardware offers.
const PENALTY: f64 = 1.0;
/// A layer to map.
pub struct Layer {
    pub work: Work,
    pub splitter: Splitter,
    pub features: Vec<f64>,
}

/// What a greedy tiler fills in turn, each as far as it fits.
const GREEDY: [(Dim, Place); 9] = [
    (Dim::K, Place::Columns),
    (Dim::C, Place::Rows),
    (Dim::P, Place::Time(1)),
    (Dim::R, Place::Time(1)),
    (Dim::S, Place::Time(1)),
    (Dim::Q, Place::Time(1)),
    (Dim::C, Place::Time(1)),
    (Dim::C, Place::Time(2)),
    (Dim::K, Place::Time(2)),
];

/// Sizes of the hardware that genes stand for.
fn sizes<T: Real>(hardware: [T; HARDWARE]) -> Sizes<T> {
    let [side, accumulator, scratchpad] = hardware;
    let log_side = T::constant(SIDE.0) + T::constant(SIDE.1) * side;
    let doublings = |gene: T| T::constant(DOUBLINGS) * gene;
    Sizes {
        side: log_side.exp2(),
        bank_kb: (doublings(accumulator) - log_side).exp2(),
        scratchpad_kb: doublings(scratchpad).exp2(),
    }
}

/// The same for genes without derivatives.
pub fn exact_sizes(hardware: &[f64]) -> Sizes<f64> {
    let gene = |at: usize| hardware.get(at).copied().unwrap_or(1.0).clamp(0.0, 1.0);
    let sizes = sizes([gene(0), gene(1), gene(2)]);
    Sizes {
        side: sizes.side.round(), // powers of two come out whole
        ..sizes
    }
}

/// By how much more a layer needs than there is, as ratios: rows, columns, accumulator, scratchpad.
fn excess<T: Real>(counts: &Counts<T>, sizes: &Sizes<T>) -> [T; 4] {
    let kb = T::constant(1024.0);
    [
        counts.rows / sizes.side,
        counts.columns / sizes.side,
        T::constant(4.0) * counts.bank_words / (kb * sizes.bank_kb),
        counts.scratchpad_words / (kb * sizes.scratchpad_kb),
    ]
}

/// Whether a mapping fits.
pub fn fits(counts: &Counts<f64>, sizes: &Sizes<f64>) -> bool {
    excess(counts, sizes).iter().all(|&ratio| ratio <= 1.0 + 1e-9)
}

impl Layer {
    /// What a mapping asks for.
    pub fn counts(&self, genes: &[f64]) -> Counts<f64> {
        self.splitter.whole(genes).counts(&self.work.shape)
    }

    /// Cycles, pJ and penalty of one run, with derivatives by the genes and the hardware.
    pub fn relaxed(&self, genes: &[f64], hardware: &[f64]) -> [Dual<VARIABLES>; 3] {
        let variables = std::array::from_fn(|at| Dual::variable(genes[at], at));
        let sizes = sizes(std::array::from_fn(|at| Dual::variable(hardware[at], SLOTS.len() + at)));
        let counts = self.splitter.real(genes, &variables).counts(&self.work.shape);
        let none = Dual::constant(0.0);
        let penalty = excess(&counts, &sizes)
            .into_iter()
            .map(|ratio| ratio.log2().larger(none))
            .fold(none, |sum, over| sum + over * over);
        [
            counts.cycles(&sizes),
            counts.picojoules(&sizes),
            Dual::constant(PENALTY) * penalty,
        ]
    }

    /// A simple mapping for this hardware: each loop in turn as far as it fits.
    pub fn greedy(&self, sizes: &Sizes<f64>, mapping: &mut [f64]) {
        // weights stay in the registers; sums stay in the accumulator
        mapping.fill(0.0);
        for (gene, (stays, options)) in mapping[SLOTS.len()..]
            .iter_mut()
            .zip([0, 1, 1].into_iter().zip(CHOICES))
        {
            *gene = gene_of(stays, options);
        }
        let mut factors = [1; SLOTS.len()];
        let mut rest = self.work.shape.sizes;
        for wanted in GREEDY {
            let Some(at) = SLOTS.iter().position(|slot| *slot == wanted) else {
                continue;
            };
            let left = &mut rest[wanted.0 as usize];
            let mut most = *left;
            while most > 1 {
                let factor = self.splitter.largest(wanted.0, *left, most);
                factors[at] = factor;
                self.splitter.encode(&factors, mapping);
                if fits(&self.counts(mapping), sizes) {
                    *left /= factor;
                    break;
                }
                factors[at] = 1;
                most = factor - 1;
            }
        }
        self.splitter.encode(&factors, mapping);
    }

    /// Cycles and pJ that no mapping falls below: the full array, every word through DRAM once, buffers without size.
    pub fn least(&self) -> [f64; 2] {
        let shape = &self.work.shape;
        let side = LONGEST_SIDE as f64;
        let size = |dim: Dim| shape.sizes[dim as usize] as f64;
        let touched = |out: Dim, tap: Dim, axis: usize| {
            let step = shape.stride[axis] as f64;
            let reach = (size(tap) - 1.0) * shape.dilation[axis] as f64 + 1.0;
            (size(out) - 1.0) * step.min(reach) + reach
        };
        let outputs = size(Dim::P) * size(Dim::Q) * size(Dim::K) * size(Dim::N);
        let weights = size(Dim::R) * size(Dim::S) * size(Dim::C) * size(Dim::K);
        let depth = size(Dim::C) * size(Dim::N);
        let inputs = touched(Dim::P, Dim::R, 0) * touched(Dim::Q, Dim::S, 1) * depth;
        let macs = outputs * size(Dim::R) * size(Dim::S) * size(Dim::C);
        let dram = weights + inputs + outputs;
        let rows = side.min(size(Dim::C));
        let columns = side.min(size(Dim::K));
        let picojoules = picojoule::MAC * macs
            + picojoule::REGISTER * (macs + weights)
            + picojoule::ACCUMULATOR[0] * 2.0 * macs / rows
            + picojoule::SCRATCHPAD[0] * macs / columns
            + picojoule::DRAM * dram;
        [(macs / (rows * columns)).max(dram / DRAM_WORDS), picojoules]
    }
}
