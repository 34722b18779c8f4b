//! Pictures and animations of [`Scene`]s, drawn in software: no display, no system fonts, same bytes everywhere.
//!
//! [`picture`] draws panels side by side, [`overlay`] and [`filmstrip`] show a motion in one still picture,
//! [`animate`] writes a GIF. Planar views are drawn like a drafting sheet, camera views shaded, with shadows (z up).
//! Shapes with numbers that are not finite are left out, so that a run that exploded can still be looked at.

mod animation;
mod camera;
pub(crate) mod canvas;
mod follow;
mod mesh;
pub(crate) mod palette;
mod plane;
mod raster;
mod shadow;

use std::borrow::Cow;

use tandem_core::{Role, Scene, Shape, View};
use thiserror::Error;

pub use animation::animate;
use canvas::{Anchor, Canvas, TextStyle, text_width};

/// Longest side of a picture in pixels.
pub const MAX_SIDE: u32 = 8192;

/// What can go wrong while drawing.
#[derive(Debug, Error)]
pub enum RenderError {
    /// The picture would be empty or enormous.
    #[error("a picture of {width} x {height} pixels cannot be drawn; sides must be 16 to {MAX_SIDE}")]
    Size {
        /// Width in pixels.
        width: u32,
        /// Height in pixels.
        height: u32,
    },
    /// There is nothing to draw.
    #[error("nothing to draw: {0}")]
    Empty(&'static str),
    /// The scene is seen from nowhere.
    #[error("the view cannot be drawn: {0}")]
    View(&'static str),
    /// Frames per second that a GIF cannot hold.
    #[error("{0} frames per second cannot be written; a GIF holds 1 to 50")]
    FramesPerSecond(u32),
    /// The PNG could not be encoded.
    #[error("cannot encode the PNG: {0}")]
    Png(String),
    /// The GIF could not be written.
    #[error("cannot write the GIF: {0}")]
    Gif(#[from] gif::EncodingError),
}

/// A picture, `[height, width, 3]` bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Image {
    /// Width in pixels.
    pub width: u32,
    /// Height in pixels.
    pub height: u32,
    /// Red, green and blue of each pixel, rows from top to bottom.
    pub rgb: Vec<u8>,
}

impl Image {
    /// The picture as a PNG file.
    ///
    /// # Errors
    /// A picture whose bytes do not match its size.
    pub fn png(&self) -> Result<Vec<u8>, RenderError> {
        let size = tiny_skia::IntSize::from_wh(self.width, self.height);
        let rgba = self.rgb.chunks_exact(3).flat_map(|p| [p[0], p[1], p[2], 255]).collect();
        size.and_then(|size| tiny_skia::Pixmap::from_vec(rgba, size))
            .ok_or_else(|| RenderError::Png("the bytes do not match the size".into()))?
            .encode_png()
            .map_err(|error| RenderError::Png(error.to_string()))
    }

    /// The colour at column `x` and row `y`; `None` outside.
    pub fn pixel(&self, x: u32, y: u32) -> Option<[u8; 3]> {
        let start = (y as usize * self.width as usize + x as usize) * 3;
        let inside = x < self.width && y < self.height;
        let bytes = self.rgb.get(start..start + 3).filter(|_| inside)?;
        Some([bytes[0], bytes[1], bytes[2]])
    }
}

/// One moment of one machine, with a heading.
#[derive(Clone, Copy, Debug)]
pub struct Panel<'a> {
    /// Heading, e.g. `learned design`; may be empty.
    pub title: &'a str,
    /// What is shown; its caption is written below.
    pub scene: &'a Scene,
}

/// A motion of one machine, with a heading.
#[derive(Clone, Copy, Debug)]
pub struct Clip<'a> {
    /// Heading, e.g. `learned design`; may be empty.
    pub title: &'a str,
    /// One scene per moment.
    pub scenes: &'a [Scene],
}

