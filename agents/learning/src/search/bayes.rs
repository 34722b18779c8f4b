//! Bayesian optimisation: a Gaussian process over the hardware's genes predicts the logarithm of the cost; the next
//! machine is the one with the largest expected improvement (Jones, Schonlau, Welch 1998). On each machine the best of
//! some random mappings per layer counts, as in DOSA: 100 x 100 at a budget of 10 000, of which the last tenth goes to
//! mappings for the best machine.

use nalgebra::{Cholesky, DMatrix, DVector, Dyn};
use rayon::prelude::*;
use tandem_core::Stream;

use super::genetic::random_point;
use super::{Draws, Tracker};

/// Machines drawn before the process is asked.
const FIRST: usize = 10;
/// Machines among which the expected improvement is maximised.
const CANDIDATES: usize = 1000;
/// Over whole points: points that the process remembers, evaluations between two fits, genes that a small step changes.
const MEMORY: usize = 150;
const BATCH: usize = 20;
const STEPS: f64 = 3.0;
/// Length scales, in genes, and shares of noise in the variance, among which the likelihood chooses.
const LENGTHS: [f64; 5] = [0.1, 0.2, 0.4, 0.8, 1.6];
const NOISES: [f64; 3] = [1e-3, 1e-2, 1e-1];

/// Searches until the budget is spent; over whole points where layers cannot be judged one by one.
pub fn search(tracker: &mut Tracker, seed: u64) {
    if !tracker.space().separable() {
        return whole_points(tracker, seed);
    }
    let draws = (tracker.budget() as f64).sqrt().round().max(1.0) as u64;
    let last = tracker.budget() / 10;
    let mut stream = Stream::new(seed, "search-bayes-machines", 0);
    let (mut places, mut costs): (Vec<Vec<f64>>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut index = 0;
    while tracker.left() >= last + draws {
        let hardware = next(tracker, &places, &costs, &mut stream);
        let Some((cost, _)) = tracker.best_of_random(&hardware, draws, Draws::Even, (seed, "search-bayes", index))
        else {
            return;
        };
        places.push(hardware);
        costs.push(cost.ln());
        index += 1;
    }
    let best = (0..costs.len()).min_by(|&a, &b| costs[a].total_cmp(&costs[b]));
    if let Some(best) = best {
        let draws = tracker.left();
        tracker.best_of_random(&places[best], draws, Draws::Even, (seed, "search-bayes", index));
    }
}

/// The process sees all genes of the best [`MEMORY`] points (its effort grows with their cube). Candidates are random points
/// and small steps from the best one; those of greatest expected improvement are evaluated, [`BATCH`] at a time.
fn whole_points(tracker: &mut Tracker, seed: u64) {
    let space = tracker.space();
    let mut stream = Stream::new(seed, "search-bayes", 0);
    let mut known: Vec<(Vec<f64>, f64)> = Vec::new();
    while tracker.left() > 0 {
        let (places, values): (Vec<Vec<f64>>, Vec<f64>) = known.iter().cloned().unzip();
        let process = match places.len() {
            0..FIRST => None,
            _ => Process::fit(&places, &values),
        };
        let mut candidates: Vec<Vec<f64>> = Vec::new();
        for at in 0..CANDIDATES {
            let mut point = random_point(space, &mut stream);
            if let Some((best, _)) = known.first().filter(|_| at % 2 == 0) {
                for (gene, own) in point.iter_mut().zip(best) {
                    if stream.unit() > STEPS / best.len() as f64 {
                        *gene = *own;
                    }
                }
            }
            candidates.push(point);
        }
        if let Some(process) = process {
            let gain = |point: &Vec<f64>| process.expected_improvement(point);
            let gains: Vec<f64> = candidates.par_iter().map(gain).collect();
            let mut order: Vec<usize> = (0..gains.len()).collect();
            order.sort_by(|&a, &b| gains[b].total_cmp(&gains[a]).then(a.cmp(&b)));
            candidates = order.into_iter().map(|at| candidates[at].clone()).collect();
        }
        candidates.truncate(BATCH);
        let costs = tracker.costs(&candidates);
        let new = candidates.into_iter().zip(costs);
        known.extend(new.map(|(point, (cost, _))| (point, cost.ln())));
        known.sort_by(|a, b| a.1.total_cmp(&b.1));
        known.truncate(MEMORY);
    }
}

fn next(tracker: &Tracker, places: &[Vec<f64>], costs: &[f64], stream: &mut Stream) -> Vec<f64> {
    let draw = |stream: &mut Stream| {
        let mut hardware = vec![0.0; tracker.space().hardware()];
        tracker.space().draw_hardware(stream, &mut hardware);
        hardware
    };
    let process = if places.len() < FIRST {
        None
    } else {
        Process::fit(places, costs)
    };
    let Some(process) = process else {
        return draw(stream);
    };
    let mut best = (f64::NEG_INFINITY, Vec::new());
    for _ in 0..CANDIDATES {
        let hardware = draw(stream);
        let gain = process.expected_improvement(&hardware);
        if gain > best.0 {
            best = (gain, hardware);
        }
    }
    best.1
}

/// A Gaussian process with a squared-exponential kernel, in standard units of the data.
struct Process {
    places: Vec<Vec<f64>>,
    length: f64,
    noise: f64,
    factor: Cholesky<f64, Dyn>,
    weights: DVector<f64>,
    lowest: f64,
}

impl Process {
    /// The process of greatest likelihood; `None` where there is no spread.
    fn fit(places: &[Vec<f64>], values: &[f64]) -> Option<Self> {
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let spread = (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt();
        if spread.is_nan() || spread <= 0.0 {
            return None;
        }
        let standard = DVector::from_iterator(values.len(), values.iter().map(|v| (v - mean) / spread));
        let mut best: Option<(f64, Self)> = None;
        for length in LENGTHS {
            for noise in NOISES {
                let kernel = DMatrix::from_fn(places.len(), places.len(), |i, j| {
                    let own = if i == j { noise } else { 0.0 };
                    covariance(&places[i], &places[j], length) + own
                });
                let Some(factor) = Cholesky::new(kernel) else {
                    continue;
                };
                let weights = factor.solve(&standard);
                let log_determinant: f64 = factor.l_dirty().diagonal().iter().map(|d| d.ln()).sum();
                let likelihood = -0.5 * standard.dot(&weights) - log_determinant;
                if best.as_ref().is_none_or(|(known, _)| likelihood > *known) {
                    let process = Self {
                        places: places.to_vec(),
                        length,
                        noise,
                        factor,
                        weights,
                        lowest: standard.min(),
                    };
                    best = Some((likelihood, process));
                }
            }
        }
        best.map(|(_, process)| process)
    }

    /// Mean and standard deviation of the value at a place.
    fn predict(&self, place: &[f64]) -> (f64, f64) {
        let covariances = self.places.iter().map(|p| covariance(p, place, self.length));
        let covariances = DVector::from_iterator(self.places.len(), covariances);
        let explained = covariances.dot(&self.factor.solve(&covariances));
        let variance = (1.0 + self.noise - explained).max(1e-12);
        (covariances.dot(&self.weights), variance.sqrt())
    }

    fn expected_improvement(&self, place: &[f64]) -> f64 {
        let (mean, deviation) = self.predict(place);
        let z = (self.lowest - mean) / deviation;
        let density = (-0.5 * z * z).exp() / (2.0 * std::f64::consts::PI).sqrt();
        deviation * (z * normal_distribution(z) + density)
    }
}

fn covariance(a: &[f64], b: &[f64], length: f64) -> f64 {
    let distance: f64 = a.iter().zip(b).map(|(x, y)| (x - y).powi(2)).sum();
    (-0.5 * distance / (length * length)).exp()
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
        let places: Vec<Vec<f64>> = (0..8).map(|i| vec![i as f64 / 14.0]).collect();
        let values: Vec<f64> = places.iter().map(|p| (4.0 * p[0]).sin()).collect();
        let process = Process::fit(&places, &values).unwrap();
        let (_, near) = process.predict(&[0.25]);
        let (_, far) = process.predict(&[1.0]);
        assert!(near < 0.1 && far > 2.0 * near, "{near} {far}");
        assert!(Process::fit(&places, &[1.0; 8]).is_none());
    }

    #[test]
    fn the_normal_distribution_has_its_known_values() {
        for (z, p) in [(0.0, 0.5), (1.0, 0.841_344_7), (-1.96, 0.024_997_9)] {
            assert!((normal_distribution(z) - p).abs() < 1e-6);
        }
    }
}
