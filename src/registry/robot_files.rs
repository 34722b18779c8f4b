//! The files of a robot: its model and all that it includes.

use std::path::Path;

use serde::Deserialize;
use serde_json::Value;
use tandem_core::ProblemError;
use tandem_core::check::SettingError;
use tandem_robot::Config;

use super::files::{Bundle, BundledFile, Files};
use super::problem_entry;
use crate::error::Error;
use crate::experiment::Experiment;

/// `task.model`.
pub(super) const FILES: Files = Files { locate, bundle };

/// The task of an experiment about a robot, its files found.
///
/// # Errors
/// An experiment about something else.
pub fn robot(experiment: &Experiment) -> Result<Config, Error> {
    if experiment.problem != "robot" {
        let text = format!(
            "the experiment is about `{}`; this command is for problem `robot`",
            experiment.problem
        );
        return Err(Error::Input(text));
    }
    let task = problem_entry(experiment)?.located(experiment);
    Config::deserialize(&*task).map_err(|error| Error::Input(format!("task: {error}")))
}

fn locate(task: &mut Value, base: &Path) {
    if let Some(Value::String(model)) = task.get_mut("model") {
        *model = base.join(&*model).to_string_lossy().into_owned(); // an absolute path stays
    }
}

/// The model and its files in a folder named by a digest of them all, so that two runs of the same robot are the same.
fn bundle(task: &Value) -> Result<Bundle, ProblemError> {
    let config = Config::deserialize(task).map_err(|error| SettingError::new("", error.to_string()))?;
    let files = tandem_robot::model::bundle(&config.model).map_err(SettingError::from)?;
    let mut digest = crc32fast::Hasher::new();
    for (path, bytes) in &files.files {
        digest.update(path.to_string_lossy().as_bytes());
        digest.update(bytes);
    }
    let folder = format!("model-{:08x}", digest.finalize());
    let mut task = task.clone();
    task["model"] = Path::new(&folder).join(&files.model).to_string_lossy().into();
    let inside = |(path, bytes)| BundledFile {
        path: Path::new(&folder).join(path),
        bytes,
    };
    Ok(Bundle {
        task,
        files: files.files.into_iter().map(inside).collect(),
    })
}
