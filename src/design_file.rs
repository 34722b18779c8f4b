//! `design.json`: everything another person needs to build or judge a design.

use std::path::Path;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use tandem_core::DesignSpace;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::registry;

/// A design with the problem it belongs to. One that somebody sent may have no more than names and values.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesignFile {
    /// Name of the problem.
    #[serde(default)]
    pub problem: Option<String>,
    /// The problem's own settings.
    #[serde(default)]
    pub task: Value,
    /// Name of the method that found it.
    #[serde(default)]
    pub method: String,
    /// Seed of the run.
    #[serde(default)]
    pub seed: u64,
    /// The design.
    pub parameters: Vec<ParameterValue>,
}

/// A parameter of the design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterValue {
    /// Its name.
    pub name: String,
    /// Its value in its unit.
    pub value: f64,
    /// Its unit.
    #[serde(default)]
    pub unit: String,
    /// Its lower bound.
    #[serde(default)]
    pub low: f64,
    /// Its upper bound.
    #[serde(default)]
    pub high: f64,
    /// Its value in the start design.
    #[serde(default)]
    pub start: f64,
}

impl DesignFile {
    /// The file of a design with these values, in the order of the space's parameters.
    pub fn new(experiment: &Experiment, space: &DesignSpace, values: &[f64]) -> Self {
        let parameters = space.parameters.iter().zip(values);
        let parameters = parameters.map(|(parameter, &value)| ParameterValue {
            name: parameter.name.clone(),
            value,
            unit: parameter.unit.clone(),
            low: parameter.low,
            high: parameter.high,
            start: parameter.start,
        });
        Self {
            problem: Some(experiment.problem.clone()),
            task: experiment.task.clone(),
            method: experiment.method.clone(),
            seed: experiment.seed,
            parameters: parameters.collect(),
        }
    }

    /// Reads such a file.
    ///
    /// # Errors
    /// A file that cannot be read, or is none.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let fail = |reason: String| Error::Input(format!("{}: {reason}", path.display()));
        let text = std::fs::read_to_string(path)
            .map_err(|error| fail(format!("{error}; name a run folder or a design.json")))?;
        serde_json::from_str(&text)
            .map_err(|error| fail(format!("{error}; a design has `parameters`, a list of {{name, value}}")))
    }

    /// The values in the order of the problem's parameters, checked against their bounds; `path` names the file in
    /// messages.
    ///
    /// # Errors
    /// A parameter that is missing or out of bounds.
    pub fn values(&self, path: &Path, experiment: &Experiment) -> Result<Vec<f64>, Error> {
        let fail = |reason: String| Error::Input(format!("{}: {reason}", path.display()));
        let hardware = registry::problem(experiment)?.problem.hardware();
        let mut design = Vec::new();
        for parameter in &hardware.space().parameters {
            let listed = self.parameters.iter().find(|entry| entry.name == parameter.name);
            let listed = listed.ok_or_else(|| fail(format!("parameter `{}` has no value", parameter.name)))?;
            design.push(listed.value);
        }
        let checked = hardware.space().check(&design);
        checked.map_err(|error| fail(error.to_string()))?;
        Ok(design)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn experiment() -> Experiment {
        let text = include_str!("../experiments/quickstart.json");
        Experiment::parse(text, "quickstart.json").unwrap()
    }

    #[test]
    fn a_design_comes_back_in_the_order_of_the_parameters() {
        let experiment = experiment();
        let space = registry::problem(&experiment)
            .unwrap()
            .problem
            .hardware()
            .space()
            .clone();
        let start = space.start();
        let mut file = DesignFile::new(&experiment, &space, &start);
        file.parameters.reverse();
        let text = serde_json::to_string(&file).unwrap();
        let read: DesignFile = serde_json::from_str(&text).unwrap();
        assert_eq!(read, file);
        assert_eq!(read.values(Path::new("d"), &experiment).unwrap(), start);
    }

    #[test]
    fn names_and_values_are_enough_and_what_is_missing_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("design.json");
        let read = |text: &str| {
            std::fs::write(&path, text).unwrap();
            DesignFile::read(&path).and_then(|file| file.values(&path, &experiment()))
        };
        for (text, part) in [
            (r#"{"parameters": []}"#, "has no value"),
            (r#"{"parameters": {}}"#, "a list of {name, value}"),
            (r#"{}"#, "a list of {name, value}"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(part) && message.contains("design.json"), "{message}");
        }
    }
}
