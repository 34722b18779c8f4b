//! Triangles of the shapes of a scene.

use tandem_core::Shape;

/// A point or direction in the world.
pub(super) type Vector = [f32; 3];

/// Straight pieces per full turn of a round body.
const PIECES: usize = 28;

/// A corner of a triangle, with the surface normal there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Vertex {
    pub(super) position: Vector,
    pub(super) normal: Vector,
}

/// Three corners.
pub(super) type Triangle = [Vertex; 3];

pub(super) fn dot(a: Vector, b: Vector) -> f32 {
    a[0] * b[0] + a[1] * b[1] + a[2] * b[2]
}

pub(super) fn cross(a: Vector, b: Vector) -> Vector {
    [
        a[1] * b[2] - a[2] * b[1],
        a[2] * b[0] - a[0] * b[2],
        a[0] * b[1] - a[1] * b[0],
    ]
}

pub(super) fn subtract(a: Vector, b: Vector) -> Vector {
    std::array::from_fn(|i| a[i] - b[i])
}

/// `a + factor b`.
pub(super) fn add_scaled(a: Vector, factor: f32, b: Vector) -> Vector {
    std::array::from_fn(|i| a[i] + factor * b[i])
}

/// The direction of `a`; zero stays zero.
pub(super) fn unit(a: Vector) -> Vector {
    let length = dot(a, a).sqrt().max(1e-12);
    a.map(|v| v / length)
}

/// Where a body is and how it is turned.
struct Frame {
    origin: Vector,
    axes: [Vector; 3],
}

impl Frame {
    fn turned(origin: Vector, rotation: [f32; 4]) -> Self {
        let axis = |v| super::rotate(rotation, v);
        Self {
            origin,
            axes: [axis([1.0, 0.0, 0.0]), axis([0.0, 1.0, 0.0]), axis([0.0, 0.0, 1.0])],
        }
    }

    /// A frame whose z axis points along `axis`.
    fn along(origin: Vector, axis: Vector) -> Self {
        let z = unit(axis);
        let helper = if z[2].abs() < 0.9 {
            [0.0, 0.0, 1.0]
        } else {
            [1.0, 0.0, 0.0]
        };
        let x = unit(cross(helper, z));
        Self {
            origin,
            axes: [x, cross(z, x), z],
        }
    }

    fn direction(&self, v: Vector) -> Vector {
        let xy = add_scaled(self.axes[0].map(|a| a * v[0]), v[1], self.axes[1]);
        add_scaled(xy, v[2], self.axes[2])
    }

    fn vertex(&self, position: Vector, normal: Vector) -> Vertex {
        Vertex {
            position: add_scaled(self.origin, 1.0, self.direction(position)),
            normal: self.direction(normal),
        }
    }
}

/// Adds the triangles of a shape's surface.
pub(super) fn triangulate(shape: &Shape, out: &mut Vec<Triangle>) {
    match *shape {
        Shape::Capsule { a, b, radius } => {
            let axis = subtract(b, a);
            let axis = if dot(axis, axis) > 0.0 { axis } else { [0.0, 0.0, 1.0] };
            let length = dot(subtract(b, a), subtract(b, a)).sqrt();
            revolve(&Frame::along(a, axis), &capsule_profile(radius, length), out);
        }
        Shape::Sphere { center, radius } => {
            revolve(
                &Frame::along(center, [0.0, 0.0, 1.0]),
                &capsule_profile(radius, 0.0),
                out,
            );
        }
        Shape::Cylinder {
            center,
            radius,
            half_height,
            rotation,
        } => {
            let profile = cylinder_profile(radius, half_height);
            revolve(&Frame::turned(center, rotation), &profile, out);
        }
        Shape::Cuboid { center, half, rotation } => {
            cuboid(&Frame::turned(center, rotation), half, out);
        }
        Shape::Ellipsoid { center, half, rotation } => ellipsoid(&Frame::turned(center, rotation), half, out),
        Shape::Mesh {
            ref mesh,
            position,
            rotation,
        } => {
            let frame = Frame::turned(position, rotation);
            let triangles = mesh.triangles();
            out.extend(triangles.map(|corners| corners.map(|(position, normal)| frame.vertex(position, normal))));
        }
    }
}

/// The unit sphere, stretched; normals shrink where the surface is stretched.
fn ellipsoid(frame: &Frame, half: Vector, out: &mut Vec<Triangle>) {
    let mut sphere = Vec::new();
    let ball = Frame::turned([0.0; 3], [0.0, 0.0, 0.0, 1.0]);
    revolve(&ball, &capsule_profile(1.0, 0.0), &mut sphere);
    out.extend(sphere.into_iter().map(|triangle| {
        triangle.map(|vertex| {
            let stretched = std::array::from_fn(|i| vertex.position[i] * half[i]);
            let normal = std::array::from_fn(|i| vertex.normal[i] / half[i].max(1e-6));
            frame.vertex(stretched, unit(normal))
        })
    }));
}

