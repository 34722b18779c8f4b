//! Arguments of `tandem map`.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use tandem_accelerator::loopnest::Rule;
use tandem_accelerator::mapper::Metric;

use super::accelerator::NetworkArgs;

/// Arguments of `tandem map`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem map resnet50
  tandem map resnet50 --machine side=32,accumulator_kb=128,scratchpad_kb=512 --metric edp --json
  tandem map mobilenetv2 --whole                        least (sum of energy) x (sum of cycles) of the network
  tandem map model.onnx --batch 8 --machine machine.json --metric cycles --csv mappings.csv
  tandem map layers.csv --rule hierarchy --dram-blocks 1    as AccelForge counts
  tandem map layers.csv --front                         all mappings that none beats in both energy and cycles

The machine is that of `tandem search gemmini`: weights in registers, sums in an accumulator of one bank per column,
weights and inputs in a scratchpad, 8 bits. A machine file holds {\"side\": 16, \"accumulator_kb\": 64, \"scratchpad_kb\": 256}.
A table of layers has the columns layer,p,q,c,k,r,s,stride: width and height of the output, input and output channels,
width and height of the kernel, its step. Groups of a convolution and heads of an attention run one after the other: a
row is one of them, `count` how often it runs.
Mappings are written as `tandem validate timeloop` reads them. Ctrl-C ends with the best so far, which is not proven.")]
pub struct MapArgs {
    /// Network: a built-in name (`tandem list networks`), an ONNX file, or a table of layers (CSV)
    pub network: PathBuf,
    /// Machine: side=N,accumulator_kb=X,scratchpad_kb=X, or a JSON file
    #[arg(
        long,
        value_name = "SIZES|FILE",
        default_value = "side=16,accumulator_kb=64,scratchpad_kb=256"
    )]
    pub machine: String,
    /// What is to be least, layer by layer
    #[arg(long, value_enum, default_value = "energy", conflicts_with_all = ["front", "whole"])]
    pub metric: MapMetric,
    /// How long a tile stays in its memory: until a loop moves it on (timeloop), or no longer than the tile of the next
    /// memory out (hierarchy: AccelForge's rule, where sums that come back are written, too, and cycles not rounded)
    #[arg(long, value_enum, default_value = "timeloop")]
    pub rule: MapRule,
    /// Words that DRAM transfers at a time, in energy: 64 as Timeloop has it, 1 as AccelForge has it
    #[arg(long, value_name = "WORDS", default_value_t = 64, value_parser = clap::value_parser!(u16).range(1..=4096))]
    pub dram_blocks: u16,
    /// All mappings of a layer that none beats in both energy and cycles, a row each
    #[arg(long, conflicts_with = "whole")]
    pub front: bool,
    /// Mappings for the least product of the whole network's energy and cycles
    #[arg(long)]
    pub whole: bool,
    /// What the network leaves open
    #[command(flatten)]
    pub sizes: NetworkArgs,
    /// Write the rows as a table (CSV); `-` is standard output
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What a mapping can be best in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MapMetric {
    /// Energy; among equals, cycles
    Energy,
    /// Cycles; among equals, energy
    Cycles,
    /// Energy times cycles
    Edp,
}

impl From<MapMetric> for Metric {
    fn from(metric: MapMetric) -> Self {
        match metric {
            MapMetric::Energy => Self::Energy,
            MapMetric::Cycles => Self::Cycles,
            MapMetric::Edp => Self::Edp,
        }
    }
}

/// How long a tile stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum MapRule {
    /// Until a loop moves it on (Timeloop, DOSA)
    Timeloop,
    /// No longer than the tile of the next memory out (AccelForge)
    Hierarchy,
}

impl From<MapRule> for Rule {
    fn from(rule: MapRule) -> Self {
        match rule {
            MapRule::Timeloop => Self::Timeloop,
            MapRule::Hierarchy => Self::Hierarchy,
        }
    }
}
