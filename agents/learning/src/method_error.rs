//! Why a method of design cannot be built or cannot go on.

use tandem_core::check::SettingError;
use thiserror::Error;

/// Why a method cannot be built or cannot go on.
#[derive(Debug, Error)]
pub enum MethodError {
    /// A setting is wrong.
    #[error(transparent)]
    Setting(#[from] SettingError),
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
