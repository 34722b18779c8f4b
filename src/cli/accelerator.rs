//! Arguments of the commands on virtual accelerators.

use std::path::PathBuf;

use clap::{Args, ValueEnum};

use crate::host;

/// What a network leaves open: sizes, branches, trip counts.
#[derive(Debug, Args)]
pub struct NetworkArgs {
    /// Size of what a built-in network sees: HEIGHTxWIDTH, or a number of tokens
    #[arg(long, value_name = "SIZE")]
    pub input: Option<String>,
    /// Images or texts at a time [default: 1, or what an ONNX file says]
    #[arg(long, value_name = "N")]
    pub batch: Option<u64>,
    /// Size of a dimension that an ONNX file leaves open: NAME=N (repeatable)
    #[arg(long = "dim", value_name = "NAME=N")]
    pub dims: Vec<String>,
    /// Branch that an `If` of an ONNX file takes whose condition depends on data: then, else, or NODE=then (repeatable)
    /// [default: the dearer one]
    #[arg(long = "branch", value_name = "[NODE=]then|else")]
    pub branches: Vec<String>,
    /// How often a `Loop` of an ONNX file runs: N, or NODE=N (repeatable) [default: what the file says]
    #[arg(long, value_name = "[NODE=]N")]
    pub trips: Vec<String>,
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
  tandem simulate resnet50 --platform gemmini,fpga,tpu,my.json              side by side
  tandem simulate resnet50 --platform gemmini --sweep engine.model.rows=8:64:8 --plot rows.png

A platform file has the form of the presets: `tandem list platforms gemmini > my.json` is one to begin with. Its `technology`
is the name of a table of energies and areas, or a table of your own: {\"mac_pj\": 0.2, \"memory_read_pj\": 60, \"cell_mm2\": 1e-4}.
With several platforms or a sweep, --json has `network`, `parameter` and `rows`, one document for each as of a single one.
Traces open in https://ui.perfetto.dev or chrome://tracing.")]
pub struct SimulateArgs {
    /// Network: a built-in name (`tandem list networks`), an ONNX file, a SCALE-Sim topology (CSV), or `attention`
    pub network: PathBuf,
    /// Platform: a preset (`tandem list platforms`), a JSON file, what `tandem calibrate host` wrote, or a SCALE-Sim configuration (.cfg); of `attention`,
    /// `gain-cell` or a JSON file with what differs from it; several, separated by commas, are shown side by side
    #[arg(long = "platform", value_name = "NAME|FILE", required = true, value_delimiter = ',')]
    pub platforms: Vec<PathBuf>,
    /// What the network leaves open
    #[command(flatten)]
    pub sizes: NetworkArgs,
    /// Operators of an ONNX file that are not supported: stop, or count them as a function of their inputs
    #[arg(long, value_enum, default_value = "error")]
    pub unsupported: OnUnsupported,
    /// Change a setting of the platform: PATH=VALUE, e.g. engine.count=2 (repeatable)
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// One setting of the platform over a range: PATH=LOW:HIGH:STEP
    #[arg(long, value_name = "PATH=LOW:HIGH:STEP")]
    pub sweep: Option<String>,
    /// Draw the sweep, relative to its first step (.png or .svg)
    #[arg(long, value_name = "FILE", requires = "sweep")]
    pub plot: Option<PathBuf>,
    /// Switch a pass of the compiler off, `tandem list passes` names them (repeatable)
    #[arg(long, value_name = "PASS")]
    pub no_pass: Vec<String>,
    /// Largest area, mm2: say whether it is exceeded
    #[arg(long, value_name = "MM2", allow_negative_numbers = true)]
    pub max_area: Option<f64>,
    /// Largest mean power, W: say whether it is exceeded
    #[arg(long, value_name = "W", allow_negative_numbers = true)]
    pub max_power: Option<f64>,
    /// Write a trace for Perfetto (JSON); `-` is standard output, here and below
    #[arg(long, value_name = "FILE")]
    pub trace: Option<PathBuf>,
    /// Write a page with Gantt chart, roofline and layers (HTML, opens offline)
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Write a table of the layers (CSV); of several platforms or a sweep, one line for each
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
  tandem search gemmini --network resnet50 --methods exact      the best machine and mappings there are, with proof
  tandem search platform --network my.onnx --dim batch=1 --max-area 4 --max-power 1

Spaces: gemmini (DOSA's machine and mappings; energy-delay product), confuciux (multipliers and buffer of each layer;
latency under an area limit), platform (array, buffers, clock, memory; energy-delay product under area and power limits).
`exact` needs no budget and no seeds; it is there for gemmini, and what the other methods are held against.
One evaluation runs the model for every layer once; a gradient of the relaxed cost counts as one.
The best machine of `gemmini` and `platform` is written to platform.json, which `tandem simulate --platform` reads.
Finished searches are read: the same command may be typed again at any time.")]
pub struct SearchArgs {
    /// Space: gemmini, confuciux, platform
    pub space: String,
    /// Neural network: a built-in name (`tandem list networks`) or an ONNX file
    #[arg(long, default_value = "resnet50", value_name = "NAME|FILE")]
    pub network: PathBuf,
    /// What the network leaves open
    #[command(flatten)]
    pub sizes: NetworkArgs,
    /// Largest area, mm2 (space platform) [default: 10]
    #[arg(long, value_name = "MM2", allow_negative_numbers = true)]
    pub max_area: Option<f64>,
    /// Largest mean power, W (space platform) [default: 3]
    #[arg(long, value_name = "W", allow_negative_numbers = true)]
    pub max_power: Option<f64>,
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
Measures random layers, none of them from a network, on one thread that stays on one core: four to five minutes. A
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
