//! Paths into a document, as messages print them and `--set` takes them.

use serde_json::{Map, Value};

use super::path::join;
use super::{ConfigError, scan};

/// The value at `path`.
pub(super) fn find<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    segments(path).try_fold(value, |value, segment| match value {
        Value::Object(members) => members.get(segment),
        Value::Array(items) => items.get(segment.parse::<usize>().ok()?),
        _ => None,
    })
}

/// The parts of `a.b[2].c` or `a.b.2.c`: a, b, 2, c.
fn segments(path: &str) -> impl Iterator<Item = &str> {
    path.split(['.', '['])
        .filter(|s| !s.is_empty())
        .map(|s| s.strip_suffix(']').unwrap_or(s))
}

/// Puts a `--set` into the document and returns its path as messages print it. Objects on the way are made where
/// they are missing: an optional part need not stand in the file to be set.
pub(super) fn apply(root: &mut Value, path: &str, text: &str) -> Result<String, ConfigError> {
    let failed = |reason: String| ConfigError {
        origin: format!("--set {path}={text}"),
        position: None,
        path: String::new(),
        reason,
    };
    let mut place = root;
    let mut printed = String::new();
    let parts: Vec<&str> = segments(path).collect();
    if parts.is_empty() || path.split('.').any(str::is_empty) {
        return Err(failed("write it as path=value, for example ppo.rate=0.001".into()));
    }
    for segment in parts {
        let length = match place {
            Value::Array(items) => Some(items.len()),
            _ => None,
        };
        place = match place {
            Value::Object(members) => {
                printed = join(&printed, segment);
                members.entry(segment).or_insert_with(|| Value::Object(Map::new()))
            }
            Value::Array(items) => {
                let item = segment.parse::<usize>().ok().and_then(|i| items.get_mut(i));
                let Some(item) = item else {
                    let length = length.unwrap_or(0);
                    let reason =
                        format!("`{printed}` is a list of {length}; `{segment}` is no index from 0 to below that");
                    return Err(failed(reason));
                };
                printed = format!("{printed}[{segment}]");
                item
            }
            _ => {
                return Err(failed(format!("`{printed}` is no object, so it has no `{segment}`")));
            }
        };
    }
    *place = value_of(text);
    Ok(printed)
}

/// What was meant by a value of the command line: JSON, a number or truth value as other languages write it, or else a text.
fn value_of(text: &str) -> Value {
    if let Ok(scanned) = scan::scan_value(text) {
        return scanned.value;
    }
    match text {
        "True" | "TRUE" => return Value::Bool(true),
        "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let bare = text.trim().trim_start_matches('+').replace('_', "");
    let is_number = bare
        .trim_start_matches('-')
        .starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let number = bare
        .parse::<f64>()
        .ok()
        .filter(|number| is_number && number.is_finite());
    match number {
        // the scanner's own way, so that 1_000_000 stays a whole number
        Some(number) => scan::scan_value(&bare).map_or(Value::from(number), |scanned| scanned.value),
        None => Value::String(text.to_owned()),
    }
}
