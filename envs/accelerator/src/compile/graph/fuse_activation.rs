//! A function of each value, in however many operators it comes, is computed on the way from the engine to the memory.

use super::super::super::layer::{Layer, Network, Op};
use super::absorb::{absorb, fused};
use super::written_out;

pub(super) fn run(network: Network) -> Network {
    absorb(written_out::gather(network), |producer, layer| {
        (is_function(layer) && computes(&producer.op)).then(|| fused(producer, layer))
    })
}

/// Whether a layer is a function of one operand, value by value.
fn is_function(layer: &Layer) -> bool {
    let Op::Elementwise {
        operands,
        inputs,
        elements,
        ..
    } = layer.op
    else {
        return false;
    };
    operands == 1 && inputs == elements
}

/// Whether an operation has an output stage; a copy is done by the memory system, rows of a table are looked up.
fn computes(op: &Op) -> bool {
    match op {
        Op::Conv(_) | Op::ConvTranspose(_) | Op::Linear { .. } | Op::MatMul { .. } => true,
        Op::Elementwise { .. } | Op::Norm { .. } | Op::Pool { .. } => true,
        Op::Softmax { .. } | Op::Copy { .. } | Op::Embedding { .. } => false,
    }
}
