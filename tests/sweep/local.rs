//! The local engine, status and summary.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::common::tandem;
use crate::{begin, checkpoints, folder, long, small, wait_for_checkpoint};

#[test]
fn the_local_engine_gives_the_bytes_of_single_tasks_and_marks_what_failed() {
    let folder = folder(&small());
    let folder = folder.path();
    for out in ["sw", "single"] {
        tandem(folder, &["sweep", "plan", "plan.json", "--out", out]).ended(0);
    }
    fs::create_dir_all(folder.join("sw/runs/tiny-gaussian-c0-s1/thesis")).unwrap();
    let words = ["sweep", "run", "sw", "--tasks", "all", "--jobs", "2"];
    let said = tandem(folder, &words).ended(1);
    said.saying(&[
        "[6/6]",
        "failed: tandem: ",
        "no run folder",
        "5 of 6 runs finished",
        "1 failed",
    ]);
    let status = tandem(folder, &["sweep", "status", "sw"]).ended(0).out;
    assert!(
        status.contains("5 finished, 1 failed") && status.contains("no run folder"),
        "{status}"
    );
    for task in ["0", "4"] {
        tandem(folder, &["sweep", "run", "single", "--task", task]).ended(0);
    }
    for (run, name) in [
        ("tiny-fixed-s0", "design.json"),
        ("tiny-gaussian-c1-s0", "checkpoints/best.safetensors"),
    ] {
        let bytes = |out: &str| fs::read(folder.join(out).join("runs").join(run).join(name)).unwrap();
        assert_eq!(bytes("sw"), bytes("single"), "{run}/{name}");
    }

    let said = tandem(folder, &["sweep", "summarise", "sw"])
        .ended(0)
        .saying(&["1 of 6 runs have no result"]);
    assert!(
        said.out.contains("1 (1 failed)") && said.out.contains("methods.gaussian.rate=0.2"),
        "{}",
        said.out
    );
    let document = tandem(folder, &["sweep", "summarise", "sw", "--json"]).ended(0).json();
    assert_eq!(document["rows"].as_array().unwrap().len(), 3);
    assert_eq!(document["rows"][1]["failed"][0]["state"], "failed");
    assert_eq!(document["rows"][2]["settings"], json!({"methods.gaussian.rate": 0.2}));
    assert_eq!(document["improvement"].as_array().unwrap().len(), 3);
    let csv = tandem(folder, &["sweep", "summarise", "sw", "--csv"]).ended(0).out;
    assert_eq!(csv, fs::read_to_string(folder.join("sw/summary/groups.csv")).unwrap());
    for name in [
        "table.md",
        "summary.json",
        "runs.csv",
        "improvement.csv",
        "profiles.csv",
        "curves.png",
        "profiles.png",
    ] {
        assert!(folder.join("sw/summary").join(name).is_file(), "{name}");
    }

    fs::remove_dir_all(folder.join("sw/runs/tiny-gaussian-c0-s1")).unwrap();
    tandem(folder, &["sweep", "run", "sw", "--tasks", "3, 4-5"]).ended(0);
    let all = tandem(folder, &["sweep", "run", "sw", "--tasks", "all"]).ended(0).out;
    assert!(all.contains("6 of 6 runs finished"), "{all}");
    for (list, words) in [("7", "0 to 5"), ("x", "no number"), ("3-1", "within")] {
        tandem(folder, &["sweep", "run", "sw", "--tasks", list])
            .ended(2)
            .saying(&[words]);
    }
}

#[test]
fn the_local_engine_saves_all_when_it_is_stopped() {
    let mut plan = long();
    plan["seeds"] = json!(3);
    let folder = folder(&plan);
    let folder = folder.path();
    tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    let child = begin(folder, &["sweep", "run", "sw", "--tasks", "all", "--jobs", "2"]);
    wait_for_checkpoint(folder);
    while !folder.join("sw/runs/tiny-fixed-s1/metrics.jsonl").exists() {
        sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("0 of 3 runs finished") && said.contains("the same command goes on"),
        "{said}"
    );
    let status = tandem(folder, &["sweep", "status", "sw", "--json"]).ended(0).json();
    assert_eq!(
        (&status["stopped"], &status["waiting"]),
        (&json!(2), &json!(1)),
        "{status}"
    );
    assert!(checkpoints(&folder.join("sw/runs/tiny-fixed-s1")) > 0);
}

#[test]
fn a_second_engine_leaves_runs_to_the_first_and_says_whose_they_are() {
    let folder = folder(&long());
    let folder = folder.path();
    tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    let words = ["sweep", "run", "sw", "--tasks", "all"];
    let first = begin(folder, &words);
    wait_for_checkpoint(folder);
    tandem(folder, &words)
        .ended(4)
        .saying(&["tiny-fixed-s0: left to process ", "other processes are at the rest"]);
    kill_process(Pid::from_child(&first), Signal::TERM).unwrap();
    assert_eq!(first.wait_with_output().unwrap().status.code(), Some(3));
}
