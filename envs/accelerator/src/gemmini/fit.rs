//! Fits of the model to measured layers: its constants, and what is left by a Gaussian process.

use nalgebra::{SMatrix, SVector};
use rayon::prelude::*;
use tandem_regression::{FitError, GaussianProcess};

use super::model::{Constants, Traffic};

/// Numbers that are fitted.
const COUNT: usize = 10;
/// Logarithmic errors from which on they count linearly, so that a few odd rows do not set the numbers.
const ODD: f64 = 0.1;
/// Steps of the fit, at most.
const STEPS: usize = 30;
/// Step of the numerical derivatives, in logarithms.
const DIFFERENCE: f64 = 1e-3;
/// Farthest that a constant may go from where it started, in logarithms: a factor of 20.
const FARTHEST: f64 = 3.0;
/// Residuals, in logarithms, that the process learns and gives at most.
const LARGEST: f64 = 0.5;

/// A layer and the cycles that it took.
#[derive(Clone, Debug)]
pub struct Measured {
    /// The layer.
    pub traffic: Traffic,
    /// Its cycles.
    pub cycles: f64,
    /// Which layer it is: rows of one differ in their mappings.
    pub layer: usize,
}

/// Constants that make the logarithms of predicted cycles as close as can be to those measured, by
/// Levenberg-Marquardt steps with odd rows held down.
pub fn fit_constants(rows: &[&Measured], start: Constants) -> Constants {
    let origin = SVector::from(start.to_array().map(f64::ln));
    let mut at = origin;
    let mut errors = residuals(rows, &at);
    let mut damping = 1e-2;
    for _ in 0..STEPS {
        let slopes: Vec<Vec<f64>> = (0..COUNT)
            .map(|index| {
                let mut moved = at;
                moved[index] += DIFFERENCE;
                let there = residuals(rows, &moved);
                let rise = there.iter().zip(&errors);
                rise.map(|(there, here)| (there - here) / DIFFERENCE).collect()
            })
            .collect();
        let step = step(&errors, &slopes, damping);
        let Some(step) = step else { break };
        let next = (at + step).zip_map(&origin, |value, origin| {
            value.clamp(origin - FARTHEST, origin + FARTHEST)
        });
        let there = residuals(rows, &next);
        let (old, new) = (loss(&errors), loss(&there));
        if new < old {
            (at, errors) = (next, there);
            damping = (damping * 0.3).max(1e-6);
            if old - new < 1e-7 * old {
                break;
            }
        } else {
            damping *= 10.0;
        }
    }
    Constants::from_array(at.map(f64::exp).into())
}

fn residuals(rows: &[&Measured], at: &SVector<f64, COUNT>) -> Vec<f64> {
    let constants = Constants::from_array(at.map(f64::exp).into());
    let error = |row: &&Measured| (row.traffic.cycles(&constants).total / row.cycles).ln();
    rows.iter().map(error).collect()
}

fn loss(errors: &[f64]) -> f64 {
    let one = |error: &f64| (1.0 + (error / ODD).powi(2)).sqrt() - 1.0;
    errors.iter().map(one).sum()
}

/// One damped step of the least squares that the loss is near its present place.
fn step(errors: &[f64], slopes: &[Vec<f64>], damping: f64) -> Option<SVector<f64, COUNT>> {
    let weight = |error: f64| 1.0 / (1.0 + (error / ODD).powi(2)).sqrt();
    let weights: Vec<f64> = errors.iter().map(|&error| weight(error)).collect();
    let product = |a: &[f64], b: &[f64]| -> f64 {
        let terms = a.iter().zip(b).zip(&weights);
        terms.map(|((a, b), weight)| a * b * weight).sum()
    };
    let mut matrix = SMatrix::<f64, COUNT, COUNT>::zeros();
    let mut side = SVector::<f64, COUNT>::zeros();
    for row in 0..COUNT {
        for column in 0..COUNT {
            matrix[(row, column)] = product(&slopes[row], &slopes[column]);
        }
        matrix[(row, row)] *= 1.0 + damping;
        matrix[(row, row)] += 1e-9;
        side[row] = -product(&slopes[row], errors);
    }
    Some(matrix.cholesky()?.solve(&side))
}

/// A model that has seen measurements: fitted constants, and a process for what they leave.
#[derive(Clone, Debug)]
pub struct Calibrated {
    /// The constants.
    pub constants: Constants,
    process: GaussianProcess,
}

