//! Comparison with Gemmini's RTL: DOSA's tables of layers and mappings, run on FireSim.

use std::path::Path;

use super::calls::Program;
use super::fit::{Calibrated, Measured, cross_validated, fit_constants};
use super::model::{Constants, Traffic};
use crate::accuracy::Accuracy;
use crate::input::InputError;
use crate::loopnest::{Columns, Shape, read_table};
use crate::table::{Row, Table};

/// Folds of the cross-validation.
pub const FOLDS: usize = 10;
/// The array of a table that names none: Gemmini's usual one.
const USUAL_SIDE: u64 = 16;
/// The array that DOSA's calibration rows all name, which was never built: each ran on the smallest of the built
/// arrays, powers of two, that holds what its mapping unrolls.
const PLACEHOLDER_SIDE: u64 = 128;

/// Measured layers of a table.
#[derive(Clone, Debug)]
pub struct Rows {
    /// The layers.
    pub rows: Vec<Measured>,
    /// Rows without measured cycles.
    pub left_out: usize,
}

/// How the model compares with the RTL.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// With the shipped constants.
    pub plain: Accuracy,
    /// Rank correlation of the same (Spearman).
    pub rank_correlation: f64,
    /// Calibrated: cross-validated over layers, or on another table.
    pub calibrated: Option<Accuracy>,
    /// Constants fitted to all rows that calibrate.
    pub fitted: Option<Constants>,
    /// Rows without measured cycles.
    pub left_out: usize,
}

/// Reads a table, as it is (CSV) or packed (`.csv.gz`, `.tar.gz`). Measured cycles are in `target.gemmini_cycle`, or
/// in `target.cycle` where there is no such column.
///
/// # Errors
/// A file that cannot be read or unpacked, an absent column, a row that is no layer.
pub fn read(data: &Path) -> Result<Rows, InputError> {
    let origin = data.display().to_string();
    let text = read_table(data)?;
    let table = Table::parse(&text, &origin)?;
    let columns = Columns::of(&table)?;
    let measured = "target.gemmini_cycle";
    let [cycles] = match table.has(&[measured]) {
        true => table.columns([measured])?,
        false => table.columns(["target.cycle"])?,
    };
    let side = match table.has(&["arch.meshX"]) {
        true => Some(table.columns(["arch.meshX"])?[0]),
        false => None,
    };
    let mut layers: Vec<Shape> = Vec::new();
    let mut found = Rows {
        rows: Vec::new(),
        left_out: 0,
    };
    for row in table.rows() {
        let row = row?;
        if matches!(row.text(cycles).to_lowercase().as_str(), "" | "nan") {
            found.left_out += 1;
            continue;
        }
        let shape = columns.shape(&row)?;
        let traffic = traffic(&row, &columns, &shape, side)?;
        let layer = layers.iter().position(|layer| *layer == shape);
        let layer = layer.unwrap_or_else(|| {
            layers.push(shape);
            layers.len() - 1
        });
        found.rows.push(Measured {
            traffic,
            cycles: row.positive(cycles)?,
            layer,
        });
    }
    match found.rows.is_empty() {
        true => Err(InputError::file(&origin, "has no rows with measured cycles")),
        false => Ok(found),
    }
}

fn traffic(row: &Row, columns: &Columns, shape: &Shape, side: Option<usize>) -> Result<Traffic, InputError> {
    let mapping = columns.mapping(row)?;
    let named = match side {
        Some(column) => row.count(column)?,
        None => USUAL_SIDE,
    };
    let side = match named {
        PLACEHOLDER_SIDE => {
            let unrolled = mapping.spatial(1).max(mapping.spatial(2));
            unrolled.clamp(2, PLACEHOLDER_SIDE).next_power_of_two()
        }
        side => side,
    };
    mapping
        .check(shape, side)
        .map_err(|error| row.fail(error.to_string()))?;
    let program = Program::new(shape, &mapping, side).map_err(|reason| row.fail(reason))?;
    Ok(Traffic::new(program))
}

/// Compares with a table: the shipped constants as they are; and, calibrated, either on another table or, without
/// one, cross-validated over the table's own layers.
///
/// # Errors
/// A table that is not right.
pub fn compare(data: &Path, calibration: Option<&Path>) -> Result<Comparison, InputError> {
    let rows = read(data)?;
    let measured = &rows.rows;
    let accuracy = |predicted: &[f64]| {
        let pairs: Vec<(f64, f64)> = predicted
            .iter()
            .zip(measured)
            .map(|(&ours, row)| (ours, row.cycles))
            .collect();
        let none = || InputError::file(&data.display().to_string(), "has no rows");
        Accuracy::of(&pairs).ok_or_else(none)
    };
    let plain = |row: &Measured| row.traffic.cycles(&Constants::DOSA).total;
    let predicted: Vec<f64> = measured.iter().map(plain).collect();
    let truth: Vec<f64> = measured.iter().map(|row| row.cycles).collect();
    let mut comparison = Comparison {
        plain: accuracy(&predicted)?,
        rank_correlation: rank_correlation(&predicted, &truth),
        calibrated: None,
        fitted: None,
        left_out: rows.left_out,
    };
    if let Some(path) = calibration {
        let seen = read(path)?;
        let seen: Vec<&Measured> = seen.rows.iter().collect();
        let model =
            Calibrated::fit(&seen).map_err(|error| InputError::file(&path.display().to_string(), error.to_string()))?;
        let predicted: Vec<f64> = measured.iter().map(|row| model.cycles(&row.traffic)).collect();
        comparison.calibrated = Some(accuracy(&predicted)?);
        comparison.fitted = Some(model.constants);
    } else if measured.iter().any(|row| row.layer >= FOLDS) {
        if let Ok(predicted) = cross_validated(measured, FOLDS) {
            comparison.calibrated = Some(accuracy(&predicted)?);
        }
        let seen: Vec<&Measured> = measured.iter().collect();
        comparison.fitted = Some(fit_constants(&seen, Constants::DOSA));
    }
    Ok(comparison)
}

/// Spearman's correlation of ranks; equal values share their mean rank.
pub(crate) fn rank_correlation(a: &[f64], b: &[f64]) -> f64 {
    let (a, b) = (ranks(a), ranks(b));
    let mean = (a.len() as f64 - 1.0) / 2.0;
    let product = |x: &[f64], y: &[f64]| -> f64 { x.iter().zip(y).map(|(x, y)| (x - mean) * (y - mean)).sum() };
    let scale = (product(&a, &a) * product(&b, &b)).sqrt();
    if scale > 0.0 { product(&a, &b) / scale } else { 1.0 }
}

fn ranks(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]));
    let mut ranks = vec![0.0; values.len()];
    let mut first = 0;
    while first < order.len() {
        let same = |&&at: &&usize| values[at] == values[order[first]];
        let end = first + order[first..].iter().take_while(same).count();
        for &at in &order[first..end] {
            ranks[at] = (first + end - 1) as f64 / 2.0;
        }
        first = end;
    }
    ranks
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranks_correlate_whatever_the_scale() {
        let rises = rank_correlation(&[1.0, 20.0, 300.0], &[0.1, 0.2, 0.3]);
        assert!((rises - 1.0).abs() < 1e-12);
        let falls = rank_correlation(&[1.0, 2.0, 3.0], &[3.0, 2.0, 1.0]);
        assert!((falls + 1.0).abs() < 1e-12);
        assert_eq!(ranks(&[5.0, 1.0, 5.0]), [1.5, 0.0, 1.5]);
    }
}
