//! `tandem evaluate --simulator mujoco` as a user runs it.

mod common;

use std::path::Path;

use serde_json::Value;

use common::{finished, tandem, threads_decide_nothing};

#[test]
fn a_run_is_judged_in_the_true_machine_and_in_mujoco() {
    let folder = finished();
    let words = [
        "evaluate",
        "run",
        "--simulator",
        "mujoco",
        "--episodes",
        "8",
        "--seed",
        "3",
    ];
    let json: Vec<&str> = words.iter().copied().chain(["--json"]).collect();
    let document = tandem(folder, &json).ended(0).json();
    for key in ["success", "return"] {
        let part = |judge: &str, name: &str| document[key][judge][name].as_f64().unwrap();
        for judge in ["true_machine", "simulator", "difference"] {
            let [low, mean, high] = ["low", "mean", "high"].map(|name| part(judge, name));
            assert!(low <= mean && mean <= high, "{key}: {document}");
        }
        let gap = part("simulator", "mean") - part("true_machine", "mean");
        assert!((part("difference", "mean") - gap).abs() < 1e-9, "{key}: {document}");
        assert!(
            gap.abs() <= 0.01 * part("true_machine", "mean").abs() + 1e-9,
            "{key}: {document}"
        );
    }
    // the two engines are told apart, by little
    let deviation = document["same_commands"]["trajectory"].as_f64().unwrap();
    assert!(deviation > 0.0 && deviation < 0.02, "{document}");
    assert_eq!(document["simulator"], "MuJoCo 3.17.0");
    assert_eq!(document["agrees"], true);

    // the true machine's numbers are those of `evaluate` without the flag
    let plain = ["evaluate", "run", "--episodes", "8", "--seed", "3", "--json"];
    let plain = tandem(folder, &plain).ended(0).json();
    assert_eq!(plain["success"], document["success"]["true_machine"]);
    assert_eq!(plain["return"], document["return"]["true_machine"]);

    threads_decide_nothing(folder, &json, &document);
    let table = tandem(folder, &words).ended(0).out;
    for part in [
        "success, MuJoCo",
        "return, difference",
        "same commands",
        "MuJoCo agrees",
    ] {
        assert!(table.contains(part), "no {part:?} in: {table}");
    }
}

#[test]
fn problems_without_a_mechanism_say_which_have_one() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    for file in ["classic/cartpole", "accelerator", "attention-recall"] {
        let file = root.join("experiments").join(file).with_extension("json");
        let mut words = vec!["train", file.to_str().unwrap(), "--out", "run"];
        let short = [
            "rollout.lanes=8",
            "rollout.steps=32",
            "ppo.minibatches=2",
            "schedule.env_steps=512",
            "evaluation.every=1",
            "evaluation.episodes=2",
        ];
        words.extend(short.iter().flat_map(|set| ["--set", set]));
        if file.ends_with("accelerator.json") || file.ends_with("attention-recall.json") {
            words.extend(["--set", "methods.morph-conditioned.proxy.steps=50"]);
        }
        tandem(folder.path(), &words).ended(0);
        let said = tandem(folder.path(), &["evaluate", "run", "--simulator", "mujoco"]).ended(2);
        assert_eq!((said.out.as_str(), said.err.lines().count()), ("", 1), "{}", said.err);
        said.saying(&["no mechanism", "reach2d, tentacle, hand3d-press, hand3d-tendon"]);
        std::fs::remove_dir_all(folder.path().join("run")).unwrap();
    }
}

#[test]
fn other_simulators_and_a_new_policy_are_bad_usage() {
    let folder = finished();
    tandem(folder, &["evaluate", "run", "--simulator", "gazebo"])
        .ended(2)
        .saying(&["mujoco"]);
    let both = ["evaluate", "run", "--simulator", "mujoco", "--retrain", "1000"];
    tandem(folder, &both).ended(2).saying(&["--retrain"]);
}

#[test]
fn a_design_that_lies_in_a_run_is_judged_with_its_policy() {
    let folder = finished();
    let words = |target: &'static str| ["evaluate", target, "--simulator", "mujoco", "--episodes", "2", "--json"];
    let [run, design] = ["run", "run/design.json"].map(|target| tandem(folder, &words(target)).ended(0).json());
    assert_eq!(run["success"], design["success"]);
    assert_ne!(run["return"], Value::Null);
}
