//! Drawing of planar scenes ([`View::Plane`](tandem_core::View), and charts): in the style of a drafting sheet.

use tandem_core::{Role, Scene, Shape};

use super::canvas::{Anchor, Canvas, Color, TextStyle, faded, mix, rgb, text_width};
use super::palette;

/// Maps world coordinates (metres, y up) to pixels, uniformly scaled and centred in an area of the canvas.
#[derive(Clone, Copy, Debug)]
struct Map {
    /// World point shown in the middle of the area.
    middle: [f32; 2],
    /// Middle of the area in pixels.
    center: [f32; 2],
    /// Pixels per metre.
    scale: f32,
}

impl Map {
    fn new(min: [f32; 2], max: [f32; 2], [x, y, w, h]: [f32; 4]) -> Self {
        let extent = |i: usize| (max[i] - min[i]).abs().max(1e-6);
        Self {
            middle: [0.5 * (min[0] + max[0]), 0.5 * (min[1] + max[1])],
            center: [x + 0.5 * w, y + 0.5 * h],
            scale: (w / extent(0)).min(h / extent(1)),
        }
    }

    fn point(&self, p: [f32; 3]) -> [f32; 2] {
        [
            self.center[0] + (p[0] - self.middle[0]) * self.scale,
            self.center[1] - (p[1] - self.middle[1]) * self.scale,
        ]
    }
}

/// Draws the view from `min` to `max` of several moments of one motion into an area (x, y, width, height):
/// what stands still once, the machine of every earlier moment as a ghost, the last one in full; a grid and a scale
/// bar where the plane is in metres.
pub(super) fn draw(canvas: &mut Canvas, area: [f32; 4], moments: &[&Scene], [min, max]: [[f32; 2]; 2], metres: bool) {
    let Some((last, earlier)) = moments.split_last() else {
        return;
    };
    let map = Map::new(min, max, area);
    canvas.clip(Some(area));
    canvas.rectangle(area, palette::PAPER);
    if metres {
        grid(canvas, &map, area);
    }
    let still = |role: Role| matches!(role, Role::Wall | Role::Goal | Role::Trace);
    traces(canvas, &map, last);
    for &(role, ref shape) in &last.shapes {
        if matches!(role, Role::Wall | Role::Goal) {
            draw_shape(canvas, &map, role, shape, palette::of(role, 0, 1), 1.0);
        }
    }
    for (i, scene) in earlier.iter().enumerate() {
        let strength = 0.12 + 0.3 * (i as f32 + 1.0) / moments.len() as f32;
        machine(canvas, &map, scene, &still, strength);
    }
    shadows(canvas, &map, last);
    machine(canvas, &map, last, &still, 1.0);
    if metres {
        scale_bar(canvas, &map, area);
    }
    canvas.clip(None);
}

/// Draws what moves, mixed with the paper by `strength` in [0, 1].
fn machine(canvas: &mut Canvas, map: &Map, scene: &Scene, still: &dyn Fn(Role) -> bool, strength: f32) {
    let links = scene.shapes.iter().filter(|(role, _)| *role == Role::Link).count();
    let mut link = 0;
    for &(role, ref shape) in &scene.shapes {
        if still(role) {
            continue;
        }
        let color = palette::of(role, link, links);
        link += usize::from(role == Role::Link);
        draw_shape(canvas, map, role, shape, color, strength);
    }
}

fn draw_shape(canvas: &mut Canvas, map: &Map, role: Role, shape: &Shape, color: Color, strength: f32) {
    let paper = |color| mix(palette::PAPER, color, strength);
    match role {
        Role::Goal => goal(canvas, map, shape, color),
        Role::Joint => {
            body(canvas, map, shape, paper(palette::INK), 0.0);
            body(canvas, map, shape, paper(rgb(0xffffff)), -0.35);
        }
        _ => {
            body(canvas, map, shape, paper(mix(color, palette::INK, 0.45)), 0.0);
            body(
                canvas,
                map,
                shape,
                paper(color),
                -(1.2 / map.scale).min(0.01) / thickness(shape),
            );
        }
    }
}

/// The goal: a tolerance ring around a bullseye.
fn goal(canvas: &mut Canvas, map: &Map, shape: &Shape, color: Color) {
    let Shape::Sphere { center, radius } = shape else {
        return body(canvas, map, shape, faded(color, 0.35), 0.0);
    };
    let (at, r) = (map.point(*center), (radius * map.scale).max(4.0));
    canvas.disc(at, r, faded(color, 0.16));
    canvas.circle(at, r, color, (0.12 * r).clamp(1.2, 3.0), None);
    canvas.disc(at, (0.28 * r).max(1.6), color);
}

