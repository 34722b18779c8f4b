//! Gymnasium's tasks in terms are Gymnasium's, number by number, and it plays exported robots as Tandem does. Without Python or
//! PyPI the test says that it was left out.

mod common;

use std::path::{Path, PathBuf};
use std::process::Command;

use common::{program, python};

/// A copy of the experiments with the robots beside them.
fn experiments(folder: &Path) -> Option<PathBuf> {
    let from = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/robots/gymnasium");
    let to = folder.join("gymnasium");
    std::fs::create_dir(&to).unwrap();
    for file in std::fs::read_dir(from).unwrap().map(|entry| entry.unwrap().path()) {
        std::fs::copy(&file, to.join(file.file_name().unwrap())).unwrap();
    }
    let fetched = Command::new(to.join("fetch")).status();
    fetched.is_ok_and(|status| status.success()).then_some(to)
}

#[track_caller]
fn run(python: &Path, script: &str, words: &[&Path], folder: &Path) {
    let script = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/gymnasium")
        .join(script);
    let mut command = Command::new(python);
    command
        .arg(script)
        .arg(env!("CARGO_BIN_EXE_tandem"))
        .args(words)
        .current_dir(folder);
    let output = command.output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}{errors}");
}

#[test]
fn terms_and_exported_robots_are_gymnasiums_own() {
    let folder = tempfile::tempdir().unwrap();
    let python = python(
        "gymnasium",
        "import gymnasium.envs.mujoco, onnxruntime",
        &["-r", "gymnasium/requirements.txt"],
    );
    let (Some(python), Some(experiments)) = (python, experiments(folder.path())) else {
        eprintln!("left out: no Python with Gymnasium, and none to be had from PyPI");
        return;
    };
    run(&python, "steps.py", &[&experiments], folder.path());
    // a robot whose design has moved a little, and a policy that falls
    let file = experiments.join("hopper-codesign.json");
    let words = [
        "--set",
        "schedule.env_steps=20000",
        "--set",
        "methods.gaussian.rate=1",
        "--out",
        "hopper",
    ];
    let trained = program(folder.path(), &["train"])
        .arg(file)
        .args(words)
        .output()
        .unwrap();
    assert!(trained.status.success(), "{}", String::from_utf8_lossy(&trained.stderr));
    run(
        &python,
        "judge.py",
        &[Path::new("hopper"), Path::new("--episodes=20")],
        folder.path(),
    );
}
