//! The hand in rapier: a palm on a slide, three fingers of two links, joint torques from outside.

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use super::hand::{FINGER_JOINTS, JOINT_LIMITS, JOINTS, LENGTHS, LINK_RADIUS, PALM_RADIUS, ROOTS};
use super::object::Object;
use crate::hand3d::monitor::{Fault, advance, check_bodies, check_joints, check_overlaps, deepest_overlap};
use crate::hand3d::parts::{
    CONTROL_DT, FRICTION, GROUP_HAND, GROUP_OBJECT, axis_frame, groups, hinge, limb, link_shape, table_world, vector,
};

/// Lower and upper stop of the palm's slide, m.
pub const SLIDE_LIMITS: [f64; 2] = [0.0, 0.1];
/// Height of the palm's centre above the table with the slide at 0, m: straight down, a finger just clears the table.
pub const PALM_HEIGHT: f64 = 0.108;
/// Half height of the palm, m.
pub const PALM_HALF_HEIGHT: f64 = 0.015;
/// Mass of the palm, kg.
pub(super) const PALM_MASS: f32 = 0.4;
/// The slide's servo: stiffness, N/m, damping, N s/m, and limit, N.
pub(super) const SLIDE_SERVO: [f32; 3] = [5000.0, 100.0, 60.0];
/// Damping of a finger joint, N m s/rad.
pub(super) const JOINT_DAMPING: f32 = 0.02;
/// Added inertia of a finger joint, kg m^2.
pub(super) const ARMATURE: f32 = 1e-4;
/// How stiff contacts are, Hz: rapier's are springs of the touching bodies' own mass at a natural frequency. At its 30 Hz
/// a finger sinks more than a centimetre into a ball of 20 g that it holds with 8 N.
const CONTACT_FREQUENCY: f32 = 60.0;
/// Torques beyond this are cut, N m: more than any transmission gives.
const TORQUE_LIMIT: f32 = 1.0;

/// Joint angles, finger by finger, rad; also their speeds, rad/s, and torques, N m.
pub type Angles = [f32; JOINTS];

/// A hand, an object and a table in rapier. The table's top is z = 0, the palm's slide is the z axis.
#[derive(Serialize, Deserialize)]
pub struct Machine {
    world: PhysicsWorld,
    chain: MultibodyJointHandle,
    palm: RigidBodyHandle,
    links: [RigidBodyHandle; JOINTS],
    object: RigidBodyHandle,
    slide: f32,
    substeps: usize,
}

impl Machine {
    /// Builds the machine at rest with its fingers at these angles; `substeps` physics steps make a control step.
    ///
    /// `None` if rapier refuses the hand, which cannot happen with its fixed dimensions.
    pub fn new(object: &Object, angles: &Angles, substeps: usize) -> Option<Self> {
        let mut world = table_world(substeps);
        world.integration_parameters.contact_softness.natural_frequency = CONTACT_FREQUENCY;
        let object = object.insert(&mut world);
        let base = world.insert_body(RigidBodyBuilder::fixed());
        let (palm, chain) = add_palm(&mut world, base)?;
        let mut links = [RigidBodyHandle::invalid(); JOINTS];
        let fingers = links.as_chunks_mut::<FINGER_JOINTS>().0;
        for (finger, root) in fingers.iter_mut().zip(ROOTS) {
            *finger = add_finger(&mut world, palm, root)?;
        }
        let mut machine = Self {
            world,
            chain,
            palm,
            links,
            object,
            slide: 0.0,
            substeps,
        };
        machine.pose(angles)?;
        Some(machine)
    }

    /// Bends the freshly built fingers and sets damping and armature.
    fn pose(&mut self, angles: &Angles) -> Option<()> {
        let world = &mut self.world;
        let (chain, _) = world.multibody_joints.get_mut(self.chain)?;
        chain.set_self_contacts_enabled(false);
        // until its kinematics are computed, the multibody believes that its root is free
        chain.forward_kinematics(&world.bodies, true);
        if chain.ndofs() != 1 + JOINTS {
            return None;
        }
        let mut joints = [0.0; 1 + JOINTS];
        joints[1..].copy_from_slice(angles);
        chain.apply_displacements(&joints);
        chain.forward_kinematics(&world.bodies, false);
        chain.update_rigid_bodies(&mut world.bodies, true);
        chain.damping_mut().fill(JOINT_DAMPING);
        chain.damping_mut()[0] = SLIDE_SERVO[1];
        chain.armature_mut().fill(ARMATURE);
        Some(())
    }

