//! What is grasped: boxes, spheres and cylinders of random size and place.

use rapier3d::prelude::*;
use serde::{Deserialize, Serialize};

use crate::hand3d::parts::{FRICTION, GROUP_HAND, GROUP_OBJECT, GROUP_TABLE, groups, limb, vector};
use tandem_core::stream::Stream;

/// Density of every object, kg/m^3.
const DENSITY: f64 = 700.0;
/// Smallest and largest half width, m.
const HALF_WIDTH: [f64; 2] = [0.015, 0.035];
/// Smallest and largest half height of boxes and cylinders, m.
const HALF_HEIGHT: [f64; 2] = [0.025, 0.035];

/// Share of an object's spin that is lost per second, 1/s: a sphere would roll away on a table without any loss.
pub(super) const SPIN_DAMPING: f64 = 1.0;

/// Shape of an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A box with a square base.
    Box,
    /// A sphere.
    Sphere,
    /// An upright cylinder.
    Cylinder,
}

/// All kinds.
pub const KINDS: [Kind; 3] = [Kind::Box, Kind::Sphere, Kind::Cylinder];

/// An object at the start of an episode.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Object {
    /// Its shape.
    pub kind: Kind,
    /// Half of its width, m.
    pub half_width: f64,
    /// Half of its height, m.
    pub half_height: f64,
    /// Place of its centre on the table, m.
    pub place: [f64; 2],
    /// Turn about the vertical, rad.
    pub turn: f64,
}

impl Object {
    /// An object of random kind and size, `spread` off the middle at most along each axis, m.
    pub fn draw(spread: f64, stream: &mut Stream) -> Self {
        let kind = KINDS[stream.below(KINDS.len())];
        let [low, high] = HALF_WIDTH;
        let half_width = stream.uniform(low, high);
        let [low, high] = HALF_HEIGHT;
        let half_height = stream.uniform(low, high);
        Self {
            kind,
            half_width,
            half_height: match kind {
                Kind::Sphere => half_width,
                Kind::Box | Kind::Cylinder => half_height,
            },
            place: [0; 2].map(|_| stream.uniform(-spread, spread)),
            turn: stream.uniform(-0.3, 0.3),
        }
    }

    /// A box of middle size in the middle.
    pub fn middle() -> Self {
        let mean = |[low, high]: [f64; 2]| 0.5 * (low + high);
        Self {
            kind: Kind::Box,
            half_width: mean(HALF_WIDTH),
            half_height: mean(HALF_HEIGHT),
            place: [0.0; 2],
            turn: 0.0,
        }
    }

    /// Its mass, kg.
    pub fn mass(&self) -> f64 {
        let [w, h] = [self.half_width, self.half_height];
        let volume = match self.kind {
            Kind::Box => 8.0 * w * w * h,
            Kind::Sphere => 4.0 / 3.0 * std::f64::consts::PI * w.powi(3),
            Kind::Cylinder => std::f64::consts::TAU * w * w * h,
        };
        DENSITY * volume
    }

    /// Puts it on the table.
    pub(super) fn insert(&self, world: &mut PhysicsWorld) -> RigidBodyHandle {
        let [w, h] = [self.half_width, self.half_height].map(|x| x as f32);
        let shape = match self.kind {
            Kind::Box => ColliderBuilder::cuboid(w, w, h),
            Kind::Sphere => ColliderBuilder::ball(w),
            Kind::Cylinder => {
                let upright = Rotation::from_rotation_x(std::f32::consts::FRAC_PI_2);
                ColliderBuilder::cylinder(h, w).rotation(upright.to_scaled_axis())
            }
        };
        let shape = shape
            .mass(self.mass() as f32)
            .friction(FRICTION)
            .collision_groups(groups(GROUP_OBJECT, GROUP_HAND | GROUP_TABLE));
        let [x, y] = self.place;
        let place = Pose::from_parts(
            vector([x, y, self.half_height]),
            Rotation::from_rotation_z(self.turn as f32),
        );
        let body = limb().pose(place).angular_damping(SPIN_DAMPING as f32);
        world.insert(body, shape).0
    }
}
