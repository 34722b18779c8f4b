//! Losses, choices among boxes, and what else fits nowhere.

use super::super::call::{Call, Fault, Outcome, unsupported, wrong};
use super::super::value::{Numbers, elements};
use super::pointwise;
use crate::gemm::{Gemm, product};
use crate::layer::Op;

/// `NegativeLogLikelihoodLoss` and `SoftmaxCrossEntropyLoss`: a number for each label, or their sum or mean.
pub(super) fn loss(call: &Call) -> Result<Outcome, Fault> {
    let (scores, labels) = (call.shape_of_rank(0, 2)?, call.shape(1)?);
    let to = match call.text("reduction", "mean") {
        "none" => labels.to_vec(),
        _ => Vec::new(),
    };
    let op = pointwise::elementwise(call, &to)?;
    let mut outcome = match call.node.op {
        "SoftmaxCrossEntropyLoss" => {
            let elements = elements(scores)?;
            let mut outcome = Outcome::layer(to, Op::Softmax { elements }).then(".loss", op);
            outcome.parts[0].suffix = ".softmax".into();
            outcome
        }
        _ => Outcome::layer(to, op),
    };
    outcome.shapes.push(scores.to_vec()); // the logarithms of the softmax
    Ok(outcome)
}

/// `NonMaxSuppression`: how many boxes are left depends on data; as many as there may be are counted.
pub(super) fn suppression(call: &Call) -> Result<Outcome, Fault> {
    let (&[batch, boxes, 4], &[_, classes, _]) = (call.shape(0)?, call.shape(1)?) else {
        return wrong("boxes of batch, number and four sides and scores of batch, classes and number are needed");
    };
    let most = match call.get(2).map(|most| most.content()) {
        Some(Some(Numbers::Ints(ints))) if ints.len() == 1 => u64::try_from(ints[0]).unwrap_or(0).min(boxes),
        _ => boxes,
    };
    let to = vec![product("boxes", &[batch, classes, most])?, 3];
    let op = pointwise::elementwise(call, &to)?;
    let mut outcome = Outcome::layer(to, op);
    outcome.at_most = true;
    Ok(outcome)
}

/// `Det`: elimination takes a third of the products of a square matrix with itself.
pub(super) fn determinant(call: &Call) -> Result<Outcome, Fault> {
    let (to, side) = match call.shape(0)? {
        [front @ .., rows, cols] if rows == cols => (front.to_vec(), *rows),
        shape => return wrong(format!("{shape:?} is no square matrix")),
    };
    let gemm = Gemm {
        m: side,
        n: side,
        k: side.div_ceil(3),
    };
    let batch = elements(&to)?;
    let outcome = Outcome::layer(to, Op::MatMul { batch, gemm });
    Ok(outcome.then(".diagonal", Op::activation(product("the diagonal", &[batch, side])?)))
}

/// `AffineGrid`: for each place of an image the place that a matrix takes it to.
pub(super) fn grid(call: &Call) -> Result<Outcome, Fault> {
    let size = super::super::value::shape(call.ints_of(1)?)?;
    let (batch, image) = match size[..] {
        [batch, _, ref image @ ..] if matches!(image.len(), 2 | 3) => (batch, image),
        _ => {
            return wrong(format!(
                "a size of {size:?} is not of batch, channels and two or three directions"
            ));
        }
    };
    let directions = image.len() as u64;
    let gemm = Gemm {
        m: elements(image)?,
        n: directions,
        k: directions + 1,
    };
    let to = [&[batch], image, &[directions]].concat();
    Ok(Outcome::layer(to, Op::MatMul { batch, gemm }))
}

/// `Col2Im`: columns that blocks of an image were laid out as are added up to the image again.
pub(super) fn columns(call: &Call) -> Result<Outcome, Fault> {
    let (&[batch, rows, _], image, block) = (call.shape(0)?, call.ints_of(1)?, call.ints_of(2)?) else {
        return wrong("columns of batch, values of a block, and blocks are needed");
    };
    let block = elements(&super::super::value::shape(block)?)?;
    let channels = rows.checked_div(block).filter(|channels| channels * block == rows);
    let Some(channels) = channels else {
        return wrong(format!("{rows} values cannot be shared by blocks of {block}"));
    };
    let to = [&[batch, channels], &super::super::value::shape(image)?[..]].concat();
    let op = pointwise::elementwise(call, &to)?;
    Ok(Outcome::layer(to, op))
}

/// `NonZero`, `Unique` and `Compress`: how much comes out depends on data; as much as there may be is counted.
pub(super) fn chosen(call: &Call) -> Result<Outcome, Fault> {
    let (from, count) = (call.shape(0)?, call.elements(0)?);
    let to = match call.node.op {
        "NonZero" => vec![from.len().max(1) as u64, count],
        _ => match call.int("axis") {
            None => vec![count],
            Some(_) => from.to_vec(),
        },
    };
    let op = pointwise::elementwise(call, &to)?;
    let mut outcome = Outcome::layer(to, op);
    if call.node.op == "Unique" {
        outcome.shapes.resize(4, vec![count]);
    }
    outcome.at_most = true;
    Ok(outcome)
}

/// `MaxUnpool`: values go back to where they were; the size is that of the input of the pool.
pub(super) fn unpool(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape_of_rank(0, 3)?;
    let to = match call.get(2) {
        Some(_) => super::super::value::shape(call.ints_of(2)?)?,
        None => {
            let Some(kernel) = call.ints("kernel_shape") else {
                return wrong("`kernel_shape` is missing");
            };
            let rank = from.len() - 2;
            let kernel = super::window::sizes("kernel_shape", kernel, rank, 1, 1 << 32)?;
            let list = |name, count, low, otherwise| match call.ints(name) {
                Some(list) => super::window::sizes(name, list, count, low, 1 << 32),
                None => Ok(vec![otherwise; count]),
            };
            let (strides, pads) = (list("strides", rank, 1, 1)?, list("pads", 2 * rank, 0, 0)?);
            let mut to = from[..2].to_vec();
            for at in 0..rank {
                let spread = product("the output", &[from[at + 2].saturating_sub(1), strides[at]])?;
                match (spread.saturating_add(kernel[at])).checked_sub(pads[at] + pads[at + rank]) {
                    Some(size) => to.push(size),
                    None => return unsupported("the padding leaves nothing of the output"),
                }
            }
            to
        }
    };
    let op = Op::Copy {
        inputs: call.elements(0)?,
        outputs: elements(&to)?,
    };
    Ok(Outcome::layer(to, op))
}
