//! Windows that slide over an image: kernel, stride, padding, dilation, as convolutions and pools share them.

use super::super::call::{Call, Fault, unsupported, wrong};
use crate::input::quote;

/// Largest side of a kernel, which keeps counting its taps short.
const LARGEST_KERNEL: u64 = 1 << 16;

/// Largest stride, padding and dilation.
const LARGEST_STEP: u64 = 1 << 32;

/// A window over an image; a signal of one direction is an image of height 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub image: [u64; 2],
    pub kernel: [u64; 2],
    pub stride: [u64; 2],
    pub padding: [[u64; 2]; 2],
    pub dilation: [u64; 2],
    /// Directions of the signal: 1 or 2.
    pub rank: usize,
}

impl Window {
    /// The window of a node over an input of this shape (batch, channels, and one or two directions); the kernel is
    /// that of the weights, if there are any.
    pub fn of(call: &Call, shape: &[u64], weights: Option<&[u64]>) -> Result<Self, Fault> {
        let image = match shape {
            [_, _, width] => vec![*width],
            [_, _, height, width] => vec![*height, *width],
            [] | [_] | [_, _] => {
                return wrong(format!("an image of shape {shape:?} has no pixels"));
            }
            _ => return unsupported("images of more than two directions"),
        };
        let rank = image.len();
        let kernel = match (call.ints("kernel_shape"), weights) {
            (Some(kernel), _) => sizes("kernel_shape", kernel, rank, 1, LARGEST_KERNEL)?,
            (None, Some(weights)) => weights.to_vec(),
            (None, None) => return wrong("`kernel_shape` is missing"),
        };
        if weights.is_some_and(|weights| weights != kernel) || kernel.contains(&0) {
            return wrong(format!(
                "a kernel of {kernel:?} and weights of {weights:?} do not go together"
            ));
        }
        if kernel.iter().any(|&k| k > LARGEST_KERNEL) {
            return wrong(format!("a kernel of {kernel:?} is too large"));
        }
        let list = |name, low, otherwise| match call.ints(name) {
            Some(list) => sizes(name, list, rank, low, LARGEST_STEP),
            None => Ok(vec![otherwise; rank]),
        };
        let mut window = Self {
            image: pair(&image, 1),
            kernel: pair(&kernel, 1),
            stride: pair(&list("strides", 1, 1)?, 1),
            dilation: pair(&list("dilations", 1, 1)?, 1),
            padding: [[0; 2]; 2],
            rank,
        };
        window.padding = window.padding_of(call)?;
        Ok(window)
    }

    fn padding_of(&self, call: &Call) -> Result<[[u64; 2]; 2], Fault> {
        let upper = match call.text("auto_pad", "NOTSET") {
            "VALID" => return Ok([[0; 2]; 2]),
            "SAME_UPPER" => true,
            "SAME_LOWER" => false,
            "NOTSET" | "" => return self.explicit_padding(call),
            other => return wrong(format!("`auto_pad` {} is unknown", quote(other))),
        };
        Ok([0, 1].map(|axis| {
            // as many windows as strides fit into the image
            let outputs = self.image[axis].div_ceil(self.stride[axis]);
            let covered = outputs.saturating_sub(1).saturating_mul(self.stride[axis]);
            let total = covered
                .saturating_add(self.reach(axis))
                .saturating_sub(self.image[axis]);
            split(total, upper)
        }))
    }

    fn explicit_padding(&self, call: &Call) -> Result<[[u64; 2]; 2], Fault> {
        let Some(pads) = call.ints("pads") else {
            return Ok([[0; 2]; 2]);
        };
        let pads = sizes("pads", pads, 2 * self.rank, 0, LARGEST_STEP)?;
        let (before, after) = pads.split_at(self.rank);
        let (before, after) = (pair(before, 0), pair(after, 0));
        Ok([[before[0], after[0]], [before[1], after[1]]])
    }

    /// Pixels from the first to the last tap, both included.
    pub fn reach(&self, axis: usize) -> u64 {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    /// The shape of an output with this image.
    pub fn shape(&self, batch: u64, channels: u64, image: [u64; 2]) -> Vec<u64> {
        [&[batch, channels], &image[2 - self.rank..]].concat()
    }
}

/// A total of padding, the odd one after or before the image.
pub(super) fn split(total: u64, upper: bool) -> [u64; 2] {
    let (small, large) = (total / 2, total - total / 2);
    if upper { [small, large] } else { [large, small] }
}

/// Height and width; the height of a signal of one direction is `otherwise`.
pub(super) fn pair(list: &[u64], otherwise: u64) -> [u64; 2] {
    match *list {
        [height, width] => [height, width],
        [width] => [otherwise, width],
        _ => [otherwise; 2],
    }
}

/// A list of so many sizes within bounds.
pub(super) fn sizes(name: &str, list: &[i64], count: usize, low: u64, high: u64) -> Result<Vec<u64>, Fault> {
    if list.len() != count {
        return wrong(format!("`{name}` has {} numbers, {count} are needed", list.len()));
    }
    list.iter()
        .map(|&value| match u64::try_from(value) {
            Ok(size) if (low..=high).contains(&size) => Ok(size),
            _ => wrong(format!("`{name}` must be from {low} to {high}, not {value}")),
        })
        .collect()
}
