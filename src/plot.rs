//! Plots of results: learning curves, intervals per method, scatter with Pareto fronts; as SVG or PNG.
//!
//! Values that are not finite, and values that are not positive on a logarithmic axis, are left out.

use std::sync::Arc;

use kuva::backend::raster::RasterBackend;
use kuva::backend::svg::SvgBackend;
use kuva::plot::legend::LegendPosition;
use kuva::plot::scatter::MarkerShape;
use kuva::plot::{BandPlot, ForestPlot, LinePlot, ScatterPlot};
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::{Scene, render_multiple};
use kuva::render::theme::Theme;
use thiserror::Error;
use tiny_skia::Pixmap;

use crate::render::{Image, palette};
use crate::statistics::{Estimate, interquartile_mean, quantile};

/// Points of a curve that are drawn at most; more than a picture's columns help nobody.
const CURVE_POINTS: usize = 400;

/// Columns of the legend below a plot.
const LEGEND_COLUMNS: usize = 2;

/// Samples per pixel along each side of a PNG: kuva draws upright text without smoothing.
const SMOOTHING: usize = 2;

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

/// A finished plot.
pub struct Figure {
    scene: Scene,
}

impl Figure {
    /// The plot as an SVG document, whose identifiers clash with no other plot of the same page.
    pub fn svg(&self) -> String {
        with_own_ids(&SvgBackend::default().render_scene(&self.scene))
    }

    /// The plot as a PNG file, two pixels per unit of the SVG.
    ///
    /// # Errors
    /// A failed encoding.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        let backend = RasterBackend::new().with_scale(2.0 * SMOOTHING as f32);
        let fine = backend.render_scene(&self.scene).map_err(PlotError::Png)?;
        let fine = Pixmap::decode_png(&fine).map_err(|error| PlotError::Png(error.to_string()))?;
        halved(&fine)
            .png()
            .map_err(|error| PlotError::Png(error.to_string()))
    }
}

/// Lines over the seeds with the band between their quartiles, one colour per method. A curve spans the x that
/// all its seeds reached; between its points a seed is linear.
///
/// # Errors
/// No curve has a point.
pub fn learning_curves(axes: &Axes, curves: &[Curve], center: Center) -> Result<Figure, PlotError> {
    let mut plots = Vec::new();
    for (i, curve) in curves.iter().enumerate() {
        let seeds: Vec<_> = curve
            .seeds
            .iter()
            .map(|seed| drawable(axes, seed))
            .collect();
        let points = summarise(&seeds, center);
        if points.is_empty() {
            continue;
        }
        let x: Vec<f64> = points.iter().map(|p| p.x).collect();
        let color = color(i);
        plots.push(Plot::Band(
            BandPlot::new(
                x,
                points.iter().map(|p| p.low),
                points.iter().map(|p| p.high),
            )
            .with_color(color.as_str())
            .with_opacity(0.16),
        ));
        plots.push(Plot::Line(
            LinePlot::new()
                .with_data(points.iter().map(|p| (p.x, p.center)))
                .with_color(color)
                .with_stroke_width(2.2)
                .with_legend(format!("{} (n = {})", curve.name, seeds.len())),
        ));
    }
    figure(axes, plots, Values::Y)
}

/// One row per method: the estimate as a point with its interval, the seeds' values as small dots.
///
/// The values' axis is x; `axes.y` names the rows.
///
/// # Errors
/// No row has a finite estimate.
pub fn intervals(axes: &Axes, rows: &[Row]) -> Result<Figure, PlotError> {
    let finite = |e: &Estimate| [e.value, e.low, e.high].iter().all(|v| v.is_finite());
    let rows: Vec<&Row> = rows.iter().filter(|row| finite(&row.estimate)).collect();
    let mut forest = ForestPlot::new()
        .with_show_null_line(false)
        .with_marker_size(4.5)
        .with_whisker_width(2.4)
        .with_cap_size(5.0);
    let mut plots = Vec::new();
    for (i, row) in rows.iter().enumerate() {
        let Estimate { value, low, high } = row.estimate;
        let label = format!("{} (n = {})", row.name, row.seeds.len());
        forest = forest.with_colored_row(label, value, low, high, color(i));
        // The first row lies highest; the dots lie a little below their interval.
        let height = (rows.len() - i) as f64 - 0.22;
        let dots = row
            .seeds
            .iter()
            .filter(|v| v.is_finite())
            .map(|&v| (v, height));
        let dots = ScatterPlot::new().with_data(dots).with_color(color(i));
        plots.push(Plot::Scatter(dots.with_size(3.0).with_marker_opacity(0.45)));
    }
    if rows.is_empty() {
        return Err(PlotError::Empty(axes.title.clone()));
    }
    plots.insert(0, Plot::Forest(forest));
    figure(axes, plots, Values::X)
}

