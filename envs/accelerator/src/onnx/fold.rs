//! Arithmetic on the contents of constants, which is how models work out shapes: `Shape`, `Gather`, `Mul`, `Concat`.
//!
//! Only what shapes are made of is worked out, lists and single numbers; a result that is not known is no error.

use super::call::{Call, Fault, wrong};
use super::proto::LONGEST_CONTENT;
use super::value::{Numbers, elements};

/// The contents of an elementwise operator with broadcasting.
pub(super) fn combine(call: &Call, shape: &[u64]) -> Option<Numbers> {
    let count = usize::try_from(elements(shape).ok()?).ok()?;
    if count > LONGEST_CONTENT || call.inputs.len() > 3 {
        return None;
    }
    let mut operands = Vec::new();
    for value in &call.inputs {
        let value = (*value)?;
        operands.push((value.content()?, places(&value.shape, shape)));
    }
    let op = call.node.op;
    if let [(Numbers::Ints(_), _), (a, at), (b, bt)] = &operands[..]
        && op == "Where"
    {
        let Numbers::Ints(condition) = operands[0].0 else {
            return None;
        };
        let chosen = |out: usize| condition[operands[0].1[out]] != 0;
        return match (a, b) {
            (Numbers::Ints(a), Numbers::Ints(b)) => Some(Numbers::Ints(
                (0..count)
                    .map(|o| if chosen(o) { a[at[o]] } else { b[bt[o]] })
                    .collect(),
            )),
            _ => None,
        };
    }
    let all_ints = operands.iter().all(|(numbers, _)| matches!(numbers, Numbers::Ints(_)));
    let whole = |at: usize, out: usize| match operands[at] {
        (Numbers::Ints(ints), ref places) => Some(ints[places[out]]),
        _ => None,
    };
    let real = |at: usize, out: usize| match operands[at] {
        (Numbers::Floats(floats), ref places) => Some(floats[places[out]]),
        _ => None,
    };
    let outputs = 0..count;
    match (operands.len(), all_ints) {
        (1, true) => outputs
            .map(|o| int_function(op, whole(0, o)?))
            .collect::<Option<_>>()
            .map(Numbers::Ints),
        (2, true) => outputs
            .map(|o| int_pair(op, whole(0, o)?, whole(1, o)?))
            .collect::<Option<_>>()
            .map(Numbers::Ints),
        (1, false) => outputs
            .map(|o| float_function(op, real(0, o)?))
            .collect::<Option<_>>()
            .map(Numbers::Floats),
        (2, false) => outputs
            .map(|o| float_pair(op, real(0, o)?, real(1, o)?))
            .collect::<Option<_>>()
            .map(Numbers::Floats),
        _ => None,
    }
}

fn int_function(op: &str, x: i64) -> Option<i64> {
    match op {
        "Neg" => x.checked_neg(),
        "Abs" => x.checked_abs(),
        "Not" => Some(i64::from(x == 0)),
        _ => None,
    }
}

fn int_pair(op: &str, x: i64, y: i64) -> Option<i64> {
    match op {
        "Add" => x.checked_add(y),
        "Sub" => x.checked_sub(y),
        "Mul" => x.checked_mul(y),
        "Div" => x.checked_div(y),
        "Mod" => x.checked_rem_euclid(y),
        "Min" => Some(x.min(y)),
        "Max" => Some(x.max(y)),
        "Equal" => Some(i64::from(x == y)),
        "Greater" => Some(i64::from(x > y)),
        "GreaterOrEqual" => Some(i64::from(x >= y)),
        "Less" => Some(i64::from(x < y)),
        "LessOrEqual" => Some(i64::from(x <= y)),
        "And" => Some(i64::from(x != 0 && y != 0)),
        "Or" => Some(i64::from(x != 0 || y != 0)),
        _ => None,
    }
}

fn float_function(op: &str, x: f64) -> Option<f64> {
    match op {
        "Neg" => Some(-x),
        "Abs" => Some(x.abs()),
        "Sqrt" => Some(x.sqrt()),
        "Floor" => Some(x.floor()),
        "Ceil" => Some(x.ceil()),
        "Reciprocal" => Some(1.0 / x),
        _ => None,
    }
}

