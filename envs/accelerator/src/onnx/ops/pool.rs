//! Pools and other reductions.

use super::super::call::{Call, Fault, Outcome, axes, wrong};
use super::super::value::elements;
use super::window::Window;
use crate::gemm::product;
use crate::layer::{Op, PoolKind};

/// `MaxPool`.
pub(super) fn max(call: &Call) -> Result<Outcome, Fault> {
    pool(call, PoolKind::Max)
}

/// `AveragePool`, and `LpPool`, whose work is much the same.
pub(super) fn mean(call: &Call) -> Result<Outcome, Fault> {
    pool(call, PoolKind::Mean)
}

fn pool(call: &Call, kind: PoolKind) -> Result<Outcome, Fault> {
    of_image(call, call.shape_of_rank(0, 3)?, kind)
}

/// Pools of quantised images, whose channels may come last (`QLinearAveragePool`, `NhwcMaxPool`).
pub(super) fn channels_last(call: &Call) -> Result<Outcome, Fault> {
    let kind = match call.node.op.contains("Max") {
        true => PoolKind::Max,
        false => PoolKind::Mean,
    };
    let (image, last) = (
        call.shape_of_rank(0, 3)?,
        call.node.op.starts_with("Nhwc") || call.flag("channels_last"),
    );
    let global = call.node.op.contains("Global");
    let pooled = |image: &[u64]| {
        if !global {
            return of_image(call, image, kind);
        }
        let named: Vec<bool> = (0..image.len()).map(|axis| axis >= 2).collect();
        over(image, &named, true, kind)
    };
    if !last {
        return pooled(image);
    }
    let (channels, front) = (image[image.len() - 1], &image[..image.len() - 1]);
    let mut outcome = pooled(&[&front[..1], &[channels], &front[1..]].concat())?;
    for shape in &mut outcome.shapes {
        let channels = shape.remove(1);
        shape.push(channels);
    }
    Ok(outcome)
}

fn of_image(call: &Call, image: &[u64], kind: PoolKind) -> Result<Outcome, Fault> {
    let window = Window::of(call, image, None)?;
    let ceil = call.flag("ceil_mode");
    let mut output = [0; 3];
    for axis in 0..3 {
        let [before, after] = window.padding[axis];
        let size = window.image[axis];
        let Some(room) = (size + before + after).checked_sub(window.reach(axis)) else {
            return wrong(format!("a window of {:?} does not fit {image:?}", window.kernel));
        };
        let stride = window.stride[axis];
        output[axis] = match ceil {
            false => room / stride + 1,
            // a window that would begin beyond the image and the padding before it is left out
            true => {
                let windows = room.div_ceil(stride) + 1;
                let beyond = (windows - 1).saturating_mul(stride) >= size + before;
                windows - u64::from(beyond && windows > 1)
            }
        };
    }
    let shape = window.shape(image[0], image[1], output);
    // slices of a window are as good as rows
    let flat = |[depth, height, width]: [u64; 3]| Ok::<_, Fault>([product("the window", &[depth, height])?, width]);
    let op = Op::Pool {
        kind,
        kernel: flat(window.kernel)?,
        stride: flat(window.stride)?,
        inputs: call.elements(0)?,
        outputs: elements(&shape)?,
    };
    let mut outcome = Outcome::layer(shape.clone(), op);
    outcome.shapes.push(shape); // where the maxima were
    Ok(outcome)
}

/// `GlobalMaxPool`.
pub(super) fn global_max(call: &Call) -> Result<Outcome, Fault> {
    global(call, PoolKind::Max)
}

/// `GlobalAveragePool` and `GlobalLpPool`.
pub(super) fn global_mean(call: &Call) -> Result<Outcome, Fault> {
    global(call, PoolKind::Mean)
}

fn global(call: &Call, kind: PoolKind) -> Result<Outcome, Fault> {
    let shape = call.shape_of_rank(0, 3)?;
    let named: Vec<bool> = (0..shape.len()).map(|axis| axis >= 2).collect();
    over(shape, &named, true, kind)
}

/// `ReduceMean`, `ReduceSum` and their kin that add up.
pub(super) fn reduce_mean(call: &Call) -> Result<Outcome, Fault> {
    reduce(call, PoolKind::Mean)
}

/// `ReduceMax` and `ReduceMin`.
pub(super) fn reduce_max(call: &Call) -> Result<Outcome, Fault> {
    reduce(call, PoolKind::Max)
}

fn reduce(call: &Call, kind: PoolKind) -> Result<Outcome, Fault> {
    let shape = call.shape(0)?;
    let keep = call.int("keepdims").unwrap_or(1) != 0;
    let list = call.ints_or_input("axes", 1)?.unwrap_or(&[]);
    let named = match list.is_empty() {
        true if call.flag("noop_with_empty_axes") => return Ok(Outcome::view(shape.to_vec())),
        true => vec![true; shape.len()],
        false => axes(list, shape.len())?,
    };
    over(shape, &named, keep, kind)
}

/// `ArgMax` and `ArgMin`.
pub(super) fn place(call: &Call) -> Result<Outcome, Fault> {
    let shape = call.shape_of_rank(0, 1)?;
    let keep = call.int("keepdims").unwrap_or(1) != 0;
    let named = axes(&[call.int("axis").unwrap_or(0)], shape.len())?;
    over(shape, &named, keep, PoolKind::Max)
}

/// A reduction over the named directions: a pool where these are exactly those of an image, otherwise a function of
/// values that are not at the same place.
fn over(shape: &[u64], named: &[bool], keep: bool, kind: PoolKind) -> Result<Outcome, Fault> {
    let mut output = Vec::new();
    for (&size, &gone) in shape.iter().zip(named) {
        match (gone, keep) {
            (false, _) => output.push(size),
            (true, true) => output.push(1),
            (true, false) => {}
        }
    }
    let (inputs, outputs) = (elements(shape)?, elements(&output)?);
    let image = named.iter().enumerate().all(|(axis, &gone)| gone == (axis >= 2));
    let kernel = match *shape {
        [_, _, width] if image => Some([1, width]),
        [_, _, height, width] if image => Some([height, width]),
        [_, _, depth, height, width] if image => Some([product("the window", &[depth, height])?, width]),
        _ => None,
    };
    let op = match kernel {
        Some(kernel) => Op::Pool {
            kind,
            kernel,
            stride: kernel,
            inputs,
            outputs,
        },
        None => Op::Elementwise {
            operands: 1,
            inputs,
            elements: outputs,
            parameters: 0,
        },
    };
    Ok(Outcome::layer(output, op))
}
