//! Arguments of `tandem bench`.

use clap::{Args, ValueEnum};

/// What `tandem bench` can measure.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum BenchWhat {
    /// Environment steps per second end to end, and where the time goes
    Training,
    /// Control steps and physics steps per second on one and on all threads, beside a bare loop over the same scene
    Physics,
    /// How far each physical machine at its shipped step is from finer steps, under the same commands
    Convergence,
    /// PPO on the classic problems against published scores, 5 seeds
    Learning,
    /// Share of random designs that work, per preset
    Selectivity,
    /// Training with analog attention against softmax, and decoding per token and head
    Attention,
    /// Closed forms of layers and tasks of the event core, per second on one core
    Simulate,
    /// A robot of one's own (--experiment): integration steps and control steps per second of a batch
    Robot,
    /// What bytes that do not depend on the processor cost: training with Tandem's kernels and with libtorch's own
    Kernels,
}

/// Arguments of `tandem bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem bench training
  tandem bench physics --json
  tandem bench physics --only far --threads 1
  tandem bench convergence --only reach2d
  tandem bench learning --seeds 5
  tandem bench selectivity --designs 200
  tandem bench attention --json
  tandem bench simulate --json
  tandem bench robot --experiment experiments/robots/arm.json
  tandem bench kernels --only small_batch --rounds 15")]
pub struct BenchArgs {
    /// What to measure
    #[arg(value_enum, default_value = "training")]
    pub what: BenchWhat,
    /// Seeds per problem (learning)
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100))]
    pub seeds: u32,
    /// Random designs per preset (selectivity)
    #[arg(long, default_value_t = 60, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub designs: u32,
    /// Pairs of runs per case (kernels)
    #[arg(long, default_value_t = 7, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub rounds: u32,
    /// Only entries whose name contains this
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub only: String,
    /// Episodes per preset and design (convergence) [default: 8]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub episodes: Option<u32>,
    /// Experiment file (robot)
    #[arg(long, value_name = "FILE")]
    pub experiment: Option<std::path::PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}
