//! What ends an episode before its horizon.

use serde::Deserialize;
use serde_json::{Map, Value};
use tandem_core::check::SettingError;

use super::Context;
use super::catalogue::Entry;
use super::lookup::projected_gravity;
use super::observation::read_by_another;
use super::params::{Builder, wrong};
use super::reward::beyond;
use super::shared::Judge;

/// The termination terms.
pub const TABLE: &[Entry<Judge>] = &[
    Entry::new(
        "time_out",
        "1",
        "steps = horizon",
        "Accepted for the sake of other tools' files: every episode is truncated at `horizon` anyway.",
        |b| {
            b.model()?;
            Ok(Box::new(|_| false))
        },
    ),
    Entry::new(
        "bad_orientation",
        "1",
        "acos(-g_z) > limit_angle",
        "The root is tilted too far.",
        |b| {
            let limit = b.positive("limit_angle", "rad", 1.0, "largest angle to the vertical")?;
            let body = b.root()?;
            Ok(Box::new(move |x| {
                below(limit, (-projected_gravity(x.robot, body)[2]).clamp(-1.0, 1.0).acos())
            }))
        },
    ),
    Entry::new(
        "root_height_below_minimum",
        "1",
        "z < minimum_height",
        "The root is too low.",
        |b| {
            let minimum = b.number("minimum_height", "m", 0.0, "height in the world")?;
            let body = b.root()?;
            Ok(Box::new(move |x| below(x.robot.data().xpos()[body][2], minimum)))
        },
    ),
    Entry::new(
        "joint_pos_out_of_limit",
        "1",
        "q < low or q > high",
        "A joint is beyond its range.",
        |b| {
            let soft = b.positive("soft", "1", 1.0, "part of the range about its middle that is free")?;
            let joints = b.scalar_joints()?;
            Ok(Box::new(move |x| {
                joints.iter().any(|joint| beyond(x.robot, joint, soft) > 0.0)
            }))
        },
    ),
    Entry::new(
        "illegal_contact",
        "1",
        "|F| > threshold",
        "A part touches something that it must not.",
        |b| {
            let threshold = b.magnitude("threshold", "N", 1.0, "force from which on a touch counts")?;
            let parts = b.parts()?;
            Ok(Box::new(move |x| {
                parts.iter().any(|part| part.touches(x.robot, threshold))
            }))
        },
    ),
    Entry::new(
        "nan_detection",
        "1",
        "q, dq/dt not finite",
        "The simulation has left the numbers.",
        |b| {
            b.model()?;
            Ok(Box::new(|x| {
                let data = x.robot.data();
                x.robot.diverged() || data.qpos().iter().chain(data.qvel()).any(|v| !v.is_finite())
            }))
        },
    ),
    Entry::new(
        "outside_range",
        "1",
        "x < low or x > high for any range",
        "Numbers of observation terms leave ranges: Gymnasium's health.",
        |b| {
            let healthy = healthy(b)?;
            Ok(Box::new(move |x| !healthy(x)))
        },
    ),
];

/// Whether a number is below a bound, or either is none.
fn below(x: f64, bound: f64) -> bool {
    x < bound || x.is_nan() || bound.is_nan()
}

/// A range that numbers of an observation term have to lie in.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RangeConfig {
    term: String,
    #[serde(default)]
    params: Map<String, Value>,
    index: Option<usize>,
    low: Option<f64>,
    high: Option<f64>,
}

/// Reads the parameter `ranges` and says whether all numbers lie in them. What is no number does not.
///
/// # Errors
/// No such term, number or range.
pub fn healthy(b: &mut Builder) -> Result<impl Fn(Context) -> bool + Send + Sync + use<>, SettingError> {
    let doc = "list of {term, params, index, low, high}: an observation term, one of its numbers (all where none is named) \
               and its bounds, inclusive";
    let sections = b.sections("ranges", doc)?;
    let model = b.model()?;
    let mut ranges = Vec::new();
    for (i, section) in sections.iter().enumerate() {
        let key = format!("ranges[{i}]");
        let config = RangeConfig::deserialize(section).map_err(|error| wrong(&key, error.to_string()))?;
        let (low, high) = (
            config.low.unwrap_or(f64::NEG_INFINITY),
            config.high.unwrap_or(f64::INFINITY),
        );
        if low > high {
            return Err(wrong(&key, format!("low, {low}, must not be above high, {high}")));
        }
        let read = read_by_another(model, b.shared, &config.term, &config.params, config.index);
        let (read, numbers) = read.map_err(|error| error.inside(&key))?;
        ranges.push((read, numbers, low, high));
    }
    Ok(move |x: Context| {
        ranges.iter().all(|(read, numbers, low, high)| {
            let inside = |value: f64| value.is_finite() && (*low..=*high).contains(&value);
            numbers.clone().all(|i| inside(read(x, i)))
        })
    })
}
