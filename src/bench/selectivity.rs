//! How hard the presets are: the share of random designs that work.

use serde_json::json;
use tandem_envs::{reach2d, tentacle};

use super::Entry;
use crate::error::Error;
use crate::statistics::wilson;

/// Seed of the designs.
const SEED: u64 = 0;

/// Names of the presets that contain `only`.
pub fn names(only: &str) -> Vec<&'static str> {
    let arms = reach2d::PRESETS.iter().map(|preset| preset.name);
    let tentacles = tentacle::PRESETS.iter().map(|preset| preset.name);
    let names = arms.chain(tentacles);
    names.filter(|name| name.contains(only)).collect()
}

/// Designs drawn, designs that could do the task at best, designs that did it.
type Counts = (usize, usize, usize);

fn arms(preset: &str, designs: usize) -> Result<Counts, Error> {
    let config = reach2d::Config {
        preset: Some(preset.to_owned()),
        ..reach2d::Config::default()
    };
    let share = reach2d::selectivity(&reach2d::Settings::new(&config)?, designs, SEED)?;
    Ok((share.designs, share.can_reach, share.work))
}

fn tentacles(preset: &str, designs: usize) -> Result<Counts, Error> {
    let config = tentacle::Config {
        preset: Some(preset.to_owned()),
        ..tentacle::Config::default()
    };
    let share = tentacle::selectivity(&tentacle::Settings::new(&config)?, designs, SEED)?;
    Ok((share.designs, share.can_reach, share.work))
}

/// Share of `designs` random designs of a preset that work, with Wilson's 95 % interval beside it.
///
/// # Errors
/// A name that is no preset.
pub fn measure(preset: &str, designs: usize) -> Result<Entry, Error> {
    let is_tentacle = tentacle::PRESETS.iter().any(|p| p.name == preset);
    let (drawn, can_reach, work) = match is_tentacle {
        true => tentacles(preset, designs)?,
        false => arms(preset, designs)?,
    };
    let interval = wilson(work as u64, drawn as u64);
    let share = work as f64 / drawn.max(1) as f64;
    let mut entry = Entry::new(preset, share, "share of designs that work");
    for (key, value) in [
        ("low", json!(interval.map(|i| i.low))),
        ("high", json!(interval.map(|i| i.high))),
        ("designs", json!(drawn)),
        ("can_reach", json!(can_reach)),
        ("work", json!(work)),
    ] {
        entry.details.insert(key.into(), value);
    }
    Ok(entry)
}
