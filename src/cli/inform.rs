//! Arguments of `check` and `list`, which only inform.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

/// Arguments of `tandem check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem check experiments/far.json
  tandem check experiments/far.json --set ppo.rate=0.01 --json")]
pub struct CheckArgs {
    /// Experiment files
    #[arg(required_unless_present = "machine")]
    pub experiments: Vec<PathBuf>,
    /// Print what a run's bytes depend on here: processor, kernels in use, libtorch, C library, threads
    #[arg(long)]
    pub machine: bool,
    /// Also hold problem and method to the contract: episodes in both fidelities, and a short run that is stopped
    /// and must go on to the same numbers; for problems and methods of your own
    #[arg(long)]
    pub contract: bool,
    /// Change a setting first (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Print the resolved experiments, every default filled in, as one JSON document; with --machine, that too
    #[arg(long)]
    pub json: bool,
}

/// What `tandem list` can list.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ListWhat {
    /// Problems and their presets
    Problems,
    /// Methods
    Methods,
    /// Experiment files
    Experiments,
    /// Built-in neural networks, with parameters and multiply-accumulates
    Networks,
    /// Built-in accelerator platforms, and the energy and area tables they use
    Platforms,
    /// Passes of the accelerators' compiler
    Passes,
}

/// Arguments of `tandem list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem list problems
  tandem list experiments --json")]
pub struct ListArgs {
    /// What to list
    #[arg(value_enum)]
    pub what: ListWhat,
    /// Folder of the experiment files
    #[arg(long, default_value = "experiments", value_name = "DIR")]
    pub folder: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}
