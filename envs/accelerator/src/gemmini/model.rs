//! Cycles of a program: each call takes as long as the slowest of its three parts, and a little longer where they
//! are close.

use serde::{Deserialize, Serialize};

use super::calls::{Call, Program};
use super::dma::LINE;

/// Bytes of the second-level cache and of the last-level one behind it: what FireSim's Rocket has, and its memory
/// model (512 KiB, 4 MiB).
pub const L2_BYTES: f64 = 524_288.0;
/// The last-level cache.
pub const LLC_BYTES: f64 = 4_194_304.0;
/// How sharply hits end where a working set outgrows them; random replacement is far from sharp in the last level.
const L2_SHARPNESS: f64 = 5.0;
const LLC_SHARPNESS: f64 = 2.0;
/// Cycles for a pixel that a wrapped counter reads beyond the image, along rows and along columns, and for one that
/// has a line of its own on top.
const WRAPPED: [f64; 2] = [1.75, 1.05];
const WRAPPED_LINE: f64 = 4.15;

/// What the hardware takes: ten numbers, the same for every layer, all cycles of the accelerator's clock but the last.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Constants {
    /// Issue of one call of a convolution by the processor: address arithmetic and ten commands.
    pub call_conv: f64,
    /// The same for a matrix product.
    pub call_matmul: f64,
    /// Start and end of a layer.
    pub start: f64,
    /// A beat of 16 bytes from the second-level cache.
    pub beat: f64,
    /// A line that misses the second-level cache.
    pub l2_miss: f64,
    /// A line that misses the last-level cache, on top.
    pub llc_miss: f64,
    /// A request that writes outputs.
    pub store: f64,
    /// A block of the array, on top of its rows.
    pub block: f64,
    /// The shortest block on an array wider than four.
    pub shortest_block: f64,
    /// How well issue, array and memory overlap: exponent of the norm that joins their times; infinite is perfect.
    pub overlap: f64,
}

impl Constants {
    /// Fitted once to the 1567 rows of DOSA's calibration file, and to no row of its test files; `tandem validate
    /// gemmini --data firesim_results.csv --json` makes them again (`fitted`).
    pub const DOSA: Self = Self {
        call_conv: 267.0,
        call_matmul: 127.1,
        start: 970.0,
        beat: 1.271,
        l2_miss: 3.36,
        llc_miss: 17.0,
        store: 3.47,
        block: 0.158,
        shortest_block: 5.84,
        overlap: 4.54,
    };

    /// The numbers in a row, for a fit.
    pub(super) fn to_array(self) -> [f64; 10] {
        [
            self.call_conv,
            self.call_matmul,
            self.start,
            self.beat,
            self.l2_miss,
            self.llc_miss,
            self.store,
            self.block,
            self.shortest_block,
            self.overlap,
        ]
    }

    pub(super) fn from_array(values: [f64; 10]) -> Self {
        let [call_conv, call_matmul, start, beat, l2_miss, rest @ ..] = values;
        let [llc_miss, store, block, shortest_block, overlap] = rest;
        Self {
            call_conv,
            call_matmul,
            start,
            beat,
            l2_miss,
            llc_miss,
            store,
            block,
            shortest_block,
            overlap,
        }
    }
}

/// A program with what does not depend on the constants worked out: how much misses the caches.
#[derive(Clone, Debug)]
pub struct Traffic {
    program: Program,
    /// Lines of weights, inputs and outputs that miss each cache.
    l2: [f64; 3],
    llc: [f64; 3],
    /// Rows of inputs and weights, and stores, of all calls.
    rows: [f64; 2],
    calls: f64,
}

/// Where the cycles of a layer go.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Cycles {
    /// All together.
    pub total: f64,
    /// Issue, array and memory, each as if alone.
    pub parts: [f64; 3],
}

impl Traffic {
    /// Works out what misses the caches.
    pub fn new(program: Program) -> Self {
        let l2 = program.nest.misses(L2_BYTES, L2_SHARPNESS);
        let llc = program.nest.misses(LLC_BYTES, LLC_SHARPNESS);
        let sum = |of: &dyn Fn(&Call) -> f64| program.calls.iter().map(|c| c.times * of(c)).sum();
        Self {
            l2,
            llc: std::array::from_fn(|tensor: usize| llc[tensor].min(l2[tensor])),
            rows: [sum(&|call| call.rows[0]), sum(&|call| call.rows[1])],
            calls: sum(&|_| 1.0),
            program,
        }
    }

    /// Cycles of the layer.
    pub fn cycles(&self, constants: &Constants) -> Cycles {
        let issue = match self.program.matmul {
            true => constants.call_matmul,
            false => constants.call_conv,
        };
        let missed = self.missed(constants);
        // misses are shared out over the calls: those of weights and inputs by rows, those of outputs evenly
        let row = [0, 1].map(|at| missed[1 - at] / self.rows[at].max(1.0));
        let stores: f64 = self.sum(|call| call.stores);
        let store = (constants.store * stores + missed[2]) / self.calls.max(1.0);
        let mut cycles = Cycles {
            total: constants.start,
            ..Cycles::default()
        };
        for call in &self.program.calls {
            let beats: f64 = call.beats.iter().sum();
            let memory = constants.beat * beats + row[0] * call.rows[0] + row[1] * call.rows[1] + store;
            let array = call.blocks.cycles(constants.block, constants.shortest_block);
            let parts = [issue, array, memory];
            cycles.total += call.times * (join(parts, constants.overlap) + self.wrapped(call));
            for (sum, part) in cycles.parts.iter_mut().zip(parts) {
                *sum += call.times * part;
            }
        }
        cycles
    }

