//! What a control step of the pressing hand is paid.

use super::hand::{FINGERS, LINK_RADIUS};
use super::task::{BOX_HALF, BUTTON_HALF, Grip, LIFT, PRESS};

/// Names of the terms.
pub(super) const TERMS: [&str; 7] = ["reach", "lift", "aim", "press", "success", "turn", "effort"];
/// Distance at which the reward for nearness to a side has halved, m.
const REACH_SCALE: f32 = 0.02;
/// Distance at which the reward for nearness to the button has halved, m.
const AIM_SCALE: f32 = 0.03;
/// A side counts as touched with a tip's surface nearer than this, m: contacts are soft.
const TOUCH: f32 = 0.004;
/// Tips grip within this distance of the box's middle along it, m.
const GRIP_SPAN: f32 = 0.06;

/// Nearness in (0, 1].
fn nearness(distance: f32, scale: f32) -> f32 {
    1.0 / (1.0 + (distance / scale).powi(2))
}

/// How far a tip is from a point, but for what a box of these half extents around it allows, m.
fn gap(tip: [f32; 3], center: [f32; 3], half: [f32; 3]) -> f32 {
    let beyond = |i: usize| ((tip[i] - center[i]).abs() - half[i]).max(0.0);
    (0..3).map(|i| beyond(i).powi(2)).sum::<f32>().sqrt()
}

/// Smallest distance of a tip's surface to each long side, and to the button's front, m. `tips` are in the box's
/// frame.
pub(super) fn distances(tips: &[[f32; 3]; FINGERS], press: f32) -> [f32; 3] {
    let radius = LINK_RADIUS as f32;
    let side = BOX_HALF[1] as f32 + radius;
    let front = (BOX_HALF[0] + 2.0 * BUTTON_HALF[0]) as f32 - press + radius;
    let least = |center: [f32; 3], half: [f32; 3]| {
        let gaps = tips.iter().map(|&tip| gap(tip, center, half));
        gaps.fold(f32::INFINITY, f32::min)
    };
    let face = [GRIP_SPAN, 0.0, BOX_HALF[2] as f32];
    let plate = [0.0, BUTTON_HALF[1] as f32, BUTTON_HALF[2] as f32];
    [
        least([0.0, side, 0.0], face),
        least([0.0, -side, 0.0], face),
        least([front, 0.0, 0.0], plate),
    ]
}

/// The reward's terms; see the module's table.
pub(super) fn terms(grip: &Grip, distances: [f32; 3], command: &[f32]) -> [f32; TERMS.len()] {
    let [left, right, button] = distances;
    let gripped = left.max(right) < TOUCH;
    let lift = (grip.lift / LIFT).clamp(0.0, 1.0) as f32;
    let press = (grip.press / PRESS).clamp(0.0, 1.0) as f32;
    let effort: f32 = command.iter().map(|u| u * u).sum();
    let paid = |on: bool, reward: f32| if on { reward } else { 0.0 };
    [
        0.5 * (nearness(left, REACH_SCALE) + nearness(right, REACH_SCALE)),
        paid(gripped, 3.0 * lift),
        nearness(button, AIM_SCALE),
        paid(grip.lift > 0.5 * LIFT, 2.0 * press),
        paid(grip.succeeds(), 5.0),
        -(grip.turn as f32),
        -0.001 * effort,
    ]
}
