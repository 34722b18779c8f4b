//! What changes during an episode of the lifting task.

use serde::{Deserialize, Serialize};

use super::hand::MOST_TENSION;
use super::machine::{Machine, SLIDE_LIMITS, Sight};
use super::mujoco::MujocoHand;
use super::object::Object;
use super::task::Hold;

/// What a command of 1 adds in a control step: tension, N, and height of the palm, m.
pub(super) const STEP: [f32; 2] = [3.0, 0.004];

/// What moves hand and object.
#[derive(Serialize, Deserialize)]
pub(super) enum Body {
    /// rapier: the true machine, and the one under effects.
    Machine(Box<Machine>),
    /// MuJoCo.
    Mujoco(MujocoHand),
}

impl Body {
    /// What is seen of hand and object.
    pub(super) fn sight(&self) -> Sight {
        match self {
            Self::Machine(machine) => machine.sight(),
            Self::Mujoco(hand) => hand.sight(),
        }
    }

    /// Whether the object has been squeezed out and flies away.
    pub(super) fn has_lost(&self) -> bool {
        match self {
            Self::Machine(machine) => machine.has_lost(),
            Self::Mujoco(hand) => hand.has_lost(),
        }
    }

    /// Places where hand and object touch, m.
    pub(super) fn contacts(&self) -> Vec<[f32; 3]> {
        match self {
            Self::Machine(machine) => machine.contacts().collect(),
            Self::Mujoco(hand) => hand.contacts(),
        }
    }
}

/// What changes during an episode.
#[derive(Serialize, Deserialize)]
pub struct State {
    pub(super) object: Object,
    /// Direction of the push, rad.
    pub(super) heading: f64,
    /// N.
    pub(super) tension: f32,
    /// m.
    pub(super) slide: f32,
    pub(super) step: usize,
    pub(super) hold: Hold,
    /// `None` where it could not be built.
    pub(super) body: Option<Body>,
}

impl State {
    /// What is seen of hand and object.
    pub fn sight(&self) -> Option<Sight> {
        self.body.as_ref().map(Body::sight)
    }

    /// The object as it was at the start.
    pub fn object(&self) -> &Object {
        &self.object
    }

    /// Places where hand and object touch, m.
    pub fn contacts(&self) -> Vec<[f32; 3]> {
        self.body.as_ref().map_or_else(Vec::new, Body::contacts)
    }

    /// The machine, for the benchmark.
    pub(super) fn machine_mut(&mut self) -> Option<&mut Machine> {
        match &mut self.body {
            Some(Body::Machine(machine)) => Some(machine),
            _ => None,
        }
    }

    /// Tension, N, and slide, m, after a command.
    pub(super) fn next(&self, command: &[f32]) -> (f32, f32) {
        let unit = |i: usize| STEP[i] * command.get(i).copied().unwrap_or(0.0).clamp(-1.0, 1.0);
        let [low, high] = SLIDE_LIMITS.map(|l| l as f32);
        (
            (self.tension + unit(0)).clamp(0.0, MOST_TENSION as f32),
            (self.slide + unit(1)).clamp(low, high),
        )
    }
}
