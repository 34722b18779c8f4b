//! The exported hand in MuJoCo: a second judge.

use serde::{Deserialize, Serialize};
use tandem_mujoco::Machine;

use super::config::Settings;
use super::hand::{FINGERS, Hand, LINK_RADIUS};
use super::machine::limits;
use super::scene::Sight;
use super::start::{JOINTS, Start};
use super::task::BOX_HALF;
use super::{controller::joints_of, export};
use crate::hand3d::monitor::{Fault, check_throw};
use crate::hand3d::mujoco::{about_z, build, check, contacts, narrow, placed, speed, velocity};

/// Bodies of the mechanism: the palm and the links of the fingers, whose joints and servos have the same numbers, then these.
const BOX: usize = JOINTS;
const BUTTON: usize = JOINTS + 1;

/// A hand, a box and a table in MuJoCo. Metres, radians.
#[derive(Serialize, Deserialize)]
pub struct MujocoHand {
    machine: Machine,
    /// Lengths of the distal links, m.
    distal: [f64; FINGERS],
    target: [f32; JOINTS],
    substeps: usize,
}

impl MujocoHand {
    /// Builds the hand at rest; `substeps` physics steps make a control step.
    ///
    /// `None` if MuJoCo refuses it, which a valid design cannot cause.
    pub(super) fn new(settings: &Settings, hand: &Hand, start: &Start, substeps: usize) -> Option<Self> {
        let mut machine = build(export::mechanism(settings, hand), substeps)?;
        for (i, &joint) in start.joints.iter().enumerate() {
            machine.put(i, joint.into());
            machine.aim(i, joint.into(), 0.0);
        }
        let [x, y] = start.offset;
        machine.lay(BOX, ([x, y, BOX_HALF[2]], about_z(start.turn)));
        machine.refresh().ok()?;
        Some(Self {
            machine,
            distal: hand.fingers.map(|finger| finger.distal),
            target: start.joints,
            substeps,
        })
    }

    /// Whether a hand that was stored has all its parts.
    pub(super) fn is_whole(&self) -> bool {
        [self.machine.bodies(), self.machine.actuators()] == [BUTTON + 1, JOINTS] && self.substeps > 0
    }

    /// What is seen of box and button.
    pub(super) fn sight(&self) -> Sight {
        Sight {
            object: placed(&self.machine, BOX),
            button: placed(&self.machine, BUTTON),
            velocity: velocity(&self.machine, BOX),
            press: -self.machine.position(BUTTON),
        }
    }

    /// Height of the palm's centre, m.
    pub(super) fn palm_height(&self) -> f32 {
        self.machine.place(0).0[2] as f32
    }

    /// Knuckle and tip of a finger, m.
    pub(super) fn finger(&self, finger: usize) -> [[f32; 3]; 2] {
        let link = joints_of(finger).end - 1;
        let end = |along: f64| narrow(self.machine.point(link, [along, 0.0, 0.0]));
        [end(0.0), end(self.distal[finger])]
    }

    /// Places where hand and box touch, m.
    pub(super) fn contacts(&self) -> Vec<[f32; 3]> {
        contacts(&self.machine)
    }

    /// Moves on by one control step with servo targets that go evenly to `targets` (m, rad), clamped to the stops.
    ///
    /// # Errors
    /// The reason why the physics gave up.
    pub(super) fn step(&mut self, targets: &[f32; JOINTS]) -> Result<(), Fault> {
        let from = self.target;
        for k in 1..=self.substeps {
            let share = k as f32 / self.substeps as f32;
            for i in 0..JOINTS {
                let [low, high] = limits(i).map(|l| l as f32);
                self.target[i] = (from[i] + share * (targets[i] - from[i])).clamp(low, high);
                self.machine.aim(i, self.target[i].into(), 0.0);
            }
            self.machine.step()?;
        }
        self.machine.refresh()?;
        let speeds: [f32; JOINTS] = std::array::from_fn(|i| self.machine.speed(i) as f32);
        check(&self.machine, &speeds, LINK_RADIUS)?;
        check_throw(speed(&self.machine, BOX))
    }
}
