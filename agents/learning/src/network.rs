//! Forward and backward pass of a perceptron without autograd: half the calls into libtorch, which at
//! minibatches of 64 rows are most of the cost, and our own tanh.

use tch::{Kind, Tensor};

use crate::mlp::Mlp;
use crate::raw;
use crate::simd::tanh_all;

/// A handle on an [`Mlp`]'s parameters: weight `[out, in]` and bias `[out]` of each layer.
pub(crate) struct Network(Vec<Tensor>);

/// What each layer saw (`[M, in]`, first layer first), and the output `[M, out]`.
pub(crate) struct Trace {
    inputs: Vec<Tensor>,
    output: Tensor,
}

impl Trace {
    /// The output's numbers, row by row.
    pub fn output(&self) -> &[f32] {
        raw::floats(&self.output)
    }
}

impl Network {
    /// A handle that another thread can own.
    pub fn new(mlp: &Mlp) -> Self {
        Self(mlp.parameters())
    }

    /// Takes `[M, in]` through tanh hidden layers and a linear output, and keeps what the way back needs.
    /// To be called without autograd, as [`Network::backward`].
    pub fn forward(&self, input: Tensor) -> Trace {
        let last = self.0.len() / 2 - 1;
        let mut inputs = Vec::with_capacity(last + 1);
        let mut x = input;
        for (index, layer) in self.0.chunks_exact(2).enumerate() {
            let mut y = x.linear(&layer[0], Some(&layer[1]));
            if index < last {
                // SAFETY: `y` has just been made, and nobody else has a handle on it.
                unsafe { raw::rewrite(&mut y, tanh_all) };
            }
            inputs.push(std::mem::replace(&mut x, y));
        }
        Trace { inputs, output: x }
    }

    /// Gradients of a loss by the parameters, in the order of [`Mlp::parameters`], from its gradient by the
    /// outputs (`[M, out]`, row by row).
    ///
    /// With `D` the gradient by a layer's sums: `dW = D' X`, `db = 1' D`, and one layer further down
    /// `D <- (D W) (1 - X²)`.
    pub fn backward(&self, trace: &Trace, by_output: &[f32]) -> Vec<Tensor> {
        let mut delta = Tensor::from_slice(by_output).view_as(&trace.output);
        let mut gradients = Vec::with_capacity(self.0.len());
        for (index, input) in trace.inputs.iter().enumerate().rev() {
            gradients.push(delta.sum_dim_intlist(0i64, false, Kind::Float));
            gradients.push(delta.tr().mm(input));
            if index > 0 {
                delta = Tensor::tanh_backward(&delta.mm(&self.0[2 * index]), input);
            }
        }
        gradients.reverse();
        gradients
    }
}
