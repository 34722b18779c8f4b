//! A robot's files as one bundle, to be stored with a run.

use std::path::{Path, PathBuf};

use super::error::ModelError;
use super::files::{Files, tidy};

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
    let refuse = |path: &Path, error: std::io::Error| ModelError::File {
        path: path.into(),
        reason: format!("cannot be read: {error}"),
    };
    let mut whole = Vec::new();
    for path in files.all() {
        let path = std::path::absolute(path).map_err(|error| refuse(path, error))?;
        whole.push(tidy(&path));
    }
    let beside = whole[0].parent().unwrap_or(Path::new("/")).to_path_buf();
    let common = whole.iter().skip(1).fold(beside, |common, path| {
        let shared = common.components().zip(path.components()).take_while(|(a, b)| a == b);
        shared.map(|(part, _)| part).collect()
    });
    let mut bundled = Vec::new();
    for path in &whole {
        let bytes = std::fs::read(path).map_err(|error| refuse(path, error))?;
        let inside = path.strip_prefix(&common).unwrap_or(path);
        bundled.push((inside.to_path_buf(), bytes));
    }
    Ok(RobotFiles {
        model: bundled[0].0.clone(),
        files: bundled,
    })
}
