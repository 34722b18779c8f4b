//! The true machine: fingers as rapier multibodies over a box with a spring-loaded button, on a table.

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use super::build::{add_box, add_finger, add_palm};
use super::controller::joints_of;
use super::hand::{FINGER_JOINTS, FINGERS, Hand, JOINT_LIMITS, LINK_RADIUS};
use super::scene::Scenery;
pub use super::start::{JOINTS, PALM_HALF_HEIGHT, RAISED, SLIDE_LIMITS, Start};
use super::task::{BOX_HALF, Grip, PALM_ABOVE_BOX};
use crate::hand3d::monitor::{Fault, advance, check_box, check_joints, check_overlaps, deepest_overlap};
use crate::hand3d::parts::empty_world;
use crate::hand3d::servo::{Driven, Servo, bend};
use crate::hand3d::stage::Stage;

/// Added inertia of every finger joint (its motor's rotor), kg m^2.
pub(super) const ARMATURE: f32 = 1e-4;
pub(super) const FINGER_SERVO: Servo = Servo {
    stiffness: 2.0,
    damping: 0.05,
    limit: 0.6,
};

/// A hand, a box and a table in rapier. The table's top is z = 0, the palm's slide is the z axis. Metres, radians.
#[derive(Serialize, Deserialize)]
pub struct Machine {
    /// In the palm's frame; see [`Stage`].
    world: PhysicsWorld,
    stage: Stage,
    joints: [[Driven; FINGER_JOINTS]; FINGERS],
    links: [[RigidBodyHandle; FINGER_JOINTS]; FINGERS],
    scenery: Scenery,
    lengths: [[f32; 2]; FINGERS],
    target: [f32; JOINTS],
    substeps: usize,
}

impl Machine {
    /// Builds the machine at rest; `substeps` physics steps make a control step.
    ///
    /// `None` if rapier refuses the hand, which a valid design cannot cause.
    pub fn new(hand: &Hand, start: &Start, substeps: usize) -> Option<Self> {
        let mut world = empty_world(substeps);
        let stage = Stage::new(&mut world, start.joints[0]);
        let scenery = add_box(&mut world, start, stage.position);
        let roots = add_palm(&mut world);
        let mut fingers = Vec::new();
        for (i, finger) in hand.fingers.iter().enumerate() {
            let parts = add_finger(&mut world, roots[i], finger)?;
            bend(&mut world, parts[0].1, &start.joints[joints_of(i)], ARMATURE)?;
            fingers.push(parts);
        }
        let fingers: [_; FINGERS] = fingers.try_into().ok()?;
        Some(Self {
            world,
            stage,
            joints: fingers.map(|parts| parts.map(|(_, joint)| Driven::new(joint))),
            links: fingers.map(|parts| parts.map(|(body, _)| body)),
            scenery,
            lengths: hand.fingers.map(|f| [f.proximal, f.distal].map(|l| l as f32)),
            target: start.joints,
            substeps,
        })
    }

    /// A number of the slide, then one of each finger joint.
    fn each(&self, slide: f32, number: impl Fn(&Driven) -> f32) -> [f32; JOINTS] {
        let mut out = [slide; JOINTS];
        let joints = self.joints.as_flattened();
        out[1..]
            .iter_mut()
            .zip(joints)
            .for_each(|(out, joint)| *out = number(joint));
        out
    }

    /// The slide's position, m, then the joint angles, rad, finger by finger.
    pub fn joints(&self) -> [f32; JOINTS] {
        self.each(self.stage.position, |joint| joint.angle(&self.world))
    }

    /// Speeds of the slide, m/s, and the joints, rad/s.
    pub fn speeds(&self) -> [f32; JOINTS] {
        self.each(self.stage.speed, |joint| joint.speed(&self.world))
    }

    /// Where the servos want the joints to be.
    pub fn targets(&self) -> &[f32; JOINTS] {
        &self.target
    }

    /// Root, knuckle and tip of a finger, m.
    pub fn finger(&self, finger: usize) -> [[f32; 3]; 3] {
        let body = |i: usize| &self.world.bodies[self.links[finger][i]];
        let end = |i: usize, length: f32| *body(i).position() * (Vector::X * length);
        let [_, distal] = self.lengths[finger];
        [end(1, 0.0), end(2, 0.0), end(2, distal)].map(|p| [p.x, p.y, p.z + self.stage.position])
    }

    /// Height of the palm's centre, m.
    pub fn palm_height(&self) -> f32 {
        (BOX_HALF[2] + PALM_ABOVE_BOX) as f32 + self.stage.position
    }

    /// The box with its button, and the world they are in.
    pub fn scenery(&self) -> (&Scenery, &PhysicsWorld) {
        (&self.scenery, &self.world)
    }

    /// What the task sees.
    pub fn grip(&self) -> Grip {
        self.scenery.grip(&self.world, self.palm_height())
    }

    /// Moves on by one control step with servo targets that go evenly to `targets` (m, rad), clamped to the stops.
    ///
    /// # Errors
    /// The reason why the physics gave up.
    pub fn step(&mut self, targets: &[f32; JOINTS]) -> Result<(), Fault> {
        let from = self.target;
        for k in 1..=self.substeps {
            self.drive();
            advance(&mut self.world)?;
            self.aim(&from, targets, k);
        }
        self.check_speeds()?;
        check_overlaps(&self.world, LINK_RADIUS)
    }

    /// The same with nothing but servo targets and rapier steps: the yardstick of the benchmark.
    pub(super) fn bare_step(&mut self, targets: &[f32; JOINTS]) {
        let from = self.target;
        for k in 1..=self.substeps {
            self.drive();
            self.world.step();
            self.aim(&from, targets, k);
        }
    }

    /// Moves the servos' targets to where they are after `k` physics steps on the way from one set to the next.
    fn aim(&mut self, from: &[f32; JOINTS], to: &[f32; JOINTS], k: usize) {
        let share = k as f32 / self.substeps as f32;
        for i in 0..JOINTS {
            let [low, high] = limits(i).map(|l| l as f32);
            self.target[i] = (from[i] + share * (to[i] - from[i])).clamp(low, high);
        }
    }

    /// Sets the servos for the next physics step.
    fn drive(&mut self) {
        self.stage.drive(&mut self.world, self.target[0]);
        self.scenery.raised = self.stage.position;
        self.scenery.rising = self.stage.speed;
        let joints = self.joints.as_flattened_mut().iter_mut();
        for (joint, &target) in joints.zip(&self.target[1..]) {
            joint.servo(&mut self.world, &FINGER_SERVO, target);
        }
    }

    fn check_speeds(&self) -> Result<(), Fault> {
        check_joints(self.speeds().iter())?;
        check_box(&self.world, self.scenery.object)
    }

    /// Depth of the deepest contact, m; 0 where nothing overlaps.
    pub fn deepest_overlap(&self) -> f32 {
        deepest_overlap(&self.world)
    }
}

/// Stops of joint `i`, m or rad.
pub fn limits(i: usize) -> [f64; 2] {
    match i.checked_sub(1) {
        None => SLIDE_LIMITS,
        Some(k) => JOINT_LIMITS[k % FINGER_JOINTS],
    }
}
