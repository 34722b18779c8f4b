//! What somebody meets who knows reinforcement learning, and nobody here: numbers as they are typed, settings that explain
//! themselves, files that can be written from lists, runs that say what they do.

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tandem::adaptation::LanguageExperiment;
use tandem::experiment::Experiment;
use tandem::registry;
use tandem::schema::{Setting, settings};

use common::mutation::shipped;
use common::{copy, finished, row, tandem, tiny, write};

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A folder with the experiment of a second.
fn with_experiment(method: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(&folder.path().join("e.json"), &tiny(method));
    folder
}

fn json_of(path: &Path) -> Value {
    serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap()
}

/// The experiment of `check --json`.
fn resolved(folder: &Path, file: &str) -> Value {
    let document = tandem(folder, &["check", file, "--json"]).ended(0).json();
    assert_eq!(document["experiment"], document["experiments"][0]["experiment"]);
    document["experiment"].clone()
}

#[test]
fn numbers_and_names_are_taken_as_people_type_them() {
    let folder = with_experiment("morph");
    let check = |set: &str| tandem(folder.path(), &["check", "e.json", "--set", set]);
    for set in [
        "schedule.env_steps=1e6",
        "schedule.env_steps=1_000_000",
        "ppo.anneal=True",
        "task.horizon=2e1",
    ] {
        check(set).ended(0);
    }
    check("ppo.gamma=11")
        .ended(2)
        .saying(&["is 11; it must lie between 0 and 1"]);
    check("method=ppo").ended(2).saying(&["PPO is no method", "`fixed`"]);
    let rows = [
        "simulate",
        "resnet18",
        "--platform",
        "gemmini",
        "--set",
        "engine.model.rows=abc",
    ];
    tandem(folder.path(), &rows)
        .ended(2)
        .saying(&["engine.model.rows: expected a whole number", "\"abc\""]);
}

#[test]
fn runs_store_every_setting_that_acts_and_it_gives_the_same_run() {
    let folder = with_experiment("morph-conditioned");
    let at = |name: &str| folder.path().join(name);
    tandem(folder.path(), &["train", "e.json", "--out", "first"]).ended(0);
    let stored = json_of(&at("first/experiment.json"));
    assert_eq!(stored["task"]["goal"], json!([1.95, 0.55]), "from the preset");
    let effect = &stored["methods"]["morph-conditioned"]["effect"];
    assert!(effect["anneal"].is_number() && effect["gamma"].is_number(), "{effect}");
    assert_eq!(stored, resolved(folder.path(), "e.json"));
    write(&at("again.json"), &stored);
    assert_eq!(
        stored,
        resolved(folder.path(), "again.json"),
        "it is what it is resolved to"
    );
    tandem(folder.path(), &["train", "again.json", "--out", "second"]).ended(0);
    let rows = |run: &str| -> String {
        let text = fs::read_to_string(at(run).join("metrics.jsonl")).unwrap();
        text.lines().map(row).collect()
    };
    assert_eq!(rows("first"), rows("second"));
}