/// Half the smaller side of a shape, m.
fn thickness(shape: &Shape) -> f32 {
    match shape {
        Shape::Capsule { radius, .. } | Shape::Sphere { radius, .. } => *radius,
        Shape::Cylinder {
            radius, half_height, ..
        } => radius.min(*half_height),
        Shape::Cuboid { half, .. } | Shape::Ellipsoid { half, .. } => half[0].min(half[1]),
        Shape::Mesh { .. } => 0.0, // drawn as it is
    }
    .max(1e-6)
}

/// Fills a shape grown by `grow` times its own [`thickness`].
fn body(canvas: &mut Canvas, map: &Map, shape: &Shape, color: Color, grow: f32) {
    let grow = grow.max(-0.9) * thickness(shape);
    match *shape {
        Shape::Capsule { a, b, radius } => {
            let width = 2.0 * (radius + grow) * map.scale;
            canvas.line(&[map.point(a), map.point(b)], color, width.max(1.0));
        }
        Shape::Sphere { center, radius } => {
            canvas.disc(map.point(center), (radius + grow) * map.scale, color);
        }
        Shape::Cuboid { center, half, rotation } => {
            let half = [half[0] + grow, half[1] + grow];
            canvas.polygon(&corners(map, center, half, rotation, [0, 1]), color);
        }
        Shape::Ellipsoid { center, half, rotation } => {
            let turn = |i: usize| (std::f32::consts::TAU * i as f32 / 32.0).sin_cos();
            let local = |(sin, cos): (f32, f32)| [(half[0] + grow) * cos, (half[1] + grow) * sin, 0.0];
            let ellipse: Vec<[f32; 2]> = (0..32).map(|i| placed(map, center, rotation, local(turn(i)))).collect();
            canvas.polygon(&ellipse, color);
        }
        Shape::Mesh {
            ref mesh,
            position,
            rotation,
        } => {
            for triangle in mesh.triangles() {
                canvas.polygon(
                    &triangle.map(|(corner, _)| placed(map, position, rotation, corner)),
                    color,
                );
            }
        }
        Shape::Cylinder {
            center,
            radius,
            half_height,
            rotation,
        } => {
            let axis = super::rotate(rotation, [0.0, 0.0, 1.0]);
            if axis[2].abs() > 0.7 {
                canvas.disc(map.point(center), (radius + grow) * map.scale, color);
            } else {
                let half = [radius + grow, half_height + grow];
                // Of the two radial axes, the one that lies in the picture.
                let flat = super::rotate(rotation, [1.0, 0.0, 0.0])[2].abs() < 0.7;
                canvas.polygon(&corners(map, center, half, rotation, [usize::from(!flat), 2]), color);
            }
        }
    }
}

/// The rectangle spanned by two of a body's own axes, seen from above.
fn corners(map: &Map, center: [f32; 3], half: [f32; 2], rotation: [f32; 4], axes: [usize; 2]) -> [[f32; 2]; 4] {
    [(-1.0, -1.0), (1.0, -1.0), (1.0, 1.0), (-1.0, 1.0)].map(|(u, v)| {
        let mut local = [0.0; 3];
        local[axes[0]] = u * half[0];
        local[axes[1]] = v * half[1];
        placed(map, center, rotation, local)
    })
}

/// Where a point of a body's own frame is in the picture.
fn placed(map: &Map, origin: [f32; 3], rotation: [f32; 4], local: [f32; 3]) -> [f32; 2] {
    let p = super::rotate(rotation, local);
    map.point(std::array::from_fn(|i| origin[i] + p[i]))
}

/// Past positions, the older the paler.
fn traces(canvas: &mut Canvas, map: &Map, scene: &Scene) {
    let of_trace = |(role, shape): &'_ (Role, Shape)| (*role == Role::Trace).then(|| shape.clone());
    let shapes: Vec<Shape> = scene.shapes.iter().filter_map(of_trace).collect();
    for (i, shape) in shapes.iter().enumerate() {
        let age = (i as f32 + 1.0) / shapes.len() as f32;
        let color = mix(palette::PAPER, palette::of(Role::Trace, 0, 1), 0.1 + 0.65 * age);
        body(canvas, map, shape, color, 0.0);
    }
}

