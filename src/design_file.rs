//! `design.json`: everything another person needs to build or judge a design.

use std::path::Path;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::Value;
use tandem_core::DesignSpace;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::registry;

/// A design with the problem it belongs to. Read are problem, task, names and values, so that one that somebody sent
/// may have no more; the rest is for people.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct DesignFile {
    /// Name of the problem, as it is written: the experiment that is made of it checks it.
    #[serde(default)]
    pub problem: Value,
    /// The problem's own settings.
    #[serde(default)]
    pub task: Value,
    /// Name of the method that found it.
    #[serde(skip_deserializing)]
    pub method: String,
    /// Seed of the run.
    #[serde(skip_deserializing)]
    pub seed: u64,
    /// The design.
    pub parameters: Vec<ParameterValue>,
}

/// A parameter of the design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ParameterValue {
    /// Its name.
    pub name: String,
    /// Its value in its unit; `None` where the file has no number.
    #[serde(default, deserialize_with = "number")]
    pub value: Option<f64>,
    /// Its unit.
    #[serde(skip_deserializing)]
    pub unit: String,
    /// Its lower bound.
    #[serde(skip_deserializing)]
    pub low: f64,
    /// Its upper bound.
    #[serde(skip_deserializing)]
    pub high: f64,
    /// Its value in the start design.
    #[serde(skip_deserializing)]
    pub start: f64,
}

/// What is no number is left to [`DesignFile::values`], which can say whose value it was to be.
fn number<'a, D: Deserializer<'a>>(deserializer: D) -> Result<Option<f64>, D::Error> {
    Value::deserialize(deserializer).map(|value| value.as_f64())
}

impl DesignFile {
    /// The file of a design with these values, in the order of the space's parameters.
    pub fn new(experiment: &Experiment, space: &DesignSpace, values: &[f64]) -> Self {
        let parameters = space.parameters.iter().zip(values);
        let parameters = parameters.map(|(parameter, &value)| ParameterValue {
            name: parameter.name.clone(),
            value: Some(value),
            unit: parameter.unit.clone(),
            low: parameter.low,
            high: parameter.high,
            start: parameter.start,
        });
        Self {
            problem: experiment.problem.clone().into(),
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
            let value = listed.and_then(|entry| entry.value);
            design.push(value.ok_or_else(|| fail(format!("parameter `{}` has no value", parameter.name)))?);
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
        assert_eq!((&read.problem, &read.task), (&file.problem, &file.task));
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
            (
                r#"{"parameters": [{"name": "link_1_length", "value": "long"}]}"#,
                "`link_1_length` has no value",
            ),
            (r#"{"parameters": {}}"#, "a list of {name, value}"),
            (r#"{}"#, "a list of {name, value}"),
        ] {
            let message = read(text).unwrap_err().to_string();
            assert!(message.contains(part) && message.contains("design.json"), "{message}");
        }
    }
}
