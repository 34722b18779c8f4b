//! Pictures of the tentacle.

use super::config::Settings;
use super::hardware::Body;
use super::state::State;
use tandem_core::scene::{Role, Scene, Shape, View};

/// Radius of a drawn link, m.
const LINK_RADIUS: f32 = 0.008;

fn space(p: [f32; 2]) -> [f32; 3] {
    [p[0], p[1], 0.0]
}

fn line(a: [f32; 2], b: [f32; 2], radius: f32) -> Shape {
    Shape::Capsule {
        a: space(a),
        b: space(b),
        radius,
    }
}

fn disc(center: [f32; 2], radius: f32) -> Shape {
    Shape::Sphere {
        center: space(center),
        radius,
    }
}

/// The current state: trace, goals (the episode's one larger), links, joints as large as the first tendon's
/// pulleys, base.
pub fn scene(settings: &Settings, state: &State, design: &[f64]) -> Scene {
    let mut shapes = Vec::new();
    let trace = state.trace.windows(2);
    shapes.extend(trace.map(|w| (Role::Trace, line(w[0], w[1], 0.001))));
    let goals = settings.goals.iter();
    shapes.extend(goals.map(|&g| (Role::Goal, disc(g, 0.002))));
    shapes.push((Role::Goal, disc(state.goal, 0.006)));
    if let Some(body) = Body::new(design, settings.tendons()) {
        let mut from = [0.0; 2];
        for (j, end) in body.ends(&state.angles.map(f64::from)).iter().enumerate() {
            let to = end.map(|x| x as f32);
            shapes.push((Role::Link, line(from, to, LINK_RADIUS)));
            let radius = body.radii.first().map_or(0.0, |row| row[j]) as f32;
            shapes.push((Role::Joint, disc(from, radius)));
            from = to;
        }
    }
    shapes.push((Role::Base, disc([0.0, -0.03], 0.02)));
    Scene {
        view: View::Plane {
            min: [-0.25, -0.2],
            max: [0.4, 0.4],
        },
        shapes,
        caption: format!("error {:.1} mm", 1e3 * state.goal_distance()),
    }
}
