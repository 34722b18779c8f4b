//! Estimates and intervals are those of `rliable`, the reference code of Agarwal et al. 2021, on the same numbers. Without
//! Python or PyPI the test says that it was left out.

mod common;

use std::path::Path;
use std::process::Command;

use common::python;
use serde_json::{Value, json};
use tandem::core::Stream;
use tandem::statistics::{Estimate, bootstrap, improvement, interquartile_mean, performance_profile};

/// As many resamples as the reference has.
const RESAMPLES: usize = 5000;
/// Ends of intervals differ by the luck of their resamples.
const LUCK: f64 = 0.02;

/// Scores of seven runs on each of three tasks; many are equal, as shares of 16 episodes are.
fn scores(name: &str, better_by: f64) -> Vec<Vec<f64>> {
    let mut stream = Stream::new(7, name, 0);
    let mut score = |task: usize| {
        let score = (0.3 + 0.2 * task as f64 + better_by + 0.25 * stream.normal()).clamp(0.0, 1.0);
        (16.0 * score).round() / 16.0
    };
    (0..3).map(|task| (0..7).map(|_| score(task)).collect()).collect()
}

fn slices(tasks: &[Vec<f64>]) -> Vec<&[f64]> {
    tasks.iter().map(Vec::as_slice).collect()
}

#[track_caller]
fn agree(ours: Estimate, reference: &Value) {
    let number = |i: usize| reference[i].as_f64().unwrap();
    assert!((ours.value - number(0)).abs() < 1e-12, "{ours:?} {reference}");
    assert!((ours.low - number(1)).abs() < LUCK, "{ours:?} {reference}");
    assert!((ours.high - number(2)).abs() < LUCK, "{ours:?} {reference}");
}

#[test]
fn estimates_and_intervals_are_those_of_rliable() {
    let packages = ["-r", "rliable/requirements.txt"];
    let Some(python) = python("rliable", "from rliable import library", &packages) else {
        eprintln!("left out: no Python with rliable, and none to be had from PyPI");
        return;
    };
    let (x, y) = (scores("x", 0.15), scores("y", 0.0));
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("scores.json");
    std::fs::write(&file, json!({"x": x, "y": y}).to_string()).unwrap();
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/rliable/estimates.py");
    let output = Command::new(python).arg(script).arg(&file).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let reference: Value = serde_json::from_slice(&output.stdout).unwrap();

    let mut stream = Stream::new(0, "bootstrap", 0);
    let (x, y) = (slices(&x), slices(&y));
    agree(
        bootstrap(&x, interquartile_mean, RESAMPLES, &mut stream).unwrap(),
        &reference["iqm"],
    );
    let one = bootstrap(&x[..1], interquartile_mean, RESAMPLES, &mut stream);
    agree(one.unwrap(), &reference["iqm_of_one_task"]);
    let tasks: Vec<(&[f64], &[f64])> = x.iter().copied().zip(y).collect();
    agree(
        improvement(&tasks, RESAMPLES, &mut stream).unwrap(),
        &reference["improvement"],
    );
    let taus: Vec<f64> = reference["taus"]
        .as_array()
        .unwrap()
        .iter()
        .map(|tau| tau.as_f64().unwrap())
        .collect();
    let profile = performance_profile(&x, &taus, RESAMPLES, &mut stream).unwrap();
    for (ours, theirs) in profile.into_iter().zip(reference["profile"].as_array().unwrap()) {
        // shares of 21 runs: an end may fall on the next run
        let number = |i: usize| theirs[i].as_f64().unwrap();
        assert!((ours.value - number(0)).abs() < 1e-12, "{ours:?} {theirs}");
        assert!(
            (ours.low - number(1)).abs() < 1.01 / 21.0 && (ours.high - number(2)).abs() < 1.01 / 21.0,
            "{ours:?} {theirs}"
        );
    }
}
