//! Exported machines and policies in MuJoCo: the newest that PyPI has, in a virtual environment of its own. Without Python or
//! PyPI the tests say that they were left out.

mod common;

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::OnceLock;

use common::{tandem, write};
use serde_json::{Value, json};
use tandem::evaluate::Learnt;
use tandem::export::mjcf;
use tandem::registry;
use tandem::run_folder::RunFolder;
use tandem_core::{Fidelity, InMujoco, Stream};
use tandem_learning::kernel::Scratch;

/// Control steps that are played in both.
const STEPS: usize = 20;

/// Python with MuJoCo, made once for all tests; `None` where it cannot be had.
fn python() -> Option<&'static Path> {
    static PYTHON: OnceLock<Option<PathBuf>> = OnceLock::new();
    let packages = ["-r", "mujoco/requirements.txt"];
    let python = PYTHON.get_or_init(|| common::python("mujoco", "import mujoco, numpy, onnxruntime", &packages));
    if python.is_none() {
        eprintln!("left out: no Python with MuJoCo, and none to be had from PyPI");
    }
    python.as_deref()
}

/// What a script prints that is told `input`.
#[track_caller]
fn printed(command: &mut Command, input: &str) -> String {
    let piped = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let mut child = piped.spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{errors}");
    String::from_utf8(output.stdout).unwrap()
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

/// A script beside this file.
fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/mujoco").join(name)
}

#[test]
fn exported_machines_move_in_mujoco_as_at_a_finer_step() {
    let Some(python) = python() else { return };
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
        let mut command = Command::new(python);
        // MuJoCo leaves a log where it runs
        command.arg(script("step.py")).arg(&path).current_dir(folder.path());
        command.args([format!("--share={share}"), format!("--seconds={seconds}")]);
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout);
        let errors = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "{problem} {preset}: {said}{errors}");
    }
}

/// A run of seconds of a problem, whose policy has learnt something, in `run` of its folder.
fn short_run(problem: &str, task: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let experiment = json!({
        "problem": problem,
        "task": task,
        "method": "fixed",
        "rollout": {"lanes": 8, "steps": 16},
        "ppo": {"hidden": [16], "epochs": 4, "minibatches": 2, "rate": 0.02},
        "schedule": {"env_steps": 1024},
        "evaluation": {"every": 4, "episodes": 2}
    });
    write(&folder.path().join("e.json"), &experiment);
    tandem(folder.path(), &["train", "e.json", "--out", "run"]).ended(0);
    folder
}

/// Names of what a run's policy observes, the numbers at the start of an episode, and those after so many control steps in the MuJoCo that Tandem is
/// linked with. What an observation does not tell of a start is avoided: a box may be turned.
fn played(run: &Path, steps: usize) -> (Vec<String>, [Vec<f32>; 2]) {
    let learnt = Learnt::open(&RunFolder::view(run).unwrap()).unwrap();
    let problem = registry::problem(&learnt.experiment).unwrap().problem;
    let mut world = match problem.in_mujoco() {
        Some(InMujoco::As(world)) => world,
        Some(InMujoco::Already) => problem,
        None => panic!("MuJoCo cannot play it"),
    };
    let names: Vec<String> = world
        .spec()
        .observation
        .iter()
        .map(|channel| channel.name.clone())
        .collect();
    let (mut seen, mut normalised) = (vec![0.0; names.len()], vec![0.0; names.len()]);
    let is_box = names.iter().position(|name| name == "is_box");
    for number in 0.. {
        let mut stream = Stream::new(number, "play", 0);
        world.reset(&learnt.design(), Fidelity::Full, &mut stream).unwrap();
        world.observe(&mut seen);
        if is_box.is_none_or(|at| seen[at] == 0.0) {
            break;
        }
    }
    let start = seen.clone();
    let (mut command, mut scratch) = (vec![0.0; learnt.policy.command_len()], Scratch::default());
    for _ in 0..steps {
        learnt.policy.normaliser().apply(&seen, &mut normalised);
        learnt.policy.act_mean(&normalised, &mut scratch, &mut command);
        world.full_step(&command);
        world.observe(&mut seen);
    }
    (names, [start, seen])
}

/// A pendulum with sensors, whose tip touches the floor.
const PENDULUM: &str = r#"<mujoco><option timestep="0.005"/><worldbody>
    <geom type="plane" pos="0 0 -0.515" size="1 1 0.1"/><body name="arm">
    <joint name="hinge" axis="0 1 0" damping="0.1"/><geom type="capsule" fromto="0 0 0 0 0 -0.5" size="0.02"/>
    <site name="tip" pos="0 0 -0.5"/></body></worldbody>
    <actuator><motor name="motor" joint="hinge" ctrlrange="-1 1" gear="2"/></actuator>
    <sensor><jointvel name="rate" joint="hinge"/><framepos name="place" objtype="site" objname="tip"/></sensor></mujoco>"#;

