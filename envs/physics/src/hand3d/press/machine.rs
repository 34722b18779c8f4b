//! The true machine: the hand as a rapier multibody over a box with a spring-loaded button, on a table.

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use super::build::{add_box, add_finger, add_palm};
use super::hand::{FINGER_JOINTS, FINGERS, Hand, JOINT_LIMITS, LINK_RADIUS};
use super::scene::Scenery;
pub use super::start::{JOINTS, PALM_HALF_HEIGHT, RAISED, SLIDE_LIMITS, Start};
use super::task::Grip;
use crate::hand3d::monitor::{Fault, advance, check_bodies, check_joints, check_overlaps, deepest_overlap};
use crate::hand3d::parts::table_world;

/// Added inertia of every finger joint (its motor's rotor), kg m^2.
pub(super) const ARMATURE: f32 = 1e-4;
/// A servo: stiffness (N m/rad, N/m), damping (N m s/rad, N s/m) and limit (N m, N).
pub(super) struct Servo {
    pub stiffness: f32,
    pub damping: f32,
    pub limit: f32,
}
pub(super) const FINGER_SERVO: Servo = Servo {
    stiffness: 2.0,
    damping: 0.05,
    limit: 0.6,
};
pub(super) const SLIDE_SERVO: Servo = Servo {
    stiffness: 5000.0,
    damping: 100.0,
    limit: 60.0,
};

/// A hand, a box and a table in rapier. The table's top is z = 0, the palm's slide is the z axis. Metres, radians.
#[derive(Serialize, Deserialize)]
pub struct Machine {
    world: PhysicsWorld,
    chain: MultibodyJointHandle,
    links: Vec<RigidBodyHandle>,
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
        let mut world = table_world(substeps);
        let scenery = add_box(&mut world, start);
        let base = world.insert_body(RigidBodyBuilder::fixed());
        let (palm, chain) = add_palm(&mut world, base)?;
        let mut links = vec![palm];
        for finger in &hand.fingers {
            links.extend(add_finger(&mut world, palm, finger)?);
        }
        let mut machine = Self {
            world,
            chain,
            links,
            scenery,
            lengths: hand.fingers.map(|f| [f.proximal, f.distal].map(|l| l as f32)),
            target: start.joints,
            substeps,
        };
        machine.pose(&start.joints)?;
        Some(machine)
    }

    /// Moves the freshly built hand to these joints and sets its damping and armature.
    fn pose(&mut self, joints: &[f32; JOINTS]) -> Option<()> {
        let world = &mut self.world;
        let (chain, _) = world.multibody_joints.get_mut(self.chain)?;
        chain.set_self_contacts_enabled(false);
        // until its kinematics are computed, the multibody believes that its root is free
        chain.forward_kinematics(&world.bodies, true);
        if chain.ndofs() != JOINTS {
            return None;
        }
        chain.apply_displacements(joints);
        chain.forward_kinematics(&world.bodies, false);
        chain.update_rigid_bodies(&mut world.bodies, true);
        chain.damping_mut().fill(FINGER_SERVO.damping);
        chain.damping_mut()[0] = SLIDE_SERVO.damping;
        chain.armature_mut().fill(ARMATURE);
        Some(())
    }

    fn hand(&self) -> Option<&Multibody> {
        self.world.multibody_joints.get(self.chain).map(|c| c.0)
    }

    /// The slide's position, m, then the joint angles, rad, finger by finger.
    pub fn joints(&self) -> [f32; JOINTS] {
        let mut out = [0.0; JOINTS];
        for (i, link) in self.hand().iter().flat_map(|h| h.links()).skip(1).enumerate() {
            let coords = link.joint().coords();
            out[i] = if i == 0 { coords[0] } else { coords[3] };
        }
        out
    }

    /// Speeds of the slide, m/s, and the joints, rad/s.
    pub fn speeds(&self) -> [f32; JOINTS] {
        let mut out = [0.0; JOINTS];
        if let Some(hand) = self.hand() {
            let speeds = hand.generalized_velocity();
            out.iter_mut().zip(speeds.iter()).for_each(|(o, &v)| *o = v);
        }
        out
    }

    /// Where the servos want the joints to be.
    pub fn targets(&self) -> &[f32; JOINTS] {
        &self.target
    }

    /// Root, knuckle and tip of a finger, m.
    pub fn finger(&self, finger: usize) -> [[f32; 3]; 3] {
        let first = 1 + finger * FINGER_JOINTS;
        let body = |i: usize| &self.world.bodies[self.links[first + i]];
        let end = |i: usize, length: f32| *body(i).position() * (Vector::X * length);
        let [_, distal] = self.lengths[finger];
        [end(1, 0.0), end(2, 0.0), end(2, distal)].map(|p| [p.x, p.y, p.z])
    }

    /// Height of the palm's centre, m.
    pub fn palm_height(&self) -> f32 {
        self.world.bodies[self.links[0]].translation().z
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
            self.aim(&from, targets, k);
            advance(&mut self.world)?;
            self.check_speeds()?;
        }
        check_overlaps(&self.world, LINK_RADIUS)
    }

    /// The same with nothing but servo targets and rapier steps: the yardstick of the benchmark.
    pub(super) fn bare_step(&mut self, targets: &[f32; JOINTS]) {
        let from = self.target;
        for k in 1..=self.substeps {
            self.aim(&from, targets, k);
            self.world.step();
        }
    }

    /// Sets the servos for the `k`-th physics step on the way from one set of targets to the next.
    fn aim(&mut self, from: &[f32; JOINTS], to: &[f32; JOINTS], k: usize) {
        let share = k as f32 / self.substeps as f32;
        for i in 0..JOINTS {
            let [low, high] = limits(i).map(|l| l as f32);
            self.target[i] = (from[i] + share * (to[i] - from[i])).clamp(low, high);
        }
        self.drive();
    }

    /// Sets the servos for the next physics step, as implicit springs whose rest is chosen such that the force at
    /// the present speed is `clamp(k (target - position) - d speed, -limit, limit)`.
    fn drive(&mut self) {
        let dt = self.world.integration_parameters.dt;
        let Some((chain, _)) = self.world.multibody_joints.get_mut(self.chain) else {
            return;
        };
        for i in 0..JOINTS {
            let speed = chain.generalized_velocity()[i];
            let (servo, axis) = match i {
                0 => (&SLIDE_SERVO, 0),
                _ => (&FINGER_SERVO, 3),
            };
            let Some(link) = chain.link_mut(i + 1) else {
                return;
            };
            let ahead = link.joint.coords()[axis] + dt * speed;
            let force = servo.stiffness * (self.target[i] - ahead) - servo.damping * speed;
            let force = force.clamp(-servo.limit, servo.limit);
            let rest = ahead + (force + servo.damping * speed) / servo.stiffness;
            link.joint.set_spring(axis, servo.stiffness, rest);
        }
    }

    fn check_speeds(&self) -> Result<(), Fault> {
        check_joints(self.speeds().iter())?;
        check_bodies(&self.world, self.scenery.object)
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