/// Points of several series; `better` adds the front of points that no other point beats in both x and y.
///
/// # Errors
/// No series has a point.
pub fn scatter(
    axes: &Axes,
    series: &[Series],
    better: Option<(Better, Better)>,
) -> Result<Figure, PlotError> {
    let mut plots = Vec::new();
    let mut all = Vec::new();
    for (i, one) in series.iter().enumerate() {
        let points = drawable(axes, &one.points);
        if points.is_empty() {
            continue;
        }
        all.extend(points.iter().copied());
        plots.push(Plot::Scatter(
            ScatterPlot::new()
                .with_data(points)
                .with_color(color(i))
                .with_size(4.5)
                .with_marker(MarkerShape::Circle)
                .with_marker_opacity(0.8)
                .with_legend(one.name.as_str()),
        ));
    }
    if let Some(better) = better.filter(|_| !all.is_empty()) {
        let front = pareto_front(&all, better).into_iter().map(|i| all[i]);
        plots.push(Plot::Line(
            LinePlot::new()
                .with_data(front)
                .with_color(hex(palette::QUIET))
                .with_stroke_width(1.4)
                .with_dashed()
                .with_legend("Pareto front"),
        ));
    }
    figure(axes, plots, Values::Y)
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

/// A learning curve at one place.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Summary {
    x: f64,
    low: f64,
    center: f64,
    high: f64,
}

