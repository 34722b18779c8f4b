//! Layers stacked one on the other, each taking its sizes from the one below.

use crate::accelerator::conv::Conv;
use crate::accelerator::layer::{Layer, Network, Op};

/// A network under construction.
pub(super) struct Stack {
    layers: Vec<Layer>,
    /// Height and width of the image on top.
    pub image: [u64; 2],
    /// Channels of the image on top.
    pub channels: u64,
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
    pub fn new(image: [u64; 2], channels: u64) -> Self {
        Self {
            layers: Vec::new(),
            image,
            channels,
            shared: false,
        }
    }

    pub fn finish(self, name: &str) -> Network {
        Network {
            name: name.to_owned(),
            layers: self.layers,
        }
    }

    pub fn push(&mut self, name: impl Into<String>, op: Op) {
        self.layers.push(Layer {
            name: name.into(),
            op,
            shared: self.shared,
        });
    }

    /// Values on top.
    pub fn elements(&self) -> u64 {
        self.image[0] * self.image[1] * self.channels
    }

    fn shape(&self, filters: u64, window: Window, groups: u64, bias: bool) -> Conv {
        Conv {
            batch: 1,
            input: self.image,
            channels: self.channels,
            filters,
            kernel: [window.kernel; 2],
            stride: [window.stride; 2],
            padding: [[window.padding; 2]; 2],
            dilation: [window.dilation; 2],
            groups,
            bias,
        }
    }

    fn put(&mut self, name: &str, conv: Conv) {
        self.image = conv.output();
        self.channels = conv.filters;
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
        self.image = conv.transposed_output();
        self.channels = filters;
        self.push(name, Op::ConvTranspose(conv));
    }

    pub fn relu(&mut self, name: &str) {
        self.activation(&format!("{name}.relu"));
    }

    /// A function of each value.
    pub fn activation(&mut self, name: &str) {
        self.push(
            name,
            Op::Elementwise {
                operands: 1,
                elements: self.elements(),
            },
        );
    }

    /// The sum with something of the same size.
    pub fn add(&mut self, name: &str) {
        self.push(
            name,
            Op::Elementwise {
                operands: 2,
                elements: self.elements(),
            },
        );
    }

    /// A pool over windows of `kernel` x `kernel`.
    pub fn pool(&mut self, name: &str, window: Window) {
        let inputs = self.elements();
        self.image = self.shape(self.channels, window, 1, false).output();
        self.push(
            name,
            Op::Pool {
                inputs,
                outputs: self.elements(),
            },
        );
    }

    /// The mean over the whole image.
    pub fn mean(&mut self, name: &str) {
        let inputs = self.elements();
        self.image = [1, 1];
        self.push(
            name,
            Op::Pool {
                inputs,
                outputs: self.channels,
            },
        );
    }

    /// A matrix product with bias over all that is on top.
    pub fn linear(&mut self, name: &str, outputs: u64) {
        let op = Op::Linear {
            rows: 1,
            inputs: self.elements(),
            outputs,
            bias: true,
        };
        self.image = [1, 1];
        self.channels = outputs;
        self.push(name, op);
    }
}
