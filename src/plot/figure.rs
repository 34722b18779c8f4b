//! How every plot looks, and what it becomes: SVG or PNG.

use std::path::Path;
use std::sync::Arc;

use kuva::backend::raster::RasterBackend;
use kuva::backend::svg::SvgBackend;
use kuva::plot::legend::{LegendEntry, LegendPosition};
use kuva::render::layout::{Layout, TickFormat};
use kuva::render::plots::Plot;
use kuva::render::render::{Scene, render_multiple};
use kuva::render::theme::Theme;
use tiny_skia::Pixmap;

use super::{Axes, PlotError};
use crate::atomic;
use crate::error::Error;
use crate::render::{Image, palette};

/// Columns of the legend below a plot.
const LEGEND_COLUMNS: usize = 2;
/// Samples per pixel along each side of a PNG: kuva draws upright text without smoothing.
const SMOOTHING: usize = 2;

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

    /// Writes the PNG file, whole or not at all.
    ///
    /// # Errors
    /// A failed encoding, or a file that cannot be written.
    pub fn save(&self, path: &Path) -> Result<(), Error> {
        let shown = path.display();
        let png = self
            .png()
            .map_err(|error| Error::Run(format!("cannot draw {shown}: {error}")))?;
        atomic::write(path, &png)
            .map_err(|error| Error::Run(format!("cannot write {shown}: {error}")))
    }
}

/// Which axis shows the values that [`Axes::range`] speaks of.
#[derive(Clone, Copy, PartialEq)]
pub(super) enum Values {
    /// The horizontal one; y names rows.
    X,
    /// The vertical one.
    Y,
}

/// A plot with a legend (empty = none) below.
pub(super) fn figure(
    axes: &Axes,
    plots: Vec<Plot>,
    legend: Vec<LegendEntry>,
    values: Values,
) -> Result<Figure, PlotError> {
    if plots.is_empty() {
        return Err(PlotError::Empty(axes.title.clone()));
    }
    let height = match values {
        Values::X => 90.0 + 44.0 * (plots.len() - 1) as f64,
        Values::Y => 350.0 + 20.0 * legend.len().div_ceil(LEGEND_COLUMNS) as f64,
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
    if !legend.is_empty() {
        layout = layout.with_legend_entries(legend);
    }
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
pub(super) fn short(value: f64) -> String {
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

/// Colour of the method or series with this index, as kuva wants it.
pub(super) fn color(index: usize) -> String {
    hex(palette::SERIES[index % palette::SERIES.len()])
}

pub(super) fn hex([r, g, b, _]: crate::render::canvas::Color) -> String {
    format!("#{r:02x}{g:02x}{b:02x}")
}
