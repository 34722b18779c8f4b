//! What an experiment's `task` says about a robot.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// The task of a robot: its file, what of it is designed, what it observes and does, what it is rewarded for.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Config {
    /// MJCF or URDF file; relative paths start at the experiment's folder.
    pub model: PathBuf,
    /// Design parameters.
    #[serde(default)]
    pub design: Vec<ParameterConfig>,
    /// Motors that lose torque with speed.
    #[serde(default)]
    pub motors: Vec<MotorConfig>,
    /// What the policy sees, in this order.
    pub observation: Vec<TermConfig>,
    /// What the policy commands, in this order.
    pub action: Vec<TermConfig>,
    /// What adds up to the reward.
    pub reward: Vec<TermConfig>,
    /// What ends an episode before its horizon.
    #[serde(default)]
    pub termination: Vec<TermConfig>,
    /// What happens at the start of an episode or during it: noise, pushes, other masses.
    #[serde(default)]
    pub events: Vec<TermConfig>,
    /// What the robot is told to do, drawn anew for each episode: a velocity, a position.
    #[serde(default)]
    pub command: Vec<TermConfig>,
    /// When the task counts as done; without it, when the episode reaches its horizon.
    #[serde(default)]
    pub success: Option<TermConfig>,
    /// Longest episode, in control steps.
    #[serde(default = "default_horizon")]
    #[schemars(range(min = 1, max = 1_000_000), extend("unit" = "control steps"))]
    pub horizon: usize,
    /// Integration steps of MuJoCo in each control step.
    #[serde(default = "default_control_steps")]
    #[schemars(range(min = 1, max = 10_000))]
    pub control_steps: usize,
    /// Integration step, s; the file's own where it is not given.
    #[serde(default)]
    #[schemars(extend("unit" = "s"))]
    pub time_step: Option<f64>,
    /// Multiply every reward by the duration of a control step, as Isaac Lab does; Gymnasium does not.
    #[serde(default)]
    pub reward_times_step: bool,
    /// Shares of the file's own mass, `[low, high]`, between which that of the whole robot is kept, by scaling all its masses
    /// alike.
    #[serde(default)]
    pub mass_range: Option<[f64; 2]>,
    /// Whether the robot is lifted or lowered so that its lowest point at the start is as high as in the file, whatever the
    /// design.
    #[serde(default = "yes")]
    pub keep_clearance: bool,
    /// Where hardware is cut from world, which is what proxies learn.
    #[serde(default)]
    pub effect: EffectConfig,
    /// Camera of the file that pictures are taken from; without it, one that follows the robot from the side.
    #[serde(default)]
    pub camera: Option<String>,
}

fn default_horizon() -> usize {
    1000
}

fn default_control_steps() -> usize {
    5
}

fn yes() -> bool {
    true
}

/// A design parameter: a number of the robot's file that may change.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ParameterConfig {
    /// Name, unique in the design.
    pub name: String,
    /// Unit of the value; `1` where it has none.
    #[serde(default = "one")]
    pub unit: String,
    /// Lowest value.
    pub low: f64,
    /// Highest value.
    pub high: f64,
    /// Value of the start design; what the file says where it is not given.
    #[serde(default)]
    pub start: Option<f64>,
    /// How the range is traversed: `linear` or `log`.
    #[serde(default)]
    pub scale: ScaleConfig,
    /// What of the file it changes: `length(body:*_thigh)`, `actuator:*_knee.gear[0]`.
    pub edit: Vec<String>,
    /// How the inertia of a body that says its own (`<inertial>`) follows `length`, `scale` and `thickness`; such a body is
    /// refused where no law is given.
    #[serde(default)]
    pub inertial: Option<InertialLaw>,
}

/// How an inertia that the file says itself follows the shape of its body.
#[derive(Clone, Copy, Debug, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum InertialLaw {
    /// The mass is spread as before and its density is kept: under a stretch `x -> M x` mass goes with `det M`, and the second
    /// moment of mass with `det(M) M S M^T`.
    Uniform,
}

/// A torque-speed line for motors, without which an optimiser takes the highest gear for the best.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct MotorConfig {
    /// Which of the file's motors, by name with `*` and `?`; a motor without a name goes by that of its joint.
    pub actuator: String,
    /// Speed of the motor's shaft at which it has no torque left at full command, rad/s. The shaft turns `gear` times as fast
    /// as the joint.
    #[schemars(extend("unit" = "rad/s"))]
    pub no_load_speed: f64,
}

fn one() -> String {
    "1".into()
}

/// How a parameter's range is traversed.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ScaleConfig {
    /// Even steps.
    #[default]
    Linear,
    /// Even ratios.
    Log,
}

/// A term: a name out of `tandem list terms`, with its parameters; or an expression over other terms.
#[derive(Clone, Debug, Default, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TermConfig {
    /// Which term.
    #[serde(default)]
    pub term: Option<String>,
    /// Its name in logs; the term's own where it is not given.
    #[serde(default)]
    pub name: Option<String>,
    /// Factor of a reward; 0 keeps it in the logs.
    #[serde(default)]
    pub weight: Option<f64>,
    /// Factor of an observation or action.
    #[serde(default)]
    pub scale: Option<f64>,
    /// Bounds of an observation, `[low, high]`, after scaling.
    #[serde(default)]
    pub clip: Option<[f64; 2]>,
    /// Parameters of the term.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// A formula instead of a term.
    #[serde(default)]
    pub expression: Option<String>,
    /// The formula's variables: observation terms and which of their numbers.
    #[serde(default)]
    pub variables: BTreeMap<String, VariableConfig>,
    /// Unit of an expression's value.
    #[serde(default)]
    pub unit: Option<String>,
}

/// A variable of an expression: one number of an observation term.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariableConfig {
    /// Which observation term.
    pub term: String,
    /// Its parameters.
    #[serde(default)]
    pub params: Map<String, Value>,
    /// Which of its numbers; it may be left out where there is one only.
    #[serde(default)]
    pub index: Option<usize>,
}

/// Where hardware is cut from world.
#[derive(Clone, Copy, Debug, Default, Deserialize, Serialize, PartialEq, Eq, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum EffectConfig {
    /// The change of the whole state over a control step.
    #[default]
    Transition,
    /// Places of the file's sites, from the angles of the joints.
    Sites,
    /// Forces that actuators, springs and tendons put on the joints.
    Torques,
}
