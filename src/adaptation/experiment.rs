//! The experiment of a language model: its text and everything that the pipeline needs.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_core::check::within;
use tandem_language::{CodesignSettings, LanguageError, Settings};

use super::public;
use super::source::TextSettings;
use crate::error::Error;
use crate::experiment::CheckpointSettings;
use crate::strict::Located;

/// Sections that no other experiment has.
const OWN: [&str; 4] = ["language", "codesign", "text", "weights"];

/// A whole experiment of `tandem adapt`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct LanguageExperiment {
    /// Where an editor finds the schema of this file, which `tandem schema` prints; it changes nothing.
    #[serde(rename = "$schema", skip_serializing)]
    pub schema: Option<String>,
    /// One line that says what the experiment shows.
    pub title: String,
    /// What is learnt.
    pub text: TextSettings,
    /// Weights to start from instead of random ones: safetensors with GPT-2's names, in single or half precision, or the folder
    /// of such a model. A `config.json` beside them says its layers, heads and width.
    pub weights: Option<PathBuf>,
    /// Model, circuit, training and stages.
    pub language: Settings,
    /// Co-design of circuit and model, which `tandem train` does after the adaptation.
    pub codesign: Option<CodesignSettings>,
    /// When the run is saved.
    pub checkpoint: CheckpointSettings,
}

impl LanguageExperiment {
    /// Whether a file is meant as one of these: it names no problem and has a section that only these have, so that a
    /// typo in one of them is reported as such.
    pub fn is_at(path: &Path) -> bool {
        Located::read_file(path, &[]).is_ok_and(|found| {
            let has = |key: &&str| found.value().get(*key).is_some();
            !has(&"problem") && OWN.iter().any(has)
        })
    }

    /// Reads and checks an experiment file, with `PATH=VALUE` settings applied.
    ///
    /// # Errors
    /// The first thing that is not right: where it stands, what is wrong, what to write instead.
    pub fn read(path: &Path, sets: &[(String, String)]) -> Result<Self, Error> {
        Self::of(&Located::read_file(path, sets)?)
    }

    /// Checks an experiment that has been read.
    ///
    /// # Errors
    /// As [`LanguageExperiment::read`].
    pub fn of(located: &Located) -> Result<Self, Error> {
        let mut experiment: Self = located.read()?;
        if let Some(weights) = &experiment.weights {
            let shape = &mut experiment.language.model;
            public::fill_shape(weights, located, shape).map_err(|error| located.refuse("", error))?;
        }
        experiment.language.check().map_err(|error| match error {
            LanguageError::Setting(error) => located.refuse("language", error).into(),
            LanguageError::Circuit(error) => {
                let path = format!("language.circuit.{}", error.key());
                located.fail_at(&path, error.reason()).into()
            }
            error => Error::from(error),
        })?;
        if let Some(codesign) = &experiment.codesign {
            codesign.check().map_err(|error| located.refuse("codesign", error))?;
        }
        within("characters", experiment.text.characters, [1, 100_000_000])
            .map_err(|error| located.refuse("text", error))?;
        Ok(experiment)
    }
}
