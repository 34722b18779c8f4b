//! Building the scene in rapier: table, box with button, palm on its slide, fingers.

use rapier3d::prelude::*;

use super::hand::{FINGER_JOINTS, FINGERS, Finger, JOINT_LIMITS, LINK_RADIUS, PALM_RADIUS};
use super::scene::Scenery;
use super::start::{PALM_HALF_HEIGHT, Start};
use super::task::{BOX_HALF, BOX_MASS, BUTTON_HALF, BUTTON_MASS, BUTTON_STIFFNESS, BUTTON_TRAVEL, PALM_ABOVE_BOX};
use crate::hand3d::parts::{
    FRICTION, GROUP_HAND, GROUP_OBJECT, GROUP_TABLE, groups, hinge, limb, link_shape, palm, vector,
};

/// Mass of a finger's yaw joint, kg, and its moment of inertia, kg m^2.
pub(super) const YAW_MASS: f32 = 0.01;
pub(super) const YAW_INERTIA: f32 = 2e-6;
/// Damping of the button, N s/m.
pub(super) const BUTTON_DAMPING: f32 = 1.0;
/// What a finger's motors weigh at its tip when it is moved, kg: without it a link is so light that contacts give way.
const ROTOR_MASS: f32 = 0.2;

/// The box at rest on the table, with its button, in a frame that is `raised` above the table, m.
pub(super) fn add_box(world: &mut PhysicsWorld, start: &Start, raised: f32) -> Scenery {
    let [x, y] = start.offset;
    let turn = Rotation::from_rotation_z(start.turn as f32);
    let place = Pose::from_parts(vector([x, y, BOX_HALF[2] - f64::from(raised)]), turn);
    let cuboid = |half: [f64; 3], mass: f64| {
        ColliderBuilder::cuboid(half[0] as f32, half[1] as f32, half[2] as f32)
            .mass(mass as f32)
            .friction(FRICTION)
    };
    let shape = cuboid(BOX_HALF, BOX_MASS).collision_groups(groups(GROUP_OBJECT, GROUP_HAND | GROUP_TABLE));
    let (object, _) = world.insert(limb().pose(place), shape);
    let anchor = Vector::X * (BOX_HALF[0] + BUTTON_HALF[0]) as f32;
    let plate = cuboid(BUTTON_HALF, BUTTON_MASS).collision_groups(groups(GROUP_OBJECT, GROUP_HAND));
    let (button, _) = world.insert(limb().pose(place * Pose::from_translation(anchor)), plate);
    let joint = GenericJointBuilder::new(JointAxesMask::LOCKED_PRISMATIC_AXES)
        .local_anchor1(anchor)
        .local_anchor2(Vector::ZERO)
        .contacts_enabled(false)
        .limits(JointAxis::LinX, [-BUTTON_TRAVEL as f32, 0.0])
        .motor_model(JointAxis::LinX, MotorModel::ForceBased)
        .motor_position(JointAxis::LinX, 0.0, BUTTON_STIFFNESS as f32, BUTTON_DAMPING)
        .build();
    world.insert_impulse_joint(object, button, joint);
    Scenery {
        object,
        button,
        raised,
        rising: 0.0,
    }
}

/// The palm with the roots of its fingers, one fixed body each.
pub(super) fn add_palm(world: &mut PhysicsWorld) -> [RigidBodyHandle; FINGERS] {
    let center = Vector::Z * (BOX_HALF[2] + PALM_ABOVE_BOX) as f32;
    world.insert_collider(palm(center, PALM_RADIUS, PALM_HALF_HEIGHT), None);
    [0; FINGERS].map(|_| world.insert_body(RigidBodyBuilder::fixed().translation(center)))
}

/// Yaw body, proximal and distal link of a finger, with their joints.
pub(super) fn add_finger(
    world: &mut PhysicsWorld,
    palm: RigidBodyHandle,
    finger: &Finger,
) -> Option<[(RigidBodyHandle, MultibodyJointHandle); FINGER_JOINTS]> {
    let root = vector(finger.root());
    let heading = Rotation::from_rotation_z(finger.placement as f32);
    let mass = MassProperties::new(Vector::ZERO, YAW_MASS, Vector::splat(YAW_INERTIA));
    let yaw = world.insert_body(limb().additional_mass_properties(mass));
    let turn = hinge(root, Vector::Z, heading, JOINT_LIMITS[0]);
    let turn = world.insert_multibody_joint(palm, yaw, turn)?;
    let mut link = |parent: RigidBodyHandle, from: f64, length: f64, limits: [f64; 2]| {
        let (body, _) = world.insert(limb(), link_shape(length, LINK_RADIUS));
        let anchor = Vector::X * from as f32;
        let joint = hinge(anchor, Vector::Y, Rotation::IDENTITY, limits);
        Some((body, world.insert_multibody_joint(parent, body, joint)?))
    };
    let proximal = link(yaw, 0.0, finger.proximal, JOINT_LIMITS[1])?;
    let distal = link(proximal.0, finger.proximal, finger.distal, JOINT_LIMITS[2])?;
    Some([(yaw, turn), proximal, distal])
}

/// A distal link on its own, free of gravity; its knuckle is its origin, its axis x.
pub(super) fn add_distal(world: &mut PhysicsWorld, pose: Pose, length: f64) -> RigidBodyHandle {
    let body = limb().pose(pose).gravity_scale(0.0);
    world
        .insert(body.additional_mass(ROTOR_MASS), link_shape(length, LINK_RADIUS))
        .0
}
