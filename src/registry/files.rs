//! Files that an experiment's `task` names: where they are found, and how they come into a run's folder, so that a run can be
//! moved, judged and gone on with wherever it lies.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tandem_core::ProblemError;

use super::{Instance, ProblemEntry, method_entry, problem_entry, setup};
use crate::error::Error;
use crate::experiment::Experiment;

/// How a problem's settings name files.
#[derive(Clone, Copy)]
pub struct Files {
    /// Rewrites relative paths in the settings, which start at this folder, so that they can be opened from the working
    /// directory.
    pub locate: fn(&mut Value, &Path),
    /// What a run's folder has to hold: the located settings are given.
    pub bundle: fn(&Value) -> Result<Bundle, ProblemError>,
}

/// A task whose files lie in a folder of their own.
#[derive(Clone, Debug, Default)]
pub struct Bundle {
    /// The settings, with paths that start at the run's folder.
    pub task: Value,
    /// The files.
    pub files: Vec<BundledFile>,
}

/// A file and where it goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BundledFile {
    /// Path in the run's folder.
    pub path: PathBuf,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

impl ProblemEntry {
    /// The experiment's settings, with paths that can be opened.
    pub(super) fn located<'a>(&self, experiment: &'a Experiment) -> Cow<'a, Value> {
        match self.files {
            None => Cow::Borrowed(&experiment.task),
            Some(files) => {
                let mut task = experiment.task.clone();
                (files.locate)(&mut task, &experiment.base);
                Cow::Owned(task)
            }
        }
    }
}

/// The experiment with every setting of its problem and of its method filled in, as they act; `instance` is its problem.
///
/// # Errors
/// A problem or method that is not registered, settings that they refuse.
pub fn resolved(experiment: &Experiment, instance: &Instance) -> Result<Experiment, Error> {
    let entry = problem_entry(experiment)?;
    let method = method_entry(experiment)?;
    let settings = (method.resolve)(&setup(experiment, instance, method.name))?;
    let mut resolved = Experiment {
        task: (entry.resolve)(&experiment.task)?,
        ..experiment.clone()
    };
    resolved.methods.insert(method.name.into(), settings);
    Ok(resolved)
}

/// The experiment as a run's folder holds it, every default filled in, and the files that go with it.
///
/// # Errors
/// A problem or method that is not registered, a file that cannot be read.
pub fn bundle(experiment: &Experiment, instance: &Instance) -> Result<(Experiment, Vec<BundledFile>), Error> {
    let entry = problem_entry(experiment)?;
    let mut whole = resolved(experiment, instance)?;
    let Some(files) = entry.files else {
        return Ok((whole, Vec::new()));
    };
    let bundle = (files.bundle)(&entry.located(&whole))?;
    whole.task = bundle.task;
    Ok((whole, bundle.files))
}
