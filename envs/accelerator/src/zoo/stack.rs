//! Layers stacked one on the other, each taking its sizes from the one below.

use super::Size;
use crate::conv::{Conv, Depth};
use crate::layer::{Layer, Network, NormKind, Op, PoolKind};

/// What stands at a place of a network under construction.
#[derive(Clone)]
pub(super) struct Place {
    /// The layers that made it, side by side; none where it is the network's input.
    pub makers: Vec<usize>,
    /// Height and width of the image.
    pub image: [u64; 2],
    /// Channels of the image.
    pub channels: u64,
}

/// A network under construction.
pub(super) struct Stack {
    layers: Vec<Layer>,
    batch: u64,
    /// What is on top.
    pub top: Place,
    /// Whether the layers to come share their parameters with earlier ones.
    pub shared: bool,
}

/// How a convolution differs from an unpadded one with stride 1.
#[derive(Clone, Copy)]
pub(super) struct Window {
    pub kernel: u64,
    pub stride: u64,
    pub padding: u64,
    pub dilation: u64,
}

impl Window {
    /// A kernel that keeps the size of the image, but for the stride.
    pub fn same(kernel: u64, stride: u64) -> Self {
        Self {
            kernel,
            stride,
            padding: kernel / 2,
            dilation: 1,
        }
    }

    /// A kernel without padding.
    pub fn bare(kernel: u64) -> Self {
        Self {
            padding: 0,
            ..Self::same(kernel, 1)
        }
    }

    /// A kernel with taps this far apart, that keeps the size of the image.
    pub fn dilated(kernel: u64, dilation: u64) -> Self {
        Self {
            padding: kernel / 2 * dilation,
            dilation,
            ..Self::same(kernel, 1)
        }
    }
}

impl Stack {
    pub fn new(size: Size, channels: u64) -> Self {
        Self {
            layers: Vec::new(),
            batch: size.batch,
            top: Place {
                makers: Vec::new(),
                image: size.input,
                channels,
            },
            shared: false,
        }
    }

    pub fn finish(self, name: &str) -> Network {
        Network {
            name: name.to_owned(),
            layers: self.layers,
            ..Network::default()
        }
    }

    /// Puts a layer on top that reads what is there.
    pub fn push(&mut self, name: impl Into<String>, op: Op) {
        let inputs = std::mem::take(&mut self.top.makers);
        self.push_on(name, op, inputs);
    }

    /// Puts a layer on top that reads these layers.
    pub fn push_on(&mut self, name: impl Into<String>, op: Op, inputs: Vec<usize>) {
        self.top.makers = vec![self.layers.len()];
        let shared = self.shared;
        let layer = Layer {
            shared,
            ..Layer::new(name, op, inputs)
        };
        let shape = self.whole_shape(&layer).unwrap_or_else(|| layer.shape.clone());
        self.layers.push(Layer { shape, ..layer });
    }

    /// The shape of a result that its operator knows as a number of values alone: that of an operand of as many, else of the
    /// image on top.
    fn whole_shape(&self, layer: &Layer) -> Option<Vec<u64>> {
        let [values] = *layer.shape.as_slice() else {
            return None;
        };
        let operands = layer.inputs.iter().filter_map(|&input| self.layers.get(input));
        let image = [self.batch, self.top.channels, self.top.image[0], self.top.image[1]];
        let mut shapes = operands
            .map(|operand| operand.shape.as_slice())
            .chain([image.as_slice()]);
        let alike = shapes.find(|shape| shape.iter().product::<u64>() == values);
        alike.map(<[u64]>::to_vec)
    }

    /// Images or texts at a time.
    pub fn batch(&self) -> u64 {
        self.batch
    }

    /// Values on top.
    pub fn elements(&self) -> u64 {
        self.batch * self.top.image[0] * self.top.image[1] * self.top.channels
    }

