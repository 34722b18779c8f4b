//! Monitors of the physics: what leaves its bound ends an episode by name; nothing panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rapier3d::prelude::*;

/// Why the physics gave up.
pub type Fault = &'static str;

/// Joint speed beyond which the physics is taken to have failed, rad/s (m/s).
const JOINT_SPEED_BOUND: f32 = 100.0;
/// Speed beyond which an object has been thrown, m/s.
const THROWN: f32 = 5.0;
/// Kinetic energy of everything beyond which it has failed, J: a whole hand at some 6 m/s.
const ENERGY_BOUND: f32 = 10.0;

/// One physics step. rapier asserts on numbers that are no longer finite; such a panic ends the episode only.
///
/// # Errors
/// The engine gave up.
pub(super) fn advance(world: &mut PhysicsWorld) -> Result<(), Fault> {
    catch_unwind(AssertUnwindSafe(|| world.step())).map_err(|_| "the physics engine gave up")
}

/// Whether the joints' speeds are within their bound.
///
/// # Errors
/// They are not.
pub(super) fn check_joints<'a>(mut speeds: impl Iterator<Item = &'a f32>) -> Result<(), Fault> {
    if speeds.any(|v| v.is_nan() || v.abs() > JOINT_SPEED_BOUND) {
        return Err("a joint's speed left its bound");
    }
    Ok(())
}

/// Whether an object is so fast that it has been thrown.
pub(super) fn is_thrown(world: &PhysicsWorld, object: RigidBodyHandle) -> bool {
    beyond_throw(world.bodies[object].linvel().length())
}

/// Whether this speed, m/s, is that of an object which has been thrown.
pub(super) fn beyond_throw(speed: f32) -> bool {
    speed > THROWN
}

/// Whether the kinetic energy is within its bound.
///
/// # Errors
/// It is not.
pub(super) fn check_energy(world: &PhysicsWorld) -> Result<(), Fault> {
    let bodies = world.bodies.iter();
    let energy: f32 = bodies.map(|(_, body)| body.kinetic_energy()).sum();
    if energy.is_nan() || energy > ENERGY_BOUND {
        return Err("the kinetic energy left its bound");
    }
    Ok(())
}

/// Whether a box that no hand of limited force can throw is not thrown, and the kinetic energy within its bound.
///
/// # Errors
/// What is not.
pub(super) fn check_box(world: &PhysicsWorld, object: RigidBodyHandle) -> Result<(), Fault> {
    check_throw(world.bodies[object].linvel().length())?;
    check_energy(world)
}

/// Whether a box of this speed, m/s, is not thrown.
///
/// # Errors
/// It is.
pub(super) fn check_throw(speed: f32) -> Result<(), Fault> {
    match beyond_throw(speed) {
        true => Err("the box's speed left its bound"),
        false => Ok(()),
    }
}

/// Depth of the deepest contact, m; 0 where nothing overlaps.
pub(super) fn deepest_overlap(world: &PhysicsWorld) -> f32 {
    let pairs = world.contact_pairs();
    let points = pairs.flat_map(|pair| pair.manifolds().iter().flat_map(|m| &m.points));
    points.fold(0.0, |deepest, point| f32::max(deepest, -point.dist))
}

/// Whether no two bodies overlap by more than `bound`, m: contacts are soft, but a link's axis must stay outside.
///
/// # Errors
/// They do.
pub(super) fn check_overlaps(world: &PhysicsWorld, bound: f64) -> Result<(), Fault> {
    check_depth(deepest_overlap(world), bound)
}

/// The same of the deepest overlap, m.
///
/// # Errors
/// It is deeper.
pub(super) fn check_depth(deepest: f32, bound: f64) -> Result<(), Fault> {
    if deepest > bound as f32 {
        return Err("two bodies went into each other");
    }
    Ok(())
}
