//! Nothing long is deaf: a signal is heard within a second also where nothing can be saved yet, and what would take for
//! ever is refused before it starts.

mod common;

use std::fs;
use std::io::Read;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use common::{program, tandem, tiny, write};

/// What a signal's answer may take; the machine may be busy.
const HEARD: Duration = Duration::from_millis(2500);

fn start(folder: &std::path::Path, experiment: &Value) -> Child {
    write(&folder.join("long.json"), experiment);
    let mut command = program(folder, &["train", "long.json", "--out", "run"]);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Sends SIGTERM after `when`; what the program has said.
fn interrupted(mut child: Child, when: Duration) -> String {
    std::thread::sleep(when);
    assert_eq!(child.try_wait().unwrap(), None, "it is still at work");
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    let sent = Instant::now();
    let status = child.wait().unwrap();
    let mut talk = String::new();
    child.stderr.take().unwrap().read_to_string(&mut talk).unwrap();
    assert_eq!(status.code(), Some(3), "{talk}");
    assert!(sent.elapsed() < HEARD, "{:?}: {talk}", sent.elapsed());
    talk
}

#[test]
fn preparing_a_method_hears_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let mut experiment = tiny("morph-conditioned");
    let proxy = json!({"hidden": [64, 64], "batch": 1_000_000, "steps": 100_000, "tolerance": 0.0});
    experiment["methods"]["morph-conditioned"]["proxy"] = proxy;
    let talk = interrupted(start(folder.path(), &experiment), Duration::from_secs(4));
    assert!(
        talk.contains("preparing the method") && talk.contains("--resume run"),
        "{talk}"
    );
}

#[test]
fn making_a_large_network_hears_a_signal() {
    let folder = tempfile::tempdir().unwrap();
    let mut experiment = tiny("fixed");
    experiment["ppo"]["hidden"] = json!([2000, 2000]);
    let talk = interrupted(start(folder.path(), &experiment), Duration::from_secs(4));
    assert!(talk.contains("stopped"), "{talk}");
    assert!(
        !folder.path().join("run").exists(),
        "nothing was made before it could be trained"
    );
}

#[test]
fn a_long_iteration_is_left_and_the_run_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let mut experiment = tiny("fixed");
    experiment["ppo"]["epochs"] = json!(10_000);
    experiment["ppo"]["hidden"] = json!([256, 256]);
    experiment["rollout"] = json!({"lanes": 256, "steps": 64});
    let child = start(folder.path(), &experiment);
    while !fs::exists(folder.path().join("run/metrics.jsonl")).unwrap() {
        std::thread::sleep(Duration::from_millis(20));
    }
    std::thread::sleep(Duration::from_secs(1));
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let sent = Instant::now();
    let output = child.wait_with_output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(sent.elapsed() < Duration::from_secs(15), "{:?}", sent.elapsed());
    assert!(String::from_utf8_lossy(&output.stderr).contains("--resume run"));
}

/// Files, what they set, and what the refusal says.
#[test]
fn sizes_that_would_take_for_ever_are_refused_by_their_product() {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("tiny.json"), &tiny("morph-conditioned"));
    for (set, key) in [
        ("ppo.hidden=[64,1000000000]", "ppo.hidden"),
        ("ppo.hidden=[64,200000000]", "ppo.hidden"),
        ("ppo.hidden=[4096,4096,4096,4096,4096,4096]", "weights"),
        (
            "methods.morph-conditioned.proxy.hidden=[4096,4096,4096,4096,4096,4096,4096,4096]",
            "weights",
        ),
        (
            "methods.morph-conditioned.proxy={\"batch\":1000000,\"hidden\":[1000,1000]}",
            "proxy.batch",
        ),
        ("methods.morph-conditioned.refresh_batch=900000000", "refresh_batch"),
        ("evaluation={\"every\":1,\"episodes\":99999}", ""),
        ("rollout={\"lanes\":65536,\"steps\":64}", ""),
    ] {
        let begun = Instant::now();
        let said = tandem(folder.path(), &["check", "tiny.json", "--set", set]);
        assert!(begun.elapsed() < Duration::from_secs(5), "{set}: {:?}", begun.elapsed());
        match key {
            "" => assert!(matches!(said.code, Some(0 | 2)), "{set}: {}", said.err),
            _ => drop(said.ended(2).saying(&[key])),
        }
    }
}
