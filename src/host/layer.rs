//! Layers that libtorch can run.

use tandem_accelerator::layer::PoolKind;
use tandem_accelerator::{Conv, Op};
use tch::{Device, Kind, TchError, Tensor};

use crate::error::Error;

/// Stabiliser of norms.
const EPSILON: f64 = 1e-5;

/// A layer with what its [`Op`] leaves open.
#[derive(Clone, Debug, PartialEq)]
pub struct Layer {
    /// What it does.
    pub op: Op,
    /// Channels, height and width of its input.
    pub input: [u64; 3],
}

/// Padding of a pool's windows: those that overlap reach beyond the border, as in ResNets.
pub(super) fn pool_padding(kernel: u64, stride: u64) -> u64 {
    if kernel > stride { kernel / 2 } else { 0 }
}

impl Layer {
    /// What it is, for people.
    pub fn text(&self) -> String {
        let [channels, height, width] = self.input;
        match &self.op {
            Op::Conv(conv) => format!(
                "conv {channels}x{height}x{width} to {}, {}x{} stride {} dilation {} groups {}",
                conv.filters, conv.kernel[0], conv.kernel[1], conv.stride[0], conv.dilation[0], conv.groups
            ),
            Op::Linear {
                rows, inputs, outputs, ..
            } => format!("linear {rows}x{inputs} to {outputs}"),
            Op::Pool {
                kind, kernel, stride, ..
            } => format!(
                "{kind:?} pool {channels}x{height}x{width}, {}x{} stride {}",
                kernel[0], kernel[1], stride[0]
            ),
            Op::Elementwise { operands, .. } => {
                format!("elementwise {channels}x{height}x{width} of {operands}")
            }
            op => format!("{} {channels}x{height}x{width}", op.name()),
        }
    }
}

/// A layer with its weights.
#[derive(Debug)]
pub struct Runner {
    layer: Layer,
    weights: Vec<Tensor>,
}

/// Random numbers of a size that keeps activations where they are.
fn random(shape: &[i64], scale: f64) -> Tensor {
    Tensor::randn(shape, (Kind::Float, Device::Cpu)) * scale
}

fn long(size: u64) -> i64 {
    i64::try_from(size).unwrap_or(i64::MAX)
}

fn refused(layer: &Layer) -> impl Fn(TchError) -> Error {
    let text = layer.text();
    move |error| Error::Run(format!("libtorch refuses {text}: {error}"))
}

impl Runner {
    /// Makes the weights.
    ///
    /// # Errors
    /// An operator that is not measured.
    pub fn new(layer: &Layer) -> Result<Self, Error> {
        let channels = long(layer.input[0]);
        let weights = match &layer.op {
            Op::Conv(conv) => conv_weights(conv),
            &Op::Linear { inputs, outputs, .. } => {
                let (inputs, outputs) = (long(inputs), long(outputs));
                let scale = (inputs as f64).powf(-0.5);
                vec![random(&[outputs, inputs], scale), random(&[outputs], 0.1)]
            }
            Op::Norm { .. } => {
                let ones = || Tensor::ones([channels], (Kind::Float, Device::Cpu));
                let zeros = || Tensor::zeros([channels], (Kind::Float, Device::Cpu));
                vec![ones(), zeros(), zeros(), ones()]
            }
            Op::Pool { .. } | Op::Elementwise { .. } => Vec::new(),
            op => {
                let name = op.name();
                return Err(Error::Input(format!("{name} layers are not measured on the host")));
            }
        };
        Ok(Self {
            layer: layer.clone(),
            weights,
        })
    }

    /// Random inputs, as many as it takes.
    pub fn inputs(&self) -> Vec<Tensor> {
        let [channels, height, width] = self.layer.input.map(long);
        (0..self.operands())
            .map(|_| random(&[1, channels, height, width], 1.0))
            .collect()
    }

    /// Inputs that it takes.
    pub fn operands(&self) -> usize {
        match self.layer.op {
            Op::Elementwise { operands, .. } if operands > 1 => 2,
            _ => 1,
        }
    }

    /// Its input's channels, height and width.
    pub fn input(&self) -> [i64; 3] {
        self.layer.input.map(long)
    }

    /// Runs the layer.
    ///
    /// # Errors
    /// Inputs that do not fit, or libtorch refusing the layer.
    pub fn run(&self, inputs: &[Tensor]) -> Result<Tensor, Error> {
        let Some(first) = inputs.first().filter(|_| inputs.len() >= self.operands()) else {
            return Err(Error::Run(format!("{} has no input", self.layer.text())));
        };
        self.forward(first, inputs).map_err(refused(&self.layer))
    }

    fn forward(&self, first: &Tensor, inputs: &[Tensor]) -> Result<Tensor, TchError> {
        match (&self.layer.op, self.weights.as_slice()) {
            (Op::Conv(conv), [weight, rest @ ..]) => first.f_conv2d(
                weight,
                rest.first(),
                conv.stride.map(long),
                [long(conv.padding[0][0]), long(conv.padding[1][0])],
                conv.dilation.map(long),
                long(conv.groups),
            ),
            (Op::Linear { rows, .. }, [weight, bias]) => {
                first.f_reshape([long(*rows), -1])?.f_linear(weight, Some(bias))
            }
            (Op::Norm { .. }, [weight, bias, mean, variance]) => first.f_batch_norm(
                Some(weight),
                Some(bias),
                Some(mean),
                Some(variance),
                false,
                0.1,
                EPSILON,
                false,
            ),
            (
                Op::Pool {
                    kind: PoolKind::Mean,
                    kernel,
                    ..
                },
                _,
            ) => {
                let [_, height, width] = self.layer.input;
                let windows = [height.div_ceil(kernel[0].max(1)), width.div_ceil(kernel[1].max(1))];
                first.f_adaptive_avg_pool2d(windows.map(long))
            }
            (Op::Pool { kernel, stride, .. }, _) => {
                let padding = [0, 1].map(|axis| long(pool_padding(kernel[axis], stride[axis])));
                let (kernel, stride) = (kernel.map(long), stride.map(long));
                first.f_max_pool2d(kernel, stride, padding, [1, 1], false)
            }
            _ => match inputs {
                [a, b, ..] => a.f_add(b),
                _ => first.f_relu(),
            },
        }
    }
}

fn conv_weights(conv: &Conv) -> Vec<Tensor> {
    let channels = long(conv.channels / conv.groups.max(1));
    let [height, width] = conv.kernel.map(long);
    let filters = long(conv.filters);
    let scale = ((channels * height * width) as f64).powf(-0.5);
    let mut weights = vec![random(&[filters, channels, height, width], scale)];
    if conv.bias {
        weights.push(random(&[filters], 0.1));
    }
    weights
}

/// A copy that has just been written, as a layer finds its input.
pub fn rewritten(tensor: &Tensor) -> Tensor {
    tensor.copy()
}
