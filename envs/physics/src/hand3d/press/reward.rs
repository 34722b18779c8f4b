//! What a control step of the pressing hand is paid.

use super::controller::PRESSER;
use super::hand::{FINGERS, LINK_RADIUS};
use super::task::{BOX_HALF, BUTTON_HALF, Grip, LIFT, MOST_SHIFT, MOST_TURN, PRESS};

/// Names of the terms.
pub(super) const TERMS: [&str; 6] = ["hold", "aim", "press", "success", "tilt", "effort"];
/// Pay for a box that is held up: less than for a presser that is where it should be, or a hand that only holds is where
/// learning ends.
const HOLD: f32 = 0.5;
/// Cost of the presser's distance from the button, 1/m.
const AIM_COST: f32 = 4.0;
/// Distance at which the reward for nearness to the button has halved, m.
const AIM_SCALE: f32 = 0.02;
/// Costs beyond which the box's tilt and shift no longer count: it is lost anyway.
const WORST: f32 = 2.0;

/// How far a tip is from a point, but for what a box of these half extents around it allows, m.
fn gap(tip: [f32; 3], center: [f32; 3], half: [f32; 3]) -> f32 {
    let beyond = |i: usize| ((tip[i] - center[i]).abs() - half[i]).max(0.0);
    (0..3).map(|i| beyond(i).powi(2)).sum::<f32>().sqrt()
}

/// Distance of the presser's surface from the button's front, m; `tips` are in the box's frame, `press` is the
/// button's travel, m.
pub(super) fn button_gap(tips: &[[f32; 3]; FINGERS], press: f32) -> f32 {
    let front = (BOX_HALF[0] + 2.0 * BUTTON_HALF[0] + LINK_RADIUS) as f32 - press;
    let plate = [0.0, BUTTON_HALF[1] as f32, BUTTON_HALF[2] as f32];
    gap(tips[PRESSER], [front, 0.0, 0.0], plate)
}

/// The reward's terms; see the module's table.
pub(super) fn terms(grip: &Grip, button_gap: f32, command: &[f32]) -> [f32; TERMS.len()] {
    let lift = (grip.lift / LIFT).clamp(0.0, 1.0) as f32;
    let press = (grip.press / PRESS).clamp(0.0, 1.0) as f32;
    let effort: f32 = command.iter().map(|u| u * u).sum();
    let shift = (grip.shift[0].hypot(grip.shift[1]) / MOST_SHIFT) as f32;
    let tilt = (grip.turn / MOST_TURN) as f32 + shift;
    let paid = |on: bool, reward: f32| if on { reward } else { 0.0 };
    [
        paid(grip.holds(), HOLD * lift),
        1.0 / (1.0 + (button_gap / AIM_SCALE).powi(2)) - AIM_COST * button_gap,
        paid(grip.holds(), (0.5 + lift) * press),
        paid(grip.succeeds(), 3.0),
        -0.2 * tilt.min(WORST),
        -0.002 * effort,
    ]
}
