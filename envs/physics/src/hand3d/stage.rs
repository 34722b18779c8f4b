//! The stage that raises and lowers the palm, and the palm's frame, in which a hand's world is computed.
//!
//! A screw drives the palm. Its motor weighs far more at the palm than hand and object do, so that the stage does not feel
//! them: how it moves depends on its servo alone. That allows a world in which the palm stands still, the table moves the
//! other way, and gravity grows by the palm's acceleration; for a frame that does not turn this is exact. Fingers on a palm
//! that stands still are multibodies of their own. rapier forms the equations of a multibody for all of its joints together,
//! at a cost that grows with the cube of their number: four fingers of three joints cost a fifth of a hand of thirteen.

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use super::parts::{GRAVITY, table};
use super::servo::Servo;

/// Inertia of the drive at the palm, kg: a rotor of 1e-5 kg m^2 on a screw of 5 mm a turn.
pub(super) const STAGE_INERTIA: f32 = 16.0;
/// The drive's servo: critically damped at 100 rad/s, 12.5 m/s^2 at most.
pub(super) const STAGE_SERVO: Servo = Servo {
    stiffness: 160e3,
    damping: 3200.0,
    limit: 200.0,
};

/// The stage.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Stage {
    /// Height of the palm above where it is with the slide at 0, and so of its frame above the table, m.
    pub position: f32,
    /// m/s.
    pub speed: f32,
    table: RigidBodyHandle,
}

impl Stage {
    /// Puts the table into a world whose palm is at `position`, m.
    pub fn new(world: &mut PhysicsWorld, position: f32) -> Self {
        let body = RigidBodyBuilder::kinematic_velocity_based().translation(Vector::Z * -position);
        let table = world.insert(body.can_sleep(false), table()).0;
        Self {
            position,
            speed: 0.0,
            table,
        }
    }

    /// Moves towards `target`, m, in the next physics step, by the law of [`super::servo::Driven::servo`].
    pub fn drive(&mut self, world: &mut PhysicsWorld, target: f32) {
        let dt = world.integration_parameters.dt;
        let Servo {
            stiffness,
            damping,
            limit,
        } = STAGE_SERVO;
        // half of the damping is that of the speed after the step
        let force = stiffness * (target - self.position) - damping * self.speed;
        let force = force / (1.0 + 0.5 * dt * damping / STAGE_INERTIA);
        let acceleration = force.clamp(-limit, limit) / STAGE_INERTIA;
        self.speed += dt * acceleration;
        self.position += dt * self.speed;
        world.gravity.z = -GRAVITY - acceleration;
        world.bodies[self.table].set_linvel(Vector::Z * -self.speed, true);
    }
}
