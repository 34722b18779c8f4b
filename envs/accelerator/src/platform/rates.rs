//! What follows from a platform's numbers: rates, times and area.

use super::{Arbitration, EnergyTable, Platform};
use crate::technology::{TECHNOLOGIES, Technology};

/// How fast data moves, byte/s, each at least 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rates {
    /// The bus.
    pub bus: u64,
    /// The memory, with what its bursts lose.
    pub memory: u64,
    /// One channel: its outstanding bursts once per latency; `u64::MAX` without latency.
    pub channel: u64,
}

impl Rates {
    /// What all transfers together get: the smaller of bus and memory.
    pub fn shared(&self) -> u64 {
        self.bus.min(self.memory)
    }
}

/// Area, mm².
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Area {
    /// Arrays and what goes with them.
    pub engines: f64,
    /// Buffers.
    pub buffers: f64,
    /// Landing buffers of the DMA channels' outstanding bursts, and bus registers.
    pub interconnect: f64,
    /// Drivers of the memory's pins.
    pub memory_interface: f64,
}

impl Area {
    /// All of it.
    pub fn total(&self) -> f64 {
        self.engines + self.buffers + self.interconnect + self.memory_interface
    }
}

/// Area at 40 nm, mm²: the fit to the machines of DOSA's data set, [`crate::loopnest::Machine::area_mm2`],
/// its square array generalised to rows x columns.
const FIXED_MM2: f64 = 0.0138;
const SIDE_MM2: f64 = 1.09e-3;
const ACCUMULATOR_MM2_PER_KIB: f64 = 5.55e-3;
const SCRATCHPAD_MM2_PER_KIB: f64 = 2.60e-3;
/// A register bit (Accelergy's Aladdin library, 40 nm).
const REGISTER_BIT_MM2: f64 = 5.98e-6;
/// Pins and drivers per GB/s of memory bandwidth (assumed: bandwidth is not free).
pub(crate) const MM2_PER_GB_PER_S: f64 = 0.02;

impl Platform {
    /// Its energy and area table; the first one where the name is unknown, which [`Platform::check`] excludes.
    pub fn technology(&self) -> &Technology {
        match &self.technology {
            EnergyTable::Named(name) => Technology::named(name).unwrap_or(&TECHNOLOGIES[0]),
            EnergyTable::Own(table) => table,
        }
    }

    /// Time of cycles, ps, rounded up; `None` beyond 64 bits. A clock is taken to the femtosecond.
    pub fn picoseconds(&self, cycles: u64) -> Option<u64> {
        let femtoseconds = (1e9 / self.clock_mhz).round() as u128;
        u64::try_from((u128::from(cycles) * femtoseconds).div_ceil(1000)).ok()
    }

    /// Cycles of a time, rounded to the nearest.
    pub fn cycles(&self, picoseconds: u64) -> u64 {
        (1e-6 * self.clock_mhz * picoseconds as f64).round() as u64
    }

    /// Multiply-accumulates per second of all engines at best.
    pub fn peak(&self) -> f64 {
        f64::from(self.engine.count) * self.engine.model.peak() * 1e6 * self.clock_mhz
    }

    /// How fast data moves.
    pub fn rates(&self) -> Rates {
        let whole = |rate: f64| (rate as u64).max(1); // saturates
        let burst = self.dma.burst_bytes as f64;
        let efficiency = burst / (burst + self.memory.burst_overhead_bytes as f64);
        let memory = 1e9 * self.memory.bandwidth_gb_per_s * efficiency;
        let in_flight = self.dma.outstanding as f64 * burst;
        Rates {
            bus: whole(self.bus.width_bits as f64 / 8.0 * 1e6 * self.bus.clock_mhz),
            memory: whole(memory),
            channel: whole(in_flight / (1e-9 * self.memory.latency_ns)),
        }
    }

    /// What one transfer gets at most, byte/s.
    pub fn transfer_rate(&self) -> u64 {
        let rates = self.rates();
        let share = match self.bus.arbitration {
            Arbitration::Fair => rates.shared(),
            Arbitration::Slots => rates.shared() / u64::from(self.dma.channels),
        };
        share.min(rates.channel).max(1)
    }

