//! What a platform's numbers may be.

use thiserror::Error;

use super::{EnergyTable, EngineModel, FORMAT, Platform};
use crate::technology::{LARGEST, TECHNOLOGIES, Technology};

/// A setting that no platform can have.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{path}: {reason}")]
pub struct Fault {
    /// Path of the setting, like `dma.channels`.
    pub path: &'static str,
    /// What it must be.
    pub reason: String,
}

/// Most KiB of a buffer: 16 GiB.
const MOST_KIB: u64 = 1 << 24;
/// Most cycles of a setting: a second at 1 GHz.
const MOST_CYCLES: u64 = 1_000_000_000;

impl Platform {
    /// Checks that there can be such a platform. All later arithmetic relies on these ranges.
    ///
    /// # Errors
    /// The first setting that is out of range.
    pub fn check(&self) -> Result<(), Fault> {
        self.check_names()?;
        let counts = [
            ("engine.count", u64::from(self.engine.count), 1, 64),
            ("engine.vector_lanes", self.engine.vector_lanes, 1, 1 << 20),
            ("buffers.input_kib", self.buffers.input_kib, 1, MOST_KIB),
            ("buffers.weight_kib", self.buffers.weight_kib, 1, MOST_KIB),
            ("buffers.output_kib", self.buffers.output_kib, 1, MOST_KIB),
            ("dma.channels", u64::from(self.dma.channels), 1, 64),
            ("dma.outstanding", self.dma.outstanding, 1, 65_536),
            ("dma.burst_bytes", self.dma.burst_bytes, 1, 1 << 20),
            ("dma.setup_cycles", self.dma.setup_cycles, 0, MOST_CYCLES),
            ("bus.width_bits", self.bus.width_bits, 1, 1 << 20),
            (
                "memory.burst_overhead_bytes",
                self.memory.burst_overhead_bytes,
                0,
                1 << 20,
            ),
            ("control.dispatch_cycles", self.control.dispatch_cycles, 0, MOST_CYCLES),
        ];
        for (path, value, low, high) in counts {
            whole(path, value, low, high)?;
        }
        let reals = [
            ("clock_mhz", self.clock_mhz, 1e-3, 1e5),
            ("bus.clock_mhz", self.bus.clock_mhz, 1e-3, 1e5),
            ("memory.bandwidth_gb_per_s", self.memory.bandwidth_gb_per_s, 1e-6, 1e9),
            ("memory.latency_ns", self.memory.latency_ns, 0.0, 1e9),
        ];
        for (path, value, low, high) in reals {
            real(path, value, low, high)?;
        }
        self.check_model()
    }

    fn check_names(&self) -> Result<(), Fault> {
        if self.format != FORMAT {
            return Err(Fault {
                path: "format",
                reason: format!("must be {FORMAT}, not {}", self.format),
            });
        }
        match &self.technology {
            EnergyTable::Named(name) if Technology::named(name).is_none() => {
                let names: Vec<&str> = TECHNOLOGIES.iter().map(|table| &*table.name).collect();
                Err(Fault {
                    path: "technology",
                    reason: format!("must be one of {}, or a table as an object", names.join(", ")),
                })
            }
            EnergyTable::Named(_) => Ok(()),
            EnergyTable::Own(table) => table.check().map_err(|(path, value)| Fault {
                path,
                reason: format!("must be a number from 0 to {LARGEST}, not {value}"),
            }),
        }
    }

    fn check_model(&self) -> Result<(), Fault> {
        match self.engine.model {
            EngineModel::Systolic { rows, cols, .. } => {
                whole("engine.model.rows", rows, 1, 65_536)?;
                whole("engine.model.cols", cols, 1, 65_536)
            }
            EngineModel::Roofline { macs_per_cycle } => real("engine.model.macs_per_cycle", macs_per_cycle, 1e-3, 1e9),
            EngineModel::LoopNest { side } => whole("engine.model.side", side, 1, 4096),
        }
    }
}

fn whole(path: &'static str, value: u64, low: u64, high: u64) -> Result<(), Fault> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    let reason = format!("must be a whole number from {low} to {high}, not {value}");
    Err(Fault { path, reason })
}

fn real(path: &'static str, value: f64, low: f64, high: f64) -> Result<(), Fault> {
    if (low..=high).contains(&value) {
        return Ok(());
    }
    let reason = format!("must be a number from {low} to {high}, not {value}");
    Err(Fault { path, reason })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn impossible_settings_are_named() {
        let good = Platform::preset("fpga").unwrap();
        assert_eq!(good.check(), Ok(()));
        type Spoil = fn(&mut Platform);
        let spoil: [(&str, Spoil); 7] = [
            ("format", |p| p.format = 2),
            ("technology", |p| p.technology = EnergyTable::Named("tsmc3".into())),
            ("dma.channels", |p| p.dma.channels = 0),
            ("clock_mhz", |p| p.clock_mhz = f64::NAN),
            ("control.dispatch_cycles", |p| {
                p.control.dispatch_cycles = u64::MAX;
            }),
            ("engine.model.macs_per_cycle", |p| {
                let macs_per_cycle = f64::INFINITY;
                p.engine.model = EngineModel::Roofline { macs_per_cycle };
            }),
            ("buffers.input_kib", |p| p.buffers.input_kib = u64::MAX),
        ];
        for (path, change) in spoil {
            let mut bad = good.clone();
            change(&mut bad);
            assert_eq!(bad.check().unwrap_err().path, path);
        }
    }
}
