//! The contract between worlds, hardware models and everything that trains or judges them.
//!
//! ```text
//! observation ─► policy ─► command ─► query ─► hardware(design) ─► effect ─► world ─► reward
//! ```
//!
//! A [`Problem`] can be moved in two ways, chosen at [`Problem::reset`] by [`Fidelity`]:
//! under an *effect*, true or proxied ([`Problem::query`], then [`Problem::apply`]), which is cheap and is
//! where proxies are trained; or as the complete physical machine built from the design
//! ([`Problem::full_step`]), which is where designs are judged.
//!
//! # Where to cut hardware from world
//!
//! *Hardware* is what is designed and can be asked alone: a pure function from a design and a query, the part of state
//! and command that it sees, to an effect. The *world* is everything that has state. Cut where few numbers cross: a
//! proxy of the hardware is trained on that interface, and the gradient of the design flows through it.
//!
//! - The query must hold all that the effect depends on beside the design. What is left out appears as noise.
//! - The effect must hold all of the design that the world feels. What acts past it is never credited to the design.
//! - A spring is asked a position and answers with a force; the mass stays in the world, and the force lives on in its
//!   velocity: [`Problem::effects_last`] is true. An arm whose joints follow their command is asked angles and answers
//!   with the tip's position; the reward sees the tip and the state only the angles: it is false.
//! - Effects that the task sees come first ([`Hardware::task_effects`]); what only moves the state comes after them.
//!
//! All sizes are fixed at construction; slices are filled, nothing is allocated per step.

use std::sync::Arc;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::check::SettingError;

pub use crate::channel::{Channel, CommandSpace};
use crate::design::DesignError;
pub use crate::hardware::{Hardware, IdentityHardware};
use crate::mechanism::Mechanism;
use crate::model_file::ModelFile;
use crate::scene::Scene;
use crate::stream::Stream;

/// Sizes, names and units of a problem.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Spec {
    /// Name of the problem.
    pub name: String,
    /// The observation's numbers.
    pub observation: Vec<Channel>,
    /// What the policy commands.
    pub command: CommandSpace,
    /// Terms that add up to the reward, for logging.
    pub reward_terms: Vec<String>,
    /// Longest episode in control steps; the last one is `truncated`.
    pub horizon: usize,
    /// Duration of a control step, s.
    pub control_dt: f64,
}

/// How a problem is moved during an episode.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Fidelity {
    /// By effects: [`Problem::query`] and [`Problem::apply`].
    Effect,
    /// As the complete physical machine: [`Problem::full_step`].
    Full,
}

/// Fault of a full step in an episode that was started in [`Fidelity::Effect`].
pub const NOT_FULL: &str = "the episode was not started in full fidelity";

/// What a control step gave.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Step {
    /// Reward of this step.
    pub reward: f32,
    /// The episode ended by its own rules; nothing follows.
    pub terminated: bool,
    /// The episode was cut at the horizon; the final state still has a value.
    pub truncated: bool,
    /// The task's success criterion has been met in this episode.
    pub success: bool,
    /// The simulation failed (diverging physics, say): a fixed reason for the log. Comes with `terminated`.
    pub fault: Option<&'static str>,
}

impl Step {
    /// Whether the episode is over.
    pub fn ended(&self) -> bool {
        self.terminated || self.truncated
    }
}

/// What can go wrong in a problem.
#[derive(Debug, Error)]
pub enum ProblemError {
    /// The design cannot be built.
    #[error(transparent)]
    Design(#[from] DesignError),
    /// A setting is out of range.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// A saved state does not fit.
    #[error("saved state of problem `{problem}` does not fit: {reason}")]
    State {
        /// Name of the problem.
        problem: String,
        /// What is wrong.
        reason: String,
    },
}

/// How MuJoCo moves a problem's physical machine, so that it judges by the problem's own rewards and its own success.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InMujoco<P> {
    /// It does so always: there is nothing to compare with.
    Already,
    /// In this problem, which is the same but for what moves the machine in full fidelity.
    As(P),
}