    fn hand(&self) -> Option<&Multibody> {
        self.world.multibody_joints.get(self.chain).map(|c| c.0)
    }

    /// Angles of the finger joints, rad.
    pub fn angles(&self) -> Angles {
        let mut out = Angles::default();
        let links = self.hand().into_iter().flat_map(|h| h.links());
        // the base, the slide, then the fingers
        for (out, link) in out.iter_mut().zip(links.skip(2)) {
            *out = link.joint().coords()[3];
        }
        out
    }

    /// Speeds of the finger joints, rad/s.
    pub fn speeds(&self) -> Angles {
        let mut out = Angles::default();
        if let Some(hand) = self.hand() {
            let speeds = hand.generalized_velocity();
            let speeds = speeds.iter().skip(1);
            out.iter_mut().zip(speeds).for_each(|(o, &v)| *o = v);
        }
        out
    }

    /// Root, knuckle and tip of a finger, m.
    pub fn finger(&self, finger: usize) -> [[f32; 3]; 3] {
        let first = finger * FINGER_JOINTS;
        let end = |i: usize, length: f64| {
            let body = &self.world.bodies[self.links[first + i]];
            *body.position() * (Vector::X * length as f32)
        };
        [end(0, 0.0), end(1, 0.0), end(1, LENGTHS[1])].map(|p| p.to_array())
    }

    /// Height of the palm's centre, m.
    pub fn palm_height(&self) -> f32 {
        self.world.bodies[self.palm].translation().z
    }

    /// The object's body.
    pub fn object(&self) -> &RigidBody {
        &self.world.bodies[self.object]
    }

    /// The world, for drawing.
    pub(super) fn world(&self) -> &PhysicsWorld {
        &self.world
    }

    /// Depth of the deepest contact, m.
    pub fn deepest_overlap(&self) -> f32 {
        deepest_overlap(&self.world)
    }

    /// Moves on by one control step: the slide goes evenly to `slide`, m, the joints feel `torque` of their angles,
    /// asked before every physics step, and the object is pushed by `push`, N, sideways. The mean force with which the
    /// table bears the object, N.
    ///
    /// # Errors
    /// The reason why the physics gave up.
    pub fn step(&mut self, slide: f32, torque: impl Fn(&Angles) -> Angles, push: [f32; 2]) -> Result<f32, Fault> {
        let [low, high] = SLIDE_LIMITS.map(|l| l as f32);
        let (from, to) = (self.slide, slide.clamp(low, high));
        let object = &mut self.world.bodies[self.object];
        object.reset_forces(true);
        object.add_force(Vector::new(push[0], push[1], 0.0), true);
        let mut borne = 0.0;
        for k in 1..=self.substeps {
            self.aim(from, to, k, &torque);
            advance(&mut self.world)?;
            borne += self.borne();
            check_joints(self.speeds().iter())?;
            check_bodies(&self.world, self.object)?;
        }
        check_overlaps(&self.world, LINK_RADIUS)?;
        Ok(borne / CONTROL_DT)
    }

    /// The impulse that the table gave the object in the last physics step, N s.
    fn borne(&self) -> f32 {
        let colliders = self.object().colliders().iter();
        let pairs = colliders.flat_map(|&object| self.world.contact_pairs_with(object));
        let still = |handle| {
            let collider: Option<&Collider> = self.world.colliders.get(handle);
            collider.is_some_and(|c| c.parent().is_none())
        };
        let of_table = pairs.filter(|p| still(p.collider1) || still(p.collider2));
        of_table.map(|pair| pair.total_impulse().z.abs()).sum()
    }

    /// The same with nothing but servo, torques and rapier steps: the yardstick of the benchmark.
    pub(super) fn bare_step(&mut self, slide: f32, torque: impl Fn(&Angles) -> Angles) {
        let from = self.slide;
        for k in 1..=self.substeps {
            self.aim(from, slide, k, &torque);
            self.world.step();
        }
    }

