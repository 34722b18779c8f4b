//! How the hand stands when an episode begins.

use super::hand::{FINGER_JOINTS, FINGERS};

/// Joints of the hand: the palm's slide, then the fingers' joints, finger by finger.
pub const JOINTS: usize = 1 + FINGERS * FINGER_JOINTS;
/// Lower and upper stop of the palm's slide, m.
pub const SLIDE_LIMITS: [f64; 2] = [-0.01, 0.12];
/// Half height of the palm, m.
pub const PALM_HALF_HEIGHT: f64 = 0.02;

/// Where everything is at the start.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Start {
    /// Offset of the box's centre from the nominal place below the palm, m.
    pub offset: [f64; 2],
    /// Turn of the box about the vertical, rad.
    pub turn: f64,
    /// The slide's position, m, and the fingers' joint angles, rad, as in [`Machine::joints`](super::machine::Machine::joints).
    pub joints: [f32; JOINTS],
}

/// Joint angles of a raised finger, rad: nearly level, so that no finger of any design touches box or table, and not
/// straight, where a chain is singular.
pub const RAISED: [f32; FINGER_JOINTS] = [0.0, -0.2, 0.3];

impl Default for Start {
    /// The nominal start: box in its place, palm down, fingers raised.
    fn default() -> Self {
        let joint = |i: usize| i.checked_sub(1).map_or(0.0, |k| RAISED[k % FINGER_JOINTS]);
        Self {
            offset: [0.0; 2],
            turn: 0.0,
            joints: std::array::from_fn(joint),
        }
    }
}
