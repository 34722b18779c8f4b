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
/// What the guide's study may take, with the shipped experiment.
const STUDY: Duration = Duration::from_secs(3600);

/// A folder with `tiny.json`, with this plan planned into `sw` and, without its rungs, into `undisturbed`.
fn planned(plan: &Value) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("tiny.json"), &tiny("fixed"));
    let mut whole = plan.clone();
    whole.as_object_mut().unwrap().remove("halving");
    for (out, plan) in [("sw", plan), ("undisturbed", &whole)] {
        write(&folder.path().join("plan.json"), plan);
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

/// A run of the sweep `sw` has the bytes of the same run on one machine.
#[track_caller]
fn same_bytes(folder: &Path, sw: &str, run: &str) {
    for name in ["design.json", "checkpoints/best.safetensors"] {
        let bytes = |out: &str| fs::read(folder.join(out).join("runs").join(run).join(name)).unwrap();
        assert_eq!(bytes(sw), bytes("undisturbed"), "{run}/{name}");
    }
}

/// What SLURM does by itself ahead of a time limit, by --signal=B:USR1@120.
fn warn(cluster: &Cluster, job: &str) {
    cluster.answer("scancel", &["--batch", "--signal=USR1", job]);
}

/// What was queued again begins soon, else two minutes later. A node refuses a job that returns within the second in which
/// it left ("credential revoked").
fn hurry(cluster: &Cluster) {
    let waiting = |line: &str| {
        Some(
            line.split_once(' ')
                .filter(|(_, why)| *why == "BeginTime")?
                .0
                .to_owned(),
        )
    };
    let queue = cluster.ask("squeue", &["-h", "-r", "-t", "PD", "-o", "%F_%K %r"]);
    let jobs: Vec<String> = queue.lines().filter_map(waiting).collect();
    if !jobs.is_empty() {
        sleep(Duration::from_secs(2));
    }
    for job in jobs {
        cluster.answer("scontrol", &["update", &format!("JobId={job}"), "StartTime=now"]);
    }
}

#[test]
fn sweeps_run_on_slurm() {
    let Some(mut cluster) = Cluster::start() else {
        return;
    };
    an_array_runs_with_a_limit_and_a_summary_behind_it(&cluster);
    a_warned_task_returns_to_the_queue_and_ends_in_the_same_bytes(&cluster);
    halving_decides_across_tasks(&cluster);
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
    assert_eq!(status(folder)["finished"], 7, "{}", cluster.logs(&folder.join("sw")));
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
        .for_each(|run| same_bytes(folder, "sw", run));
}

fn a_warned_task_returns_to_the_queue_and_ends_in_the_same_bytes(cluster: &Cluster) {
    let folder = planned(&json!({"experiments": ["tiny.json"], "set": {"schedule.env_steps": 60_000}}));
    let folder = folder.path();
    submit(cluster, folder, &[]);
    let job = running(cluster, folder);
    warn(cluster, &job);
    wait_until("its return to the queue", || {
        cluster
            .ask("squeue", &["-h", "-r", "-t", "PD", "-o", "%F_%K"])
            .contains(&job)
    });
    assert!(
        cluster
            .logs(&folder.join("sw"))
            .contains(&format!("SIGUSR1, its checkpoint is saved; job {job} is queued again"))
    );
    let again = submit(cluster, folder, &[]);
    assert!(again.out.contains("nothing to submit"), "{}", again.out);
    hurry(cluster);
    wait_until("its end", || cluster.ask("squeue", &["-h"]).is_empty());
    assert_eq!(status(folder)["finished"], 1, "{}", cluster.logs(&folder.join("sw")));
    tandem(folder, &["sweep", "run", "undisturbed", "--task", "0"]).ended(0);
    same_bytes(folder, "sw", "tiny-fixed-s0");
}

/// Nobody waits at a rung, and what is warned in a stretch that another task of the array has earned goes on, too.
fn halving_decides_across_tasks(cluster: &Cluster) {
    let folder = planned(&json!({
        // the last stretch takes some fifteen seconds, so that the warning still finds its task
        "experiments": ["tiny.json"], "set": {"schedule.env_steps": 160_000},
        "grid": {"ppo.rate": [0.0001, 0.001, 0.003, 0.01]},
        "halving": {"rungs": [1000, 2500], "keep": 0.5},
    }));
    let folder = folder.path();
    submit(cluster, folder, &["--max-parallel", "2"]);
    let mut job = String::new();
    wait_until("a last stretch", || {
        let status = status(folder);
        let at_work = status["at_work"].as_array().unwrap();
        let last = at_work.iter().find(|run| run["env_steps"].as_u64() > Some(2500));
        last.inspect(|run| run["job"].as_str().unwrap().clone_into(&mut job))
            .is_some()
    });
    warn(cluster, &job);
    wait_until("its return to the queue", || {
        cluster.logs(&folder.join("sw")).contains("SIGUSR1")
    });
    wait_until("the end of all", || {
        hurry(cluster);
        cluster.ask("squeue", &["-h"]).is_empty()
    });
    let logs = cluster.logs(&folder.join("sw"));
    assert!(logs.contains(&format!("job {job} is queued again")), "{logs}");
    let status = status(folder);
    let count = |of: &str| status[of].as_u64().unwrap();
    // one at least; one that was the best of the first two there may have gone on besides
    assert!((1..=2).contains(&count("finished")), "{status} {logs}");
    assert_eq!(count("finished") + count("paused"), 4, "{status} {logs}");
    let again = submit(cluster, folder, &[]);
    assert!(again.out.contains("nothing to submit"), "{}", again.out);
    let table = fs::read_to_string(folder.join("sw/summary/table.md")).unwrap();
    assert!(table.contains("of 160000 environment steps"), "{table}");
    let is_finished = |run: &String| folder.join("sw/runs").join(run).join("evaluation/final.json").exists();
    let runs = (0..4).map(|i| format!("tiny-fixed-c{i}-s0"));
    for (task, run) in runs.enumerate().filter(|(_, run)| is_finished(run)) {
        tandem(folder, &["sweep", "run", "undisturbed", "--task", &task.to_string()]).ended(0);
        same_bytes(folder, "sw", &run);
    }
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
    same_bytes(folder, "sw", "tiny-fixed-s0");
}

/// Waits until the only task of a sweep has a checkpoint; its job.
fn running(cluster: &Cluster, folder: &Path) -> String {
    let checkpoints = folder.join("sw/runs/tiny-fixed-s0/checkpoints");
    wait_until("a checkpoint", || {
        fs::read_dir(&checkpoints).is_ok_and(|mut entries| entries.next().is_some())
    });
    let status = status(folder);
    let job = status["at_work"][0]["job"].as_str();
    job.unwrap_or_else(|| panic!("{status} {}", cluster.logs(&folder.join("sw"))))
        .to_owned()
}

/// The guide's study with one seed of a shorter experiment.
fn the_guides_commands_are_what_they_say(cluster: &Cluster) {
    let mut experiment = tiny("fixed");
    experiment["schedule"]["env_steps"] = json!(20_000); // long enough to be warned
    guide(cluster, &experiment, 1);
}

#[test]
#[ignore = "thirty trainings twice: a quarter of an hour on two cores"]
fn the_guides_study_is_the_same_on_slurm_and_on_one_machine() {
    if let Some(cluster) = Cluster::start() {
        let shipped = json_of(&root().join("experiments/quickstart.json"));
        guide(&cluster, &shipped, 5);
    }
}

fn json_of(path: &Path) -> Value {
    serde_json::from_slice(&fs::read(path).unwrap()).unwrap()
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Every line of the guide that begins with `tandem` is typed, in its order; of what SLURM runs, one task is warned. The
/// same plan on one machine gives the same bytes.
fn guide(cluster: &Cluster, experiment: &Value, seeds: usize) {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    fs::create_dir_all(folder.join("experiments/sweeps")).unwrap();
    let file = "experiments/sweeps/quickstart.json";
    let mut plan = json_of(&root().join(file));
    plan["seeds"] = json!(seeds);
    write(&folder.join(file), &plan);
    write(&folder.join("experiments/quickstart.json"), experiment);
    let guide = fs::read_to_string(root().join("docs/cluster.md")).unwrap();
    let commands: Vec<&str> = guide.lines().filter(|line| line.starts_with("tandem ")).collect();
    assert!(commands.len() >= 8, "{commands:?}");
    for command in commands {
        let (command, comment) = command.split_once(" #").unwrap_or((command, ""));
        let words: Vec<&str> = command.split_whitespace().skip(1).collect();
        let mut typed = program(folder, &words);
        let said: Said = cluster.know(&mut typed).output().unwrap().into();
        assert_eq!(said.code, Some(0), "{command} #{comment}: {} {}", said.out, said.err);
        if words[1] == "submit" && !words.contains(&"--dry-run") {
            wait_with_a_warning(cluster, folder);
        }
    }
    let document = json_of(&folder.join("runs/study/summary/summary.json"));
    let rows = document["rows"].as_array().unwrap();
    let is_whole = |row: &Value| row["runs"].as_array().unwrap().len() == seeds;
    assert!(rows.len() == 6 && rows.iter().all(is_whole), "{document}");
    tandem(folder, &["sweep", "plan", file, "--out", "undisturbed"]).ended(0);
    tandem(
        folder,
        &["sweep", "run", "undisturbed", "--tasks", "all", "--jobs", "2"],
    )
    .ended(0);
    for entry in fs::read_dir(folder.join("undisturbed/runs"))
        .unwrap()
        .map(Result::unwrap)
    {
        if entry.path().is_dir() {
            same_bytes(folder, "runs/study", entry.file_name().to_str().unwrap());
        }
    }
}

/// Waits for the queue's end; until one task has returned to the queue, whatever runs is warned.
fn wait_with_a_warning(cluster: &Cluster, folder: &Path) {
    let study = folder.join("runs/study");
    let returned = || cluster.logs(&study).contains("is queued again");
    let begun = Instant::now();
    loop {
        let status = tandem(folder, &["sweep", "status", "runs/study", "--json"])
            .ended(0)
            .json();
        match status["at_work"][0]["job"].as_str() {
            Some(job) if !returned() => warn(cluster, job),
            _ => hurry(cluster),
        }
        if cluster.ask("squeue", &["-h"]).is_empty() {
            break;
        }
        assert!(begun.elapsed() < STUDY, "the study: not within {STUDY:?}");
        sleep(Duration::from_millis(200));
    }
    assert!(returned(), "no task was warned in time: {}", cluster.logs(&study));
}
