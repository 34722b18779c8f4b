//! The robots that are shipped, and the page that teaches how to bring one's own: each is used as its reader would use
//! it, with budgets of seconds.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::Value;

use common::{checkpoints, digest, program, tandem};

/// Budgets of seconds for whatever an experiment asks for.
const SHORT: [&str; 10] = [
    "schedule.env_steps=1600",
    "rollout.lanes=8",
    "rollout.steps=20",
    "ppo.minibatches=2",
    "ppo.epochs=2",
    "evaluation.every=2",
    "evaluation.episodes=4",
    "methods.morph-conditioned.proxy.hidden=[16]",
    "methods.morph-conditioned.proxy.steps=20",
    "methods.morph-conditioned.refresh_steps=2",
];

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The shipped robots' experiments.
fn robots() -> Vec<PathBuf> {
    let entries = fs::read_dir(repository().join("experiments/robots")).unwrap();
    let mut files: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    assert!(files.len() >= 4, "{files:?}");
    files
}

/// The words of a command, with budgets of seconds.
fn short<'a>(words: &[&'a str]) -> Vec<&'a str> {
    let settings = SHORT.iter().flat_map(|&setting| ["--set", setting]);
    words.iter().copied().chain(settings).collect()
}

fn json(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn every_shipped_robot_passes_check() {
    for robot in robots() {
        let said = tandem(repository(), &["check", robot.to_str().unwrap()]).ended(0);
        assert!(said.out.contains("good"), "{}", said.out);
    }
}

/// The factor of the actuator of this name in an MJCF file.
fn gear(mjcf: &str, actuator: &str) -> f64 {
    let document = roxmltree::Document::parse(mjcf).unwrap();
    let named = |node: &roxmltree::Node| node.attribute("name") == Some(actuator) && node.has_attribute("gear");
    let node = document.descendants().find(named).unwrap();
    let gear = node.attribute("gear").unwrap();
    gear.split_whitespace().next().unwrap().parse().unwrap()
}

/// The parameter of each shipped robot that is a gear, and an actuator that has it.
const GEARS: [(&str, &str, &str); 4] = [
    ("arm", "elbow_gear", "elbow"),
    ("crane", "swing_gear", "swing"),
    ("gripper", "gear", "left_finger"),
    ("quadruped", "knee_gear", "RL_knee"),
];

#[test]
fn every_shipped_robot_trains_is_judged_drawn_and_exported() {
    for robot in robots() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        let name = robot.file_stem().unwrap().to_str().unwrap();
        let words = ["train", robot.to_str().unwrap(), "--out", "run"];
        tandem(folder, &short(&words)).ended(0);

        let judged = tandem(folder, &["evaluate", "run", "--episodes", "4", "--json"]).ended(0);
        assert!(judged.json().is_object(), "{name}");

        tandem(
            folder,
            &[
                "render", "run", "--size", "96", "--out", "film.gif", "--out", "shot.png",
            ],
        )
        .ended(0);
        assert!(
            fs::read(folder.join("film.gif")).unwrap().starts_with(b"GIF8"),
            "{name}"
        );
        assert!(
            fs::read(folder.join("shot.png")).unwrap().starts_with(b"\x89PNG"),
            "{name}"
        );

        tandem(
            folder,
            &["export", "run", "--mjcf", "learnt.xml", "--policy", "policy.onnx"],
        )
        .ended(0);
        assert!(fs::metadata(folder.join("policy.onnx")).unwrap().len() > 1000, "{name}");
        let (_, parameter, actuator) = GEARS.iter().find(|(robot, ..)| *robot == name).unwrap();
        let exported = gear(&fs::read_to_string(folder.join("learnt.xml")).unwrap(), actuator);
        let learnt = learnt(&json(&folder.join("run/design.json")), parameter);
        assert!(
            (exported - learnt).abs() < 1e-4 * learnt,
            "{name}: {exported} exported, {learnt} learnt"
        );
    }
}

/// The value of a parameter in `design.json`.
fn learnt(design: &Value, parameter: &str) -> f64 {
    let parameters = design["parameters"].as_array().unwrap();
    let found = parameters.iter().find(|p| p["name"] == parameter).unwrap();
    found["value"].as_f64().unwrap()
}

/// Waits until a run has its first checkpoint, or has ended.
fn saved(run: &Path, child: &mut std::process::Child) {
    let since = Instant::now();
    let none = || !run.join("checkpoints").exists() || checkpoints(run).is_empty();
    while none() && child.try_wait().unwrap().is_none() {
        assert!(
            since.elapsed() < Duration::from_secs(120),
            "no checkpoint after two minutes"
        );
        sleep(Duration::from_millis(2));
    }
}

