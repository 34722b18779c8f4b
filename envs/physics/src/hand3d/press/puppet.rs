//! The world under effects: box, button and table as in the true machine, the hand as four free distal links that
//! bounded spring forces draw to where the effect puts them.
//!
//! Never a teleport: knuckle and tip hang on springs to the wanted places whose force is limited, so that a proxy's
//! finger can push no harder than a servo could. The springs are joint motors, which rapier solves together with the
//! contacts. The palm itself touches nothing here.

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use super::build::{add_box, add_distal};
use super::controller::PRESSER;
use super::hand::{FINGERS, Hand, LINK_RADIUS};
use super::hardware::{EFFECTS, FINGER_EFFECTS};
use super::machine::Start;
use super::scene::Scenery;
use super::task::{BOX_HALF, PALM_ABOVE_BOX};
use crate::hand3d::monitor::{Fault, advance, check_box, check_overlaps};
use crate::hand3d::parts::{empty_world, table};

/// A spring at an end of a distal link: stiffness, N/m, damping, N s/m, and limit along each axis, N.
type Pull = [f32; 3];
/// The presser's: a joint's servo (2 N m/rad, 0.6 N m) on a lever of 115 to 150 mm.
const PRESSER_PULL: Pull = [150.0, 3.0, 4.0];
/// What keeps the presser's knuckle as far from its root as the effect says: the proximal link, which does not give.
/// Without it a link that leans on the box's edge slides over it, and designs seem to work that are too short.
const PROXIMAL_PULL: Pull = [2000.0, 20.0, 20.0];
/// The gripping fingers': stiff, so that a grasp stays where it is; the limit is 0.6 N m on 50 mm, a distal link.
const GRIP_PULL: Pull = [2000.0, 20.0, 12.0];
/// What keeps a distal link from turning about its own axis: N m/rad, N m s/rad, N m.
const TWIST: [f32; 3] = [2.0, 0.05, 0.6];
/// Wanted places are at most this far from the palm along each axis, m.
const FAR: f32 = 0.3;

/// Height of the palm's centre with the slide at this position, m.
fn palm_height(slide: f32) -> f32 {
    (BOX_HALF[2] + PALM_ABOVE_BOX) as f32 + slide
}

/// Tip and knuckle of a finger in an effect, in the world.
fn ends(effect: &[f32], finger: usize, palm: f32) -> [Vector; 2] {
    [0, 3].map(|part| {
        let at = FINGER_EFFECTS * finger + part;
        Vector::new(effect[at], effect[at + 1], effect[at + 2] + palm)
    })
}

/// A finger's root in the world.
fn root_of(root: &[f32; 3], palm: f32) -> Vector {
    Vector::from_array(*root) + Vector::Z * palm
}

/// The knuckle's place, its first axis along the proximal link.
fn along_proximal(root: Vector, knuckle: Vector) -> Pose {
    let ahead = direction(root, knuckle, Vector::X);
    Pose::from_parts(knuckle, Rotation::from_rotation_arc(Vector::X, ahead))
}

/// Unit vector from knuckle to tip; `ahead` where they coincide.
fn direction(knuckle: Vector, tip: Vector, ahead: Vector) -> Vector {
    (tip - knuckle).normalize_or(ahead)
}

/// The spring that draws the point `along` a link's axis, m, to a place, by one pull along the place's first axis and
/// another across; at the tip it holds the twist too.
fn spring(place: Pose, along: f32, [first, across]: [Pull; 2]) -> GenericJoint {
    let mut joint = GenericJoint {
        local_frame1: place,
        local_frame2: Pose::from_translation(Vector::X * along),
        ..GenericJoint::default()
    };
    let mut motor = |axis, [stiffness, damping, limit]: [f32; 3]| {
        joint.set_motor_model(axis, MotorModel::ForceBased);
        joint.set_motor_position(axis, 0.0, stiffness, damping);
        joint.set_motor_max_force(axis, limit);
    };
    motor(JointAxis::LinX, first);
    motor(JointAxis::LinY, across);
    motor(JointAxis::LinZ, across);
    if along > 0.0 {
        motor(JointAxis::AngX, TWIST);
    }
    joint
}

/// The puppet: free distal links over the box.
#[derive(Serialize, Deserialize)]
pub struct Puppet {
    world: PhysicsWorld,
    scenery: Scenery,
    distals: [RigidBodyHandle; FINGERS],
    /// Springs at knuckle and tip.
    springs: [[ImpulseJointHandle; 2]; FINGERS],
    /// Roots relative to the palm, m.
    roots: [[f32; 3]; FINGERS],
    /// Orientation wanted of each link.
    turns: [Rotation; FINGERS],
    lengths: [f32; FINGERS],
    /// Where tips and knuckles are wanted relative to the palm, m, in an effect's order.
    wanted: Vec<f32>,
    palm: f32,
    substeps: usize,
}

