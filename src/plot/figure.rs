//! A finished plot as a list of shapes, and its output as SVG or PNG.

use std::fmt::Write;
use std::path::Path;

use quick_xml::escape::escape;

use super::PlotError;
use crate::atomic;
use crate::error::Error;
use crate::render::RenderError;
use crate::render::canvas::{Anchor, Canvas, Color, TextStyle, polyline, rgb};
use crate::render::palette;

/// Pixels of a PNG per unit of the SVG.
const SCALE: f32 = 2.0;

/// What a figure is made of. Lengths are units of the SVG; y points down.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Polygon {
        corners: Vec<[f32; 2]>,
        color: Color,
    },
    Line {
        points: Vec<[f32; 2]>,
        color: Color,
        width: f32,
        /// Length of dashes and gaps.
        dash: Option<f32>,
    },
    Disc {
        center: [f32; 2],
        radius: f32,
        color: Color,
    },
    Text {
        at: [f32; 2],
        style: TextStyle,
        text: String,
    },
}

/// A finished plot.
#[derive(Clone, Debug)]
pub struct Figure {
    /// What it shows, in words.
    pub(super) label: String,
    /// Width and height.
    pub(super) size: [f32; 2],
    /// Axes, labels and legend.
    pub(super) frame: Vec<Shape>,
    /// The rectangle (x, y, width, height) that `data` may not leave.
    pub(super) area: [f32; 4],
    /// What the plot shows.
    pub(super) data: Vec<Shape>,
}

impl Figure {
    /// The plot as an SVG document without identifiers, so that several fit on one page.
    pub fn svg(&self) -> String {
        let [width, height] = self.size;
        let mut out = format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" font-family=\"DejaVu Sans, sans-serif\">\
             <rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>"
        );
        self.frame.iter().for_each(|shape| shape.svg(&mut out));
        // A nested document is clipped to its own rectangle.
        let [x, y, w, h] = self.area;
        let _ = write!(
            out,
            "<svg x=\"{x}\" y=\"{y}\" width=\"{w}\" height=\"{h}\" viewBox=\"{x} {y} {w} {h}\">"
        );
        self.data.iter().for_each(|shape| shape.svg(&mut out));
        out + "</svg></svg>"
    }

    /// The plot as part of a page: as wide as there is room, in the page's colours (`--ink`, `--quiet`, `--grid`, `--sheet`,
    /// `--s0` to `--s7`), named for those who cannot see it.
    pub fn inline(&self) -> String {
        let [width, height] = self.size;
        let mut svg = self.svg();
        let size = format!(" width=\"{width}\" height=\"{height}\" viewBox");
        svg = svg.replacen(
            &size,
            &format!(" role=\"img\" aria-label=\"{}\" viewBox", escape(self.label.as_str())),
            1,
        );
        let white = format!("<rect width=\"{width}\" height=\"{height}\" fill=\"#ffffff\"/>");
        svg = svg.replacen(&white, "", 1);
        let names = [
            (palette::INK, "ink"),
            (palette::QUIET, "quiet"),
            (palette::GRID, "grid"),
        ];
        let series = palette::SERIES
            .iter()
            .enumerate()
            .map(|(i, &color)| (color, format!("s{i}")));
        for (color, name) in names
            .map(|(color, name)| (color, name.to_owned()))
            .into_iter()
            .chain(series)
        {
            let [r, g, b, _] = color;
            let hex = format!("#{r:02x}{g:02x}{b:02x}");
            svg = svg.replace(&format!("=\"{hex}\""), &format!("=\"var(--{name}, {hex})\""));
        }
        svg
    }

    /// The plot as a PNG file, two pixels per unit of the SVG.
    ///
    /// # Errors
    /// A failed encoding.
    pub fn png(&self) -> Result<Vec<u8>, PlotError> {
        let draw = || -> Result<Vec<u8>, RenderError> {
            let [width, height] = self.size.map(|side| (SCALE * side).round() as u32);
            let mut canvas = Canvas::new(width, height, rgb(0x00ff_ffff))?;
            self.frame.iter().for_each(|shape| shape.draw(&mut canvas));
            canvas.clip(Some(self.area.map(|length| SCALE * length)));
            self.data.iter().for_each(|shape| shape.draw(&mut canvas));
            canvas.into_image().png()
        };
        draw().map_err(|error| PlotError::Png(error.to_string()))
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
        atomic::write(path, &png).map_err(|error| Error::Run(format!("cannot write {shown}: {error}")))
    }
}

impl Shape {
    fn svg(&self, out: &mut String) {
        let list = |points: &[[f32; 2]]| {
            let pairs = points.iter().map(|[x, y]| format!("{x:.1},{y:.1}"));
            pairs.collect::<Vec<String>>().join(" ")
        };
        let _ = match self {
            Self::Polygon { corners, color } => {
                write!(out, "<polygon points=\"{}\" {}/>", list(corners), paint("fill", *color))
            }
            Self::Line {
                points,
                color,
                width,
                dash,
            } => write!(
                out,
                "<polyline points=\"{}\" fill=\"none\" stroke-width=\"{width}\" stroke-linejoin=\"round\" {}{}/>",
                list(points),
                paint("stroke", *color),
                dash.map_or(String::new(), |d| format!(" stroke-dasharray=\"{d} {d}\""))
            ),
            Self::Disc {
                center: [x, y],
                radius,
                color,
            } => write!(
                out,
                "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"{radius}\" {}/>",
                paint("fill", *color)
            ),
            Self::Text {
                at: [x, y],
                style,
                text,
            } => write!(
                out,
                "<text x=\"{x:.1}\" y=\"{y:.1}\" font-size=\"{}\" text-anchor=\"{}\"{} {}>{}</text>",
                style.size,
                style.anchor.name(),
                if style.bold { " font-weight=\"bold\"" } else { "" },
                paint("fill", style.color),
                escape(text.as_str())
            ),
        };
    }

    fn draw(&self, canvas: &mut Canvas) {
        let scaled = |point: [f32; 2]| point.map(|v| SCALE * v);
        let all = |points: &[[f32; 2]]| points.iter().copied().map(scaled).collect::<Vec<_>>();
        match self {
            Self::Polygon { corners, color } => canvas.polygon(&all(corners), *color),
            Self::Line {
                points,
                color,
                width,
                dash,
            } => {
                if let Some(path) = polyline(&all(points), false) {
                    let dash = dash.map(|length| SCALE * length);
                    canvas.stroke(&path, *color, SCALE * width, dash);
                }
            }
            Self::Disc { center, radius, color } => canvas.disc(scaled(*center), SCALE * radius, *color),
            Self::Text { at, style, text } => {
                let size = SCALE * style.size;
                canvas.text(scaled(*at), TextStyle { size, ..*style }, text);
            }
        }
    }
}

/// Colour and opacity as attributes.
fn paint(attribute: &str, [r, g, b, a]: Color) -> String {
    let color = format!("{attribute}=\"#{r:02x}{g:02x}{b:02x}\"");
    match a {
        255 => color,
        a => format!("{color} {attribute}-opacity=\"{:.2}\"", f32::from(a) / 255.0),
    }
}

impl Anchor {
    fn name(self) -> &'static str {
        match self {
            Anchor::Start => "start",
            Anchor::Middle => "middle",
            Anchor::End => "end",
        }
    }
}
