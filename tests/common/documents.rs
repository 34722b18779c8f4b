//! Keys of `--json` documents, as the guide promises them and as commands print them.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

/// Identifiers between back ticks on a page of the guide, from one text on it to another.
pub fn promised(page: &str, from: &str, to: &str) -> BTreeSet<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(page)).unwrap();
    let part = page.split_once(from).unwrap().1;
    let part = part.split_once(to).map_or(part, |(part, _)| part);
    let is_key = |word: &&str| {
        word.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    let quoted = part.split('`').skip(1).step_by(2);
    quoted.filter(is_key).map(str::to_owned).collect()
}

/// All keys of a document. Intervals are one thing; what is the user's, or a file of its own, is not looked into.
pub fn keys(document: &Value) -> BTreeSet<String> {
    match document {
        Value::Array(items) => items.iter().flat_map(keys).collect(),
        Value::Object(entries) if entries.keys().eq(["mean", "low", "high"]) => BTreeSet::new(),
        Value::Object(entries) => {
            let whole = ["settings", "experiment", "tensors"];
            let below = entries.iter().filter(|(key, _)| !whole.contains(&key.as_str()));
            let own = entries.keys().cloned();
            own.chain(below.flat_map(|(_, value)| keys(value))).collect()
        }
        _ => BTreeSet::new(),
    }
}
