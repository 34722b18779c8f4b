//! A platform with voltage, leakage, wires and a memory interface: what its layers cost, in closed form.
//!
//! Counts are those of the loop nest ([`super::nest`]) under a commanded tiling; energies and area of array and buffers
//! those of [`loopnest`](crate::loopnest) at 40 nm. Fast, large and wide all have their price:
//!
//! ```text
//! voltage  V      = 0.6 + 0.4 * clock / GHz * (1 + (rows + columns) / 512)    longer wires need more of it
//! energy   on chip ~ V^2;  DRAM 100 pJ per byte
//! leakage         = 12.4 mW per mm2 * V;  the memory's interface 15 mW and 0.02 mm2 per GB/s
//! time            = the slowest of array, accumulator, scratchpad and DRAM, plus 200 cycles of dispatch
//! ```
//!
//! Voltage and leakage are those of the event simulator ([`technology`](crate::technology)) but for the wires;
//! those, the interface's power and dispatch are assumed, not taken from a process.

use super::dual::Real;
use super::nest::{Counts, Nest, ORDERS};
use crate::loopnest::{ACCUMULATOR_WORDS, Dim, SCRATCHPAD_WORDS, Shape, picojoule};
use crate::platform::MM2_PER_GB_PER_S;
use crate::technology::{LEAKAGE_W_PER_MM2, NOMINAL_MHZ, VOLTAGE};

/// Sizes of a platform.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Platform<T> {
    /// Rows of the array: input channels at once.
    pub rows: T,
    /// Columns of the array: output channels at once.
    pub columns: T,
    /// Accumulator, kB.
    pub accumulator_kb: T,
    /// Scratchpad, kB.
    pub scratchpad_kb: T,
    /// Clock, MHz.
    pub clock_mhz: T,
    /// Memory bandwidth, GB/s.
    pub bandwidth: T,
}

/// Name, unit, lowest, highest and start value of the sizes, in their order.
pub const PARAMETERS: [(&str, &str, f64, f64, f64); 6] = [
    ("rows", "1", 4.0, 256.0, 32.0),
    ("columns", "1", 4.0, 256.0, 64.0),
    ("accumulator", "kB", 8.0, 1024.0, 128.0),
    ("scratchpad", "kB", 16.0, 4096.0, 512.0),
    ("clock", "MHz", 100.0, 1000.0, 250.0),
    ("bandwidth", "GB/s", 1.0, 128.0, 12.8),
];

/// How a layer is tiled. Shares are in [0, 1].
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Command<T> {
    /// Share of the output pixels, on a logarithmic scale, that the accumulator works on at a time.
    pub pixels: T,
    /// The same for groups of input channels that the scratchpad holds.
    pub depth: T,
    /// The same for groups of output channels.
    pub filters: T,
    /// What stays when tiles change: weights, outputs or inputs, by the number of [`ORDERS`].
    pub order: usize,
}

/// Time, energy and traffic of a layer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct LayerCost<T> {
    /// Time, s.
    pub seconds: T,
    /// Energy, J.
    pub joules: T,
    /// Bytes from and to DRAM.
    pub bytes: T,
}

/// Assumed constants: see the module.
const WIRE_CELLS: f64 = 512.0;
/// Power of the memory's interface, W per GB/s: the event simulator has none.
pub(super) const INTERFACE_W: f64 = 0.015;
const DISPATCH_CYCLES: f64 = 200.0;

/// Steps of the grid of commands, along each of the first three.
const GRID: usize = 5;

impl Platform<f64> {
    /// What a layer costs under the command of a grid with the smallest product of time and energy.
    pub fn best_of_grid(&self, shape: &Shape) -> LayerCost<f64> {
        let share = |k: usize| k as f64 / (GRID - 1) as f64;
        let mut best: Option<LayerCost<f64>> = None;
        for k in 0..GRID.pow(3) * ORDERS.len() {
            let at = k / ORDERS.len();
            let command = Command {
                pixels: share(at % GRID),
                depth: share(at / GRID % GRID),
                filters: share(at / GRID.pow(2) % GRID),
                order: k % ORDERS.len(),
            };
            let cost = self.cost(shape, &command);
            let product = |cost: &LayerCost<f64>| cost.seconds * cost.joules;
            if best.is_none_or(|best| product(&cost) < product(&best)) {
                best = Some(cost);
            }
        }
        best.unwrap_or(LayerCost {
            seconds: f64::INFINITY,
            joules: f64::INFINITY,
            bytes: f64::INFINITY,
        })
    }
}

impl<T: Real> Platform<T> {
    /// From values in the order of [`PARAMETERS`].
    pub fn new(values: [T; 6]) -> Self {
        let [rows, columns, accumulator_kb, scratchpad_kb, clock_mhz, bandwidth] = values;
        Self {
            rows: rows.nearest(),
            columns: columns.nearest(),
            accumulator_kb,
            scratchpad_kb,
            clock_mhz,
            bandwidth,
        }
    }

