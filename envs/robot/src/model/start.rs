//! Where a design starts: at what the file says.

use super::error::ModelError;
use super::resolve::Change;
use crate::config::ParameterConfig;

/// The value that the file has. Where `start` is given and the numbers do not agree in the file, each keeps its ratio to it.
pub(super) fn start(config: &ParameterConfig, key: &str, changes: &mut [Change]) -> Result<f64, ModelError> {
    let values: Vec<f64> = changes.iter().map(|change| change.own / change.factor).collect();
    let first = values[0];
    let alike = |value: &f64| (value - first).abs() <= 1e-9 * first.abs();
    let agree = values.iter().all(alike);
    match (config.start, agree) {
        (Some(start), false) if values.iter().all(|value| value.is_finite()) => {
            if start == 0.0 {
                let reason = "the file's numbers differ and keep their ratio to it, so it cannot be 0";
                return Err(ModelError::setting(format!("{key}.start"), reason));
            }
            for (change, value) in changes.iter_mut().zip(&values) {
                change.factor *= value / start;
            }
            Ok(start)
        }
        (Some(start), _) => Ok(start),
        (None, true) => inside(config, key, first),
        (None, false) => {
            let other = values.iter().position(|value| !alike(value)).unwrap_or(0);
            let silent = changes.iter().zip(&values).find(|(_, value)| !value.is_finite());
            let reason = match silent {
                Some((change, _)) => format!("the file does not say {}; give `start`", change.title),
                None => format!(
                    "{} is {} and {} is {first} in the file; give `start`, and each keeps its ratio to it",
                    changes[other].title, values[other], changes[0].title
                ),
            };
            Err(ModelError::setting(key, reason))
        }
    }
}

/// What the file says as a start, if it lies within the bounds (a bound that it misses by a rounding error is meant).
fn inside(config: &ParameterConfig, key: &str, value: f64) -> Result<f64, ModelError> {
    let slack = 1e-9 * value.abs();
    if value < config.low - slack || value > config.high + slack {
        let (low, high) = (config.low, config.high);
        let reason =
            format!("the file says {value}, which is not between {low} and {high}; change them or give `start`");
        return Err(ModelError::setting(key, reason));
    }
    Ok(if config.low <= config.high {
        value.clamp(config.low, config.high)
    } else {
        value
    })
}
