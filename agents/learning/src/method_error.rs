//! Why a method of design cannot be built or cannot go on, and the check of its settings.

use thiserror::Error;

/// Why a method cannot be built or cannot go on.
#[derive(Debug, Error)]
pub enum MethodError {
    /// A setting is wrong.
    #[error("`{key}`: {reason}")]
    Setting {
        /// Path within the method's settings; empty for the whole.
        key: String,
        /// What is wrong and what would be right.
        reason: String,
    },
    /// The problem lacks what the method needs.
    #[error("method `{method}` cannot be used on this problem: {reason}")]
    Unsuitable {
        /// Name of the method.
        method: &'static str,
        /// What is missing.
        reason: String,
    },
    /// A preparation was asked to stop. The method is then unfinished: prepare it again from the start.
    #[error("stopped while the method was being prepared; nothing was changed")]
    Stopped,
    /// A number stopped being finite.
    #[error("{what} is no longer finite; the last checkpoint is intact")]
    NotFinite {
        /// Which number.
        what: String,
    },
}

/// Checks that a setting lies in a range.
///
/// # Errors
/// The setting is outside, or not a number.
pub fn within(key: &str, value: f64, low: f64, high: f64) -> Result<(), MethodError> {
    if value >= low && value <= high {
        return Ok(());
    }
    Err(MethodError::Setting {
        key: key.into(),
        reason: format!("{value} must lie between {low} and {high}"),
    })
}

/// Checks that all numbers of a kind were finite.
///
/// # Errors
/// They were not.
pub(crate) fn finite(all: bool, what: &str) -> Result<(), MethodError> {
    match all {
        true => Ok(()),
        false => Err(MethodError::NotFinite { what: what.into() }),
    }
}
