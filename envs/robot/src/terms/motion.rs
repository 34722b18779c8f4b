//! How a robot gets along: velocities, steps, the way to a place.

use tandem_core::check::SettingError;

use super::lookup::{PLACE, Place, joints, local_velocity, minus, norm, root};
use super::params::{Builder, wrong};
use super::reward::{Built, measure};
use super::shared::Told;
use super::{Context, Memory};
use crate::simulation::Simulation;

/// The name of a velocity command, as a parameter.
///
/// # Errors
/// No text.
pub fn velocity_name(b: &mut Builder) -> Result<String, SettingError> {
    b.text(
        "command",
        Some(""),
        "name of the velocity command; the first where none is named",
    )
}

/// How far the root's level velocity is off the command, m/s.
pub fn velocity_error(x: Context, body: usize, command: usize) -> f64 {
    let (v, c) = (local_velocity(x.robot, body), &x.memory.command);
    (v[3] - c[command]).hypot(v[4] - c[command + 1])
}

/// The place and the command's first slot that a term of reaching names. To be read last.
pub fn reaching(b: &mut Builder) -> Result<(Place, usize), SettingError> {
    let of = b.text("of", None, PLACE)?;
    let command = b.text(
        "command",
        Some(""),
        "name of the position command; the first where none is named",
    )?;
    let place = Place::find(b.model()?, &of, "of")?;
    Ok((place, b.shared.command(&command, Told::Position)?.start))
}

/// From a place to where it is told to be, m.
pub fn way_to_go(x: Context, place: Place, command: usize) -> [f64; 3] {
    let c = &x.memory.command;
    minus([c[command], c[command + 1], c[command + 2]], place.at(x.robot))
}

/// How far a place is from where it is told to be, m.
pub fn position_error(x: Context, place: Place, command: usize) -> f64 {
    norm(way_to_go(x, place, command))
}

/// Remembers a number from before each control step, beside the present one: slots `[now, before]`.
fn remember(b: &mut Builder, value: impl Fn(&Simulation) -> f64 + Send + Sync + 'static) -> [usize; 2] {
    let [now, before] = [b.shared.keep(1).start, b.shared.keep(1).start];
    b.shared
        .keepers
        .push(Box::new(move |robot, memory: &mut Memory, first| {
            let present = value(robot);
            memory.kept[before] = if first { present } else { memory.kept[now] };
            memory.kept[now] = present;
        }));
    [now, before]
}

/// Way over the control step by its duration.
pub fn forward_velocity(b: &mut Builder) -> Built {
    let of = b.text(
        "of",
        Some(""),
        "a place (as in `difference`), or `joint:NAME`; the root where none is named",
    )?;
    let axis = b.choice(
        "axis",
        &["x", "y", "z"],
        "which axis of the world: x, y or z (of no meaning for a joint)",
    )?;
    let model = b.model()?;
    let [now, before] = match of.strip_prefix("joint:") {
        Some(name) => {
            let joint = joints(model, &[name.to_string()]).map_err(|error| wrong("of", error.reason))?[0].clone();
            if !joint.is_scalar() {
                return Err(wrong("of", format!("`{name}` is neither hinge nor slide")));
            }
            remember(b, move |robot| robot.data().qpos()[joint.qpos])
        }
        None => {
            let place = match of.as_str() {
                "" => root(model)
                    .map(Place::Body)
                    .ok_or_else(|| wrong("of", "the model has no body"))?,
                of => Place::find(model, of, "of")?,
            };
            remember(b, move |robot| place.at(robot)[axis])
        }
    };
    measure(move |x| (x.memory.kept[now] - x.memory.kept[before]) / x.control_dt)
}

/// Time in the air of feet that land.
pub fn feet_air_time(b: &mut Builder) -> Built {
    let threshold = b.number("threshold", "s", 0.5, "time in the air from which on a step pays")?;
    let force = b.magnitude("force", "N", 1.0, "force from which on a touch counts")?;
    let command = velocity_name(b)?;
    let parts = b.parts()?;
    let moving = match (command.as_str(), b.shared.command(&command, Told::Velocity)) {
        (_, Ok(range)) => Some(range.start),
        ("", Err(_)) => None,
        (_, Err(error)) => return Err(error),
    };
    let [air, landed] = [b.shared.keep(parts.len()).start, b.shared.keep(parts.len()).start];
    let (n, dt) = (parts.len(), b.shared.control_dt);
    b.shared
        .keepers
        .push(Box::new(move |robot, memory: &mut Memory, first| {
            for (i, part) in parts.iter().enumerate() {
                let touches = part.touches(robot, force);
                let flown = if first { 0.0 } else { memory.kept[air + i] };
                // As in Isaac Lab and legged_gym, the step of the landing counts too: it is the time since the last touch.
                memory.kept[landed + i] = if touches && flown > 0.0 { flown + dt } else { 0.0 };
                memory.kept[air + i] = if touches || first { 0.0 } else { flown + dt };
            }
        }));
    measure(move |x| {
        let c = &x.memory.command;
        if moving.is_some_and(|m| c[m].hypot(c[m + 1]) <= 0.1) {
            return 0.0;
        }
        let landed = &x.memory.kept[landed..landed + n];
        landed
            .iter()
            .filter(|&&time| time > 0.0)
            .map(|time| time - threshold)
            .sum()
    })
}