/// All keys of a document, items of lists as `[]`.
fn keys(value: &Value, path: &str, out: &mut BTreeSet<String>) {
    match value {
        Value::Object(members) => {
            for (name, member) in members {
                let path = if path.is_empty() {
                    name.clone()
                } else {
                    format!("{path}.{name}")
                };
                out.insert(path.clone());
                keys(member, &path, out);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| keys(item, &format!("{path}[]"), out)),
        _ => {}
    }
}

/// Whether a key is free: what a term's own parameters and variables are called, `tandem list terms` says.
fn is_free(key: &str) -> bool {
    [".params.", ".variables."].iter().any(|part| key.contains(part))
}

#[test]
fn every_key_of_every_experiment_is_explained() {
    let all = settings();
    let known: BTreeSet<&str> = all.iter().map(|setting| setting.key.as_str()).collect();
    let mut found = BTreeSet::new();
    for path in shipped() {
        let whole = match LanguageExperiment::is_at(&path) {
            true => serde_json::to_value(LanguageExperiment::read(&path, &[]).unwrap()),
            false => {
                let experiment = Experiment::read(&path, &[]).unwrap();
                serde_json::to_value(registry::resolved(&experiment, &registry::problem(&experiment).unwrap()).unwrap())
            }
        };
        keys(&whole.unwrap(), "", &mut found);
    }
    for method in registry::methods() {
        let folder = with_experiment(method.name);
        keys(&resolved(folder.path(), "e.json"), "", &mut found);
    }
    let silent: Vec<&String> = found
        .iter()
        .filter(|key| !known.contains(key.as_str()) && !is_free(key))
        .collect();
    assert!(silent.is_empty(), "not explained: {silent:?}");
    let undocumented: Vec<&Setting> = all.iter().filter(|setting| setting.doc.is_empty()).collect();
    assert!(undocumented.is_empty(), "{undocumented:?}");
}

#[test]
fn settings_have_units_ranges_and_defaults_from_what_reads_them() {
    let all = settings();
    let find = |key: &str, problem: Option<&str>| -> Setting {
        let found = all.iter().find(|s| s.key == key && s.problem.as_deref() == problem);
        found.unwrap_or_else(|| panic!("no {key}")).clone()
    };
    let clip = find("ppo.clip", None);
    assert_eq!(clip.range, [Some(json!(1e-6)), Some(json!(1_000_000))]);
    assert_eq!(clip.default, Some(json!(0.2)));
    let goal = find("task.goal", Some("reach2d"));
    assert_eq!((goal.unit.as_deref(), &goal.range[1]), (Some("m"), &Some(json!(10))));
    let window = find("task.circuit.window", Some("attention"));
    assert_eq!(window.unit.as_deref(), Some("tokens"));
    // without bounds are seeds, and what only a robot's file bounds
    for setting in &all {
        let bounded = setting.range.iter().any(Option::is_some);
        let free = setting.key.ends_with("seed") || setting.problem.as_deref() == Some("robot");
        let own = [
            "methods.fixed.design",
            "methods.morph-conditioned.refresh",
            "schedule.falls_until",
        ];
        let free = free || own.iter().any(|key| setting.key.contains(key));
        let free = free || setting.key.starts_with("language.circuit."); // of another model
        assert!(bounded || free || !setting.kind.contains("number"), "{setting:?}");
    }
}

#[test]
fn explain_knows_keys_sections_and_near_misses() {
    let here = Path::new(".");
    let explain = |key: &str| tandem(here, &["explain", key]);
    let said = explain("schedule.env_steps").ended(0).out;
    for part in ["whole number", "environment steps", "2000000"] {
        assert!(said.contains(part), "{said}");
    }
    explain("ppo.clpi").ended(2).saying(&["did you mean `ppo.clip`?"]);
    assert!(explain("evaluation").ended(0).out.contains("evaluation.episodes"));
    assert!(tandem(here, &["explain"]).ended(0).out.contains("methods.morph "));
    let entries = tandem(here, &["explain", "ppo.clip", "--json"]).ended(0).json();
    assert_eq!(entries["entries"][0]["default"], 0.2);
}

#[test]
fn the_schema_is_one_document_and_files_may_name_it() {
    let schema = tandem(Path::new("."), &["schema"]).ended(0).json();
    let members = &schema["then"]["properties"];
    assert_eq!(members["ppo"]["properties"]["clip"]["maximum"], 1_000_000);
    assert!(members["method"]["enum"].as_array().unwrap().contains(&json!("morph")));
    let folder = with_experiment("fixed");
    let mut experiment = tiny("fixed");
    experiment["$schema"] = "tandem.schema.json".into();
    write(&folder.path().join("e.json"), &experiment);
    assert!(resolved(folder.path(), "e.json").get("$schema").is_none());
}

#[test]
fn shells_complete_and_manual_pages_are_written_from_the_same_definitions() {
    let folder = tempfile::tempdir().unwrap();
    for shell in ["bash", "zsh", "fish"] {
        let script = tandem(folder.path(), &["completions", shell]).ended(0).out;
        assert!(script.contains("explain") && script.contains("simulate"), "{shell}");
    }
    tandem(folder.path(), &["man", "--out", "man"]).ended(0);
    let page = fs::read_to_string(folder.path().join("man/tandem-train.1")).unwrap();
    assert!(
        page.contains("resume") && page.contains("Train an experiment"),
        "{page}"
    );
}

#[test]
fn a_listed_platform_is_a_platform_file_that_can_be_changed() {
    let folder = tempfile::tempdir().unwrap();
    let simulate = |words: &[&str]| tandem(folder.path(), &[&["simulate", "resnet18"], words].concat());
    let file = tandem(folder.path(), &["list", "platforms", "gemmini"]).ended(0);
    fs::write(folder.path().join("my.json"), &file.out).unwrap();
    simulate(&["--platform", "my.json"]).ended(0);

    let mut own = file.json();
    own["technology"] = json!({"mac_pj": 0.1, "memory_read_pj": 50.0});
    write(&folder.path().join("own.json"), &own);
    let side = simulate(&["--platform", "my.json,own.json", "--json"]).ended(0).json();
    let energy = |at: usize| side["rows"][at]["energy_j"].as_f64().unwrap();
    assert!(energy(1) < energy(0));
    own["technology"]["mac_jp"] = json!(1);
    write(&folder.path().join("own.json"), &own);
    simulate(&["--platform", "own.json"])
        .ended(2)
        .saying(&["technology.mac_jp", "did you mean `mac_pj`"]);

    let sweep = [
        "--platform",
        "gemmini",
        "--sweep",
        "engine.model.rows=8:24:8",
        "--plot",
        "rows.svg",
    ];
    let said = simulate(&sweep).ended(0).out;
    assert_eq!(
        said.lines().filter(|line| line.contains("compute")).count(),
        3,
        "{said}"
    );
    assert!(
        fs::read_to_string(folder.path().join("rows.svg"))
            .unwrap()
            .contains("engine.model.rows")
    );
}

#[test]
fn lists_help_where_there_is_nothing_to_list() {
    let listed = tandem(Path::new(ROOT), &["list", "experiments"]).ended(0).out;
    assert!(listed.contains("experiments/classic/cartpole.json"), "{listed}");
    let folder = tempfile::tempdir().unwrap();
    tandem(folder.path(), &["list", "experiments"])
        .ended(2)
        .saying(&["repository", "--folder"]);
    let problems = tandem(folder.path(), &["list", "problems", "--json"]).ended(0).json();
    let entries = problems["entries"].as_array().unwrap();
    let names = || entries.iter().map(|entry| entry["name"].as_str().unwrap());
    assert!(names().all(|name| name.trim() == name));
    assert!(entries.iter().any(|entry| entry["part_of"] == "reach2d"));
}

#[test]
fn a_run_says_what_it_does_and_never_more_than_there_is() {
    let folder = tempfile::tempdir().unwrap();
    let mut experiment = tiny("morph-conditioned");
    experiment["schedule"] = json!({"env_steps": 100, "fine_tune": 0.3, "stop_at": 1.0}); // less than an iteration
    write(&folder.path().join("e.json"), &experiment);
    let said = tandem(folder.path(), &["train", "e.json"]).ended(0);
    assert!(said.err.contains("160 of at most 160 steps (100 %)"), "{}", said.err);
    for part in [
        "best checkpoint",
        "true success",
        "of episodes are solved",
        "start design",
    ] {
        assert!(said.out.contains(part), "no {part:?} in {}", said.out);
    }
    assert!(
        !said.out.contains("sampled") && !said.out.contains("gap"),
        "{}",
        said.out
    );
    tandem(folder.path(), &["train", "e.json"]).ended(0).saying(&[
        "runs/e-morph-conditioned-s0 is there already",
        "runs/e-morph-conditioned-s0-2",
    ]);
}

#[test]
fn hints_can_be_pasted_where_paths_have_blanks() {
    let folder = with_experiment("fixed");
    let said = tandem(
        folder.path(),
        &["train", "e.json", "--out", "my run", "--set", "schedule.env_steps=200"],
    );
    let said = said.ended(0);
    assert!(said.out.contains("evaluate 'my run' --episodes"), "{}", said.out);
}

#[test]
fn a_finished_run_is_prolonged_and_keeps_its_rows() {
    let folder = with_experiment("fixed");
    let run = folder.path().join("run");
    tandem(
        folder.path(),
        &["train", "e.json", "--out", "run", "--set", "schedule.env_steps=800"],
    )
    .ended(0);
    let rows = || fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let before = rows();
    let longer = ["train", "--resume", "run", "--set", "schedule.env_steps=1.6e3"];
    let said = tandem(folder.path(), &longer).ended(0);
    assert!(!said.err.contains("--from"), "nothing was frozen: {}", said.err);
    let after = rows();
    assert!(after.starts_with(&before) && after.lines().count() == 2 * before.lines().count());
    assert_eq!(json_of(&run.join("experiment.json"))["schedule"]["env_steps"], 1600);
    tandem(folder.path(), &["train", "--resume", "run", "--set", "ppo.rate=0.1"])
        .ended(2)
        .saying(&["schedule", "--from run"]);
}

#[test]
fn a_run_whose_design_is_frozen_is_prolonged_by_practice_and_says_so() {
    let (folder, run) = copy();
    let longer = ["train", "--resume", "run", "--set", "schedule.env_steps=9e3"];
    let said = tandem(folder.path(), &longer).ended(0);
    said.saying(&["the design was frozen after", "stays as it is", "train --from run"]);
    let design = |folder: &Path| json_of(&folder.join("design.json"))["parameters"].clone();
    assert_eq!(design(&run), design(&finished().join("run")));
    let shorter = ["train", "--resume", "run", "--set", "schedule.env_steps=100"];
    tandem(folder.path(), &shorter)
        .ended(2)
        .saying(&["schedule.env_steps: is 100", "more than that"]);
    assert_eq!(json_of(&run.join("experiment.json"))["schedule"]["env_steps"], 9000);
}

#[test]
fn a_fork_begins_with_policy_and_design_of_another_run_and_says_so() {
    let folder = tempfile::tempdir().unwrap();
    let parent = finished().join("run");
    let parent = parent.to_str().unwrap();
    let sets = [
        "--set",
        "method=fixed",
        "--set",
        "schedule.env_steps=320",
        "--out",
        "fork",
    ];
    tandem(folder.path(), &[&["train", "--from", parent], &sets[..]].concat()).ended(0);
    let fork = folder.path().join("fork");
    assert_eq!(json_of(&fork.join("meta.json"))["from"]["run"], parent);
    let value = |run: &Path| json_of(&run.join("design.json"))["parameters"][0]["value"].clone();
    assert_eq!(
        value(&fork),
        value(Path::new(parent)),
        "`fixed` keeps the design it begins with"
    );
    tandem(folder.path(), &["train", "--from", "nowhere"]).ended(2);
}

#[test]
fn a_design_without_a_policy_is_announced_and_labelled() {
    let folder = with_experiment("fixed");
    fs::copy(finished().join("run/design.json"), folder.path().join("design.json")).unwrap();
    let words = [
        "evaluate",
        "design.json",
        "--experiment",
        "e.json",
        "--retrain",
        "320",
        "--episodes",
        "4",
    ];
    let said = tandem(folder.path(), &words).ended(0);
    assert!(
        said.err.starts_with("design.json comes without a policy"),
        "{}",
        said.err
    );
    assert!(
        said.out
            .contains("under a policy trained for it from scratch, 320 environment steps"),
        "{}",
        said.out
    );
}

#[test]
fn tensorboard_finds_the_tags_that_other_tools_write() {
    let events: Vec<PathBuf> = fs::read_dir(finished().join("run"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("tfevents"))
        .collect();
    let bytes: Vec<u8> = events.iter().flat_map(|path| fs::read(path).unwrap()).collect();
    let text = String::from_utf8_lossy(&bytes);
    for tag in [
        "rollout/ep_rew_mean",
        "train/approx_kl",
        "eval/success_rate",
        "time/fps",
        "design/link_1_length",
        "proxy/gap",
        "Mean KL divergence",
        "methods.morph",
    ] {
        assert!(text.contains(tag), "no {tag}");
    }
}

/// The snippet of the guide; without pandas, what it does.
#[test]
fn metrics_are_read_in_one_line_of_python() {
    let read = "import pandas as pd; d = pd.read_json('run/metrics.jsonl', lines=True); print(d.env_steps.max())";
    let plain = "import json; d = [json.loads(line) for line in open('run/metrics.jsonl')]; print(d[-1]['env_steps'])";
    let python = |code: &str| {
        let mut command = std::process::Command::new("python3");
        command.current_dir(finished()).args(["-c", code]).output().ok()
    };
    if let Some(output) = python(read)
        .filter(|output| output.status.success())
        .or_else(|| python(plain))
    {
        let steps = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        assert!(steps.parse::<u64>().is_ok_and(|steps| steps >= 8000), "{output:?}");
    } else {
        eprintln!("left out: no Python");
    }
}

/// The folders that the loader is told to look in are made to be others of no use, as on another machine; what is left is what
/// lies beside the program.
#[test]
#[cfg(target_os = "linux")]
fn a_moved_program_finds_its_libraries_beside_itself() {
    use std::os::unix::fs::{PermissionsExt, symlink};

    let mut bytes = fs::read(env!("CARGO_BIN_EXE_tandem")).unwrap();
    let beside = b":$ORIGIN:$ORIGIN/lib";
    let end = bytes.windows(beside.len()).position(|window| window == beside).unwrap();
    let start = 1 + bytes[..end].iter().rposition(|&byte| byte == 0).unwrap();
    let built_with = String::from_utf8(bytes[start..end].to_vec()).unwrap();
    bytes[start..end].fill(b'x');
    let folder = tempfile::tempdir().unwrap();
    let moved = folder.path().join("tandem");
    fs::write(&moved, bytes).unwrap();
    fs::set_permissions(&moved, fs::Permissions::from_mode(0o755)).unwrap();
    let runs_with = |folders: &str| {
        let mut command = std::process::Command::new(&moved);
        let output = command
            .args(["list", "methods"])
            .env("LD_LIBRARY_PATH", folders)
            .output();
        output.unwrap().status.success()
    };
    assert!(!runs_with(""), "it has no libraries yet");
    assert!(runs_with(&built_with), "they are where the variable says");
    fs::create_dir(folder.path().join("lib")).unwrap();
    for library in built_with.split(':').flat_map(|folder| fs::read_dir(folder).unwrap()) {
        let library = library.unwrap();
        symlink(library.path(), folder.path().join("lib").join(library.file_name())).unwrap();
    }
    assert!(runs_with(""), "they are beside it");
}
