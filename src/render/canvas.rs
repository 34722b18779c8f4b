//! A drawing surface in pixels: fills, strokes and text from an embedded font, without a display.

use tiny_skia::{
    FillRule, LineCap, LineJoin, Mask, Paint, Path, PathBuilder, Pixmap, Rect, Stroke, StrokeDash, Transform,
};
use ttf_parser::{Face, OutlineBuilder};

use super::{Image, RenderError};

/// Red, green, blue and opacity.
pub type Color = [u8; 4];

/// An opaque colour from `0xRRGGBB`.
pub const fn rgb(hex: u32) -> Color {
    [(hex >> 16) as u8, (hex >> 8) as u8, hex as u8, 255]
}

/// The same colour with opacity `alpha` in [0, 1].
pub fn faded(color: Color, alpha: f32) -> Color {
    let [r, g, b, _] = color;
    [r, g, b, (alpha.clamp(0.0, 1.0) * 255.0).round() as u8]
}

/// Linear mixture: `a` at `t` = 0, `b` at `t` = 1.
pub fn mix(a: Color, b: Color, t: f32) -> Color {
    let t = t.clamp(0.0, 1.0);
    std::array::from_fn(|i| (f32::from(a[i]) * (1.0 - t) + f32::from(b[i]) * t).round() as u8)
}

/// Which point of a text its position names, horizontally; vertically it is always the baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Anchor {
    /// The left end.
    Start,
    /// The middle.
    Middle,
    /// The right end.
    End,
}

/// How a text looks.
#[derive(Clone, Copy, Debug)]
pub struct TextStyle {
    /// Height of the em square in pixels.
    pub size: f32,
    /// Colour.
    pub color: Color,
    /// Heavier letters.
    pub bold: bool,
    /// Which point of the text its position names.
    pub anchor: Anchor,
}

/// A surface of `width` x `height` pixels; y points down, (0, 0) is the upper left corner.
pub struct Canvas {
    pixmap: Pixmap,
    clip: Option<Mask>,
}

impl Canvas {
    /// A surface filled with `background`.
    ///
    /// # Errors
    /// [`RenderError::Size`] when a side is zero or beyond [`super::MAX_SIDE`].
    pub fn new(width: u32, height: u32, background: Color) -> Result<Self, RenderError> {
        super::check_size(width, height)?;
        let mut pixmap = Pixmap::new(width, height).ok_or(RenderError::Size { width, height })?;
        pixmap.fill(skia(background));
        Ok(Self { pixmap, clip: None })
    }

    /// Draws only inside this rectangle (x, y, width, height) from now on, or everywhere with `None`.
    pub fn clip(&mut self, area: Option<[f32; 4]>) {
        self.clip = area.and_then(|[x, y, w, h]| {
            let mut mask = Mask::new(self.pixmap.width(), self.pixmap.height())?;
            let path = PathBuilder::from_rect(Rect::from_xywh(x, y, w, h)?);
            mask.fill_path(&path, FillRule::Winding, false, Transform::identity());
            Some(mask)
        });
    }

    /// Fills a path.
    pub fn fill(&mut self, path: &Path, color: Color) {
        self.pixmap.fill_path(
            path,
            &paint(color),
            FillRule::Winding,
            Transform::identity(),
            self.clip.as_ref(),
        );
    }

    /// Draws a path's outline with round ends; `dash` is the length of dashes and gaps in pixels.
    pub fn stroke(&mut self, path: &Path, color: Color, width: f32, dash: Option<f32>) {
        let stroke = Stroke {
            width,
            line_cap: if dash.is_some() { LineCap::Butt } else { LineCap::Round },
            line_join: LineJoin::Round,
            dash: dash.and_then(|length| StrokeDash::new(vec![length, length], 0.0)),
            ..Stroke::default()
        };
        self.pixmap
            .stroke_path(path, &paint(color), &stroke, Transform::identity(), self.clip.as_ref());
    }

    /// Draws a line through these points.
    pub fn line(&mut self, points: &[[f32; 2]], color: Color, width: f32) {
        if let Some(path) = polyline(points, false) {
            self.stroke(&path, color, width, None);
        }
    }

    /// Fills the polygon with these corners.
    pub fn polygon(&mut self, corners: &[[f32; 2]], color: Color) {
        if let Some(path) = polyline(corners, true) {
            self.fill(&path, color);
        }
    }

    /// Fills a disc.
    pub fn disc(&mut self, center: [f32; 2], radius: f32, color: Color) {
        if let Some(path) = PathBuilder::from_circle(center[0], center[1], radius) {
            self.fill(&path, color);
        }
    }

    /// Draws a circle, dashed if `dash` gives a length in pixels.
    pub fn circle(&mut self, center: [f32; 2], radius: f32, color: Color, width: f32, dash: Option<f32>) {
        if let Some(path) = PathBuilder::from_circle(center[0], center[1], radius) {
            self.stroke(&path, color, width, dash);
        }
    }