fn float_pair(op: &str, x: f64, y: f64) -> Option<f64> {
    match op {
        "Add" => Some(x + y),
        "Sub" => Some(x - y),
        "Mul" => Some(x * y),
        "Div" => Some(x / y),
        "Min" => Some(x.min(y)),
        "Max" => Some(x.max(y)),
        "Pow" => Some(x.powf(y)),
        _ => None,
    }
}

/// For each place of the output the place of an operand that is broadcast to it.
fn places(from: &[u64], to: &[u64]) -> Vec<usize> {
    let mut steps = vec![0; to.len()];
    for (to, (&size, step)) in steps.iter_mut().rev().zip(from.iter().zip(strides(from)).rev()) {
        *to = if size == 1 { 0 } else { step };
    }
    strided(to, 0, &steps)
}

/// How far apart neighbours are along each direction.
fn strides(shape: &[u64]) -> Vec<i64> {
    let mut strides = vec![1_i64; shape.len()];
    for at in (1..shape.len()).rev() {
        strides[at - 1] = strides[at].saturating_mul(shape[at].cast_signed());
    }
    strides
}

/// Places that begin at `first` and lie `steps` apart along each direction of the output, row by row.
fn strided(to: &[u64], first: i64, steps: &[i64]) -> Vec<usize> {
    let mut places = vec![first];
    for (&size, &step) in to.iter().zip(steps) {
        let along = |place: i64| (0..size.cast_signed()).map(move |at| place.saturating_add(at.saturating_mul(step)));
        places = places.into_iter().flat_map(along).collect();
    }
    places
        .into_iter()
        .map(|place| usize::try_from(place).unwrap_or(usize::MAX))
        .collect()
}

/// The contents with their directions in another order.
pub(super) fn transpose(call: &Call, order: &[usize]) -> Option<Numbers> {
    let value = call.get(0)?;
    let content = value.content()?;
    let own = strides(&value.shape);
    let to: Vec<u64> = order.iter().map(|&at| value.shape[at]).collect();
    let steps: Vec<i64> = order.iter().map(|&at| own[at]).collect();
    pick(content, strided(&to, 0, &steps))
}

/// The contents of a cast; other operators that leave values as they are pass theirs on.
pub(super) fn cast(call: &Call) -> Option<Numbers> {
    let content = call.get(0)?.content()?;
    if call.node.op != "Cast" {
        return Some(content.clone());
    }
    match (content, call.int("to")?) {
        (Numbers::Ints(ints), 1 | 10 | 11 | 16) => Some(Numbers::Floats(ints.iter().map(|&i| i as f64).collect())),
        (Numbers::Floats(floats), 6 | 7) => Some(Numbers::Ints(floats.iter().map(|&x| x as i64).collect())),
        (Numbers::Floats(floats), 1 | 10 | 11 | 16) => Some(Numbers::Floats(floats.clone())),
        (Numbers::Ints(ints), 9) => Some(Numbers::Ints(ints.iter().map(|&i| i64::from(i != 0)).collect())),
        (Numbers::Ints(ints), 6 | 7) => Some(Numbers::Ints(ints.clone())),
        _ => None,
    }
}

/// Lists one after the other.
pub(super) fn concat(call: &Call) -> Option<Numbers> {
    let lists: Vec<&Numbers> = call
        .present()
        .map(|value| (value.shape.len() == 1).then(|| value.content())?)
        .collect::<Option<_>>()?;
    if lists.iter().map(|list| list.len()).sum::<usize>() > LONGEST_CONTENT {
        return None;
    }
    let mut ints = Vec::new();
    let mut floats = Vec::new();
    for list in &lists {
        match list {
            Numbers::Ints(list) => ints.extend(list),
            Numbers::Floats(list) => floats.extend(list),
        }
    }
    match (ints.is_empty(), floats.is_empty()) {
        (_, true) => Some(Numbers::Ints(ints)),
        (true, false) => Some(Numbers::Floats(floats)),
        _ => None,
    }
}

