//! `tandem sweep`: plans and what is refused in them, tasks that can be run any number of times by anybody, the local
//! engine, status and summary.

#[path = "../common/mod.rs"]
mod common;
mod halving;
mod local;
mod plan;
mod scale;
mod schema;
mod task;
mod watch;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use common::{program, tiny, write};

/// A folder with `tiny.json` and this plan of it.
fn folder(plan: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("tiny.json"), &tiny("fixed"));
    write(&folder.path().join("plan.json"), plan);
    folder
}

/// Two methods by two settings by two seeds; `methods.gaussian.rate` concerns one of the methods.
fn small() -> Value {
    json!({
        "experiments": ["tiny.json"], "methods": ["fixed", "gaussian"], "seeds": 2,
        "set": {"schedule.env_steps": 2000},
        "grid": {"methods.gaussian.rate": [0.1, 0.2]},
    })
}

/// One run of this experiment that goes on for long.
fn long() -> Value {
    json!({"experiments": ["tiny.json"], "set": {"schedule.env_steps": 2_000_000}})
}

fn manifest(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("sw/manifest.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn begin(folder: &Path, words: &[&str]) -> Child {
    let mut command = program(folder, words);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the only run of a sweep has a checkpoint.
fn wait_for_checkpoint(folder: &Path) {
    let begun = Instant::now();
    let run = folder.join("sw/runs/tiny-fixed-s0");
    while checkpoints(&run) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
        sleep(Duration::from_millis(10));
    }
}

fn checkpoints(run: &Path) -> usize {
    let entries = fs::read_dir(run.join("checkpoints")).into_iter().flatten();
    let is_checkpoint = |name: &str| name.ends_with(".ckpt");
    entries
        .filter(|e| is_checkpoint(&e.as_ref().unwrap().file_name().to_string_lossy()))
        .count()
}

/// How often the first run of a sweep was begun or gone on with.
fn attempts(folder: &Path) -> usize {
    let text = fs::read_to_string(folder.join("sw/runs/tiny-fixed-s0.attempts.jsonl")).unwrap_or_default();
    text.matches("\"began\"").count()
}
