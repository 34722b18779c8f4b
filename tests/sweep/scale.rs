//! Ten thousand runs: planning, status and summary in seconds. Run by hand, on a quiet machine:
//! `cargo test --release --test sweep -- --ignored --nocapture`.

use std::fs;
use std::path::Path;
use std::time::Instant;

use serde_json::json;

use crate::common::tandem;
use crate::{folder, manifest};

const RUNS: usize = 10_000;
/// Seconds that a command may take.
const MOST: f64 = 5.0;

/// What is read of a finished run.
const READ: [&str; 5] = [
    "experiment.json",
    "meta.json",
    "metrics.jsonl",
    "checksums.json",
    "evaluation/final.json",
];

/// A copy of a finished run, without what only resuming reads.
fn copy(from: &Path, to: &Path) {
    for name in ["checkpoints", "evaluation", "tensorboard"] {
        fs::create_dir_all(to.join(name)).unwrap();
    }
    for name in READ {
        fs::copy(from.join(name), to.join(name)).unwrap();
    }
}

fn timed(folder: &Path, words: &[&str]) {
    let begun = Instant::now();
    tandem(folder, words).ended(0);
    let seconds = begun.elapsed().as_secs_f64();
    println!("{}: {seconds:.2} s", words.join(" "));
    assert!(seconds < MOST, "{words:?}: {seconds:.2} s");
}

#[test]
#[ignore = "a gigabyte of folders"]
fn ten_thousand_runs_are_planned_looked_at_and_summed_up_in_seconds() {
    let plan = json!({
        "experiments": ["tiny.json"], "methods": ["fixed", "gaussian"], "seeds": 5,
        "random": {"draws": 1000, "settings": {"ppo.rate": {"log_uniform": [0.0001, 0.01]}, "ppo.clip": {"uniform": [0.1, 0.3]}}},
    });
    let folder = folder(&plan);
    let folder = folder.path();
    timed(folder, &["sweep", "plan", "plan.json", "--out", "sw"]);
    tandem(folder, &["sweep", "run", "sw", "--task", "0"]).ended(0);
    let runs = manifest(folder);
    assert_eq!(runs.len(), RUNS);
    let at = |i: usize| folder.join("sw").join(runs[i]["folder"].as_str().unwrap());
    (1..RUNS).for_each(|i| copy(&at(0), &at(i)));
    timed(folder, &["sweep", "plan", "plan.json", "--out", "sw"]);
    timed(folder, &["sweep", "status", "sw"]);
    timed(folder, &["sweep", "summarise", "sw"]);
}
