//! Filling of triangles, shared by the camera and the light.

/// A triangle's corner in the picture.
#[derive(Clone, Copy, Debug)]
pub(super) struct Corner {
    /// Column, in samples.
    pub(super) x: f32,
    /// Row, in samples, downwards.
    pub(super) y: f32,
    /// Any measure of nearness that varies linearly in the picture.
    pub(super) depth: f32,
    /// Further numbers that vary linearly in the picture.
    pub(super) carried: [f32; 3],
}

/// Calls `fill(x, y, depth, carried)` for every sample whose centre the triangle covers.
pub(super) fn rasterise(
    corners: &[Corner; 3],
    (wide, tall): (usize, usize),
    mut fill: impl FnMut(usize, usize, f32, [f32; 3]),
) {
    let [a, b, c] = corners;
    let area = edge(a, b, c.x, c.y);
    if !area.is_finite() || area == 0.0 {
        return;
    }
    let range = |values: [f32; 3], limit: usize| {
        let low = values.into_iter().fold(f32::INFINITY, f32::min);
        let high = values.into_iter().fold(f32::NEG_INFINITY, f32::max);
        let clamp = |v: f32| v.clamp(0.0, limit as f32) as usize;
        clamp((low - 0.5).ceil())..clamp((high + 0.5).floor())
    };
    let columns = range([a.x, b.x, c.x], wide);
    for y in range([a.y, b.y, c.y], tall) {
        for x in columns.clone() {
            let (px, py) = (x as f32 + 0.5, y as f32 + 0.5);
            let u = edge(b, c, px, py) / area;
            let v = edge(c, a, px, py) / area;
            let w = 1.0 - u - v;
            if u >= 0.0 && v >= 0.0 && w >= 0.0 {
                let blend = |f: &dyn Fn(&Corner) -> f32| u * f(a) + v * f(b) + w * f(c);
                let carried = std::array::from_fn(|i| blend(&|corner| corner.carried[i]));
                fill(x, y, blend(&|corner| corner.depth), carried);
            }
        }
    }
}

/// Twice the signed area of the triangle a, b, (x, y).
fn edge(a: &Corner, b: &Corner, x: f32, y: f32) -> f32 {
    (b.x - a.x) * (y - a.y) - (b.y - a.y) * (x - a.x)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_triangles_fill_a_square_and_interpolate_depth() {
        let corner = |x: f32, y: f32| Corner {
            x,
            y,
            depth: x,
            carried: [y, 0.0, 0.0],
        };
        let square = [corner(1.0, 1.0), corner(5.0, 1.0), corner(5.0, 4.0), corner(1.0, 4.0)];
        let mut covered = Vec::new();
        for half in [[0, 1, 2], [0, 2, 3]] {
            rasterise(&half.map(|i| square[i]), (8, 8), |x, y, depth, carried| {
                assert!((depth - x as f32 - 0.5).abs() < 1e-5);
                assert!((carried[0] - y as f32 - 0.5).abs() < 1e-5);
                covered.push((x, y));
            });
        }
        covered.sort_unstable();
        covered.dedup();
        assert_eq!(covered.len(), 12);
        assert_eq!((covered[0], covered[11]), ((1, 1), (4, 3)));
    }

    #[test]
    fn what_lies_outside_the_picture_is_cut() {
        let corner = |x: f32, y: f32| Corner {
            x,
            y,
            depth: 1.0,
            carried: [0.0; 3],
        };
        let mut count = 0;
        let huge = [corner(-1e6, -1e6), corner(1e6, -1e6), corner(0.0, 1e6)];
        rasterise(&huge, (4, 4), |_, _, _, _| count += 1);
        assert_eq!(count, 16);
    }
}
