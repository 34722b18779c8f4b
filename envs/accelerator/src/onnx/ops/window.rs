//! Windows that slide over an image or a volume: kernel, stride, padding, dilation, as convolutions and pools share them.

use super::super::call::{Call, Fault, unsupported, wrong};
use crate::input::quote;

/// Largest side of a kernel, which keeps counting its taps short.
const LARGEST_KERNEL: u64 = 1 << 16;

/// Largest stride, padding and dilation.
const LARGEST_STEP: u64 = 1 << 32;

/// A window over a volume, by depth, height and width; an image is a volume one slice deep, a signal of one direction an
/// image of height 1.
#[derive(Clone, Copy, Debug)]
pub(super) struct Window {
    pub image: [u64; 3],
    pub kernel: [u64; 3],
    pub stride: [u64; 3],
    pub padding: [[u64; 2]; 3],
    pub dilation: [u64; 3],
    /// Directions of the signal: 1 to 3.
    pub rank: usize,
}

impl Window {
    /// The window of a node over an input of this shape (batch, channels, and one to three directions); the kernel is
    /// that of the weights, if there are any.
    pub fn of(call: &Call, shape: &[u64], weights: Option<&[u64]>) -> Result<Self, Fault> {
        let image = match shape {
            [] | [_] | [_, _] => {
                return wrong(format!("an image of shape {shape:?} has no pixels"));
            }
            [_, _, image @ ..] if image.len() <= 3 => image,
            _ => return unsupported("images of more than three directions"),
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
            image: triple(image, 1),
            kernel: triple(&kernel, 1),
            stride: triple(&list("strides", 1, 1)?, 1),
            dilation: triple(&list("dilations", 1, 1)?, 1),
            padding: [[0; 2]; 3],
            rank,
        };
        window.padding = window.padding_of(call)?;
        Ok(window)
    }

    fn padding_of(&self, call: &Call) -> Result<[[u64; 2]; 3], Fault> {
        let upper = match call.text("auto_pad", "NOTSET") {
            "VALID" => return Ok([[0; 2]; 3]),
            "SAME_UPPER" => true,
            "SAME_LOWER" => false,
            "NOTSET" | "" => return self.explicit_padding(call),
            other => return wrong(format!("`auto_pad` {} is unknown", quote(other))),
        };
        Ok([0, 1, 2].map(|axis| {
            // as many windows as strides fit into the image
            let outputs = self.image[axis].div_ceil(self.stride[axis]);
            let covered = outputs.saturating_sub(1).saturating_mul(self.stride[axis]);
            let total = covered
                .saturating_add(self.reach(axis))
                .saturating_sub(self.image[axis]);
            split(total, upper)
        }))
    }

    fn explicit_padding(&self, call: &Call) -> Result<[[u64; 2]; 3], Fault> {
        let Some(pads) = call.ints("pads") else {
            return Ok([[0; 2]; 3]);
        };
        let pads = sizes("pads", pads, 2 * self.rank, 0, LARGEST_STEP)?;
        let (before, after) = pads.split_at(self.rank);
        let (before, after) = (triple(before, 0), triple(after, 0));
        Ok([0, 1, 2].map(|axis| [before[axis], after[axis]]))
    }

    /// Pixels from the first to the last tap, both included.
    pub fn reach(&self, axis: usize) -> u64 {
        (self.kernel[axis] - 1) * self.dilation[axis] + 1
    }

    /// The shape of an output with this image.
    pub fn shape(&self, batch: u64, channels: u64, image: [u64; 3]) -> Vec<u64> {
        [&[batch, channels], &image[3 - self.rank..]].concat()
    }
}

/// A total of padding, the odd one after or before the image.
pub(super) fn split(total: u64, upper: bool) -> [u64; 2] {
    let (small, large) = (total / 2, total - total / 2);
    if upper { [small, large] } else { [large, small] }
}

/// Depth, height and width; those that a signal does not have are `otherwise`.
pub(super) fn triple(list: &[u64], otherwise: u64) -> [u64; 3] {
    match *list {
        [depth, height, width] => [depth, height, width],
        [height, width] => [otherwise, height, width],
        [width] => [otherwise, otherwise, width],
        _ => [otherwise; 3],
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