impl Calibrated {
    /// Learns from measured layers.
    ///
    /// # Errors
    /// Too few of them.
    pub fn fit(rows: &[&Measured]) -> Result<Self, FitError> {
        let constants = fit_constants(rows, Constants::DOSA);
        let features: Vec<Vec<f64>> = rows.iter().map(|row| row.traffic.features(&constants)).collect();
        let left = |row: &&Measured| {
            let error = (row.cycles / row.traffic.cycles(&constants).total).ln();
            error.clamp(-LARGEST, LARGEST)
        };
        let targets: Vec<f64> = rows.iter().map(left).collect();
        let process = GaussianProcess::fit(&features, &targets)?;
        Ok(Self { constants, process })
    }

    /// Predicted cycles.
    pub fn cycles(&self, traffic: &Traffic) -> f64 {
        let plain = traffic.cycles(&self.constants).total;
        let left = self.process.predict(&traffic.features(&self.constants));
        plain * left.clamp(-LARGEST, LARGEST).exp()
    }
}

/// Predictions for each row by a model that has seen no row of the same layer: layers are dealt out to `folds`
/// groups, each of which is predicted from the others.
///
/// # Errors
/// Too few layers.
pub fn cross_validated(rows: &[Measured], folds: usize) -> Result<Vec<f64>, FitError> {
    let folds: Vec<usize> = (0..folds.max(2)).collect();
    let count = folds.len();
    let predicted: Result<Vec<Vec<(usize, f64)>>, FitError> = folds
        .par_iter()
        .map(|&fold| {
            let seen: Vec<&Measured> = rows.iter().filter(|row| row.layer % count != fold).collect();
            let model = Calibrated::fit(&seen)?;
            let unseen = rows.iter().enumerate().filter(|(_, row)| row.layer % count == fold);
            Ok(unseen.map(|(at, row)| (at, model.cycles(&row.traffic))).collect())
        })
        .collect();
    let mut cycles = vec![0.0; rows.len()];
    for (at, value) in predicted?.into_iter().flatten() {
        cycles[at] = value;
    }
    Ok(cycles)
}

#[cfg(test)]
mod tests {
    use super::super::calls::Program;
    use super::*;
    use crate::loopnest::{Mapping, Shape};

    /// Layers, with cycles of a machine whose constants are not the shipped ones.
    fn rows(machine: Constants) -> Vec<Measured> {
        let mut rows = Vec::new();
        for channels in [16, 64, 256] {
            for outer in [1, 4, 14, 56] {
                let (inner, k) = (56 / outer, channels / 16);
                let text = format!("L3[WIO] K{k} Q56 P{outer} - L2[WI] N1 K16X - L1[O] C{k} P{inner} C16X - L0[W] N1");
                let shape = Shape {
                    sizes: [1, 1, 56, 56, channels, channels, 1],
                    stride: [1, 1],
                    dilation: [1, 1],
                };
                let mapping = Mapping::parse(&text).unwrap();
                mapping.check(&shape, 16).unwrap();
                let traffic = Traffic::new(Program::new(&shape, &mapping, 16).unwrap());
                let cycles = traffic.cycles(&machine).total;
                let layer = rows.len();
                rows.push(Measured { traffic, cycles, layer });
            }
        }
        rows
    }

    #[test]
    fn another_machines_constants_are_found_again() {
        let machine = Constants {
            call_conv: 400.0,
            beat: 2.0,
            ..Constants::DOSA
        };
        let rows = rows(machine);
        let seen: Vec<&Measured> = rows.iter().collect();
        let before: f64 = seen
            .iter()
            .map(|row| (row.traffic.cycles(&Constants::DOSA).total / row.cycles).ln().abs())
            .sum();
        let fitted = fit_constants(&seen, Constants::DOSA);
        let after: f64 = seen
            .iter()
            .map(|row| (row.traffic.cycles(&fitted).total / row.cycles).ln().abs())
            .sum();
        assert!(after < 0.02 * before, "{after} from {before}: {fitted:?}");
        assert!((fitted.call_conv / 400.0 - 1.0).abs() < 0.05, "{fitted:?}");
    }

    #[test]
    fn folds_never_see_what_they_predict() {
        let mut rows = rows(Constants::DOSA);
        let clean = cross_validated(&rows, 4).unwrap();
        let last = rows.len() - 1;
        rows[last].cycles *= 1.5; // its own prediction cannot follow
        let spoilt = cross_validated(&rows, 4).unwrap();
        assert!((spoilt[last] / clean[last] - 1.0).abs() < 1e-9);
    }
}
