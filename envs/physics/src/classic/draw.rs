//! Shapes of planar scenes from pairs of doubles.

use tandem_core::scene::{Role, Shape, View};

fn point(p: [f64; 2]) -> [f32; 3] {
    [p[0] as f32, p[1] as f32, 0.0]
}

/// The xy plane between two corners, m.
pub(super) fn plane(min: [f32; 2], max: [f32; 2]) -> View {
    View::Plane { min, max }
}

/// A capsule between two points, m.
pub(super) fn capsule(role: Role, a: [f64; 2], b: [f64; 2], radius: f32) -> (Role, Shape) {
    let (a, b) = (point(a), point(b));
    (role, Shape::Capsule { a, b, radius })
}

/// A disc, m.
pub(super) fn disc(role: Role, center: [f64; 2], radius: f32) -> (Role, Shape) {
    let center = point(center);
    (role, Shape::Sphere { center, radius })
}

/// An upright rectangle with half extents, m.
pub(super) fn cuboid(role: Role, center: [f64; 2], half: [f32; 2]) -> (Role, Shape) {
    let shape = Shape::Cuboid {
        center: point(center),
        half: [half[0], half[1], 0.05],
        rotation: [0.0, 0.0, 0.0, 1.0],
    };
    (role, shape)
}