/// A soft shadow under the machine lifts it off the paper.
fn shadows(canvas: &mut Canvas, map: &Map, scene: &Scene) {
    let shift = (0.012 * map.scale).clamp(1.0, 5.0);
    let lower = Map {
        center: [map.center[0] + 0.6 * shift, map.center[1] + shift],
        ..*map
    };
    for (role, shape) in &scene.shapes {
        if matches!(role, Role::Link | Role::Base | Role::Object | Role::Button) {
            for grow in [0.25, 0.0] {
                body(canvas, &lower, shape, faded(palette::INK, 0.07), grow);
            }
        }
    }
}

/// The largest of 1, 2, 5 times a power of ten that is at most `length`.
pub(super) fn round_length(length: f32) -> f32 {
    let power = 10f32.powf(length.max(1e-12).log10().floor());
    let digit = [5.0, 2.0, 1.0].into_iter().find(|d| d * power <= length * 1.0001);
    digit.unwrap_or(1.0) * power
}

fn grid(canvas: &mut Canvas, map: &Map, [x, y, w, h]: [f32; 4]) {
    let step = round_length(0.6 * w.min(h) / map.scale) / 2.0;
    let columns = (0.5 * w / map.scale / step).ceil() as i32 + 1;
    let rows = (0.5 * h / map.scale / step).ceil() as i32 + 1;
    let nearest = |i: usize| (map.middle[i] / step).round() as i32;
    for column in nearest(0) - columns..=nearest(0) + columns {
        let at = map.point([column as f32 * step, 0.0, 0.0])[0];
        canvas.line(&[[at, y], [at, y + h]], palette::GRID, 1.0);
    }
    for row in nearest(1) - rows..=nearest(1) + rows {
        let at = map.point([0.0, row as f32 * step, 0.0])[1];
        canvas.line(&[[x, at], [x + w, at]], palette::GRID, 1.0);
    }
}

fn scale_bar(canvas: &mut Canvas, map: &Map, [x, y, w, h]: [f32; 4]) {
    let length = round_length(0.22 * w / map.scale);
    let size = super::text_size(w, h) * 0.85;
    let label = length_label(length);
    let (right, bottom) = (x + w - 0.8 * size, y + h - 0.8 * size);
    let left = right - length * map.scale;
    let ends = [
        [left, bottom - 3.0],
        [left, bottom],
        [right, bottom],
        [right, bottom - 3.0],
    ];
    let wide = text_width(&label, size, false).max(right - left);
    let middle = 0.5 * (left + right);
    let plate = [
        middle - 0.5 * wide - 4.0,
        bottom - 1.5 * size,
        wide + 8.0,
        1.5 * size + 4.0,
    ];
    canvas.rectangle(plate, faded(palette::PAPER, 0.8));
    canvas.line(&ends, palette::QUIET, 1.2);
    let style = TextStyle {
        size,
        color: palette::QUIET,
        bold: false,
        anchor: Anchor::Middle,
    };
    canvas.text([middle, bottom - 0.45 * size], style, &label);
}

/// A length in metres with the unit that keeps it short.
fn length_label(length: f32) -> String {
    match length {
        l if l >= 0.999 => format!("{l:.0} m"),
        l if l >= 0.00999 => format!("{:.0} cm", l * 100.0),
        l if l >= 0.000_999 => format!("{:.0} mm", l * 1e3),
        l => format!("{l:.0e} m"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn round_lengths_are_one_two_or_five_times_a_power_of_ten() {
        for (length, expected) in [(0.7, 0.5), (1.0, 1.0), (4.9, 2.0), (37.0, 20.0)] {
            assert!((round_length(length) - expected).abs() < 1e-5 * expected);
        }
        assert_eq!(length_label(0.2), "20 cm");
        assert_eq!(length_label(2.0), "2 m");
    }

    #[test]
    fn the_view_is_centred_and_uniformly_scaled() {
        let map = Map::new([0.0, 0.0], [4.0, 1.0], [0.0, 0.0, 200.0, 100.0]);
        assert_eq!(map.scale, 50.0);
        assert_eq!(map.point([2.0, 0.5, 0.0]), [100.0, 50.0]);
        assert_eq!(map.point([0.0, 1.0, 0.0]), [0.0, 25.0]);
    }
}
