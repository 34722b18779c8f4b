//! Plots of results: learning curves, intervals per method, scatter with Pareto fronts; as SVG or PNG.
//!
//! Values that are not finite, and values that are not positive on a logarithmic axis, are left out.

mod curves;
mod figure;
mod layout;
mod ticks;

use thiserror::Error;

pub use curves::held;
use curves::{summarise, thinned};
pub use figure::Figure;
use layout::{Entry, Mark, Vertical, color, figure};
pub(crate) use ticks::step;

use crate::render::canvas::Color;
use crate::render::palette;
use crate::statistics::Estimate;

/// What can go wrong while plotting.
#[derive(Debug, Error)]
pub enum PlotError {
    /// No value that can be drawn.
    #[error("plot `{0}` has no value that can be drawn")]
    Empty(String),
    /// The PNG could not be encoded.
    #[error("cannot encode the plot as PNG: {0}")]
    Png(String),
}

/// Title and axes.
#[derive(Clone, Debug, Default)]
pub struct Axes {
    /// Heading; may be empty.
    pub title: String,
    /// What the x axis shows, with its unit.
    pub x: String,
    /// What the y axis shows, with its unit.
    pub y: String,
    /// Even ratios instead of even steps along x.
    pub log_x: bool,
    /// Even ratios instead of even steps along y.
    pub log_y: bool,
    /// Range of the values' axis, e.g. `(0.0, 1.0)` for a success rate; chosen from the data if absent.
    pub range: Option<(f64, f64)>,
    /// Width of the figure, which letters do not follow: narrow figures have relatively large ones. 640 if absent.
    pub width: Option<f32>,
    /// A value holds until the next one, as the best so far does: steps instead of slopes.
    pub steps: bool,
    /// Values along x where something begins, each with a word about it.
    pub marks: Vec<(f64, String)>,
}

/// What a learning curve's line follows over the seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Center {
    /// The middle seed.
    Median,
    /// The mean of the middle half.
    InterquartileMean,
}

/// The seeds' histories under one method.
#[derive(Clone, Debug)]
pub struct Curve {
    /// Name of the method.
    pub name: String,
    /// One history of points (x, y) in ascending x per seed; their x may differ.
    pub seeds: Vec<Vec<(f64, f64)>>,
}

/// One method's result.
#[derive(Clone, Debug)]
pub struct Row {
    /// Name of the method.
    pub name: String,
    /// The number with its interval.
    pub estimate: Estimate,
    /// The seeds' own values, drawn as small dots.
    pub seeds: Vec<f64>,
}

/// A named set of points.
#[derive(Clone, Debug)]
pub struct Series {
    /// Name in the legend.
    pub name: String,
    /// Points (x, y).
    pub points: Vec<(f64, f64)>,
}

/// Which direction of an axis is better.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// Small values.
    Lower,
    /// Large values.
    Higher,
}

/// Lines over the seeds with the band between their quartiles, one colour per method. A curve spans the x that
/// all its seeds reached; between its points a seed is linear.
///
/// # Errors
/// No curve has a point.
pub fn learning_curves(axes: &Axes, curves: &[Curve], center: Center) -> Result<Figure, PlotError> {
    let (mut marks, mut legend) = (Vec::new(), Vec::new());
    for (i, curve) in curves.iter().enumerate() {
        let seeds: Vec<_> = curve.seeds.iter().map(|seed| drawable(axes, seed)).collect();
        let points = summarise(&seeds, center, axes.steps);
        if points.is_empty() {
            continue;
        }
        let label = format!("{} (n = {})", curve.name, seeds.len());
        let points = points.iter().map(|p| {
            let estimate = Estimate {
                value: p.center,
                low: p.low,
                high: p.high,
            };
            (p.x, estimate)
        });
        banded(&mut marks, &mut legend, i, label, &points.collect::<Vec<_>>());
    }
    figure(axes, &marks, &legend, &Vertical::Values)
}

/// A line with its band, for example a performance profile.
#[derive(Clone, Debug)]
pub struct Band {
    /// Name in the legend.
    pub name: String,
    /// Points of the line with the ends of the band, in ascending x.
    pub points: Vec<(f64, Estimate)>,
}

/// Lines within their bands, one colour each.
///
/// # Errors
/// No band has a point.
pub fn bands(axes: &Axes, bands: &[Band]) -> Result<Figure, PlotError> {
    let (mut marks, mut legend) = (Vec::new(), Vec::new());
    for (i, band) in bands.iter().enumerate() {
        banded(&mut marks, &mut legend, i, band.name.clone(), &band.points);
    }
    figure(axes, &marks, &legend, &Vertical::Values)
}

fn banded(marks: &mut Vec<Mark>, legend: &mut Vec<Entry>, i: usize, label: String, points: &[(f64, Estimate)]) {
    let ends = points.iter().map(|(x, e)| (*x, e.low, e.high));
    marks.push(Mark::Band(ends.collect(), color(i, 0.16)));
    marks.push(Mark::Line {
        points: points.iter().map(|(x, e)| (*x, e.value)).collect(),
        color: color(i, 1.0),
        width: 2.2,
        dashed: false,
    });
    legend.push(Entry {
        label,
        color: color(i, 1.0),
        dot: false,
    });
}

/// Single histories as lines, one colour each.
///
/// # Errors
/// No series has a point.
pub fn lines(axes: &Axes, series: &[Series]) -> Result<Figure, PlotError> {
    let (mut marks, mut legend) = (Vec::new(), Vec::new());
    for (i, one) in series.iter().enumerate() {
        let points = thinned(drawable(axes, &one.points));
        if points.is_empty() {
            continue;
        }
        if let [single] = points[..] {
            marks.push(Mark::Dots {
                points: vec![single],
                color: color(i, 1.0),
                radius: 4.0,
            });
        }
        marks.push(Mark::Line {
            points,
            color: color(i, 1.0),
            width: 2.2,
            dashed: false,
        });
        legend.push(Entry {
            label: one.name.clone(),
            color: color(i, 1.0),
            dot: false,
        });
    }
    figure(axes, &marks, &legend, &Vertical::Values)
}

