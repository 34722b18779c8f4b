//! What the true machine and the puppet have in common: the box with its button.

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use super::task::{BOX_HALF, BUTTON_HALF, Grip, PALM_ABOVE_BOX};
use crate::hand3d::parts::{Placed, placed};

/// What task and pictures see of the box at a moment, whatever engine moves it.
#[derive(Clone, Copy, Debug)]
pub struct Sight {
    /// Place of the box's centre.
    pub object: Placed,
    /// Place of the centre of the button's plate.
    pub button: Placed,
    /// Velocity, m/s, and angular velocity, rad/s, of the box.
    pub velocity: [[f32; 3]; 2],
    /// Travel of the button, m.
    pub press: f64,
}

impl Sight {
    /// What the task sees with the palm's centre at this height, m.
    pub fn grip(&self, palm: f32) -> Grip {
        let ([x, y, z], turn) = self.object;
        let nominal = palm - PALM_ABOVE_BOX as f32;
        Grip {
            lift: f64::from(z) - BOX_HALF[2],
            turn: f64::from(Rotation::from_array(turn).angle_between(Rotation::IDENTITY)),
            shift: [x.hypot(y), z - nominal].map(f64::from),
            press: self.press,
        }
    }
}

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

    /// What is seen of both.
    pub fn sight(&self, world: &PhysicsWorld) -> Sight {
        let object = &world.bodies[self.object];
        let velocity = object.linvel() + Vector::Z * self.rising;
        let plate = object.position().inverse() * world.bodies[self.button].translation();
        Sight {
            object: self.object(world),
            button: self.button(world),
            velocity: [velocity, object.angvel()].map(|v| v.to_array()),
            press: BOX_HALF[0] + BUTTON_HALF[0] - f64::from(plate.x),
        }
    }

    /// What the task sees with the palm's centre at this height, m.
    pub fn grip(&self, world: &PhysicsWorld, palm: f32) -> Grip {
        self.sight(world).grip(palm)
    }
}
