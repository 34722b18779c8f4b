//! `tandem sweep`: plans and what is refused in them, tasks that can be run any number of times by anybody, the local
//! engine, status and summary.

mod common;

use std::fs;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread::sleep;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use common::{program, tandem, tiny, write};

/// A folder with `tiny.json` and this plan of it.
fn folder(plan: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("tiny.json"), &tiny("fixed"));
    write(&folder.path().join("plan.json"), plan);
    folder
}

/// Two methods by two settings by two seeds; `methods.gaussian.rate` concerns one of the methods.
fn small() -> Value {
    json!({
        "experiments": ["tiny.json"], "methods": ["fixed", "gaussian"], "seeds": 2,
        "set": {"schedule.env_steps": 2000},
        "grid": {"methods.gaussian.rate": [0.1, 0.2]},
    })
}

/// One run of this experiment that goes on for long.
fn long() -> Value {
    json!({"experiments": ["tiny.json"], "set": {"schedule.env_steps": 2_000_000}})
}

fn manifest(folder: &Path) -> Vec<Value> {
    let text = fs::read_to_string(folder.join("sw/manifest.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn begin(folder: &Path, words: &[&str]) -> Child {
    let mut command = program(folder, words);
    command.stdout(Stdio::null()).stderr(Stdio::piped()).spawn().unwrap()
}

/// Waits until the only run of a sweep has a checkpoint.
fn wait_for_checkpoint(folder: &Path) {
    let begun = Instant::now();
    let run = folder.join("sw/runs/tiny-fixed-s0");
    while checkpoints(&run) == 0 {
        assert!(begun.elapsed() < Duration::from_secs(60), "no checkpoint");
        sleep(Duration::from_millis(10));
    }
}

fn checkpoints(run: &Path) -> usize {
    let entries = fs::read_dir(run.join("checkpoints")).into_iter().flatten();
    let is_checkpoint = |name: &str| name.ends_with(".ckpt");
    entries
        .filter(|e| is_checkpoint(&e.as_ref().unwrap().file_name().to_string_lossy()))
        .count()
}

/// How often the first run of a sweep was begun or gone on with.
fn attempts(folder: &Path) -> usize {
    let text = fs::read_to_string(folder.join("sw/runs/tiny-fixed-s0.attempts.jsonl")).unwrap_or_default();
    text.matches("\"began\"").count()
}

#[test]
fn a_plan_becomes_a_manifest_with_one_complete_run_a_line() {
    let folder = folder(&small());
    let folder = folder.path();
    let said = tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    assert!(
        said.out.contains("6 runs planned") && said.out.contains("sweep run sw --tasks all"),
        "{}",
        said.out
    );
    let runs = manifest(folder);
    let names: Vec<&str> = runs.iter().map(|run| run["folder"].as_str().unwrap()).collect();
    let expected = [
        "fixed-s0",
        "fixed-s1",
        "gaussian-c0-s0",
        "gaussian-c0-s1",
        "gaussian-c1-s0",
        "gaussian-c1-s1",
    ];
    assert_eq!(
        names,
        expected.map(|name| format!("runs/tiny-{name}")),
        "`fixed` has no rate to vary"
    );
    assert_eq!(runs[4]["settings"], json!({"methods.gaussian.rate": 0.2}));
    let config = &runs[5]["config"];
    assert_eq!(
        (&config["methods"]["gaussian"]["rate"], &config["seed"]),
        (&json!(0.2), &json!(1))
    );
    assert_eq!(config["schedule"]["env_steps"], 2000);

    // the experiment may be edited afterwards: what was planned is complete
    let before = fs::read(folder.join("sw/manifest.jsonl")).unwrap();
    let again = tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    assert!(again.out.contains("planned in sw already"), "{}", again.out);
    let mut other = small();
    other["grid"]["methods.gaussian.rate"][1] = json!(0.3);
    write(&folder.join("other.json"), &other);
    let refused = tandem(folder, &["sweep", "plan", "other.json", "--out", "sw"]).ended(2);
    refused.saying(&[
        "sw holds another plan",
        "task 4",
        "methods.gaussian.rate is 0.2 there and 0.3 now",
        "--out",
    ]);
    other["seeds"] = json!(1);
    write(&folder.join("other.json"), &other);
    tandem(folder, &["sweep", "plan", "other.json", "--out", "sw"])
        .ended(2)
        .saying(&["another plan"]);
    assert_eq!(fs::read(folder.join("sw/manifest.jsonl")).unwrap(), before);
    let occupied = tandem(folder, &["sweep", "plan", "plan.json", "--out", "."]).ended(2);
    occupied.saying(&["is not empty and holds no sweep"]);
}

#[test]
fn what_is_wrong_in_a_plan_is_named_with_its_line() {
    for (plan, words) in [
        (
            "{\"experiments\": [\"tiny.json\"],\n\"sede\": 3}",
            &["plan.json:2:1: sede", "did you mean `seeds`"][..],
        ),
        (
            "{\"experiments\": [\"tiny.json\"],\n\"grid\": {\"ppo.rat\": [0.1]}}",
            &["plan.json:2:", "grid.ppo.rat", "did you mean `rate`"],
        ),
        (
            "{\"experiments\": [\"tiny.json\"], \"grid\": {\n\"ppo.rate\": [0.1,\n\"fast\"]}}",
            &["plan.json:3:1: grid.ppo.rate[1]", "expected a number"],
        ),
        (
            "{\"experiments\": [\"tiny.json\"],\n\"list\": [{}, {\"ppo.clip\": -1}]}",
            &["plan.json:2:", "list[1].ppo.clip"],
        ),
        (
            "{\"experiments\": [\"tiny.json\"], \"methods\": [\"fixed\",\n\"mroph\"]}",
            &["plan.json:2:1", "`morph`"],
        ),
        (
            "{\"experiments\": [\"tiny.json\"], \"methods\": [\"fixed\",\n\"fixed\"]}",
            &["plan.json:2:1", "twice"],
        ),
        (
            "{\"experiments\": [\"tiny.json\"], \"seeds\": 0}",
            &["seeds", "from 1 to"],
        ),
        (
            "{\"experiments\": [\"tiny.json\"], \"seeds\": [1, 1]}",
            &["seeds", "different"],
        ),
        (
            "{\"experiments\": [\"none.json\"]}",
            &["none.json: there is no such file"],
        ),
        ("{\"experiments\": []}", &["at least one experiment"]),
        (
            "{\"experiments\": [\"tiny.json\", \"tiny.json\"]}",
            &["two experiments are named `tiny`"],
        ),
    ] {
        let folder = folder(&json!({}));
        let folder = folder.path();
        fs::write(folder.join("plan.json"), plan).unwrap();
        tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"])
            .ended(2)
            .saying(words);
        assert!(
            !folder.join("sw").exists(),
            "{plan}: a plan that is refused leaves nothing"
        );
    }
}

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
fn the_local_engine_gives_the_bytes_of_single_tasks_and_marks_what_failed() {
    let folder = folder(&small());
    let folder = folder.path();
    for out in ["sw", "single"] {
        tandem(folder, &["sweep", "plan", "plan.json", "--out", out]).ended(0);
    }
    fs::create_dir_all(folder.join("sw/runs/tiny-gaussian-c0-s1/thesis")).unwrap();
    let words = ["sweep", "run", "sw", "--tasks", "all", "--jobs", "2"];
    let said = tandem(folder, &words).ended(1);
    said.saying(&[
        "[6/6]",
        "failed: tandem: ",
        "no run folder",
        "5 of 6 runs finished",
        "1 failed",
    ]);
    let status = tandem(folder, &["sweep", "status", "sw"]).ended(0).out;
    assert!(
        status.contains("5 finished, 1 failed") && status.contains("no run folder"),
        "{status}"
    );
    for task in ["0", "4"] {
        tandem(folder, &["sweep", "run", "single", "--task", task]).ended(0);
    }
    for (run, name) in [
        ("tiny-fixed-s0", "design.json"),
        ("tiny-gaussian-c1-s0", "checkpoints/best.safetensors"),
    ] {
        let bytes = |out: &str| fs::read(folder.join(out).join("runs").join(run).join(name)).unwrap();
        assert_eq!(bytes("sw"), bytes("single"), "{run}/{name}");
    }

    let said = tandem(folder, &["sweep", "summarise", "sw"])
        .ended(0)
        .saying(&["1 of 6 runs have no result"]);
    assert!(
        said.out.contains("1 (1 failed)") && said.out.contains("methods.gaussian.rate=0.2"),
        "{}",
        said.out
    );
    let document = tandem(folder, &["sweep", "summarise", "sw", "--json"]).ended(0).json();
    assert_eq!(document["rows"].as_array().unwrap().len(), 3);
    assert_eq!(document["rows"][1]["failed"][0]["state"], "failed");
    assert_eq!(document["rows"][2]["settings"], json!({"methods.gaussian.rate": 0.2}));
    assert_eq!(document["improvement"].as_array().unwrap().len(), 3);
    let csv = tandem(folder, &["sweep", "summarise", "sw", "--csv"]).ended(0).out;
    assert_eq!(csv, fs::read_to_string(folder.join("sw/summary/groups.csv")).unwrap());
    for name in [
        "table.md",
        "summary.json",
        "runs.csv",
        "improvement.csv",
        "profiles.csv",
        "curves.png",
        "profiles.png",
    ] {
        assert!(folder.join("sw/summary").join(name).is_file(), "{name}");
    }

    fs::remove_dir_all(folder.join("sw/runs/tiny-gaussian-c0-s1")).unwrap();
    tandem(folder, &["sweep", "run", "sw", "--tasks", "3, 4-5"]).ended(0);
    let all = tandem(folder, &["sweep", "run", "sw", "--tasks", "all"]).ended(0).out;
    assert!(all.contains("6 of 6 runs finished"), "{all}");
    for (list, words) in [("7", "0 to 5"), ("x", "no number"), ("3-1", "within")] {
        tandem(folder, &["sweep", "run", "sw", "--tasks", list])
            .ended(2)
            .saying(&[words]);
    }
}

#[test]
fn the_local_engine_saves_all_when_it_is_stopped() {
    let mut plan = long();
    plan["seeds"] = json!(3);
    let folder = folder(&plan);
    let folder = folder.path();
    tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    let child = begin(folder, &["sweep", "run", "sw", "--tasks", "all", "--jobs", "2"]);
    wait_for_checkpoint(folder);
    while !folder.join("sw/runs/tiny-fixed-s1/metrics.jsonl").exists() {
        sleep(Duration::from_millis(10));
    }
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{said}");
    assert!(
        said.contains("0 of 3 runs finished") && said.contains("the same command goes on"),
        "{said}"
    );
    let status = tandem(folder, &["sweep", "status", "sw", "--json"]).ended(0).json();
    assert_eq!(
        (&status["stopped"], &status["waiting"]),
        (&json!(2), &json!(1)),
        "{status}"
    );
    assert!(checkpoints(&folder.join("sw/runs/tiny-fixed-s1")) > 0);
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

/// Four settings, of which half go on from each of two rungs.
fn halved() -> Value {
    json!({
        "experiments": ["tiny.json"], "set": {"schedule.env_steps": 4000},
        "grid": {"ppo.rate": [0.0001, 0.001, 0.003, 0.01]},
        "halving": {"rungs": [1000, 2500], "keep": 0.5},
    })
}

#[test]
fn the_best_half_goes_on_from_each_rung_and_ends_in_the_same_bytes() {
    let folder = folder(&halved());
    let folder = folder.path();
    let mut whole = halved();
    whole.as_object_mut().unwrap().remove("halving");
    write(&folder.join("whole.json"), &whole);
    for (plan, out) in [
        ("plan.json", "sw"),
        ("plan.json", "again"),
        ("plan.json", "cluster"),
        ("whole.json", "whole"),
    ] {
        tandem(folder, &["sweep", "plan", plan, "--out", out]).ended(0);
    }
    let said = tandem(folder, &["sweep", "run", "sw", "--tasks", "all", "--jobs", "2"]).ended(0);
    assert!(
        said.out.contains("1 of 4 runs finished in sw, 3 stopped at a rung"),
        "{}",
        said.out
    );
    tandem(folder, &["sweep", "run", "again", "--tasks", "all", "--jobs", "1"]).ended(0);
    // as an array does: each task begins its own run and goes on with whatever has earned it
    for task in ["0", "1", "2", "3"] {
        tandem(folder, &["sweep", "run", "cluster", "--task", task, "--onward"]).ended(0);
    }
    let finished = |out: &str| {
        let run = |i: &usize| {
            folder
                .join(out)
                .join(format!("runs/tiny-fixed-c{i}-s0/evaluation/final.json"))
                .exists()
        };
        (0..4).filter(run).collect::<Vec<usize>>()
    };
    let best = finished("sw");
    assert_eq!(best.len(), 1);
    assert_eq!(finished("again"), best, "the number of processes decides nothing");
    assert_eq!(finished("cluster"), best, "here nobody was promoted too early");
    tandem(folder, &["sweep", "run", "whole", "--task", &best[0].to_string()]).ended(0);
    let bytes = |out: &str| {
        let run = folder.join(out).join(format!("runs/tiny-fixed-c{}-s0", best[0]));
        fs::read(run.join("checkpoints/best.safetensors")).unwrap()
    };
    assert_eq!(bytes("sw"), bytes("whole"), "a pause leaves no trace");

    let status = tandem(folder, &["sweep", "status", "cluster", "--json"])
        .ended(0)
        .json();
    assert_eq!((&status["finished"], &status["paused"]), (&json!(1), &json!(3)));
    let document = tandem(folder, &["sweep", "summarise", "sw", "--json"]).ended(0).json();
    let rows = document["rows"].as_array().unwrap();
    let paused: Vec<&str> = rows
        .iter()
        .filter_map(|row| row["failed"][0]["message"].as_str())
        .collect();
    assert_eq!(
        paused
            .iter()
            .filter(|text| text.contains("of 4000 environment steps"))
            .count(),
        3,
        "{paused:?}"
    );
    let loser = (0..4).find(|i| *i != best[0]).unwrap().to_string();
    tandem(folder, &["sweep", "run", "sw", "--task", &loser])
        .ended(0)
        .saying(&["stays at its rung"]);
    let dry = tandem(folder, &["sweep", "submit", "sw", "--dry-run"]).ended(0).out;
    assert!(dry.contains("nothing to submit"), "{dry}");

    let mut late = halved();
    late["halving"]["rungs"] = json!([1000, 4000]);
    write(&folder.join("late.json"), &late);
    let refused = tandem(folder, &["sweep", "plan", "late.json", "--out", "late"]).ended(2);
    refused.saying(&["late.json:", "halving.rungs", "4000 is not before the end"]);
}

#[test]
fn shipped_plans_are_right() {
    let sweeps = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/sweeps");
    let folder = tempfile::tempdir().unwrap();
    let files: Vec<_> = fs::read_dir(sweeps)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    assert!(files.len() >= 2);
    for file in files {
        let words = [
            "sweep",
            "plan",
            file.to_str().unwrap(),
            "--out",
            file.file_stem().unwrap().to_str().unwrap(),
        ];
        let said = tandem(folder.path(), &words).ended(0).out;
        assert!(said.contains("runs planned"), "{said}");
    }
}

/// What a program writes to a terminal of so many columns and lines; `None` where there is no `script` to make one.
fn on_a_terminal(folder: &Path, words: &str) -> Option<String> {
    let typed = format!("stty cols 60 rows 12; {} {words}", env!("CARGO_BIN_EXE_tandem"));
    let mut command = std::process::Command::new("script");
    command
        .args(["-qec", &typed, "/dev/null"])
        .current_dir(folder)
        .stdin(Stdio::null());
    let output = command.output().ok()?;
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn watching_shows_runs_and_sweeps_and_changes_nothing_of_the_terminal() {
    let folder = folder(&small());
    let folder = folder.path();
    tandem(folder, &["sweep", "plan", "plan.json", "--out", "sw"]).ended(0);
    tandem(folder, &["sweep", "run", "sw", "--tasks", "0,2"]).ended(0);
    let sweep = tandem(folder, &["watch", "sw"]).ended(0).out;
    assert!(sweep.contains("6 runs: 2 finished, 4 waiting"), "{sweep}");
    let row = sweep.lines().find(|line| line.contains("tiny-gaussian-c0-s0")).unwrap();
    assert!(row.contains("finished") && row.contains("100 %"), "{row}");
    let run = tandem(folder, &["watch", "sw/runs/tiny-gaussian-c0-s0"]).ended(0).out;
    for words in [
        "reach2d, gaussian, seed 0",
        "finished",
        "true success",
        "return",
        "link_1_length",
        "●",
    ] {
        assert!(run.contains(words), "no {words} in {run}");
    }
    assert!(
        !run.contains('\u{1b}') && !sweep.contains('\u{1b}'),
        "a file gets no escapes"
    );
    tandem(folder, &["watch", "."]).ended(2).saying(&["no run folder"]);

    let Some(mut drawn) = on_a_terminal(folder, "watch sw --every 0.1 & sleep 3; kill -INT $!; wait $!") else {
        eprintln!("left out: no `script` to make a terminal");
        return;
    };
    assert!(
        drawn.matches("6 runs: 2 finished").count() > 1,
        "it is drawn again: {drawn}"
    );
    // lines up and "clear from here" are all there is: no mode, cursor or screen that would have to be put back
    for lines in 1..12 {
        drawn = drawn.replace(&format!("\u{1b}[{lines}A\r\u{1b}[J"), "");
    }
    assert!(!drawn.contains('\u{1b}'), "{drawn:?}");
    let lines = drawn.lines().map(|line| line.trim_end_matches('\r').chars().count());
    assert!(lines.max() <= Some(60), "{drawn}");
}
