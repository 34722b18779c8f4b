//! Norms and softmax.

use super::super::call::{Call, Fault, Outcome, wrong};
use super::super::value::{Shape, elements};
use super::pointwise;
use crate::gemm::product;
use crate::layer::{NormKind, Op};

/// Softmax and its kin.
pub(super) fn softmax(call: &Call) -> Result<Outcome, Fault> {
    let elements = call.elements(0)?;
    Ok(Outcome::layer(call.shape(0)?.to_vec(), Op::Softmax { elements }))
}

/// `BatchNormalization`: scale and shift; mean and variance are not learnt.
pub(super) fn batch_norm(call: &Call) -> Result<Outcome, Fault> {
    let shape = call.shape_of_rank(0, 2)?;
    for at in 1..5 {
        if call.shape(at)? != [shape[1]] {
            return wrong(format!(
                "{} channels and {:?} of input {}",
                shape[1],
                call.shape(at)?,
                at + 1
            ));
        }
    }
    let op = Op::Norm {
        kind: NormKind::Batch,
        elements: call.elements(0)?,
        parameters: product("parameters", &[2, shape[1]])?,
    };
    let mut outcome = Outcome::layer(shape.to_vec(), op);
    outcome.shapes.resize(5, vec![shape[1]]); // outputs of training
    Ok(outcome)
}

/// Norms that take mean and variance from the values: layer, instance, group, root mean square.
pub(super) fn norm(call: &Call) -> Result<Outcome, Fault> {
    let shape = call.shape(0)?.to_vec();
    let op = layer_norm(elements(&shape)?, pointwise::learnt(call.present().skip(1))?);
    // mean and deviation, if they are asked for: one per row
    let axis = super::super::call::axis(call.int("axis").unwrap_or(-1), shape.len().max(1))?;
    let rows: Shape = (0..shape.len())
        .map(|at| if at < axis { shape[at] } else { 1 })
        .collect();
    let mut outcome = Outcome::layer(shape, op);
    outcome.shapes.resize(3, rows);
    Ok(outcome)
}

/// `SkipLayerNormalization` of ONNX Runtime: a sum, then a layer norm; the sum is the fourth output.
pub(super) fn skip_norm(call: &Call) -> Result<Outcome, Fault> {
    let shape = call.shape(0)?.to_vec();
    let elements = elements(&shape)?;
    let norm = layer_norm(elements, pointwise::learnt(call.present().skip(2))?);
    let mut outcome = Outcome::layer(shape.clone(), Op::sum(elements)).then(".norm", norm);
    outcome.shapes.resize(4, shape);
    Ok(outcome)
}

/// `GroupNorm` and `SkipGroupNorm` of ONNX Runtime: channels last, the second one with a sum before.
pub(super) fn group(call: &Call) -> Result<Outcome, Fault> {
    let shape = call.shape(0)?.to_vec();
    let elements = elements(&shape)?;
    let norm = layer_norm(elements, pointwise::learnt(call.present().skip(1).take(2))?);
    if call.node.op == "GroupNorm" {
        return Ok(Outcome::layer(shape, norm));
    }
    let mut outcome = Outcome::layer(shape.clone(), Op::sum(elements)).then(".norm", norm);
    outcome.shapes.push(shape);
    Ok(outcome)
}

/// A norm that takes mean and variance from the values.
pub(super) fn layer_norm(elements: u64, parameters: u64) -> Op {
    Op::Norm {
        kind: NormKind::Layer,
        elements,
        parameters,
    }
}
