//! A run that is killed or stopped at any moment and goes on computes the same bytes as one that nothing disturbs,
//! with any number of threads; only what the clock says differs.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use tandem::record::Counters;
use tandem::registry;
use tandem::run_folder::RunFolder;
use tandem_core::Stream;
use tandem_learning::archive::Archive;

use common::{program, row, tandem, tiny, without_clock, write};

/// Interruptions of one run at most.
const INTERRUPTIONS: usize = 4;
/// Each comes at most this long after a random iteration.
const LATER: Duration = Duration::from_millis(30);

/// All that a run has found, without what the clock says.
#[derive(Debug, PartialEq)]
struct Findings {
    metrics: Vec<String>,
    design: String,
    judged: Value,
    checkpoint: Vec<u8>,
    best: Vec<u8>,
}

impl Findings {
    fn of(run: &Path) -> Self {
        let text = |name: &str| fs::read_to_string(run.join(name)).unwrap();
        assert!(text("metrics.jsonl").contains("seconds"), "the clock is somewhere");
        let mut judged: Value = serde_json::from_str(&text("evaluation/final.json")).unwrap();
        without_clock(&mut judged);
        let folder = RunFolder::view(run).unwrap();
        let newest = folder.latest_checkpoint().unwrap().unwrap();
        let mut archive = Archive::from_bytes(&newest.bytes).unwrap();
        let counters: Counters = archive.get_json("counters").unwrap();
        archive.put_json(
            "counters",
            &Counters {
                seconds: 0.0,
                ..counters
            },
        );
        Self {
            metrics: text("metrics.jsonl").lines().map(row).collect(),
            design: text("design.json"),
            judged,
            checkpoint: archive.to_bytes().unwrap(),
            best: folder.best().unwrap().unwrap(),
        }
    }

    /// Compares part by part, so that a failure names the first thing that differs.
    #[track_caller]
    fn same_as(&self, undisturbed: &Self, what: &str) {
        let pairs = self.metrics.iter().zip(&undisturbed.metrics);
        for (line, (a, b)) in pairs.enumerate() {
            assert_eq!(a, b, "{what}: metrics, line {}", line + 1);
        }
        assert_eq!(self.metrics.len(), undisturbed.metrics.len(), "{what}: metrics");
        assert_eq!(self.design, undisturbed.design, "{what}: design");
        assert_eq!(self.judged, undisturbed.judged, "{what}: final judgement");
        assert!(self.checkpoint == undisturbed.checkpoint, "{what}: last checkpoint");
        assert!(self.best == undisturbed.best, "{what}: best pair");
    }
}

/// What a launched program says goes to this file.
const TALK: &str = "talk.log";

fn launch(folder: &Path, words: &[&str]) -> Child {
    let talk = fs::File::create(folder.join(TALK)).unwrap();
    let mut command = program(folder, words);
    command.stdout(Stdio::null()).stderr(talk).spawn().unwrap()
}

/// Waits until a launched program says its first word, or ends. Before it a polite signal ends the process at
/// once, as it ends any program that is still being loaded; from then on it must save.
fn listens(folder: &Path, child: &mut Child) {
    let silent = || fs::read(folder.join(TALK)).unwrap().is_empty();
    while silent() && child.try_wait().unwrap().is_none() {
        sleep(Duration::from_millis(1));
    }
}

fn iterations(run: &Path) -> usize {
    fs::read_to_string(run.join("metrics.jsonl")).map_or(0, |text| text.lines().count())
}

/// Trains `tiny.json` in `folder/name`, `all` iterations long; sends `signals` one after the other at random
/// moments, and goes on after each. Gives the number of those that met a living run.
fn train_under(folder: &Path, name: &str, signals: &[Signal], all: usize, stream: &mut Stream) -> usize {
    let run = folder.join(name);
    let first = ["train", "tiny.json", "--out", name, "--threads", "1"];
    let mut child = launch(folder, &first);
    let mut met = 0;
    for (i, &signal) in signals.iter().enumerate() {
        let part = (i as f64 + stream.unit()) / (signals.len() as f64 + 1.0);
        let moment = ((all as f64 * part) as usize).max(1);
        while iterations(&run) < moment && child.try_wait().unwrap().is_none() {
            sleep(Duration::from_millis(1));
        }
        sleep(LATER.mul_f64(stream.unit()));
        if signal != Signal::KILL {
            listens(folder, &mut child);
        }
        let was_alive = child.try_wait().unwrap().is_none();
        let _ = kill_process(Pid::from_child(&child), signal); // it may end between the two lines
        let code = child.wait().unwrap().code();
        if code == Some(0) {
            return met;
        }
        let ended = if signal == Signal::KILL { None } else { Some(3) };
        let talk = fs::read_to_string(folder.join(TALK)).unwrap();
        assert!(was_alive && code == ended, "{signal:?}: {code:?}\n{talk}");
        met += 1;
        let threads = ["2", "1"][i % 2];
        child = launch(folder, &["train", "--resume", name, "--threads", threads]);
    }
    assert_eq!(child.wait().unwrap().code(), Some(0), "{name} goes on to the end");
    met
}

