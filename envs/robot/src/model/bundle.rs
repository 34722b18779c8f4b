//! A robot's files as one bundle, to be stored with a run.

use std::path::{Path, PathBuf};

use super::error::ModelError;
use super::files::Files;

/// A robot's files, each in the same place relative to the others.
#[derive(Clone, Debug)]
pub struct RobotFiles {
    /// Path of the robot's own file in the bundle.
    pub model: PathBuf,
    /// Paths in the bundle and what the files hold.
    pub files: Vec<(PathBuf, Vec<u8>)>,
}

/// Reads the file of a robot and every file that it includes or refers to.
///
/// # Errors
/// A file that cannot be read.
pub fn bundle(model: &Path) -> Result<RobotFiles, ModelError> {
    let files = Files::of(model)?;
    let mut bundled: Vec<(PathBuf, Vec<u8>)> = Vec::new();
    for (path, inside) in files.placed() {
        let content = std::fs::read(path).map_err(|error| ModelError::File {
            path: path.into(),
            reason: format!("cannot be read: {error}"),
        })?;
        bundled.push((inside.into(), content));
    }
    Ok(RobotFiles {
        model: bundled[0].0.clone(),
        files: bundled,
    })
}
