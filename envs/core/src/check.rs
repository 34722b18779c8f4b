//! Checks of settings, for problems, methods and experiments alike: every refusal names the key, the value and what is
//! allowed.

use std::fmt::{Display, Formatter, LowerExp};

use serde::Deserialize;
use serde_json::Value;

/// A setting that is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SettingError {
    /// Path of the setting within its section; empty for the section as a whole.
    pub key: String,
    /// What is wrong and what would be right.
    pub reason: String,
}

impl Display for SettingError {
    fn fmt(&self, f: &mut Formatter<'_>) -> std::fmt::Result {
        match self.key.as_str() {
            "" => f.write_str(&self.reason),
            key => write!(f, "`{key}`: {}", self.reason),
        }
    }
}

impl std::error::Error for SettingError {}

impl SettingError {
    /// This setting is refused for this reason.
    pub fn new(key: impl Into<String>, reason: impl Into<String>) -> Self {
        Self {
            key: key.into(),
            reason: reason.into(),
        }
    }

    /// The same, seen from outside the section of this path.
    pub fn inside(self, section: &str) -> Self {
        let key = match self.key.as_str() {
            "" => section.into(),
            key => format!("{section}.{key}"),
        };
        Self { key, ..self }
    }
}

/// The error for a setting, as whatever error the caller returns.
///
/// # Errors
/// Always.
pub fn refuse<T, E: From<SettingError>>(key: &str, reason: impl Into<String>) -> Result<T, E> {
    Err(SettingError::new(key, reason).into())
}

/// The value, if it lies between these bounds (inclusive).
///
/// # Errors
/// It does not, or is not a number.
pub fn within<T: PartialOrd + Display + LowerExp>(
    key: impl Into<String>,
    value: T,
    [low, high]: [T; 2],
) -> Result<T, SettingError> {
    if value >= low && value <= high {
        return Ok(value);
    }
    let [value, low, high] = [value, low, high].map(short);
    let reason = format!("is {value}; it must lie between {low} and {high}");
    Err(SettingError::new(key, reason))
}

/// A number as it is read: in full unless it has too many digits.
fn short<T: Display + LowerExp>(value: T) -> String {
    match value.to_string() {
        plain if plain.len() <= 12 => plain,
        _ => format!("{value:e}"),
    }
}

/// The decimal number that is meant by a single-precision one, with as few digits as tell it apart: 0.07, not
/// 0.07000000029802322. Read back in single precision it is the same number.
pub fn decimal(value: f32) -> f64 {
    value.to_string().parse().unwrap_or(f64::from(value))
}

/// Reads a section of settings; an absent one means the defaults.
///
/// # Errors
/// An unknown key, or a value of another kind.
pub fn read<T: for<'a> Deserialize<'a> + Default>(section: &Value) -> Result<T, SettingError> {
    if section.is_null() {
        return Ok(T::default());
    }
    T::deserialize(section).map_err(|error| SettingError::new("", error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_names_key_value_and_bounds() {
        assert_eq!(within("rate", 0.5, [0.0, 1.0]), Ok(0.5));
        let error = within("rate", 2.0, [0.0, 1.0]).unwrap_err();
        assert_eq!(error.to_string(), "`rate`: is 2; it must lie between 0 and 1");
        assert_eq!(error.inside("ppo").key, "ppo.rate");
        assert!(within("rate", f64::NAN, [0.0, 1.0]).is_err());
        let error = within("clip", -1.0, [1e-12, f64::MAX]).unwrap_err();
        assert_eq!(
            error.reason,
            "is -1; it must lie between 1e-12 and 1.7976931348623157e308"
        );
    }

    #[test]
    fn decimals_are_those_that_were_written() {
        for value in [0.07_f32, -0.51, 1.95, 3.5, 1e-7, f32::MAX] {
            assert_eq!(decimal(value) as f32, value);
        }
        assert_eq!(decimal(0.07), 0.07);
    }

    #[test]
    fn an_absent_section_means_the_defaults() {
        #[derive(Debug, Default, PartialEq, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        struct Section {
            rate: f64,
        }
        assert_eq!(read::<Section>(&Value::Null), Ok(Section::default()));
        assert_eq!(read(&serde_json::json!({"rate": 2.0})), Ok(Section { rate: 2.0 }));
        let error = read::<Section>(&serde_json::json!({"rote": 2.0})).unwrap_err();
        assert!(error.key.is_empty() && error.to_string().contains("rote"), "{error}");
    }
}
