//! The guide's page about `--json` (`docs/guide/json.md`) against what the commands print.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::{finished, tandem};
use serde_json::Value;

/// Keys of the table below a heading: identifiers between back ticks, but for sentences before the table.
fn promised(heading: &str) -> BTreeSet<String> {
    let page = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/guide/json.md")).unwrap();
    let section = page.split_once(&format!("## {heading}\n")).unwrap().1;
    let section = section.split("\n## ").next().unwrap();
    let rows = section.lines().filter(|line| line.starts_with("| `"));
    let quoted = rows.flat_map(|row| row.split('`').skip(1).step_by(2));
    let is_key = |word: &&str| {
        word.chars()
            .all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_')
    };
    quoted.filter(is_key).map(str::to_owned).collect()
}

/// All keys of a document. Intervals are one thing, and what is a file of its own, or named by the user, is not looked into.
fn keys(document: &Value) -> BTreeSet<String> {
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

fn printed(command: &[&str]) -> BTreeSet<String> {
    let folder = finished();
    keys(&tandem(folder, &[command, &["--json"]].concat()).ended(0).json())
}

#[test]
fn documents_have_the_keys_of_the_guide_and_no_others() {
    let quickstart = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/quickstart.json");
    let quickstart = quickstart.to_str().unwrap();
    let judge = ["evaluate", "run", "--episodes", "8"];
    for (heading, command) in [
        ("`evaluate RUN`", &judge[..]),
        (
            "`evaluate RUN --simulator mujoco`",
            &[&judge[..], &["--simulator", "mujoco"]].concat(),
        ),
        (
            "`evaluate RUN --sensitivity`",
            &[&judge[..], &["--sensitivity"]].concat(),
        ),
        ("`check FILE`", &["check", quickstart]),
        ("`simulate NETWORK`", &["simulate", "resnet18", "--platform", "gemmini"]),
        ("`map NETWORK`", &["map", "resnet18"]),
    ] {
        assert_eq!(printed(command), promised(heading), "{heading}");
    }
}

#[test]
fn lists_and_explanations_have_the_keys_of_the_guide() {
    let both: BTreeSet<String> = printed(&["list", "problems"])
        .union(&printed(&["explain", "schedule.env_steps"]))
        .cloned()
        .collect();
    assert_eq!(both, promised("`list WHAT` and `explain KEY`"));
}
