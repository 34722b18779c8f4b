//! Operators that bring values to another place.

use super::super::call::{Call, Fault, Outcome, axes, axis, unsupported, wrong};
use super::super::fold;
use super::super::value::{Numbers, Shape, Value, broadcast, elements, shape, size};
use super::view::times;
use crate::gemm::{product, sum};
use crate::layer::Op;

/// A copy of as many values as come out.
fn picked(to: Shape) -> Result<Outcome, Fault> {
    let outputs = elements(&to)?;
    let op = Op::Copy {
        inputs: outputs,
        outputs,
    };
    Ok(Outcome::layer(to, op))
}

/// A copy of the first input.
pub(super) fn spread(call: &Call, to: Shape) -> Result<Outcome, Fault> {
    let op = Op::Copy {
        inputs: call.elements(0)?,
        outputs: elements(&to)?,
    };
    Ok(Outcome::layer(to, op))
}

/// `Concat`.
pub(super) fn concat(call: &Call) -> Result<Outcome, Fault> {
    let parts: Vec<&Value> = call.present().collect();
    let outcome = joined(&parts, call.int("axis").unwrap_or(1))?;
    let content = fold::concat(call);
    Ok(outcome.holding(content))
}

/// Values one after the other along an axis.
pub(super) fn joined(parts: &[&Value], along: i64) -> Result<Outcome, Fault> {
    let Some(first) = parts.first() else {
        return wrong("nothing is joined");
    };
    let mut to = first.shape.clone();
    let at = axis(along, to.len())?;
    let mut joined = Vec::new();
    for value in parts {
        let mut other = value.shape.clone();
        match other.get_mut(at) {
            Some(size) => joined.push(std::mem::replace(size, to[at])),
            None => return wrong(format!("{other:?} has no direction {at}")),
        }
        if other != to {
            return wrong(format!("{:?} and {to:?} differ elsewhere than along {at}", value.shape));
        }
    }
    to[at] = sum("the output", joined)?;
    let inputs = parts.iter().filter(|value| !value.is_constant());
    let inputs = inputs
        .map(|value| elements(&value.shape))
        .collect::<Result<Vec<u64>, _>>()?;
    let op = Op::Copy {
        inputs: sum("inputs", inputs)?,
        outputs: elements(&to)?,
    };
    Ok(Outcome::layer(to, op))
}

/// `Transpose`; nothing moves where only sizes of 1 change places.
pub(super) fn transpose(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape(0)?;
    let order: Vec<usize> = match call.ints("perm") {
        Some(list) => {
            if list.len() != from.len() || axes(list, from.len())?.contains(&false) {
                return wrong(format!("`perm` {list:?} is no order of {} directions", from.len()));
            }
            list.iter().map(|&a| axis(a, from.len())).collect::<Result<_, _>>()?
        }
        None => (0..from.len()).rev().collect(),
    };
    let to: Shape = order.iter().map(|&at| from[at]).collect();
    let moving = order.iter().filter(|&&at| from[at] != 1);
    if moving.is_sorted() {
        let content = call.value(0)?.content().cloned();
        return Ok(Outcome::view(to).holding(content));
    }
    let content = fold::transpose(call, &order);
    Ok(spread(call, to)?.holding(content))
}

/// `Slice`.
pub(super) fn slice(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape(0)?;
    let old = call.ints("starts").is_some();
    let list = |name, at| {
        if old {
            Ok(call.ints(name))
        } else {
            call.ints_or_input(name, at)
        }
    };
    let (Some(starts), Some(ends)) = (list("starts", 1)?, list("ends", 2)?) else {
        return wrong("`starts` or `ends` are missing");
    };
    let all: Vec<i64> = (0..starts.len() as i64).collect();
    let places = list("axes", 3)?.unwrap_or(&all);
    let ones = vec![1; starts.len()];
    let steps = if old { &ones } else { list("steps", 4)?.unwrap_or(&ones) };
    if [ends.len(), places.len(), steps.len()] != [starts.len(); 3] {
        return wrong("`starts`, `ends`, `axes` and `steps` differ in length");
    }
    axes(places, from.len())?;
    let mut to = from.to_vec();
    let mut ranges = vec![None; from.len()];
    for at in 0..starts.len() {
        let place = axis(places[at], from.len())?;
        let range = fold::slice_range(from[place], starts[at], ends[at], steps[at])?;
        to[place] = range.len();
        ranges[place] = Some(range);
    }
    let content = fold::slice(call, &ranges);
    Ok(picked(to)?.holding(content))
}

