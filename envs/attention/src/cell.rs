//! The current that a cell puts on its column: a function of the stored voltage and of the read pulse's amplitude.
//!
//! Voltages are about the middle of the rail: `y = V_store - 0.45 V`, so that `y = 0` is weight zero. Positive `y`
//! sources current, negative `y` sinks it, and a column adds up signed products without a second line.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Stored voltages reach from 0 to this, V.
pub const STORED_RANGE_V: f64 = 0.9;
/// The stored voltage that stands for zero, V.
pub const MIDDLE_V: f64 = 0.45;
/// Slope of the linear cell at full read amplitude, µA/V: the authors' value.
pub const LINEAR_SLOPE: f64 = 19.3;

/// Which law turns stored voltage into current.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CellLaw {
    /// The cubic fitted to the circuit simulation: what the published model trains with.
    #[default]
    Cubic,
    /// The circuit simulation's own samples, interpolated.
    Table,
    /// A straight line through zero: the intermediate model of the adaptation.
    Linear,
}

/// Read amplitudes of [`FITS`] and [`MEASURED`], V.
const READ_V: [f64; 5] = [0.54, 0.63, 0.72, 0.81, 0.90];

/// Coefficients of `f(y) = a0 + a1 y + a2 y² + a3 y³` (µA, V), and the slope of the best line through zero (µA/V), for
/// each of [`READ_V`]. The last row is the published polynomial at its amplitude; the others are least squares of the
/// authors' circuit simulation, of 0.03 to 0.16 µA residual.
const FITS: [[f64; 5]; 5] = [
    [-0.022, -0.346, 1.146, 7.351, 0.58],
    [0.000, -0.588, 2.179, 22.504, 2.26],
    [0.110, 0.553, 2.044, 40.749, 5.70],
    [0.302, 4.875, 0.346, 51.547, 11.39],
    [0.52136, 13.61226, -2.62045, 46.05484, LINEAR_SLOPE],
];

/// Currents of the authors' circuit simulation, µA: a row per read amplitude, columns every 0.15 V from 0 V to 0.9 V.
const MEASURED: [[f64; 7]; 5] = [
    [-0.361, -0.008, 0.000, 0.000, 0.002, 0.134, 0.765],
    [-1.489, -0.150, -0.002, 0.000, 0.046, 0.641, 2.142],
    [-3.539, -0.877, -0.042, 0.010, 0.331, 1.714, 4.167],
    [-6.462, -2.523, -0.425, 0.128, 1.107, 3.432, 6.808],
    [-10.149, -5.122, -1.591, 0.476, 2.513, 5.792, 9.973],
];
const MEASURED_STEP_V: f64 = 0.15;

/// Lowest and highest read amplitude with data, V.
pub const READ_BOUNDS_V: [f64; 2] = [READ_V[0], READ_V[4]];

/// Index of the interval that holds `x` between `knots` of even spacing, and the fraction inside it; the ends hold.
fn interval(x: f64, first: f64, step: f64, knots: usize) -> (usize, f64) {
    let at = ((x - first) / step).clamp(0.0, (knots - 1) as f64);
    let index = (at as usize).min(knots - 2);
    (index, at - index as f64)
}

fn between(a: f64, b: f64, share: f64) -> f64 {
    a + (b - a) * share
}

fn fit(read_v: f64) -> [f64; 5] {
    let (row, share) = interval(read_v, READ_V[0], READ_V[1] - READ_V[0], READ_V.len());
    std::array::from_fn(|i| between(FITS[row][i], FITS[row + 1][i], share))
}

/// Coefficients `a0` to `a3` of the cubic, µA/V^i, at a read amplitude; linear between the fitted amplitudes.
pub fn cubic(read_v: f64) -> [f64; 4] {
    let [a0, a1, a2, a3, _] = fit(read_v);
    [a0, a1, a2, a3]
}

/// Slope of the linear cell, µA/V, at a read amplitude.
pub fn slope(read_v: f64) -> f64 {
    fit(read_v)[4]
}

/// Value of a cubic.
pub fn polynomial([a0, a1, a2, a3]: [f64; 4], y: f64) -> f64 {
    a0 + y * (a1 + y * (a2 + y * a3))
}