/// Contacts, a free body, commands drawn anew, designs drawn for each episode: all of it goes on from a checkpoint.
#[test]
fn a_killed_quadruped_goes_on_to_the_same_bytes() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let robot = repository().join("experiments/robots/quadruped.json");
    let words = |run, threads| {
        let words = ["train", robot.to_str().unwrap(), "--out", run, "--threads", threads];
        let more = [
            "--set",
            "checkpoint.every_seconds=0.05",
            "--set",
            "schedule.env_steps=6400",
        ];
        short(&words).into_iter().chain(more).collect::<Vec<_>>()
    };
    tandem(folder, &words("undisturbed", "2")).ended(0);

    let mut child = program(folder, &words("killed", "1"))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    saved(&folder.join("killed"), &mut child);
    child.kill().unwrap();
    assert_eq!(child.wait().unwrap().code(), None, "it was killed before its end");
    tandem(folder, &["train", "--resume", "killed"]).ended(0);
    assert_eq!(digest(&folder.join("killed")), digest(&folder.join("undisturbed")));
}

/// A block of the page: its language and its lines.
fn blocks(page: &str) -> Vec<(String, String)> {
    let mut blocks = Vec::new();
    let mut lines = page.lines();
    while let Some(line) = lines.next() {
        if let Some(language) = line.strip_prefix("```") {
            let block: Vec<&str> = lines.by_ref().take_while(|line| *line != "```").collect();
            blocks.push((language.to_string(), block.join("\n") + "\n"));
        }
    }
    blocks
}

/// Numbers on the page that ask for minutes, and what stands for them here.
const SHORTER: [(&str, &str); 5] = [
    ("--set schedule.env_steps=400000", ""),
    ("--seeds 3", "--seeds 1"),
    ("--episodes 256", "--episodes 4"),
    ("--retrain 400000", "--retrain 1600 --episodes 4"),
    ("--out reacher.gif", "--size 96 --out reacher.gif"),
];

/// Every command of the page works as it is written, in a folder that holds only what the page tells to save.
#[test]
fn the_page_on_ones_own_robot_can_be_followed() {
    let page = fs::read_to_string(repository().join("docs/own-robot.md")).unwrap();
    let blocks = blocks(&page);
    let first = |language: &str| &blocks.iter().find(|(l, _)| l == language).unwrap().1;
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir(folder.join("my-robot")).unwrap();
    fs::write(folder.join("my-robot/reacher.xml"), first("xml")).unwrap();
    fs::write(folder.join("my-robot/reacher.json"), first("json")).unwrap();

    let mut ran: BTreeMap<&str, usize> = BTreeMap::new();
    let commands = blocks
        .iter()
        .filter(|(language, _)| language == "sh")
        .flat_map(|(_, block)| block.lines());
    for line in commands {
        let mut line = line.to_string();
        for (long, brief) in SHORTER {
            line = line.replace(long, brief);
        }
        let words: Vec<&str> = line.split_whitespace().collect();
        match words[0] {
            "tandem" => {}
            "tensorboard" => continue, // another program's
            other => panic!("`{other}` is not tried: {line}"),
        }
        let words = &words[1..];
        let trains = ["train", "compare"].contains(&words[0]);
        let words = if trains { short(words) } else { words.to_vec() };
        tandem(folder, &words).ended(0);
        let command = ["check", "train", "compare", "render", "evaluate", "export"]
            .into_iter()
            .find(|c| *c == words[0]);
        *ran.entry(command.unwrap_or("other")).or_default() += 1;
    }
    for command in ["check", "train", "compare", "render", "evaluate", "export"] {
        assert!(ran.contains_key(command), "the page does not say `tandem {command}`");
    }
    for file in [
        "reacher.gif",
        "reacher.png",
        "reacher-learnt.xml",
        "reacher.onnx",
        "runs/reacher/design.png",
    ] {
        assert!(folder.join(file).exists(), "{file}");
    }
}

#[test]
fn a_robot_that_was_changed_in_its_run_is_noticed() {
    let folder = tempfile::tempdir().unwrap();
    let arm = repository().join("experiments/robots/arm.json");
    let words = ["train", arm.to_str().unwrap(), "--out", "run"];
    tandem(folder.path(), &short(&words)).ended(0);
    let run = folder.path().join("run");
    let bundle = fs::read_dir(&run).unwrap().map(|entry| entry.unwrap().path());
    let bundle = bundle.filter(|path| path.file_name().unwrap().to_string_lossy().starts_with("model-"));
    let model = bundle.map(|folder| folder.join("arm.xml")).next().unwrap();
    let text = fs::read_to_string(&model).unwrap();
    fs::write(&model, text.replacen("gear=\"15\"", "gear=\"16\"", 1)).unwrap();
    assert_ne!(fs::read_to_string(&model).unwrap(), text, "the file has another gear");
    for words in [
        &["evaluate", "run", "--episodes", "4"][..],
        &["train", "--resume", "run"],
    ] {
        tandem(folder.path(), words).ended(1).saying(&["arm.xml", "damaged"]);
    }
    fs::write(&model, text).unwrap();
    tandem(folder.path(), &["evaluate", "run", "--episodes", "4"]).ended(0);
}
