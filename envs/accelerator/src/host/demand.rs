//! What a layer asks of a processor.

use serde::{Deserialize, Serialize};

use crate::conv::Conv;
use crate::gemm::TooLarge;
use crate::layer::{Op, PoolKind};

/// Bytes of a value: single precision.
pub const WORD_BYTES: f64 = 4.0;
/// Channels that vector instructions take at a time.
const VECTOR: u64 = 16;

/// Operators that a library runs in one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// Dense convolutions with kernels above 1 x 1.
    Conv,
    /// Dense 1 x 1 convolutions.
    Pointwise,
    /// Depthwise and grouped convolutions.
    Grouped,
    /// Matrix products with weights.
    Linear,
    /// Maxima over windows.
    Pool,
    /// Means over windows, whole images mostly.
    Mean,
    /// Functions of values at the same place, copies, and what is not measured on its own.
    Elementwise,
    /// Norms with stored statistics.
    Norm,
}

impl Family {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::Conv,
        Self::Pointwise,
        Self::Grouped,
        Self::Linear,
        Self::Pool,
        Self::Mean,
        Self::Elementwise,
        Self::Norm,
    ];
}

/// A layer as the model sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Demand {
    /// How it runs.
    pub family: Family,
    /// How often: matrix products of activations come in batches.
    pub times: f64,
    /// Multiply-accumulates on whole vectors, or values for operators without any.
    pub operations: f64,
    /// Bytes of inputs, weights and outputs, once each.
    pub bytes: f64,
    /// Logarithms of sizes, as many for all layers of a family.
    pub features: Vec<f64>,
}

impl Demand {
    /// The demand of a layer.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn of(op: &Op) -> Result<Self, TooLarge> {
        let words = op.inputs()? as f64 + op.outputs()? as f64 + op.parameters()? as f64;
        let mut demand = Self {
            family: Family::Elementwise,
            times: 1.0,
            operations: op.outputs()? as f64,
            bytes: WORD_BYTES * words,
            features: Vec::new(),
        };
        let (inputs, outputs) = (op.inputs()? as f64, op.outputs()? as f64);
        match op {
            Op::Conv(conv) => demand.convolve(conv)?,
            Op::Linear { .. } | Op::MatMul { .. } | Op::ConvTranspose(_) => demand.multiply(op)?,
            Op::Pool { kind, kernel, .. } => {
                let taps = kernel[0] as f64 * kernel[1] as f64;
                (demand.family, demand.operations) = match kind {
                    PoolKind::Max => (Family::Pool, outputs * taps),
                    PoolKind::Mean => (Family::Mean, inputs),
                };
                demand.features = vec![log(inputs), log(outputs), log(taps)];
            }
            Op::Norm { parameters, .. } => {
                demand.family = Family::Norm;
                demand.features = vec![log(outputs), log(*parameters as f64)];
            }
            _ => {
                demand.features = vec![log(outputs), log(inputs / outputs.max(1.0))];
            }
        }
        Ok(demand)
    }

    fn convolve(&mut self, conv: &Conv) -> Result<(), TooLarge> {
        let groups = conv.groups.max(1);
        let (channels, filters) = (conv.channels / groups, conv.filters / groups);
        let [rows, columns] = conv.output();
        let area = conv.kernel[0] * conv.kernel[1];
        let valid = conv.valid_macs()? as f64;
        let nominal = (rows * columns * area * channels * conv.filters * conv.batch) as f64;
        self.family = match (groups, area) {
            (2.., _) => Family::Grouped,
            (_, 1) => Family::Pointwise,
            _ => Family::Conv,
        };
        // vectors of filters that are not full take the time of full ones
        let filled = |size: u64| size.next_multiple_of(VECTOR).max(1) as f64 / size.max(1) as f64;
        self.operations = valid * filled(conv.filters);
        self.features = vec![
            log(channels as f64),
            log(filters as f64),
            log((rows * columns * conv.batch) as f64),
            log(columns as f64),
            log(area as f64),
            log(conv.stride[0] as f64),
            log(conv.dilation[0] as f64),
            log(valid / nominal.max(1.0)),
            log(conv.weights()? as f64),
            log(groups as f64),
            log(filled(conv.channels)),
            log(filled(conv.filters)),
        ];
        Ok(())
    }

    /// Matrix products; those of a transposed convolution are over its input.
    fn multiply(&mut self, op: &Op) -> Result<(), TooLarge> {
        let Some((times, gemm)) = op.gemm()? else {
            return Ok(());
        };
        self.family = Family::Linear;
        self.times = times as f64;
        self.operations = gemm.macs()? as f64;
        self.bytes /= self.times.max(1.0);
        self.features = vec![log(gemm.m as f64), log(gemm.n as f64), log(gemm.k as f64)];
        Ok(())
    }
}

fn log(value: f64) -> f64 {
    value.max(1e-3).ln()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn padding_is_not_worked_on() {
        let mut conv = Conv::same(512, 1024, [16, 16], 3);
        conv.dilation = [12; 2];
        conv.padding = [[12; 2]; 2];
        let demand = Demand::of(&Op::Conv(conv)).unwrap();
        let nominal = (16 * 16 * 9 * 512 * 1024) as f64;
        // per axis, 16 taps in the middle and 4 on either side of 48
        assert_eq!(demand.operations / nominal, 0.25);
        assert_eq!(demand.family, Family::Conv);
    }

    #[test]
    fn vectors_that_are_not_full_are_worked_on_whole() {
        let operations = |filters| {
            let conv = Conv::same(64, filters, [8, 8], 1);
            Demand::of(&Op::Conv(conv)).unwrap().operations
        };
        assert_eq!(operations(4), operations(16));
        assert_eq!(operations(20), 2.0 * operations(16));
    }

    #[test]
    fn families_follow_what_libraries_tell_apart() {
        let conv = |groups| {
            let mut conv = Conv::same(32, 32, [8, 8], 1);
            conv.groups = groups;
            Demand::of(&Op::Conv(conv)).unwrap().family
        };
        assert_eq!((conv(1), conv(32)), (Family::Pointwise, Family::Grouped));
        let pool = |kind| {
            let op = Op::Pool {
                kind,
                kernel: [2, 2],
                stride: [2, 2],
                inputs: 4096,
                outputs: 1024,
            };
            Demand::of(&op).unwrap().family
        };
        let found = (pool(PoolKind::Mean), pool(PoolKind::Max));
        assert_eq!(found, (Family::Mean, Family::Pool));
    }
}