/// Current of the circuit simulation, µA, interpolated bilinearly between its samples.
pub fn measured(y: f64, read_v: f64) -> f64 {
    let (row, down) = interval(read_v, READ_V[0], READ_V[1] - READ_V[0], READ_V.len());
    let (column, along) = interval(y + MIDDLE_V, 0.0, MEASURED_STEP_V, MEASURED[0].len());
    let at = |row: usize| between(MEASURED[row][column], MEASURED[row][column + 1], along);
    between(at(row), at(row + 1), down)
}

/// A cell law at one read amplitude, ready for many evaluations.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Cell {
    coefficients: Option<[f64; 4]>,
    read_v: f64,
}

impl Cell {
    /// The cell of this law under read pulses of this amplitude, V.
    pub fn new(law: CellLaw, read_v: f64) -> Self {
        let coefficients = match law {
            CellLaw::Cubic => Some(cubic(read_v)),
            CellLaw::Linear => Some([0.0, slope(read_v), 0.0, 0.0]),
            CellLaw::Table => None,
        };
        Self { coefficients, read_v }
    }

    /// Current, µA, at `y` volts from the middle of the rail.
    pub fn current(&self, y: f64) -> f64 {
        match self.coefficients {
            Some(coefficients) => polynomial(coefficients, y),
            None => measured(y, self.read_v),
        }
    }

    /// The law as a polynomial; `None` for the table.
    pub fn coefficients(&self) -> Option<[f64; 4]> {
        self.coefficients
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::converter::Levels;

    #[test]
    fn the_published_polynomial_at_its_amplitude_is_the_cubic() {
        // I = Σ C_ij y^i V^j; the authors fitted at V = 0.9 only
        const C: [&[f64]; 4] = [
            &[0.17393044, 0.15653739, 0.14088365, 0.12679529],
            &[5.51975209, 4.96777688, 4.4709992],
            &[-1.44776001, -1.30298401],
            &[46.05483778],
        ];
        for (row, a) in C.iter().zip(cubic(0.9)) {
            let powers = row.iter().enumerate();
            let sum: f64 = powers.map(|(j, c)| c * 0.9_f64.powi(j as i32)).sum();
            assert!((sum - a).abs() < 1e-5, "{sum} {a}");
        }
    }

    #[test]
    fn currents_of_the_paper() {
        let cell = Cell::new(CellLaw::Cubic, 0.9);
        for (y, current) in [(-0.45, -10.332), (0.0, 0.5214), (0.45, 10.313)] {
            assert!((cell.current(y) - current).abs() < 1e-3, "{y}");
        }
        let levels = [-10.33, -5.65, -2.53, -0.38, 1.40, 3.38, 6.16, 10.31];
        let stored = Levels::stored(3);
        for (code, expected) in levels.into_iter().enumerate() {
            let current = cell.current(stored.value(code as f64) - MIDDLE_V);
            assert!((current - expected).abs() < 0.0051, "{code}: {current}");
        }
    }

    #[test]
    fn the_cubic_follows_the_measurement_at_every_amplitude() {
        for read_v in READ_V {
            for step in 0..7 {
                let y = MEASURED_STEP_V * f64::from(step) - MIDDLE_V;
                let error = measured(y, read_v) - polynomial(cubic(read_v), y);
                assert!(error.abs() < 0.5, "{read_v} {y}: {error}");
            }
        }
        assert_eq!(measured(-0.45, 0.9), -10.149);
        assert!((measured(-0.375, 0.9) + (10.149 + 5.122) / 2.0).abs() < 1e-12);
        assert_eq!(measured(9.0, 9.0), 9.973, "the table's ends hold");
    }

    #[test]
    fn less_amplitude_means_less_current_and_a_stronger_bend() {
        let at = |read_v| {
            let cell = Cell::new(CellLaw::Cubic, read_v);
            (cell.current(0.45), cell.current(0.45) / cell.current(0.225))
        };
        let (strong, straight) = at(0.9);
        let (weak, bent) = at(0.675);
        assert!(weak < 0.5 * strong && bent > 1.5 * straight);
    }
}
