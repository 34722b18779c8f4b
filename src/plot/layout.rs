//! Layout of a plot: title, axes with ticks, data, legend.

use super::figure::{Figure, Shape};
use super::ticks::{Axis, labels};
use super::{Axes, PlotError};
use crate::render::canvas::{Anchor, Color, TextStyle, faded, text_width};
use crate::render::palette;

/// Width of a figure that asks for no other.
pub(super) const WIDTH: f32 = 640.0;
/// Room around everything.
const MARGIN: f32 = 16.0;
/// Height of a data area with two axes of values, and of one row of a data area with names.
const HEIGHT: f32 = 260.0;
const ROW: f32 = 44.0;
/// What data at the rim of the area may be drawn beyond it.
const RIM: f32 = 6.0;
/// Height of a line of the legend, and its columns.
const LEGEND_LINE: f32 = 20.0;
const LEGEND_COLUMNS: usize = 2;
/// Room for an entry's mark and the gap to the next column.
const LEGEND_MARK: f32 = 34.0;
/// About as many parts an axis has, along x and y.
const PARTS: (f64, f64) = (6.0, 5.0);

/// Something that shows data, in units of the data.
pub(super) enum Mark {
    /// The area between two curves (x, low, high).
    Band(Vec<(f64, f64, f64)>, Color),
    /// A curve.
    Line {
        points: Vec<(f64, f64)>,
        color: Color,
        width: f32,
        dashed: bool,
    },
    /// Single points.
    Dots {
        points: Vec<(f64, f64)>,
        color: Color,
        radius: f32,
    },
}

impl Mark {
    fn values(&self) -> Vec<(f64, f64)> {
        match self {
            Self::Band(points, _) => points
                .iter()
                .flat_map(|&(x, low, high)| [(x, low), (x, high)])
                .collect(),
            Self::Line { points, .. } | Self::Dots { points, .. } => points.clone(),
        }
    }

    fn shapes(&self, map: &dyn Fn((f64, f64)) -> [f32; 2]) -> Vec<Shape> {
        match self {
            Self::Band(points, color) => {
                let high = points.iter().map(|&(x, _, high)| map((x, high)));
                let low = points.iter().rev().map(|&(x, low, _)| map((x, low)));
                vec![Shape::Polygon {
                    corners: high.chain(low).collect(),
                    color: *color,
                }]
            }
            Self::Line {
                points,
                color,
                width,
                dashed,
            } => vec![Shape::Line {
                points: points.iter().copied().map(map).collect(),
                color: *color,
                width: *width,
                dash: dashed.then_some(5.0),
            }],
            Self::Dots { points, color, radius } => {
                let disc = |&point: &(f64, f64)| Shape::Disc {
                    center: map(point),
                    radius: *radius,
                    color: *color,
                };
                points.iter().map(disc).collect()
            }
        }
    }
}

/// A line of the legend.
pub(super) struct Entry {
    pub(super) label: String,
    pub(super) color: Color,
    /// Shown as a dot, not as a line.
    pub(super) dot: bool,
}

/// What the vertical axis shows.
pub(super) enum Vertical {
    /// Values.
    Values,
    /// One name per row; row `i` from above lies at `y = i`.
    Names(Vec<String>),
}

