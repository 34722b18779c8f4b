//! Platforms: engines with their buffers, DMA channels, bus, memory and control processor, as numbers.
//!
//! A platform is a JSON file with units in its keys; the presets are such files. Everything that may be set is in
//! [`Platform`], what it may be set to in [`Platform::check`], what follows from it (rates, times, area) beside it.

mod check;
mod preset;
mod rates;

use std::fmt::Formatter;

use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};

use super::systolic::Dataflow;
use super::technology::Technology;

pub use super::number_format::NumberFormat;
pub use check::Fault;
pub use preset::{PLATFORMS, Preset};
pub(crate) use rates::MM2_PER_GB_PER_S;
pub use rates::{Area, Rates};

/// The version of the file format.
pub const FORMAT: u32 = 1;

/// A system.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Platform {
    /// Version of the file format: [`FORMAT`].
    pub format: u32,
    /// Its name.
    pub name: String,
    /// Clock of engines, DMA and control processor, MHz.
    pub clock_mhz: f64,
    /// How numbers are stored and multiplied.
    pub number_format: NumberFormat,
    /// What computes.
    pub engine: Engine,
    /// Buffers of each engine.
    pub buffers: Buffers,
    /// What moves data between buffers and memory.
    pub dma: Dma,
    /// The bus between DMA channels and memory.
    pub bus: Bus,
    /// The memory.
    pub memory: Memory,
    /// The control processor.
    pub control: Control,
    /// Energies and areas.
    pub technology: EnergyTable,
}

/// Energies and areas of a platform: a table that is built in, by name, or one of its own, as an object.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(untagged)]
pub enum EnergyTable {
    /// Name of one of [`super::technology::TECHNOLOGIES`].
    Named(String),
    /// The file's own.
    Own(Box<Technology>),
}

impl<'de> Deserialize<'de> for EnergyTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TableVisitor)
    }
}

/// Tells a name from a table, so that what is wrong in the table is named with its path.
struct TableVisitor;

impl<'de> Visitor<'de> for TableVisitor {
    type Value = EnergyTable;

    fn expecting(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        f.write_str("the name of a table, or one as an object { ... }")
    }

    fn visit_str<E>(self, name: &str) -> Result<EnergyTable, E> {
        Ok(EnergyTable::Named(name.to_owned()))
    }

    fn visit_map<A: MapAccess<'de>>(self, members: A) -> Result<EnergyTable, A::Error> {
        let table = Technology::deserialize(MapAccessDeserializer::new(members))?;
        Ok(EnergyTable::Own(Box::new(table)))
    }
}

/// Engines: all alike, they share the tiles of a layer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Engine {
    /// How many.
    pub count: u16,
    /// Values per cycle and engine in layers without a matrix product.
    pub vector_lanes: u64,
    /// How an engine multiplies matrices, and how long it takes.
    pub model: EngineModel,
}

/// How an engine multiplies matrices.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum EngineModel {
    /// A systolic array ([`super::systolic`]).
    Systolic {
        /// Cells in a column.
        rows: u64,
        /// Cells in a row.
        cols: u64,
        /// Which operand stays in the array.
        dataflow: Dataflow,
        /// Whether a fold enters the array while the one before leaves it.
        pipelined_folds: bool,
    },
    /// Multiply-accumulates at a rate, whatever the shape ([`super::roofline`]).
    Roofline {
        /// Multiply-accumulates per cycle.
        macs_per_cycle: f64,
    },
    /// A Gemmini-like array with the port widths of its buffers ([`super::loopnest`]).
    LoopNest {
        /// Cells along each side.
        side: u64,
    },
}

impl EngineModel {
    /// Rows and columns of the array as far as tiles and area are concerned.
    pub fn shape(&self) -> [u64; 2] {
        match *self {
            Self::Systolic { rows, cols, .. } => [rows, cols],
            Self::Roofline { macs_per_cycle } => [1, macs_per_cycle.ceil() as u64],
            Self::LoopNest { side } => [side, side],
        }
    }

    /// Multiply-accumulates per cycle at best.
    pub fn peak(&self) -> f64 {
        match *self {
            Self::Roofline { macs_per_cycle } => macs_per_cycle,
            _ => self.shape().iter().map(|&side| side as f64).product(),
        }
    }

    /// The dataflow, which is also the order in which a compiler without a scheduler visits tiles.
    pub fn dataflow(&self) -> Dataflow {
        match *self {
            Self::Systolic { dataflow, .. } => dataflow,
            Self::Roofline { .. } => Dataflow::OutputStationary,
            Self::LoopNest { .. } => Dataflow::WeightStationary,
        }
    }
}

/// The buffers of an engine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Buffers {
    /// For inputs, KiB.
    pub input_kib: u64,
    /// For weights, KiB.
    pub weight_kib: u64,
    /// For partial sums and outputs, KiB.
    pub output_kib: u64,
    /// Whether each is split in halves, so that one is filled or emptied while the other is used.
    pub double: bool,
}

/// DMA channels.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dma {
    /// Transfers at a time.
    pub channels: u16,
    /// Bursts of a channel that may be under way at a time.
    pub outstanding: u64,
    /// Bytes of a burst; transfers are rounded up to bursts.
    pub burst_bytes: u64,
    /// Cycles to set up a transfer.
    pub setup_cycles: u64,
}

/// The bus.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bus {
    /// Bits per cycle.
    pub width_bits: u64,
    /// Its clock, MHz.
    pub clock_mhz: f64,
    /// How transfers under way share it.
    pub arbitration: Arbitration,
}

/// How transfers under way share bus and memory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Arbitration {
    /// Equal shares for those under way.
    #[default]
    Fair,
    /// Each channel has its fixed share, whether the others are used or not (time slots).
    Slots,
}

/// The memory.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Bandwidth at its pins, 10⁹ byte/s.
    pub bandwidth_gb_per_s: f64,
    /// Time from request to first data, ns.
    pub latency_ns: f64,
    /// Bytes' worth of time that each burst loses to rows and turn-arounds: bursts of b bytes get b/(b + this) of the
    /// bandwidth.
    pub burst_overhead_bytes: u64,
}

/// The control processor.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Control {
    /// Cycles to start a task.
    pub dispatch_cycles: u64,
}