    /// Cycles that misses of weights, inputs and outputs take.
    fn missed(&self, constants: &Constants) -> [f64; 3] {
        std::array::from_fn(|tensor| constants.l2_miss * self.l2[tensor] + constants.llc_miss * self.llc[tensor])
    }

    fn wrapped(&self, call: &Call) -> f64 {
        let line = WRAPPED_LINE * (self.program.channels[0] as f64 / LINE as f64).min(1.0);
        let pixels = call.wrapped.iter().zip(WRAPPED);
        pixels.map(|(pixels, cycles)| pixels * (cycles + line)).sum()
    }

    fn sum(&self, of: impl Fn(&Call) -> f64) -> f64 {
        let calls = self.program.calls.iter();
        calls.map(|call| call.times * of(call)).sum()
    }

    /// What a calibration sees of a layer: logarithms of shares and sizes.
    pub(super) fn features(&self, constants: &Constants) -> Vec<f64> {
        let cycles = self.cycles(constants);
        let total = cycles.total.max(1.0);
        let log = |value: f64, least: f64| (value.max(0.0) + least).ln();
        let missed = self.missed(constants);
        let rooms = self.program.nest.rooms();
        let room = |at: usize| rooms.get(at.min(rooms.len().saturating_sub(1))).copied();
        let per_row = |at: usize| self.sum(|call| call.bytes[at]) / self.rows[at].max(1.0);
        let blocks = self.sum(|call| call.blocks.mean_rows()) / self.calls.max(1.0);
        let shares = cycles.parts.iter().chain(&missed).map(|part| part / total);
        let mut features: Vec<f64> = shares.map(|share| log(share, 0.02)).collect();
        let beat = constants.beat / total;
        features.extend([
            log(total / self.calls.max(1.0), 1.0),
            log(self.program.side as f64, 0.0),
            f64::from(u8::from(self.program.matmul)),
            log(self.sum(|call| call.beats[0]) * beat, 0.02),
            log(self.sum(|call| call.beats[1]) * beat, 0.02),
            log(self.sum(|call| call.stores) / total, 0.01),
            log(per_row(0), 1.0),
            log(per_row(1), 1.0),
            log(self.program.channels[0] as f64, 0.0),
            log(self.program.channels[1] as f64, 0.0),
            log(room(usize::MAX).unwrap_or(1.0), 1.0),
            log(room(1).unwrap_or(1.0), 1.0),
            log(blocks, 1.0),
        ]);
        features
    }
}

/// Joins times that overlap: their maximum where `overlap` is infinite, their sum where it is 1.
fn join(parts: [f64; 3], overlap: f64) -> f64 {
    let longest = parts.iter().copied().fold(f64::MIN_POSITIVE, f64::max);
    let sum: f64 = parts.iter().map(|part| (part / longest).powf(overlap)).sum();
    longest * sum.powf(1.0 / overlap)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopnest::{Mapping, Shape};

    fn cycles(sizes: [u64; 7], stride: u64, mapping: &str, side: u64) -> f64 {
        let shape = Shape {
            sizes,
            stride: [stride; 2],
            dilation: [1; 2],
        };
        let mapping = Mapping::parse(mapping).unwrap();
        mapping.check(&shape, side).unwrap();
        let program = Program::new(&shape, &mapping, side).unwrap();
        Traffic::new(program).cycles(&Constants::DOSA).total
    }

    fn assert_near(ours: f64, measured: f64, percent: f64) {
        let error = 100.0 * (ours / measured - 1.0);
        assert!(error.abs() < percent, "{ours} for {measured}: {error} %");
    }

    // rows of DOSA's calibration file (ucb-bar/dosa a7a3239, data/firesim_training_data), RTL cycles by FireSim
    #[test]
    fn a_layer_bound_by_the_array_takes_its_rows() {
        let mapping = "L3[WIO] K8 Q28 - L2[WI] N1 K4X - L1[O] K2 S7 R7 Q4 P7 C3X - L0[W] P16";
        let ours = cycles([7, 7, 112, 112, 3, 64, 1], 2, mapping, 4);
        assert_near(ours, 9_853_947.0, 5.0);
    }

    #[test]
    fn a_matrix_product_of_small_tiles_is_bound_by_its_calls() {
        let mapping = "L3[WIO] K16 C512 - L2[WI] N1 K4X - L1[O] K4 - L0[W] N1";
        let ours = cycles([1, 1, 1, 1, 512, 256, 1], 1, mapping, 4);
        assert_near(ours, 1_029_219.0, 3.0); // 8192 calls
    }

    #[test]
    fn tiles_beyond_the_image_wrap_a_counter() {
        let mapping = "L3[WIO] C8 Q4 K8 R4 - L2[WI] N1 K4X - L1[O] K2 S4 C2 Q14 P28 C4X - L0[W] P2";
        let ours = cycles([4, 4, 56, 56, 64, 64, 1], 1, mapping, 4);
        assert_near(ours, 1_580_736_000.0, 15.0);
    }

    #[test]
    fn parts_join_between_maximum_and_sum() {
        assert_eq!(join([1.0, 2.0, 3.0], 1.0), 6.0);
        assert!((join([1.0, 2.0, 3.0], 60.0) - 3.0).abs() < 1e-3);
        let constants = Constants::DOSA;
        assert_eq!(Constants::from_array(constants.to_array()), constants);
    }
}
