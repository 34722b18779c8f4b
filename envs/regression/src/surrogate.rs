//! A cost known at some points, and how much lower it may be elsewhere.

use nalgebra::{Cholesky, DVector, Dyn};

use crate::kernel::{covariance, factor, grid, likeliest};

/// Lengths, in the points' own units (genes in [0, 1]), and shares of noise in the variance, among which the likelihood
/// chooses.
const LENGTHS: [f64; 5] = [0.1, 0.2, 0.4, 0.8, 1.6];
const NOISES: [f64; 3] = [1e-3, 1e-2, 1e-1];

/// A Gaussian process over points of the unit box, in standard units of the values.
pub struct Surrogate {
    points: Vec<Vec<f64>>,
    length: f64,
    noise: f64,
    factor: Cholesky<f64, Dyn>,
    weights: DVector<f64>,
    lowest: f64,
}

impl Surrogate {
    /// The process of greatest likelihood; `None` where the values have no spread.
    pub fn fit(points: &[Vec<f64>], values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        if spread.is_nan() || spread <= 0.0 {
            return None;
        }
        let standard = DVector::from_iterator(values.len(), values.iter().map(|v| (v - mean) / spread));
        let of_unit_variance = |_: f64, misfit: f64, logs: f64| -0.5 * misfit - logs;
        let [length, noise] = likeliest(points, &standard, grid(LENGTHS, &NOISES), of_unit_variance)?;
        let factor = factor(points, length, noise)?;
        Some(Self {
            points: points.to_vec(),
            length,
            noise,
            weights: factor.solve(&standard),
            factor,
            lowest: standard.min(),
        })
    }

    /// Mean and standard deviation of the value at a point.
    pub fn predict(&self, point: &[f64]) -> (f64, f64) {
        let covariances = self.points.iter().map(|p| covariance(p, point, self.length));
        let covariances = DVector::from_iterator(self.points.len(), covariances);
        let explained = covariances.dot(&self.factor.solve(&covariances));
        let variance = (1.0 + self.noise - explained).max(1e-12);
        (covariances.dot(&self.weights), variance.sqrt())
    }

    /// What the value at a point is expected to lie below the lowest known one (Jones, Schonlau, Welch 1998).
    pub fn expected_improvement(&self, point: &[f64]) -> f64 {
        let (mean, deviation) = self.predict(point);
        let z = (self.lowest - mean) / deviation;
        deviation * (z * normal_distribution(z) + normal_density(z))
    }
}

fn normal_density(z: f64) -> f64 {
    (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt()
}

/// Distribution function of the standard normal (Abramowitz and Stegun 26.2.17, error below 7.5e-8).
fn normal_distribution(z: f64) -> f64 {
    let t = 1.0 / (1.0 + 0.231_641_9 * z.abs());
    const C: [f64; 5] = [
        0.319_381_530,
        -0.356_563_782,
        1.781_477_937,
        -1.821_255_978,
        1.330_274_429,
    ];
    let series = C.iter().rev().fold(0.0, |sum, c| t * (c + sum));
    let tail = series * (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
    if z > 0.0 { 1.0 - tail } else { tail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_process_goes_through_its_data_and_is_unsure_far_away() {
        let points: Vec<Vec<f64>> = (0..8).map(|i| vec![i as f64 / 14.0]).collect();
        let values: Vec<f64> = points.iter().map(|p| (4.0 * p[0]).sin()).collect();
        let process = Surrogate::fit(&points, &values).unwrap();
        let (_, near) = process.predict(&[0.25]);
        let (_, far) = process.predict(&[1.0]);
        assert!(near < 0.1 && far > 2.0 * near, "{near} {far}");
        assert!(Surrogate::fit(&points, &[1.0; 8]).is_none());
    }

    #[test]
    fn the_normal_distribution_has_its_known_values() {
        for (z, p) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.96, 0.024_997_9)] {
            assert!((normal_distribution(z) - p).abs() < 1e-6);
        }
    }
}
