//! What changes during an episode of the press task: targets, and the body in its world.

use rapier3d::math::{Rotation, Vector};
use serde::{Deserialize, Serialize};
use tandem_core::Outcome;

use super::controller::{PRESSER, Script, joints_of};
use super::hand::FINGERS;
use super::machine::{JOINTS, Machine, limits};
use super::mujoco::MujocoHand;
use super::puppet::Puppet;
use super::reward;
use super::scene::Sight;
use super::task::HOLD_STEPS;
use crate::hand3d::monitor::Fault;
use crate::hand3d::parts::contacts;

/// Motion of a target of the presser in one control step at command 1, rad.
pub(super) const PRESSER_STEP: f32 = 0.1;
/// What a command of 1 adds to the scripted grasp: slide, m, and joints of the gripping fingers, rad.
pub(super) const CORRECTION: [f32; 2] = [0.005, 0.15];

/// Fault of a design whose hand could not be built.
pub(super) const NO_HAND: &str = "the hand could not be built";

/// What the hand is at the moment.
#[derive(Serialize, Deserialize)]
pub(super) enum Body {
    /// Free links drawn to an effect's places.
    Puppet(Puppet),
    /// The true machine.
    Machine(Machine),
    /// The same in MuJoCo.
    Mujoco(MujocoHand),
}

impl Body {
    /// What is seen of box and button.
    pub(super) fn sight(&self) -> Sight {
        let (scenery, world) = match self {
            Self::Puppet(puppet) => puppet.scenery(),
            Self::Machine(machine) => machine.scenery(),
            Self::Mujoco(hand) => return hand.sight(),
        };
        scenery.sight(world)
    }

    /// Places where hand and box touch, m.
    pub(super) fn contacts(&self) -> Vec<[f32; 3]> {
        let (scenery, world) = match self {
            Self::Puppet(puppet) => puppet.scenery(),
            Self::Machine(machine) => machine.scenery(),
            Self::Mujoco(hand) => return hand.contacts(),
        };
        let places = contacts(world);
        places.map(|[x, y, z]| [x, y, z + scenery.raised]).collect()
    }

    pub(super) fn palm_height(&self) -> f32 {
        match self {
            Self::Puppet(puppet) => puppet.palm_height(),
            Self::Machine(machine) => machine.palm_height(),
            Self::Mujoco(hand) => hand.palm_height(),
        }
    }

    /// Knuckle and tip of a finger, m.
    pub(super) fn finger(&self, finger: usize) -> [[f32; 3]; 2] {
        match self {
            Self::Puppet(puppet) => puppet.finger(finger),
            Self::Machine(machine) => {
                let [_, knuckle, tip] = machine.finger(finger);
                [knuckle, tip]
            }
            Self::Mujoco(hand) => hand.finger(finger),
        }
    }
}

/// What changes during an episode.
#[derive(Serialize, Deserialize)]
pub struct State {
    /// The servos' targets: slide, m, finger joints, rad.
    pub(super) target: [f32; JOINTS],
    pub(super) step: usize,
    pub(super) held: usize,
    /// `None` for a design whose hand cannot be built.
    pub(super) body: Option<Body>,
    /// The grasp of the episode's design.
    #[serde(skip)]
    pub(super) script: Option<Script>,
}

impl State {
    /// What is seen of box and button.
    pub fn sight(&self) -> Option<Sight> {
        self.body.as_ref().map(Body::sight)
    }

    /// Places where hand and box touch, m.
    pub fn contacts(&self) -> Vec<[f32; 3]> {
        self.body.as_ref().map_or_else(Vec::new, Body::contacts)
    }

    /// Height of the palm's centre, m.
    pub fn palm_height(&self) -> Option<f32> {
        self.body.as_ref().map(Body::palm_height)
    }

    /// Knuckle and tip of a finger, m.
    pub fn finger(&self, finger: usize) -> Option<[[f32; 3]; 2]> {
        self.body.as_ref().map(|body| body.finger(finger))
    }

    /// The servos' targets after a command: the scripted grasp with corrections, the presser where its steps bring
    /// it.
    pub(super) fn next_target(&self, command: &[f32]) -> [f32; JOINTS] {
        let presser = joints_of(PRESSER);
        let script = self.script.as_ref();
        let mut target = script.map_or(self.target, |s| s.grasp(self.step));
        target[presser.clone()].copy_from_slice(&self.target[presser.clone()]);
        for (i, (t, u)) in target.iter_mut().zip(command).enumerate() {
            let unit = match presser.contains(&i) {
                true => PRESSER_STEP,
                false => CORRECTION[i.min(1)],
            };
            let [low, high] = limits(i).map(|l| l as f32);
            *t = (*t + unit * u.clamp(-1.0, 1.0)).clamp(low, high);
        }
        target
    }

    /// The command that follows the scripted press as far as a command can.
    pub fn scripted(&self) -> [f32; JOINTS] {
        let mut command = [0.0; JOINTS];
        if let Some(script) = &self.script {
            let wanted = script.targets(self.step);
            for i in joints_of(PRESSER) {
                command[i] = ((wanted[i] - self.target[i]) / PRESSER_STEP).clamp(-1.0, 1.0);
            }
        }
        command
    }

    /// Counts, rewards and judges the state reached.
    pub(super) fn conclude(&mut self, command: &[f32], moved: Result<(), Fault>, terms: &mut [f32]) -> Outcome {
        self.step += 1;
        let body = match (&self.body, moved) {
            (_, Err(fault)) => return Outcome::fault(fault),
            (None, _) => return Outcome::fault(NO_HAND),
            (Some(body), Ok(())) => body,
        };
        let grip = body.sight().grip(body.palm_height());
        let gap = reward::button_gap(&tips_in_box(body), grip.press as f32);
        terms.copy_from_slice(&reward::terms(&grip, gap, command));
        self.held = if grip.succeeds() { self.held + 1 } else { 0 };
        Outcome {
            success: self.held >= HOLD_STEPS,
            ..Outcome::default()
        }
    }
}

/// The tips in the box's frame, m.
pub(super) fn tips_in_box(body: &Body) -> [[f32; 3]; FINGERS] {
    let (place, turn) = body.sight().object;
    let back = Rotation::from_array(turn).inverse();
    std::array::from_fn(|i| {
        let [_, tip] = body.finger(i);
        (back * (Vector::from_array(tip) - Vector::from_array(place))).to_array()
    })
}
