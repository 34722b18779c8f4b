//! The command line: what can be typed; [`crate::App`] reads it.

mod accelerator;
mod bench;
mod inform;
mod language;
mod learning;
mod map;
mod report;
mod sweep;

use clap::{Parser, Subcommand};

pub use accelerator::*;
pub use bench::*;
pub use inform::*;
pub use language::*;
pub use learning::*;
pub use map::*;
pub use report::*;
pub use sweep::*;

const EXAMPLES: &str = "\
Examples:
  tandem train experiments/quickstart.json           train; prints where to look
  tandem train experiments/far.json --set seed=3 --set method=morph --out runs/far-3
  tandem train --resume runs/far-3                   go on after a stop, to the same bytes
  tandem evaluate runs/far-3                         judge the learnt design in the true machine
  tandem compare experiments/far.json --methods morph,cma --seeds 5 --out runs/far
  tandem render runs/far-3 --out far.gif             start design and learnt design, side by side
  tandem simulate resnet50 --platform fpga --report report.html   a network on an accelerator, layer by layer

Exit codes: 0 done, 1 the run failed, 2 bad usage or bad input, 3 stopped with a checkpoint saved, 4 another process is at it.
Results go to stdout, messages to stderr.";

/// Design the body and the brain of a machine together.
#[derive(Debug, Parser)]
#[command(name = "tandem", version, about, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    pub(crate) command: Command,
    /// Threads to use; results do not depend on it [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub(crate) threads: Option<u16>,
}

#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Train an experiment, or go on with a run
    Train(TrainArgs),
    /// Judge a run or a design in the true machine
    Evaluate(EvaluateArgs),
    /// Train methods and seeds side by side; table and plot
    Compare(CompareArgs),
    /// Plan many runs, run them here or on a cluster, and sum them up
    Sweep(SweepArgs),
    /// Look at a run or a sweep while it goes on: curves, design, time left
    Watch(WatchArgs),
    /// Draw start design and learnt design, as PNG or animated GIF
    Render(RenderArgs),
    /// Write a run, or a folder of runs, as one page of HTML that opens offline
    Report(ReportArgs),
    /// Bring a language model onto analog attention, beside a softmax control
    Adapt(AdaptArgs),
    /// Let an adapted language model write
    Generate(GenerateArgs),
    /// Design the circuit together with an adapted language model
    Explore(ExploreArgs),
    /// Play given commands on a robot of one's own: what it observes and earns, in double precision
    Rollout(RolloutArgs),
    /// Write the learnt machine and its policy for other simulators
    Export(ExportArgs),
    /// Explain a setting of experiment files: unit, range, default
    Explain(ExplainArgs),
    /// Print the JSON schema of experiment files, for editors
    Schema,
    /// Check an experiment file without running it
    Check(CheckArgs),
    /// What there is: problems, methods, experiments, networks, platforms
    List(ListArgs),
    /// Run a neural network on a virtual accelerator
    Simulate(SimulateArgs),
    /// Measure this machine, so that networks can be predicted on it
    Calibrate(CalibrateArgs),
    /// Find the optimal mapping of every layer of a network on a Gemmini-like machine, with proof
    Map(MapArgs),
    /// Search machines and mappings for a neural network, with several methods at equal budgets
    Search(SearchArgs),
    /// Hold the accelerator models against reference data
    Validate(ValidateArgs),
    /// Measure speed, learning and selectivity on this machine
    Bench(BenchArgs),
    /// Print completions for a shell
    Completions(CompletionsArgs),
    /// Write manual pages
    Man(ManArgs),
}
