//! The loops of a network's operations.

use super::mapping::Shape;
use crate::conv::Conv;
use crate::gemm::{TooLarge, product};
use crate::layer::Op;

impl Shape {
    /// The loops of an operation and how often they run; `None` where it does not multiply.
    ///
    /// # Errors
    /// A loop beyond 64 bits.
    pub(crate) fn of(op: &Op) -> Result<Option<(Self, u64)>, TooLarge> {
        Ok(match op {
            Op::Conv(conv) => {
                let groups = conv.groups.max(1);
                Some((Self::of_conv(conv, groups)?, groups))
            }
            Op::ConvTranspose(conv) => {
                let groups = conv.groups.max(1);
                let [height, width] = conv.input;
                let per_group = conv.filters / groups;
                let [kernel_height, kernel_width] = conv.kernel;
                let window = [conv.depth.kernel, kernel_height, kernel_width, per_group];
                let outputs = product("the window", &window)?;
                let channels = conv.channels / groups;
                let volumes = product("slices", &[conv.batch, conv.depth.input])?;
                let sizes = [1, 1, width, height, channels, outputs, volumes];
                Some((Self::plain(sizes), groups))
            }
            &Op::Linear {
                rows, inputs, outputs, ..
            } => Some((Self::plain([1, 1, rows, 1, inputs, outputs, 1]), 1)),
            &Op::MatMul { batch, gemm } => Some((Self::plain([1, 1, gemm.m, 1, gemm.k, gemm.n, 1]), batch)),
            _ => None,
        })
    }

    /// Loops whose window moves on by one and has no gaps.
    fn plain(sizes: [u64; 7]) -> Self {
        Self {
            sizes,
            stride: [1; 2],
            dilation: [1; 2],
        }
    }

    /// One group of a convolution; slices of a volume are images, and those of a kernel are channels.
    fn of_conv(conv: &Conv, groups: u64) -> Result<Self, TooLarge> {
        let [height, width] = conv.output();
        let [kernel_height, kernel_width] = conv.kernel;
        Ok(Self {
            sizes: [
                kernel_width,
                kernel_height,
                width,
                height,
                product("channels", &[conv.channels / groups, conv.depth.kernel])?,
                conv.filters / groups,
                product("slices", &[conv.batch, conv.output_depth()])?,
            ],
            stride: [conv.stride[1], conv.stride[0]],
            dilation: [conv.dilation[1], conv.dilation[0]],
        })
    }
}
