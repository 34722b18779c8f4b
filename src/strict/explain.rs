//! serde's messages, reworded for authors of experiments.

use serde_json::Value;
use tandem_core::spelling::nearest;

use super::path::join;
use super::scan::clip;
use super::set::find;

/// An explained error; the path is relative to the value that was read.
pub(super) struct Explained {
    pub path: String,
    pub reason: String,
}

/// Explains serde's `message` about the part at `path` of `root`.
pub(super) fn explain(root: &Value, path: &str, message: &str) -> Explained {
    let quoted = quoted(message);
    let name = quoted.first().copied().unwrap_or("");
    let valid = &quoted[quoted.len().min(1)..];
    let at = |path: String, reason: String| Explained { path, reason };
    if message.starts_with("unknown field ") {
        return at(locate(root, path, name), unknown("key", name, valid));
    }
    if message.starts_with("unknown variant ") {
        return at(path.to_owned(), unknown("value", name, valid));
    }
    if message.starts_with("missing field ") {
        let missing = join(path, name);
        return at(missing, format!("the key `{name}` is missing"));
    }
    let path = culprit(root, path, message).unwrap_or_else(|| path.to_owned());
    let reason = mismatch(root, &path, message).unwrap_or_else(|| one_line(message));
    at(path, reason)
}

/// The value inside the part at `path` that a message of a wrong type is about: serde loses it in tagged parts. `None` where
/// the part itself is meant, or where several values look alike.
fn culprit(root: &Value, path: &str, message: &str) -> Option<String> {
    let rest = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "))?;
    let (got, _) = rest.rsplit_once(", expected ")?;
    let part = find(root, path).filter(|part| part.is_object() && got != "map")?;
    let mut found = Vec::new();
    alike(part, path, got, &mut found);
    match <[String; 1]>::try_from(found) {
        Ok([only]) => Some(only),
        Err(_) => None,
    }
}

/// All values that serde would call `got`.
fn alike(value: &Value, path: &str, got: &str, found: &mut Vec<String>) {
    let name = match value {
        Value::Object(members) => {
            for (key, inner) in members {
                alike(inner, &join(path, key), got, found);
            }
            return;
        }
        Value::Null => "null".to_owned(),
        Value::Bool(flag) => format!("boolean `{flag}`"),
        Value::Number(number) if number.is_f64() => format!("floating point `{number}`"),
        Value::Number(number) => format!("integer `{number}`"),
        Value::String(text) => format!("string {text:?}"),
        Value::Array(_) => "sequence".to_owned(),
    };
    if name == got {
        found.push(path.to_owned());
    }
}

fn one_line(message: &str) -> String {
    message.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// The names that a message has in backquotes.
fn quoted(message: &str) -> Vec<&str> {
    message.split('`').skip(1).step_by(2).collect()
}

fn unknown(what: &str, name: &str, valid: &[&str]) -> String {
    let name = clip(name);
    if valid.is_empty() {
        return format!("unknown {what} `{name}`; there is none to write here");
    }
    let near = nearest(&name, valid.iter().copied());
    let guess = near.map_or(String::new(), |near| format!("did you mean `{near}`? "));
    format!("unknown {what} `{name}`; {guess}Valid {what}s: {}", valid.join(", "))
}

/// The path of the unknown key. serde loses it inside tagged and flattened parts, so the key is searched for there.
fn locate(root: &Value, path: &str, key: &str) -> String {
    if path == key || path.ends_with(&format!(".{key}")) {
        return path.to_owned();
    }
    let found = find(root, path).and_then(|value| search(value, path, key));
    found.unwrap_or_else(|| join(path, key))
}

fn search(value: &Value, path: &str, key: &str) -> Option<String> {
    match value {
        Value::Object(members) if members.contains_key(key) => Some(join(path, key)),
        Value::Object(members) => members
            .iter()
            .find_map(|(name, inner)| search(inner, &join(path, name), key)),
        Value::Array(items) => items
            .iter()
            .enumerate()
            .find_map(|(i, inner)| search(inner, &format!("{path}[{i}]"), key)),
        _ => None,
    }
}

/// Rewords "invalid type: ..., expected ..." and its like.
fn mismatch(root: &Value, path: &str, message: &str) -> Option<String> {
    let (_, rest) = ["invalid type: ", "invalid value: ", "invalid length "]
        .iter()
        .find_map(|start| message.strip_prefix(start).map(|rest| (start, rest)))?;
    let (got, wanted) = rest.rsplit_once(", expected ")?;
    let got = match find(root, path) {
        Some(value) if !message.starts_with("invalid length") => described(value),
        _ => got.to_owned(),
    };
    Some(format!("expected {}, got {got}", wish(wanted)))
}

fn described(value: &Value) -> String {
    match value {
        Value::Null => "null".into(),
        Value::Bool(_) | Value::Number(_) => value.to_string(),
        Value::String(text) => format!("the text \"{}\"", clip(&text.escape_debug().to_string())),
        Value::Array(items) => format!("a list of {}", items.len()),
        Value::Object(_) => "an object { ... }".into(),
    }
}

/// What serde expected, without the names of Rust's types.
fn wish(wanted: &str) -> String {
    let text = match wanted {
        "f32" | "f64" => "a number",
        "u8" => "a whole number from 0 to 255",
        "u16" => "a whole number from 0 to 65535",
        "u32" => "a whole number from 0 to 4294967295",
        "u64" | "u128" | "usize" => "a whole number of at least 0",
        "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => "a whole number",
        "a boolean" => "true or false",
        "a string" | "str" | "string" => "a text in double quotes",
        "a sequence" => "a list [ ... ]",
        "a map" | "string or map" => "an object { ... }",
        _ if wanted.starts_with("struct ") && !wanted.contains(" with ") => "an object { ... }",
        _ => wanted,
    };
    one_line(text)
}
