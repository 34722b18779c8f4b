//! Terms: what a robot observes, does and is rewarded for, under the names that users of other tools know.
//!
//! [`Terms`] are built once against a compiled model and evaluated at each control step without allocating. Names are resolved
//! when they are built; numbers that a design may change (ranges, reference poses) are read from the robot at hand, so that the
//! same terms serve all designs of a task. The order of a control step:
//!
//! ```text
//! before_step(action) -> integration steps [-> forces] -> after_step -> rewards, terminated, success -> events -> observe
//! ```
//!
//! One table for each kind ([`catalogue()`]) binds a name to its unit, formula, docs and builder.

mod action;
mod catalogue;
mod clock;
mod command;
mod contact;
mod event;
pub mod expression;
mod functions;
mod lookup;
mod motion;
mod observation;
mod params;
mod randomise;
mod raw;
mod read;
mod reward;
mod shared;
mod success;
mod termination;

use std::ops::Range;

use mujoco_rs::wrappers::MjModel;
use serde::{Deserialize, Serialize};
use tandem_core::check::SettingError;
use tandem_core::{Channel, Stream};

pub use catalogue::{TermDoc, catalogue};
pub use params::ParamDoc;

use crate::config::Config;
use crate::engine::EngineError;
use crate::simulation::Simulation;
use shared::{Delay, Drive, Event, Formula, Judge, Keeper, Measure, Read};

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

/// An observation term and how its numbers are scaled and bounded.
struct Sense {
    read: Read,
    count: usize,
    scale: f64,
    clip: [f64; 2],
}

/// An action term, where its commands lie and which controls they become.
struct Motion {
    drive: Drive,
    commands: Range<usize>,
    controls: Vec<usize>,
    scale: f64,
}

/// The terms of the reward.
struct Rewards {
    names: Vec<String>,
    faults: Vec<&'static str>,
    weights: Vec<f64>,
    measures: Vec<Measure>,
}

/// The terms of a task, bound to a robot's model.
pub struct Terms {
    observation: Vec<Channel>,
    senses: Vec<Sense>,
    action: Vec<Channel>,
    motions: Vec<Motion>,
    rewards: Rewards,
    terminations: Vec<Judge>,
    success: Judge,
    formulas: Vec<(Formula, &'static str)>,
    events: Vec<Box<dyn Event>>,
    keepers: Vec<Keeper>,
    delay: Option<Delay>,
    key: Option<usize>,
    needs_forces: bool,
    control_dt: f64,
    memory: Memory,
}

impl Terms {
    /// Binds a task's terms to a robot's model.
    ///
    /// # Errors
    /// A term, parameter or part of the robot that does not exist, a value out of bounds; the key says which.
    pub fn new(config: &Config, model: &MjModel) -> Result<Self, SettingError> {
        read::terms(config, model)
    }

    /// What is observed, one channel for each number.
    pub fn observation(&self) -> &[Channel] {
        &self.observation
    }

    /// What the policy commands, in [-1, 1], one channel for each number.
    pub fn action(&self) -> &[Channel] {
        &self.action
    }

    /// Names of the reward terms, each once.
    pub fn reward(&self) -> &[String] {
        &self.rewards.names
    }

    /// Factors of the reward terms, the duration of a control step included where the task says so; 0 for those that are only
    /// logged.
    pub fn weights(&self) -> &[f64] {
        &self.rewards.weights
    }

    /// The memory of an episode that has not begun.
    pub fn memory(&self) -> Memory {
        self.memory.clone()
    }

    /// Whether a stored memory fits these terms.
    pub fn fits(&self, memory: &Memory) -> bool {
        let sizes = |m: &Memory| [m.action.len(), m.previous_action.len(), m.command.len(), m.kept.len()];
        let arrives = |delay: &Delay| (0.0..=delay.most as f64).contains(&memory.kept[delay.slot]);
        sizes(memory) == sizes(&self.memory) && self.delay.as_ref().is_none_or(arrives)
    }

    /// Whether [`Simulation::forces`] has to be called after each control step.
    pub fn needs_forces(&self) -> bool {
        self.needs_forces
    }

    /// Duration of a control step, s.
    pub fn control_dt(&self) -> f64 {
        self.control_dt
    }

    /// What terms read of an episode.
    pub fn context<'a>(&self, robot: &'a Simulation, memory: &'a Memory) -> Context<'a> {
        Context {
            robot,
            memory,
            control_dt: self.control_dt,
        }
    }

    /// Whether episodes have robots of their own: [`Terms::randomise`] changes the model.
    pub fn changes_model(&self) -> bool {
        self.events.iter().any(|event| event.changes_model())
    }

    /// Draws what the robot of an episode is like. To be called before the robot is built.
    pub fn draw(&self, memory: &mut Memory, stream: &mut Stream) {
        self.events.iter().for_each(|event| event.draw(memory, stream));
    }

    /// Changes a model as was drawn for an episode, and what MuJoCo derives from it.
    ///
    /// # Errors
    /// A memory that does not fit these terms; MuJoCo's own.
    pub fn randomise(&self, model: &mut MjModel, memory: &Memory) -> Result<(), EngineError> {
        if !self.changes_model() {
            return Ok(());
        }
        if !self.fits(memory) {
            return Err(EngineError(
                "what is remembered of the episode belongs to other terms".into(),
            ));
        }
        self.events.iter().for_each(|event| event.randomise(model, memory));
        crate::engine::derive_constants(model)
    }

