//! Convolutions, transposed ones included.

use super::super::call::{Call, Fault, Outcome, unsupported, wrong};
use super::window::{Window, sizes, split};
use crate::conv::{Conv, Depth};
use crate::gemm::{product, sum};
use crate::layer::Op;

/// `Conv`, and `FusedConv` of ONNX Runtime.
pub(super) fn conv(call: &Call) -> Result<Outcome, Fault> {
    convolution(call, 1, call.get(2).is_some())
}

/// `ConvInteger`: without bias, the offsets of the quantisation are inputs 3 and 4.
pub(super) fn integer(call: &Call) -> Result<Outcome, Fault> {
    convolution(call, 1, false)
}

/// `QLinearConv`: image, its scale and offset, weights, theirs, the output's, bias.
fn quantised(call: &Call) -> Result<Outcome, Fault> {
    convolution(call, 3, call.get(8).is_some())
}

/// Channels of an image, groups, and the rest of the weights' shape: the first two directions are those of the weights.
fn groups(call: &Call, image: &[u64], channels_of_weights: u64) -> Result<u64, Fault> {
    let groups = call.count("group", Some(1))?;
    let channels = image.get(1).copied().unwrap_or(0);
    match product("channels", &[channels_of_weights, groups])? == channels && channels > 0 {
        true => Ok(groups),
        false => wrong(format!(
            "the image has {channels} channels, the weights are for {channels_of_weights} in each of {groups} groups"
        )),
    }
}

fn convolution(call: &Call, weights: usize, bias: bool) -> Result<Outcome, Fault> {
    of_image(call, call.shape_of_rank(0, 3)?, call.shape_of_rank(weights, 3)?, bias)
}

/// The convolution of an image with weights of such shapes.
fn of_image(call: &Call, image: &[u64], weights: &[u64], bias: bool) -> Result<Outcome, Fault> {
    if weights.len() != image.len() {
        return wrong(format!(
            "an image of {image:?} and weights of {weights:?} do not go together"
        ));
    }
    let window = Window::of(call, image, Some(&weights[2..]))?;
    let groups = groups(call, image, weights[1])?;
    if weights[0] == 0 || !weights[0].is_multiple_of(groups) {
        return wrong(format!("{} filters cannot be split into {groups} groups", weights[0]));
    }
    let conv = shape(&window, image, weights[0], groups, bias);
    let [height, width] = conv.output();
    let output = [conv.output_depth(), height, width];
    if output.contains(&0) {
        let kernel = &window.kernel[3 - window.rank..];
        return wrong(format!("a kernel of {kernel:?} does not fit an image of {image:?}"));
    }
    let shape = window.shape(conv.batch, conv.filters, output);
    Ok(Outcome::layer(shape, Op::Conv(conv)))
}

fn shape(window: &Window, image: &[u64], filters: u64, groups: u64, bias: bool) -> Conv {
    let flat = |triple: [u64; 3]| [triple[1], triple[2]];
    Conv {
        batch: image[0],
        input: flat(window.image),
        channels: image[1],
        filters,
        kernel: flat(window.kernel),
        stride: flat(window.stride),
        padding: [window.padding[1], window.padding[2]],
        dilation: flat(window.dilation),
        depth: Depth {
            input: window.image[0],
            kernel: window.kernel[0],
            stride: window.stride[0],
            padding: window.padding[0],
            dilation: window.dilation[0],
        },
        groups,
        bias,
    }
}

/// Convolutions of images whose channels come last (`NhwcConv`, and `QLinearConv` where `channels_last` says so).
pub(super) fn channels_last(call: &Call) -> Result<Outcome, Fault> {
    let quantised = call.node.op.starts_with('Q');
    let (weights, bias) = if quantised { (3, 8) } else { (1, 2) };
    if quantised && !call.flag("channels_last") {
        return self::quantised(call);
    }
    let image = call.shape_of_rank(0, 3)?;
    let (channels, front) = (image[image.len() - 1], &image[..image.len() - 1]);
    let image = [&front[..1], &[channels], &front[1..]].concat();
    let mut outcome = of_image(call, &image, call.shape_of_rank(weights, 3)?, call.get(bias).is_some())?;
    for shape in &mut outcome.shapes {
        let channels = shape.remove(1);
        shape.push(channels);
    }
    Ok(outcome)
}

