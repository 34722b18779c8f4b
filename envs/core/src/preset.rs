//! Presets of problems, and how hard they are: the share of random designs that work.

use serde::Serialize;

use crate::check::refuse;
use crate::problem::ProblemError;

/// A preset of a problem.
#[derive(Clone, Copy, Debug)]
pub struct Preset {
    /// Name, the `preset` key of the problem's settings.
    pub name: &'static str,
    /// What it is for, with the measured share of random designs that work.
    pub about: &'static str,
}

/// The preset of this name.
///
/// # Errors
/// A name that none of them has.
pub fn choose(presets: &'static [Preset], name: &str) -> Result<&'static Preset, ProblemError> {
    let found = presets.iter().find(|preset| preset.name == name);
    found.map_or_else(
        || {
            let names: Vec<&str> = presets.iter().map(|preset| preset.name).collect();
            let reason = format!("is `{name}`; it must be one of {}", names.join(", "));
            refuse("preset", reason)
        },
        Ok,
    )
}

/// Share of random designs that work.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Share {
    /// Designs drawn.
    pub designs: usize,
    /// Those that could do the task, or a part of it, at best; each problem says what it counts.
    pub can_reach: usize,
    /// Those of them that did all of it.
    pub work: usize,
}

impl Share {
    /// Share that works, in [0, 1].
    pub fn share(&self) -> f64 {
        self.work as f64 / self.designs.max(1) as f64
    }
}
