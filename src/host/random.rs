//! Random layers: what a calibration measures. No size is taken from a network.

use tandem_accelerator::layer::{NormKind, PoolKind};
use tandem_accelerator::{Conv, Op};
use tandem_core::Stream;

use super::layer::Layer;

/// Multiply-accumulates of a layer at most.
const MOST_MACS: f64 = 4e9;
/// Values of its largest tensor: 30 MB, beyond which the C library asks the system for memory each time.
const MOST_VALUES: u64 = 7_500_000;
/// The least.
const LEAST_MACS: f64 = 1e4;
/// Layers of other operators per convolution.
const LINEAR: f64 = 0.15;
const POOL: f64 = 0.1;
const MEAN: f64 = 0.05;
const ELEMENTWISE: f64 = 0.2;
const NORM: f64 = 0.12;
/// Convolutions that are depthwise, and grouped otherwise.
const DEPTHWISE: f64 = 0.2;
const GROUPED: f64 = 0.03;
/// Counts of channels that are multiples of 16, and of 8; and those that are few, as of images.
const ON_VECTORS: f64 = 0.7;
const ON_HALVES: f64 = 0.9;
const FEW: f64 = 0.1;
/// Convolutions with a dilation, and with a stride of two.
const DILATED: f64 = 0.15;
const STRIDED: f64 = 0.2;

struct Draw {
    stream: Stream,
}

impl Draw {
    /// A whole number, its logarithm uniform.
    fn log(&mut self, low: u64, high: u64) -> u64 {
        let (low, high) = (low as f64, high as f64 + 0.999);
        self.stream.uniform(low.ln(), high.ln()).exp() as u64
    }

    fn of(&mut self, choices: &[u64]) -> u64 {
        choices[self.stream.below(choices.len())]
    }

    /// Channels: mostly multiples of the vector's length or of half of it, as in most networks.
    fn channels(&mut self, most: u64) -> u64 {
        if self.stream.unit() < FEW {
            return self.log(1, 8);
        }
        let channels = self.log(9, most);
        let share = self.stream.unit();
        match channels {
            _ if share < ON_VECTORS => channels.next_multiple_of(16),
            _ if share < ON_HALVES => channels.next_multiple_of(8),
            _ => channels,
        }
    }

    fn image(&mut self, channels: u64) -> u64 {
        let side = self.log(4, 288);
        let most = ((MOST_VALUES / channels.max(1)) as f64).sqrt() as u64;
        side.min(most.max(4))
    }

    fn conv(&mut self) -> Layer {
        loop {
            let kind = self.stream.unit();
            let depthwise = kind < DEPTHWISE;
            let channels = self.channels(if depthwise { 1024 } else { 2048 });
            let groups = match kind {
                _ if depthwise => channels,
                _ if kind < DEPTHWISE + GROUPED && channels.is_multiple_of(8) => self.of(&[2, 4, 8]),
                _ => 1,
            };
            let filters = if depthwise {
                channels
            } else {
                self.channels(2048).next_multiple_of(groups)
            };
            let side = self.image(channels.max(filters));
            let kernel = if depthwise {
                self.of(&[3, 3, 3, 5, 7])
            } else {
                self.of(&[1, 1, 1, 3, 3, 3, 5, 7])
            };
            let mut conv = Conv::same(channels, filters, [side, side], kernel);
            let strided = self.stream.unit() < STRIDED;
            conv.stride = [if strided { 2 } else { 1 }; 2];
            let dilated = kernel > 1 && self.stream.unit() < DILATED;
            conv.dilation = [if dilated { self.of(&[2, 4, 12]) } else { 1 }; 2];
            conv.padding = [[kernel / 2 * conv.dilation[0]; 2]; 2];
            conv.groups = groups;
            conv.bias = self.stream.unit() < 0.5;
            let macs = conv.valid_macs().map_or(f64::INFINITY, |macs| macs as f64);
            let weights = conv.weights().unwrap_or(u64::MAX);
            if (LEAST_MACS..MOST_MACS).contains(&macs) && weights < MOST_VALUES {
                return layer(Op::Conv(conv), [channels, side, side]);
            }
        }
    }

