//! Gradients of relaxed costs against finite differences, for the tests of all spaces.

use tandem_core::search::SearchSpace;
use tandem_core::stream::Stream;

const POINTS: usize = 60;
const GENES: usize = 20;
const STEP: f64 = 1e-6;

/// Central differences at random points, along random genes that are sizes, agree with the gradient to 1e-4, but for a
/// few genes at kinks: there two steps give two slopes.
pub fn check_gradients(space: &dyn SearchSpace, stream: &mut Stream) {
    let mut gradient = vec![0.0; space.dimensions()];
    let mut other = gradient.clone();
    let (mut compared, mut kinks) = (0, 0);
    for _ in 0..POINTS {
        let draw = |_| stream.uniform(0.05, 0.95);
        let point: Vec<f64> = (0..space.dimensions()).map(draw).collect();
        space.relaxed(&point, &mut gradient).unwrap();
        for _ in 0..GENES {
            let at = stream.below(point.len());
            let mapping = at.checked_sub(space.hardware());
            if mapping.is_some_and(|at| space.choices()[at % space.width()] > 0) {
                continue;
            }
            let mut slope = |step: f64| {
                let mut moved = point.clone();
                moved[at] += step;
                let up = space.relaxed(&moved, &mut other).unwrap();
                moved[at] -= 2.0 * step;
                (up - space.relaxed(&moved, &mut other).unwrap()) / (2.0 * step)
            };
            let (near, nearer) = (slope(STEP), slope(0.5 * STEP));
            let tolerance = 1e-4 * (1e-3 + near.abs());
            if (near - nearer).abs() > 0.2 * tolerance {
                kinks += 1; // there is no derivative
                continue;
            }
            let own = gradient[at];
            assert!((own - near).abs() < tolerance, "{at}: {own} {near}");
            compared += 1;
        }
    }
    assert!(compared > 600 && 6 * kinks < compared, "{compared} {kinks}");
}
