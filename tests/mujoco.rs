//! Every exported machine plays in MuJoCo as it does at a finer step: the newest MuJoCo that PyPI has, in a virtual environment of
//! its own. Without Python or PyPI the test says that it was left out.

mod common;

use std::path::Path;
use std::process::Command;

use common::python;
use serde_json::{Value, json};
use tandem::export::mjcf;
use tandem::registry;

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
    let Some(python) = python("mujoco", "import mujoco, numpy", &["mujoco", "numpy"]) else {
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
