//! The configuration, with what differs from the defaults.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::path::Path;

use serde_json::{Value, json};

use super::page::escape;
use crate::experiment::Experiment;
use crate::registry;

/// A document as paths with their values: `ppo.rate`, `task.walls[0].x`. Short lists of numbers stay together.
pub fn flat(document: &Value) -> BTreeMap<String, String> {
    let mut out = BTreeMap::new();
    flatten("", document, &mut out);
    out
}

fn flatten(path: &str, value: &Value, out: &mut BTreeMap<String, String>) {
    let below = |key: &str| match path {
        "" => key.to_owned(),
        _ => format!("{path}.{key}"),
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, value)| flatten(&below(key), value, out)),
        Value::Array(list) if list.iter().any(|item| item.is_object() || item.is_array()) => {
            let numbered = list.iter().enumerate();
            numbered.for_each(|(i, item)| flatten(&format!("{path}[{i}]"), item, out));
        }
        _ => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            out.insert(path.to_owned(), text);
        }
    }
}

/// The settings of an experiment that says no more than its problem and its method; with its preset, or its whole task,
/// where the problem needs one. Its files are found from that of the experiment.
fn defaults(experiment: &Value, file: &Path) -> BTreeMap<String, String> {
    let bare = json!({ "problem": experiment["problem"], "method": experiment["method"] });
    let with = |task: &Value| {
        let mut document = bare.clone();
        document["task"] = task.clone();
        document
    };
    let preset = experiment["task"].get("preset").filter(|preset| preset.is_string());
    let found = preset
        .and_then(|preset| acting(&with(&json!({ "preset": preset })), file))
        .or_else(|| acting(&bare, file))
        .or_else(|| acting(&with(&experiment["task"]), file));
    let mut defaults = flat(&found.unwrap_or_else(|| bare.clone()));
    if preset.is_some() {
        defaults.remove("task.preset"); // it was chosen, whatever it is
    }
    defaults
}

/// An experiment with every setting that acts, where it is one.
fn acting(document: &Value, file: &Path) -> Option<Value> {
    let read = Experiment::parse(&document.to_string(), &file.to_string_lossy()).ok()?;
    serde_json::to_value(registry::resolved(&read).ok()?).ok()
}

/// All settings as a table.
pub fn plain(experiment: &Value) -> String {
    let rows: Vec<Vec<String>> = flat(experiment)
        .into_iter()
        .map(|(path, value)| vec![path, value])
        .collect();
    super::page::table(&["setting", "value"], &rows)
}

/// The settings of the experiment in `file` as a table, those that differ from the defaults first; the others can be unfolded.
pub fn table(experiment: &Value, file: &Path) -> String {
    let defaults = defaults(experiment, file);
    let mut all = flat(experiment);
    all.remove("title"); // the page's heading
    let (same, changed): (Vec<_>, Vec<_>) = all.iter().partition(|(path, value)| defaults.get(*path) == Some(value));
    let rows = |settings: &[(&String, &String)], class: &str| {
        let mut html = String::new();
        for (path, value) in settings {
            let default = match class {
                "" => "",
                _ => defaults.get(*path).map_or("", |text| text.as_str()),
            };
            let _ = write!(
                html,
                "<tr{class}><th scope=\"row\"><code>{}</code></th><td>{}</td><td>{}</td></tr>",
                escape(path),
                escape(value),
                escape(default)
            );
        }
        format!(
            "<div class=\"wide\"><table><thead><tr><th scope=\"col\">setting</th><th scope=\"col\">value</th>\
             <th scope=\"col\">{}</th></tr></thead><tbody>{html}</tbody></table></div>",
            if class.is_empty() { "" } else { "default" }
        )
    };
    format!(
        "{}<details><summary>{} more settings, as they are by default</summary>{}</details>",
        rows(&changed, " class=\"changed\""),
        same.len(),
        rows(&same, "")
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_from_the_defaults_is_marked() {
        let text = r#"{"problem": "reach2d", "title": "<b>mine</b>", "ppo": {"rate": 0.00123},
                       "task": {"preset": "far", "horizon": 33}, "methods": {"morph-conditioned": {"rate": 0.07}}}"#;
        let experiment: Value = acting(&serde_json::from_str(text).unwrap(), Path::new("e.json")).unwrap();
        let html = table(&experiment, Path::new("e.json"));
        let (changed, same) = html.split_once("<details>").unwrap();
        assert!(changed.contains("ppo.rate") && changed.contains("0.00123"), "{changed}");
        assert!(
            !changed.contains("mine") && !changed.contains("ppo.epochs"),
            "{changed}"
        );
        for key in ["task.horizon", "task.preset", "methods.morph-conditioned.rate"] {
            assert!(changed.contains(key), "{key}: {changed}");
        }
        assert!(same.contains("ppo.epochs") && same.contains("task.goal"), "{same}");
    }

    #[test]
    fn the_defaults_of_a_robot_are_found_beside_its_file() {
        let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/robots/arm.json");
        let experiment: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
        let html = table(&acting(&experiment, &file).unwrap(), &file);
        let (changed, same) = html.split_once("<details>").unwrap();
        assert!(
            changed.contains("ppo.rate") && changed.contains("schedule.freeze_at"),
            "{changed}"
        );
        assert!(!changed.contains("ppo.clip") && same.contains("ppo.clip"), "{changed}");
    }
}
