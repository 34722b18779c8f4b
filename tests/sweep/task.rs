//! Tasks that anybody who knows their number may run any number of times.

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;

use crate::common::{program, tandem};
use crate::{attempts, begin, folder, long, manifest, small, wait_for_checkpoint};

#[test]
fn a_task_is_begun_gone_on_with_or_left_as_it_is() {
    let folder = folder(&small());
    let folder = folder.path();
    tandem(folder, &["sweep", "run", "sw"])
        .ended(2)
        .saying(&["SLURM_ARRAY_TASK_ID"]);
    tandem(folder, &["sweep", "run", "sw", "--task", "0"])
        .ended(2)
        .saying(&["sw is no sweep", "sweep plan"]);
    tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    fs::remove_file(folder.join("tiny.json")).unwrap();
    tandem(folder, &["sweep", "run", "sw", "--task", "6"])
        .ended(2)
        .saying(&["6 runs, 0 to 5"]);

    let said = tandem(folder, &["sweep", "run", "sw", "--task", "2"]).ended(0);
    assert!(said.out.contains("true success"), "{}", said.out);
    let final_json = folder.join("sw/runs/tiny-gaussian-c0-s0/evaluation/final.json");
    let before = fs::read(&final_json).unwrap();
    let again = tandem(folder, &["sweep", "run", "sw", "--task", "2"]).ended(0);
    again.saying(&["task 2 (tiny-gaussian-c0-s0) is finished already"]);
    assert_eq!(fs::read(final_json).unwrap(), before);

    for (variable, index) in [
        ("SLURM_ARRAY_TASK_ID", 0),
        ("HQ_TASK_ID", 1),
        ("JOB_COMPLETION_INDEX", 3),
    ] {
        let mut command = program(folder, &["sweep", "run", "sw"]);
        let output = command.env(variable, index.to_string()).output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
    let status = tandem(folder, &["sweep", "status", "sw", "--json"]).ended(0).json();
    assert_eq!((&status["finished"], &status["waiting"]), (&json!(4), &json!(2)));
}

#[test]
fn a_warned_task_saves_itself_and_ends_in_the_same_bytes() {
    let folder = folder(&json!({"experiments": ["tiny.json"], "set": {"schedule.env_steps": 40_000}}));
    let folder = folder.path();
    for out in ["sw", "undisturbed"] {
        tandem(folder, &["sweep", "plan", "plan.json", "--out", out]).ended(0);
    }
    tandem(folder, &["sweep", "run", "undisturbed", "--task", "0"]).ended(0);
    for (before, signal) in [Signal::USR1, Signal::USR2, Signal::TERM].into_iter().enumerate() {
        let child = begin(folder, &["sweep", "run", "sw", "--task", "0"]);
        while attempts(folder) <= before {
            sleep(Duration::from_millis(10));
        }
        wait_for_checkpoint(folder);
        kill_process(Pid::from_child(&child), signal).unwrap();
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(
            said.contains("its checkpoint is saved; the same command goes on"),
            "{said}"
        );
        let status = tandem(folder, &["sweep", "status", "sw"]).ended(0).out;
        assert!(status.contains("1 runs: 1 stopped"), "{status}");
    }
    tandem(folder, &["sweep", "run", "sw", "--task", "0"]).ended(0);
    for name in ["design.json", "checkpoints/best.safetensors"] {
        let bytes = |out: &str| fs::read(folder.join(out).join("runs/tiny-fixed-s0").join(name)).unwrap();
        assert_eq!(bytes("sw"), bytes("undisturbed"), "{name}");
    }
    let attempts = fs::read_to_string(folder.join("sw/runs/tiny-fixed-s0.attempts.jsonl")).unwrap();
    assert_eq!(attempts.matches("\"began\"").count(), 4, "{attempts}");
    assert_eq!(attempts.matches("\"stopped\"").count(), 3, "{attempts}");
}

#[test]
fn of_two_at_once_the_second_is_told_or_waits() {
    let folder = folder(&long());
    let folder = folder.path();
    tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    let mut first = begin(folder, &["sweep", "run", "sw", "--task", "0"]);
    wait_for_checkpoint(folder);
    let process = format!("process {}", first.id());
    let second = tandem(folder, &["sweep", "run", "sw", "--task", "0"]).ended(4);
    second.saying(&["task 0 (tiny-fixed-s0) is being run by", &process, "--wait"]);
    let status = tandem(folder, &["sweep", "status", "sw", "--json"]).ended(0).json();
    assert_eq!(
        (&status["running"], &status["at_work"][0]["process"]),
        (&json!(1), &json!(first.id()))
    );
    let waiting = begin(folder, &["sweep", "run", "sw", "--task", "0", "--wait"]);
    sleep(Duration::from_millis(500));
    first.kill().unwrap(); // the lock ends with its process
    first.wait().unwrap();
    let begun = Instant::now();
    let attempts = || fs::read_to_string(folder.join("sw/runs/tiny-fixed-s0.attempts.jsonl")).unwrap();
    while attempts().matches("\"began\"").count() < 2 {
        assert!(
            begun.elapsed() < Duration::from_secs(30),
            "who waits goes on: {}",
            attempts()
        );
        sleep(Duration::from_millis(20));
    }
    kill_process(Pid::from_child(&waiting), Signal::KILL).unwrap();
    waiting.wait_with_output().unwrap();
    let killed = tandem(folder, &["sweep", "status", "sw"]).ended(0).out;
    assert!(
        killed.contains("1 killed") && killed.contains("ended without a word"),
        "{killed}"
    );
}

#[test]
fn robots_come_with_the_sweep_and_are_the_same_in_every_run() {
    let experiments = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/robots");
    let plan = json!({
        "experiments": [experiments.join("arm.json")], "methods": ["gaussian"], "seeds": 2,
        "set": {"schedule.env_steps": 500, "rollout.lanes": 4, "rollout.steps": 50, "ppo.minibatches": 2,
                "evaluation.episodes": 2},
    });
    let folder = folder(&plan);
    let folder = folder.path();
    tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    let model = manifest(folder)[0]["config"]["task"]["model"]
        .as_str()
        .unwrap()
        .to_owned();
    assert!(
        model.starts_with("model-") && folder.join("sw").join(&model).is_file(),
        "{model}"
    );
    fs::rename(folder.join("sw"), folder.join("moved")).unwrap();
    tandem(folder, &["sweep", "run", "moved", "--task", "1"]).ended(0);
    tandem(folder, &["sweep", "run", "moved", "--task", "1"])
        .ended(0)
        .saying(&["finished already"]);
    assert!(folder.join("moved/runs/arm-gaussian-s1").join(model).is_file());
}
