//! Operators that give the same values another shape, and the numbers that shapes are made of.

use super::super::call::{Call, Fault, Outcome, axes, axis, unsupported, wrong};
use super::super::fold;
use super::super::proto::LONGEST_CONTENT;
use super::super::value::{Numbers, Shape, Value, elements, shape, size};
use crate::gemm::product;

fn reshaped(call: &Call, shape: Shape) -> Result<Outcome, Fault> {
    let content = call.value(0)?.content().cloned();
    Ok(Outcome::view(shape).holding(content))
}

/// Operators whose output is their first input: `Identity`, `Dropout` at inference, casts and the quantisation of
/// values, whose format the platform sets.
pub(super) fn same(call: &Call) -> Result<Outcome, Fault> {
    let shape = call.shape(0)?.to_vec();
    let content = fold::cast(call);
    let mut outcome = Outcome::view(shape.clone()).holding(content);
    outcome.shapes.push(shape); // the mask of `Dropout`
    Ok(outcome)
}

/// `DynamicQuantizeLinear`: values, scale, offset.
pub(super) fn dynamic_quantise(call: &Call) -> Result<Outcome, Fault> {
    let mut outcome = Outcome::view(call.shape(0)?.to_vec());
    outcome.shapes.resize(3, Vec::new());
    Ok(outcome)
}

/// `Reshape`: 0 keeps a size, -1 is what is left.
pub(super) fn reshape(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape(0)?;
    let wanted = match call.ints("shape") {
        Some(shape) => shape,
        None => call.ints_of(1)?,
    };
    let total = elements(from)?;
    let keep_zero = call.flag("allowzero");
    let resolve = |first: Option<i64>| -> Result<Shape, Fault> {
        let mut to = Vec::new();
        let mut open = None;
        for (at, &dim) in wanted.iter().enumerate() {
            let dim = if at == 0 { first.unwrap_or(dim) } else { dim };
            to.push(match dim {
                0 if !keep_zero => match from.get(at) {
                    Some(&size) => size,
                    None => {
                        return wrong(format!("`shape` keeps a size that {from:?} does not have"));
                    }
                },
                -1 if open.is_none() => {
                    open = Some(at);
                    1
                }
                _ => size(dim)?,
            });
        }
        if let Some(at) = open {
            let rest = elements(&to)?;
            to[at] = total.checked_div(rest).unwrap_or(0);
        }
        match elements(&to)? == total {
            true => Ok(to),
            false => wrong(format!("{from:?} cannot be reshaped to {wanted:?}")),
        }
    };
    let to = match (resolve(None), call.rebatched) {
        // the batch of the file stands in `shape`
        (Err(fault), Some((old, new))) if wanted.first() == Some(&old.cast_signed()) => {
            resolve(Some(new.cast_signed())).map_err(|_| fault)?
        }
        (resolved, _) => resolved?,
    };
    reshaped(call, to)
}

/// `Flatten`: a matrix, cut at an axis.
pub(super) fn flatten(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape(0)?;
    let at = match call.int("axis").unwrap_or(1) {
        end if end == from.len() as i64 => from.len(),
        other => axis(other, from.len())?,
    };
    let (rows, cols) = from.split_at(at);
    reshaped(call, vec![elements(rows)?, elements(cols)?])
}

/// `Squeeze`: sizes of 1 go.
pub(super) fn squeeze(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape(0)?;
    let gone: Vec<bool> = match call.ints_or_input("axes", 1)? {
        Some(list) => axes(list, from.len())?,
        None => from.iter().map(|&size| size == 1).collect(),
    };
    if let Some(at) = (0..from.len()).find(|&at| gone[at] && from[at] != 1) {
        return wrong(format!("direction {at} of {from:?} is not 1"));
    }
    let left = from.iter().zip(&gone).filter(|(_, gone)| !**gone);
    reshaped(call, left.map(|(size, _)| *size).collect())
}

/// `Unsqueeze`: sizes of 1 come.
pub(super) fn unsqueeze(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape(0)?;
    let Some(list) = call.ints_or_input("axes", 1)? else {
        return wrong("`axes` are missing");
    };
    let new = axes(list, from.len() + list.len())?;
    let mut old = from.iter();
    let to = new.iter().map(|&one| if one { Some(1) } else { old.next().copied() });
    reshaped(call, to.map(|size| size.unwrap_or(1)).collect())
}

