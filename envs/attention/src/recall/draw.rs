//! Pictures of the attention problem: what the head holds, and what it answers.

use super::code::{ROWS, VALUES};
use super::state::State;
use tandem_core::scene::{Role, Scene, Shape, View};

/// Width and height of the picture, in its own units.
const WIDTH: f32 = 12.0;
const HEIGHT: f32 = 10.0;
/// Height of a score of one unit of the head's output.
const BAR: f32 = 0.15;

/// A number as a square of its size, at a place of a grid.
fn number(value: f32, center: [f32; 2]) -> (Role, Shape) {
    let role = if value >= 0.0 { Role::Link } else { Role::Joint };
    let half = (0.45 * 0.5 * value.abs().sqrt()).max(0.02);
    (role, Shape::rectangle(center, [half, half]))
}

/// The current state. Above, the tokens that the window still holds, the newest left: keys, and values below them, as squares of
/// their size (one colour for each sign). Below, a bar per value's score, from a line at zero; the right value's is marked.
pub fn scene(state: &State, design: &[f64]) -> Scene {
    let mut shapes = vec![];
    let window = design.first().map_or(0, |&window| window.round() as usize);
    for (age, sent) in state.sent.iter().rev().take(window).enumerate() {
        for (row, &value) in sent[ROWS..].iter().enumerate() {
            let gap = if row >= ROWS { 0.3 } else { 0.0 };
            let center = [0.6 + 0.5 * age as f32, HEIGHT - 0.5 - 0.3 * row as f32 - gap];
            shapes.push(number(0.6 * value, center));
        }
    }
    let zero = 2.4;
    for (value, &score) in state.scores.iter().enumerate() {
        let height = (BAR * score).clamp(-2.0, 2.0);
        let center = [1.0 + 1.2 * value as f32, zero + 0.5 * height];
        shapes.push((
            Role::Base,
            Shape::rectangle(center, [0.35, 0.5 * height.abs().max(0.03)]),
        ));
    }
    if let Some(last) = state.step.checked_sub(1) {
        let center = [1.0 + 1.2 * state.right(last) as f32, 0.2];
        shapes.push((Role::Goal, Shape::rectangle(center, [0.35, 0.1])));
    }
    let line = Shape::Capsule {
        a: [0.3, zero, 0.0],
        b: [0.7 + 1.2 * VALUES as f32, zero, 0.0],
        radius: 0.02,
    };
    shapes.push((Role::Trace, line));
    let [loss, energy] = state.means();
    Scene {
        view: View::Chart {
            min: [0.0, 0.0],
            max: [WIDTH, HEIGHT],
        },
        shapes,
        caption: format!("window {window}, loss {loss:.3} nat, energy {energy:.2} of the reference's"),
    }
}