/// One bar per row, from 0 to its estimate, with its interval; all of one colour, for the rows are of one kind.
///
/// The values' axis is x; `axes.y` names the rows.
///
/// # Errors
/// No row has a finite estimate.
pub fn bars(axes: &Axes, rows: &[Row]) -> Result<Figure, PlotError> {
    let rows = finite(rows);
    let mut marks = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let at = i as f64;
        let value = row.estimate.value;
        marks.push(Mark::Line {
            points: vec![(0.0, at), (value, at)],
            color: color(0, 0.55),
            width: 16.0,
            dashed: false,
        });
        whisker(&mut marks, &row.estimate, at, 0.12, color(0, 1.0));
    }
    let names = rows.iter().map(|row| row.name.clone()).collect();
    figure(axes, &marks, &[], &Vertical::Names(names))
}

/// The rows that can be drawn.
fn finite(rows: &[Row]) -> Vec<&Row> {
    let finite = |e: &Estimate| [e.value, e.low, e.high].iter().all(|v| v.is_finite());
    rows.iter().filter(|row| finite(&row.estimate)).collect()
}

/// An interval as a line along row `at`, with an end of half the height `end` on either side.
fn whisker(marks: &mut Vec<Mark>, interval: &Estimate, at: f64, end: f64, color: Color) {
    let Estimate { low, high, .. } = *interval;
    let across = |x| vec![(x, at - end), (x, at + end)];
    for points in [vec![(low, at), (high, at)], across(low), across(high)] {
        marks.push(Mark::Line {
            points,
            color,
            width: 2.4,
            dashed: false,
        });
    }
}

/// One row per method: the estimate as a point with its interval, the seeds' values as small dots.
///
/// The values' axis is x; `axes.y` names the rows.
///
/// # Errors
/// No row has a finite estimate.
pub fn intervals(axes: &Axes, rows: &[Row]) -> Result<Figure, PlotError> {
    let rows = finite(rows);
    let (mut marks, mut names) = (Vec::new(), Vec::new());
    for (i, row) in rows.iter().enumerate() {
        let (at, color_of) = (i as f64, |opacity| color(i, opacity));
        names.push(format!("{} (n = {})", row.name, row.seeds.len()));
        whisker(&mut marks, &row.estimate, at, 0.1, color_of(1.0));
        marks.push(Mark::Dots {
            points: vec![(row.estimate.value, at)],
            color: color_of(1.0),
            radius: 4.5,
        });
        // The dots lie a little below their interval.
        let seeds = row.seeds.iter().filter(|v| v.is_finite());
        marks.push(Mark::Dots {
            points: seeds.map(|&v| (v, at + 0.26)).collect(),
            color: color_of(0.45),
            radius: 3.0,
        });
    }
    figure(axes, &marks, &[], &Vertical::Names(names))
}

/// Points of several series; `better` adds the front of points that no other point beats in both x and y.
///
/// # Errors
/// No series has a point.
pub fn scatter(axes: &Axes, series: &[Series], better: Option<(Better, Better)>) -> Result<Figure, PlotError> {
    let (mut marks, mut legend) = (Vec::new(), Vec::new());
    let mut all = Vec::new();
    for (i, one) in series.iter().enumerate() {
        let points = drawable(axes, &one.points);
        if points.is_empty() {
            continue;
        }
        all.extend(points.iter().copied());
        marks.push(Mark::Dots {
            points,
            color: color(i, 0.8),
            radius: 4.5,
        });
        legend.push(Entry {
            label: one.name.clone(),
            color: color(i, 0.8),
            dot: true,
        });
    }
    if let Some(better) = better.filter(|_| !all.is_empty()) {
        let front = pareto_front(&all, better).into_iter().map(|i| all[i]);
        marks.push(Mark::Line {
            points: front.collect(),
            color: palette::QUIET,
            width: 1.4,
            dashed: true,
        });
        legend.push(Entry {
            label: "Pareto front".to_owned(),
            color: palette::QUIET,
            dot: false,
        });
    }
    figure(axes, &marks, &legend, &Vertical::Values)
}

/// Indices of the points that no other point beats (at least as good in both, better in one), in ascending x.
pub fn pareto_front(points: &[(f64, f64)], better: (Better, Better)) -> Vec<usize> {
    let cost = |value: f64, better: Better| match better {
        Better::Lower => value,
        Better::Higher => -value,
    };
    let costs: Vec<(f64, f64)> = points
        .iter()
        .map(|p| (cost(p.0, better.0), cost(p.1, better.1)))
        .collect();
    let beaten = |a: (f64, f64)| costs.iter().any(|&b| b.0 <= a.0 && b.1 <= a.1 && b != a);
    let mut front: Vec<usize> = (0..points.len()).filter(|&i| !beaten(costs[i])).collect();
    front.sort_by(|&i, &j| points[i].0.total_cmp(&points[j].0).then(i.cmp(&j)));
    front
}

/// The points that these axes can show.
fn drawable(axes: &Axes, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let fits = |v: f64, log: bool| v.is_finite() && (!log || v > 0.0);
    points
        .iter()
        .copied()
        .filter(|p| fits(p.0, axes.log_x) && fits(p.1, axes.log_y))
        .collect()
}

#[cfg(test)]
mod tests;