/// `Shape`, or a part of it.
pub(super) fn shape_of(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape(0)?;
    let rank = from.len() as i64;
    let place = |at: i64| (if at < 0 { at.saturating_add(rank) } else { at }).clamp(0, rank) as usize;
    let start = place(call.int("start").unwrap_or(0));
    let end = place(call.int("end").unwrap_or(rank)).max(start);
    let sizes: Vec<i64> = from[start..end].iter().map(|size| size.cast_signed()).collect();
    Ok(Outcome::view(vec![sizes.len() as u64]).holding(Some(Numbers::Ints(sizes))))
}

/// `Size`.
pub(super) fn size_of(call: &Call) -> Result<Outcome, Fault> {
    let count = call.elements(0)?.cast_signed();
    Ok(Outcome::view(Vec::new()).holding(Some(Numbers::Ints(vec![count]))))
}

/// `Constant`.
pub(super) fn constant(call: &Call) -> Result<Value, Fault> {
    if let Some(value) = call.tensor("value") {
        return value;
    }
    let one = |content| Value::constant(Vec::new(), matches!(content, Numbers::Floats(_)), Some(content));
    Ok(match call.attributes.first().map(|(name, _)| *name) {
        Some("value_int") => one(Numbers::Ints(vec![call.int("value_int").unwrap_or(0)])),
        Some("value_float") => one(Numbers::Floats(vec![call.float("value_float").unwrap_or(0.0)])),
        Some("value_ints") => Value::ints(call.ints("value_ints").unwrap_or(&[]).to_vec()),
        Some("value_floats") => {
            let floats = call.floats("value_floats").unwrap_or(&[]).to_vec();
            Value::constant(vec![floats.len() as u64], true, Some(Numbers::Floats(floats)))
        }
        _ => return unsupported("a constant that is no tensor of numbers"),
    })
}

/// `ConstantOfShape`: a value repeated, 0 without one. Models without their weights have these in the weights' place.
pub(super) fn constant_of_shape(call: &Call) -> Result<Value, Fault> {
    let to = shape(call.ints_of(0)?)?;
    let value = match call.tensor("value") {
        Some(value) => value?,
        None => Value::constant(vec![1], true, Some(Numbers::Floats(vec![0.0]))),
    };
    let count = elements(&to)?;
    let float = value.is_float();
    let content = match (value.content(), usize::try_from(count)) {
        (Some(Numbers::Ints(one)), Ok(n)) if n <= LONGEST_CONTENT && !one.is_empty() => {
            Some(Numbers::Ints(vec![one[0]; n]))
        }
        (Some(Numbers::Floats(one)), Ok(n)) if n <= LONGEST_CONTENT && !one.is_empty() => {
            Some(Numbers::Floats(vec![one[0]; n]))
        }
        _ => None,
    };
    Ok(Value::constant(to, float, content))
}

/// `Range`.
pub(super) fn range(call: &Call) -> Result<Outcome, Fault> {
    let [start, limit, step] = [0, 1, 2].map(|at| match call.value(at)?.content() {
        Some(Numbers::Ints(ints)) if ints.len() == 1 => Ok(ints[0] as f64),
        Some(Numbers::Floats(floats)) if floats.len() == 1 => Ok(floats[0]),
        _ => unsupported("its length is computed from data"),
    });
    let (start, limit, step) = (start?, limit?, step?);
    let count = ((limit - start) / step).ceil().max(0.0);
    if !count.is_finite() || count > super::super::value::LARGEST_DIM as f64 {
        return wrong(format!("from {start} to {limit} in steps of {step} has no end"));
    }
    let whole = matches!(call.value(0)?.content(), Some(Numbers::Ints(_)));
    let content = (whole && count <= LONGEST_CONTENT as f64).then(|| {
        let (start, step) = (start as i64, step as i64);
        let steps = (0..count as i64).map(|at| start.saturating_add(at.saturating_mul(step)));
        Numbers::Ints(steps.collect())
    });
    Ok(Outcome::view(vec![count as u64]).holding(content))
}

/// `EyeLike`, and random numbers in the shape of an input.
pub(super) fn shape_like(call: &Call) -> Result<Outcome, Fault> {
    Ok(Outcome::view(call.shape(0)?.to_vec()))
}

/// How many values a direction has after it is repeated.
pub(super) fn times(size: u64, count: i64) -> Result<u64, Fault> {
    match u64::try_from(count) {
        Ok(count) => Ok(product("the output", &[size, count])?),
        Err(_) => wrong(format!("{count} is not a number of repetitions")),
    }
}