impl<P> InMujoco<P> {
    /// The same of what `f` makes of the problem.
    pub fn map<Q>(self, f: impl FnOnce(P) -> Q) -> InMujoco<Q> {
        match self {
            Self::Already => InMujoco::Already,
            Self::As(problem) => InMujoco::As(f(problem)),
        }
    }
}

/// A world with its hardware: one environment.
pub trait Problem: Send {
    /// Sizes, names and units.
    fn spec(&self) -> &Spec;

    /// The hardware model.
    fn hardware(&self) -> Arc<dyn Hardware>;

    /// Whether an effect leaves a trace in the state: whether it still matters after the next reward. Methods credit
    /// an effect with what follows it where this is true, and with the next reward alone where it is not, which is
    /// exact there and less noisy. If in doubt, it is true: a trace that is not credited is never learnt from.
    fn effects_last(&self) -> bool {
        true
    }

    /// Another environment of the same problem, to be reset before use.
    fn fresh(&self) -> Box<dyn Problem>;

    /// The same with the time step of its physical machine divided by `factor`, where there is one: a check that a judgement
    /// does not depend on the step.
    fn refined(&self, _factor: usize) -> Option<Box<dyn Problem>> {
        None
    }

    /// The same with its physical machine computed by an independent engine, at a step at which that one has converged; `None`
    /// where there is no such machine.
    fn reference(&self) -> Option<Box<dyn Problem>> {
        None
    }

    /// The same with its physical machine moved by MuJoCo: a second judge. `None` where there is no machine that MuJoCo could
    /// move, that is where [`Problem::mechanism`] gives none.
    fn in_mujoco(&self) -> Option<InMujoco<Box<dyn Problem>>> {
        None
    }

    /// Starts an episode with this design; all randomness of the episode comes from `stream`.
    ///
    /// # Errors
    /// A design that cannot be built.
    fn reset(&mut self, design: &[f64], fidelity: Fidelity, stream: &mut Stream) -> Result<(), ProblemError>;

    /// Writes the observation, `[observation]`.
    fn observe(&self, out: &mut [f32]);

    /// Writes what the hardware is asked when this command is given now, `[query]`.
    fn query(&self, command: &[f32], out: &mut [f32]);

    /// Moves the world by one control step under an effect, true or proxied, of the command last queried.
    fn apply(&mut self, command: &[f32], effect: &[f32]) -> Step;

    /// Moves the complete physical machine by one control step.
    fn full_step(&mut self, command: &[f32]) -> Step;

    /// Writes the last step's reward terms, `[reward_terms]`; they add up to its reward, but for those that are
    /// [only logged](Problem::only_logged).
    fn reward_terms(&self, out: &mut [f32]);

    /// Which of the reward's terms are for the log only and no part of the reward.
    fn only_logged(&self) -> &[usize] {
        &[]
    }

    /// Everything that is needed to continue this episode exactly.
    fn save(&self) -> Vec<u8>;

    /// Continues a saved episode.
    ///
    /// # Errors
    /// Bytes that do not come from [`Problem::save`] of the same problem.
    fn load(&mut self, bytes: &[u8]) -> Result<(), ProblemError>;

    /// What the current state looks like.
    fn scene(&self) -> Scene;

    /// The machine that a design builds, for other simulators; `None` where the problem has none.
    ///
    /// # Errors
    /// A design that cannot be built.
    fn mechanism(&self, _design: &[f64]) -> Result<Option<Mechanism>, ProblemError> {
        Ok(None)
    }

    /// The machine's own file, where it is made of one, as a design changes it.
    ///
    /// # Errors
    /// A design that cannot be built, a file that is gone.
    fn model_file(&self, _design: &[f64]) -> Result<Option<ModelFile>, ProblemError> {
        Ok(None)
    }
}
