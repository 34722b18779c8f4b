//! Terms: what a robot observes, does and is rewarded for, under the names that users of other tools know.

use serde::{Deserialize, Serialize};

use crate::simulation::Simulation;

/// What terms remember of an episode beside the state of the robot. All of it is stored with the episode.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Memory {
    /// The policy's last command, `[action]`, as it was given, in [-1, 1].
    pub action: Vec<f64>,
    /// The one before it, `[action]`.
    pub previous_action: Vec<f64>,
    /// What the robot is told to do in this episode, `[command]`, in the command terms' units.
    pub command: Vec<f64>,
    /// What terms keep from step to step (places before the step, time in the air), each in a range of its own.
    pub kept: Vec<f64>,
    /// Control steps since the start of the episode.
    pub steps: usize,
}

/// What a term reads.
#[derive(Clone, Copy)]
pub struct Context<'a> {
    /// The robot after the control step.
    pub robot: &'a Simulation,
    /// What is remembered of the episode.
    pub memory: &'a Memory,
    /// Duration of a control step, s.
    pub control_dt: f64,
}