/// The places of a slice along one direction.
#[derive(Clone, Copy)]
pub(super) struct Range {
    start: i64,
    step: i64,
    len: u64,
}

impl Range {
    pub fn len(&self) -> u64 {
        self.len
    }
}

/// The places from `start` to before `end`; both are cut to what is there, negative ones count from the end.
pub(super) fn slice_range(size: u64, start: i64, end: i64, step: i64) -> Result<Range, Fault> {
    let size = size.cast_signed();
    if size == 0 && step != 0 {
        return Ok(Range { start: 0, step, len: 0 });
    }
    let from_end = |at: i64| if at < 0 { at.saturating_add(size) } else { at };
    let (start, len) = match step {
        0 => return wrong("a step of 0"),
        1.. => {
            let (start, end) = (from_end(start).clamp(0, size), from_end(end).clamp(0, size));
            let span = (end - start).max(0).cast_unsigned();
            (start, span.div_ceil(step.unsigned_abs()))
        }
        _ => {
            let start = from_end(start).clamp(0, size - 1);
            let end = from_end(end).clamp(-1, size - 1);
            let span = (start - end).max(0).cast_unsigned();
            (start, span.div_ceil(step.unsigned_abs()))
        }
    };
    Ok(Range { start, step, len })
}

/// The part of a constant along the ranges of its directions; `None` is all of one.
pub(super) fn slice(call: &Call, ranges: &[Option<Range>]) -> Option<Numbers> {
    let value = call.get(0)?;
    let content = value.content()?;
    let (mut first, mut steps, mut to) = (0_i64, strides(&value.shape), value.shape.clone());
    for (at, range) in ranges.iter().enumerate() {
        if let Some(range) = range {
            first = first.checked_add(range.start.checked_mul(steps[at])?)?;
            steps[at] = steps[at].saturating_mul(range.step);
            to[at] = range.len;
        }
    }
    pick(content, strided(&to, first, &steps))
}

/// Parts of a list that are named by their shapes.
pub(super) fn split(call: &Call, shapes: &[Vec<u64>]) -> Vec<Option<Numbers>> {
    let list = call.get(0).filter(|value| value.shape.len() == 1);
    let mut start = 0;
    let parts = shapes.iter().map(|shape| {
        let begin = start;
        start += usize::try_from(*shape.first()?).ok()?;
        pick(list?.content()?, begin..start)
    });
    parts.collect()
}

/// The numbers of a list at given places.
pub(super) fn gather(call: &Call) -> Option<Numbers> {
    let (list, indices) = (call.get(0)?, call.get(1)?);
    let (content, Numbers::Ints(indices)) = (list.content()?, indices.content()?) else {
        return None;
    };
    if list.shape.len() != 1 {
        return None;
    }
    let size = content.len() as i64;
    let places: Vec<usize> = indices
        .iter()
        .map(|&at| usize::try_from(if at < 0 { at.checked_add(size)? } else { at }).ok())
        .collect::<Option<_>>()?;
    pick(content, places)
}

/// The numbers that a broadcast gives.
pub(super) fn expand(call: &Call, to: &[u64]) -> Option<Numbers> {
    let value = call.get(0)?;
    let count = usize::try_from(elements(to).ok()?).ok()?;
    if count > LONGEST_CONTENT {
        return None;
    }
    pick(value.content()?, places(&value.shape, to))
}

fn pick(numbers: &Numbers, places: impl IntoIterator<Item = usize>) -> Option<Numbers> {
    let mut places = places.into_iter();
    match numbers {
        Numbers::Ints(list) => places
            .by_ref()
            .map(|at| list.get(at).copied())
            .collect::<Option<_>>()
            .map(Numbers::Ints),
        Numbers::Floats(list) => places
            .by_ref()
            .map(|at| list.get(at).copied())
            .collect::<Option<_>>()
            .map(Numbers::Floats),
    }
}