    /// Puts a robot that is in its reference pose into the state in which an episode begins: key frame, noise, commands.
    ///
    /// # Errors
    /// MuJoCo's own.
    pub fn start(&self, robot: &mut Simulation, memory: &mut Memory, stream: &mut Stream) -> Result<(), EngineError> {
        if let Some(key) = self.key {
            let set = robot.data_mut().reset_keyframe(key);
            set.map_err(|error| EngineError(error.to_string()))?;
        }
        self.events.iter().for_each(|event| event.start(robot, memory, stream));
        Ok(())
    }

    /// Notes what terms compare the first step with, once everything is derived from the state.
    pub fn begin(&self, robot: &Simulation, memory: &mut Memory) {
        self.keepers.iter().for_each(|keep| keep(robot, memory, true));
    }

    /// Remembers a command and writes the controls that it amounts to. Commands beyond [-1, 1] are cut off.
    pub fn before_step<T: Copy + Into<f64>>(&self, robot: &mut Simulation, memory: &mut Memory, action: &[T]) {
        std::mem::swap(&mut memory.action, &mut memory.previous_action);
        for (slot, &a) in memory.action.iter_mut().zip(action) {
            *slot = a.into().clamp(-1.0, 1.0);
        }
        if let Some(Delay { history, .. }) = &self.delay {
            let n = memory.action.len();
            memory
                .kept
                .copy_within(history.start..history.end - n, history.start + n);
            memory.kept[history.start..history.start + n].copy_from_slice(&memory.action);
        }
        let arriving = self.arriving(memory);
        let model = robot.shared_model();
        self.drive(&model, |i| arriving[i], robot.data_mut().ctrl_mut());
    }

    /// Writes the controls that a command would amount to if it were given now, `[controls]`; those that no action moves stay.
    pub fn controls<T: Copy + Into<f64>>(
        &self,
        robot: &Simulation,
        memory: &Memory,
        action: &[T],
        controls: &mut [f64],
    ) {
        let late = self
            .delay
            .as_ref()
            .map(|delay| (delay, memory.kept[delay.slot] as usize));
        match late {
            Some((Delay { history, .. }, steps)) if steps > 0 => {
                let arriving = history.start + (steps - 1) * memory.action.len();
                self.drive(robot.model(), |i| memory.kept[arriving + i], controls);
            }
            _ => self.drive(robot.model(), |i| action[i].into().clamp(-1.0, 1.0), controls),
        }
    }

    /// Writes what the commands that arrive, by position, amount to.
    fn drive(&self, model: &MjModel, arriving: impl Fn(usize) -> f64, controls: &mut [f64]) {
        for motion in &self.motions {
            for (i, (&control, command)) in motion.controls.iter().zip(motion.commands.clone()).enumerate() {
                controls[control] = (motion.drive)(model, i, motion.scale * arriving(command));
            }
        }
    }

    /// The command that reaches the robot now.
    fn arriving<'a>(&self, memory: &'a Memory) -> &'a [f64] {
        let Some(Delay { slot, history, .. }) = &self.delay else {
            return &memory.action;
        };
        let n = memory.action.len();
        let arriving = history.start + memory.kept[*slot] as usize * n;
        &memory.kept[arriving..arriving + n]
    }

    /// Brings up to date what is remembered, after the integration steps.
    pub fn after_step(&self, robot: &Simulation, memory: &mut Memory) {
        memory.steps += 1;
        self.keepers.iter().for_each(|keep| keep(robot, memory, false));
    }

    /// What happens by chance between two control steps: pushes, new commands; whether the robot's state was changed. `stream`
    /// is the episode's own.
    pub fn events(&self, robot: &mut Simulation, memory: &mut Memory, stream: &mut Stream) -> bool {
        let mut changed = false;
        for event in &self.events {
            changed |= event.step(robot, memory, stream);
        }
        changed
    }

    /// The numbers of the observation, in their order.
    pub fn observed<'a>(&'a self, context: Context<'a>) -> impl Iterator<Item = f64> + 'a {
        self.senses.iter().flat_map(move |sense| {
            let number = move |i| (sense.scale * (sense.read)(context, i)).clamp(sense.clip[0], sense.clip[1]);
            (0..sense.count).map(number)
        })
    }

    /// Writes the observation, `[observation]`.
    pub fn observe(&self, context: Context, out: &mut [f64]) {
        let numbers = self.observed(context);
        out.iter_mut().zip(numbers).for_each(|(slot, number)| *slot = number);
    }

    /// Writes the reward's terms before their [weights](Terms::weights), `[reward]`; the reward is the sum of their products.
    pub fn measure(&self, context: Context, out: &mut [f64]) {
        let ends = self.terminated(context);
        for (slot, measure) in out.iter_mut().zip(&self.rewards.measures) {
            *slot = measure(context, ends);
        }
    }

    /// The fault of a step with these reward terms, if one of them is no number.
    pub fn fault(&self, rewards: &[f64]) -> Option<&'static str> {
        rewards
            .iter()
            .position(|value| !value.is_finite())
            .map(|i| self.rewards.faults[i])
    }

    /// The fault of a step in which a formula, wherever it stands in the task, is no number.
    pub fn formula_fault(&self, context: Context) -> Option<&'static str> {
        let none = |(formula, _): &&(Formula, &'static str)| formula(context).is_nan();
        self.formulas.iter().find(none).map(|(_, fault)| *fault)
    }

    /// Whether the episode ends here, before its horizon.
    pub fn terminated(&self, context: Context) -> bool {
        self.terminations.iter().any(|ends| ends(context))
    }

    /// Whether the task is done now.
    pub fn success(&self, context: Context) -> bool {
        (self.success)(context)
    }
}
