//! Dynamic energy of what tasks do.

use crate::cost::TileCost;
use crate::platform::Platform;
use crate::technology::voltage;

/// Where energy goes, J.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Energy {
    /// Multipliers and their registers.
    pub compute: f64,
    /// Buffers.
    pub buffers: f64,
    /// Memory.
    pub memory: f64,
    /// Leakage.
    pub leakage: f64,
}

impl Energy {
    /// All of it.
    pub fn total(&self) -> f64 {
        self.compute + self.buffers + self.memory + self.leakage
    }

    /// Adds another one.
    pub fn add(&mut self, other: &Self) {
        self.compute += other.compute;
        self.buffers += other.buffers;
        self.memory += other.memory;
        self.leakage += other.leakage;
    }
}

/// Energy of single events on a platform, J.
#[derive(Clone, Copy, Debug)]
pub(super) struct Prices {
    mac: f64,
    register: f64,
    input: f64,
    weight: f64,
    sum: f64,
    read_byte: f64,
    write_byte: f64,
}

impl Prices {
    pub fn new(platform: &Platform) -> Self {
        let table = platform.technology();
        let format = platform.number_format;
        let word = format.word_bytes() as f64;
        let chip = 1e-12 * voltage(platform.clock_mhz).powi(2);
        let buffer = |kib: u64| chip * word * table.scratchpad.access_pj(kib as f64);
        let [_, cols] = platform.engine.model.shape();
        let bank = platform.buffers.output_kib as f64 / cols as f64;
        let sum_width = format.sum_bytes() as f64 / 4.0;
        Self {
            mac: chip * table.mac(format),
            register: chip * table.register_pj * word,
            input: buffer(platform.buffers.input_kib),
            weight: buffer(platform.buffers.weight_kib),
            sum: chip * sum_width * table.accumulator.access_pj(bank),
            read_byte: 1e-12 * table.memory_read_pj,
            write_byte: 1e-12 * table.memory_write_pj,
        }
    }

    /// So many matrix products.
    pub fn products(&self, cost: &TileCost, times: u64) -> Energy {
        let times = times as f64;
        Energy {
            compute: times * self.mac * cost.macs as f64,
            buffers: times
                * (self.input * cost.input_reads as f64
                    + self.weight * cost.weight_reads as f64
                    + self.sum * cost.sum_accesses as f64),
            ..Energy::default()
        }
    }

    /// A function of values.
    pub fn vector(&self, inputs: u64, outputs: u64) -> Energy {
        Energy {
            compute: self.register * inputs as f64,
            buffers: self.input * inputs as f64 + self.sum * outputs as f64,
            ..Energy::default()
        }
    }

    /// A function of values between array and buffer.
    pub fn fused(&self, values: u64) -> Energy {
        Energy {
            compute: self.register * values as f64,
            ..Energy::default()
        }
    }

    /// Words brought into the input (or else the weight) buffer.
    pub fn load(&self, words: u64, bytes: u64, input: bool) -> Energy {
        let price = if input { self.input } else { self.weight };
        Energy {
            buffers: price * words as f64,
            memory: self.read_byte * bytes as f64,
            ..Energy::default()
        }
    }

    /// Sums brought back into the output buffer.
    pub fn load_sums(&self, words: u64, bytes: u64) -> Energy {
        Energy {
            buffers: self.sum * words as f64,
            memory: self.read_byte * bytes as f64,
            ..Energy::default()
        }
    }

    /// Outputs or sums taken from the output buffer to memory.
    pub fn store(&self, words: u64, bytes: u64) -> Energy {
        Energy {
            buffers: self.sum * words as f64,
            memory: self.write_byte * bytes as f64,
            ..Energy::default()
        }
    }

    /// Outputs taken from the output to the input buffer.
    pub fn keep(&self, words: u64) -> Energy {
        Energy {
            buffers: (self.sum + self.input) * words as f64,
            ..Energy::default()
        }
    }

    /// A whole layer on an engine that knows nothing of tiles: each operand once.
    pub fn whole(&self, macs: u64, read: u64, written: u64) -> Energy {
        Energy {
            compute: self.mac * macs as f64,
            buffers: 0.0,
            memory: self.read_byte * read as f64 + self.write_byte * written as f64,
            leakage: 0.0,
        }
    }
}
