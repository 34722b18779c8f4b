//! Drawing of scenes seen by a camera: a rasteriser with depth buffer, shadow map and 2 x 2 samples per pixel.

use rayon::prelude::*;
use tandem_core::{Role, Scene};

use super::canvas::mix;
use super::mesh::{Triangle, Vector, add_scaled, cross, dot, subtract, triangulate, unit};
use super::raster::{Corner, rasterise};
use super::shadow::ShadowMap;
use super::{Image, RenderError, palette};

/// Samples per pixel along each side.
const SAMPLES: usize = 2;
/// Which of a pixel's samples a body fills, as one bit each: transparency without sorting ("screen door").
const OPAQUE: u8 = 0b1111;
/// Every second sample, in a checkerboard.
const HALF: u8 = 0b0110;
/// One sample of four.
const QUARTER: u8 = 0b0100;

/// From where a scene is seen.
pub(super) struct Camera {
    eye: Vector,
    /// Right, up and forward.
    axes: [Vector; 3],
    /// Tangent of half the vertical field of view.
    tangent: f32,
    /// Distance to the point looked at, m.
    distance: f32,
    /// Direction towards the light: high, from the left, behind the camera.
    light: Vector,
    /// Distance between the lines on the floor, m.
    grid: f32,
    /// Height of the floor, m; minus infinity where there is none.
    floor: f32,
}

/// How a body answers to light.
#[derive(Clone, Copy, PartialEq)]
enum Finish {
    Matt,
    Shiny,
    /// Shows its own colour in any light: a mark, no body.
    Glowing,
}

/// What a sample shows.
#[derive(Clone, Copy)]
struct Sample {
    /// Inverse distance along the view axis; 0 = nothing.
    depth: f32,
    normal: Vector,
    /// Linear red, green and blue.
    color: Vector,
    finish: Finish,
}

impl Sample {
    /// Whether both show nothing, or places close to each other on one smooth surface.
    fn is_alike(&self, other: &Self) -> bool {
        if self.depth == 0.0 || other.depth == 0.0 {
            return self.depth == other.depth;
        }
        let level = (self.depth - other.depth).abs() < 0.01 * self.depth;
        let smooth = || dot(unit(self.normal), unit(other.normal)) > 0.98;
        level && self.color == other.color && self.finish == other.finish && smooth()
    }
}

/// A piece of the scene with one colour.
struct Body {
    triangles: Vec<Triangle>,
    color: Vector,
    mask: u8,
    finish: Finish,
}

impl Camera {
    /// A camera at `eye` that looks at `target`, held so that `up` is up in the picture, with a vertical field of view of `fov`
    /// degrees, over a floor.
    pub(super) fn new([eye, target, up]: [Vector; 3], fov: f32, floor: Option<f32>) -> Result<Self, RenderError> {
        let gaze = subtract(target, eye);
        let distance = dot(gaze, gaze).sqrt();
        if !(distance > 1e-6 && distance < 1e6) {
            return Err(RenderError::View(
                "the camera must stand away from the point it looks at",
            ));
        }
        if !(1.0..=170.0).contains(&fov) {
            return Err(RenderError::View(
                "the field of view must lie between 1 and 170 degrees",
            ));
        }
        let forward = unit(gaze);
        let right = cross(forward, unit(up));
        if !right.iter().all(|v| v.is_finite()) || dot(right, right) < 1e-6 {
            return Err(RenderError::View("the camera's up must not lie along its gaze"));
        }
        let right = unit(right);
        let up = cross(right, forward);
        let level = unit(cross(right, [0.0, 0.0, 1.0])); // towards the viewer, in the ground plane
        let light = unit(add_scaled(add_scaled([0.0, 0.0, 1.0], -0.55, right), 0.4, level));
        Ok(Self {
            eye,
            axes: [right, up, forward],
            tangent: (0.5 * fov.to_radians()).tan(),
            distance,
            light,
            grid: super::plane::round_length(0.3 * distance),
            floor: floor.unwrap_or(f32::NEG_INFINITY),
        })
    }

    /// Draws the last moment in full and the moving parts of the earlier ones as ghosts.
    pub(super) fn draw(&self, moments: &[&Scene], size: (u32, u32)) -> Image {
        let (width, height) = (size.0.max(1) as usize, size.1.max(1) as usize);
        let (wide, tall) = (width * SAMPLES, height * SAMPLES);
        let nothing = Sample {
            depth: 0.0,
            normal: [0.0; 3],
            color: [0.0; 3],
            finish: Finish::Matt,
        };
        let mut samples = vec![nothing; wide * tall];
        let bodies = bodies(moments);
        for body in &bodies {
            for triangle in &body.triangles {
                self.draw_triangle(body, triangle, &mut samples, (wide, tall));
            }
        }
        let solid = bodies
            .iter()
            .filter(|body| body.mask == OPAQUE)
            .flat_map(|body| &body.triangles);
        let shadow = ShadowMap::new(self.light, solid);
        let rows = (0..height).into_par_iter().flat_map_iter(|y| {
            let (samples, shadow) = (&samples, &shadow);
            (0..width).flat_map(move |x| bytes(self.pixel([x, y], samples, (wide, tall), shadow)))
        });
        Image {
            width: width as u32,
            height: height as u32,
            rgb: rows.collect(),
        }
    }

