//! The hand in rapier: a palm on a stage, three fingers of two links, joint torques from outside.

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use super::hand::{FINGER_JOINTS, FINGERS, JOINT_LIMITS, JOINTS, LENGTHS, LINK_RADIUS, PALM_RADIUS, ROOTS};
use super::object::Object;
use crate::hand3d::monitor::{Fault, advance, check_energy, check_joints, check_overlaps, deepest_overlap, is_thrown};
use crate::hand3d::parts::{
    CONTROL_DT, Placed, contacts, empty_world, hinge, is_table, limb, link_shape, palm, placed, vector,
};
use crate::hand3d::servo::{Driven, bend};
use crate::hand3d::stage::Stage;

/// Lower and upper stop of the palm's slide, m.
pub const SLIDE_LIMITS: [f64; 2] = [0.0, 0.1];
/// Height of the palm's centre above the table with the slide at 0, m: straight down, a finger just clears the table.
pub const PALM_HEIGHT: f64 = 0.108;
/// Half height of the palm, m.
pub const PALM_HALF_HEIGHT: f64 = 0.015;
/// Damping of a finger joint, N m s/rad.
pub(super) const JOINT_DAMPING: f32 = 0.02;
/// Added inertia of a finger joint, kg m^2.
pub(super) const ARMATURE: f32 = 1e-4;
/// Torques beyond this are cut, N m: more than any transmission gives.
const TORQUE_LIMIT: f32 = 1.0;

/// Joint angles, finger by finger, rad; also their speeds, rad/s, and torques, N m.
pub type Angles = [f32; JOINTS];

/// What task and pictures see of hand and object at a moment, whatever engine moves them. Metres, radians.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// Angles of the finger joints.
    pub angles: Angles,
    /// Their speeds, rad/s.
    pub speeds: Angles,
    /// Root, knuckle and tip of every finger.
    pub fingers: [[[f32; 3]; 3]; FINGERS],
    /// Height of the palm's centre.
    pub palm: f32,
    /// Where the object is.
    pub object: Placed,
    /// Its velocity, m/s.
    pub velocity: [f32; 3],
}

/// A hand, an object and a table in rapier. The table's top is z = 0, the palm's slide is the z axis.
#[derive(Serialize, Deserialize)]
pub struct Machine {
    /// In the palm's frame; see [`Stage`].
    world: PhysicsWorld,
    stage: Stage,
    joints: [[Driven; FINGER_JOINTS]; FINGERS],
    links: [[RigidBodyHandle; FINGER_JOINTS]; FINGERS],
    object: RigidBodyHandle,
    /// The stage's target, m.
    slide: f32,
    substeps: usize,
}

impl Machine {
    /// Builds the machine at rest with its fingers at these angles; `substeps` physics steps make a control step.
    ///
    /// `None` if rapier refuses the hand, which cannot happen with its fixed dimensions.
    pub fn new(object: &Object, angles: &Angles, substeps: usize) -> Option<Self> {
        let mut world = empty_world(substeps);
        let stage = Stage::new(&mut world, 0.0);
        let object = object.insert(&mut world);
        let center = Vector::Z * PALM_HEIGHT as f32;
        world.insert_collider(palm(center, PALM_RADIUS, PALM_HALF_HEIGHT), None);
        let mut fingers = Vec::new();
        for (root, angles) in ROOTS.into_iter().zip(angles.as_chunks::<FINGER_JOINTS>().0) {
            let palm = world.insert_body(RigidBodyBuilder::fixed().translation(center));
            let parts = add_finger(&mut world, palm, root)?;
            bend(&mut world, parts[0].1, angles, ARMATURE)?;
            fingers.push(parts);
        }
        let fingers: [_; FINGERS] = fingers.try_into().ok()?;
        Some(Self {
            world,
            stage,
            joints: fingers.map(|parts| parts.map(|(_, joint)| Driven::new(joint))),
            links: fingers.map(|parts| parts.map(|(body, _)| body)),
            object,
            slide: 0.0,
            substeps,
        })
    }

    /// A number of each finger joint.
    fn each(&self, number: impl Fn(&Driven) -> f32) -> Angles {
        let mut out = Angles::default();
        let joints = self.joints.as_flattened();
        out.iter_mut().zip(joints).for_each(|(out, joint)| *out = number(joint));
        out
    }

