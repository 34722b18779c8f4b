//! Arguments of the commands on language models and their circuit.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `tandem adapt`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem adapt experiments/attention-lm.json
  tandem adapt experiments/attention-lm.json --set text.file=book.txt --out runs/book
  tandem adapt experiments/attention-lm.json --seeds 5 --out runs/attention --json
  tandem adapt gpt2.json --set text.file=book.txt --set 'text.tokenizer={\"vocab\":\"vocab.json\",\"merges\":\"merges.txt\"}'
  tandem adapt --resume runs/book

Softmax -> linear hardware -> adaptation of the scalers -> nonlinear hardware, and the controls.
With --seeds, finished runs are read and stopped ones go on: the same command may be typed again.")]
pub struct AdaptArgs {
    /// Experiment file
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    pub experiment: Option<PathBuf>,
    /// Change a setting: PATH=VALUE, e.g. language.training.rate=0.001 (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE", conflicts_with = "resume")]
    pub sets: Vec<String>,
    /// Run folder to make; with --seeds the folder of the runs [default: runs/EXPERIMENT-adapt-sSEED]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with this run
    #[arg(long, value_name = "RUN")]
    pub resume: Option<PathBuf>,
    /// Seed of all random streams (same as --set language.seed=N)
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub seed: Option<u64>,
    /// Number of seeds, from the experiment's own upwards, one run each
    #[arg(long, value_name = "N", conflicts_with = "resume", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub seeds: Option<u32>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tandem generate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem generate runs/attention-lm-adapt-s0 --prompt \"Ada went to\"
  tandem generate runs/book --prompt \"Once\" --characters 500 --temperature 0.8 --seed 3")]
pub struct GenerateArgs {
    /// Run folder of `tandem adapt`
    pub run: PathBuf,
    /// Text to go on from
    #[arg(long, value_name = "TEXT")]
    pub prompt: String,
    /// Characters to write (tokens, where the model has a tokenizer)
    #[arg(long, default_value_t = 200, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub characters: u32,
    /// 0 always takes the likeliest character, 1 draws as the model believes
    #[arg(long, default_value_t = 0.7, value_name = "X")]
    pub temperature: f64,
    /// Seed of the draws
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Which finished stage's model [default: the latest on the way to nonlinear hardware]
    #[arg(long, value_name = "STAGE")]
    pub stage: Option<String>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tandem explore`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem explore runs/attention-lm-adapt-s0
  tandem explore runs/attention-lm-seeds/s* --json
  tandem explore runs/book --rounds 20 --margin 0.02 --seeds 5

Circuit and model are designed together: a proxy of the true circuit proposes designs, the model goes on learning on the
best one, and a control learns as long on the circuit that both started with. What is printed is measured on text that no
search saw, with the true circuit. Stopped co-designs go on, finished ones are read: the same command may be typed again.")]
pub struct ExploreArgs {
    /// Run folders of `tandem adapt`
    #[arg(required = true)]
    pub runs: Vec<PathBuf>,
    /// Rounds [default: the run's own, or 10]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=100_000))]
    pub rounds: Option<u32>,
    /// Circuits to judge in a round [default: the run's own, or 12]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub candidates: Option<u32>,
    /// Iterations of model and control in a round [default: the run's own, or 25]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(0..=1_000_000))]
    pub training: Option<u64>,
    /// Perplexity that may be lost against the control, as a share [default: the run's own, or 0.01]
    #[arg(long, value_name = "X")]
    pub margin: Option<f64>,
    /// Seed of the first co-design of each run [default: the run's own, or 0]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
    /// Co-designs per run, with seeds one after the other
    #[arg(long, default_value_t = 1, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1000))]
    pub seeds: u32,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}
