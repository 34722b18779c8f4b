//! How hard the presets are: the share of random designs that work.

use serde_json::json;

use super::Entry;
use crate::error::Error;
use crate::registry::{Selectivity, problems};
use crate::statistics::{Estimate, wilson};

/// Seed of the designs.
const SEED: u64 = 0;

/// The presets whose names contain `only`, each with what measures it.
pub fn presets(only: &str) -> Vec<(&'static str, &'static Selectivity)> {
    let selective = problems().iter().filter_map(|p| p.selectivity.as_ref());
    let presets = selective.flat_map(|s| s.presets.iter().map(move |preset| (preset.name, s)));
    presets.filter(|(name, _)| name.contains(only)).collect()
}

/// Share of `designs` random designs of a preset that work, and its entry with Wilson's 95 % interval beside it.
///
/// # Errors
/// A preset that makes no problem.
pub fn measure(
    preset: &'static str,
    selectivity: &Selectivity,
    designs: usize,
) -> Result<(Entry, Option<Estimate>), Error> {
    let share = (selectivity.measure)(preset, designs, SEED)?;
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
    Ok((entry, interval))
}
