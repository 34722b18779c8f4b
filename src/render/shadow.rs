//! Soft shadows: the scene as the light sees it (shadow map, Williams 1978; filtered as Reeves et al. 1987).

use super::mesh::{Triangle, Vector, add_scaled, cross, dot, unit};
use super::raster::{Corner, rasterise};

/// Texels along each side of the map.
const SIDE: usize = 512;
/// Distance between the points compared around a place, in texels: how soft shadows are.
const SOFTNESS: f32 = 1.4;

/// Which places the light does not reach.
pub(super) struct ShadowMap {
    /// Two directions across the light and the one towards it.
    axes: [Vector; 3],
    /// Lower corner of the map across the light, m.
    low: [f32; 2],
    /// Texels per metre.
    scale: f32,
    /// How far towards the light the first surface lies, m; minus infinity = none. `[SIDE, SIDE]`
    nearest: Vec<f32>,
}

impl ShadowMap {
    /// The map of these triangles under a far light in this direction.
    pub(super) fn new<'a>(light: Vector, triangles: impl Iterator<Item = &'a Triangle> + Clone) -> Self {
        let helper = if light[2].abs() < 0.9 {
            [0.0, 0.0, 1.0]
        } else {
            [1.0, 0.0, 0.0]
        };
        let across = unit(cross(helper, light));
        let axes = [across, cross(light, across), light];
        let mut low = [f32::INFINITY; 2];
        let mut high = [f32::NEG_INFINITY; 2];
        for vertex in triangles.clone().flatten() {
            for i in 0..2 {
                let at = dot(axes[i], vertex.position);
                low[i] = low[i].min(at);
                high[i] = high[i].max(at);
            }
        }
        let extent = (high[0] - low[0]).max(high[1] - low[1]).max(1e-6);
        let margin = 4.0 * SOFTNESS;
        let scale = (SIDE as f32 - 2.0 * margin) / extent;
        let low = low.map(|v| v - margin / scale);
        let mut map = Self {
            axes,
            low,
            scale,
            nearest: vec![f32::NEG_INFINITY; SIDE * SIDE],
        };
        for triangle in triangles {
            let corners = triangle.map(|vertex| {
                let [x, y, depth] = map.project(vertex.position);
                Corner {
                    x,
                    y,
                    depth,
                    carried: [0.0; 3],
                }
            });
            rasterise(&corners, (SIDE, SIDE), |x, y, depth, _| {
                let nearest = &mut map.nearest[y * SIDE + x];
                *nearest = nearest.max(depth);
            });
        }
        map
    }

    /// Texel column and row, and how far towards the light (m).
    fn project(&self, position: Vector) -> Vector {
        let [x, y, depth] = self.axes.map(|axis| dot(axis, position));
        [(x - self.low[0]) * self.scale, (y - self.low[1]) * self.scale, depth]
    }

    /// How much of the light a place on a surface with this normal misses, in [0, 1].
    pub(super) fn at(&self, position: Vector, normal: Vector) -> f32 {
        // Off the surface by the filter's width, else a surface shadows itself.
        let offset = 3.0 * SOFTNESS / self.scale;
        let [x, y, depth] = self.project(add_scaled(position, offset, normal));
        let (low, high) = (-2.0 * SOFTNESS, SIDE as f32 + 2.0 * SOFTNESS);
        if x < low || y < low || x > high || y > high {
            return 0.0;
        }
        let hidden = |i: i32, j: i32| {
            let (u, v) = (x + SOFTNESS * i as f32, y + SOFTNESS * j as f32);
            let inside = u >= 0.0 && v >= 0.0 && u < SIDE as f32 && v < SIDE as f32;
            inside && self.nearest[v as usize * SIDE + u as usize] > depth
        };
        let outer = [(-2, -2), (2, -2), (-2, 2), (2, 2), (0, 0)];
        match outer.iter().filter(|&&(i, j)| hidden(i, j)).count() {
            0 => return 0.0,
            5 => return 1.0,
            _ => {}
        }
        let count = (-2..=2).flat_map(|i| (-2..=2).map(move |j| (i, j)));
        count.filter(|&(i, j)| hidden(i, j)).count() as f32 / 25.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::mesh::triangulate;
    use tandem_core::Shape;

    #[test]
    fn a_plate_shades_what_lies_below_it_and_nothing_else() {
        let plate = Shape::Cuboid {
            center: [0.0, 0.0, 1.0],
            half: [0.5, 0.5, 0.01],
            rotation: [0.0, 0.0, 0.0, 1.0],
        };
        let mut triangles = Vec::new();
        triangulate(&plate, &mut triangles);
        let up = [0.0, 0.0, 1.0];
        let map = ShadowMap::new(up, triangles.iter());
        assert_eq!(map.at([0.0, 0.0, 0.0], up), 1.0);
        assert_eq!(map.at([0.7, 0.0, 0.0], up), 0.0);
        assert_eq!(map.at([0.0, 0.0, 1.01], up), 0.0);
        let edge = map.at([0.5, 0.0, 0.0], up);
        assert!(edge > 0.2 && edge < 0.8, "{edge}");
    }
}
