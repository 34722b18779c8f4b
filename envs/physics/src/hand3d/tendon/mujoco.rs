//! The exported hand in MuJoCo: a second judge. Its tendon and its springs are MuJoCo's own.

use serde::{Deserialize, Serialize};
use tandem_mujoco::Machine;

use super::export;
use super::hand::{FINGER_JOINTS, FINGERS, JOINTS, Joint, LENGTHS, LINK_RADIUS};
use super::machine::{Angles, SLIDE_LIMITS, Sight};
use super::object::{Object, SPIN_DAMPING};
use crate::hand3d::monitor::{Fault, beyond_throw};
use crate::hand3d::mujoco::{build, check, contacts, narrow, placed, speed, velocity};

/// Bodies of the mechanism: the palm, the links finger by finger, the object.
const PALM: usize = 0;
const FIRST_LINK: usize = 1;
const OBJECT: usize = FIRST_LINK + JOINTS;
/// Actuators of the mechanism.
const MOTOR: usize = 0;
const STAGE: usize = 1;

/// A hand, an object and a table in MuJoCo.
#[derive(Serialize, Deserialize)]
pub(super) struct MujocoHand {
    machine: Machine,
    /// The stage's target, m.
    slide: f32,
    substeps: usize,
}

impl MujocoHand {
    /// Builds the hand at rest with its fingers at these angles; `substeps` physics steps make a control step.
    ///
    /// `None` if MuJoCo refuses it, which a valid design cannot cause.
    pub fn new(joints: &[Joint; JOINTS], object: &Object, angles: &Angles, substeps: usize) -> Option<Self> {
        let mut machine = build(export::mechanism(joints, object), substeps)?;
        for (i, &angle) in angles.iter().enumerate() {
            machine.put(FIRST_LINK + i, angle.into());
        }
        machine.refresh().ok()?;
        Some(Self {
            machine,
            slide: 0.0,
            substeps,
        })
    }

    /// Whether a hand that was stored has all its parts.
    pub fn is_whole(&self) -> bool {
        [self.machine.bodies(), self.machine.actuators()] == [OBJECT + 1, STAGE + 1] && self.substeps > 0
    }

    /// What is seen of hand and object.
    pub fn sight(&self) -> Sight {
        let machine = &self.machine;
        let finger = |i: usize| {
            let link = FIRST_LINK + i * FINGER_JOINTS;
            let end = |link: usize, along: f64| narrow(machine.point(link, [along, 0.0, 0.0]));
            [end(link, 0.0), end(link + 1, 0.0), end(link + 1, LENGTHS[1])]
        };
        Sight {
            angles: std::array::from_fn(|i| machine.position(FIRST_LINK + i) as f32),
            speeds: self.speeds(),
            fingers: std::array::from_fn::<_, FINGERS, _>(finger),
            palm: machine.place(PALM).0[2] as f32,
            object: placed(machine, OBJECT),
            velocity: velocity(machine, OBJECT)[0],
        }
    }

    fn speeds(&self) -> Angles {
        std::array::from_fn(|i| self.machine.speed(FIRST_LINK + i) as f32)
    }

    /// Whether the object has been squeezed out and flies away.
    pub fn has_lost(&self) -> bool {
        beyond_throw(speed(&self.machine, OBJECT))
    }

    /// Places where hand and object touch, m.
    pub fn contacts(&self) -> Vec<[f32; 3]> {
        contacts(&self.machine)
    }

    /// Moves on by one control step: the slide goes evenly to `slide`, m, the tendon pulls by `tension`, N, and the object is
    /// pushed by `push`, N, sideways. The mean force with which the table bears the object, N.
    ///
    /// # Errors
    /// The reason why the physics gave up.
    pub fn step(&mut self, slide: f32, tension: f32, push: [f32; 2]) -> Result<f32, Fault> {
        let [low, high] = SLIDE_LIMITS.map(|l| l as f32);
        let (from, to) = (self.slide, slide.clamp(low, high));
        self.machine.push(OBJECT, [push[0].into(), push[1].into(), 0.0]);
        self.machine.aim(MOTOR, tension.into(), 0.0);
        let mut borne = 0.0;
        for k in 1..=self.substeps {
            self.slide = from + k as f32 / self.substeps as f32 * (to - from);
            self.machine.aim(STAGE, self.slide.into(), 0.0);
            self.machine.brake(OBJECT, SPIN_DAMPING);
            self.machine.step()?;
            borne += self.borne();
        }
        self.machine.refresh()?;
        let speeds = self.speeds();
        check(&self.machine, &speeds, LINK_RADIUS)?;
        Ok((borne / self.substeps as f64) as f32)
    }

    /// The force with which the table, which alone is fixed to the world, bears the object in the last physics step, N.
    fn borne(&self) -> f64 {
        let of_table = |bodies: [Option<usize>; 2]| bodies.contains(&None) && bodies.contains(&Some(OBJECT));
        let contacts = self.machine.contacts().filter(|c| of_table(c.bodies));
        contacts.map(|c| c.force[2]).sum::<f64>().abs()
    }
}