    /// The mean light of a pixel's samples. Where they all show the same piece of a surface, one stands for all.
    fn pixel(&self, [x, y]: [usize; 2], samples: &[Sample], size: (usize, usize), shadow: &ShadowMap) -> Vector {
        let corner = [x * SAMPLES, y * SAMPLES];
        let at = |i: usize| [corner[0] + i % SAMPLES, corner[1] + i / SAMPLES];
        let sample = |i: usize| samples[at(i)[1] * size.0 + at(i)[0]];
        let count = SAMPLES * SAMPLES;
        let first = sample(0);
        if (1..count).all(|i| first.is_alike(&sample(i))) {
            let middle = corner.map(|c| c as f32 + 0.5 * SAMPLES as f32);
            return self.shade(&first, self.ray(middle, size), shadow);
        }
        (0..count).fold([0.0; 3], |sum, i| {
            let light = self.shade(&sample(i), self.ray(at(i).map(|c| c as f32 + 0.5), size), shadow);
            add_scaled(sum, 1.0 / count as f32, light)
        })
    }

    /// Direction through a place in the picture (samples), scaled to one unit along the view axis.
    fn ray(&self, [x, y]: [f32; 2], (wide, tall): (usize, usize)) -> Vector {
        let half = 0.5 * tall as f32;
        let u = (x - 0.5 * wide as f32) / half * self.tangent;
        let v = (half - y) / half * self.tangent;
        add_scaled(add_scaled(self.axes[2], u, self.axes[0]), v, self.axes[1])
    }

    fn draw_triangle(&self, body: &Body, triangle: &Triangle, samples: &mut [Sample], (wide, tall): (usize, usize)) {
        let near = 0.01 * self.distance;
        let seen = triangle.map(|vertex| {
            let from_eye = subtract(vertex.position, self.eye);
            (self.axes.map(|axis| dot(axis, from_eye)), vertex.normal)
        });
        let half = 0.5 * tall as f32;
        let scale = half / self.tangent;
        let corner = |([x, y, z], normal): (Vector, Vector)| Corner {
            x: 0.5 * wide as f32 + scale * x / z,
            y: half - scale * y / z,
            depth: 1.0 / z,
            // Divided by the distance, the normal varies linearly in the picture.
            carried: normal.map(|n| n / z),
        };
        let polygon = clip_near(&seen, near);
        for i in 2..polygon.len() {
            let corners = [polygon[0], polygon[i - 1], polygon[i]].map(corner);
            rasterise(&corners, (wide, tall), |x, y, depth, carried| {
                let bit = 1 << ((y % SAMPLES) * SAMPLES + x % SAMPLES);
                let sample = &mut samples[y * wide + x];
                if body.mask & bit != 0 && depth > sample.depth {
                    let (color, finish) = (body.color, body.finish);
                    *sample = Sample {
                        depth,
                        normal: carried,
                        color,
                        finish,
                    };
                }
            });
        }
    }

    /// The light that reaches the eye along `ray`: from the body, else the ground, else the sky.
    fn shade(&self, sample: &Sample, ray: Vector, shadow: &ShadowMap) -> Vector {
        let backdrop = self.backdrop(ray);
        let slope = (self.floor - self.eye[2]) / ray[2];
        let ground_seen = self.floor.is_finite() && self.eye[2] > self.floor && ray[2] < -1e-6;
        if sample.depth > 0.0 && !(ground_seen && slope * sample.depth < 0.9999) {
            let at = add_scaled(self.eye, 1.0 / sample.depth, ray);
            let normal = unit(sample.normal);
            return self.shade_body(sample, at, normal, unit(ray), shadow);
        }
        if !ground_seen {
            return backdrop;
        }
        let at = add_scaled(self.eye, slope, ray);
        let lit = 1.0 - 0.5 * shadow.at(at, [0.0, 0.0, 1.0]);
        let color = self.ground_color(at, slope).map(|c| c * lit);
        let far = (slope / (2.6 * self.distance)).powi(2);
        let fade = (-far * far).exp();
        std::array::from_fn(|i| backdrop[i] + (color[i] - backdrop[i]) * fade)
    }