/// A point of a profile: distance from the axis, height, and the normal's two parts in the same order.
type ProfilePoint = [f32; 4];

/// Two half circles joined by a straight side, from the lower pole to the upper one.
fn capsule_profile(radius: f32, length: f32) -> Vec<[ProfilePoint; 2]> {
    let quarter = PIECES / 4;
    let point = |step: usize, base: f32| {
        let angle = std::f32::consts::FRAC_PI_2 * (step as f32 / quarter as f32 - 1.0);
        let (sin, cos) = angle.sin_cos();
        [radius * cos, base + radius * sin, cos, sin]
    };
    let mut points: Vec<ProfilePoint> = (0..=quarter).map(|step| point(step, 0.0)).collect();
    points.extend((quarter..=2 * quarter).map(|step| point(step, length)));
    points.windows(2).map(|pair| [pair[0], pair[1]]).collect()
}

/// Lower cap, side and upper cap with sharp edges.
fn cylinder_profile(radius: f32, half: f32) -> Vec<[ProfilePoint; 2]> {
    vec![
        [[0.0, -half, 0.0, -1.0], [radius, -half, 0.0, -1.0]],
        [[radius, -half, 1.0, 0.0], [radius, half, 1.0, 0.0]],
        [[radius, half, 0.0, 1.0], [0.0, half, 0.0, 1.0]],
    ]
}

/// The surface that a profile sweeps around the frame's z axis.
fn revolve(frame: &Frame, profile: &[[ProfilePoint; 2]], out: &mut Vec<Triangle>) {
    let vertex = |[r, z, normal_r, normal_z]: ProfilePoint, piece: usize| {
        let (sin, cos) = (std::f32::consts::TAU * piece as f32 / PIECES as f32).sin_cos();
        frame.vertex([r * cos, r * sin, z], [normal_r * cos, normal_r * sin, normal_z])
    };
    for &[low, high] in profile {
        for piece in 0..PIECES {
            let corners = [
                vertex(low, piece),
                vertex(low, piece + 1),
                vertex(high, piece + 1),
                vertex(high, piece),
            ];
            out.push([corners[0], corners[1], corners[2]]);
            out.push([corners[0], corners[2], corners[3]]);
        }
    }
}

fn cuboid(frame: &Frame, half: Vector, out: &mut Vec<Triangle>) {
    for axis in 0..3 {
        for side in [-1.0, 1.0] {
            let corner = |u: f32, v: f32| {
                let mut position = [0.0; 3];
                position[axis] = side * half[axis];
                position[(axis + 1) % 3] = u * half[(axis + 1) % 3];
                position[(axis + 2) % 3] = v * half[(axis + 2) % 3];
                let mut normal = [0.0; 3];
                normal[axis] = side;
                frame.vertex(position, normal)
            };
            let [a, b, c, d] = [
                corner(-1.0, -1.0),
                corner(1.0, -1.0),
                corner(1.0, 1.0),
                corner(-1.0, 1.0),
            ];
            out.push([a, b, c]);
            out.push([a, c, d]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Area of a mesh; the curved ones fall short of the smooth surface by a few percent.
    fn area(shape: &Shape) -> f32 {
        let mut triangles = Vec::new();
        triangulate(shape, &mut triangles);
        let sides = |t: &Triangle| {
            let [a, b, c] = t.map(|vertex| vertex.position);
            let normal = cross(subtract(b, a), subtract(c, a));
            0.5 * dot(normal, normal).sqrt()
        };
        triangles.iter().map(sides).sum()
    }

    #[test]
    fn meshes_have_the_area_of_their_shapes() {
        let pi = std::f32::consts::PI;
        let (center, rotation) = ([0.3, -0.2, 1.0], [0.5, 0.5, 0.5, 0.5]);
        let half = [0.1, 0.2, 0.3];
        let cuboid = Shape::Cuboid { center, half, rotation };
        assert!((area(&cuboid) - 8.0 * (0.02 + 0.06 + 0.03)).abs() < 1e-5);
        let (radius, half_height) = (0.5, 1.0);
        let round = [
            (Shape::Sphere { center, radius }, 4.0 * pi * 0.25),
            (
                Shape::Cylinder {
                    center,
                    radius,
                    half_height,
                    rotation,
                },
                2.0 * pi * 0.25 + 2.0 * pi,
            ),
            (
                Shape::Capsule {
                    a: center,
                    b: [0.3, 1.8, 1.0],
                    radius,
                },
                pi + pi * 2.0,
            ),
        ];
        for (shape, exact) in round {
            let ratio = area(&shape) / exact;
            assert!(ratio > 0.98 && ratio < 1.0, "{shape:?}: {ratio}");
        }
    }

    #[test]
    fn normals_look_outwards() {
        let mut triangles = Vec::new();
        triangulate(
            &Shape::Sphere {
                center: [0.0; 3],
                radius: 2.0,
            },
            &mut triangles,
        );
        for vertex in triangles.iter().flatten() {
            assert!((dot(vertex.position, vertex.normal) - 2.0).abs() < 1e-5);
        }
    }
}
