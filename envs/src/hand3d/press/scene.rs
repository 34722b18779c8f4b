//! What the true machine and the puppet have in common: the box with its button, and the monitors.

use std::panic::{AssertUnwindSafe, catch_unwind};

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use super::hand::LINK_RADIUS;
use super::machine::Fault;
use super::task::{BOX_HALF, BUTTON_HALF, Grip, PALM_ABOVE_BOX};

/// Speed of the box beyond which the physics is taken to have failed, m/s.
const BOX_SPEED_BOUND: f32 = 5.0;
/// Kinetic energy of everything beyond which it has failed, J: the whole hand at some 6 m/s.
const ENERGY_BOUND: f32 = 10.0;
/// Two bodies overlap by this at most, m: contacts are soft, but a link's axis must stay outside.
const OVERLAP_BOUND: f32 = LINK_RADIUS as f32;

/// A place, m, and an orientation (x, y, z, w).
pub type Placed = ([f32; 3], [f32; 4]);

/// The box with its button.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Scenery {
    /// The box.
    pub(super) object: RigidBodyHandle,
    /// The button's plate.
    pub(super) button: RigidBodyHandle,
}

impl Scenery {
    /// Place of the box's centre.
    pub fn object(&self, world: &PhysicsWorld) -> Placed {
        placed(&world.bodies[self.object])
    }

    /// Place of the centre of the button's plate.
    pub fn button(&self, world: &PhysicsWorld) -> Placed {
        placed(&world.bodies[self.button])
    }

    /// Velocity, m/s, and angular velocity, rad/s, of the box.
    pub fn velocity(&self, world: &PhysicsWorld) -> [[f32; 3]; 2] {
        let object = &world.bodies[self.object];
        [object.linvel(), object.angvel()].map(|v| v.to_array())
    }

    /// Places where the hand touches box or button, m.
    pub fn contacts(world: &PhysicsWorld) -> impl Iterator<Item = [f32; 3]> {
        let free = |collider| {
            world
                .colliders
                .get(collider)
                .filter(|c| c.parent().is_some())
        };
        let pairs = world.contact_pairs().filter_map(move |pair| {
            let first = free(pair.collider1)?;
            free(pair.collider2).map(|_| (first.position(), pair))
        });
        pairs.flat_map(|(pose, pair)| {
            let points = pair.manifolds().iter().flat_map(|m| &m.points);
            let touching = points.filter(|point| point.dist <= 0.0);
            touching.map(move |point| (*pose * point.local_p1).to_array())
        })
    }

    /// What the task sees with the palm's centre at this height, m.
    pub fn grip(&self, world: &PhysicsWorld, palm: f32) -> Grip {
        let object = &world.bodies[self.object];
        let place = object.translation();
        let plate = object.position().inverse() * world.bodies[self.button].translation();
        let nominal = palm - PALM_ABOVE_BOX as f32;
        Grip {
            lift: f64::from(place.z) - BOX_HALF[2],
            turn: f64::from(object.rotation().angle_between(Rotation::IDENTITY)),
            shift: [place.x.hypot(place.y), place.z - nominal].map(f64::from),
            press: BOX_HALF[0] + BUTTON_HALF[0] - f64::from(plate.x),
        }
    }

    /// Whether speeds and energy are within their bounds.
    ///
    /// # Errors
    /// What left its bound.
    pub fn check(&self, world: &PhysicsWorld) -> Result<(), Fault> {
        let speed = world.bodies[self.object].linvel().length();
        if speed.is_nan() || speed > BOX_SPEED_BOUND {
            return Err("the box's speed left its bound");
        }
        let bodies = world.bodies.iter();
        let energy: f32 = bodies.map(|(_, body)| body.kinetic_energy()).sum();
        if energy.is_nan() || energy > ENERGY_BOUND {
            return Err("the kinetic energy left its bound");
        }
        Ok(())
    }
}

/// One physics step. rapier asserts on numbers that are no longer finite; such a panic ends the episode only.
///
/// # Errors
/// The engine gave up.
pub(super) fn advance(world: &mut PhysicsWorld) -> Result<(), Fault> {
    catch_unwind(AssertUnwindSafe(|| world.step())).map_err(|_| "the physics engine gave up")
}

/// Depth of the deepest contact, m; 0 where nothing overlaps.
pub(super) fn deepest_overlap(world: &PhysicsWorld) -> f32 {
    let pairs = world.contact_pairs();
    let points = pairs.flat_map(|pair| pair.manifolds().iter().flat_map(|m| &m.points));
    points.fold(0.0, |deepest, point| f32::max(deepest, -point.dist))
}

/// Whether no two bodies overlap too much.
///
/// # Errors
/// They do.
pub(super) fn check_overlaps(world: &PhysicsWorld) -> Result<(), Fault> {
    if deepest_overlap(world) > OVERLAP_BOUND {
        return Err("two bodies went into each other");
    }
    Ok(())
}

fn placed(body: &RigidBody) -> Placed {
    (body.translation().to_array(), body.rotation().to_array())
}
