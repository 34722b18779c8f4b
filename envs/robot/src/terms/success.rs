//! When a task counts as done. The environment remembers it for the rest of the episode.

use tandem_core::check::SettingError;

use super::Context;
use super::catalogue::Entry;
use super::lookup::{PLACE, Place};
use super::motion::{position_error, reaching, velocity_error, velocity_name};
use super::params::{Builder, wrong};
use super::shared::{Judge, Told};

type Built = Result<Judge, SettingError>;

/// The success terms.
pub const TABLE: &[Entry<Judge>] = &[
    Entry::new(
        "position_reached",
        "1",
        "|c - p| < tolerance, `hold` steps in a row",
        "A place is where it is told to be.",
        |b| {
            let tolerance = b.positive("tolerance", "m", 0.02, "largest distance")?;
            let hold = hold(b)?;
            let (place, c) = reaching(b)?;
            held(b, hold, move |x| position_error(x, place, c) < tolerance)
        },
    ),
    Entry::new(
        "velocity_tracked",
        "1",
        "mean |v_xy - c_xy| < tolerance after `steps` steps",
        "The root's velocity is the commanded one, on the mean since the start.",
        velocity_tracked,
    ),
    Entry::new(
        "object_lifted",
        "1",
        "z > height, `hold` steps in a row",
        "A place is above a height.",
        |b| {
            let of = b.text("of", None, PLACE)?;
            let height = b.number("height", "m", 0.1, "height in the world")?;
            let hold = hold(b)?;
            let place = Place::find(b.model()?, &of, "of")?;
            held(b, hold, move |x| place.at(x.robot)[2] > height)
        },
    ),
    Entry::new(
        "survives",
        "1",
        "steps = horizon",
        "The episode reaches its horizon.",
        |b| {
            b.model()?;
            let horizon = b.shared.horizon;
            Ok(Box::new(move |x| x.memory.steps >= horizon))
        },
    ),
];

fn hold(b: &mut Builder) -> Result<usize, SettingError> {
    b.whole("hold", 1, [1, 1_000_000], "for how many control steps in a row")
}

/// Refuses a number of control steps that no episode has: the task could never be done.
fn within_horizon(b: &Builder, key: &str, steps: usize) -> Result<(), SettingError> {
    match steps <= b.shared.horizon {
        true => Ok(()),
        false => Err(wrong(
            key,
            format!("is {steps}; an episode has only {} control steps", b.shared.horizon),
        )),
    }
}

fn held(b: &mut Builder, steps: usize, is: impl Fn(Context) -> bool + Send + Sync + 'static) -> Built {
    within_horizon(b, "hold", steps)?;
    let slot = b.shared.count(is);
    Ok(Box::new(move |x| x.memory.kept[slot] >= steps as f64))
}

fn velocity_tracked(b: &mut Builder) -> Built {
    let tolerance = b.positive("tolerance", "m/s", 0.25, "largest mean error")?;
    let steps = b.whole("steps", 200, [1, 1_000_000], "from which control step on it is judged")?;
    let command = velocity_name(b)?;
    let body = b.root()?;
    within_horizon(b, "steps", steps)?;
    let c = b.shared.command(&command, Told::Velocity)?.start;
    let (sum, control_dt) = (b.shared.keep(1).start, b.shared.control_dt);
    b.shared.keepers.push(Box::new(move |robot, memory, first| {
        let error = velocity_error(
            Context {
                robot,
                memory,
                control_dt,
            },
            body,
            c,
        );
        memory.kept[sum] = if first { 0.0 } else { memory.kept[sum] + error };
    }));
    Ok(Box::new(move |x| {
        x.memory.steps >= steps && x.memory.kept[sum] < tolerance * x.memory.steps as f64
    }))
}
