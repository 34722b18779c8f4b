//! Every exported machine plays in MuJoCo as it does at a finer step, and every exported policy by the script beside it: the newest
//! MuJoCo and ONNX Runtime that PyPI has, in a virtual environment of their own. Without Python or PyPI the test says that it was left out.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{copy, tandem};
use serde_json::{Value, json};
use tandem::export::mjcf;
use tandem::registry;

/// Python with MuJoCo and ONNX Runtime; `None` where it cannot be had.
fn python() -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("mujoco");
    let python = folder.join("bin/python");
    let works = || {
        let tried = Command::new(&python)
            .args(["-c", "import mujoco, numpy, onnxruntime"])
            .status();
        tried.is_ok_and(|status| status.success())
    };
    if !works() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).status();
        made.ok().filter(|status| status.success())?;
        let pip = [
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "mujoco",
            "numpy",
            "onnxruntime",
        ];
        let _ = Command::new(&python).args(pip).status();
    }
    works().then_some(python)
}

/// The machine of a preset's start design as MJCF.
fn machine(problem: &str, task: &Value) -> Option<String> {
    let entry = registry::problems().iter().find(|entry| entry.name == problem).unwrap();
    let problem = (entry.build)(task).unwrap().problem;
    let start = problem.hardware().space().start();
    problem
        .mechanism(&start)
        .unwrap()
        .map(|mechanism| mjcf::write(&mechanism).unwrap())
}

#[test]
fn exported_machines_move_in_mujoco_as_at_a_finer_step() {
    let Some(python) = python() else {
        eprintln!("left out: no Python with MuJoCo, and none to be had from PyPI");
        return;
    };
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mujoco/step.py");
    let folder = tempfile::tempdir().unwrap();
    // hands are moved by less: what happens once fingers hit each other or the table is no matter of the step
    let cases = [
        ("reach2d", "near", 1.0, 0.2),
        ("reach2d", "far-15", 1.0, 0.2),
        ("reach2d", "far-torque", 1.0, 0.2),
        ("tentacle", "nine-goals", 0.2, 0.2),
        ("hand3d-press", "press", 0.1, 0.1),
        ("hand3d-tendon", "tendon", 0.1, 0.1),
    ];
    for (problem, preset, share, seconds) in cases {
        let text = machine(problem, &json!({ "preset": preset })).unwrap();
        let path = folder.path().join(format!("{problem}-{preset}.xml"));
        std::fs::write(&path, text).unwrap();
        let mut command = Command::new(&python);
        // MuJoCo leaves a log where it runs
        command.arg(&script).arg(&path).current_dir(folder.path());
        command.args([format!("--share={share}"), format!("--seconds={seconds}")]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{problem} {preset}: {said}{errors}");
    }
}

/// Problems whose policies differ in kind: tendons, a robot of one's own, options, no machine at all.
const TRAINED: [&str; 4] = ["tentacle", "robots/arm", "classic/cartpole", "accelerator"];

#[test]
fn every_exported_policy_is_played_by_the_script_beside_it() {
    let Some(python) = python() else {
        eprintln!("left out: no Python with MuJoCo and ONNX Runtime, and none to be had from PyPI");
        return;
    };
    let (folder, _) = copy();
    let mut runs = vec!["run"];
    for name in TRAINED {
        let file = format!("{}/experiments/{name}.json", env!("CARGO_MANIFEST_DIR"));
        let short = ["method=fixed", "schedule.env_steps=1000", "evaluation.episodes=2"];
        let words = ["train", &file, "--out", name].into_iter();
        let words: Vec<&str> = words.chain(short.iter().flat_map(|set| ["--set", set])).collect();
        tandem(folder.path(), &words).ended(0);
        runs.push(name);
    }
    for run in runs {
        let out = format!("exported/{run}");
        tandem(folder.path(), &["export", run, "--out", &out]).ended(0);
        let played = || {
            let script = folder.path().join(&out).join("play.py");
            let output = Command::new(&python).arg(script).current_dir(folder.path()).output();
            output.unwrap()
        };
        let (output, machine) = (played(), folder.path().join(&out).join("machine.xml").exists());
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(
            output.status.success() && said.contains("policy: commands"),
            "{run}: {said}{errors}"
        );
        assert_eq!(said.contains("moved in MuJoCo"), machine, "{run}: {said}");
        // a policy that is not that of the episode is found out
        let episode = folder.path().join(&out).join("episode.json");
        let mut other: Value = serde_json::from_slice(&std::fs::read(&episode).unwrap()).unwrap();
        other["command"][0][0] = json!(7.0);
        std::fs::write(&episode, other.to_string()).unwrap();
        assert_eq!(played().status.code(), Some(1), "{run}");
    }
}
