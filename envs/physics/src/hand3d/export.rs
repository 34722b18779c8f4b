//! What the exported scenes of all hands have in common.

use super::parts::FRICTION;
use tandem_core::mechanism::{Geom, Solid, decimal};

/// Physics steps of a control step: simulators that do not solve servos implicitly need steps of half a millisecond.
pub(super) const SUBSTEPS: usize = 40;
/// Mass of the palm, kg: little beside the stage's inertia, which is what decides how the palm moves.
pub(super) const PALM_MASS: f64 = 0.5;
pub(super) const LINK_COLOUR: [f64; 4] = [0.16, 0.45, 0.70, 1.0];
pub(super) const PALM_COLOUR: [f64; 4] = [0.25, 0.28, 0.33, 1.0];
pub(super) const BOX_COLOUR: [f64; 4] = [0.80, 0.62, 0.35, 1.0];
const TABLE_COLOUR: [f64; 4] = [0.75, 0.75, 0.75, 1.0];

/// A shape with the friction of all surfaces; `member` and `meets` as in [`Geom`].
pub(super) fn geom(solid: Solid, mass: f64, [member, meets]: [u32; 2], colour: [f64; 4]) -> Geom {
    Geom {
        solid,
        mass,
        friction: decimal(FRICTION),
        member,
        meets,
        colour,
    }
}

/// The table, whose top is z = 0.
pub(super) fn table(groups: [u32; 2]) -> Geom {
    let cuboid = Solid::Cuboid {
        center: [0.0, 0.0, -0.1],
        half: [1.0, 1.0, 0.1],
    };
    geom(cuboid, 0.0, groups, TABLE_COLOUR)
}
