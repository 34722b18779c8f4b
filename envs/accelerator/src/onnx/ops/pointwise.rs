//! Functions of values at the same place.

use super::super::call::{Call, Fault, Outcome};
use super::super::fold;
use super::super::value::{Shape, Value, broadcast, elements};
use crate::gemm::sum;
use crate::layer::Op;

/// Learnt numbers among the inputs: constants with a fraction, but for single ones, which belong to the formula.
pub(super) fn learnt<'a>(values: impl IntoIterator<Item = &'a Value>) -> Result<u64, Fault> {
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
    // slopes for each channel, which version 7 wants with sizes of 1 behind them
    if call.node.op == "PRelu" && matches!(*b, [slopes] if a.get(1) == Some(&slopes)) {
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
    // what stands in two places is read once
    let first = |at: usize| {
        let name = call.node.inputs.get(at);
        name.is_none_or(|name| !call.node.inputs[..at].contains(name))
    };
    let present = call.inputs.iter().enumerate().filter(|(at, _)| first(*at));
    let computed = present.filter_map(|(_, value)| value.filter(|value| !value.is_constant()));
    let inputs = computed.map(|value| elements(&value.shape));
    let inputs = inputs.collect::<Result<Vec<u64>, _>>()?;
    Ok(Op::Elementwise {
        operands: inputs.len() as u64,
        inputs: sum("inputs", inputs)?,
        elements: elements(shape)?,
        parameters: learnt(call.present())?,
    })
}
