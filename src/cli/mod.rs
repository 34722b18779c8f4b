//! The command line: its grammar, and the exit code.

mod accelerator;
mod bench;
mod inform;
mod language;
mod learning;

use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::commands;
use crate::error::Error;
use crate::output::{self, OutputError};

pub use accelerator::*;
pub use bench::*;
pub use inform::*;
pub use language::*;
pub use learning::*;

const EXAMPLES: &str = "\
Examples:
  tandem train experiments/quickstart.json           train; prints where to look
  tandem train experiments/far.json --set seed=3 --set method=morph --out runs/far-3
  tandem train --resume runs/far-3                   go on after a stop, to the same bytes
  tandem evaluate runs/far-3                         judge the learnt design in the true machine
  tandem compare experiments/far.json --methods morph,cma --seeds 5 --out runs/far
  tandem render runs/far-3 --out far.gif             start design and learnt design, side by side
  tandem simulate resnet50 --platform fpga --report report.html   a network on an accelerator, layer by layer

Exit codes: 0 done, 1 the run failed, 2 bad usage or bad input, 3 stopped with a checkpoint saved.
Results go to stdout, talk goes to stderr.";

/// Design the body and the brain of a machine together.
#[derive(Debug, Parser)]
#[command(name = "tandem", version, about, after_help = EXAMPLES)]
pub struct Cli {
    #[command(subcommand)]
    command: Command,
    /// Threads to use; results do not depend on it [default: all cores]
    #[arg(long, global = true, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    threads: Option<u16>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Train an experiment, or go on with a run
    Train(TrainArgs),
    /// Judge a run or a design in the true machine
    Evaluate(EvaluateArgs),
    /// Train methods and seeds side by side; table and plot
    Compare(CompareArgs),
    /// Draw start design and learnt design, as PNG or animated GIF
    Render(RenderArgs),
    /// Bring a language model onto analog attention, beside a softmax control
    Adapt(AdaptArgs),
    /// Let an adapted language model write
    Generate(GenerateArgs),
    /// Design the circuit together with an adapted language model
    Explore(ExploreArgs),
    /// Write the learnt machine and its policy for other simulators
    Export(ExportArgs),
    /// Check an experiment file without running it
    Check(CheckArgs),
    /// What there is: problems, methods, experiments, networks, platforms
    List(ListArgs),
    /// Run a neural network on a virtual accelerator
    Simulate(SimulateArgs),
    /// Measure this machine, so that networks can be predicted on it
    Calibrate(CalibrateArgs),
    /// Search machines and mappings for a neural network, with several methods at equal budgets
    Search(SearchArgs),
    /// Hold the accelerator models against reference data
    Validate(ValidateArgs),
    /// Measure speed, learning and selectivity on this machine
    Bench(BenchArgs),
}

/// Parses the command line, runs the command and turns an error into one message and an exit code.
pub fn main() -> ExitCode {
    let command = Cli::command().bin_name(output::program());
    let words = command.try_get_matches();
    let cli = match words.and_then(|words| Cli::from_arg_matches(&words)) {
        Ok(cli) => cli,
        Err(answer) => return show(&answer),
    };
    let threads = cli.threads.map_or(0, usize::from);
    match start(threads).and_then(|()| dispatch(&cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => error.report(),
    }
}

/// Shows the help or version that was asked for, or what is wrong with the command line.
fn show(answer: &clap::Error) -> ExitCode {
    match answer.print() {
        Err(error) if !answer.use_stderr() => Error::from(OutputError::new(error)).report(),
        _ => ExitCode::from(u8::try_from(answer.exit_code()).unwrap_or(2)),
    }
}

/// Sets up the thread pool, which is parallel over environments and shards.
fn start(threads: usize) -> Result<(), Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global()
        .map_err(|error| Error::Run(format!("no thread pool: {error}")))
}

fn dispatch(command: &Command) -> Result<(), Error> {
    match command {
        Command::Train(args) => commands::train::run(args),
        Command::Evaluate(args) => commands::evaluate::run(args),
        Command::Compare(args) => commands::compare::run(args),
        Command::Render(args) => commands::render::run(args),
        Command::Adapt(args) => commands::adapt::run(args),
        Command::Explore(args) => commands::explore::run(args),
        Command::Generate(args) => commands::generate::run(args),
        Command::Export(args) => commands::export::run(args),
        Command::Check(args) => commands::check::run(args),
        Command::List(args) => commands::list::run(args),
        Command::Simulate(args) => commands::simulate::run(args),
        Command::Calibrate(args) => commands::calibrate::run(args),
        Command::Search(args) => commands::search::run(args),
        Command::Validate(args) => commands::validate::run(args),
        Command::Bench(args) => commands::bench::run(args),
    }
}
