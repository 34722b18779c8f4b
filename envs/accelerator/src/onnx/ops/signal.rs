//! Fourier transforms, computed as products with the matrix of the transform (a complex number is two real ones), and
//! the windows that go with them.

use super::super::call::{Call, Fault, Outcome, axis, unsupported, wrong};
use super::super::value::{Numbers, size};
use crate::gemm::{Gemm, product};
use crate::layer::Op;

/// A whole number that an input holds.
fn number(call: &Call, at: usize) -> Result<u64, Fault> {
    match call.value(at)?.content() {
        Some(Numbers::Ints(ints)) if ints.len() == 1 => Ok(size(ints[0])?),
        Some(Numbers::Floats(floats)) if floats.len() == 1 => Ok(size(floats[0] as i64)?),
        Some(_) => wrong(format!("input {} must be one number", at + 1)),
        None => unsupported(format!(
            "input {} is computed from data, so that the shape is unknown",
            at + 1
        )),
    }
}

/// Products of rows of `taps` values, each of `parts` real numbers, with a matrix that gives `bins` complex ones.
fn transform(rows: u64, taps: u64, parts: u64, bins: u64) -> Result<Op, Fault> {
    let gemm = Gemm {
        m: rows,
        n: product("the transform", &[bins, 2])?,
        k: product("the transform", &[taps, parts])?,
    };
    Ok(Op::MatMul { batch: 1, gemm })
}

/// How many of the bins of a transform of this length come out: of real signals half of them say all.
fn bins(call: &Call, length: u64, otherwise: i64) -> u64 {
    match call.int("onesided").unwrap_or(otherwise) {
        0 => length,
        _ => length / 2 + 1,
    }
}

/// `DFT`: along an axis, an attribute before version 20 and an input since.
pub(super) fn dft(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape_of_rank(0, 2)?;
    let along = match (call.opset < 20, call.get(2)) {
        (true, _) => call.int("axis").unwrap_or(1),
        (false, None) => -2,
        (false, Some(_)) => match *call.ints_of(2)? {
            [along] => along,
            _ => return wrong("the axis must be one number"),
        },
    };
    let at = axis(along, from.len())?;
    let parts = from[from.len() - 1];
    if at + 1 == from.len() || !(1..=2).contains(&parts) {
        return wrong(format!(
            "a signal of {from:?} does not end in its real and imaginary parts"
        ));
    }
    let length = match call.get(1) {
        Some(_) => number(call, 1)?,
        None => from[at],
    };
    let back = call.flag("inverse") && call.flag("onesided");
    // a one-sided inverse gives a real signal of the whole length
    let (out, values) = match back {
        true if call.get(1).is_none() => (2 * from[at].saturating_sub(1), 1),
        true => (length, 1),
        false => (bins(call, length, 0), 2),
    };
    let mut to = from.to_vec();
    to[at] = out;
    to[from.len() - 1] = values;
    let others: Vec<u64> = (0..from.len() - 1)
        .filter(|other| *other != at)
        .map(|other| from[other])
        .collect();
    let taps = length.min(from[at]);
    let op = match transform(product("rows", &others)?, taps, parts, out)? {
        Op::MatMul { batch, gemm } if back => Op::MatMul {
            batch,
            gemm: Gemm { n: gemm.n / 2, ..gemm },
        },
        op => op,
    };
    Ok(Outcome::layer(to, op))
}

/// `STFT`: transforms of pieces of a signal, `frame_step` apart.
pub(super) fn stft(call: &Call) -> Result<Outcome, Fault> {
    let (batch, samples, parts) = match *call.shape(0)? {
        [batch, samples] => (batch, samples, 1),
        [batch, samples, parts] if (1..=2).contains(&parts) => (batch, samples, parts),
        ref shape => return wrong(format!("a signal of {shape:?} is not of batch, samples and parts")),
    };
    let step = number(call, 1)?;
    let length = match (call.get(3), call.get(2).map(|window| window.shape.as_slice())) {
        (Some(_), _) => number(call, 3)?,
        (None, Some(&[length])) => length,
        _ => return wrong("neither a window nor a length is given"),
    };
    let Some(rest) = samples.checked_sub(length).filter(|_| step > 0 && length > 0) else {
        return wrong(format!(
            "pieces of {length}, {step} apart, do not fit {samples} samples"
        ));
    };
    let frames = rest / step + 1;
    let out = bins(call, length, 1);
    let op = transform(product("rows", &[batch, frames])?, length, parts, out)?;
    Ok(Outcome::layer(vec![batch, frames, out, 2], op))
}

/// `HannWindow` and its kin: as many numbers as an input says.
pub(super) fn window(call: &Call) -> Result<Outcome, Fault> {
    Ok(Outcome::view(vec![number(call, 0)?]))
}

/// `MelWeightMatrix`: from the bins of a transform to bands.
pub(super) fn mel(call: &Call) -> Result<Outcome, Fault> {
    Ok(Outcome::view(vec![number(call, 1)? / 2 + 1, number(call, 0)?]))
}
