//! Plans whose runs are compared on the way.

use std::fs;

use serde_json::{Value, json};

use crate::common::{tandem, write};
use crate::folder;

/// Four settings, of which half go on from each of two rungs.
fn halved() -> Value {
    json!({
        "experiments": ["tiny.json"], "set": {"schedule.env_steps": 4000},
        "grid": {"ppo.rate": [0.0001, 0.001, 0.003, 0.01]},
        "halving": {"rungs": [1000, 2500], "keep": 0.5},
    })
}

#[test]
fn the_best_half_goes_on_from_each_rung_and_ends_in_the_same_bytes() {
    let folder = folder(&halved());
    let folder = folder.path();
    let mut whole = halved();
    whole.as_object_mut().unwrap().remove("halving");
    write(&folder.join("whole.json"), &whole);
    for (plan, out) in [
        ("plan.json", "sw"),
        ("plan.json", "again"),
        ("plan.json", "cluster"),
        ("whole.json", "whole"),
    ] {
        tandem(folder, &["sweep", "plan", plan, "--out", out]).ended(0);
    }
    let said = tandem(folder, &["sweep", "run", "sw", "--tasks", "all", "--jobs", "2"]).ended(0);
    assert!(
        said.out.contains("1 of 4 runs finished in sw, 3 stopped at a rung"),
        "{}",
        said.out
    );
    tandem(folder, &["sweep", "run", "again", "--tasks", "all", "--jobs", "1"]).ended(0);
    // as an array does: each task begins its own run and goes on with whatever has earned it
    for task in ["0", "1", "2", "3"] {
        tandem(folder, &["sweep", "run", "cluster", "--task", task, "--onward"]).ended(0);
    }
    let finished = |out: &str| {
        let run = |i: &usize| {
            folder
                .join(out)
                .join(format!("runs/tiny-fixed-c{i}-s0/evaluation/final.json"))
                .exists()
        };
        (0..4).filter(run).collect::<Vec<usize>>()
    };
    let best = finished("sw");
    assert_eq!(best.len(), 1);
    assert_eq!(finished("again"), best, "the number of processes decides nothing");
    assert_eq!(finished("cluster"), best, "here nobody was promoted too early");
    tandem(folder, &["sweep", "run", "whole", "--task", &best[0].to_string()]).ended(0);
    let bytes = |out: &str| {
        let run = folder.join(out).join(format!("runs/tiny-fixed-c{}-s0", best[0]));
        fs::read(run.join("checkpoints/best.safetensors")).unwrap()
    };
    assert_eq!(bytes("sw"), bytes("whole"), "a pause leaves no trace");

    let status = tandem(folder, &["sweep", "status", "cluster", "--json"])
        .ended(0)
        .json();
    assert_eq!((&status["finished"], &status["paused"]), (&json!(1), &json!(3)));
    let document = tandem(folder, &["sweep", "summarise", "sw", "--json"]).ended(0).json();
    let rows = document["rows"].as_array().unwrap();
    let paused: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["failed"][0]["message"].as_str())
        .collect();
    assert_eq!(
        paused
            .iter()
            .filter(|text| text.contains("of 4000 environment steps"))
            .count(),
        3,
        "{paused:?}"
    );
    let loser = (0..4).find(|i| *i != best[0]).unwrap().to_string();
    tandem(folder, &["sweep", "run", "sw", "--task", &loser])
        .ended(0)
        .saying(&["stays at its rung"]);
    let dry = tandem(folder, &["sweep", "submit", "sw", "--dry-run"]).ended(0).out;
    assert!(dry.contains("nothing to submit"), "{dry}");
    let sweep = folder.join("sw");
    let tasks = ::tandem::sweep::manifest::tasks(&sweep).unwrap();
    let (_, is_over) = ::tandem::watch::sweep::picture(&sweep, &tasks);
    assert!(is_over, "who stays at its rung keeps nobody watching");

    let mut late = halved();
    late["halving"]["rungs"] = json!([1000, 4000]);
    write(&folder.join("late.json"), &late);
    let refused = tandem(folder, &["sweep", "plan", "late.json", "--out", "late"]).ended(2);
    refused.saying(&["late.json:", "halving.rungs", "4000 is not before the end"]);
}

#[test]
fn a_run_that_fails_is_out_and_keeps_nobody_waiting() {
    let mut two = halved();
    two["grid"]["ppo.rate"] = json!([0.001, 0.003]);
    let folder = folder(&two);
    let folder = folder.path();
    tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    fs::create_dir_all(folder.join("sw/runs/tiny-fixed-c0-s0/thesis")).unwrap(); // task 0 fails
    let other = folder.join("sw/runs/tiny-fixed-c1-s0/evaluation/final.json");
    tandem(folder, &["sweep", "run", "sw", "--task", "1", "--onward"]).ended(0);
    assert!(!other.exists(), "it waits for task 0");
    tandem(folder, &["sweep", "run", "sw", "--task", "0", "--onward"])
        .ended(2)
        .saying(&["no run folder"]);
    assert!(other.exists(), "the process of the failed run went on with it");
    for _ in 0..2 {
        tandem(folder, &["sweep", "run", "sw", "--tasks", "0"])
            .ended(1)
            .saying(&["1 failed for good"]);
    }
}
