//! Arguments of the commands that train, judge and show designs.

use std::path::PathBuf;

use clap::Args;

/// Arguments of `tandem train`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem train experiments/quickstart.json
  tandem train experiments/attention.json
  tandem train experiments/far.json --set method=gaussian --set methods.gaussian.rate=0.05 --seed 2
  tandem train --resume runs/far-gaussian-s2
  tandem train --resume runs/far-gaussian-s2 --set schedule.env_steps=8e6      prolong it; a frozen design stays so
  tandem train experiments/far.json --from runs/far-gaussian-s2                a new run from its policy and design")]
pub struct TrainArgs {
    /// Experiment file [default with --from: that of the run]
    #[arg(required_unless_present_any = ["resume", "from"], conflicts_with = "resume")]
    pub experiment: Option<PathBuf>,
    /// Change a setting: PATH=VALUE, e.g. ppo.rate=0.001 (repeatable); with --resume, of its schedule
    #[arg(long = "set", value_name = "PATH=VALUE")]
    pub sets: Vec<String>,
    /// Run folder to make [default: runs/EXPERIMENT-METHOD-sSEED]
    #[arg(long, value_name = "DIR", conflicts_with = "resume")]
    pub out: Option<PathBuf>,
    /// Go on with this run
    #[arg(long, value_name = "RUN")]
    pub resume: Option<PathBuf>,
    /// Begin a new run with the best policy and design of this one
    #[arg(long, value_name = "RUN", conflicts_with = "resume")]
    pub from: Option<PathBuf>,
    /// Seed of all random streams (same as --set seed=N)
    #[arg(long, value_name = "N", conflicts_with = "resume")]
    pub seed: Option<u64>,
}

/// Simulators that can judge beside the true machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum Simulator {
    /// MuJoCo, inside the process
    Mujoco,
}

/// Arguments of `tandem evaluate`.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  tandem evaluate runs/quickstart-morph-conditioned-s0
  tandem evaluate runs/far --episodes 512 --json
  tandem evaluate runs/far --simulator mujoco       # a second judge: the same starts in the true machine and in MuJoCo
  tandem evaluate runs/far --sensitivity            # what each design parameter is worth around the learnt design
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
    /// Judge in this simulator beside the true machine: same starts, same policy, same reward and success
    #[arg(long, value_enum, value_name = "NAME", conflicts_with = "retrain")]
    pub simulator: Option<Simulator>,
    /// Measure what each design parameter is worth around the learnt design; table and bar chart
    #[arg(long, conflicts_with_all = ["retrain", "simulator"])]
    pub sensitivity: bool,
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
  tandem compare experiments/far.json experiments/passage.json --seeds 3 --json
  tandem compare experiments/far.json --known experiments/known/far.json   # the price of not knowing the design

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
    /// Also train the policy alone on this design, the best that is known, and print the price of not knowing it: steps to
    /// success by those of `fixed` on it (a design.json; such files lie in experiments/known)
    #[arg(long, value_name = "DESIGN")]
    pub known: Option<PathBuf>,
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
    /// Picture to write; .png or .gif; `-` for a PNG on standard output (repeatable)
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
  tandem export runs/far --out arm                      # everything there is: machine.xml, machine.urdf, policy.onnx, play.py
  tandem export runs/far --mjcf arm.xml --policy policy.onnx
  tandem export runs/far --urdf arm.urdf
  tandem export runs/far --start --mjcf start.xml       # the start design instead of the learnt one")]
#[command(group = clap::ArgGroup::new("what").required(true).multiple(true))]
pub struct ExportArgs {
    /// Run folder
    pub run: PathBuf,
    /// Folder to write all formats to that can say the machine, and scripts that play the policy
    #[arg(long, value_name = "FOLDER", group = "what")]
    pub out: Option<PathBuf>,
    /// MuJoCo model to write: machine, actuators, limits, scene; `-` is standard output, here and below
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