    fn shape(&self, filters: u64, window: Window, groups: u64, bias: bool) -> Conv {
        Conv {
            batch: self.batch,
            input: self.top.image,
            channels: self.top.channels,
            filters,
            kernel: [window.kernel; 2],
            stride: [window.stride; 2],
            padding: [[window.padding; 2]; 2],
            dilation: [window.dilation; 2],
            depth: Depth::FLAT,
            groups,
            bias,
        }
    }

    fn put(&mut self, name: &str, conv: Conv) {
        self.top.image = conv.output();
        self.top.channels = conv.filters;
        self.push(name, Op::Conv(conv));
    }

    /// A convolution with bias.
    pub fn conv(&mut self, name: &str, filters: u64, window: Window) {
        self.put(name, self.shape(filters, window, 1, true));
    }

    /// A convolution with bias and a ReLU.
    pub fn conv_relu(&mut self, name: &str, filters: u64, window: Window) {
        self.conv(name, filters, window);
        self.relu(name);
    }

    /// A convolution without bias and a batch norm.
    pub fn conv_norm(&mut self, name: &str, filters: u64, window: Window, groups: u64) {
        self.put(name, self.shape(filters, window, groups, false));
        self.push(
            format!("{name}.bn"),
            Op::Norm {
                kind: NormKind::Batch,
                elements: self.elements(),
                parameters: 2 * filters,
            },
        );
    }

    /// A transposed convolution that doubles the size of the image.
    pub fn double(&mut self, name: &str, filters: u64) {
        let window = Window {
            stride: 2,
            ..Window::bare(2)
        };
        let conv = self.shape(filters, window, 1, true);
        self.top.image = conv.transposed_output();
        self.top.channels = filters;
        self.push(name, Op::ConvTranspose(conv));
    }

    pub fn relu(&mut self, name: &str) {
        self.activation(&format!("{name}.relu"));
    }

    /// A function of each value.
    pub fn activation(&mut self, name: &str) {
        self.push(name, Op::activation(self.elements()));
    }

    /// The sum with something of the same size.
    pub fn add(&mut self, name: &str, other: &Place) {
        let mut inputs = std::mem::take(&mut self.top.makers);
        inputs.extend(&other.makers);
        self.push_on(name, Op::sum(self.elements()), inputs);
    }

    /// Something of the same size or larger, cropped, stands beside what is on top: the next layer reads both.
    pub fn beside(&mut self, other: &Place) {
        self.top.makers.extend(&other.makers);
        self.top.channels += other.channels;
    }

    /// The image brought to another size, by repeated values.
    pub fn resize(&mut self, name: &str, image: [u64; 2]) {
        let inputs = self.elements();
        self.top.image = image;
        let outputs = self.elements();
        self.push(name, Op::Copy { inputs, outputs });
    }

    /// A maximum over windows.
    pub fn pool(&mut self, name: &str, window: Window) {
        let conv = self.shape(self.top.channels, window, 1, false);
        self.pool_to(name, PoolKind::Max, conv.kernel, conv.stride, conv.output());
    }

    /// The mean over windows that cut the image into this many, as even as can be; the whole image for one.
    pub fn mean(&mut self, name: &str, windows: [u64; 2]) {
        let kernel = [0, 1].map(|axis| self.top.image[axis].div_ceil(windows[axis]));
        self.pool_to(name, PoolKind::Mean, kernel, kernel, windows);
    }

    fn pool_to(&mut self, name: &str, kind: PoolKind, kernel: [u64; 2], stride: [u64; 2], image: [u64; 2]) {
        let inputs = self.elements();
        self.top.image = image;
        let op = Op::Pool {
            kind,
            kernel,
            stride,
            inputs,
            outputs: self.elements(),
        };
        self.push(name, op);
    }

    /// A matrix product with bias over all that is on top.
    pub fn linear(&mut self, name: &str, outputs: u64) {
        let op = Op::Linear {
            rows: self.batch,
            inputs: self.elements() / self.batch,
            outputs,
            bias: true,
        };
        self.top.image = [1, 1];
        self.top.channels = outputs;
        self.push(name, op);
    }
}
