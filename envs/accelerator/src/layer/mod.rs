//! Layers of neural networks: shapes, and what they need, counted.
//!
//! Counts follow the usual conventions: a multiply-accumulate (MAC) is one operation of a sum, biases, activations,
//! pools and norms have none; parameters are weights, biases, and scale and shift of norms.

mod op;

use super::gemm::{TooLarge, sum};

pub use op::{NormKind, Op, PoolKind};

/// A network: its layers in the order in which they run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Network {
    /// Its name.
    pub name: String,
    /// Its layers.
    pub layers: Vec<Layer>,
    /// The tensors of the file that it was read from, weights aside, in the order in which they come about.
    pub tensors: Vec<Tensor>,
    /// What was assumed when it was read from a file, one sentence each, for the user to know.
    pub notes: Vec<String>,
}

/// A tensor of a network that was read from a file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tensor {
    /// Its name in the file.
    pub name: String,
    /// Its sizes.
    pub shape: Vec<u64>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name, unique in its network.
    pub name: String,
    /// What it does.
    pub op: Op,
    /// Whether its parameters are those of a layer before it.
    pub shared: bool,
    /// Which of the network's weights it uses: layers with the same number use the same ones. `None` where none are known
    /// to be used again.
    pub weights: Option<usize>,
    /// The shape of its result.
    pub shape: Vec<u64>,
    /// The layers whose outputs it reads: places in the network's list, each before its own. Empty where it reads
    /// nothing but the network's input.
    pub inputs: Vec<usize>,
    /// What is done to its result before that is written, in this order: one-operand functions and pools that the
    /// compiler fused into it. Their values never reach the memory.
    pub fused: Vec<Op>,
    /// Whether its output is a result of the network although other layers read it too.
    pub kept: bool,
}

impl Layer {
    /// A layer with parameters of its own and nothing fused into it.
    pub fn new(name: impl Into<String>, op: Op, inputs: Vec<usize>) -> Self {
        Self {
            name: name.into(),
            shape: op.shape(),
            op,
            shared: false,
            weights: None,
            inputs,
            fused: Vec::new(),
            kept: false,
        }
    }

    /// Activations that are read.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn reads(&self) -> Result<u64, TooLarge> {
        self.op.inputs()
    }

    /// Activations that are written, which is what the last of the fused operations leaves.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn writes(&self) -> Result<u64, TooLarge> {
        self.fused.last().unwrap_or(&self.op).outputs()
    }

    /// Learnt numbers, those of the fused operations included.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn parameters(&self) -> Result<u64, TooLarge> {
        let parts = std::iter::once(&self.op).chain(&self.fused);
        let parameters = parts.map(Op::parameters).collect::<Result<Vec<_>, _>>()?;
        sum("parameters", parameters)
    }
}

impl Network {
    /// Multiply-accumulate operations of all layers.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn macs(&self) -> Result<u64, TooLarge> {
        let macs = self.layers.iter().map(|layer| layer.op.macs());
        sum("multiply-accumulates", macs.collect::<Result<Vec<u64>, _>>()?)
    }

    /// Learnt numbers of all layers, shared ones counted once.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn parameters(&self) -> Result<u64, TooLarge> {
        let own = self.layers.iter().filter(|layer| !layer.shared);
        let parameters = own.map(Layer::parameters);
        sum("parameters", parameters.collect::<Result<Vec<u64>, _>>()?)
    }
}
