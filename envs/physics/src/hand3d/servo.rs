//! Servos of limited force, torques and stops of joints, by what a multibody offers: implicit springs and damping.

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

/// Where a constant torque's spring ends, rad from where the joint is.
const FAR: f32 = 100.0;

/// Stiffness, N m/rad, and damping, N m s/rad, of a joint's stops: 0.6 N m bend them by 0.2 degrees. The engine's own act
/// against the speed of a joint that is beyond them, so that one that is pressed against its stop never rests.
const STOP_STIFFNESS: f32 = 200.0;
const STOP_DAMPING: f32 = 0.5;

/// A servo: stiffness (N m/rad, N/m), damping (N m s/rad, N s/m) and limit (N m, N).
#[derive(Clone, Copy, Debug)]
pub(super) struct Servo {
    pub stiffness: f32,
    pub damping: f32,
    pub limit: f32,
}

/// A hinge of a finger: a multibody on a fixed root whose links have one joint each.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Driven {
    joint: MultibodyJointHandle,
    /// Speed in the step before, rad/s.
    before: f32,
}

impl Driven {
    pub fn new(joint: MultibodyJointHandle) -> Self {
        Self { joint, before: 0.0 }
    }

    /// Angle, rad.
    pub fn angle(&self, world: &PhysicsWorld) -> f32 {
        let finger = world.multibody_joints.get(self.joint);
        let link = finger.and_then(|(finger, link)| finger.link(link));
        link.map_or(0.0, |link| link.joint().coords()[3])
    }

    /// Speed, rad/s.
    pub fn speed(&self, world: &PhysicsWorld) -> f32 {
        let finger = world.multibody_joints.get(self.joint);
        finger.map_or(0.0, |(finger, link)| finger.generalized_velocity()[link - 1])
    }

    /// Sets a servo for the next physics step: `clamp(k (target - angle) - d speed, -limit, limit)`.
    ///
    /// The engine's speeds are those in the middle of its steps (it updates speeds, then positions by them), so that a
    /// torque of the mean of the speeds before and after a step is of second order in the step. The half of the damping
    /// that depends on the speed after the step is implicit. Beyond its limit a servo gives the limit itself, without
    /// damping: implicit damping would hold back a torque that the clamp has already cut. Which of both it is depends on
    /// the speed extrapolated from the last two.
    pub fn servo(&mut self, world: &mut PhysicsWorld, servo: &Servo, target: f32) {
        let speed = self.speed(world);
        let mean = speed + 0.5 * (speed - self.before);
        self.before = speed;
        let spring = servo.stiffness * (target - self.angle(world));
        let torque = spring - servo.damping * mean;
        match torque.abs() <= servo.limit {
            true => self.torque(world, spring, servo.damping),
            false => self.torque(world, servo.limit.copysign(torque), 0.0),
        }
    }

    /// Sets a torque for the next physics step, N m, and damping besides it, N m s/rad; beyond its stop also the stop's.
    pub fn torque(&self, world: &mut PhysicsWorld, torque: f32, damping: f32) {
        let Some((finger, id)) = world.multibody_joints.get_mut(self.joint) else {
            return;
        };
        let speed = finger.generalized_velocity()[id - 1];
        let torque = torque - 0.5 * damping * speed;
        let Some(link) = finger.link_mut(id) else {
            return;
        };
        let joint = &mut link.joint;
        let angle = joint.coords()[3];
        let stops = joint.data.limits[3];
        let within = angle.clamp(stops.min, stops.max);
        let at_stop = angle != within;
        match at_stop {
            true => joint.set_spring(3, STOP_STIFFNESS, within + torque / STOP_STIFFNESS),
            // a spring whose end is so far away that its torque stays the same
            false => joint.set_spring(3, torque.abs() / FAR, angle + FAR.copysign(torque)),
        }
        finger.damping_mut()[id - 1] = 0.5 * damping + if at_stop { STOP_DAMPING } else { 0.0 };
    }
}

/// Bends a freshly built finger to these angles, rad, and sets the inertia of its motors, kg m^2. Its stops are those of
/// [`Driven::torque`].
pub(super) fn bend(world: &mut PhysicsWorld, joint: MultibodyJointHandle, angles: &[f32], inertia: f32) -> Option<()> {
    let (finger, _) = world.multibody_joints.get_mut(joint)?;
    finger.set_self_contacts_enabled(false);
    // until its kinematics are computed, the multibody believes that its root is free
    finger.forward_kinematics(&world.bodies, true);
    if finger.ndofs() != angles.len() {
        return None;
    }
    finger.apply_displacements(angles);
    finger.forward_kinematics(&world.bodies, false);
    finger.update_rigid_bodies(&mut world.bodies, true);
    finger.armature_mut().fill(inertia);
    for link in finger.links_mut() {
        link.joint.data.limit_axes = JointAxesMask::empty();
    }
    Some(())
}