    /// Lambert's law under a key light, a sky that is brighter above, and Blinn's highlight.
    fn shade_body(&self, sample: &Sample, at: Vector, normal: Vector, ray: Vector, shadow: &ShadowMap) -> Vector {
        if sample.finish == Finish::Glowing {
            return sample.color;
        }
        let normal = if dot(normal, ray) > 0.0 {
            normal.map(|n| -n)
        } else {
            normal
        };
        let lit = 1.0 - shadow.at(at, normal);
        let facing = dot(normal, self.light).max(0.0) * lit;
        let ambient = 0.34 + 0.14 * normal[2];
        let halfway = unit(subtract(self.light, ray));
        let gloss = if sample.finish == Finish::Shiny { 0.22 } else { 0.03 };
        let highlight = gloss * dot(normal, halfway).max(0.0).powi(48) * lit;
        sample.color.map(|c| c * (ambient + 0.72 * facing) + highlight)
    }

    /// Pale ground with a grid of round lengths that fades with distance.
    fn ground_color(&self, at: Vector, depth: f32) -> Vector {
        let step = self.grid;
        let pixel = depth * self.tangent / 300.0; // about one pixel of a small panel, m
        let line = |v: f32| {
            let off = (v / step - (v / step).round()).abs() * step;
            (1.0 - off / pixel.max(0.004 * step)).max(0.0)
        };
        let strength = 0.16 * line(at[0]).max(line(at[1])) * (1.0 - 8.0 * pixel / step).max(0.0);
        linear(palette::GROUND).map(|c| c * (1.0 - strength))
    }

    fn backdrop(&self, ray: Vector) -> Vector {
        let height = (0.5 + 0.9 * unit(ray)[2]).clamp(0.0, 1.0);
        let (low, high) = (linear(palette::HORIZON), linear(palette::SKY));
        std::array::from_fn(|i| low[i] + (high[i] - low[i]) * height)
    }
}

/// Bytes to light: gamma 2, close to sRGB and cheap.
fn linear([r, g, b, _]: super::canvas::Color) -> Vector {
    [r, g, b].map(|v| (f32::from(v) / 255.0).powi(2))
}

/// The part of a polygon beyond `near` along the view axis (Sutherland and Hodgman 1974).
fn clip_near(corners: &[(Vector, Vector)], near: f32) -> Vec<(Vector, Vector)> {
    let mut out = Vec::with_capacity(4);
    for (i, &current) in corners.iter().enumerate() {
        let next = corners[(i + 1) % corners.len()];
        if current.0[2] >= near {
            out.push(current);
        }
        if (current.0[2] >= near) != (next.0[2] >= near) {
            let t = (near - current.0[2]) / (next.0[2] - current.0[2]);
            let between = |a, b| add_scaled(a, t, subtract(b, a));
            out.push((between(current.0, next.0), between(current.1, next.1)));
        }
    }
    out
}

/// Triangles, colours and transparency of everything in the picture.
fn bodies(moments: &[&Scene]) -> Vec<Body> {
    let Some((last, earlier)) = moments.split_last() else {
        return Vec::new();
    };
    let mut out = bodies_of(last, false);
    earlier.iter().for_each(|scene| out.extend(bodies_of(scene, true)));
    out
}

fn bodies_of(scene: &Scene, ghost: bool) -> Vec<Body> {
    let links = scene.shapes.iter().filter(|(role, _)| *role == Role::Link).count();
    let mut link = 0;
    let mut out = Vec::new();
    for (role, shape) in &scene.shapes {
        let color = palette::of(*role, link, links);
        link += usize::from(*role == Role::Link);
        let still = matches!(role, Role::Wall | Role::Goal | Role::Trace | Role::Contact);
        if ghost && still {
            continue;
        }
        let (mask, finish) = match role {
            Role::Goal | Role::Trace => (HALF, Finish::Glowing),
            Role::Contact => (OPAQUE, Finish::Glowing),
            Role::Wall => (OPAQUE, Finish::Matt),
            Role::Painted([.., alpha]) if !ghost => (screen(*alpha), Finish::Shiny),
            _ if ghost => (QUARTER, Finish::Shiny),
            _ => (OPAQUE, Finish::Shiny),
        };
        let color = if *role == Role::Wall {
            mix(color, palette::PAPER, 0.45)
        } else {
            color
        };
        let mut triangles = Vec::new();
        triangulate(shape, &mut triangles);
        out.push(Body {
            triangles,
            color: linear(color),
            mask,
            finish,
        });
    }
    out
}

/// The samples that something of this opacity fills.
fn screen(alpha: u8) -> u8 {
    match alpha {
        0..96 => QUARTER,
        96..192 => HALF,
        _ => OPAQUE,
    }
}

/// Bytes from light.
fn bytes(light: Vector) -> [u8; 3] {
    light.map(|v| (v.clamp(0.0, 1.0).sqrt() * 255.0).round() as u8)
}
