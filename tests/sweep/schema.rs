//! The keys that the guide's page promises are those of the documents.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::common::documents::{keys, promised};
use crate::common::{tandem, tiny, write};
use crate::{begin, folder, long};

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
    let promised = promised("cluster.md", "`summarise --json` (and", "`status --json` has");
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
    assert_eq!(keys(&status), promised("cluster.md", "`status --json` has", "\n\n\n"));
}
