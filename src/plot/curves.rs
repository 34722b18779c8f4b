//! Curves over seeds: what is drawn of many histories whose points lie at different x.

use super::Center;
use crate::statistics::{interquartile_mean, quantile};

/// Most points that are drawn of a curve; more than a picture has columns cannot be seen.
pub(super) const CURVE_POINTS: usize = 400;

/// At most [`CURVE_POINTS`] of the points, the last one among them.
pub(super) fn thinned(points: Vec<(f64, f64)>) -> Vec<(f64, f64)> {
    let step = points.len().div_ceil(CURVE_POINTS).max(1);
    let last = points.len().saturating_sub(1);
    let kept = points
        .into_iter()
        .enumerate()
        .filter(|(i, _)| i % step == 0 || *i == last);
    kept.map(|(_, point)| point).collect()
}

/// A learning curve at one place.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Summary {
    pub(super) x: f64,
    pub(super) low: f64,
    pub(super) center: f64,
    pub(super) high: f64,
}

/// Quartiles and centre over the seeds at the x of all their points that all seeds reached.
/// Values hold until the next one where they are `steps`, and are linear between where they are not.
pub(super) fn summarise(seeds: &[Vec<(f64, f64)>], center: Center, steps: bool) -> Vec<Summary> {
    let start = seeds
        .iter()
        .filter_map(|s| s.first())
        .map(|p| p.0)
        .fold(f64::NEG_INFINITY, f64::max);
    let end = seeds
        .iter()
        .map(|s| s.last().map_or(f64::NEG_INFINITY, |p| p.0))
        .fold(f64::INFINITY, f64::min);
    let mut places: Vec<f64> = seeds
        .iter()
        .flatten()
        .map(|p| p.0)
        .filter(|x| (start..=end).contains(x))
        .collect();
    places.sort_by(f64::total_cmp);
    places.dedup();
    let places = thinned(places.into_iter().map(|x| (x, 0.0)).collect()).into_iter();
    let summaries = places.filter_map(|(x, _)| {
        let value = if steps { latest } else { interpolate };
        let values: Vec<f64> = seeds.iter().map(|seed| value(seed, x)).collect();
        let middle = match center {
            Center::Median => quantile(&values, 0.5),
            Center::InterquartileMean => interquartile_mean(&values),
        };
        let (low, high) = (quantile(&values, 0.25)?, quantile(&values, 0.75)?);
        Some(Summary {
            x,
            low,
            center: middle?,
            high,
        })
    });
    match steps {
        true => corners(summaries.collect()),
        false => summaries.collect(),
    }
}

/// Each value also where the next one begins.
fn corners(summaries: Vec<Summary>) -> Vec<Summary> {
    let next = summaries
        .iter()
        .skip(1)
        .map(|summary| summary.x)
        .map(Some)
        .chain([None]);
    let pairs = summaries.iter().zip(next);
    pairs
        .flat_map(|(&summary, next)| [Some(summary), next.map(|x| Summary { x, ..summary })])
        .flatten()
        .collect()
}

/// The value of the last point up to `x`; `x` lies within them.
fn latest(points: &[(f64, f64)], x: f64) -> f64 {
    let after = points.partition_point(|p| p.0 <= x).max(1);
    points[after - 1].1
}

/// Curves that all reach as far as the longest: a run that ended early, since it was solved, keeps its last value.
pub fn held(mut curves: Vec<Vec<(f64, f64)>>) -> Vec<Vec<(f64, f64)>> {
    let ends = curves.iter().filter_map(|curve| curve.last());
    let longest = ends.map(|&(x, _)| x).fold(0.0, f64::max);
    for curve in &mut curves {
        if let Some(&(x, y)) = curve.last()
            && x < longest
        {
            curve.push((longest, y));
        }
    }
    curves
}

/// The value at `x`, linear between points; `x` lies within them.
fn interpolate(points: &[(f64, f64)], x: f64) -> f64 {
    let right = points.partition_point(|p| p.0 < x).min(points.len() - 1);
    let (b, a) = (points[right], points[right.saturating_sub(1)]);
    if b.0 == a.0 || b.0 <= x {
        b.1
    } else {
        a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0)
    }
}