/// A plot of `marks` with a legend (empty = none) below.
pub(super) fn figure(axes: &Axes, marks: &[Mark], legend: &[Entry], vertical: &Vertical) -> Result<Figure, PlotError> {
    let values: Vec<(f64, f64)> = marks.iter().flat_map(Mark::values).collect();
    if values.is_empty() {
        return Err(PlotError::Empty(axes.title.clone()));
    }
    let named = matches!(vertical, Vertical::Names(_));
    let along = || values.iter().map(|v| v.0);
    let x = match named {
        true => Axis::new(along(), axes.range, axes.log_x, PARTS.0),
        false => Axis::new(along(), None, axes.log_x, PARTS.0).fitted(along()),
    };
    let width = axes.width.unwrap_or(WIDTH);
    let mut rows = rows(axes, vertical, &values);
    for (_, label) in &mut rows.labels {
        shorten(label, 0.45 * width);
    }
    let left = MARGIN + 8.0 + widest(rows.labels.iter().map(|(_, label)| label));
    let head = if axes.title.is_empty() { 0.0 } else { 26.0 };
    let top = MARGIN + head + if axes.y.is_empty() || named { 0.0 } else { 26.0 };
    let area = [left, top, width - left - MARGIN, rows.height];

    let mut frame = ticks(area, &x, &rows, named, width);
    frame.extend(axes.marks.iter().flat_map(|mark| beginning(mark, area, &x)));
    frame.extend(titles(axes, area, named, width));
    let below = top + rows.height + 52.0;
    frame.extend(legend_shapes(legend, [left, below], width));
    let lines = legend.len().div_ceil(legend_columns(legend, width - left - MARGIN)) as f32;
    let place = |(across, up): (f64, f64)| [left + area[2] * x.share(across), top + rows.height * (rows.share)(up)];
    Ok(Figure {
        label: label(axes),
        size: [width, (below + LEGEND_LINE * lines).ceil()],
        frame,
        // Points and lines at the rim are drawn in full.
        area: [left - RIM, top - RIM, area[2] + 2.0 * RIM, area[3] + 2.0 * RIM],
        data: marks.iter().flat_map(|mark| mark.shapes(&place)).collect(),
    })
}

/// What a figure shows, in words.
fn label(axes: &Axes) -> String {
    let what = [&axes.title, &axes.y].into_iter().filter(|text| !text.is_empty());
    let what = what.map(String::as_str).collect::<Vec<_>>().join(": ");
    format!("{what}, against {}", axes.x)
}

/// A dashed line where something begins, with a word about it above its upper end.
fn beginning((at, word): &(f64, String), [left, top, width, height]: [f32; 4], x: &Axis) -> Vec<Shape> {
    let share = x.share(*at);
    if !(0.0..=1.0).contains(&share) {
        return Vec::new();
    }
    let at = left + width * share;
    let line = Shape::Line {
        points: vec![[at, top], [at, top + height]],
        color: palette::QUIET,
        width: 1.0,
        dash: Some(3.0),
    };
    let (to, anchor) = match share > 0.5 {
        true => (at + 3.0, Anchor::End),
        false => (at - 3.0, Anchor::Start),
    };
    vec![line, text([to, top - 4.0], 10.0, anchor, palette::QUIET, word.clone())]
}

/// The axes with their ticks, and the grid.
fn ticks([left, top, width, height]: [f32; 4], x: &Axis, rows: &Rows, named: bool, whole: f32) -> Vec<Shape> {
    let (right, bottom) = (left + width, top + height);
    let label = |at, anchor, label: String| text(at, 11.0, anchor, palette::QUIET, label);
    let mut shapes = Vec::new();
    for (&tick, name) in x.ticks.iter().zip(labels(&x.ticks)) {
        let at = left + width * x.share(tick);
        shapes.push(rule([at, top], [at, bottom], palette::GRID));
        let half = 0.5 * text_width(&name, 11.0, false);
        let inside = at.min(whole - 2.0 - half); // one at the rim is not cut
        shapes.push(label([inside, bottom + 16.0], Anchor::Middle, name));
    }
    for (share, name) in &rows.labels {
        let at = top + height * share;
        if !named {
            shapes.push(rule([left, at], [right, at], palette::GRID));
        }
        shapes.push(label([left - 8.0, at + 4.0], Anchor::End, name.clone()));
    }
    shapes.push(rule([left, top], [left, bottom], palette::QUIET));
    shapes.push(rule([left, bottom], [right, bottom], palette::QUIET));
    shapes
}

/// The vertical axis: height of the data area, labels at their share of it from above, and a value's share.
struct Rows {
    height: f32,
    labels: Vec<(f32, String)>,
    share: Box<dyn Fn(f64) -> f32>,
}

fn rows(axes: &Axes, vertical: &Vertical, values: &[(f64, f64)]) -> Rows {
    match vertical {
        Vertical::Names(names) => {
            let count = names.len() as f64;
            let share = move |row: f64| ((row + 0.5) / count) as f32;
            let labels = names.iter().enumerate();
            Rows {
                height: ROW * names.len() as f32,
                labels: labels.map(|(i, name)| (share(i as f64), name.clone())).collect(),
                share: Box::new(share),
            }
        }
        Vertical::Values => {
            let y = Axis::new(values.iter().map(|v| v.1), axes.range, axes.log_y, PARTS.1);
            Rows {
                height: HEIGHT,
                labels: y
                    .ticks
                    .iter()
                    .map(|&tick| 1.0 - y.share(tick))
                    .zip(labels(&y.ticks))
                    .collect(),
                share: Box::new(move |value| 1.0 - y.share(value)),
            }
        }
    }
}

