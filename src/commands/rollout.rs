//! `tandem rollout`: given commands on a robot of one's own, in double precision, to compare with other programs.

use std::collections::BTreeMap;
use std::io::Read;
use std::path::Path;

use serde::{Deserialize, Serialize};
use tandem_core::{Fidelity, Stream, World};
use tandem_robot::RobotWorld;

use super::print_json;
use crate::cli::RolloutArgs;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::registry;

/// What is to be played.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Commands {
    /// Commands, `[steps, action]`, in [-1, 1].
    actions: Vec<Vec<f32>>,
    /// Coordinates to begin with, `[nq]`.
    #[serde(default)]
    qpos: Option<Vec<f64>>,
    /// Velocities to begin with, `[nv]`.
    #[serde(default)]
    qvel: Option<Vec<f64>>,
    /// Values of design parameters; the others are those of the start design.
    #[serde(default)]
    design: BTreeMap<String, f64>,
}

/// What came of it.
#[derive(Serialize)]
struct Trajectory {
    /// Names of the observation's numbers.
    observation: Vec<String>,
    /// Names of the reward's terms.
    reward_terms: Vec<String>,
    /// What was observed at the start.
    start: Vec<f64>,
    /// The control steps.
    steps: Vec<Step>,
}

#[derive(Serialize)]
struct Step {
    observation: Vec<f64>,
    reward: f64,
    terms: Vec<f64>,
    success: bool,
    terminated: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    fault: Option<&'static str>,
}

/// Runs the command.
///
/// # Errors
/// An experiment that is about no robot, commands that do not fit it.
pub fn run(args: &RolloutArgs) -> Result<(), Error> {
    let experiment = Experiment::read(&args.experiment, &args.sets)?;
    let config = registry::robot(&experiment)?;
    let world = RobotWorld::new(&config).map_err(|error| Error::Input(format!("task: {error}")))?;
    print_json(&play(&world, &read(&args.commands)?, experiment.seed)?)
}

fn read(path: &Path) -> Result<Commands, Error> {
    let mut text = String::new();
    let read = match path.as_os_str() == "-" {
        true => std::io::stdin().read_to_string(&mut text).map(drop),
        false => std::fs::read_to_string(path).map(|read| text = read),
    };
    read.map_err(|error| Error::Input(format!("cannot read {}: {error}", path.display())))?;
    serde_json::from_str(&text).map_err(|error| Error::Input(format!("{}: {error}", path.display())))
}

fn play(world: &RobotWorld, commands: &Commands, seed: u64) -> Result<Trajectory, Error> {
    let spec = world.spec();
    let mut design = world.robot().space().start();
    for (name, &value) in &commands.design {
        let parameters = &world.robot().space().parameters;
        let place = parameters.iter().position(|parameter| parameter.name == *name);
        design[place.ok_or_else(|| Error::Input(format!("there is no design parameter `{name}`")))?] = value;
    }
    world
        .robot()
        .space()
        .check(&design)
        .map_err(|error| Error::Input(error.to_string()))?;
    let mut stream = Stream::new(seed, "rollout", 0);
    let mut state = world.start(&design, Fidelity::Full, &mut stream)?;
    if commands.qpos.is_some() || commands.qvel.is_some() {
        let placed = world.place(&mut state, commands.qpos.as_deref(), commands.qvel.as_deref());
        placed.map_err(|error| Error::Input(error.to_string()))?;
    }
    let observe = |state: &_| {
        let mut out = vec![0.0; spec.observation.len()];
        world.observe_exactly(state, &mut out);
        out
    };
    let start = observe(&state);
    let mut steps = Vec::new();
    let mut terms = vec![0.0; spec.reward_terms.len()];
    for (number, action) in commands.actions.iter().enumerate() {
        let right = action.len() == spec.command.len() && action.iter().all(|a| a.is_finite());
        if !right {
            let text = format!("actions[{number}] must be {} numbers in [-1, 1]", spec.command.len());
            return Err(Error::Input(text));
        }
        let outcome = world
            .advance_full(&mut state, &design, action, &mut terms)
            .unwrap_or_default();
        steps.push(Step {
            observation: observe(&state),
            reward: state.rewards().iter().sum(),
            terms: state.rewards().to_vec(),
            success: outcome.success,
            terminated: outcome.terminated,
            fault: outcome.fault,
        });
        if outcome.terminated || outcome.fault.is_some() {
            break;
        }
    }
    Ok(Trajectory {
        observation: spec.observation.iter().map(|channel| channel.name.clone()).collect(),
        reward_terms: spec.reward_terms.clone(),
        start,
        steps,
    })
}
