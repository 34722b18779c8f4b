//! What the terms of a task share while they are built, and the parts that they are built into.

use std::ops::Range;
use std::sync::Arc;

use mujoco_rs::wrappers::MjModel;
use tandem_core::check::SettingError;
use tandem_core::spelling::hint;
use tandem_core::{Channel, Stream};

use super::{Context, Memory};
use crate::simulation::Simulation;

/// Reads one number of an observation, by its position.
pub type Read = Box<dyn Fn(Context, usize) -> f64 + Send + Sync>;
/// Measures what is rewarded; told whether the episode ends in this step.
pub type Measure = Box<dyn Fn(Context, bool) -> f64 + Send + Sync>;
/// A formula over numbers of observation terms.
pub type Formula = Arc<dyn Fn(Context) -> f64 + Send + Sync>;
/// Says yes or no.
pub type Judge = Box<dyn Fn(Context) -> bool + Send + Sync>;
/// The control that one of a term's commands, by position, amounts to.
pub type Drive = Box<dyn Fn(&MjModel, usize, f64) -> f64 + Send + Sync>;
/// Brings up to date what a term remembers, after the start (`true`) or a control step of an episode.
pub type Keeper = Box<dyn Fn(&Simulation, &mut Memory, bool) + Send + Sync>;

/// An observation term, built.
pub struct Observation {
    /// What to add to the term's name for each number (nothing, where it has one), with its unit.
    pub channels: Vec<Channel>,
    /// Reads them.
    pub read: Read,
}

/// An action term, built.
pub struct Action {
    /// Names of what it commands, in [-1, 1].
    pub names: Vec<String>,
    /// Control of MuJoCo that each is written to.
    pub controls: Vec<usize>,
    /// Turns commands into controls.
    pub drive: Drive,
}

/// Something that happens by chance at the start of an episode or during it.
pub trait Event: Send + Sync {
    /// Draws what the robot of an episode is like, before it is built.
    fn draw(&self, _memory: &mut Memory, _stream: &mut Stream) {}
    /// Whether [`Event::randomise`] does anything.
    fn changes_model(&self) -> bool {
        false
    }
    /// Changes the robot as was drawn.
    fn randomise(&self, _model: &mut MjModel, _memory: &Memory) {}
    /// Sets the state in which an episode begins.
    fn start(&self, _robot: &mut Simulation, _memory: &mut Memory, _stream: &mut Stream) {}
    /// Happens after each control step; whether it has changed the robot's state.
    fn step(&self, _robot: &mut Simulation, _memory: &mut Memory, _stream: &mut Stream) -> bool {
        false
    }
}

/// What a command term tells the robot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// Velocity forwards and to the left in the root's frame, m/s, and turning rate, rad/s.
    Velocity,
    /// A place in the world, m.
    Position,
}

/// A command that other terms look up.
#[derive(Clone, Debug)]
pub struct Command {
    /// Its name.
    pub name: String,
    /// What it tells.
    pub told: Told,
    /// Where its numbers lie in [`Memory::command`].
    pub range: Range<usize>,
}

/// Commands arrive late by a number of control steps that is drawn for each episode.
#[derive(Clone, Debug)]
pub struct Delay {
    /// Slot of the number of steps.
    pub slot: usize,
    /// Most steps.
    pub most: usize,
    /// Slots of the last commands, the newest first.
    pub history: Range<usize>,
}

/// What the terms of a task share while they are built.
#[derive(Default)]
pub struct Shared {
    /// Numbers that are remembered so far.
    pub kept: usize,
    /// Who brings them up to date.
    pub keepers: Vec<Keeper>,
    /// Commands by name.
    pub commands: Vec<Command>,
    /// Names of what the policy commands.
    pub action: Vec<String>,
    /// Key frame in which episodes begin; the reference pose without one.
    pub key: Option<usize>,
    /// How late commands arrive.
    pub delay: Option<Delay>,
    /// Whether forces between bodies are read.
    pub needs_forces: bool,
    /// Duration of a control step, s.
    pub control_dt: f64,
    /// Longest episode, control steps.
    pub horizon: usize,
}

impl Shared {
    /// Room for so many numbers that are remembered.
    pub fn keep(&mut self, count: usize) -> Range<usize> {
        let start = self.kept;
        self.kept += count;
        start..self.kept
    }

    /// The command of this name, or the first of its kind where no name is given.
    ///
    /// # Errors
    /// There is none, or it tells something else.
    pub fn command(&self, name: &str, told: Told) -> Result<Range<usize>, SettingError> {
        let mut fitting = self.commands.iter().filter(|c| c.told == told);
        let found = match name {
            "" => fitting.next(),
            name => fitting.find(|c| c.name == name),
        };
        found.map(|c| c.range.clone()).ok_or_else(|| {
            let known: Vec<&str> = self
                .commands
                .iter()
                .filter(|c| c.told == told)
                .map(|c| c.name.as_str())
                .collect();
            let kind = if told == Told::Velocity { "velocity" } else { "position" };
            let reason = match name {
                "" => format!("`task.command` has no {kind} command; there is none to follow"),
                name => format!("`task.command` has no {kind} command `{name}`; {}", hint(name, &known)),
            };
            SettingError::new("command", reason)
        })
    }

    /// Room for the commands that are on their way, once it is known how many numbers they have.
    pub fn make_room_for_delay(&mut self) {
        if let Some(delay) = &mut self.delay {
            let (start, n) = (self.kept, (delay.most + 1) * self.action.len());
            (self.kept, delay.history) = (start + n, start..start + n);
        }
    }

    /// The memory of an episode that has not begun.
    pub fn memory(&self) -> Memory {
        Memory {
            action: vec![0.0; self.action.len()],
            previous_action: vec![0.0; self.action.len()],
            command: vec![0.0; self.commands.last().map_or(0, |c| c.range.end)],
            kept: vec![0.0; self.kept],
            steps: 0,
        }
    }

    /// Remembers for how many control steps in a row something has been true.
    pub fn count(&mut self, is: impl Fn(Context) -> bool + Send + Sync + 'static) -> usize {
        let slot = self.keep(1).start;
        let control_dt = self.control_dt;
        self.keepers.push(Box::new(move |robot, memory, first| {
            let holds = !first
                && is(Context {
                    robot,
                    memory,
                    control_dt,
                });
            memory.kept[slot] = if holds { memory.kept[slot] + 1.0 } else { 0.0 };
        }));
        slot
    }
}