/// `Split`: all outputs are parts of one copy.
pub(super) fn split(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape(0)?;
    let at = axis(call.int("axis").unwrap_or(0), from.len())?;
    let count = call.node.outputs.len() as u64;
    let parts: Vec<u64> = match call.ints_or_input("split", 1)? {
        Some(list) => list.iter().map(|&part| size(part)).collect::<Result<_, _>>()?,
        None if count > 0 => {
            let each = from[at].div_ceil(count);
            (0..count)
                .map(|part| from[at].saturating_sub(part * each).min(each))
                .collect()
        }
        None => return wrong("nothing comes out"),
    };
    if sum("parts", parts.iter().copied())? != from[at] || parts.len() as u64 != count {
        return wrong(format!(
            "{} cannot be split into {parts:?} for {count} outputs",
            from[at]
        ));
    }
    let mut outcome = picked(from.to_vec())?;
    outcome.shapes = parts
        .into_iter()
        .map(|part| {
            let mut to = from.to_vec();
            to[at] = part;
            to
        })
        .collect();
    outcome.contents = fold::split(call, &outcome.shapes);
    Ok(outcome)
}

/// `Gather`: rows of a table of weights are an embedding, anything else is picked.
pub(super) fn gather(call: &Call) -> Result<Outcome, Fault> {
    let (from, indices) = (call.shape_of_rank(0, 1)?, call.shape(1)?);
    let at = axis(call.int("axis").unwrap_or(0), from.len())?;
    let to = [&from[..at], indices, &from[at + 1..]].concat();
    let weights = call.value(0)?.is_float();
    if let (&[rows, width], 0, true, false) = (from, at, weights, call.constant(1)) {
        let op = Op::Embedding {
            rows,
            width,
            tokens: elements(indices)?,
        };
        return Ok(Outcome::layer(to, op));
    }
    let content = fold::gather(call);
    Ok(picked(to)?.holding(content))
}

/// `GatherElements`: as many values as indices.
pub(super) fn gather_elements(call: &Call) -> Result<Outcome, Fault> {
    picked(call.shape(1)?.to_vec())
}

/// `GatherND`.
pub(super) fn gather_nd(call: &Call) -> Result<Outcome, Fault> {
    let (from, indices) = (call.shape(0)?, call.shape_of_rank(1, 1)?);
    let (outer, depth) = indices.split_at(indices.len() - 1);
    let taken = usize::try_from(depth[0]).unwrap_or(usize::MAX);
    let skipped = usize::try_from(call.int("batch_dims").unwrap_or(0)).unwrap_or(usize::MAX);
    match from.get(taken.saturating_add(skipped)..) {
        Some(rest) => picked([outer, rest].concat()),
        None => wrong(format!("{from:?} has no {taken} directions")),
    }
}

/// `ScatterND`, `ScatterElements` and `Trilu`: a copy of the first input with other values in places.
pub(super) fn whole(call: &Call) -> Result<Outcome, Fault> {
    picked(call.shape(0)?.to_vec())
}

/// `Pad`: zeros around, or less than there was.
pub(super) fn pad(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape(0)?;
    let Some(pads) = call.ints_or_input("pads", 1)?.or(call.ints("paddings")) else {
        return wrong("`pads` are missing");
    };
    let all: Vec<i64> = (0..from.len() as i64).collect();
    let places = match call.get(3) {
        Some(_) => call.ints_of(3)?,
        None => &all,
    };
    axes(places, from.len())?;
    if pads.len() != 2 * places.len() {
        return wrong(format!("{} pads for {} directions", pads.len(), places.len()));
    }
    let mut to = from.to_vec();
    for (at, &place) in places.iter().enumerate() {
        let place = axis(place, from.len())?;
        let around = pads[at].checked_add(pads[at + places.len()]);
        to[place] = match around.and_then(|around| to[place].checked_add_signed(around)) {
            Some(size) => size,
            None => return wrong(format!("pads {pads:?} leave nothing of {from:?}")),
        };
    }
    spread(call, to)
}

/// `CenterCropPad`: to sizes along some or all directions, cut or filled with zeros around the middle.
pub(super) fn crop(call: &Call) -> Result<Outcome, Fault> {
    let mut to = call.shape(0)?.to_vec();
    let all: Vec<i64> = (0..to.len() as i64).collect();
    let places = call.ints("axes").unwrap_or(&all);
    let sizes = shape(call.ints_of(1)?)?;
    axes(places, to.len())?;
    if places.len() != sizes.len() {
        return wrong(format!("{} sizes for {} directions", sizes.len(), places.len()));
    }
    for (&place, size) in places.iter().zip(sizes) {
        let place = axis(place, to.len())?;
        to[place] = size;
    }
    spread(call, to)
}