impl Puppet {
    /// The puppet at rest, its links where `effect` puts tips and knuckles; `substeps` physics steps make a control
    /// step.
    pub fn new(hand: &Hand, start: &Start, effect: &[f32], substeps: usize) -> Self {
        let mut world = empty_world(substeps);
        world.insert_collider(table(), None);
        let scenery = add_box(&mut world, start, 0.0);
        let palm = palm_height(start.joints[0]);
        let base = world.insert_body(RigidBodyBuilder::fixed());
        let mut distals = [RigidBodyHandle::invalid(); FINGERS];
        let mut springs = [[ImpulseJointHandle::invalid(); 2]; FINGERS];
        let mut turns = [Rotation::IDENTITY; FINGERS];
        let roots = hand.fingers.map(|finger| finger.root().map(|x| x as f32));
        for i in 0..FINGERS {
            let [tip, knuckle] = ends(effect, i, palm);
            let length = hand.fingers[i].distal;
            turns[i] = Rotation::from_rotation_arc(Vector::X, direction(knuckle, tip, Vector::X));
            distals[i] = add_distal(&mut world, Pose::from_parts(knuckle, turns[i]), length);
            let [proximal, pull] = match i == PRESSER {
                true => [PROXIMAL_PULL, PRESSER_PULL],
                false => [GRIP_PULL; 2],
            };
            let root = root_of(&roots[i], palm);
            let places = [
                (along_proximal(root, knuckle), 0.0, [proximal, pull]),
                (Pose::from_parts(tip, turns[i]), length as f32, [pull; 2]),
            ];
            springs[i] = places
                .map(|(place, along, pulls)| world.insert_impulse_joint(base, distals[i], spring(place, along, pulls)));
        }
        Self {
            world,
            scenery,
            distals,
            springs,
            roots,
            turns,
            lengths: hand.fingers.map(|finger| finger.distal as f32),
            wanted: effect.to_vec(),
            palm,
            substeps,
        }
    }

    /// Moves on by one control step, over which palm and wanted places go evenly to `slide` (m) and `effect`.
    ///
    /// # Errors
    /// The reason why the physics gave up.
    pub fn step(&mut self, slide: f32, effect: &[f32]) -> Result<(), Fault> {
        let mut from = [0.0; EFFECTS];
        from.copy_from_slice(&self.wanted);
        let palm = self.palm;
        for k in 1..=self.substeps {
            let share = k as f32 / self.substeps as f32;
            for ((wanted, from), to) in self.wanted.iter_mut().zip(from).zip(effect) {
                *wanted = from + share * (to.clamp(-FAR, FAR) - from);
            }
            self.palm = palm + share * (palm_height(slide) - palm);
            self.pull();
            advance(&mut self.world)?;
            check_box(&self.world, self.scenery.object)?;
        }
        check_overlaps(&self.world, LINK_RADIUS)
    }

    /// Moves the springs' ends to the wanted places for the next physics step.
    fn pull(&mut self) {
        for i in 0..FINGERS {
            let [tip, knuckle] = ends(&self.wanted, i, self.palm);
            // the shortest turn from the last direction: no twist comes in
            let ahead = self.turns[i] * Vector::X;
            let turn = Rotation::from_rotation_arc(ahead, direction(knuckle, tip, ahead));
            self.turns[i] = (turn * self.turns[i]).normalize();
            let root = root_of(&self.roots[i], self.palm);
            let places = [along_proximal(root, knuckle), Pose::from_parts(tip, self.turns[i])];
            for (handle, place) in self.springs[i].into_iter().zip(places) {
                if let Some(joint) = self.world.impulse_joints.get_mut(handle, false) {
                    joint.data.local_frame1 = place;
                }
            }
        }
    }

    /// The box with its button, and the world they are in.
    pub fn scenery(&self) -> (&Scenery, &PhysicsWorld) {
        (&self.scenery, &self.world)
    }

    /// Height of the palm's centre, m.
    pub fn palm_height(&self) -> f32 {
        self.palm
    }

    /// Knuckle and tip of a finger, m.
    pub fn finger(&self, finger: usize) -> [[f32; 3]; 2] {
        let pose = self.world.bodies[self.distals[finger]].position();
        let tip = *pose * (Vector::X * self.lengths[finger]);
        [pose.translation, tip].map(|p| p.to_array())
    }
}
