//! The roofline: a layer takes as long as its operations at the peak rate or its bytes at the full bandwidth, whichever
//! is longer, and a fixed overhead (Williams et al., CACM 2009).

use super::gemm::{TooLarge, sum};
use super::layer::Op;

/// A machine as far as a roofline sees it.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Roofline {
    /// Operations per second at best; a multiply-accumulate is two.
    pub peak: f64,
    /// Bytes per second between memory and machine at best.
    pub bandwidth: f64,
    /// Time per layer that nothing hides, s.
    pub overhead_s: f64,
    /// Bytes of a value.
    pub word_bytes: u64,
    /// Whether multiplications with padding are skipped, as libraries for processors do and arrays do not.
    pub skips_padding: bool,
}

/// A layer under the roof.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RooflineCost {
    /// Time, s.
    pub seconds: f64,
    /// Operations.
    pub operations: f64,
    /// Bytes: inputs, parameters and outputs, once each.
    pub bytes: f64,
    /// Whether the memory sets the time.
    pub memory_bound: bool,
}

impl RooflineCost {
    /// Operations per byte: where the layer stands under the roof.
    pub fn intensity(&self) -> f64 {
        self.operations / self.bytes
    }
}

impl Roofline {
    /// The intensity from which on the peak is the limit, operations per byte.
    pub fn ridge(&self) -> f64 {
        self.peak / self.bandwidth
    }

    /// The cost of a layer.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn cost(&self, op: &Op) -> Result<RooflineCost, TooLarge> {
        let macs = match self.skips_padding {
            true => op.valid_macs()?,
            false => op.macs()?,
        };
        let parameters = match op {
            Op::Embedding { .. } => 0, // its rows are its inputs
            _ => op.parameters()?,
        };
        let words = sum("words", [op.inputs()?, parameters, op.outputs()?])?;
        let operations = 2.0 * macs as f64;
        let bytes = words as f64 * self.word_bytes as f64;
        let (compute, memory) = (operations / self.peak, bytes / self.bandwidth);
        Ok(RooflineCost {
            seconds: compute.max(memory) + self.overhead_s,
            operations,
            bytes,
            memory_bound: memory > compute,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conv::Conv;
    use crate::zoo;

    /// 2048 multipliers at 250 MHz, 12.8 GB/s, 8 bits.
    const FPGA: Roofline = Roofline {
        peak: 2.0 * 2048.0 * 250e6,
        bandwidth: 12.8e9,
        overhead_s: 0.0,
        word_bytes: 1,
        skips_padding: false,
    };

    #[test]
    fn the_roof_bends_at_the_ridge() {
        assert_eq!(FPGA.ridge(), 80.0);
        for (rows, memory_bound) in [(1, true), (1000, false)] {
            let op = Op::Linear {
                rows,
                inputs: 1024,
                outputs: 1024,
                bias: false,
            };
            let cost = FPGA.cost(&op).unwrap();
            assert_eq!(cost.memory_bound, memory_bound);
            assert_eq!(cost.intensity() < FPGA.ridge(), memory_bound);
        }
    }

    #[test]
    fn dilated_vgg_takes_the_time_of_its_multiplications() {
        // 251.2 GMAC on 512 10⁹ MAC/s; at 512 x 1024 all but the first and the last convolution are above the ridge
        let network = zoo::named("dilatedvgg-fov").unwrap();
        let convs = network.layers.iter().filter(|layer| matches!(layer.op, Op::Conv(_)));
        let costs: Vec<RooflineCost> = convs.map(|l| FPGA.cost(&l.op).unwrap()).collect();
        let seconds: f64 = costs.iter().map(|cost| cost.seconds).sum();
        assert!((seconds - 0.491).abs() < 0.005, "{seconds}");
        let bound: Vec<bool> = costs.iter().map(|cost| cost.memory_bound).collect();
        let expected = (0..16).map(|at| at == 0 || at == 15);
        assert!(bound.iter().copied().eq(expected), "{bound:?}");
        // conv1_1 26 and conv1_2 288 multiply-accumulates per byte
        assert!((costs[0].intensity() / 2.0 - 25.8).abs() < 0.1);
        assert!((costs[1].intensity() / 2.0 - 287.9).abs() < 0.3);
    }

    #[test]
    fn padding_counts_only_where_it_is_multiplied() {
        let dilated = Conv {
            padding: [[12; 2]; 2],
            dilation: [12; 2],
            ..Conv::same(512, 512, [16, 16], 3)
        };
        let op = Op::Conv(dilated);
        let library = Roofline {
            skips_padding: true,
            ..FPGA
        };
        let [all, valid] = [FPGA, library].map(|roof| roof.cost(&op).unwrap().operations);
        assert_eq!(valid / all, 0.25);
    }

    #[test]
    fn overhead_is_paid_by_every_layer() {
        let slow = Roofline {
            overhead_s: 1e-6,
            ..FPGA
        };
        let op = Op::Softmax { elements: 64 };
        let [a, b] = [FPGA, slow].map(|roof| roof.cost(&op).unwrap().seconds);
        assert!((b - a - 1e-6).abs() < 1e-15);
    }
}