    /// Angles of the finger joints, rad.
    pub fn angles(&self) -> Angles {
        self.each(|joint| joint.angle(&self.world))
    }

    /// Speeds of the finger joints, rad/s.
    pub fn speeds(&self) -> Angles {
        self.each(|joint| joint.speed(&self.world))
    }

    /// Root, knuckle and tip of a finger, m.
    pub fn finger(&self, finger: usize) -> [[f32; 3]; 3] {
        let end = |i: usize, length: f64| {
            let body = &self.world.bodies[self.links[finger][i]];
            *body.position() * (Vector::X * length as f32)
        };
        [end(0, 0.0), end(1, 0.0), end(1, LENGTHS[1])].map(|p| [p.x, p.y, p.z + self.stage.position])
    }

    /// Height of the palm's centre, m.
    pub fn palm_height(&self) -> f32 {
        PALM_HEIGHT as f32 + self.stage.position
    }

    /// Where the object is.
    pub fn object(&self) -> Placed {
        placed(&self.world.bodies[self.object], self.stage.position)
    }

    /// Velocity of the object, m/s.
    pub fn object_velocity(&self) -> [f32; 3] {
        let [x, y, z] = self.world.bodies[self.object].linvel().to_array();
        [x, y, z + self.stage.speed]
    }

    /// What is seen of hand and object.
    pub fn sight(&self) -> Sight {
        Sight {
            angles: self.angles(),
            speeds: self.speeds(),
            fingers: std::array::from_fn(|i| self.finger(i)),
            palm: self.palm_height(),
            object: self.object(),
            velocity: self.object_velocity(),
        }
    }

    /// Whether the object has been squeezed out and flies away. Pulleys store enough for that: a ball of 20 g needs 0.25 J
    /// for 5 m/s, 10 N over 25 mm.
    pub fn has_lost(&self) -> bool {
        is_thrown(&self.world, self.object)
    }

    /// Places where hand and object touch, m.
    pub(super) fn contacts(&self) -> impl Iterator<Item = [f32; 3]> {
        contacts(&self.world).map(|[x, y, z]| [x, y, z + self.stage.position])
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
        }
        check_joints(self.speeds().iter())?;
        check_energy(&self.world)?;
        check_overlaps(&self.world, LINK_RADIUS)?;
        Ok(borne / CONTROL_DT)
    }

    /// The impulse that the table gave the object in the last physics step, N s.
    fn borne(&self) -> f32 {
        let colliders = self.world.bodies[self.object].colliders().iter();
        let pairs = colliders.flat_map(|&object| self.world.contact_pairs_with(object));
        let still = |handle| {
            let collider: Option<&Collider> = self.world.colliders.get(handle);
            collider.is_some_and(is_table)
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
        self.stage.drive(&mut self.world, self.slide);
        let torques = torque(&self.angles());
        for (joint, torque) in self.joints.as_flattened().iter().zip(torques) {
            let torque = torque.clamp(-TORQUE_LIMIT, TORQUE_LIMIT);
            joint.torque(&mut self.world, torque, JOINT_DAMPING);
        }
    }
}

/// Proximal and distal link of a finger, with their joints.
fn add_finger(
    world: &mut PhysicsWorld,
    palm: RigidBodyHandle,
    ([x, y], heading): ([f64; 2], f64),
) -> Option<[(RigidBodyHandle, MultibodyJointHandle); FINGER_JOINTS]> {
    let mut link = |parent: RigidBodyHandle, anchor: Vector, turned: Rotation, length: f64| {
        let (body, _) = world.insert(limb(), link_shape(length, LINK_RADIUS));
        let joint = hinge(anchor, Vector::Y, turned, JOINT_LIMITS);
        Some((body, world.insert_multibody_joint(parent, body, joint)?))
    };
    let turned = Rotation::from_rotation_z(heading as f32);
    let proximal = link(palm, vector([x, y, 0.0]), turned, LENGTHS[0])?;
    let knuckle = Vector::X * LENGTHS[0] as f32;
    let distal = link(proximal.0, knuckle, Rotation::IDENTITY, LENGTHS[1])?;
    Some([proximal, distal])
}
