//! Arguments of `tandem sweep` and `tandem watch`.

use std::path::PathBuf;

use clap::{Args, Subcommand};

/// Arguments of `tandem sweep`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem sweep plan experiments/sweeps/quickstart.json --out runs/study
  tandem sweep run runs/study --tasks all --jobs 2       on this machine
  tandem sweep submit runs/study --engine slurm          on a cluster
  tandem sweep status runs/study
  tandem sweep summarise runs/study

Finished runs are left as they are, stopped ones go on: every command may be typed again at any time.")]
pub struct SweepArgs {
    #[command(subcommand)]
    pub(crate) what: SweepCommand,
}

#[derive(Debug, Subcommand)]
pub(crate) enum SweepCommand {
    /// Write down every run of a plan
    Plan(SweepPlanArgs),
    /// Run one of them, or some of them side by side
    Run(SweepRunArgs),
    /// Hand what is left to do to a cluster's scheduler
    Submit(SweepSubmitArgs),
    /// How far the runs have come
    Status(SweepStatusArgs),
    /// Tables and plots of what is finished
    Summarise(SweepSummariseArgs),
}

/// Arguments of `tandem sweep plan`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem sweep plan experiments/sweeps/quickstart.json --out runs/study

The plan is checked as a whole: every experiment with every combination of settings. Planned again into the same folder,
the same plan changes nothing, and another one is refused.")]
pub struct SweepPlanArgs {
    /// Plan: experiments, methods, settings, seeds
    pub plan: PathBuf,
    /// Folder of the sweep
    #[arg(long, value_name = "DIR")]
    pub out: PathBuf,
}

/// Arguments of `tandem sweep run`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem sweep run runs/study --task 3
  tandem sweep run runs/study --tasks all --jobs 2
  tandem sweep run runs/study --tasks 0-7,9

Without --task and --tasks the number comes from SLURM_ARRAY_TASK_ID, HQ_TASK_ID or JOB_COMPLETION_INDEX.
A finished run is left as it is, a stopped one goes on.

Exit codes: 0 done, 1 a run failed, 2 bad usage or bad input, 3 stopped with checkpoints saved, 4 another process runs
this task.")]
pub struct SweepRunArgs {
    /// Folder of the sweep
    pub sweep: PathBuf,
    /// Run this one, in this process
    #[arg(long, value_name = "I")]
    pub task: Option<usize>,
    /// Run these, each in a process of its own: all, or numbers and ranges
    #[arg(long, value_name = "all|0-7,9", conflicts_with = "task")]
    pub tasks: Option<String>,
    /// Runs at a time [default: number of cores]
    #[arg(long, value_name = "N", requires = "tasks", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Where another process runs this task, wait for its end instead of ending with exit code 4
    #[arg(long, conflicts_with = "tasks")]
    pub wait: bool,
    /// Then go on with any run that has earned its next rung and that nobody is at (plans with `halving`)
    #[arg(long, conflicts_with = "tasks")]
    pub onward: bool,
}

/// Schedulers that tasks can be handed to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Engine {
    /// SLURM: a job array, and the summary behind it
    Slurm,
}

/// Arguments of `tandem sweep submit`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem sweep submit runs/study --engine slurm --dry-run
  tandem sweep submit runs/study --engine slurm --max-parallel 16 --time 2:00:00 -- --partition=cpu --cpus-per-task=4

Submits what is neither finished nor in the queue; submitted again, nothing, until runs are lost.")]
pub struct SweepSubmitArgs {
    /// Folder of the sweep
    pub sweep: PathBuf,
    /// Scheduler
    #[arg(long, value_enum, default_value = "slurm")]
    pub engine: Engine,
    /// Most tasks at a time
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub max_parallel: Option<u32>,
    /// Longest time of a task, as sbatch takes it; two minutes before its end a task saves itself and queues again
    #[arg(long, value_name = "TIME")]
    pub time: Option<String>,
    /// Submit runs that failed as well
    #[arg(long)]
    pub failed: bool,
    /// Only print the scripts and what would be typed
    #[arg(long)]
    pub dry_run: bool,
    /// More arguments of sbatch
    #[arg(last = true, value_name = "SBATCH ARGUMENTS", allow_hyphen_values = true)]
    pub extra: Vec<String>,
}

/// Arguments of `tandem sweep status`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem sweep status runs/study
  tandem sweep status runs/study --json")]
pub struct SweepStatusArgs {
    /// Folder of the sweep
    pub sweep: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tandem sweep summarise`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem sweep summarise runs/study
  tandem sweep summarise runs/study --json

Writes table.md, summary.json, the tables as CSV and the plots into DIR/summary. Runs without a result are marked.")]
pub struct SweepSummariseArgs {
    /// Folder of the sweep
    pub sweep: PathBuf,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
    /// Print the table of methods and settings as CSV
    #[arg(long, conflicts_with = "json")]
    pub csv: bool,
}

/// Arguments of `tandem watch`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem watch runs/far-morph-s0         curves, design, time left
  tandem watch runs/study                a row for each run of a sweep

Ends when there is nothing left to see, or by Ctrl-C; what is watched goes on. Where standard output is no terminal, one
picture is printed.")]
pub struct WatchArgs {
    /// Run folder, or folder of a sweep
    #[arg(value_name = "RUN|DIR")]
    pub folder: PathBuf,
    /// Seconds between two pictures
    #[arg(long, default_value_t = 2.0, value_name = "SECONDS", value_parser = seconds)]
    pub every: f64,
    /// Draw one picture and end
    #[arg(long)]
    pub once: bool,
}

fn seconds(text: &str) -> Result<f64, String> {
    let value: Option<f64> = text.parse().ok();
    let value = value.filter(|value| (0.1..=3600.0).contains(value));
    value.ok_or_else(|| "a number of seconds from 0.1 to 3600".into())
}
