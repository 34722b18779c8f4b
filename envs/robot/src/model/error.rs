//! What can be wrong with a robot's file or its design parameters, each with the setting to blame.

use std::path::PathBuf;

use tandem_core::check::SettingError;
use tandem_core::design::DesignError;
use tandem_core::spelling::nearest;
use thiserror::Error;

use crate::engine::EngineError;

/// A robot that cannot be built.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum ModelError {
    /// The robot's file cannot be read or is no robot.
    #[error("{}: {reason}", .path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong; MuJoCo's own words where it refuses the file, which name the line.
        reason: String,
    },
    /// A setting of the task is refused.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The file is right and the edited one is not.
    #[error("{design}: {reason}")]
    Design {
        /// Which design: its parameters by name, or where in the design box it lies.
        design: String,
        /// What is wrong.
        reason: String,
    },
}

impl ModelError {
    /// A setting that is refused.
    pub(super) fn setting(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self::Setting(SettingError::new(key, reason))
    }

    /// The same, said of the design with this label instead of its values.
    pub(super) fn labelled(self, label: &str) -> Self {
        match self {
            Self::Design { reason, .. } => Self::Design {
                design: label.into(),
                reason,
            },
            other => other,
        }
    }
}

/// Lays the blame on a setting: `model`, `design[2].edit[0]`, or `design` for a design that cannot be built.
impl From<ModelError> for SettingError {
    fn from(error: ModelError) -> Self {
        match error {
            ModelError::Setting(setting) => setting,
            ModelError::File { .. } => Self::new("model", error.to_string()),
            ModelError::Design { .. } => Self::new("design", error.to_string()),
        }
    }
}

impl From<DesignError> for ModelError {
    fn from(error: DesignError) -> Self {
        Self::setting("design", error.to_string())
    }
}

impl From<EngineError> for ModelError {
    fn from(error: EngineError) -> Self {
        Self::Design {
            design: "the robot".into(),
            reason: error.to_string(),
        }
    }
}

/// MuJoCo's words in one line.
pub(super) fn said(error: impl std::fmt::Display) -> String {
    let text = error.to_string();
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
    lines.collect::<Vec<_>>().join(", ")
}

/// How many names a message lists before it is cut short.
const LISTED: usize = 12;

/// "there is no body `thihg`; did you mean `thigh`? Bodies are: `torso`, `thigh`".
pub(crate) fn unknown<'a>(kind: &str, wanted: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let mut known: Vec<&str> = known.into_iter().filter(|name| !name.is_empty()).collect();
    known.dedup();
    let plural = match kind.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if kind.ends_with("sh") => format!("{kind}es"),
        None => format!("{kind}s"),
    };
    if known.is_empty() {
        return format!("there is no {kind} `{wanted}`; the file names no {plural}");
    }
    let near = nearest(wanted, known.iter().copied());
    let hint = near.map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    let listed: Vec<String> = known.iter().take(LISTED).map(|name| format!("`{name}`")).collect();
    let rest = match known.len().saturating_sub(LISTED) {
        0 => String::new(),
        more => format!(" and {more} more"),
    };
    let stop = if hint.is_empty() { "; " } else { " " };
    format!(
        "there is no {kind} `{wanted}`{hint}{stop}{plural} are: {}{rest}",
        listed.join(", ")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_gets_the_nearest_one() {
        let text = unknown("body", "thihg", ["torso", "thigh", "foot"]);
        assert_eq!(
            text,
            "there is no body `thihg`; did you mean `thigh`? bodies are: `torso`, `thigh`, `foot`"
        );
        let text = unknown("mesh", "wheel", ["a"]);
        assert_eq!(text, "there is no mesh `wheel`; meshes are: `a`");
    }
}
