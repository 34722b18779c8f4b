//! Experiments as they are read: from files, run folders and designs. Everything in them is checked, also what problems and
//! methods own.

use std::path::Path;

use crate::adaptation::LanguageExperiment;
use crate::design_file::DesignFile;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::registry::{self, Instance};
use crate::run_folder::RunFolder;
use crate::sets::split_sets;
use crate::strict::Located;

impl Experiment {
    /// Reads and checks an experiment file, with `PATH=VALUE` settings applied.
    ///
    /// # Errors
    /// The first thing that is not right: where it stands, what is wrong, what to write instead.
    pub fn read(path: &Path, sets: &[String]) -> Result<Self, Error> {
        Ok(Checked::read(path, sets)?.experiment)
    }

    /// Reads and checks an experiment's text; `origin` names it in messages.
    ///
    /// # Errors
    /// As [`Experiment::read`].
    pub fn parse(text: &str, origin: &str) -> Result<Self, Error> {
        Ok(Checked::of(Located::parse(text, origin, &[])?)?.experiment)
    }

    /// The experiment of a run folder.
    ///
    /// # Errors
    /// A file that is missing or has been changed to something that is not right.
    pub fn from_run(folder: &RunFolder) -> Result<Self, Error> {
        Ok(Checked::from_run(folder)?.experiment)
    }

    /// The experiment that judges a lone `design.json`: its problem, defaults for the rest; `origin` names
    /// the file in messages.
    ///
    /// # Errors
    /// A document without a known problem.
    pub fn for_design(design: &DesignFile, origin: &str) -> Result<Self, Error> {
        let document = serde_json::json!({
            "problem": design.problem, "task": design.task, "method": "fixed",
        });
        Self::parse(&document.to_string(), origin)
    }
}

/// An experiment with what it was checked by.
pub struct Checked {
    /// The experiment.
    pub experiment: Experiment,
    /// Its text, for messages that name a line.
    pub located: Located,
    /// Its problem.
    pub instance: Instance,
}

impl Checked {
    /// Reads and checks an experiment file, with `PATH=VALUE` settings applied.
    ///
    /// # Errors
    /// As [`Experiment::read`].
    pub fn read(path: &Path, sets: &[String]) -> Result<Self, Error> {
        refuse_language(path)?;
        Self::of(Located::read_file(path, &split_sets(sets)?)?)
    }

    /// The experiment of a run folder.
    ///
    /// # Errors
    /// As [`Experiment::from_run`].
    pub fn from_run(folder: &RunFolder) -> Result<Self, Error> {
        folder.check_bundled()?;
        Self::read(&folder.file("experiment.json"), &[])
    }

    /// Reads and checks an experiment's text; `origin` names it in messages, and relative paths start at its folder.
    ///
    /// # Errors
    /// As [`Experiment::read`].
    pub fn parse(text: &str, origin: &str, sets: &[(String, String)]) -> Result<Self, Error> {
        Self::of(Located::parse(text, origin, sets)?)
    }

    /// Checks an experiment that has been read.
    ///
    /// # Errors
    /// As [`Experiment::read`].
    pub fn of(located: Located) -> Result<Self, Error> {
        let mut experiment: Experiment = located.read()?;
        experiment.base = crate::atomic::folder_of(Path::new(located.origin())).to_owned();
        experiment.check().map_err(|error| located.refuse("", error))?;
        let instance = registry::check(&experiment, &located)?;
        Ok(Self {
            experiment,
            located,
            instance,
        })
    }
}

/// Refuses an experiment about a language model, which no trainer by reward reads.
///
/// # Errors
/// [`Error::Input`] with the commands that do.
pub(crate) fn refuse_language(path: &Path) -> Result<(), Error> {
    if !LanguageExperiment::is_at(path) {
        return Ok(());
    }
    let text = "is about a language model, which learns from text, not by trial: `tandem train` (with a section \
                `codesign`), `adapt`, `explore` and `generate` run it";
    Err(Error::Input(format!("{}: {text}", path.display())))
}
