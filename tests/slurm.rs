//! Sweeps on a real SLURM, which the test starts itself: a controller and two nodes on this host, with a configuration,
//! ports and keys of their own, all on the loopback, ended by their own handles. Where SLURM is not installed (Debian:
//! `slurmctld slurmd slurm-client munge`), or without root, the test says that it was left out.

#[path = "slurm/cluster.rs"]
mod cluster;
mod common;

use std::fs;
use std::path::Path;
use std::thread::sleep;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use cluster::Cluster;
use common::{Said, program, tandem, tiny, write};

/// What a queue of short runs may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(240);

/// A sweep's folder with `tiny.json` and this plan, planned into `sw` and `undisturbed`.
fn planned(plan: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("tiny.json"), &tiny("fixed"));
    write(&folder.path().join("plan.json"), plan);
    for out in ["sw", "undisturbed"] {
        tandem(folder.path(), &["sweep", "plan", "plan.json", "--out", out]).ended(0);
    }
    folder
}

fn submit(cluster: &Cluster, folder: &Path, more: &[&str]) -> Said {
    let words = [&["sweep", "submit", "sw", "--engine", "slurm"], more].concat();
    let mut command = program(folder, &words);
    let said: Said = cluster.know(&mut command).output().unwrap().into();
    said.ended(0)
}

#[track_caller]
fn wait_until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}: not within {PATIENCE:?}");
        sleep(Duration::from_millis(200));
    }
}

fn status(folder: &Path) -> Value {
    tandem(folder, &["sweep", "status", "sw", "--json"]).ended(0).json()
}

#[track_caller]
fn same_bytes(folder: &Path, run: &str) {
    for name in ["design.json", "checkpoints/best.safetensors"] {
        let bytes = |out: &str| fs::read(folder.join(out).join("runs").join(run).join(name)).unwrap();
        assert_eq!(bytes("sw"), bytes("undisturbed"), "{run}/{name}");
    }
}

#[test]
fn sweeps_run_on_slurm() {
    let Some(mut cluster) = Cluster::start() else {
        return;
    };
    an_array_runs_with_a_limit_and_a_summary_behind_it(&cluster);
    a_warned_task_returns_to_the_queue_and_ends_in_the_same_bytes(&cluster);
    the_guides_commands_are_what_they_say(&cluster);
    a_task_whose_node_dies_goes_on_elsewhere(&mut cluster);
}