/// Heading and names of the axes; that of y is written above its axis, where it reads without turning the head.
fn titles(axes: &Axes, [left, top, width, height]: [f32; 4], named: bool, whole: f32) -> Vec<Shape> {
    let middle = left + 0.5 * width;
    let mut shapes = vec![text(
        [middle, top + height + 35.0],
        12.0,
        Anchor::Middle,
        palette::INK,
        axes.x.clone(),
    )];
    if !named {
        let at = [MARGIN, top - 16.0];
        let size = fitting(&axes.y, 12.0, false, whole - 2.0 * MARGIN);
        shapes.push(text(at, size, Anchor::Start, palette::INK, axes.y.clone()));
    }
    let mut heading = text(
        [0.5 * whole, MARGIN + 12.0],
        fitting(&axes.title, 15.0, true, whole - 2.0 * MARGIN),
        Anchor::Middle,
        palette::INK,
        axes.title.clone(),
    );
    if let Shape::Text { style, .. } = &mut heading {
        style.bold = true;
    }
    shapes.push(heading);
    shapes
}

/// One column where the labels are too long for two.
fn legend_columns(legend: &[Entry], room: f32) -> usize {
    let widest = widest(legend.iter().map(|entry| &entry.label)) * 12.0 / 11.0;
    match widest + LEGEND_MARK > room / LEGEND_COLUMNS as f32 {
        true => 1,
        false => LEGEND_COLUMNS,
    }
}

fn legend_shapes(legend: &[Entry], [left, top]: [f32; 2], whole: f32) -> Vec<Shape> {
    let room = whole - left - MARGIN;
    let columns = legend_columns(legend, room);
    let column = room / columns as f32;
    let mut shapes = Vec::new();
    for (i, entry) in legend.iter().enumerate() {
        let x = left + column * (i % columns) as f32;
        let y = top + LEGEND_LINE * (i / columns) as f32;
        shapes.push(match entry.dot {
            true => Shape::Disc {
                center: [x + 9.0, y],
                radius: 4.5,
                color: entry.color,
            },
            false => Shape::Line {
                points: vec![[x, y], [x + 18.0, y]],
                color: entry.color,
                width: 2.2,
                dash: None,
            },
        });
        let label = entry.label.clone();
        let size = fitting(&label, 12.0, false, column - LEGEND_MARK);
        shapes.push(text([x + 25.0, y + 4.0], size, Anchor::Start, palette::INK, label));
    }
    shapes
}

fn rule(from: [f32; 2], to: [f32; 2], color: Color) -> Shape {
    Shape::Line {
        points: vec![from, to],
        color,
        width: 1.0,
        dash: None,
    }
}

fn text(at: [f32; 2], size: f32, anchor: Anchor, color: Color, text: String) -> Shape {
    let style = TextStyle {
        size,
        color,
        bold: false,
        anchor,
    };
    Shape::Text { at, style, text }
}

/// The size of letters at which a text fits into `room`, at most `size`.
fn fitting(text: &str, size: f32, bold: bool, room: f32) -> f32 {
    let wide = text_width(text, size, bold).max(1.0);
    size * (room / wide).min(1.0)
}

/// Cuts a label that is wider than `room`, with dots in place of its end.
fn shorten(label: &mut String, room: f32) {
    if text_width(label, 11.0, false) <= room {
        return;
    }
    while !label.is_empty() && text_width(&format!("{label}…"), 11.0, false) > room {
        label.pop();
    }
    label.push('…');
}

fn widest<'a>(labels: impl Iterator<Item = &'a String>) -> f32 {
    labels.map(|label| text_width(label, 11.0, false)).fold(0.0, f32::max)
}

/// The colour of the method or series with this index, with an opacity.
pub(super) fn color(index: usize, opacity: f32) -> Color {
    faded(palette::SERIES[index % palette::SERIES.len()], opacity)
}