/// Draws panels side by side in one picture of `size` (width, height) pixels.
///
/// # Errors
/// No panel, an impossible size or an impossible view.
pub fn picture(panels: &[Panel<'_>], size: (u32, u32)) -> Result<Image, RenderError> {
    let columns: Vec<_> = panels
        .iter()
        .map(|panel| Column {
            title: panel.title,
            moments: vec![Cow::Borrowed(panel.scene)],
        })
        .collect();
    compose(&columns, size)
}

/// Draws each motion as one panel: `ghosts` pale earlier moments at even distances, the last one in full,
/// and the path of the tip. Of a motion that a camera follows, it is the last stretch, as far as it goes into one picture.
///
/// # Errors
/// As [`picture`], and a motion without scenes.
pub fn overlay(clips: &[Clip<'_>], size: (u32, u32), ghosts: usize) -> Result<Image, RenderError> {
    check_clips(clips)?;
    let columns: Vec<_> = clips
        .iter()
        .map(|clip| Column {
            title: clip.title,
            moments: still_moments(clip.scenes, ghosts + 1),
        })
        .collect();
    compose(&columns, size)
}

/// Draws each motion as a row of `frames` moments at even distances, first and last included.
///
/// # Errors
/// As [`overlay`], and zero frames.
pub fn filmstrip(clips: &[Clip<'_>], size: (u32, u32), frames: usize) -> Result<Image, RenderError> {
    check_clips(clips)?;
    let rows = clips.len() as u32;
    let row_height = size.1 / rows;
    let mut canvas = Canvas::new(size.0, size.1, palette::PAGE)?;
    for (row, clip) in clips.iter().enumerate() {
        let columns: Vec<_> = moments(clip.scenes, frames)
            .into_iter()
            .enumerate()
            .map(|(i, scene)| Column {
                title: if i == 0 { clip.title } else { "" },
                moments: vec![scene],
            })
            .collect();
        canvas.place(0, row as u32 * row_height, &compose(&columns, (size.0, row_height))?);
    }
    Ok(canvas.into_image())
}

/// A panel that shows several moments in one view; the last one is the present.
struct Column<'a> {
    title: &'a str,
    moments: Vec<Cow<'a, Scene>>,
}

/// Draws columns side by side with titles above and captions below.
fn compose(columns: &[Column<'_>], size: (u32, u32)) -> Result<Image, RenderError> {
    let (width, height) = size;
    let mut canvas = Canvas::new(width, height, palette::PAGE)?;
    if columns.is_empty() {
        return Err(RenderError::Empty("no panel"));
    }
    let gap = (0.012 * width as f32).clamp(3.0, 16.0).round();
    let panel = ((width as f32 - gap) / columns.len() as f32 - gap).floor();
    let font = text_size(panel, height as f32);
    let line = |wanted: bool| if wanted { (1.9 * font).round() } else { gap };
    let top = line(columns.iter().any(|c| !c.title.is_empty()));
    let bottom = line(
        columns
            .iter()
            .any(|c| c.present().is_some_and(|s| !s.caption.is_empty())),
    );
    let tall = (height as f32 - top - bottom).floor();
    if panel < 8.0 || tall < 8.0 {
        return Err(RenderError::Size { width, height });
    }
    for (i, column) in columns.iter().enumerate() {
        let left = gap + i as f32 * (panel + gap);
        let scene = column.present().ok_or(RenderError::Empty("a panel without scenes"))?;
        let heading = TextStyle {
            size: font,
            color: palette::INK,
            bold: true,
            anchor: Anchor::Start,
        };
        let caption = TextStyle {
            color: palette::QUIET,
            bold: false,
            ..heading
        };
        fitted(
            &mut canvas,
            [left + 2.0, top - 0.6 * font],
            heading,
            column.title,
            panel,
        );
        let below = height as f32 - bottom + 1.25 * font;
        fitted(&mut canvas, [left + 2.0, below], caption, &scene.caption, panel);
        draw_view(&mut canvas, [left, top, panel, tall], column, scene)?;
    }
    Ok(canvas.into_image())
}

impl Column<'_> {
    fn present(&self) -> Option<&Scene> {
        self.moments.last().map(AsRef::as_ref)
    }
}

fn draw_view(canvas: &mut Canvas, area: [f32; 4], column: &Column<'_>, present: &Scene) -> Result<(), RenderError> {
    let finite: Vec<Scene> = column.moments.iter().map(|scene| drawable(scene)).collect();
    let moments: Vec<&Scene> = finite.iter().collect();
    match present.view {
        View::Plane { min, max } | View::Chart { min, max } => {
            let sound = |i: usize| max[i] - min[i] > 0.0 && (max[i] - min[i]).is_finite();
            if !(sound(0) && sound(1)) {
                return Err(RenderError::View(
                    "the upper right corner must lie above the lower left one",
                ));
            }
            let metres = matches!(present.view, View::Plane { .. });
            plane::draw(canvas, area, &moments, framed(present, [min, max]), metres);
        }
        View::Camera {
            eye,
            target,
            up,
            fov,
            floor,
        } => {
            let camera = camera::Camera::new([eye, target, up], fov, floor)?;
            let image = camera.draw(&moments, (area[2] as u32, area[3] as u32));
            canvas.place(area[0] as u32, area[1] as u32, &image);
        }
    }
    Ok(())
}

/// A planar view widened so that goals lie inside it with some room around them; the same on both sides.
pub(crate) fn framed(scene: &Scene, [mut min, mut max]: [[f32; 2]; 2]) -> [[f32; 2]; 2] {
    let room = 0.03 * (max[0] - min[0]).max(max[1] - min[1]);
    for (_, shape) in scene.shapes.iter().filter(|(role, _)| *role == Role::Goal) {
        let Shape::Sphere { center, radius } = shape else {
            continue;
        };
        let beyond = |i: usize| {
            let below = min[i] - (center[i] - radius - room);
            below.max(center[i] + radius + room - max[i])
        };
        let over = [beyond(0), beyond(1)].map(|x| if x.is_finite() { x.clamp(0.0, 10.0 * room) } else { 0.0 });
        for i in 0..2 {
            min[i] -= over[i];
            max[i] += over[i];
        }
    }
    [min, max]
}

/// Writes a text, made smaller where it would not fit into `room` pixels.
fn fitted(canvas: &mut Canvas, at: [f32; 2], style: TextStyle, text: &str, room: f32) {
    let wide = text_width(text, style.size, style.bold).max(1.0);
    let size = style.size * (room / wide).min(1.0);
    canvas.text(at, TextStyle { size, ..style }, text);
}

/// Letter height in pixels that suits a panel.
fn text_size(width: f32, height: f32) -> f32 {
    (0.033 * width.min(1.6 * height)).clamp(9.0, 30.0)
}

/// `count` scenes at even distances, all that one view shows, the last one in the view of them all.
fn still_moments(scenes: &[Scene], count: usize) -> Vec<Cow<'_, Scene>> {
    let Some((stretch, view)) = follow::last_stretch(scenes) else {
        return moments(scenes, count);
    };
    let mut moments = moments(stretch, count.min(follow::MOMENTS));
    if let Some(last) = moments.last_mut() {
        last.to_mut().view = view;
    }
    moments
}

/// `count` scenes at even distances, the last one with the path of the tip so far.
fn moments(scenes: &[Scene], count: usize) -> Vec<Cow<'_, Scene>> {
    let count = count.clamp(1, scenes.len().max(1));
    let last = scenes.len().saturating_sub(1);
    let index = |i: usize| {
        if count == 1 {
            last
        } else {
            (i * last + (count - 1) / 2) / (count - 1)
        }
    };
    (0..count).map(|i| with_path(scenes, index(i))).collect()
}