fn any_interruption_leaves_the_same_bytes(experiment: &Value) {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    let method = experiment["method"].as_str().unwrap();
    write(&folder.join("tiny.json"), experiment);
    let train = |name: &str, threads: &str| {
        tandem(folder, &["train", "tiny.json", "--out", name, "--threads", threads]).ended(0);
        Findings::of(&folder.join(name))
    };
    let undisturbed = train("undisturbed", "1");
    for phase in ["burn-in", "joint", "fine-tune"] {
        let judged =
            |row: &&String| row.contains(&format!("\"phase\":\"{phase}\"")) && !row.contains("\"true_success\":null");
        assert!(undisturbed.metrics.iter().any(|row| judged(&row)), "{phase} is judged");
    }
    train("threads", "2").same_as(&undisturbed, "2 threads");

    // The moments differ from test to test; the message of a failure names them.
    let moment = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_nanos() as u64;
    let mut stream = Stream::new(moment, "interruptions", 0);
    let cases: [(&str, [Signal; INTERRUPTIONS]); 2] = [
        ("killed", [Signal::KILL; INTERRUPTIONS]),
        ("stopped", [Signal::INT, Signal::TERM, Signal::INT, Signal::TERM]),
    ];
    for (name, signals) in cases {
        let met = train_under(folder, name, &signals, undisturbed.metrics.len(), &mut stream);
        assert!(met > 0, "no signal met a living run (moments of {moment})");
        let what = format!("{method}, {name} {met} times (moments of {moment})");
        Findings::of(&folder.join(name)).same_as(&undisturbed, &what);
    }
}

macro_rules! methods {
    ($($test:ident: $method:literal,)*) => {
        $(#[test]
        fn $test() {
            any_interruption_leaves_the_same_bytes(&tiny($method));
        })*

        #[test]
        fn every_method_is_tested() {
            let tested = [$($method),*];
            for method in registry::methods() {
                assert!(tested.contains(&method.name), "{} is missing", method.name);
            }
        }
    };
}

methods! {
    morph: "morph",
    morph_conditioned: "morph-conditioned",
    hardware_as_policy: "hardware-as-policy",
    gaussian: "gaussian",
    cma: "cma",
    random: "random",
    fixed: "fixed",
}

#[test]
fn designs_spread_over_episodes_and_noise_that_lasts() {
    let mut experiment = tiny("morph-conditioned");
    let settings = &mut experiment["methods"]["morph-conditioned"];
    settings["spread"] = json!({"rate": 0.1});
    settings["effect"] = json!({"persistence": 0.9, "gamma": 0.9, "lambda": 0.9});
    // segments end in the middle of episodes, so that noise and designs go on from a checkpoint
    experiment["rollout"]["steps"] = json!(15);
    // every update is larger than meant, so that the rate falls
    experiment["ppo"]["target_kl"] = json!(1e-9);
    any_interruption_leaves_the_same_bytes(&experiment);
}

#[test]
fn a_finished_run_resumed_again_changes_nothing() {
    let (folder, run) = common::copy();
    let before = Findings::of(&run);
    tandem(folder.path(), &["train", "--resume", "run"]).ended(0);
    Findings::of(&run).same_as(&before, "resumed after its end");
}

#[test]
fn a_comparison_that_is_stopped_goes_on_to_the_same_table() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    write(&folder.join("tiny.json"), &tiny("gaussian"));
    let words = [
        "compare",
        "tiny.json",
        "--methods",
        "gaussian,fixed",
        "--seeds",
        "2",
        "--json",
        "--out",
    ];
    let compare = |out: &str| {
        let mut document = tandem(folder, &[&words[..], &[out]].concat()).ended(0).json();
        let rows = document["rows"].as_array_mut().unwrap();
        let runs = rows.iter_mut().flat_map(|row| row["runs"].as_array_mut().unwrap());
        runs.for_each(without_clock);
        document
    };
    let undisturbed = compare("undisturbed");
    assert_eq!(undisturbed["rows"][0]["method"], "gaussian");
    assert_eq!(undisturbed["rows"][1]["runs"][1]["seed"], 1);

    let mut child = launch(folder, &[&words[..], &["stopped"]].concat());
    while !folder.join("stopped/tiny-gaussian-s0/metrics.jsonl").exists() {
        sleep(Duration::from_millis(5));
    }
    kill_process(Pid::from_child(&child), Signal::TERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(3));
    assert!(!folder.join("stopped/compare.json").exists());
    assert_eq!(compare("stopped"), undisturbed);
    for name in ["table.md", "compare.json", "curves.png", "tiny-fixed-s1.log"] {
        assert!(folder.join("stopped").join(name).is_file(), "{name}");
    }
    let edited = tandem(folder, &[&words[..], &["stopped", "--set", "ppo.rate=0.5"]].concat()).ended(2);
    edited.saying(&["stopped/tiny-gaussian-s0", "ppo.rate", "0.5"]);
}
