//! Pictures of the accelerator: the platform's blocks by area, and each layer's time against the reference.

use super::state::State;
use crate::platform::MM2_PER_GB_PER_S;
use tandem_core::scene::{Role, Scene, Shape, View};

/// Width and height of the picture, in its own units.
const WIDTH: f32 = 10.0;
const HEIGHT: f32 = 8.0;
/// Height of a bar of ratio 1.
const BAR: f32 = 2.5;

/// The current state: above, array (link), accumulator (joint), scratchpad (object) and memory interface (wall) as
/// squares of their area, 1 unit a square root of mm²; below, a bar per layer, the reference as a line.
pub fn scene(state: &State, design: &[f64], power: f32) -> Scene {
    let mut shapes = Vec::new();
    let value = |at: usize| design.get(at).copied().unwrap_or(0.0);
    let areas = [
        (Role::Link, 4.05e-4 * value(0) * value(1)),
        (Role::Joint, 5.55e-3 * value(2)),
        (Role::Object, 2.60e-3 * value(3)),
        (Role::Wall, MM2_PER_GB_PER_S * value(5)),
    ];
    let mut left = 0.3;
    for (role, area) in areas {
        let half = 0.5 * area.max(0.01).sqrt() as f32;
        shapes.push((role, Shape::rectangle([left + half, 4.5 + half], [half, half])));
        left += 2.0 * half + 0.3;
    }
    let ratios = &state.ratios;
    let step = (WIDTH - 0.6) / ratios.len().max(1) as f32;
    for (at, [time, _]) in ratios.iter().enumerate() {
        let height = (BAR * time).min(HEIGHT - 4.5);
        let center = [0.3 + (at as f32 + 0.5) * step, 0.5 + 0.5 * height];
        shapes.push((
            Role::Base,
            Shape::rectangle(center, [0.4 * step, 0.5 * height.max(0.02)]),
        ));
    }
    let line = Shape::Capsule {
        a: [0.3, 0.5 + BAR, 0.0],
        b: [WIDTH - 0.3, 0.5 + BAR, 0.0],
        radius: 0.02,
    };
    shapes.push((Role::Trace, line));
    Scene {
        view: View::Chart {
            min: [0.0, 0.0],
            max: [WIDTH, HEIGHT],
        },
        shapes,
        caption: caption(state, power),
    }
}

/// The energy-delay product beside the reference's, and which limit is broken by how much.
fn caption(state: &State, power: f32) -> String {
    let gain = state.gain();
    let mut text = match gain >= 1.0 {
        true => format!("EDP {gain:.2} times lower than the reference's"),
        false => format!("EDP {:.2} times the reference's", gain.recip()),
    };
    for (what, over) in [("area", state.area), ("power", power)] {
        if over > 1e-6 {
            text += &format!(", {what} {:.0} % over its limit", 100.0 * (over.exp() - 1.0));
        }
    }
    text
}
