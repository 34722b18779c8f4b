//! The command line: what can be typed, and the exit code that comes back.

use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::commands;
use crate::error::Error;
use crate::host;

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

/// Arguments of `tandem train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem train experiments/quickstart.json
  tandem train experiments/attention.json
  tandem train experiments/far.json --set method=gaussian --set methods.gaussian.rate=0.05 --seed 2
  tandem train --resume runs/far-gaussian-s2")]
pub struct TrainArgs {
    /// Experiment file
    #[arg(required_unless_present = "resume", conflicts_with = "resume")]
    pub experiment: Option<PathBuf>,
    /// Change a setting: PATH=VALUE, e.g. ppo.rate=0.001 (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE", conflicts_with = "resume")]
    pub sets: Vec<String>,
    /// Run folder to make [default: runs/EXPERIMENT-METHOD-sSEED]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with this run
    #[arg(long, value_name = "RUN")]
    pub resume: Option<PathBuf>,
    /// Seed of all random streams (same as --set seed=N)
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub seed: Option<u64>,
}

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

/// Arguments of `tandem evaluate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem evaluate runs/quickstart-morph-conditioned-s0
  tandem evaluate runs/far --episodes 512 --json
  tandem evaluate runs/far --retrain 1000000        # a new policy from scratch on the learnt design
  tandem evaluate design.json --retrain 1000000     # a design that somebody sent")]
pub struct EvaluateArgs {
    /// Run folder, or a design.json
    pub target: PathBuf,
    /// Episodes per judgement
    #[arg(long, default_value_t = 128, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub episodes: u32,
    /// Seed of the start states
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Train a new policy from scratch on the design, for this many environment steps, and judge it too
    #[arg(long, value_name = "STEPS")]
    pub retrain: Option<u64>,
    /// Experiment whose problem a design.json belongs to [default: the run folder it lies in]
    #[arg(long, value_name = "FILE")]
    pub experiment: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tandem compare`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem compare experiments/far.json --methods morph,morph-conditioned,cma --seeds 5 --out runs/far
  tandem compare experiments/far.json experiments/near.json --seeds 3 --json

Finished runs are read, stopped ones go on: the same command may be typed again at any time.")]
pub struct CompareArgs {
    /// Experiment files
    #[arg(required = true)]
    pub experiments: Vec<PathBuf>,
    /// Methods, separated by commas [default: the experiment's own]
    #[arg(long, value_delimiter = ',', value_name = "A,B,...")]
    pub methods: Vec<String>,
    /// Number of seeds, from the experiment's own upwards
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub seeds: u32,
    /// Folder of the runs, the table and the plot [default: runs/compare-EXPERIMENT]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Change a setting of all runs (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Runs at a time [default: number of cores]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1024))]
    pub jobs: Option<u16>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tandem render`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem render runs/far --out far.png
  tandem render runs/far --out far.gif --episode 3")]
pub struct RenderArgs {
    /// Run folder
    pub run: PathBuf,
    /// Picture to write; .png or .gif (repeatable)
    #[arg(long, required = true, value_name = "FILE")]
    pub out: Vec<PathBuf>,
    /// Which start state
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub episode: u64,
    /// Width and height of each half, in pixels
    #[arg(long, default_value_t = 480, value_name = "PIXELS", value_parser = clap::value_parser!(u32).range(64..=2048))]
    pub size: u32,
}

/// Arguments of `tandem export`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem export runs/far --mjcf arm.xml --policy policy.onnx
  tandem export runs/far --urdf arm.urdf
  tandem export runs/far --start --mjcf start.xml       # the start design instead of the learnt one")]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct ExportArgs {
    /// Run folder
    pub run: PathBuf,
    /// MuJoCo model to write: machine, actuators, limits, scene
    #[arg(long, value_name = "FILE", group = "what")]
    pub mjcf: Option<PathBuf>,
    /// URDF to write: links, joints, limits
    #[arg(long, value_name = "FILE", group = "what")]
    pub urdf: Option<PathBuf>,
    /// ONNX file to write: the mean policy with its normaliser; names and units in its metadata
    #[arg(long, value_name = "FILE", group = "what")]
    pub policy: Option<PathBuf>,
    /// Export the start design, not the learnt one
    #[arg(long)]
    pub start: bool,
}

/// Arguments of `tandem check`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem check experiments/far.json
  tandem check experiments/far.json --set ppo.rate=0.01 --json")]
