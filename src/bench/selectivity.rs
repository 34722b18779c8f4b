//! How hard the presets are: the share of random designs that work.

use serde_json::json;
use tandem_envs::reach2d::{Config, PRESETS, Settings, selectivity};

use super::Entry;
use crate::error::Error;
use crate::statistics::wilson;

/// Seed of the designs.
const SEED: u64 = 0;

/// Names of the presets that contain `only`.
pub fn names(only: &str) -> Vec<&'static str> {
    let names = PRESETS.iter().map(|preset| preset.name);
    names.filter(|name| name.contains(only)).collect()
}

/// Share of `designs` random designs of a preset that work, with Wilson's 95 % interval beside it.
///
/// # Errors
/// A name that is no preset.
pub fn measure(preset: &str, designs: usize) -> Result<Entry, Error> {
    let config = Config {
        preset: Some(preset.to_owned()),
        ..Config::default()
    };
    let share = selectivity(&Settings::new(&config)?, designs, SEED)?;
    let interval = wilson(share.work as u64, share.designs as u64);
    let mut entry = Entry::new(preset, share.share(), "share of designs that work");
    for (key, value) in [
        ("low", json!(interval.map(|i| i.low))),
        ("high", json!(interval.map(|i| i.high))),
        ("designs", json!(share.designs)),
        ("can_reach", json!(share.can_reach)),
        ("work", json!(share.work)),
    ] {
        entry.details.insert(key.into(), value);
    }
    Ok(entry)
}
