//! Convolutions: sizes of outputs, counts, and the matrix product they are lowered to.

use super::gemm::{Gemm, TooLarge, product};

/// A convolution. Pairs are height and width.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Conv {
    /// Images at a time.
    pub batch: u64,
    /// Size of an image.
    pub input: [u64; 2],
    /// Channels in.
    pub channels: u64,
    /// Channels out.
    pub filters: u64,
    /// Size of the kernel.
    pub kernel: [u64; 2],
    /// Step of the window.
    pub stride: [u64; 2],
    /// Zeros before and after the image in each direction.
    pub padding: [[u64; 2]; 2],
    /// Distance between the kernel's taps.
    pub dilation: [u64; 2],
    /// Groups of channels that do not see each other; as many as channels in a depthwise convolution.
    pub groups: u64,
    /// Whether a bias is added.
    pub bias: bool,
}

impl Conv {
    /// A square convolution of an image with stride 1 and the padding that keeps its size (odd kernels).
    pub fn same(channels: u64, filters: u64, input: [u64; 2], kernel: u64) -> Self {
        let around = kernel.saturating_sub(1) / 2;
        Self {
            batch: 1,
            input,
            channels,
            filters,
            kernel: [kernel; 2],
            stride: [1; 2],
            padding: [[around; 2]; 2],
            dilation: [1; 2],
            groups: 1,
            bias: true,
        }
    }

    /// Height and width of the output, rounded down as frameworks do; 0 where the kernel does not fit.
    pub fn output(&self) -> [u64; 2] {
        [0, 1].map(|axis| {
            let [before, after] = self.padding[axis];
            let padded = self.input[axis].saturating_add(before).saturating_add(after);
            let reach = (self.kernel[axis].saturating_sub(1)).saturating_mul(self.dilation[axis]);
            match padded.checked_sub(reach.saturating_add(1)) {
                Some(room) => room / self.stride[axis].max(1) + 1,
                None => 0,
            }
        })
    }

    /// Height and width of the output of a transposed convolution.
    pub fn transposed_output(&self) -> [u64; 2] {
        [0, 1].map(|axis| {
            let steps = self.input[axis].saturating_sub(1);
            let reach = self.kernel[axis].saturating_sub(1);
            let spread = steps
                .saturating_mul(self.stride[axis])
                .saturating_add(reach.saturating_mul(self.dilation[axis]))
                .saturating_add(1);
            spread.saturating_sub(self.padding[axis].iter().sum())
        })
    }

    /// The weights, without the bias.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn weights(&self) -> Result<u64, TooLarge> {
        let [height, width] = self.kernel;
        let per_group = self.channels / self.groups.max(1);
        product("weights", &[height, width, per_group, self.filters])
    }

    /// The matrix product of each group, with im2col; there are [`Conv::groups`] of them.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn gemm(&self) -> Result<Gemm, TooLarge> {
        let [rows, cols] = self.output();
        let groups = self.groups.max(1);
        let [height, width] = self.kernel;
        Ok(Gemm {
            m: product("output pixels", &[self.batch, rows, cols])?,
            n: self.filters / groups,
            k: product("the window", &[height, width, self.channels / groups])?,
        })
    }

    /// Taps of the kernel along an axis, summed over the output, that fall on the image and not on its padding.
    fn valid_taps(&self, axis: usize) -> u64 {
        let before = self.padding[axis][0];
        let end = before.saturating_add(self.input[axis]);
        let outputs = self.output()[axis];
        let mut taps: u64 = 0;
        for tap in 0..self.kernel[axis] {
            let offset = tap.saturating_mul(self.dilation[axis]);
            // outputs o with before <= o * stride + offset < end
            let stride = self.stride[axis].max(1);
            let first = before.saturating_sub(offset).div_ceil(stride);
            let last = end.saturating_sub(offset).div_ceil(stride); // the first beyond
            taps = taps.saturating_add(last.min(outputs).saturating_sub(first));
        }
        taps
    }

    /// Multiply-accumulates that touch the image: what a library that skips the padding does. A 3 x 3 kernel with
    /// dilation 12 on a 16 x 16 image touches a quarter of its nominal count.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn valid_macs(&self) -> Result<u64, TooLarge> {
        let per_group = self.channels / self.groups.max(1);
        let taps = [self.valid_taps(0), self.valid_taps(1)];
        product(
            "multiply-accumulates",
            &[self.batch, taps[0], taps[1], per_group, self.filters],
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn output_sizes_are_those_of_the_frameworks() {
        let conv = Conv {
            stride: [2; 2],
            padding: [[3; 2]; 2],
            ..Conv::same(3, 64, [224, 224], 7)
        };
        assert_eq!(conv.output(), [112, 112]);
        let dilated = Conv {
            dilation: [12; 2],
            padding: [[12; 2]; 2],
            ..Conv::same(512, 1024, [16, 33], 3)
        };
        assert_eq!(dilated.output(), [16, 33]);
        let up = Conv {
            stride: [2; 2],
            padding: [[0; 2]; 2],
            ..Conv::same(1024, 512, [28, 28], 2)
        };
        assert_eq!(up.transposed_output(), [56, 56]);
        assert_eq!(Conv::same(1, 1, [2, 2], 3).output(), [2, 2]);
        let none = Conv {
            padding: [[0; 2]; 2],
            ..Conv::same(1, 1, [2, 2], 3)
        };
        assert_eq!(none.output(), [0, 0]);
    }

    #[test]
    fn valid_taps_agree_with_counting_them_one_by_one() {
        let mut stream = tandem_core::Stream::new(0, "taps", 0);
        for _ in 0..500 {
            let mut draw = |low: u64, n: usize| low + stream.below(n) as u64;
            let conv = Conv {
                input: [draw(1, 12), draw(1, 12)],
                kernel: [draw(1, 4), draw(1, 4)],
                stride: [draw(1, 3), draw(1, 3)],
                padding: [[draw(0, 4), draw(0, 4)], [draw(0, 4), draw(0, 4)]],
                dilation: [draw(1, 4), draw(1, 4)],
                ..Conv::same(1, 1, [1, 1], 1)
            };
            let count = |axis: usize| {
                let mut taps = 0;
                for out in 0..conv.output()[axis] {
                    for tap in 0..conv.kernel[axis] {
                        let at = out * conv.stride[axis] + tap * conv.dilation[axis];
                        let before = conv.padding[axis][0];
                        taps += u64::from(at >= before && at < before + conv.input[axis]);
                    }
                }
                taps
            };
            assert_eq!(conv.valid_macs(), Ok(count(0) * count(1)), "{conv:?}");
        }
    }
}