fn an_array_runs_with_a_limit_and_a_summary_behind_it(cluster: &Cluster) {
    let plan = json!({
        "experiments": ["tiny.json"], "methods": ["fixed", "gaussian"], "seeds": 2,
        "set": {"schedule.env_steps": 4000}, "grid": {"ppo.rate": [0.001, 0.002]},
    });
    let folder = planned(&plan);
    let folder = folder.path();
    fs::create_dir_all(folder.join("sw/runs/tiny-fixed-c1-s0/thesis")).unwrap(); // task 2 fails
    let said = submit(cluster, folder, &["--max-parallel", "2", "--", "--job-name=eight"]);
    assert!(
        said.out.contains("indices 0-7%2") && said.out.contains("summary   job"),
        "{}",
        said.out
    );
    let again = submit(cluster, folder, &[]);
    assert!(
        again.out.contains("nothing to submit"),
        "all are in the queue: {}",
        again.out
    );
    let mut most = 0;
    wait_until("the array and its summary", || {
        most = most.max(
            cluster
                .ask("squeue", &["-h", "-r", "-t", "R", "-n", "eight"])
                .lines()
                .count(),
        );
        cluster.ask("squeue", &["-h"]).is_empty()
    });
    assert!((1..=2).contains(&most), "{most} at a time");
    let table = fs::read_to_string(folder.join("sw/summary/table.md")).unwrap();
    assert!(
        table.contains("1 (1 failed)") && table.contains("no run folder"),
        "{table}"
    );
    assert_eq!(status(folder)["finished"], 7, "{}", cluster.logs(folder));
    assert_eq!(status(folder)["failures"][0]["task"], 2);
    let again = submit(cluster, folder, &[]);
    assert!(again.out.contains("nothing to submit"), "{}", again.out);
    again.saying(&["7 finished", "1 failed", "--failed"]);
    for task in fs::read_dir(folder.join("sw/runs"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
    {
        if task.to_string_lossy().ends_with(".attempts.jsonl") {
            let text = fs::read_to_string(&task).unwrap();
            assert_eq!(
                text.matches("\"began\"").count(),
                1,
                "no run is executed twice: {}",
                task.display()
            );
        }
    }
    let words = ["sweep", "run", "undisturbed", "--tasks", "all", "--jobs", "2"];
    tandem(folder, &words).ended(0);
    ["tiny-fixed-c0-s0", "tiny-gaussian-c1-s1"]
        .iter()
        .for_each(|run| same_bytes(folder, run));
}

fn a_warned_task_returns_to_the_queue_and_ends_in_the_same_bytes(cluster: &Cluster) {
    let folder = planned(&json!({"experiments": ["tiny.json"], "set": {"schedule.env_steps": 60_000}}));
    let folder = folder.path();
    submit(cluster, folder, &[]);
    let job = running(cluster, folder);
    // what SLURM does by itself ahead of a time limit, by --signal=B:USR1@120
    cluster.ask("scancel", &["--batch", "--signal=USR1", &job]);
    wait_until("its return to the queue", || {
        cluster
            .ask("squeue", &["-h", "-r", "-t", "PD", "-o", "%F_%K"])
            .contains(&job)
    });
    assert!(
        cluster
            .logs(folder)
            .contains(&format!("SIGUSR1, its checkpoint is saved; job {job} is queued again"))
    );
    let again = submit(cluster, folder, &[]);
    assert!(again.out.contains("nothing to submit"), "{}", again.out);
    cluster.ask("scontrol", &["update", &format!("JobId={job}"), "StartTime=now"]); // else two minutes later
    wait_until("its end", || cluster.ask("squeue", &["-h"]).is_empty());
    assert_eq!(status(folder)["finished"], 1, "{}", cluster.logs(folder));
    tandem(folder, &["sweep", "run", "undisturbed", "--task", "0"]).ended(0);
    same_bytes(folder, "tiny-fixed-s0");
}

fn a_task_whose_node_dies_goes_on_elsewhere(cluster: &mut Cluster) {
    let folder = planned(&json!({"experiments": ["tiny.json"], "set": {"schedule.env_steps": 60_000}}));
    let folder = folder.path();
    submit(cluster, folder, &[]);
    let job = running(cluster, folder);
    let node = cluster.ask("squeue", &["-h", "-r", "-j", &job, "-o", "%N"]);
    let process = status(folder)["at_work"][0]["process"].as_u64().unwrap();
    cluster.kill_node(node.trim(), process as u32);
    assert_eq!(status(folder)["killed"], 1);
    wait_until("its end on the other node", || {
        cluster.answer("scontrol", &["update", &format!("JobId={job}"), "StartTime=now"]); // else two minutes later
        status(folder)["finished"] == 1
    });
    tandem(folder, &["sweep", "run", "undisturbed", "--task", "0"]).ended(0);
    same_bytes(folder, "tiny-fixed-s0");
}

/// Waits until the only task of a sweep has a checkpoint; its job.
fn running(cluster: &Cluster, folder: &Path) -> String {
    let checkpoints = folder.join("sw/runs/tiny-fixed-s0/checkpoints");
    wait_until("a checkpoint", || {
        fs::read_dir(&checkpoints).is_ok_and(|mut entries| entries.next().is_some())
    });
    let status = status(folder);
    let job = status["at_work"][0]["job"].as_str();
    job.unwrap_or_else(|| panic!("{status} {}", cluster.logs(folder)))
        .to_owned()
}

/// Every line of the guide that begins with `tandem` is typed, in its order, where the experiment is a shorter one.
fn the_guides_commands_are_what_they_say(cluster: &Cluster) {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir_all(folder.join("experiments/sweeps")).unwrap();
    let mut plan: Value =
        serde_json::from_slice(&fs::read(root.join("experiments/sweeps/quickstart.json")).unwrap()).unwrap();
    plan["seeds"] = json!(1);
    write(&folder.join("experiments/sweeps/quickstart.json"), &plan);
    write(&folder.join("experiments/quickstart.json"), &tiny("fixed"));
    let guide = fs::read_to_string(root.join("docs/cluster.md")).unwrap();
    let commands: Vec<&str> = guide.lines().filter(|line| line.starts_with("tandem ")).collect();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        let (command, comment) = command.split_once(" #").unwrap_or((command, ""));
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        let mut typed = program(folder, &words);
        let said: Said = cluster.know(&mut typed).output().unwrap().into();
        assert_eq!(said.code, Some(0), "{command} #{comment}: {} {}", said.out, said.err);
        if words[1] == "submit" {
            wait_until(command, || cluster.ask("squeue", &["-h"]).is_empty());
        }
    }
    let document: Value =
        serde_json::from_slice(&fs::read(folder.join("runs/study/summary/summary.json")).unwrap()).unwrap();
    let rows = document["rows"].as_array().unwrap();
    assert!(
        rows.len() == 6 && rows.iter().all(|row| row["runs"].as_array().unwrap().len() == 1),
        "{document}"
    );
}
