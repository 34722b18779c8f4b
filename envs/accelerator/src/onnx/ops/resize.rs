//! Resizing of images.

use super::super::call::{Call, Fault, Outcome, axes, axis, wrong};
use super::super::value::shape;
use super::copy::spread;
use crate::input::quote;

/// `Resize` and `Upsample`: to sizes, or by factors.
pub(super) fn resize(call: &Call) -> Result<Outcome, Fault> {
    let from = call.shape(0)?;
    let modern = call.node.op == "Resize" && call.opset >= 11;
    let policy = call.text("keep_aspect_ratio_policy", "stretch");
    let all: Vec<i64> = (0..from.len() as i64).collect();
    let places = call.ints("axes").unwrap_or(&all);
    axes(places, from.len())?;
    let mut to = from.to_vec();
    let fits = |count: usize| match count == places.len() {
        true => Ok(()),
        false => wrong(format!("{count} sizes or factors for {} directions", places.len())),
    };
    if modern && call.get(3).is_some() {
        let sizes = shape(call.ints_of(3)?)?;
        fits(sizes.len())?;
        let mut wanted = Vec::new();
        for (&place, size) in places.iter().zip(sizes) {
            wanted.push((axis(place, from.len())?, size));
        }
        for (place, size) in keeping_aspect(policy, from, &wanted)? {
            to[place] = size;
        }
        return spread(call, to);
    }
    let factors = match call.floats("scales") {
        Some(factors) => factors,
        None => call.floats_of(if modern { 2 } else { 1 })?,
    };
    fits(factors.len())?;
    for (&place, &factor) in places.iter().zip(factors) {
        let place = axis(place, from.len())?;
        let size = (from[place] as f64 * factor).floor();
        if !(0.0..=super::super::value::LARGEST_DIM as f64).contains(&size) {
            return wrong(format!("a factor of {factor}"));
        }
        to[place] = size as u64;
    }
    spread(call, to)
}

/// The sizes that come out where the proportions are kept: as large as fits into what is wanted, or as small as holds it.
fn keeping_aspect(policy: &str, from: &[u64], wanted: &[(usize, u64)]) -> Result<Vec<(usize, u64)>, Fault> {
    let factors = wanted
        .iter()
        .map(|&(place, size)| size as f64 / from[place].max(1) as f64);
    let factor = match policy {
        "stretch" => return Ok(wanted.to_vec()),
        "not_larger" => factors.fold(f64::INFINITY, f64::min),
        "not_smaller" => factors.fold(0.0, f64::max),
        other => return wrong(format!("`keep_aspect_ratio_policy` {} is unknown", quote(other))),
    };
    let scaled = wanted
        .iter()
        .map(|&(place, _)| (place, (from[place] as f64 * factor).round() as u64));
    Ok(scaled.collect())
}
