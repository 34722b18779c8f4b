//! Convolutions: sizes of outputs, counts, and the matrix product they are lowered to.

use super::gemm::{Gemm, TooLarge, product};

/// The third direction of a convolution of volumes; of images it is one slice deep.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Depth {
    /// Slices of a volume.
    pub input: u64,
    /// Slices of the kernel.
    pub kernel: u64,
    /// Step of the window.
    pub stride: u64,
    /// Zeros before and after the volume.
    pub padding: [u64; 2],
    /// Distance between the kernel's taps.
    pub dilation: u64,
}

impl Depth {
    /// That of images.
    pub const FLAT: Self = Self {
        input: 1,
        kernel: 1,
        stride: 1,
        padding: [0; 2],
        dilation: 1,
    };

    fn side(&self) -> Side {
        Side {
            input: self.input,
            kernel: self.kernel,
            stride: self.stride,
            padding: self.padding,
            dilation: self.dilation,
        }
    }
}

/// What a convolution is along one of its directions.
struct Side {
    input: u64,
    kernel: u64,
    stride: u64,
    padding: [u64; 2],
    dilation: u64,
}

impl Side {
    /// Size of the output, rounded down; 0 where the kernel does not fit.
    fn output(&self) -> u64 {
        let [before, after] = self.padding;
        let padded = self.input.saturating_add(before).saturating_add(after);
        let reach = (self.kernel.saturating_sub(1)).saturating_mul(self.dilation);
        match padded.checked_sub(reach.saturating_add(1)) {
            Some(room) => room / self.stride.max(1) + 1,
            None => 0,
        }
    }

    /// Size of the output of a transposed convolution.
    fn transposed_output(&self) -> u64 {
        let steps = self.input.saturating_sub(1);
        let reach = self.kernel.saturating_sub(1);
        let spread = steps
            .saturating_mul(self.stride)
            .saturating_add(reach.saturating_mul(self.dilation))
            .saturating_add(1);
        spread.saturating_sub(self.padding.iter().sum())
    }

    /// Taps of the kernel, summed over the output, that fall on the input and not on its padding.
    fn valid_taps(&self) -> u64 {
        let before = self.padding[0];
        let end = before.saturating_add(self.input);
        let outputs = self.output();
        let mut taps: u64 = 0;
        for tap in 0..self.kernel {
            let offset = tap.saturating_mul(self.dilation);
            // outputs o with before <= o * stride + offset < end
            let stride = self.stride.max(1);
            let first = before.saturating_sub(offset).div_ceil(stride);
            let last = end.saturating_sub(offset).div_ceil(stride); // the first beyond
            taps = taps.saturating_add(last.min(outputs).saturating_sub(first));
        }
        taps
    }
}

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
    /// The third direction, [`Depth::FLAT`] for images.
    pub depth: Depth,
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
            depth: Depth::FLAT,
            groups: 1,
            bias: true,
        }
    }

    fn side(&self, axis: usize) -> Side {
        Side {
            input: self.input[axis],
            kernel: self.kernel[axis],
            stride: self.stride[axis],
            padding: self.padding[axis],
            dilation: self.dilation[axis],
        }
    }

    /// Height and width of the output, rounded down as frameworks do; 0 where the kernel does not fit.
    pub fn output(&self) -> [u64; 2] {
        [0, 1].map(|axis| self.side(axis).output())
    }

    /// Slices of the output.
    pub fn output_depth(&self) -> u64 {
        self.depth.side().output()
    }

    /// Height and width of the output of a transposed convolution.
    pub fn transposed_output(&self) -> [u64; 2] {
        [0, 1].map(|axis| self.side(axis).transposed_output())
    }

    /// Slices of the output of a transposed convolution.
    pub fn transposed_output_depth(&self) -> u64 {
        self.depth.side().transposed_output()
    }

    /// The weights, without the bias.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn weights(&self) -> Result<u64, TooLarge> {
        let [height, width] = self.kernel;
        let per_group = self.channels / self.groups.max(1);
        product("weights", &[self.depth.kernel, height, width, per_group, self.filters])
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
            m: product("output pixels", &[self.batch, self.output_depth(), rows, cols])?,
            n: self.filters / groups,
            k: product(
                "the window",
                &[self.depth.kernel, height, width, self.channels / groups],
            )?,
        })
    }

    /// Multiply-accumulates that touch the image: what a library that skips the padding does. A 3 x 3 kernel with
    /// dilation 12 on a 16 x 16 image touches a quarter of its nominal count.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn valid_macs(&self) -> Result<u64, TooLarge> {
        let per_group = self.channels / self.groups.max(1);
        let [rows, cols] = [0, 1].map(|axis| self.side(axis).valid_taps());
        let slices = self.depth.side().valid_taps();
        product(
            "multiply-accumulates",
            &[self.batch, slices, rows, cols, per_group, self.filters],
        )
    }
}

/// `[1, 3, 8, 16, 16] * [8, 3, 3, 3, 3]`: 6 x 14 x 14 outputs of 81 taps.
#[cfg(test)]
pub(crate) fn volume() -> Conv {
    Conv {
        padding: [[0; 2]; 2],
        depth: Depth {
            input: 8,
            kernel: 3,
            ..Depth::FLAT
        },
        ..Conv::same(3, 8, [16, 16], 3)
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
    fn volumes_are_counted_slice_by_slice() {
        let conv = volume();
        assert_eq!((conv.output(), conv.output_depth()), ([14, 14], 6));
        assert_eq!(conv.weights(), Ok(8 * 81));
        assert_eq!(conv.valid_macs(), Ok(762_048));
        assert_eq!(conv.gemm().unwrap().macs().unwrap(), 762_048);
        assert_eq!(
            (conv.transposed_output(), conv.transposed_output_depth()),
            ([18, 18], 10)
        );
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
