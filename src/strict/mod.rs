//! Experiment files, read strictly: a typo must not train.
//!
//! Every error is one message that names file, line, column and path, says what is wrong, and what to write instead:
//!
//! ```text
//! experiments/quickstart.json:12:5: ppo.rat: unknown key `rat`; did you mean `rate`? Valid keys: rate, clip, epochs
//! --set ppo.rate=fast: ppo.rate: expected a number, got the text "fast"
//! ```
//!
//! [`load`] does it in one call. [`Located`] also keeps the lines, so that checks made later (ranges, names that must
//! exist) can point at them too. Unknown keys are found in structs with `#[serde(deny_unknown_fields)]`.

mod explain;
mod node;
mod path;
mod scan;
mod set;

use std::collections::BTreeMap;
use std::path::Path;

use serde::de::DeserializeOwned;
use serde_json::Value;
use tandem_core::check::SettingError;

pub use scan::Position;

/// What is wrong with an experiment, ready to be printed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub struct ConfigError {
    /// File name, or the `--set` argument.
    pub origin: String,
    /// Where in the file.
    pub position: Option<Position>,
    /// Path of the value, for example `ppo.rate` or `walls[2].x`; empty for the whole file.
    pub path: String,
    /// What is wrong, and what to write instead.
    pub reason: String,
}

impl ConfigError {
    fn message(&self) -> String {
        let mut text = self.origin.clone();
        if let Some(at) = self.position {
            text += &format!(":{}:{}", at.line, at.column);
        }
        text += ": ";
        if !self.path.is_empty() {
            text += &format!("{}: ", self.path);
        }
        text += &self.reason;
        // Keys and file names may hold line ends; a message is one line all the same.
        let escaped = |c: char| {
            if c.is_control() {
                c.escape_debug().to_string()
            } else {
                c.to_string()
            }
        };
        text.chars().map(escaped).collect()
    }
}

/// Reads an experiment from `text`.
///
/// `origin` is the file's name, for messages. `sets` are the command line's `--set path=value`, applied in order: the
/// path is as in messages, the value is read as JSON, or else taken as text.
///
/// # Errors
/// The text is no JSON, has a key twice, has an unknown key, lacks one, or a value has the wrong type.
pub fn load<T: DeserializeOwned>(text: &str, origin: &str, sets: &[(String, String)]) -> Result<T, ConfigError> {
    Located::parse(text, origin, sets)?.read()
}

/// A JSON document that knows where each of its values stands.
#[derive(Clone, Debug)]
pub struct Located {
    origin: String,
    value: Value,
    /// Position of each value, by path; of an object's member, the position of its key.
    positions: BTreeMap<String, Position>,
    /// Path and text of each `--set`.
    sets: Vec<(String, String)>,
}

impl Located {
    /// Reads the file at `path`.
    ///
    /// # Errors
    /// As [`load`]; also where there is no file, or it is a folder or no UTF-8 text.
    pub fn read_file(path: &Path, sets: &[(String, String)]) -> Result<Self, ConfigError> {
        let origin = path.display().to_string();
        let failed = |position, reason: String| ConfigError {
            origin: origin.clone(),
            position,
            path: String::new(),
            reason,
        };
        if path.is_dir() {
            return Err(failed(None, "is a folder; name a JSON file".into()));
        }
        let bytes = std::fs::read(path).map_err(|error| match error.kind() {
            std::io::ErrorKind::NotFound => failed(None, "there is no such file".into()),
            _ => failed(None, format!("cannot be read: {error}")),
        })?;
        match std::str::from_utf8(&bytes) {
            Ok(text) => Self::parse(text, &origin, sets),
            Err(error) => {
                let before = String::from_utf8_lossy(&bytes[..error.valid_up_to()]).into_owned();
                let at = Position::at_end_of(&before);
                Err(failed(Some(at), "not UTF-8 text; save the file as UTF-8".into()))
            }
        }
    }

    /// Reads a document and applies the `--set` arguments.
    ///
    /// # Errors
    /// The text is no JSON or has a key twice, or a `--set` has no place in it.
    pub fn parse(text: &str, origin: &str, sets: &[(String, String)]) -> Result<Self, ConfigError> {
        // Some Windows editors begin files with this mark; it carries no meaning in UTF-8.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let scanned = scan::scan(text).map_err(|fault| ConfigError {
            origin: origin.to_owned(),
            position: Some(fault.position),
            path: fault.path,
            reason: fault.reason,
        })?;
        let mut located = Self {
            origin: origin.to_owned(),
            value: scanned.value,
            positions: scanned.positions,
            sets: Vec::new(),
        };
        for (path, value) in sets {
            let path = set::apply(&mut located.value, path, value)?;
            located.sets.push((path, value.clone()));
        }
        Ok(located)
    }

    /// The file's name.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// The whole document, with every `--set` applied.
    pub fn value(&self) -> &Value {
        &self.value
    }

    /// The document as a `T`.
    ///
    /// # Errors
    /// An unknown or missing key, or a value of the wrong type.
    pub fn read<T: DeserializeOwned>(&self) -> Result<T, ConfigError> {
        self.read_value(&self.value, "")
    }

    /// The part of the document at `path` as a `T`, for parts with a reader of their own. An absent part is read as
    /// `{}`.
    ///
    /// # Errors
    /// As [`Located::read`]; messages name the path from the document's root.
    pub fn read_at<T: DeserializeOwned>(&self, path: &str) -> Result<T, ConfigError> {
        let empty = Value::Object(serde_json::Map::new());
        let found = set::find(&self.value, path).unwrap_or(&empty);
        self.read_value(found, path)
    }

    /// The line of the value at `path`, from 1; `None` where it is not in the file.
    pub fn line_of(&self, path: &str) -> Option<usize> {
        self.positions.get(path).map(|at| at.line)
    }

    /// An error about the value at `path`. It names the line, or the `--set` that the value came from; a path that
    /// is not in the file gets the line of the nearest part that is.
    pub fn fail_at(&self, path: &str, reason: impl Into<String>) -> ConfigError {
        let (origin, position) = match self.set_of(path) {
            Some((path, value)) => (format!("--set {path}={value}"), None),
            None => (self.origin.clone(), self.nearest(path)),
        };
        ConfigError {
            origin,
            position,
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    /// An error about a setting that the owner of this section refuses.
    pub fn refuse(&self, section: &str, error: SettingError) -> ConfigError {
        self.fail_at(&path::join(section, &error.key), error.reason)
    }

    fn read_value<T: DeserializeOwned>(&self, value: &Value, at: &str) -> Result<T, ConfigError> {
        serde_path_to_error::deserialize(node::Node(value)).map_err(|error| {
            let inner = error.path().to_string();
            let inner = if inner == "." { "" } else { &inner };
            let fault = explain::explain(value, inner, &error.inner().to_string());
            self.fail_at(&path::join(at, &fault.path), fault.reason)
        })
    }

    /// The last `--set` that made the value at `path`, or the part of it that only a `--set` can have made.
    fn set_of(&self, path: &str) -> Option<&(String, String)> {
        let made = |set: &&(String, String)| {
            path::is_within(path, &set.0) || (path::is_within(&set.0, path) && !self.positions.contains_key(path))
        };
        self.sets.iter().rev().find(made)
    }

    fn nearest(&self, path: &str) -> Option<Position> {
        let mut path = path;
        loop {
            if let Some(position) = self.positions.get(path) {
                return Some(*position);
            }
            path = &path[..path.rfind(['.', '[']).unwrap_or(0)]; // the whole file is the path ""
        }
    }
}

#[cfg(test)]
mod tests;