    /// Time of a transfer before its bytes move, ps: set-up and memory latency.
    pub fn transfer_latency(&self) -> Option<u64> {
        let latency = (1e3 * self.memory.latency_ns).round() as u64;
        let setup = self.picoseconds(self.dma.setup_cycles)?;
        setup.checked_add(latency)
    }

    /// Bytes that really move for a transfer: whole bursts.
    pub fn in_bursts(&self, bytes: u64) -> Option<u64> {
        bytes.checked_next_multiple_of(self.dma.burst_bytes)
    }

    /// Its area.
    pub fn area(&self) -> Area {
        let [rows, cols] = self.engine.model.shape().map(|side| side as f64);
        let count = f64::from(self.engine.count);
        let kib = |sizes: &[u64]| sizes.iter().map(|&kib| kib as f64).sum::<f64>();
        let cells = self.engine.model.peak() * self.technology().cell(self.number_format);
        let engine = FIXED_MM2 + cells + SIDE_MM2 * f64::midpoint(rows, cols);
        let buffers = ACCUMULATOR_MM2_PER_KIB * kib(&[self.buffers.output_kib])
            + SCRATCHPAD_MM2_PER_KIB * kib(&[self.buffers.input_kib, self.buffers.weight_kib]);
        let channels = f64::from(self.dma.channels);
        let landing = channels * (self.dma.outstanding * self.dma.burst_bytes) as f64 / 1024.0;
        let bus = self.bus.width_bits as f64 * (count + channels + 1.0) * REGISTER_BIT_MM2;
        Area {
            engines: count * engine,
            buffers: count * buffers,
            interconnect: SCRATCHPAD_MM2_PER_KIB * landing + bus,
            memory_interface: MM2_PER_GB_PER_S * self.memory.bandwidth_gb_per_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::loopnest::Machine;

    #[test]
    fn time_is_exact_in_picoseconds() {
        let fpga = Platform::preset("fpga").unwrap();
        assert_eq!(fpga.picoseconds(3), Some(12_000));
        assert_eq!(fpga.cycles(12_000), 3);
        let tpu = Platform::preset("tpu").unwrap(); // 1428.571 ps, rounded up
        assert_eq!(tpu.picoseconds(7), Some(10_000));
        assert_eq!(tpu.picoseconds(u64::MAX), None);
    }

    #[test]
    fn a_channel_gets_what_its_bursts_bring_within_a_latency() {
        let mut platform = Platform::preset("fpga").unwrap();
        // 128 bits at 250 MHz are 4 GB/s, less than the memory's 12.8
        assert_eq!(platform.rates().shared(), 4_000_000_000);
        platform.dma.outstanding = 1;
        platform.dma.burst_bytes = 64;
        platform.memory.latency_ns = 100.0;
        assert_eq!(platform.transfer_rate(), 640_000_000);
        platform.memory.latency_ns = 0.0;
        assert_eq!(platform.transfer_rate(), 4_000_000_000);
        platform.bus.arbitration = Arbitration::Slots;
        assert_eq!(platform.transfer_rate(), 2_000_000_000);
    }

    #[test]
    fn short_bursts_lose_bandwidth() {
        let mut platform = Platform::preset("fpga").unwrap();
        platform.dma.burst_bytes = 64;
        platform.memory.burst_overhead_bytes = 64;
        assert_eq!(platform.rates().memory, 6_400_000_000);
    }

    #[test]
    fn engine_and_buffers_have_the_area_of_the_fit() {
        let gemmini = Platform::preset("gemmini").unwrap();
        let machine = Machine {
            side: 16,
            accumulator_kb: gemmini.buffers.output_kib as f64,
            scratchpad_kb: (gemmini.buffers.input_kib + gemmini.buffers.weight_kib) as f64,
        };
        let area = gemmini.area();
        assert!((area.engines + area.buffers - machine.area_mm2()).abs() < 1e-12);
    }
}
