//! Regression by a Gaussian process: smooth functions of a few numbers, learnt from hundreds of examples.
//!
//! Features are scaled to unit variance. Far from all examples a prediction returns to their mean.

use nalgebra::{Cholesky, DVector, Dyn};
use thiserror::Error;

use crate::kernel::{covariance, factor, grid, likeliest};

/// Lengths, in standard deviations per root of the number of features, and noise variances, relative to the signal's.
const LENGTHS: [f64; 4] = [0.35, 0.6, 1.0, 1.7];
const NOISES: [f64; 4] = [0.003, 0.02, 0.1, 0.4];
/// Examples that choose among them.
const CHOOSERS: usize = 400;
/// Weight of an example that is far away, in means of neighbours.
const LEAST_WEIGHT: f64 = 1e-6;
/// Added to the noise for the sake of rounding.
const JITTER: f64 = 1e-8;

/// Why no process can be learnt.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum FitError {
    /// Too few examples, or of different lengths, or not finite.
    #[error("a Gaussian process needs at least two examples of finite numbers, all of the same length")]
    Examples,
    /// The kernel matrix cannot be solved.
    #[error("the kernel matrix of the Gaussian process is not positive definite")]
    Singular,
}

/// A learnt function.
#[derive(Clone, Debug, PartialEq)]
pub struct GaussianProcess {
    /// Mean and deviation of each feature.
    means: Vec<f64>,
    deviations: Vec<f64>,
    /// Mean of the targets.
    offset: f64,
    length: f64,
    noise: f64,
    /// Scaled examples, and their weights.
    examples: Vec<Vec<f64>>,
    weights: Vec<f64>,
}

impl GaussianProcess {
    /// Learns the function from features to targets.
    ///
    /// # Errors
    /// [`FitError`].
    pub fn fit(features: &[Vec<f64>], targets: &[f64]) -> Result<Self, FitError> {
        Self::solve(features, targets).map(|(process, _)| process)
    }

    /// The same, and how far each target is from what all the other examples say of it, by length and noise of all
    /// (Rasmussen and Williams 2006, equation 5.12).
    ///
    /// # Errors
    /// [`FitError`].
    pub fn fit_with_residuals(features: &[Vec<f64>], targets: &[f64]) -> Result<(Self, Vec<f64>), FitError> {
        let (process, kernel) = Self::solve(features, targets)?;
        let inverse = kernel.inverse();
        let both = process.weights.iter().zip((0..).map(|at| inverse[(at, at)]));
        let residuals = both.map(|(weight, own)| weight / own).collect();
        Ok((process, residuals))
    }

    fn solve(features: &[Vec<f64>], targets: &[f64]) -> Result<(Self, Cholesky<f64, Dyn>), FitError> {
        let width = features.first().map_or(0, Vec::len);
        let whole = features.iter().all(|row| row.len() == width);
        let finite = features.iter().flatten().chain(targets).all(|v| v.is_finite());
        if features.len() < 2 || features.len() != targets.len() || !whole || !finite {
            return Err(FitError::Examples);
        }
        let count = features.len() as f64;
        let column = |at: usize| features.iter().map(move |row| row[at]);
        let means: Vec<f64> = (0..width).map(|at| column(at).sum::<f64>() / count).collect();
        let deviation = |at: usize| {
            let squares: f64 = column(at).map(|value| (value - means[at]).powi(2)).sum();
            (squares / count).sqrt().max(1e-9)
        };
        let mut process = Self {
            deviations: (0..width).map(deviation).collect(),
            offset: targets.iter().sum::<f64>() / count,
            means,
            length: 1.0,
            noise: 1.0,
            examples: Vec::new(),
            weights: Vec::new(),
        };
        let examples: Vec<Vec<f64>> = features.iter().map(|row| process.scaled(row)).collect();
        let centred: Vec<f64> = targets.iter().map(|target| target - process.offset).collect();
        [process.length, process.noise] = choose(&examples, &centred)?;
        let kernel = factor(&examples, process.length, process.noise).ok_or(FitError::Singular)?;
        process.weights = kernel.solve(&DVector::from_vec(centred)).as_slice().to_vec();
        process.examples = examples;
        Ok((process, kernel))
    }

    /// The function at a point; the mean of the targets for a point of another length.
    pub fn predict(&self, features: &[f64]) -> f64 {
        let at = self.scaled(features);
        let pull = self.examples.iter().zip(&self.weights);
        let sum: f64 = pull
            .map(|(example, weight)| weight * covariance(&at, example, self.length))
            .sum();
        self.offset + sum
    }

    /// Mean of the examples' `values`, weighted by how near they are to a point by the process's own measure; the plain mean
    /// far from all of them (Nadaraya 1964, Watson 1964).
    pub fn mean_near(&self, features: &[f64], values: &[f64]) -> f64 {
        let at = self.scaled(features);
        let mut sums = [0.0; 2];
        for (example, value) in self.examples.iter().zip(values) {
            let weight = covariance(&at, example, self.length) + LEAST_WEIGHT;
            sums = [sums[0] + weight * value, sums[1] + weight];
        }
        sums[0] / sums[1]
    }