/// Quartiles and centre over the seeds at the x of all their points that all seeds reached.
fn summarise(seeds: &[Vec<(f64, f64)>], center: Center) -> Vec<Summary> {
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
    let step = places.len().div_ceil(CURVE_POINTS).max(1);
    let last = places.len().saturating_sub(1);
    let kept = places
        .into_iter()
        .enumerate()
        .filter(|(i, _)| i % step == 0 || *i == last);
    kept.filter_map(|(_, x)| {
        let values: Vec<f64> = seeds.iter().map(|seed| interpolate(seed, x)).collect();
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
    })
    .collect()
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

/// The points that these axes can show.
fn drawable(axes: &Axes, points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let fits = |v: f64, log: bool| v.is_finite() && (!log || v > 0.0);
    points
        .iter()
        .copied()
        .filter(|p| fits(p.0, axes.log_x) && fits(p.1, axes.log_y))
        .collect()
}

/// Which axis shows the values that [`Axes::range`] speaks of.
#[derive(Clone, Copy, PartialEq)]
enum Values {
    X,
    Y,
}

fn figure(axes: &Axes, plots: Vec<Plot>, values: Values) -> Result<Figure, PlotError> {
    if plots.is_empty() {
        return Err(PlotError::Empty(axes.title.clone()));
    }
    let height = match values {
        Values::X => 90.0 + 44.0 * (plots.len() - 1) as f64,
        Values::Y => 350.0 + 20.0 * legend_entries(&plots).div_ceil(LEGEND_COLUMNS) as f64,
    };
    let theme = Theme {
        axis_color: hex(palette::QUIET),
        grid_color: hex(palette::GRID),
        tick_color: hex(palette::QUIET),
        text_color: hex(palette::INK),
        show_grid: true,
        ..Theme::light()
    };
    let mut layout = Layout::auto_from_plots(&plots)
        .with_width(640.0)
        .with_theme(theme)
        .with_x_label(axes.x.as_str())
        .with_title_size(15)
        .with_label_size(13)
        .with_tick_size(11)
        .with_x_tick_format(TickFormat::Custom(Arc::new(short)))
        .with_legend_position(LegendPosition::OutsideBottomColumns)
        .with_legend_col_limit(LEGEND_COLUMNS)
        .with_legend_box(false)
        .with_height(height);
    if !axes.title.is_empty() {
        layout = layout.with_title(axes.title.as_str());
    }
    if values == Values::Y {
        let format = TickFormat::Custom(Arc::new(short));
        layout = layout
            .with_y_label(axes.y.as_str())
            .with_y_tick_format(format);
    }
    if let Some((low, high)) = axes.range {
        layout = match values {
            Values::X => layout.with_x_axis_min(low).with_x_axis_max(high),
            Values::Y => layout.with_y_axis_min(low).with_y_axis_max(high),
        };
    }
    if axes.log_x {
        layout = layout.with_log_x();
    }
    if axes.log_y && values == Values::Y {
        layout = layout.with_log_y();
    }
    Ok(Figure {
        scene: render_multiple(plots, layout),
    })
}

fn legend_entries(plots: &[Plot]) -> usize {
    let named = |plot: &&Plot| match plot {
        Plot::Line(line) => line.legend_label.is_some(),
        Plot::Scatter(scatter) => scatter.legend_label.is_some(),
        _ => false,
    };
    plots.iter().filter(named).count()
}

/// The document with identifiers made from its content: kuva numbers them through the process, so that the
/// same plot drawn twice would differ.
fn with_own_ids(svg: &str) -> String {
    const MARK: &str = "kuva-clip-";
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut pieces = svg.split(MARK);
    let mut names: Vec<&str> = Vec::new();
    let mut out = pieces.next().unwrap_or_default().to_string();
    let rest: Vec<(usize, &str)> = pieces
        .map(|piece| {
            let (name, rest) = piece.split_at(digits(piece));
            let known = names.iter().position(|&n| n == name);
            let index = known.unwrap_or_else(|| {
                names.push(name);
                names.len() - 1
            });
            (index, rest)
        })
        .collect();
    let mut hash = crc32fast::Hasher::new();
    rest.iter()
        .for_each(|(_, text)| hash.update(text.as_bytes()));
    let hash = hash.finalize();
    for (index, text) in rest {
        out.push_str(&format!("clip-{hash:08x}-{index}{text}"));
    }
    out
}

/// The mean of each block of [`SMOOTHING`] x [`SMOOTHING`] pixels.
fn halved(fine: &Pixmap) -> Image {
    let wide = fine.width() as usize;
    let (width, height) = (wide / SMOOTHING, fine.height() as usize / SMOOTHING);
    let pixels = fine.pixels();
    let mut rgb = Vec::with_capacity(width * height * 3);
    for at in 0..width * height {
        let corner = at / width * SMOOTHING * wide + at % width * SMOOTHING;
        let mut sum = [0; 3];
        for i in 0..SMOOTHING * SMOOTHING {
            let p = pixels[corner + i / SMOOTHING * wide + i % SMOOTHING];
            for (total, part) in sum.iter_mut().zip([p.red(), p.green(), p.blue()]) {
                *total += usize::from(part);
            }
        }
        rgb.extend(sum.map(|v| (v / (SMOOTHING * SMOOTHING)) as u8));
    }
    Image {
        width: width as u32,
        height: height as u32,
        rgb,
    }
}

/// Tick labels of at most a few letters: `0.25`, `250k`, `1.5M`, `2e-5`.
fn short(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        0.0 => return "0".into(),
        v if !(1e-3..1e12).contains(&v) => return format!("{value:e}"),
        v if v >= 1e9 => (value / 1e9, "G"),
        v if v >= 1e6 => (value / 1e6, "M"),
        v if v >= 1e4 => (value / 1e3, "k"),
        _ => (value, ""),
    };
    let text = format!("{scaled:.4}");
    format!("{}{unit}", text.trim_end_matches('0').trim_end_matches('.'))
}

fn color(index: usize) -> String {
    hex(palette::SERIES[index % palette::SERIES.len()])
}

fn hex([r, g, b, _]: crate::render::canvas::Color) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}

#[cfg(test)]
mod tests;
