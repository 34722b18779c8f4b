//! The matrix products of a layer, and how much of its tensors a part of them needs.

use crate::conv::Conv;
use crate::gemm::{Gemm, TooLarge, product};
use crate::layer::{Layer, Op};

/// The matrix products of a layer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Products {
    /// How many.
    pub groups: u64,
    /// Each of them.
    pub gemm: Gemm,
    /// Whether the right operand is learnt, and not an activation.
    pub learnt: bool,
    /// The convolution that they are, whose windows overlap.
    window: Option<Conv>,
    /// Values that are written in all: fewer than the products' results where these overlap or are pooled.
    outputs: u64,
}

impl Products {
    /// The products of a layer; `None` where it has none or is empty.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn new(layer: &Layer) -> Result<Option<Self>, TooLarge> {
        let op = &layer.op;
        let Some((groups, gemm)) = op.gemm()? else {
            return Ok(None);
        };
        if product("multiply-accumulates", &[groups, gemm.macs()?])? == 0 {
            return Ok(None);
        }
        // so that sizes of tiles never overflow
        product("results", &[groups, gemm.m, gemm.n])?;
        product("operands", &[groups, gemm.k, gemm.m.max(gemm.n)])?;
        Ok(Some(Self {
            groups,
            gemm,
            learnt: !matches!(op, Op::MatMul { .. }),
            window: match op {
                Op::Conv(conv) => Some(*conv),
                _ => None,
            },
            outputs: layer.writes()?,
        }))
    }

    /// Input values for `m` rows and `k` of the sums of so many groups. Windows of a convolution overlap: the values
    /// are those of the image rows that the windows touch, or single windows where these are fewer.
    pub fn input_words(&self, groups: u64, m: u64, k: u64) -> u64 {
        let unrolled = m.saturating_mul(k);
        let words = match &self.window {
            Some(conv) => unrolled.min(self.image_words(conv, m, k)),
            None => unrolled,
        };
        groups.saturating_mul(words)
    }

    fn image_words(&self, conv: &Conv, m: u64, k: u64) -> u64 {
        let [out_rows, out_cols] = conv.output().map(|size| size.max(1));
        let images = m.div_ceil(out_rows.saturating_mul(out_cols)).max(1);
        let touched = |axis: usize, steps: u64| {
            let reach = conv.kernel[axis].saturating_sub(1).saturating_mul(conv.dilation[axis]);
            let span = (steps - 1).saturating_mul(conv.stride[axis]);
            span.saturating_add(reach).saturating_add(1)
        };
        let rows = m.div_ceil(out_cols);
        let height = match conv.depth.kernel {
            1 => touched(0, rows).min(conv.input[0].saturating_mul(images)),
            _ => {
                let slice = touched(0, rows.min(out_rows)).min(conv.input[0]);
                slice.saturating_mul(slices(conv, images))
            }
        };
        let width = match m < out_cols {
            true => touched(1, m).min(conv.input[1]),
            false => conv.input[1],
        };
        let channels = conv.channels / conv.groups.max(1);
        let depth = u128::from(channels) * u128::from(k);
        let depth = u64::try_from(depth.div_ceil(u128::from(self.gemm.k))).unwrap_or(u64::MAX);
        height.saturating_mul(width).saturating_mul(depth.max(1))
    }

    /// Weights for `k` of the sums and `n` columns of so many groups.
    pub fn weight_words(&self, groups: u64, k: u64, n: u64) -> u64 {
        groups.saturating_mul(k).saturating_mul(n)
    }

    /// Values that are written for `m` rows and `n` columns of so many groups.
    pub fn output_words(&self, groups: u64, m: u64, n: u64) -> u64 {
        let part = u128::from(groups.saturating_mul(m).saturating_mul(n));
        let whole = u128::from(self.groups) * u128::from(self.gemm.m) * u128::from(self.gemm.n);
        let words = (part * u128::from(self.outputs)).div_ceil(whole);
        u64::try_from(words).unwrap_or(u64::MAX)
    }
}

/// Slices of a volume that so many slices of the output touch.
fn slices(conv: &Conv, outputs: u64) -> u64 {
    let depth = &conv.depth;
    let reach = depth.kernel.saturating_sub(1).saturating_mul(depth.dilation);
    let per_volume = conv.output_depth().max(1);
    let volumes = outputs.div_ceil(per_volume);
    let touched = (outputs.min(per_volume) - 1).saturating_mul(depth.stride);
    let touched = touched.saturating_add(reach).saturating_add(1).min(depth.input);
    volumes.saturating_mul(touched)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn products_of(op: Op) -> Result<Option<Products>, TooLarge> {
        Products::new(&Layer::new("layer", op, Vec::new()))
    }

    fn products(conv: Conv) -> Products {
        products_of(Op::Conv(conv)).unwrap().unwrap()
    }

    #[test]
    fn a_tile_of_rows_reads_its_rows_and_a_halo() {
        let conv = products(Conv::same(8, 16, [32, 20], 3));
        // two output rows of 20 pixels need four image rows
        assert_eq!(conv.input_words(1, 40, 72), 4 * 20 * 8);
        // half the sums: half the channels
        assert_eq!(conv.input_words(1, 40, 36), 4 * 20 * 4);
        // the whole image is read once, padding excluded
        assert_eq!(conv.input_words(1, 640, 72), 32 * 20 * 8);
        // a single window is no more than itself
        assert_eq!(conv.input_words(1, 1, 72), 72);
    }

    #[test]
    fn a_volume_is_read_once() {
        let conv = products(crate::conv::volume());
        assert_eq!(conv.input_words(1, 6 * 14 * 14, 81), 3 * 8 * 16 * 16);
        // a row of the output needs three rows of three slices
        assert_eq!(conv.input_words(1, 14, 81), 3 * 3 * 3 * 16);
    }

    #[test]
    fn a_strided_one_by_one_reads_only_its_pixels() {
        let strided = Conv {
            stride: [2; 2],
            padding: [[0; 2]; 2],
            ..Conv::same(8, 16, [32, 32], 1)
        };
        assert_eq!(products(strided).input_words(1, 256, 8), 256 * 8);
    }

    #[test]
    fn overlapping_results_are_written_once() {
        let up = Conv {
            stride: [1; 2],
            padding: [[0; 2]; 2],
            ..Conv::same(4, 2, [10, 10], 3)
        };
        let products = products_of(Op::ConvTranspose(up)).unwrap().unwrap();
        assert_eq!(products.gemm.n, 18);
        assert_eq!(products.output_words(1, 100, 18), 12 * 12 * 2);
    }

    #[test]
    fn empty_and_huge_layers_are_told_apart() {
        let gemm = Gemm { m: 0, n: 3, k: 3 };
        assert_eq!(products_of(Op::MatMul { batch: 1, gemm }), Ok(None));
        let huge = Conv::same(1 << 30, 1 << 30, [1 << 20; 2], 3);
        assert!(products_of(Op::Conv(huge)).is_err());
    }
}