/// `Expand`: broadcast to a shape.
pub(super) fn expand(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape(0)?;
    let to = broadcast(from, &shape(call.ints_of(1)?)?)?;
    let content = fold::expand(call, &to);
    let outcome = if to == from {
        Outcome::view(to)
    } else {
        spread(call, to)?
    };
    Ok(outcome.holding(content))
}

/// `Tile`: repetitions along each direction.
pub(super) fn tile(call: &Call) -> Result<Outcome, Fault> {
    let (from, repeats) = (call.shape(0)?, call.ints_of(1)?);
    if repeats.len() != from.len() {
        return wrong(format!("{} repetitions for {} directions", repeats.len(), from.len()));
    }
    let to = from.iter().zip(repeats).map(|(&size, &count)| times(size, count));
    spread(call, to.collect::<Result<_, _>>()?)
}

/// `DepthToSpace`: channels become pixels.
pub(super) fn depth_to_space(call: &Call) -> Result<Outcome, Fault> {
    blocks(call, |[channels, height, width], side, block| {
        let channels = channels.is_multiple_of(block).then(|| channels / block)?;
        Some([channels, height.checked_mul(side)?, width.checked_mul(side)?])
    })
}

/// `SpaceToDepth`: pixels become channels.
pub(super) fn space_to_depth(call: &Call) -> Result<Outcome, Fault> {
    blocks(call, |[channels, height, width], side, block| {
        let whole = height.is_multiple_of(side) && width.is_multiple_of(side);
        let channels = channels.checked_mul(block)?;
        whole.then(|| [channels, height / side, width / side])
    })
}

fn blocks(call: &Call, change: impl Fn([u64; 3], u64, u64) -> Option<[u64; 3]>) -> Result<Outcome, Fault> {
    let side = call.count("blocksize", None)?;
    let block = product("the block", &[side, side])?;
    let &[batch, channels, height, width] = call.shape(0)? else {
        return wrong("an image of batch, channels, height and width is needed");
    };
    match change([channels, height, width], side, block) {
        Some([channels, height, width]) => spread(call, vec![batch, channels, height, width]),
        None => wrong(format!("blocks of {side} do not fit")),
    }
}

/// `OneHot`: a direction more, as long as there are classes.
pub(super) fn one_hot(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape(0)?;
    let depth = match call.value(1)?.content() {
        Some(Numbers::Ints(ints)) if ints.len() == 1 => size(ints[0])?,
        Some(Numbers::Floats(floats)) if floats.len() == 1 => size(floats[0] as i64)?,
        _ => return unsupported("the number of classes is computed from data"),
    };
    let at = axis(call.int("axis").unwrap_or(-1), from.len() + 1)?;
    let mut to = from.to_vec();
    to.insert(at, depth);
    spread(call, to)
}

/// `TopK`: the largest along an axis, and where they were.
pub(super) fn top(call: &Call) -> Result<Outcome, Fault> {
    let mut to = call.shape_of_rank(0, 1)?.to_vec();
    let at = axis(call.int("axis").unwrap_or(-1), to.len())?;
    let count = match call.int("k") {
        Some(count) => count,
        None => match call.ints_of(1)? {
            &[count] => count,
            _ => return wrong("`k` must be one number"),
        },
    };
    to[at] = size(count)?;
    let mut outcome = spread(call, to.clone())?;
    outcome.shapes.push(to);
    Ok(outcome)
}

/// `RoiAlign` and `GridSample`: values interpolated at given places.
pub(super) fn sample(call: &Call) -> Result<Outcome, Fault> {
    let (from, places) = (call.shape_of_rank(0, 4)?, call.shape_of_rank(1, 2)?);
    let to = match call.node.op {
        "RoiAlign" => {
            let [height, width] = ["output_height", "output_width"].map(|n| call.count(n, Some(1)));
            vec![places[0], from[1], height?, width?]
        }
        _ => match *places {
            [_, height, width, _] => vec![from[0], from[1], height, width],
            [_, depth, height, width, _] => vec![from[0], from[1], depth, height, width],
            _ => return unsupported("a grid of other than two or three directions"),
        },
    };
    picked(to)
}