    /// Features that a point has.
    pub fn width(&self) -> usize {
        self.means.len()
    }

    fn scaled(&self, row: &[f64]) -> Vec<f64> {
        let parts = row.iter().zip(&self.means).zip(&self.deviations);
        parts
            .map(|((value, mean), deviation)| (value - mean) / deviation)
            .collect()
    }
}

/// Length and noise of the grid under which a sample of the examples is likeliest.
fn choose(examples: &[Vec<f64>], targets: &[f64]) -> Result<[f64; 2], FitError> {
    let step = examples.len().div_ceil(CHOOSERS);
    let sample: Vec<Vec<f64>> = examples.iter().step_by(step).cloned().collect();
    let values = DVector::from_iterator(sample.len(), targets.iter().step_by(step).copied());
    let scale = (sample.first().map_or(1, Vec::len).max(1) as f64).sqrt();
    // the signal's variance at its likeliest, put into the logarithm of the likelihood
    let profile = |count: f64, misfit: f64, logs: f64| -0.5 * count * (misfit / count).max(1e-300).ln() - logs;
    let (lengths, noises) = (LENGTHS.map(|length| length * scale), NOISES.map(|noise| noise + JITTER));
    likeliest(&sample, &values, grid(lengths, &noises), profile).ok_or(FitError::Singular)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn examples(count: usize) -> (Vec<Vec<f64>>, Vec<f64>) {
        let mut stream = tandem_core::Stream::new(3, "examples", 0);
        let points: Vec<Vec<f64>> = (0..count)
            .map(|_| vec![6.0 * stream.unit(), 2.0 * stream.unit()])
            .collect();
        let values = points.iter().map(|p| p[0].sin() + 0.5 * p[1]).collect();
        (points, values)
    }

    #[test]
    fn a_smooth_function_is_learnt() {
        let (points, values) = examples(200);
        let process = GaussianProcess::fit(&points, &values).unwrap();
        let worst = (0..50)
            .map(|at| [0.5 + 0.1 * f64::from(at), 1.0])
            .map(|p| (process.predict(&p) - p[0].sin() - 0.5).abs())
            .fold(0.0, f64::max);
        assert!(worst < 0.05, "{worst}");
    }

    #[test]
    fn a_residual_is_what_the_others_say_of_an_example() {
        let (points, values) = examples(60);
        let (process, residuals) = GaussianProcess::fit_with_residuals(&points, &values).unwrap();
        for at in [0, 17, 59] {
            let without = |of: &[Vec<f64>]| -> Vec<Vec<f64>> {
                let others = of.iter().enumerate().filter(|(i, _)| *i != at);
                others.map(|(_, row)| row.clone()).collect()
            };
            let scaled = without(&process.examples);
            let kernel_matrix = factor(&scaled, process.length, process.noise).unwrap();
            let mut others = values.clone();
            others.remove(at);
            let centred = others.iter().map(|value| value - process.offset);
            let weights = kernel_matrix.solve(&DVector::from_iterator(59, centred));
            let pull = scaled.iter().zip(weights.iter());
            let own = &process.examples[at];
            let sum: f64 = pull
                .map(|(row, weight)| weight * covariance(own, row, process.length))
                .sum();
            let expected = values[at] - process.offset - sum;
            assert!((residuals[at] - expected).abs() < 1e-6);
        }
    }

    #[test]
    fn means_of_neighbours_are_local_and_far_away_those_of_all() {
        let (points, values) = examples(200);
        let process = GaussianProcess::fit(&points, &values).unwrap();
        let firsts: Vec<f64> = points.iter().map(|point| point[0]).collect();
        assert!((process.mean_near(&[3.0, 1.0], &firsts) - 3.0).abs() < 0.3);
        let mean = firsts.iter().sum::<f64>() / 200.0;
        assert!((process.mean_near(&[1e6, 1e6], &firsts) - mean).abs() < 1e-9);
    }

    #[test]
    fn far_away_it_returns_to_the_mean() {
        let (points, values) = examples(50);
        let process = GaussianProcess::fit(&points, &values).unwrap();
        let mean = values.iter().sum::<f64>() / 50.0;
        assert!((process.predict(&[1e6, 1e6]) - mean).abs() < 1e-9);
    }

    #[test]
    fn examples_that_make_no_sense_are_refused() {
        assert_eq!(GaussianProcess::fit(&[], &[]).unwrap_err(), FitError::Examples);
        let ragged = [vec![1.0], vec![1.0, 2.0]];
        assert!(GaussianProcess::fit(&ragged, &[0.0, 1.0]).is_err());
        assert!(GaussianProcess::fit(&[vec![f64::NAN], vec![0.0]], &[0.0, 1.0]).is_err());
    }
}