/// Its task, by sensors and formulas.
fn pendulum(model: &Path) -> Value {
    std::fs::write(model, PENDULUM).unwrap();
    let height = json!({"term": "sensor", "params": {"sensor": "place"}, "index": 2});
    let rate = json!({"term": "joint_vel"});
    json!({
        "model": model,
        "design": [{"name": "rod", "unit": "m", "low": 0.3, "high": 0.8, "edit": ["length(body:arm)"]}],
        "observation": [
            {"term": "joint_pos"}, {"term": "sensor", "params": {"sensor": ["rate", "place"]}}, {"term": "cfrc_ext"},
            {"name": "formula", "expression": "if(z > -0.4, z, -z^2) + if(w > 0, round(2 * w), w) + min(w, 1) % 3", "unit": "1",
             "variables": {"z": height, "w": rate}}
        ],
        "action": [{"term": "joint_effort"}],
        "reward": [{"term": "action_rate_l2", "weight": -0.01}],
        "success": {"expression": "z - 0.3", "variables": {"z": height}},
        "termination": [{"name": "fast", "expression": "abs(w) - 100", "variables": {"w": rate}}],
        "horizon": 50, "control_steps": 4
    })
}

#[test]
fn exported_policies_are_played_by_the_scripts_beside_them() {
    let Some(python) = python() else { return };
    let robots = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/robots");
    let crane: Value = serde_json::from_str(&std::fs::read_to_string(robots.join("crane.json")).unwrap()).unwrap();
    let mut crane = crane["task"].clone();
    crane["model"] = json!(robots.join("crane.xml"));
    let models = tempfile::tempdir().unwrap();
    // how far numbers may be apart: an arm's servos are told their set points in another way, a tentacle begins by coming to rest
    for (problem, task, apart) in [
        ("reach2d", json!({}), 0.01),
        ("reach2d", json!({"preset": "passage"}), 0.01),
        ("tentacle", json!({}), 0.01),
        ("hand3d-press", json!({"horizon": 20}), 1e-3),
        ("hand3d-tendon", json!({}), 1e-3),
        ("robot", crane, 1e-4),
        ("robot", pendulum(&models.path().join("pendulum.xml")), 1e-4),
    ] {
        let folder = short_run(problem, &task);
        tandem(folder.path(), &["export", "run", "--out", "out"]).ended(0);
        let (names, [start, ours]) = played(&folder.path().join("run"), STEPS);
        let mut command = Command::new(python);
        command.arg(script("trace.py")).arg("out").arg(STEPS.to_string());
        let said = printed(command.current_dir(folder.path()), &json!(start).to_string());
        let theirs: Vec<f32> = serde_json::from_str(&said).unwrap();
        for ((name, ours), theirs) in names.iter().zip(ours).zip(theirs) {
            assert!(
                (ours - theirs).abs() < apart,
                "{problem}: {name} is {theirs} there, {ours} here"
            );
        }
        let mut command = Command::new(python);
        command.args(["out/play.py", "--episodes", "1"]);
        let said: Value = serde_json::from_str(&printed(command.current_dir(folder.path()), "")).unwrap();
        assert_eq!(said["episodes"], 1);
    }
}

#[test]
fn any_exported_policy_is_asked_by_the_script_beside_it() {
    let Some(python) = python() else { return };
    let folder = short_run("classic", &json!({"name": "cartpole"}));
    let said = tandem(folder.path(), &["export", "run", "--out", "out"]).ended(0);
    assert_eq!(said.out, "out/policy.onnx\nout/policy.py\n");
    let ask = |words: &[&str], input: &str| {
        let mut command = Command::new(python);
        command.args(["out/policy.py", "out/policy.onnx"]).args(words);
        printed(command.current_dir(folder.path()), input)
    };
    assert!(ask(&["--names"], "").contains("command      option (1)"));
    let said = ask(&[], "[0, 0, 0, 0]\n[0, 0, 1, 9]\n");
    for line in said.lines() {
        let command: Value = serde_json::from_str(line).unwrap();
        assert!(command["option"].as_f64().is_some_and(|option| option < 2.0), "{line}");
    }
    assert_eq!(said.lines().count(), 2);
}