pub struct CheckArgs {
    /// Experiment files
    #[arg(required = true)]
    pub experiments: Vec<PathBuf>,
    /// Change a setting first (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Print the resolved experiments, every default filled in, as one JSON document
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

/// Arguments of `tandem simulate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem simulate resnet50 --platform fpga
  tandem simulate model.onnx --platform tpu --batch 8 --dim seq=128
  tandem simulate dilatedvgg-fov --platform fpga --input 256x512 --report report.html --trace trace.json
  tandem simulate resnet18 --platform gemmini --set memory.bandwidth_gb_per_s=4 --no-pass double_buffer
  tandem simulate bert --platform my.json --input 512 --batch 8 --csv layers.csv --json
  tandem simulate net.csv --platform scale.cfg          SCALE-Sim's topology and configuration, its cycle counts
  tandem simulate attention --platform gain-cell        one head and token of analog attention in gain cells
  tandem simulate attention --platform circuit.json     the same for a circuit that differs from the published one

A platform file has the form of the presets: `tandem list platforms --json` prints them.
Traces open in https://ui.perfetto.dev or chrome://tracing.")]
pub struct SimulateArgs {
    /// Network: a built-in name (`tandem list networks`), an ONNX file, a SCALE-Sim topology (CSV), or `attention`
    pub network: PathBuf,
    /// Platform: a preset (`tandem list platforms`), a JSON file, what `tandem calibrate host` wrote, or a SCALE-Sim configuration (.cfg); of `attention`,
    /// `gain-cell` or a JSON file with what differs from it
    #[arg(long, value_name = "NAME|FILE")]
    pub platform: PathBuf,
    /// Size of what a built-in network sees: HEIGHTxWIDTH, or a number of tokens
    #[arg(long, value_name = "SIZE")]
    pub input: Option<String>,
    /// Images or texts at a time [default: 1, or what an ONNX file says]
    #[arg(long, value_name = "N")]
    pub batch: Option<u64>,
    /// Size of a dimension that an ONNX file leaves open: NAME=N (repeatable)
    #[arg(long = "dim", value_name = "NAME=N")]
    pub dims: Vec<String>,
    /// Operators of an ONNX file that are not supported: stop, or count them as a function of their inputs
    #[arg(long, value_enum, default_value = "error")]
    pub unsupported: OnUnsupported,
    /// Change a setting of the platform: PATH=VALUE, e.g. engine.count=2 (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Switch a pass of the compiler off, `tandem list passes` names them (repeatable)
    #[arg(long, value_name = "PASS")]
    pub no_pass: Vec<String>,
    /// Largest area, mm2: say whether it is exceeded
    #[arg(long, value_name = "MM2", allow_negative_numbers = true)]
    pub max_area: Option<f64>,
    /// Largest mean power, W: say whether it is exceeded
    #[arg(long, value_name = "W", allow_negative_numbers = true)]
    pub max_power: Option<f64>,
    /// Write a trace for Perfetto (JSON)
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Write a page with Gantt chart, roofline and layers (HTML, opens offline)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write a table of the layers (CSV)
    #[arg(long, value_name = "FILE")]
    pub csv: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `tandem search`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem search gemmini --network resnet50 --budget 10000 --seeds 5
  tandem search gemmini --network unet --methods random,bayes,proxy-policy --out runs/unet --json

Spaces: gemmini (DOSA's machine and mappings; energy-delay product), confuciux (multipliers and buffer of each layer;
latency under an area limit), platform (array, buffers, clock, memory; energy-delay product under area and power limits).
One evaluation runs the model for every layer once; a gradient of the relaxed cost counts as one.
Finished searches are read: the same command may be typed again at any time.")]
pub struct SearchArgs {
    /// Space: gemmini, confuciux, platform
    pub space: String,
    /// Built-in neural network; see tandem list networks
    #[arg(long, default_value = "resnet50", value_name = "NAME")]
    pub network: String,
    /// Methods, separated by commas [default: all]
    #[arg(long, value_delimiter = ',', value_name = "A,B,...")]
    pub methods: Vec<String>,
    /// Evaluations per search
    #[arg(long, default_value_t = 10_000, value_name = "N", value_parser = clap::value_parser!(u64).range(10..=10_000_000))]
    pub budget: u64,
    /// Number of seeds
    #[arg(long, default_value_t = 5, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub seeds: u32,
    /// Folder of results, table and plot [default: runs/search-SPACE-NETWORK-BUDGET]
    #[arg(long, value_name = "DIR")]
    pub out: Option<PathBuf>,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What happens to operators that are not supported.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum OnUnsupported {
    /// An error that names the operator and its node
    Error,
    /// They cost as much as a function of each value of their inputs and outputs
    Elementwise,
}

/// What `tandem validate` can hold a model against.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum ValidateWhat {
    /// Layer results of SCALE-Sim, to the cycle
    Scalesim,
    /// Timeloop's cycles, energy and area of mapped layers
    Timeloop,
    /// RTL cycles of mapped layers on Gemmini, as measured on FireSim
    Gemmini,
    /// This machine's own inference, measured now
    Host,
}

/// Arguments of `tandem validate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem validate scalesim --data results/        tables of total_cycles, beside topologies/NETWORK.csv
  tandem validate timeloop --data dataset.csv.tar.gz --json
  tandem validate gemmini --data firesim_results.csv              also calibrated, cross-validated over layers
  tandem validate gemmini --data dataset.csv --calibration firesim_results.csv
  tandem validate host --calibration host.json                    networks that the calibration has not seen
  tandem validate host --calibration host.json --networks vgg16,dilatedvgg-fov@128 --json")]
pub struct ValidateArgs {
    /// Which reference
    #[arg(value_enum)]
    pub what: ValidateWhat,
    /// Its data: a folder, or one table (CSV, gzip, tar.gz); not for host
    #[arg(long, value_name = "PATH")]
    pub data: Option<PathBuf>,
    /// Calibrate on this table instead of cross-validating (gemmini); what `tandem calibrate host` wrote (host,
    /// measured first where it is left out)
    #[arg(long, value_name = "FILE")]
    pub calibration: Option<PathBuf>,
    /// Networks to measure (host); NAME, or NAME@SIDE for an image of another size
    #[arg(
        long,
        value_name = "NAMES",
        value_delimiter = ',',
        default_value = "dilatedvgg-fov@128,dilatedvgg-fov@256,resnet18,mobilenetv2"
    )]
    pub networks: Vec<String>,
    /// Go on where a repeated measurement differs by more than 2 % (host)
    #[arg(long)]
    pub allow_noise: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What `tandem calibrate` can calibrate.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum CalibrateWhat {
    /// This machine: inference with libtorch on one thread
    Host,
}

/// Arguments of `tandem calibrate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Measures random layers, none of them from a network, on one thread that stays on one core: two to three minutes. A
machine on which no three of six rounds agree to 2 % is refused.

Examples:
  tandem calibrate host --out host.json
  tandem calibrate host --out host.json --seed 1 --allow-noise --json")]
pub struct CalibrateArgs {
    /// What to calibrate
    #[arg(value_enum)]
    pub what: CalibrateWhat,
    /// File to write
    #[arg(long, default_value = "host.json", value_name = "FILE")]
    pub out: PathBuf,
    /// Random convolutions; other operators in proportion
    #[arg(long, default_value_t = host::CONVOLUTIONS, value_name = "N", value_parser = clap::value_parser!(u32).range(60..=100_000))]
    pub layers: u32,
    /// Seed of the random layers
    #[arg(long, default_value_t = 0, value_name = "N")]
    pub seed: u64,
    /// Go on where a repeated measurement differs by more than 2 %
    #[arg(long)]
    pub allow_noise: bool,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// What `tandem bench` can measure.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum BenchWhat {
    /// Environment steps per second end to end, and where the time goes
    Training,
    /// Physics steps per second, beside a bare loop over the same scene
    Physics,
    /// PPO on the classic problems against published scores, 5 seeds
    Learning,
    /// Share of random designs that work, per preset
    Selectivity,
    /// Training with analog attention against softmax, and decoding per token and head
    Attention,
    /// Closed forms of layers and tasks of the event core, per second on one core
    Simulate,
}

/// Arguments of `tandem bench`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem bench training
  tandem bench physics --json
  tandem bench learning --seeds 5
  tandem bench selectivity --designs 200
  tandem bench attention --json
  tandem bench simulate --json")]
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
    /// Only entries whose name contains this
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub only: String,
    /// Print one JSON document
    #[arg(long)]
    pub json: bool,
}

/// Parses the command line, runs the command and turns an error into one message and an exit code.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    let threads = cli.threads.map_or(0, usize::from);
    match start(threads).and_then(|()| dispatch(&cli.command)) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("tandem: {error}");
            ExitCode::from(error.exit_code())
        }
    }
}

/// Sets up the thread pool and libtorch: one thread each, parallel over environments and shards.
fn start(threads: usize) -> Result<(), Error> {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build_global()
        .map_err(|error| Error::Run(format!("no thread pool: {error}")))?;
    tandem_agents::init_libtorch();
    Ok(())
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
