//! What the true machine and the puppet have in common: the box with its button.

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use super::task::{BOX_HALF, BUTTON_HALF, Grip, PALM_ABOVE_BOX};
use crate::hand3d::parts::{Placed, placed};

/// The box with its button.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Scenery {
    /// The box.
    pub(super) object: RigidBodyHandle,
    /// The button's plate.
    pub(super) button: RigidBodyHandle,
    /// Height above the table of the frame in which the world is computed, m.
    pub(super) raised: f32,
    /// The frame's speed upwards, m/s.
    pub(super) rising: f32,
}

impl Scenery {
    /// Place of the box's centre.
    pub fn object(&self, world: &PhysicsWorld) -> Placed {
        placed(&world.bodies[self.object], self.raised)
    }

    /// Place of the centre of the button's plate.
    pub fn button(&self, world: &PhysicsWorld) -> Placed {
        placed(&world.bodies[self.button], self.raised)
    }

    /// Velocity, m/s, and angular velocity, rad/s, of the box.
    pub fn velocity(&self, world: &PhysicsWorld) -> [[f32; 3]; 2] {
        let object = &world.bodies[self.object];
        let velocity = object.linvel() + Vector::Z * self.rising;
        [velocity, object.angvel()].map(|v| v.to_array())
    }

    /// What the task sees with the palm's centre at this height, m.
    pub fn grip(&self, world: &PhysicsWorld, palm: f32) -> Grip {
        let object = &world.bodies[self.object];
        let place = object.translation() + Vector::Z * self.raised;
        let plate = object.position().inverse() * world.bodies[self.button].translation();
        let nominal = palm - PALM_ABOVE_BOX as f32;
        Grip {
            lift: f64::from(place.z) - BOX_HALF[2],
            turn: f64::from(object.rotation().angle_between(Rotation::IDENTITY)),
            shift: [place.x.hypot(place.y), place.z - nominal].map(f64::from),
            press: BOX_HALF[0] + BUTTON_HALF[0] - f64::from(plate.x),
        }
    }
}
