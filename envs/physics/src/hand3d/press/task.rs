//! The task: the box with its button, when they count as pressed and held, and why the start design cannot.

use super::hand::{Finger, Hand, LINK_RADIUS};

/// Half extents of the box, m; its long axis is x.
pub const BOX_HALF: [f64; 3] = [0.14, 0.025, 0.025];
/// Mass of the box, kg.
pub const BOX_MASS: f64 = 0.15;
/// Half extents of the button's plate, m; it stands on the box's +x face.
pub const BUTTON_HALF: [f64; 3] = [0.005, 0.012, 0.012];
/// Mass of the button, kg.
pub const BUTTON_MASS: f64 = 0.01;
/// How far the button can be pressed, m.
pub const BUTTON_TRAVEL: f64 = 0.006;
/// Stiffness of the button's spring, N/m.
pub const BUTTON_STIFFNESS: f64 = 400.0;
/// Height of the palm's centre above the box's centre, both at rest and with the palm down, m.
pub const PALM_ABOVE_BOX: f64 = 0.065;
/// The box must be raised by this, m.
pub const LIFT: f64 = 0.02;
/// The button must be pressed by this, m.
pub const PRESS: f64 = 0.003;
/// The box may be turned by this at most, rad (8 degrees), about any axis.
pub const MOST_TURN: f64 = 8.0 * std::f64::consts::PI / 180.0;
/// The box may be shifted in the palm by this at most, m, horizontally and vertically each.
pub const MOST_SHIFT: f64 = 0.008;
/// Control steps in a row that make a success.
pub const HOLD_STEPS: usize = 10;

/// What the task sees of a moment.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Grip {
    /// Height of the box's centre above its rest, m.
    pub lift: f64,
    /// Angle by which the box is turned from its nominal orientation, about whatever axis, rad.
    pub turn: f64,
    /// Shift of the box's centre from its nominal place below the palm: horizontally and vertically, m.
    pub shift: [f64; 2],
    /// Travel of the button, m.
    pub press: f64,
}

impl Grip {
    /// Whether the box is raised, level, in place, and its button pressed.
    pub fn succeeds(&self) -> bool {
        self.lift >= LIFT && self.holds() && self.press >= PRESS
    }

    /// Whether the box is level and in its place below the palm.
    pub fn holds(&self) -> bool {
        let [across, along] = self.shift;
        self.turn <= MOST_TURN && across <= MOST_SHIFT && along.abs() <= MOST_SHIFT
    }
}

/// The smallest distance, m, that can remain between a finger's surface and the button, whatever the finger's
/// joints and the palm do, while [`Grip::holds`]; negative where they could touch.
///
/// A bound, not a search: every point of the finger's axis is within `l_1 + l_2` of its root and its surface a
/// link's radius further. The nearest point of the button's plate to the root is known for the nominal box; a
/// turn by at most `a` moves it by at most `2 sin(a / 2)` times its distance from the box's centre, and the
/// shift by at most the shift. What sticks out of the box when the button is not pressed contains what sticks out
/// when it is.
pub fn least_gap(finger: &Finger) -> f64 {
    let root = finger.root();
    let root = [root[0], root[1], root[2] + PALM_ABOVE_BOX];
    let middle = BOX_HALF[0] + BUTTON_HALF[0];
    let low = [BOX_HALF[0], -BUTTON_HALF[1], -BUTTON_HALF[2]];
    let high = [middle + BUTTON_HALF[0], BUTTON_HALF[1], BUTTON_HALF[2]];
    let nearest: [f64; 3] = std::array::from_fn(|i| root[i].clamp(low[i], high[i]));
    let away = distance(nearest, root);
    // the farthest corner of the plate from the box's centre moves most
    let lever = distance(high, [0.0; 3]);
    let turned = 2.0 * (MOST_TURN / 2.0).sin() * lever;
    let shifted = MOST_SHIFT.hypot(MOST_SHIFT);
    away - (finger.proximal + finger.distal + LINK_RADIUS) - turned - shifted
}

/// Whether no finger of this hand can touch the button of a box that is held as the task asks: then the hand
/// cannot succeed, by geometry.
pub fn cannot_press(hand: &Hand) -> bool {
    hand.fingers.iter().all(|finger| least_gap(finger) > 0.0)
}

fn distance(a: [f64; 3], b: [f64; 3]) -> f64 {
    let squares = a.iter().zip(b).map(|(a, b)| (a - b) * (a - b));
    squares.sum::<f64>().sqrt()
}
