//! Attention on tensors: softmax, and the analog circuit of `tandem_attention` with gradients.
//!
//! Shapes are `[batch, heads, tokens, head dimension]`, [`Ring`] included, which takes one token at a time. The equations are
//! those of `tandem_attention::head`; a test holds the two against each other. What is differentiated, as published:
//! converters pass gradients straight through, clipping stops them outside its limits, decay and mask are constants,
//! and the cubic cell is differentiated as if it were the linear one ([`Backward::Surrogate`]) or exactly. Noise and mismatch
//! come with [`Hardware::on_chip`], and cell for cell with [`CellForCell`].

pub mod adaptation;
mod cells;
mod hardware;
mod noise;
mod ring;
mod signals;
#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use tch::{Kind, Tensor};

pub use cells::CellForCell;
pub use hardware::{Backward, Hardware};
pub use ring::Ring;
pub(crate) use signals::numbers;
pub use signals::{SIGNALS, Signals};

/// Which attention a model computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    /// Scaled dot products and softmax.
    Softmax,
    /// The circuit with linear cells: the intermediate model of the adaptation.
    Linear,
    /// The circuit as it is.
    Nonlinear,
}

impl Mode {
    /// The name in experiments and metrics.
    pub fn name(self) -> &'static str {
        match self {
            Self::Softmax => "softmax",
            Self::Linear => "linear",
            Self::Nonlinear => "nonlinear",
        }
    }
}

/// A circuit that takes softmax attention's place in a model.
pub trait Circuit {
    /// Attention of layer number `layer` on scaled queries, keys and values; the output is not scaled yet. `signals` notes
    /// what the circuit does, where asked and where it can.
    fn attend(&self, layer: usize, inputs: [&Tensor; 3], signals: Option<&mut Signals>) -> Tensor;
}

/// Causal softmax attention.
pub fn softmax(query: &Tensor, key: &Tensor, value: &Tensor) -> Tensor {
    let size = query.size();
    let (tokens, dimension) = (size[2], size[3]);
    let future = Tensor::ones([tokens, tokens], (Kind::Bool, query.device())).triu(1);
    let scores = query.matmul(&key.transpose(-2, -1)) * (1.0 / (dimension as f64).sqrt());
    let weights = scores.masked_fill(&future, f64::NEG_INFINITY).softmax(-1, None::<Kind>);
    weights.matmul(value)
}
