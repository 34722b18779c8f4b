//! The experiment of a language model: its text and everything that the chain needs.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tandem_agents::language::{LanguageError, Settings, story};

use crate::error::Error;
use crate::experiment::CheckpointSettings;
use crate::strict::Located;

/// Longest text that is read, bytes.
const LONGEST_TEXT: u64 = 256 << 20;

/// A whole experiment of `tandem adapt`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LanguageExperiment {
    /// One line that says what the experiment shows.
    pub title: String,
    /// What is learnt.
    pub text: TextSettings,
    /// Weights to start from instead of random ones: safetensors with GPT-2's names.
    pub weights: Option<PathBuf>,
    /// Model, circuit, training and stages.
    pub language: Settings,
    /// When the run is saved.
    pub checkpoint: CheckpointSettings,
}

/// A text file, or stories made by rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct TextSettings {
    /// UTF-8 text; without it, stories are made.
    pub file: Option<PathBuf>,
    /// Length of the stories, characters.
    pub characters: usize,
    /// Seed of the stories; the same for all seeds of the model.
    pub seed: u64,
}

impl Default for TextSettings {
    fn default() -> Self {
        Self {
            file: None,
            characters: 500_000,
            seed: 0,
        }
    }
}

impl TextSettings {
    /// The text.
    ///
    /// # Errors
    /// A file that cannot be read, is too long or no UTF-8.
    pub fn read(&self) -> Result<String, Error> {
        let Some(path) = &self.file else {
            return Ok(story::story(self.seed, self.characters));
        };
        let fail =
            |reason: String| Error::Input(format!("text.file: {}: {reason}", path.display()));
        let about = std::fs::metadata(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => fail("there is no such file".into()),
            _ => fail(format!("cannot be read: {error}")),
        })?;
        if !about.is_file() {
            return Err(fail("is no file; name a text file".into()));
        }
        if about.len() > LONGEST_TEXT {
            return Err(fail(format!("is longer than {LONGEST_TEXT} bytes")));
        }
        let bytes =
            std::fs::read(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
        String::from_utf8(bytes).map_err(|_| fail("is not UTF-8 text".into()))
    }
}

impl LanguageExperiment {
    /// Whether a file is meant as one of these: it has the section `language`.
    pub fn is_at(path: &Path) -> bool {
        Located::read_file(path, &[]).is_ok_and(|found| found.value().get("language").is_some())
    }

    /// Reads and checks an experiment file, with `PATH=VALUE` settings applied.
    ///
    /// # Errors
    /// The first thing that is not right: where it stands, what is wrong, what to write instead.
    pub fn read(path: &Path, sets: &[(String, String)]) -> Result<Self, Error> {
        let located = Located::read_file(path, sets)?;
        let experiment: Self = located.read()?;
        experiment.language.check().map_err(|error| match &error {
            LanguageError::Setting { key, reason } => {
                Error::from(located.fail_at(&format!("language.{key}"), reason.clone()))
            }
            LanguageError::Circuit(inner) => {
                let path = format!("language.circuit.{}", inner.key());
                Error::from(located.fail_at(&path, inner.to_string()))
            }
            _ => Error::from(error),
        })?;
        let characters = experiment.text.characters;
        if !(1..=100_000_000).contains(&characters) {
            let reason = format!("is {characters}; it must lie between 1 and 100000000");
            return Err(located.fail_at("text.characters", reason).into());
        }
        Ok(experiment)
    }
}