    /// Sets servo and torques for the `k`-th physics step on the way from one slide to the next, m.
    fn aim(&mut self, from: f32, to: f32, k: usize, torque: &impl Fn(&Angles) -> Angles) {
        self.slide = from + k as f32 / self.substeps as f32 * (to - from);
        self.aim_slide();
        let torques = torque(&self.angles());
        self.drive(&torques);
    }

    /// Sets the slide's servo, an implicit spring whose force is cut.
    fn aim_slide(&mut self) {
        let dt = self.world.integration_parameters.dt;
        let [stiffness, damping, limit] = SLIDE_SERVO;
        let Some((chain, _)) = self.world.multibody_joints.get_mut(self.chain) else {
            return;
        };
        let speed = chain.generalized_velocity()[0];
        let Some(link) = chain.link_mut(1) else {
            return;
        };
        let ahead = link.joint.coords()[0] + dt * speed;
        let force = stiffness * (self.slide - ahead) - damping * speed;
        let force = force.clamp(-limit, limit);
        let rest = ahead + (force + damping * speed) / stiffness;
        link.joint.set_spring(0, stiffness, rest);
    }

    /// Applies joint torques, N m, as pairs on link and parent.
    fn drive(&mut self, torques: &Angles) {
        for (i, torque) in torques.iter().enumerate() {
            let torque = torque.clamp(-TORQUE_LIMIT, TORQUE_LIMIT);
            let axis = *self.world.bodies[self.links[i]].rotation() * Vector::Y;
            let child = &mut self.world.bodies[self.links[i]];
            child.reset_torques(true);
            child.add_torque(axis * torque, true);
        }
        self.world.bodies[self.palm].reset_torques(true);
        for (i, torque) in torques.iter().enumerate() {
            let torque = torque.clamp(-TORQUE_LIMIT, TORQUE_LIMIT);
            let axis = *self.world.bodies[self.links[i]].rotation() * Vector::Y;
            let parent = match i % FINGER_JOINTS {
                0 => self.palm,
                _ => self.links[i - 1],
            };
            self.world.bodies[parent].add_torque(axis * -torque, true);
        }
    }
}

/// The palm on its slide.
fn add_palm(world: &mut PhysicsWorld, base: RigidBodyHandle) -> Option<(RigidBodyHandle, MultibodyJointHandle)> {
    let upright = Rotation::from_rotation_x(std::f32::consts::FRAC_PI_2);
    let shape = ColliderBuilder::cylinder(PALM_HALF_HEIGHT as f32, PALM_RADIUS as f32)
        .rotation(upright.to_scaled_axis())
        .mass(PALM_MASS)
        .friction(FRICTION)
        .collision_groups(groups(GROUP_HAND, GROUP_OBJECT));
    let (palm, _) = world.insert(limb(), shape);
    let height = Vector::Z * PALM_HEIGHT as f32;
    let slide = GenericJointBuilder::new(JointAxesMask::LOCKED_PRISMATIC_AXES)
        .local_frame1(axis_frame(height, Vector::Z, Rotation::IDENTITY))
        .local_frame2(axis_frame(Vector::ZERO, Vector::Z, Rotation::IDENTITY))
        .contacts_enabled(false)
        .limits(JointAxis::LinX, SLIDE_LIMITS.map(|l| l as f32))
        .build();
    let joint = world.insert_multibody_joint(base, palm, slide)?;
    Some((palm, joint))
}

/// Proximal and distal link of a finger.
fn add_finger(
    world: &mut PhysicsWorld,
    palm: RigidBodyHandle,
    ([x, y], heading): ([f64; 2], f64),
) -> Option<[RigidBodyHandle; FINGER_JOINTS]> {
    let mut link = |parent: RigidBodyHandle, anchor: Vector, turned: Rotation, length: f64| {
        let (body, _) = world.insert(limb(), link_shape(length, LINK_RADIUS));
        let joint = hinge(anchor, Vector::Y, turned, JOINT_LIMITS);
        world.insert_multibody_joint(parent, body, joint)?;
        Some(body)
    };
    let turned = Rotation::from_rotation_z(heading as f32);
    let proximal = link(palm, vector([x, y, 0.0]), turned, LENGTHS[0])?;
    let knuckle = Vector::X * LENGTHS[0] as f32;
    let distal = link(proximal, knuckle, Rotation::IDENTITY, LENGTHS[1])?;
    Some([proximal, distal])
}