    /// Area, mm²: the loop nest's law with a rectangular array, and the memory's interface.
    pub fn area_mm2(&self) -> T {
        let c = T::constant;
        c(0.0138)
            + c(4.05e-4) * self.rows * self.columns
            + c(0.545e-3) * (self.rows + self.columns)
            + c(5.55e-3) * self.accumulator_kb
            + c(2.60e-3) * self.scratchpad_kb
            + c(MM2_PER_GB_PER_S) * self.bandwidth
    }

    /// Supply voltage that this clock needs, as a multiple of the nominal one.
    pub fn voltage(&self) -> T {
        let c = T::constant;
        let [still, rise] = VOLTAGE;
        c(still) + c(rise / NOMINAL_MHZ) * self.clock_mhz * self.wires()
    }

    /// By how much the array's wires lengthen its paths.
    pub fn wires(&self) -> T {
        let c = T::constant;
        c(1.0) + (self.rows + self.columns) / c(WIRE_CELLS)
    }

    /// What a layer costs under a command.
    pub fn cost(&self, shape: &Shape, command: &Command<T>) -> LayerCost<T> {
        let counts = self.nest(shape, command).counts(shape);
        let c = T::constant;
        let hertz = c(1e6) * self.clock_mhz;
        let parts = [
            counts.accumulator / (c(ACCUMULATOR_WORDS) * counts.columns),
            counts.scratchpad / (c(SCRATCHPAD_WORDS) * self.columns),
        ];
        let compute = counts.macs / (counts.rows * counts.columns);
        let cycles = parts.into_iter().fold(compute, T::larger) + c(DISPATCH_CYCLES);
        let memory = counts.dram / (c(1e9) * self.bandwidth);
        let seconds = (cycles / hertz).larger(memory);
        let voltage = self.voltage();
        let leakage = c(LEAKAGE_W_PER_MM2) * self.area_mm2() * voltage;
        let standing = leakage + c(INTERFACE_W) * self.bandwidth;
        let moving = voltage * voltage * self.on_chip(&counts) + c(picojoule::DRAM) * counts.dram;
        LayerCost {
            seconds,
            joules: c(1e-12) * moving + standing * seconds,
            bytes: counts.dram,
        }
    }

    /// Energy on the chip at nominal voltage, pJ.
    fn on_chip(&self, counts: &Counts<T>) -> T {
        let c = T::constant;
        let sized = |[fixed, per_kb]: [f64; 2], kb: T| c(fixed) + c(per_kb) * kb;
        let bank = self.accumulator_kb / self.columns;
        c(picojoule::MAC) * self.wires() * counts.macs
            + c(picojoule::REGISTER) * counts.registers
            + sized(picojoule::ACCUMULATOR, bank) * counts.accumulator
            + sized(picojoule::SCRATCHPAD, self.scratchpad_kb) * counts.scratchpad
    }

    /// The tiling that a command stands for on this platform. Tiles have one half of each buffer, the other half is filled or
    /// emptied meanwhile. What does not fit is made smaller: output channels
    /// first, then pixels, then input channels; channels are spread evenly over the passes that the array needs.
    fn nest(&self, shape: &Shape, command: &Command<T>) -> Nest<T> {
        let c = T::constant;
        let one = c(1.0);
        let size = |dim: Dim| c(shape.sizes[dim as usize] as f64);
        let power = |base: T, share: T| (base.log2() * share).exp2();
        let up = |ratio: T| ratio.larger(one).whole();
        let (channels, filters) = (size(Dim::C), size(Dim::K));
        let (deep, wide) = (up(channels / self.rows), up(filters / self.columns));
        let (rows, columns) = (channels / deep, filters / wide);
        let bank = (c(0.5 * 256.0) * self.accumulator_kb / self.columns).larger(one);
        let pixels = power(size(Dim::P) * size(Dim::Q), command.pixels).smaller(bank);
        let words = c(0.5 * 1024.0) * self.scratchpad_kb;
        let taps = size(Dim::R) * size(Dim::S);
        // at least a quarter of the scratchpad stays for weights
        let window = c(shape.stride[0] as f64 * shape.stride[1] as f64) * rows;
        let pixels = pixels.smaller(c(0.75) * words / window).larger(one);
        let per_depth = rows * (taps * columns + pixels * window / rows);
        let depth = power(deep, command.depth).smaller(words / per_depth).larger(one);
        let left = (words - depth * rows * pixels * window / rows) / (depth * rows * taps * columns);
        let count = power(wide, command.filters).smaller(left).larger(one);
        let width = pixels.smaller(size(Dim::P));
        let height = (pixels / width).smaller(size(Dim::Q));
        let mut time = [[one; 7]; 4];
        for dim in [Dim::R, Dim::S] {
            time[1][dim as usize] = size(dim);
        }
        let order = command.order.min(ORDERS.len() - 1);
        for (dim, level, inner, whole) in [
            (Dim::P, 1, width, size(Dim::P)),
            (Dim::Q, 1, height, size(Dim::Q)),
            (Dim::C, 1, depth, deep),
            (Dim::K, 2, count, wide),
        ] {
            time[level][dim as usize] = inner;
            time[3][dim as usize] = up(whole / inner);
        }
        time[3][Dim::N as usize] = size(Dim::N);
        Nest {
            time,
            rows,
            columns,
            orders: [ORDERS[0], ORDERS[0], ORDERS[order]],
        }
    }
}
