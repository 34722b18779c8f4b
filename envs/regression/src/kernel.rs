//! The kernel, its factor, and the choice of length and noise by likelihood.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};

/// Covariance of the values at two points, `exp(-d² / (2 l²))`.
pub(crate) fn covariance(a: &[f64], b: &[f64], length: f64) -> f64 {
    let square: f64 = a.iter().zip(b).map(|(a, b)| (a - b).powi(2)).sum();
    (-0.5 * square / (length * length)).exp()
}

/// Cholesky factor of the points' covariances with this noise on the diagonal; `None` where it is not positive definite.
pub(crate) fn factor(points: &[Vec<f64>], length: f64, noise: f64) -> Option<Cholesky<f64, Dyn>> {
    let size = points.len();
    let mut matrix = DMatrix::zeros(size, size);
    for row in 0..size {
        for column in 0..=row {
            matrix[(row, column)] = covariance(&points[row], &points[column], length);
        }
        matrix[(row, row)] += noise;
    }
    matrix.fill_upper_triangle_with_lower_triangle();
    matrix.cholesky()
}

/// Length and noise of a grid under which these values are likeliest; `None` where no kernel of the grid can be solved.
/// `likelihood` gets the number of values, their misfit `yᵀ K⁻¹ y`, and half the logarithm of the kernel's determinant.
pub(crate) fn likeliest(
    points: &[Vec<f64>],
    values: &DVector<f64>,
    grid: impl Iterator<Item = [f64; 2]>,
    likelihood: impl Fn(f64, f64, f64) -> f64,
) -> Option<[f64; 2]> {
    let mut best: Option<(f64, [f64; 2])> = None;
    for [length, noise] in grid {
        let Some(factor) = factor(points, length, noise) else {
            continue;
        };
        let misfit = values.dot(&factor.solve(values));
        let logs: f64 = factor.l_dirty().diagonal().iter().map(|value| value.ln()).sum();
        let likelihood = likelihood(values.len() as f64, misfit, logs);
        if best.is_none_or(|(known, _)| likelihood > known) {
            best = Some((likelihood, [length, noise]));
        }
    }
    best.map(|(_, chosen)| chosen)
}

/// All pairs of a length and a noise, in the order in which they are tried.
pub(crate) fn grid<'a>(
    lengths: impl IntoIterator<Item = f64> + 'a,
    noises: &'a [f64],
) -> impl Iterator<Item = [f64; 2]> + 'a {
    lengths
        .into_iter()
        .flat_map(|length| noises.iter().map(move |&noise| [length, noise]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_covariance_is_the_one_computed_by_hand() {
        assert_eq!(covariance(&[1.0, 2.0], &[1.0, 2.0], 0.3), 1.0);
        // d² = 9 + 16, l² = 25
        assert!((covariance(&[0.0, 0.0], &[3.0, 4.0], 5.0) - (-0.5f64).exp()).abs() < 1e-15);
    }

    #[test]
    fn the_length_of_the_function_that_made_the_values_is_the_likeliest() {
        let points: Vec<Vec<f64>> = (0..30).map(|i| vec![f64::from(i) / 10.0]).collect();
        // a path of a process of length 0.5: a sum of kernels of length 0.5 / √2, whose covariance is that kernel
        let at = |x: f64| -> f64 {
            let bumps = (0..12).map(|k| (f64::from(k * k % 7) - 3.0) * covariance(&[x], &[0.3 * f64::from(k)], 0.354));
            bumps.sum()
        };
        let values = DVector::from_iterator(30, points.iter().map(|p| at(p[0])));
        let profile = |n: f64, misfit: f64, logs: f64| -0.5 * n * (misfit / n).ln() - logs;
        let chosen = likeliest(&points, &values, grid([0.05, 0.5, 5.0], &[1e-4]), profile);
        assert_eq!(chosen, Some([0.5, 1e-4]));
        let nothing = likeliest(
            &[vec![0.0], vec![0.0]],
            &DVector::zeros(2),
            grid([1.0], &[0.0]),
            profile,
        );
        assert_eq!(nothing, None, "the same point twice without noise");
    }
}
