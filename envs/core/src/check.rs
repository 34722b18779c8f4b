//! Checks of a problem's settings, so that every refusal names the key, the value and what is allowed.

use std::fmt::Display;

use crate::problem::ProblemError;

/// The error for a setting.
pub fn refuse<T>(key: &str, reason: String) -> Result<T, ProblemError> {
    Err(ProblemError::Setting {
        key: key.into(),
        reason,
    })
}

/// The value, if it lies between these bounds (inclusive).
pub fn within<T: PartialOrd + Display>(key: &str, value: T, [low, high]: [T; 2]) -> Result<T, ProblemError> {
    if value >= low && value <= high {
        return Ok(value);
    }
    let reason = format!("is {value}; it must lie between {low} and {high}");
    refuse(key, reason)
}
