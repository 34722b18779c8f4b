//! Pictures of the arm.

use super::config::{LINK_RADIUS, Settings};
use super::state::State;
use super::walls::{Point, Walls};
use tandem_core::scene::{Role, Scene, Shape, View};

fn space(p: Point) -> [f32; 3] {
    [p[0], p[1], 0.0]
}

fn line(a: Point, b: Point, radius: f32) -> Shape {
    Shape::Capsule {
        a: space(a),
        b: space(b),
        radius,
    }
}

fn disc(center: Point, radius: f32) -> Shape {
    Shape::Sphere {
        center: space(center),
        radius,
    }
}

/// The part of the plane that holds walls, goal and most of what the arm can reach.
fn view(settings: &Settings, walls: &Walls) -> View {
    let mut min = [f32::INFINITY; 2];
    let mut max = [f32::NEG_INFINITY; 2];
    let walls = walls.segments.iter().flatten();
    for p in walls.chain([&settings.base, &settings.goal]) {
        for axis in 0..2 {
            min[axis] = min[axis].min(p[axis]);
            max[axis] = max[axis].max(p[axis]);
        }
    }
    // the folded start needs two fifths of the longest arm to the left of the base and one fifth up
    let arm = settings.links as f32 * settings.length_bounds[1] as f32;
    min[0] = min[0].min(settings.base[0] - 0.4 * arm);
    max[1] = max[1].max(settings.base[1] + 0.2 * arm);
    View::Plane {
        min: [min[0] - 0.3, min[1] - 0.8],
        max: [max[0] + 0.5, max[1] + 0.5],
    }
}

/// The current state: trace, walls, goal, links, joints, base.
pub fn scene(settings: &Settings, walls: &Walls, state: &State) -> Scene {
    let mut shapes = Vec::new();
    let trace = state.trace.windows(2);
    shapes.extend(trace.map(|w| (Role::Trace, line(w[0], w[1], 0.006))));
    let segments = walls.segments.iter();
    shapes.extend(segments.map(|w| (Role::Wall, line(w[0], w[1], 0.012))));
    shapes.push((Role::Goal, disc(settings.goal, settings.tolerance)));
    let points = state.points();
    shapes.extend(points.windows(2).map(|w| (Role::Link, line(w[0], w[1], LINK_RADIUS))));
    shapes.extend(points[1..].iter().map(|&p| (Role::Joint, disc(p, 1.2 * LINK_RADIUS))));
    shapes.push((Role::Base, disc(points[0], 2.0 * LINK_RADIUS)));
    Scene {
        view: view(settings, walls),
        shapes,
        caption: format!("distance {:.2} m", state.distance_to(settings.goal)),
    }
}
