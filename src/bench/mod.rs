//! Benchmarks of `tandem bench`: speed on this machine, PPO's learning, selectivity of the presets.

pub mod attention;
pub mod convergence;
pub mod kernels;
pub mod learning;
pub mod physics;
pub mod robot;
pub mod selectivity;
pub mod simulate;
pub mod training;

use serde::Serialize;
use serde_json::{Map, Value};

/// One measured number.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Entry {
    /// Name that scripts rely on.
    pub name: String,
    /// The number.
    pub value: f64,
    /// Its unit.
    pub unit: &'static str,
    /// What stands beside it.
    #[serde(flatten)]
    pub details: Map<String, Value>,
}

impl Entry {
    /// An entry without details.
    pub fn new(name: impl Into<String>, value: f64, unit: &'static str) -> Self {
        Self {
            name: name.into(),
            value,
            unit,
            details: Map::new(),
        }
    }
}
