//! Whether the physical machines have converged at their shipped step.

use serde::Serialize;
use serde_json::{Value, json};
use tandem_core::Problem;

use crate::convergence::{Deviation, is_continuous, random};
use crate::error::Error;
use crate::judge::Starts;
use crate::registry::{ProblemEntry, problems};

/// The finest step is the shipped one divided by this.
const FINEST: usize = 8;
/// Episodes per design, and of those that the independent engine plays, which may be slow.
const EPISODES: usize = 8;
const REFERENCE_EPISODES: usize = 2;
/// A machine has converged if it deviates by no more than this at its shipped step.
pub const BAR: f64 = 0.02;

/// The deviation of one machine at one step from the same at an eighth of the shipped step, or of that from another engine.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// Name of the problem.
    pub problem: &'static str,
    /// Its preset.
    pub preset: String,
    /// Which design: the start, or the middle of all ranges.
    pub design: &'static str,
    /// What is compared: `step / 1`, `step / 2`, ... or `other engine`.
    pub machine: String,
    /// How far it is from the machine at the finest step.
    #[serde(flatten)]
    pub deviation: Deviation,
    /// Whether that is within [`BAR`]; only the shipped step has to be.
    pub converged: bool,
}

/// A problem's preset with a machine that can be refined.
pub struct Case {
    problem: &'static str,
    preset: String,
    built: Box<dyn Problem>,
}

impl Case {
    /// `PROBLEM PRESET`.
    pub fn name(&self) -> String {
        format!("{} {}", self.problem, self.preset)
    }

    /// All rows of this preset.
    ///
    /// # Errors
    /// A design that cannot be built.
    pub fn measure(&self, episodes: Option<usize>) -> Result<Vec<Row>, Error> {
        let space = self.built.hardware();
        let space = space.space();
        let middle = space.values(&vec![0.0; space.len()]);
        let mut rows = Vec::new();
        for (name, design) in [("start", space.start()), ("middle", middle)] {
            self.measure_design(name, &design, episodes.unwrap_or(EPISODES), &mut rows)?;
        }
        Ok(rows)
    }

    fn measure_design(
        &self,
        name: &'static str,
        design: &[f64],
        episodes: usize,
        rows: &mut Vec<Row>,
    ) -> Result<(), Error> {
        let starts = |episodes| Starts {
            name: "convergence",
            seed: 0,
            episodes,
        };
        let mut push = |machine: String, deviation: Deviation| {
            rows.push(Row {
                problem: self.problem,
                preset: self.preset.clone(),
                design: name,
                machine,
                converged: deviation.trajectory <= BAR && deviation.total_return <= BAR,
                deviation,
            });
        };
        let Some(finest) = self.built.refined(FINEST) else {
            return Ok(());
        };
        for divided in [1, 2, 4] {
            let Some(machine) = self.built.refined(divided) else {
                continue;
            };
            let tracks = random(&*machine, design, starts(episodes))?;
            push(format!("step / {divided}"), tracks.against(&*finest)?);
        }
        if let Some(reference) = self.built.reference() {
            let tracks = random(&*finest, design, starts(episodes.min(REFERENCE_EPISODES)))?;
            push("other engine".into(), tracks.against(&*reference)?);
        }
        Ok(())
    }
}

/// All presets with a physical machine whose names contain `only`.
///
/// # Errors
/// A preset that makes no problem.
pub fn cases(only: &str) -> Result<Vec<Case>, Error> {
    let mut cases = Vec::new();
    for entry in problems() {
        for preset in presets(entry) {
            let built = (entry.build)(&json!({ "preset": preset }))?.problem;
            let case = Case {
                problem: entry.name,
                preset,
                built,
            };
            if is_continuous(&*case.built) && case.built.refined(2).is_some() && case.name().contains(only) {
                cases.push(case);
            }
        }
    }
    Ok(cases)
}

/// Names of a problem's presets.
fn presets(entry: &ProblemEntry) -> Vec<String> {
    let variants = (entry.variants)();
    let names = variants.iter().filter_map(|(name, _)| name.strip_prefix("preset "));
    names.map(str::to_owned).collect()
}

/// The document of `tandem bench convergence --json`.
pub fn document(rows: &[Row]) -> Value {
    json!({ "bar": BAR, "rows": rows })
}
