//! What a calibration leaves behind: the machine, and the layers that were measured on it.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::demand::Demand;
use crate::input::{InputError, read_text};

/// The name that a calibration file bears.
pub const FORMAT: &str = "tandem host calibration 2";

/// Where it was measured.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Machine {
    /// The processor's name.
    pub processor: String,
    /// Threads of the library.
    pub threads: u32,
}

/// A layer that was measured.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Sample {
    /// What it is, for people.
    pub layer: String,
    /// What it asks for.
    pub demand: Demand,
    /// Processor time of the thread, s: lower quartile of the runs.
    pub cpu_seconds: f64,
    /// Time on the wall, s: the same.
    pub wall_seconds: f64,
    /// Runs.
    pub runs: usize,
}

/// A calibration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Calibration {
    /// [`FORMAT`].
    pub format: String,
    /// Where.
    pub machine: Machine,
    /// Seed of the random layers.
    pub seed: u64,
    /// How far repeated measurements were from each other, %.
    pub repeat_percent: f64,
    /// Time between two layers that belongs to neither, s.
    pub dispatch_seconds: f64,
    /// The layers.
    pub samples: Vec<Sample>,
}

impl Calibration {
    /// Reads a file.
    ///
    /// # Errors
    /// A file that cannot be read or is no calibration.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        let origin = path.display().to_string();
        let text = read_text(path)?;
        let wrong = |reason: String| InputError::file(&origin, reason);
        let calibration: Self =
            serde_json::from_str(&text).map_err(|error| wrong(format!("is no calibration of a host: {error}")))?;
        if calibration.format != FORMAT {
            let found = &calibration.format;
            return Err(wrong(format!("has the format \"{found}\"; expected \"{FORMAT}\"")));
        }
        let sound = |seconds: f64| seconds.is_finite() && seconds > 0.0;
        for sample in &calibration.samples {
            if !sound(sample.cpu_seconds) || !sound(sample.wall_seconds) {
                let layer = &sample.layer;
                return Err(wrong(format!("has no positive times for \"{layer}\"")));
            }
        }
        let dispatch = calibration.dispatch_seconds;
        match dispatch.is_finite() && dispatch >= 0.0 {
            true => Ok(calibration),
            false => Err(wrong("`dispatch_seconds` must be a time".into())),
        }
    }
}
