//! What layers do, and how much of everything that takes.

use crate::conv::{Conv, Depth};
use crate::gemm::{Gemm, TooLarge, product, sum};

/// What a pool keeps of its window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest value.
    Max,
    /// The mean.
    Mean,
}

/// Where a normalisation takes its mean and variance from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NormKind {
    /// From training: at inference it is a scale and a shift per channel, which fold into a convolution before it.
    Batch,
    /// From the values themselves (layer, group, instance and root-mean-square norms): it cannot be folded.
    Layer,
}

/// What a layer does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Op {
    /// A convolution of images or volumes, grouped or depthwise ones included.
    Conv(Conv),
    /// A transposed convolution, whose kernels are laid out `stride` apart and do not overlap the border.
    ConvTranspose(Conv),
    /// A matrix product with weights.
    Linear {
        /// Rows: batch times positions.
        rows: u64,
        /// Length of an input row.
        inputs: u64,
        /// Length of an output row.
        outputs: u64,
        /// Whether a bias is added.
        bias: bool,
    },
    /// Matrix products of activations, as in attention.
    MatMul {
        /// How many.
        batch: u64,
        /// Each of them.
        gemm: Gemm,
    },
    /// A maximum or mean over windows.
    Pool {
        /// Which of the two.
        kind: PoolKind,
        /// Height and width of the window.
        kernel: [u64; 2],
        /// Step of the window.
        stride: [u64; 2],
        /// Values in.
        inputs: u64,
        /// Values out.
        outputs: u64,
    },
    /// A function of values at the same place: an activation has one operand, a sum has more.
    Elementwise {
        /// Activations that are combined, constants not counted.
        operands: u64,
        /// Values in, of all operands together; fewer than operands times elements where one is broadcast.
        inputs: u64,
        /// Values out.
        elements: u64,
        /// Learnt numbers beside the operands, such as a bias of its own.
        parameters: u64,
    },
    /// Values brought to another place and not changed or only interpolated: concatenation, transposition, slices,
    /// padding, resizing.
    Copy {
        /// Values in.
        inputs: u64,
        /// Values out.
        outputs: u64,
    },
    /// A normalisation with scale and shift.
    Norm {
        /// Where mean and variance come from.
        kind: NormKind,
        /// Values in and out.
        elements: u64,
        /// Scales and shifts.
        parameters: u64,
    },
    /// A softmax.
    Softmax {
        /// Values in and out.
        elements: u64,
    },
    /// Rows looked up in a table.
    Embedding {
        /// Rows of the table.
        rows: u64,
        /// Length of a row.
        width: u64,
        /// Rows looked up.
        tokens: u64,
    },
}

impl Op {
    /// A function of each of so many values.
    pub fn activation(elements: u64) -> Self {
        Self::Elementwise {
            operands: 1,
            inputs: elements,
            elements,
            parameters: 0,
        }
    }

    /// The sum of two things of so many values.
    pub fn sum(elements: u64) -> Self {
        Self::Elementwise {
            operands: 2,
            inputs: elements.saturating_mul(2),
            elements,
            parameters: 0,
        }
    }