/// The scene at `index` with the path of the tip up to it, in planar views that draw no trace themselves.
fn with_path(scenes: &[Scene], index: usize) -> Cow<'_, Scene> {
    let scene = &scenes[index];
    let traced = scene.shapes.iter().any(|(role, _)| *role == Role::Trace);
    if traced || !matches!(scene.view, View::Plane { .. }) {
        return Cow::Borrowed(scene);
    }
    let tips: Vec<_> = scenes[..=index].iter().filter_map(tip).collect();
    let mut scene = scene.clone();
    scene.shapes.extend(tips.windows(2).map(|pair| {
        let shape = Shape::Capsule {
            a: pair[0].0,
            b: pair[1].0,
            radius: 0.2 * pair[1].1,
        };
        (Role::Trace, shape)
    }));
    Cow::Owned(scene)
}

/// End and radius of the last link.
fn tip(scene: &Scene) -> Option<([f32; 3], f32)> {
    scene.shapes.iter().rev().find_map(|(role, shape)| match shape {
        Shape::Capsule { b, radius, .. } if *role == Role::Link => Some((*b, *radius)),
        _ => None,
    })
}

/// The scene without shapes that have a number that is not finite.
fn drawable(scene: &Scene) -> Scene {
    let finite = |numbers: &[f32]| numbers.iter().all(|v| v.is_finite() && v.abs() < 1e6);
    let sound = |shape: &Shape| match shape {
        Shape::Capsule { a, b, radius } => finite(a) && finite(b) && finite(&[*radius]),
        Shape::Sphere { center, radius } => finite(center) && finite(&[*radius]),
        Shape::Cuboid { center, half, rotation } | Shape::Ellipsoid { center, half, rotation } => {
            finite(center) && finite(half) && finite(rotation)
        }
        Shape::Mesh { position, rotation, .. } => finite(position) && finite(rotation),
        Shape::Cylinder {
            center,
            radius,
            half_height,
            rotation,
        } => finite(center) && finite(&[*radius, *half_height]) && finite(rotation),
    };
    Scene {
        view: scene.view.clone(),
        shapes: scene.shapes.iter().filter(|(_, shape)| sound(shape)).cloned().collect(),
        caption: scene.caption.clone(),
    }
}

fn check_size(width: u32, height: u32) -> Result<(), RenderError> {
    let sound = 16..=MAX_SIDE;
    if sound.contains(&width) && sound.contains(&height) {
        Ok(())
    } else {
        Err(RenderError::Size { width, height })
    }
}

fn check_clips(clips: &[Clip<'_>]) -> Result<(), RenderError> {
    if clips.is_empty() {
        return Err(RenderError::Empty("no motion"));
    }
    if clips.iter().any(|clip| clip.scenes.is_empty()) {
        return Err(RenderError::Empty("a motion without scenes"));
    }
    Ok(())
}

/// A vector turned by a unit quaternion (x, y, z, w): `v + 2 w (q x v) + 2 q x (q x v)`.
fn rotate([x, y, z, w]: [f32; 4], v: [f32; 3]) -> [f32; 3] {
    let q = [x, y, z];
    let t = mesh::cross(q, v).map(|c| 2.0 * c);
    let u = mesh::cross(q, t);
    std::array::from_fn(|i| v[i] + w * t[i] + u[i])
}

#[cfg(test)]
mod tests;
