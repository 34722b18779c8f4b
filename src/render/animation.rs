//! Animated GIFs with one palette per animation.

use std::borrow::Cow;
use std::io::Write;

use gif::{DisposalMethod, Encoder, Frame, Repeat};
use rayon::prelude::*;

use super::{Clip, Column, Image, RenderError, check_clips, compose, with_path};

/// Colours of the palette; one more entry says "as in the frame before".
const COLORS: usize = 255;
/// Index of that entry.
const UNCHANGED: u8 = 255;
/// Bits per channel by which colours are told apart.
const BITS: u32 = 5;
/// Frames drawn at once: bounds the memory.
const BATCH: usize = 32;
/// Frames from which the palette is chosen.
const PALETTE_FRAMES: usize = 12;
/// How long the last frame stays before the animation starts again, in hundredths of a second.
const PAUSE: u16 = 120;

/// Writes an endless animated GIF of motions side by side, all starting together; one that is over shows its
/// last moment. The last frame stays for 1.2 seconds.
///
/// `size` is the picture's (width, height) in pixels, `fps` the frames per second. Frames are drawn by all
/// threads of the current rayon pool; the bytes do not depend on their number.
///
/// # Errors
/// No motion or one without scenes, an impossible size or view, `fps` outside 1 to 50, or a failed write.
pub fn animate(clips: &[Clip<'_>], size: (u32, u32), fps: u32, out: impl Write) -> Result<(), RenderError> {
    check_clips(clips)?;
    if !(1..=50).contains(&fps) {
        return Err(RenderError::FramesPerSecond(fps));
    }
    super::check_size(size.0, size.1)?;
    let frames = clips.iter().map(|clip| clip.scenes.len()).max().unwrap_or(0);
    let count = frames.min(PALETTE_FRAMES);
    let picks: Vec<usize> = (0..count).map(|i| (i * (frames - 1)) / (count - 1).max(1)).collect();
    let palette = Palette::new(&draw(clips, size, &picks)?);

    let (width, height) = (size.0 as u16, size.1 as u16);
    let mut encoder = Encoder::new(out, width, height, &palette.bytes())?;
    encoder.set_repeat(Repeat::Infinite)?;
    let mut before: Option<Vec<u8>> = None;
    let all: Vec<usize> = (0..frames).collect();
    for batch in all.chunks(BATCH) {
        let images = draw(clips, size, batch)?;
        let indexed: Vec<Vec<u8>> = images.par_iter().map(|image| palette.apply(image)).collect();
        for (&i, pixels) in batch.iter().zip(indexed) {
            let mut frame = difference(before.as_deref(), &pixels, width);
            frame.delay = delay(i, fps);
            if i + 1 == frames {
                frame.delay = frame.delay.max(PAUSE);
            }
            encoder.write_frame(&frame)?;
            before = Some(pixels);
        }
    }
    Ok(())
}

/// Hundredths of a second for which frame `i` stays; rounded so that the mean is exact.
fn delay(i: usize, fps: u32) -> u16 {
    let start = |i: u64| (200 * i + u64::from(fps)) / (2 * u64::from(fps));
    (start(i as u64 + 1) - start(i as u64)) as u16
}

/// Draws the frames with these indices.
fn draw(clips: &[Clip<'_>], size: (u32, u32), frames: &[usize]) -> Result<Vec<Image>, RenderError> {
    let frame = |&i: &usize| {
        let columns: Vec<_> = clips
            .iter()
            .map(|clip| Column {
                title: clip.title,
                moments: vec![with_path(clip.scenes, i.min(clip.scenes.len() - 1))],
            })
            .collect();
        compose(&columns, size)
    };
    frames.par_iter().map(frame).collect()
}

/// A frame that holds only the rectangle in which something changed.
fn difference(before: Option<&[u8]>, pixels: &[u8], width: u16) -> Frame<'static> {
    let wide = usize::from(width);
    let mut frame = Frame {
        dispose: DisposalMethod::Keep,
        ..Frame::default()
    };
    let Some(before) = before else {
        frame.width = width;
        frame.height = (pixels.len() / wide) as u16;
        frame.buffer = Cow::Owned(pixels.to_vec());
        return frame;
    };
    let changed = || (0..pixels.len()).filter(|&i| pixels[i] != before[i]);
    let top = changed().next().unwrap_or(0) / wide;
    let bottom = changed().next_back().unwrap_or(0) / wide;
    let left = changed().map(|i| i % wide).min().unwrap_or(0);
    let right = changed().map(|i| i % wide).max().unwrap_or(0);
    let mut buffer = Vec::with_capacity((right - left + 1) * (bottom - top + 1));
    for y in top..=bottom {
        let row = y * wide + left..y * wide + right + 1;
        let pick = |i: usize| {
            if pixels[i] == before[i] { UNCHANGED } else { pixels[i] }
        };
        buffer.extend(row.map(pick));
    }
    frame.left = left as u16;
    frame.top = top as u16;
    frame.width = (right - left + 1) as u16;
    frame.height = (bottom - top + 1) as u16;
    frame.transparent = Some(UNCHANGED);
    frame.buffer = Cow::Owned(buffer);
    frame
}

/// Up to [`COLORS`] colours and the nearest of them for every colour that can be told apart.
struct Palette {
    colors: Vec<[u8; 3]>,
    /// `[2^(3 BITS)]`
    nearest: Vec<u8>,
}

/// A group of colours that still has to be divided: mean colour and pixels of each.
type Group = Vec<([f32; 3], f32)>;

impl Palette {
    /// Chooses the palette by dividing the colours at the mean of the channel with the largest spread, the
    /// group with the largest squared error first (Wu 1991, without the moment tables).
    fn new(images: &[Image]) -> Self {
        let mut groups = vec![Self::histogram(images)];
        while groups.len() < COLORS {
            let errors = groups.iter().map(spread);
            let worst = errors.enumerate().fold(
                (0, 0, 0.0),
                |best, (i, (channel, error))| {
                    if error > best.2 { (i, channel, error) } else { best }
                },
            );
            let (index, channel, error) = worst;
            if error <= 0.0 {
                break;
            }
            let middle = mean(&groups[index])[channel];
            let group = groups.swap_remove(index);
            let (low, high) = group.into_iter().partition(|(color, _)| color[channel] <= middle);
            groups.push(low);
            groups.push(high);
        }
        let colors: Vec<[u8; 3]> = groups
            .iter()
            .map(|group| mean(group).map(|v| v.round() as u8))
            .collect();
        let nearest = (0..1 << (3 * BITS)).map(|bin| nearest(&colors, center(bin))).collect();
        Self { colors, nearest }
    }

    /// Mean colour and number of pixels of each bin in use.
    fn histogram(images: &[Image]) -> Group {
        let mut sums = vec![[0u64; 4]; 1 << (3 * BITS)];
        for pixel in images.iter().flat_map(|image| image.rgb.chunks_exact(3)) {
            let sum = &mut sums[bin(pixel)];
            (0..3).for_each(|i| sum[i] += u64::from(pixel[i]));
            sum[3] += 1;
        }
        let used = sums.into_iter().filter(|sum| sum[3] > 0);
        // The root keeps rare but telling colours (a goal, a tip) against large plain areas.
        used.map(|[r, g, b, n]| ([r, g, b].map(|v| v as f32 / n as f32), (n as f32).sqrt()))
            .collect()
    }

    fn bytes(&self) -> Vec<u8> {
        let mut bytes: Vec<u8> = self.colors.iter().flatten().copied().collect();
        bytes.resize(256 * 3, 0);
        bytes
    }

    fn apply(&self, image: &Image) -> Vec<u8> {
        image
            .rgb
            .chunks_exact(3)
            .map(|pixel| self.nearest[bin(pixel)])
            .collect()
    }
}

fn bin(pixel: &[u8]) -> usize {
    pixel
        .iter()
        .fold(0, |bin, &v| bin << BITS | usize::from(v >> (8 - BITS)))
}

/// The colour in the middle of a bin.
fn center(bin: usize) -> [f32; 3] {
    let mask = (1 << BITS) - 1;
    let value = |shift: u32| (((bin >> shift) & mask) << (8 - BITS)) as f32 + 3.5;
    [value(2 * BITS), value(BITS), value(0)]
}

fn nearest(colors: &[[u8; 3]], wanted: [f32; 3]) -> u8 {
    let distance = |color: &[u8; 3]| -> f32 { (0..3).map(|i| (f32::from(color[i]) - wanted[i]).powi(2)).sum() };
    let best = colors
        .iter()
        .map(distance)
        .enumerate()
        .min_by(|a, b| a.1.total_cmp(&b.1));
    best.map_or(0, |(i, _)| i as u8)
}

fn mean(group: &Group) -> [f32; 3] {
    let total: f32 = group.iter().map(|(_, n)| n).sum();
    std::array::from_fn(|i| group.iter().map(|(c, n)| c[i] * n).sum::<f32>() / total.max(1e-9))
}

/// The channel in which a group differs most, and its squared error.
fn spread(group: &Group) -> (usize, f32) {
    if group.len() < 2 {
        return (0, 0.0);
    }
    let middle = mean(group);
    let error = |i: usize| group.iter().map(|(c, n)| n * (c[i] - middle[i]).powi(2)).sum::<f32>();
    let errors = [error(0), error(1), error(2)];
    (0..3).fold(
        (0, 0.0),
        |best, i| {
            if errors[i] > best.1 { (i, errors[i]) } else { best }
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn delays_keep_time_over_a_second() {
        for fps in [1, 7, 24, 30, 50] {
            let total: u32 = (0..fps as usize).map(|i| u32::from(delay(i, fps))).sum();
            assert_eq!(total, 100, "{fps} frames per second");
        }
        assert_eq!(delay(0, 20), 5);
    }

    #[test]
    fn a_picture_of_few_colours_keeps_them() {
        let colors = [[250, 250, 250], [200, 30, 40], [10, 60, 200]];
        let rgb = [0, 0, 0, 1, 0, 2, 0].iter().flat_map(|&i: &usize| colors[i]).collect();
        let image = Image {
            width: 7,
            height: 1,
            rgb,
        };
        let palette = Palette::new(std::slice::from_ref(&image));
        assert_eq!(palette.colors.len(), 3);
        let shown: Vec<_> = palette
            .apply(&image)
            .iter()
            .flat_map(|&i| palette.colors[usize::from(i)])
            .collect();
        assert_eq!(shown, image.rgb);
    }

    #[test]
    fn only_what_changed_is_stored() {
        let before = vec![0u8; 12];
        let mut now = before.clone();
        now[5] = 3; // row 1, column 1 of a picture 4 wide
        now[10] = 4; // row 2, column 2
        let frame = difference(Some(&before), &now, 4);
        assert_eq!((frame.left, frame.top, frame.width, frame.height), (1, 1, 2, 2));
        assert_eq!(frame.buffer.as_ref(), [3, UNCHANGED, UNCHANGED, 4]);
    }
}