    /// The name in reports.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Conv(conv) if conv.groups > 1 && conv.groups == conv.channels => "depthwise",
            Self::Conv(_) => "conv",
            Self::ConvTranspose(_) => "conv-transpose",
            Self::Linear { .. } => "linear",
            Self::MatMul { .. } => "matmul",
            Self::Pool { .. } => "pool",
            Self::Elementwise { .. } => "elementwise",
            Self::Copy { .. } => "copy",
            Self::Norm { .. } => "norm",
            Self::Softmax { .. } => "softmax",
            Self::Embedding { .. } => "embedding",
        }
    }

    /// The shape of what comes out, as far as the operation knows it.
    pub fn shape(&self) -> Vec<u64> {
        let image = |conv: &Conv, depth: u64, [height, width]: [u64; 2]| match *conv {
            Conv { depth: Depth::FLAT, .. } => vec![conv.batch, conv.filters, height, width],
            _ => vec![conv.batch, conv.filters, depth, height, width],
        };
        match *self {
            Self::Conv(ref conv) => image(conv, conv.output_depth(), conv.output()),
            Self::ConvTranspose(ref conv) => image(conv, conv.transposed_output_depth(), conv.transposed_output()),
            Self::Linear { rows, outputs, .. } => vec![rows, outputs],
            Self::MatMul { batch, gemm } => vec![batch, gemm.m, gemm.n],
            Self::Embedding { width, tokens, .. } => vec![tokens, width],
            Self::Pool { outputs, .. } | Self::Copy { outputs, .. } => vec![outputs],
            Self::Elementwise { elements, .. } | Self::Norm { elements, .. } | Self::Softmax { elements } => {
                vec![elements]
            }
        }
    }

    /// The matrix product it is lowered to, and how many of them; `None` where it has none.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn gemm(&self) -> Result<Option<(u64, Gemm)>, TooLarge> {
        Ok(match self {
            Self::Conv(conv) => Some((conv.groups.max(1), conv.gemm()?)),
            Self::ConvTranspose(conv) => {
                // each input pixel is multiplied with the whole kernel
                let [height, width] = conv.input;
                let groups = conv.groups.max(1);
                let window = [conv.depth.kernel, conv.kernel[0], conv.kernel[1], conv.filters / groups];
                let gemm = Gemm {
                    m: product("input pixels", &[conv.batch, conv.depth.input, height, width])?,
                    n: product("the window", &window)?,
                    k: conv.channels / groups,
                };
                Some((groups, gemm))
            }
            &Self::Linear {
                rows, inputs, outputs, ..
            } => {
                let gemm = Gemm {
                    m: rows,
                    n: outputs,
                    k: inputs,
                };
                Some((1, gemm))
            }
            &Self::MatMul { batch, gemm } => Some((batch, gemm)),
            _ => None,
        })
    }

    /// Multiply-accumulate operations.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn macs(&self) -> Result<u64, TooLarge> {
        match self.gemm()? {
            Some((times, gemm)) => product("multiply-accumulates", &[times, gemm.macs()?]),
            None => Ok(0),
        }
    }

    /// Multiply-accumulates less those with padding ([`Conv::valid_macs`]).
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn valid_macs(&self) -> Result<u64, TooLarge> {
        match self {
            Self::Conv(conv) => conv.valid_macs(),
            _ => self.macs(),
        }
    }

    /// Learnt numbers.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn parameters(&self) -> Result<u64, TooLarge> {
        let biased = |weights, bias, outputs| sum("parameters", [weights, if bias { outputs } else { 0 }]);
        match self {
            Self::Conv(conv) | Self::ConvTranspose(conv) => biased(conv.weights()?, conv.bias, conv.filters),
            &Self::Linear {
                inputs, outputs, bias, ..
            } => biased(product("weights", &[inputs, outputs])?, bias, outputs),
            &Self::Norm { parameters, .. } | &Self::Elementwise { parameters, .. } => Ok(parameters),
            &Self::Embedding { rows, width, .. } => product("parameters", &[rows, width]),
            _ => Ok(0),
        }
    }

    /// Activations that are read.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn inputs(&self) -> Result<u64, TooLarge> {
        let what = "inputs";
        match self {
            Self::Conv(conv) | Self::ConvTranspose(conv) => {
                let [height, width] = conv.input;
                product(what, &[conv.batch, conv.depth.input, height, width, conv.channels])
            }
            &Self::Linear { rows, inputs, .. } => product(what, &[rows, inputs]),
            &Self::MatMul { batch, gemm } => {
                let left = product(what, &[batch, gemm.m, gemm.k])?;
                sum(what, [left, product(what, &[batch, gemm.k, gemm.n])?])
            }
            &Self::Pool { inputs, .. } | &Self::Elementwise { inputs, .. } | &Self::Copy { inputs, .. } => Ok(inputs),
            &Self::Norm { elements, .. } | &Self::Softmax { elements } => Ok(elements),
            // the rows of the table that are looked up
            &Self::Embedding { width, tokens, .. } => product(what, &[width, tokens]),
        }
    }

    /// Activations that are written.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn outputs(&self) -> Result<u64, TooLarge> {
        let what = "outputs";
        let image = |conv: &Conv, depth: u64, [height, width]: [u64; 2]| {
            product(what, &[conv.batch, depth, height, width, conv.filters])
        };
        match self {
            Self::Conv(conv) => image(conv, conv.output_depth(), conv.output()),
            Self::ConvTranspose(conv) => image(conv, conv.transposed_output_depth(), conv.transposed_output()),
            &Self::Linear { rows, outputs, .. } => product(what, &[rows, outputs]),
            &Self::MatMul { batch, gemm } => product(what, &[batch, gemm.m, gemm.n]),
            &Self::Pool { outputs, .. } | &Self::Copy { outputs, .. } => Ok(outputs),
            &Self::Elementwise { elements, .. } | &Self::Norm { elements, .. } | &Self::Softmax { elements } => {
                Ok(elements)
            }
            &Self::Embedding { width, tokens, .. } => product(what, &[width, tokens]),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_share_out_channels() {
        let depthwise = Conv {
            groups: 32,
            ..Conv::same(32, 32, [10, 10], 3)
        };
        let op = Op::Conv(depthwise);
        assert_eq!(op.name(), "depthwise");
        assert_eq!(op.macs(), Ok(100 * 9 * 32));
        assert_eq!(op.parameters(), Ok(9 * 32 + 32));
    }

    #[test]
    fn taps_on_the_padding_are_not_valid() {
        // 3 taps on 4 pixels with padding 1: the outer two windows lose a tap each
        let conv = Conv::same(1, 1, [4, 4], 3);
        assert_eq!(conv.valid_macs(), Ok(100));
        assert_eq!(Op::Conv(conv).macs(), Ok(144));
        // dilation 12 on 16 x 16: (16 + 4 + 4) / 48 of the taps along each axis
        let dilated = Conv {
            dilation: [12; 2],
            padding: [[12; 2]; 2],
            ..Conv::same(1, 1, [16, 16], 3)
        };
        assert_eq!(dilated.valid_macs(), Ok(24 * 24));
        assert_eq!(Op::Conv(dilated).macs(), Ok(48 * 48));
    }

    #[test]
    fn counts_beyond_64_bits_are_errors() {
        let conv = Conv::same(u64::MAX, u64::MAX, [u64::MAX; 2], 3);
        for op in [Op::Conv(conv), Op::ConvTranspose(conv)] {
            assert!(op.macs().is_err() && op.parameters().is_err());
            assert!(op.inputs().is_err() && op.outputs().is_err());
        }
    }
}
