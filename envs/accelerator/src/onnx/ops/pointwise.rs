//! Functions of values at the same place, norms and softmax.

use super::super::call::{Call, Fault, Outcome, wrong};
use super::super::fold;
use super::super::value::{Shape, Value, broadcast, elements};
use crate::gemm::{product, sum};
use crate::layer::{NormKind, Op};

/// Learnt numbers among the inputs: constants with a fraction, but for single ones, which belong to the formula.
fn learnt<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<u64, Fault> {
    let mut numbers = Vec::new();
    for value in values {
        let count = elements(&value.shape)?;
        if count > 1 && value.is_float() {
            numbers.push(count);
        }
    }
    Ok(sum("parameters", numbers)?)
}

/// Operators of any number of operands, with broadcasting.
pub(super) fn combine(call: &Call) -> Result<Outcome, Fault> {
    let mut shape: Shape = call.shape(0)?.to_vec();
    for value in call.present().skip(1) {
        shape = aligned(call, &shape, &value.shape)?;
    }
    let op = elementwise(call, &shape)?;
    let content = fold::combine(call, &shape);
    Ok(Outcome::layer(shape, op).holding(content))
}

/// Broadcasting; before version 7 the second operand was placed by an axis of the first.
fn aligned(call: &Call, a: &[u64], b: &[u64]) -> Result<Shape, Fault> {
    if call.opset < 7 && call.flag("broadcast") && b.len() <= a.len() {
        return Ok(a.to_vec());
    }
    Ok(broadcast(a, b)?)
}

/// A function of each value of the first input; others are its settings.
pub(super) fn function(call: &Call) -> Result<Outcome, Fault> {
    let shape = call.shape(0)?.to_vec();
    let op = elementwise(call, &shape)?;
    let content = fold::combine(call, &shape);
    Ok(Outcome::layer(shape, op).holding(content))
}

/// The cost of a function of all inputs that gives values of a shape.
pub(in super::super) fn elementwise(call: &Call, shape: &[u64]) -> Result<Op, Fault> {
    let computed = call.present().filter(|value| !value.is_constant());
    let inputs = computed.map(|value| elements(&value.shape));
    let inputs = inputs.collect::<Result<Vec<u64>, _>>()?;
    Ok(Op::Elementwise {
        operands: inputs.len() as u64,
        inputs: sum("inputs", inputs)?,
        elements: elements(shape)?,
        parameters: learnt(call.present())?,
    })
}

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
    let op = Op::Norm {
        kind: NormKind::Layer,
        elements: elements(&shape)?,
        parameters: learnt(call.present().skip(1))?,
    };
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
    let parameters = learnt(call.present().skip(2))?;
    let kind = NormKind::Layer;
    let norm = Op::Norm {
        kind,
        elements,
        parameters,
    };
    let mut outcome = Outcome::layer(shape.clone(), Op::sum(elements)).then(".norm", norm);
    outcome.shapes.resize(4, shape);
    Ok(outcome)
}
