//! A machine that has a file of its own in another simulator's format.

use std::path::PathBuf;

/// The file of a machine as a design changes it, with what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ModelFile {
    /// Where it stands relative to `files`.
    pub path: PathBuf,
    /// MJCF.
    pub xml: String,
    /// Meshes, textures and the like: relative paths and what they hold.
    pub files: Vec<(PathBuf, Vec<u8>)>,
}
