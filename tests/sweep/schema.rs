//! The keys that the guide's page promises are those of the documents.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::common::{tandem, tiny, write};
use crate::{begin, folder, long};

/// Identifiers between back ticks, from one sentence of the page to another.
fn promised(from: &str, to: &str) -> BTreeSet<String> {
    let page = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cluster.md")).unwrap();
    let part = page.split_once(from).unwrap().1;
    let part = part.split_once(to).map_or(part, |(part, _)| part);
    let is_key = |word: &str| word.chars().all(|c| c.is_ascii_lowercase() || c == '_');
    let quoted = part.split('`').skip(1).step_by(2);
    quoted.filter(|word| is_key(word)).map(str::to_owned).collect()
}

/// All keys of a document; those of `settings` are the user's.
fn keys(document: &Value) -> BTreeSet<String> {
    match document {
        Value::Array(items) => items.iter().flat_map(keys).collect(),
        Value::Object(entries) => {
            let below = entries.iter().filter(|(key, _)| *key != "settings");
            let own = entries.keys().cloned();
            own.chain(below.flat_map(|(_, value)| keys(value))).collect()
        }
        _ => BTreeSet::new(),
    }
}

/// Lets a task fail: somebody's files are where its run is to be.
fn spoil(folder: &Path, run: &str) {
    fs::create_dir_all(folder.join("sw/runs").join(run).join("thesis")).unwrap();
}

#[test]
fn the_summary_has_the_keys_of_the_guide() {
    let folder = folder(&json!({
        "experiments": ["tiny.json", "other.json"], "methods": ["fixed", "gaussian"], "seeds": 2,
        "set": {"schedule.env_steps": 2000},
    }));
    let folder = folder.path();
    write(&folder.join("other.json"), &tiny("fixed"));
    tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    spoil(folder, "tiny-gaussian-s1");
    tandem(folder, &["sweep", "run", "sw", "--tasks", "all"]).ended(1);
    let summary = tandem(folder, &["sweep", "summarise", "sw", "--json"]).ended(0).json();
    let promised = promised("`summarise --json` (and", "`status --json` has");
    assert_eq!(keys(&summary), promised);
}

#[test]
fn the_status_has_the_keys_of_the_guide() {
    let mut plan = long();
    plan["seeds"] = json!(2);
    let folder = folder(&plan);
    let folder = folder.path();
    tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    spoil(folder, "tiny-fixed-s1");
    tandem(folder, &["sweep", "run", "sw", "--task", "1"]).ended(2);
    let child = begin(folder, &["sweep", "run", "sw", "--task", "0"]);
    let begun = Instant::now();
    let status = loop {
        let status = tandem(folder, &["sweep", "status", "sw", "--json"]).ended(0).json();
        if status["running"] == 1 || begun.elapsed() > Duration::from_secs(60) {
            break status;
        }
        sleep(Duration::from_millis(20));
    };
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    child.wait_with_output().unwrap();
    assert_eq!(keys(&status), promised("`status --json` has", "\n\n\n"));
}