    /// Fills the rectangle (x, y, width, height).
    pub fn rectangle(&mut self, [x, y, w, h]: [f32; 4], color: Color) {
        if let Some(rect) = Rect::from_xywh(x, y, w, h) {
            self.fill(&PathBuilder::from_rect(rect), color);
        }
    }

    /// Copies a picture with its upper left corner at (x, y).
    pub fn place(&mut self, x: u32, y: u32, image: &Image) {
        let width = self.pixmap.width();
        let visible = image.width.min(width.saturating_sub(x)) as usize;
        let rows = image.height.min(self.pixmap.height().saturating_sub(y));
        let data = self.pixmap.data_mut();
        for row in 0..rows {
            let from = (row * image.width) as usize * 3;
            let to = ((y + row) * width + x) as usize * 4;
            let source = image.rgb[from..from + visible * 3].chunks_exact(3);
            for (pixel, color) in data[to..to + visible * 4].chunks_exact_mut(4).zip(source) {
                pixel.copy_from_slice(&[color[0], color[1], color[2], 255]);
            }
        }
    }

    /// Writes a line of text; letters the font does not know are skipped.
    pub fn text(&mut self, at: [f32; 2], style: TextStyle, text: &str) {
        let shift = match style.anchor {
            Anchor::Start => 0.0,
            Anchor::Middle => 0.5,
            Anchor::End => 1.0,
        };
        let x = at[0] - shift * text_width(text, style.size, style.bold);
        if let Some(path) = outline([x, at[1]], style, text) {
            self.fill(&path, style.color);
        }
    }

    /// The finished picture.
    pub fn into_image(self) -> Image {
        Image {
            width: self.pixmap.width(),
            height: self.pixmap.height(),
            rgb: self
                .pixmap
                .pixels()
                .iter()
                .flat_map(|p| [p.red(), p.green(), p.blue()])
                .collect(),
        }
    }
}

/// Width in pixels of a text whose em square is `size` pixels high.
pub fn text_width(text: &str, size: f32, bold: bool) -> f32 {
    font(bold).map_or(0.0, |face| {
        let advance: f32 = text.chars().map(|letter| advance(&face, letter)).sum();
        advance * size / f32::from(face.units_per_em())
    })
}

/// The embedded DejaVu Sans (Bitstream Vera licence).
fn font(bold: bool) -> Option<Face<'static>> {
    let bytes = if bold {
        dejavu::sans::bold()
    } else {
        dejavu::sans::regular()
    };
    Face::parse(bytes, 0).ok()
}

fn advance(face: &Face<'_>, letter: char) -> f32 {
    let glyph = face.glyph_index(letter);
    glyph
        .and_then(|glyph| face.glyph_hor_advance(glyph))
        .map_or(0.0, f32::from)
}

fn outline(at: [f32; 2], style: TextStyle, text: &str) -> Option<Path> {
    let face = font(style.bold)?;
    let mut pen = Pen {
        path: PathBuilder::new(),
        scale: style.size / f32::from(face.units_per_em()),
        origin: at,
    };
    for letter in text.chars() {
        if let Some(glyph) = face.glyph_index(letter) {
            face.outline_glyph(glyph, &mut pen);
        }
        pen.origin[0] += advance(&face, letter) * pen.scale;
    }
    pen.path.finish()
}

/// Turns a glyph's outline, in font units with y up, into a path in pixels.
struct Pen {
    path: PathBuilder,
    scale: f32,
    origin: [f32; 2],
}

impl Pen {
    fn map(&self, x: f32, y: f32) -> (f32, f32) {
        (self.origin[0] + x * self.scale, self.origin[1] - y * self.scale)
    }
}

impl OutlineBuilder for Pen {
    fn move_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.map(x, y);
        self.path.move_to(x, y);
    }
    fn line_to(&mut self, x: f32, y: f32) {
        let (x, y) = self.map(x, y);
        self.path.line_to(x, y);
    }
    fn quad_to(&mut self, x1: f32, y1: f32, x: f32, y: f32) {
        let ((x1, y1), (x, y)) = (self.map(x1, y1), self.map(x, y));
        self.path.quad_to(x1, y1, x, y);
    }
    fn curve_to(&mut self, x1: f32, y1: f32, x2: f32, y2: f32, x: f32, y: f32) {
        let ((x1, y1), (x2, y2), (x, y)) = (self.map(x1, y1), self.map(x2, y2), self.map(x, y));
        self.path.cubic_to(x1, y1, x2, y2, x, y);
    }
    fn close(&mut self) {
        self.path.close();
    }
}

/// A line through points, or a polygon; `None` without points.
pub(crate) fn polyline(points: &[[f32; 2]], closed: bool) -> Option<Path> {
    let (first, rest) = points.split_first()?;
    let mut path = PathBuilder::new();
    path.move_to(first[0], first[1]);
    for point in rest {
        path.line_to(point[0], point[1]);
    }
    if closed {
        path.close();
    }
    path.finish()
}

fn skia([r, g, b, a]: Color) -> tiny_skia::Color {
    tiny_skia::Color::from_rgba8(r, g, b, a)
}

fn paint(color: Color) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(skia(color));
    paint.anti_alias = true;
    paint
}
