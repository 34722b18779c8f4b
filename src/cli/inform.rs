//! Arguments of the commands that only inform: `check`, `list`, `explain` and their like.

use std::path::PathBuf;

use clap::{Args, ValueEnum};
use clap_complete::Shell;

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
    /// Print the resolved experiments, every default filled in, as one JSON document: `experiments`, and of a single file
    /// also `experiment`; with --machine, that too
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tandem rollout`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  echo '{\"actions\": [[0.5, -0.5], [0.1, 0.0]]}' | tandem rollout experiments/robots/arm.json -
  tandem rollout robot.json commands.json > trajectory.json

The commands' file is JSON: `actions`, one row for each control step, in [-1, 1]; optionally `qpos` and `qvel`, the state to
begin with instead of a drawn one, and `design`, values of design parameters by name.")]
pub struct RolloutArgs {
    /// Experiment file of a robot
    pub experiment: PathBuf,
    /// Commands, a JSON file; - reads them from standard input
    pub commands: PathBuf,
    /// Change a setting first (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
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
    /// What a robot of one's own can observe, do and be rewarded for, with units, formulas and parameters
    Terms,
}

/// Arguments of `tandem list`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem list problems
  tandem list terms
  tandem list experiments --json
  tandem list platforms gemmini > my.json        a platform's file, to begin one's own with")]
pub struct ListArgs {
    /// What to list
    #[arg(value_enum)]
    pub what: ListWhat,
    /// Only this one; of a platform, its file
    pub name: Option<String>,
    /// Folder of the experiment files, searched with what is in it
    #[arg(long, default_value = "experiments", value_name = "DIR")]
    pub folder: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tandem explain`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem explain                       the sections
  tandem explain ppo                   the keys of one
  tandem explain ppo.clip
  tandem explain methods.morph.alpha --json")]
pub struct ExplainArgs {
    /// Path of a setting, as --set takes it, or its last part
    pub key: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tandem completions`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem completions bash > ~/.local/share/bash-completion/completions/tandem
  tandem completions zsh > ~/.zfunc/_tandem            with fpath+=~/.zfunc before compinit in ~/.zshrc
  tandem completions fish > ~/.config/fish/completions/tandem.fish")]
pub struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum)]
    pub shell: Shell,
}

/// Arguments of `tandem man`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem man --out man && man man/tandem.1")]
pub struct ManArgs {
    /// Folder to write the pages to
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}