/// `ConvTranspose`: output = stride (input - 1) + reach - padding + output_padding, unless its size is given.
pub(super) fn transposed(call: &Call) -> Result<Outcome, Fault> {
    let image = call.shape_of_rank(0, 3)?;
    let weights = call.shape_of_rank(1, 3)?;
    if weights.len() != image.len() {
        return wrong(format!(
            "an image of {image:?} and weights of {weights:?} do not go together"
        ));
    }
    let window = Window::of(call, image, Some(&weights[2..]))?;
    let groups = call.count("group", Some(1))?;
    if weights[0] != image[1] || !image[1].is_multiple_of(groups) || image.contains(&0) {
        return wrong(format!(
            "the image has {} channels, the weights are for {} in {groups} groups",
            image[1], weights[0]
        ));
    }
    let filters = product("filters", &[weights[1], groups])?;
    let mut conv = shape(&window, image, filters, groups, call.get(2).is_some());
    let output = transposed_size(call, &window)?;
    (conv.padding, conv.depth.padding) = ([[0; 2]; 2], [0; 2]);
    let [height, width] = conv.transposed_output();
    let spread = [conv.transposed_output_depth(), height, width];
    // zeros that `output_padding` adds beyond the last tap are a copy of their own
    let computed = [0, 1, 2].map(|axis| output[axis].min(spread[axis]));
    let cut = |axis: usize| split(spread[axis] - computed[axis], true);
    (conv.padding, conv.depth.padding) = ([cut(1), cut(2)], cut(0));
    let outcome = Outcome::layer(window.shape(conv.batch, filters, output), Op::ConvTranspose(conv));
    if computed == output {
        return Ok(outcome);
    }
    let count = |image: [u64; 3]| product("outputs", &[&[conv.batch, filters], &image[..]].concat());
    let (inputs, outputs) = (count(computed)?, count(output)?);
    Ok(outcome.then(".pad", Op::Copy { inputs, outputs }))
}

fn transposed_size(call: &Call, window: &Window) -> Result<[u64; 3], Fault> {
    let rank = window.rank;
    let own = 3 - rank;
    if let Some(given) = call.ints("output_shape") {
        let spatial = given.get(given.len().saturating_sub(rank)..).unwrap_or(given);
        let given = sizes("output_shape", spatial, rank, 1, 1 << 32)?;
        let mut output = [1; 3];
        output[own..].copy_from_slice(&given);
        return Ok(output);
    }
    let extra = match call.ints("output_padding") {
        Some(list) => sizes("output_padding", list, rank, 0, 1 << 32)?,
        None => vec![0; rank],
    };
    let same = call.text("auto_pad", "NOTSET").starts_with("SAME");
    let mut output = [1; 3];
    for axis in own..3 {
        let stride = window.stride[axis];
        let steps = if same {
            window.image[axis]
        } else {
            window.image[axis] - 1
        };
        let spread = product("the output", &[steps, stride])?;
        let [before, after] = window.padding[axis];
        let (rest, cut) = match same {
            true => (0, 0),
            false => (window.reach(axis) + extra[axis - own], before + after),
        };
        output[axis] = match sum("the output", [spread, rest])?.checked_sub(cut) {
            Some(size) if size > 0 => size,
            _ => return wrong("the padding leaves nothing of the output"),
        };
    }
    Ok(output)
}

/// `DeformConv`: its offsets are an operand; its work is that of a convolution.
pub(super) fn deformed(call: &Call) -> Result<Outcome, Fault> {
    match call.get(2) {
        Some(_) => convolution(call, 1, call.get(3).is_some()),
        None => unsupported("a deformed convolution without offsets"),
    }
}