    /// An image that a layer of another kind works on.
    fn shape(&mut self) -> [u64; 3] {
        let channels = self.channels(2048).max(8);
        let side = self.image(channels);
        [channels, side, side]
    }

    /// Half of them of one row, as classifiers have; the others of many, as transformers have.
    fn linear(&mut self) -> Layer {
        let rows = match self.stream.unit() < 0.5 {
            true => 1,
            false => self.log(2, 2048),
        };
        let inputs = self.channels(if rows == 1 { 30_000 } else { 4096 }).max(16);
        let most = (2 * MOST_VALUES / inputs).min(MOST_VALUES / rows);
        let most = most.min((MOST_MACS / (rows * inputs) as f64) as u64);
        let outputs = self.log(10, most.clamp(16, 4096));
        let op = Op::Linear {
            rows,
            inputs,
            outputs,
            bias: true,
        };
        layer(op, [rows, inputs, 1])
    }

    fn pool(&mut self) -> Layer {
        let [channels, side, _] = self.shape();
        let side = side.max(8);
        let window = self.of(&[2, 3]);
        let outputs = match window {
            2 => side / 2,
            _ => (side - 1) / 2 + 1, // padded by one
        };
        let op = Op::Pool {
            kind: PoolKind::Max,
            kernel: [window; 2],
            stride: [2; 2],
            inputs: channels * side * side,
            outputs: channels * outputs * outputs,
        };
        layer(op, [channels, side, side])
    }

    fn mean(&mut self) -> Layer {
        let (channels, side) = (self.channels(2048).max(8), self.log(5, 32));
        let op = Op::Pool {
            kind: PoolKind::Mean,
            kernel: [side; 2],
            stride: [side; 2],
            inputs: channels * side * side,
            outputs: channels,
        };
        layer(op, [channels, side, side])
    }

    fn elementwise(&mut self) -> Layer {
        let shape = self.shape();
        let elements = shape.iter().product();
        match self.of(&[1, 1, 2]) {
            2 => layer(Op::sum(elements), shape),
            _ => layer(Op::activation(elements), shape),
        }
    }

    fn norm(&mut self) -> Layer {
        let shape = self.shape();
        let op = Op::Norm {
            kind: NormKind::Batch,
            elements: shape.iter().product(),
            parameters: 2 * shape[0],
        };
        layer(op, shape)
    }
}

fn layer(op: Op, input: [u64; 3]) -> Layer {
    Layer { op, input }
}

/// So many random convolutions and other layers in proportion, in random order, so that what happens on the machine
/// meanwhile falls on all alike.
pub fn layers(convolutions: usize, seed: u64) -> Vec<Layer> {
    let mut draw = Draw {
        stream: Stream::new(seed, "calibration", 0),
    };
    let mut layers: Vec<Layer> = (0..convolutions).map(|_| draw.conv()).collect();
    type Kind = fn(&mut Draw) -> Layer;
    let kinds: [(f64, Kind); 5] = [
        (LINEAR, Draw::linear),
        (POOL, Draw::pool),
        (MEAN, Draw::mean),
        (ELEMENTWISE, Draw::elementwise),
        (NORM, Draw::norm),
    ];
    for (share, kind) in kinds {
        let count = (share * convolutions as f64).ceil() as usize;
        layers.extend((0..count.max(8)).map(|_| kind(&mut draw)));
    }
    draw.stream.shuffle(&mut layers);
    layers
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_draws_the_same_layers_and_all_of_them_run() {
        let drawn = layers(40, 7);
        assert_eq!(drawn, layers(40, 7));
        assert_ne!(drawn, layers(40, 8));
        for layer in drawn.iter().filter(|layer| layer.op.macs().unwrap() < 50_000_000) {
            let runner = super::super::Runner::new(layer).unwrap();
            let output = runner.run(&runner.inputs()).unwrap();
            let outputs = layer.op.outputs().unwrap();
            assert_eq!(output.numel() as u64, outputs, "{}", layer.text());
        }
    }
}
