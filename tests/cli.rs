//! The program as it is typed: help, good and bad input, broken run folders, full disks. Every mistake gets one
//! clear message and an exit code, and costs nobody a run.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use common::{Said, checkpoints, contents, copy, finished, program, tandem, tiny, write};

/// `tandem check` on a file with this text.
fn check(text: &str) -> Said {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("e.json"), text).unwrap();
    tandem(folder.path(), &["check", "e.json"])
}

/// [`tiny`] with the value at a JSON pointer replaced.
fn with(pointer: &str, value: Value) -> String {
    let mut experiment = tiny("morph");
    let (parent, key) = pointer.rsplit_once('/').unwrap();
    experiment.pointer_mut(parent).unwrap()[key] = value;
    serde_json::to_string_pretty(&experiment).unwrap()
}

#[test]
fn every_command_has_help_with_examples() {
    let here = Path::new(".");
    let help = tandem(here, &["--help"]).ended(0).out;
    assert!(help.contains("Examples:") && help.contains("Exit codes:"), "{help}");
    for command in [
        "train", "evaluate", "compare", "render", "check", "list", "simulate", "map", "search", "validate", "bench",
        "sweep", "watch",
    ] {
        assert!(help.contains(command), "{command} is not in: {help}");
        let help = tandem(here, &[command, "--help"]).ended(0).out;
        assert!(help.contains(&format!("Examples:\n  tandem {command} ")), "{help}");
    }
    tandem(here, &["--version"]).ended(0);
}

#[test]
fn unknown_words_are_bad_usage() {
    let here = Path::new(".");
    for words in [
        &["train", "e.json", "--sede", "3"][..],
        &["trian"],
        &[],
        &["train"],
        &["train", "e.json", "--resume", "run"],
        &["compare", "e.json", "--seeds", "0"],
        &["train", "e.json", "--threads", "0"],
        &["render", "run"],
        &["evaluate", "run", "--episodes", "-4"],
    ] {
        let said = tandem(here, words).ended(2);
        assert!(
            said.err.contains("--help") || said.err.contains("Usage"),
            "{words:?}: {}",
            said.err
        );
        assert_eq!(said.out, "", "{words:?}");
    }
    tandem(here, &["train", "e.json", "--sede", "3"]).saying(&["--seed"]);
}

#[test]
fn check_says_what_is_good_and_resolves_it() {
    let folder = finished();
    assert!(tandem(folder, &["check", "tiny.json"]).ended(0).out.contains("good"));
    let said = tandem(folder, &["check", "tiny.json", "--set", "ppo.rate=0.01", "--json"]).ended(0);
    let resolved = &said.json()["experiments"][0]["experiment"];
    assert_eq!(resolved["ppo"]["rate"], 0.01);
    assert_eq!(resolved["ppo"]["gamma"], 0.99, "defaults are filled in");
    assert_eq!(said.err, "");
}

#[test]
fn list_prints_names_for_people_and_for_scripts() {
    let folder = finished();
    let names = |what: &str| -> Vec<String> {
        let document = tandem(folder, &["list", what, "--folder", ".", "--json"])
            .ended(0)
            .json();
        let entries = document["entries"].as_array().unwrap();
        entries
            .iter()
            .map(|entry| entry["name"].as_str().unwrap().trim().to_owned())
            .collect()
    };
    assert!(names("problems").contains(&"reach2d".to_owned()));
    assert!(names("problems").contains(&"preset near".to_owned()));
    assert!(names("methods").contains(&"morph-conditioned".to_owned()));
    assert_eq!(names("experiments"), ["./tiny.json"]);
    assert!(tandem(folder, &["list", "methods"]).ended(0).out.contains("\nfixed "));
    tandem(folder, &["list", "experiments", "--folder", "nowhere"])
        .ended(2)
        .saying(&["nowhere"]);
}

#[test]
fn a_misspelt_key_is_named_with_its_line_its_path_and_the_nearest_key() {
    let text = "{\n  \"problem\": \"reach2d\",\n  \"ppo\": {\n    \"rat\": 0.1\n  }\n}";
    check(text)
        .ended(2)
        .saying(&["e.json:4", "ppo.rat", "did you mean `rate`"]);
    for (pointer, key, words) in [
        ("/task/preste", "near", ["task.preste", "`preset`"]),
        ("/methods/cma/populaton", "8", ["methods.cma.populaton", "`population`"]),
        (
            "/methods/morph/proxy/hiden",
            "8",
            ["methods.morph.proxy.hiden", "`hidden`"],
        ),
        ("/sed", "1", ["sed", "`seed`"]),
        ("/methods/mroph", "1", ["methods.mroph", "`morph`"]),
    ] {
        check(&with(pointer, json!(key)))
            .ended(2)
            .saying(&["e.json:"])
            .saying(&words);
    }
    check(&with("/method", json!("mroph"))).ended(2).saying(&["`morph`"]);
    check(&with("/problem", json!("reach3d")))
        .ended(2)
        .saying(&["`reach2d`"]);
    check(&with("/task/preset", json!("nera")))
        .ended(2)
        .saying(&["task.preset", "near"]);
}

#[test]
fn values_that_cannot_be_are_refused_with_their_path() {
    for (pointer, value, path) in [
        ("/rollout/lanes", json!(0), "rollout.lanes"),
        ("/rollout/lanes", json!(1_000_000_000_000u64), "rollout.lanes"),
        ("/rollout/steps", json!(u64::MAX), "rollout.steps"),
        ("/rollout/lanes", json!(-8), "rollout.lanes"),
        ("/rollout/lanes", json!(8.5), "rollout.lanes"),
        ("/ppo/hidden", json!([0]), "ppo.hidden"),
        ("/ppo/hidden", json!([1_000_000_000]), "ppo.hidden"),
        ("/ppo/hidden", json!("64"), "ppo.hidden"),
        ("/ppo/minibatches", json!(0), "ppo.minibatches"),
        ("/ppo/rate", json!(-1.0), "ppo.rate"),
        ("/ppo/rate", json!(1e300), "ppo.rate"),
        ("/ppo/epochs", json!(u64::MAX), "ppo.epochs"),
        ("/evaluation/episodes", json!(0), "evaluation.episodes"),
        ("/evaluation/episodes", json!(u64::MAX), "evaluation.episodes"),
        ("/schedule/env_steps", json!(0), "schedule.env_steps"),
        ("/schedule/fine_tune", json!(0.9), "schedule.fine_tune"),
        ("/checkpoint/every_seconds", json!(-1), "checkpoint.every_seconds"),
        ("/seed", json!(-1), "seed"),
        ("/task/links", json!(100_000), "task.links"),
        ("/methods/cma/population", json!(1e12 as u64), "methods.cma.population"),
        (
            "/methods/morph/proxy/hidden",
            json!([1_000_000]),
            "methods.morph.proxy.hidden",
        ),
    ] {
        let said = check(&with(pointer, value.clone())).ended(2);
        assert!(
            said.err.contains("e.json:") && said.err.contains(path),
            "{pointer} = {value}: {}",
            said.err
        );
    }
}

#[test]
fn files_that_are_no_experiment_are_named() {
    let good = with("/seed", json!(1));
    check(&good.replace("0.2", "NaN"))
        .ended(2)
        .saying(&["e.json:", "NaN", "finite"]);
    check(&good.replace("0.2", "Infinity"))
        .ended(2)
        .saying(&["e.json:", "finite"]);
    check(&good[..good.len() / 2]).ended(2).saying(&["e.json:"]);
    check("").ended(2).saying(&["e.json:1"]);
    check("[]").ended(2).saying(&["object"]);
    check("{\"seed\": 1, \"seed\": 2}").ended(2).saying(&["seed"]);
    let folder = finished();
    tandem(folder, &["check", "nowhere.json"])
        .ended(2)
        .saying(&["nowhere.json", "no such file"]);
    tandem(folder, &["train", "nowhere.json"])
        .ended(2)
        .saying(&["nowhere.json"]);
    tandem(folder, &["check", "run"]).ended(2).saying(&["run", "folder"]);
    tandem(folder, &["check", "run/checkpoints/best.safetensors"])
        .ended(2)
        .saying(&["best.safetensors"]);
    tandem(folder, &["check", "tiny.json", "--set", "ppo.rat=1"])
        .ended(2)
        .saying(&["--set ppo.rat=1", "`rate`"]);
    tandem(folder, &["check", "tiny.json", "--set", "ppo.rate"])
        .ended(2)
        .saying(&["PATH=VALUE"]);
    tandem(folder, &["compare", "tiny.json", "--methods", "mroph"])
        .ended(2)
        .saying(&["`morph`"]);
    assert!(
        !folder.join("runs").exists(),
        "nothing is made before everything is checked"
    );
}

#[test]
fn train_makes_what_it_promises() {
    let run = finished().join("run");
    for file in [
        "experiment.json",
        "meta.json",
        "metrics.jsonl",
        "design.json",
        "design.png",
        "evaluation/final.json",
    ] {
        assert!(run.join(file).is_file(), "{file}");
    }
    let rows = tandem::metrics::read(&run.join("metrics.jsonl")).unwrap();
    let keys = [
        "iteration",
        "phase",
        "env_steps",
        "hardware_queries",
        "seconds",
        "return",
        "true_success",
        "proxy_gap",
        "design",
    ];
    for key in keys {
        assert!(rows.iter().all(|row| row.contains_key(key)), "{key}");
    }
    let design: Value = serde_json::from_str(&fs::read_to_string(run.join("design.json")).unwrap()).unwrap();
    assert_eq!(
        (&design["problem"], &design["method"]),
        (&json!("reach2d"), &json!("morph-conditioned"))
    );
    for parameter in design["parameters"].as_array().unwrap() {
        let number = |key: &str| parameter[key].as_f64().unwrap();
        assert!(number("low") <= number("value") && number("value") <= number("high"));
        assert!(parameter["name"].is_string() && parameter["unit"].is_string() && number("start").is_finite());
    }
}

#[test]
fn the_rate_falls_while_updates_are_larger_than_meant() {
    let folder = tempfile::tempdir().unwrap();
    let mut experiment = tiny("fixed");
    experiment["ppo"]["anneal"] = json!(false);
    experiment["ppo"]["target_kl"] = json!(1e-9);
    write(&folder.path().join("tiny.json"), &experiment);
    tandem(folder.path(), &["train", "tiny.json", "--out", "run"]).ended(0);
    let rows = tandem::metrics::read(&folder.path().join("run/metrics.jsonl")).unwrap();
    for (i, row) in rows.iter().take(5).enumerate() {
        let (rate, expected) = (row["rate"].as_f64().unwrap(), 3e-4 / 1.5_f64.powi(i as i32));
        assert!((rate / expected - 1.0).abs() < 1e-9, "row {i}: {rate}");
    }
}

#[test]
fn evaluate_prints_one_document_or_a_table() {
    let folder = finished();
    let words = ["evaluate", "run", "--episodes", "16", "--seed", "3", "--json"];
    let said = tandem(folder, &words).ended(0);
    let document = said.json();
    for key in ["success", "success_sampled", "return"] {
        let part = |name: &str| document[key][name].as_f64().unwrap();
        assert!(
            part("low") <= part("mean") && part("mean") <= part("high"),
            "{key}: {document}"
        );
    }
    assert!(document["proxy_gap"]["visited"].is_number() && document["proxy_gap"]["uniform"].is_number());
    assert_eq!(
        (&document["episodes"], &document["env_steps"]),
        (&json!(16), &json!(8000))
    );
    assert_eq!(
        tandem(folder, &words).json(),
        document,
        "the same seed, the same document"
    );
    assert!(
        tandem(folder, &["evaluate", "run", "--episodes", "16"])
            .ended(0)
            .out
            .contains("success")
    );
    let design = tandem(
        folder,
        &[
            "evaluate",
            "run/design.json",
            "--episodes",
            "16",
            "--seed",
            "3",
            "--json",
        ],
    );
    assert_eq!(design.ended(0).json()["success"], document["success"]);
}

#[test]
fn designs_that_cannot_be_judged_are_refused() {
    let (folder, run) = copy();
    let design: Value = serde_json::from_str(&fs::read_to_string(run.join("design.json")).unwrap()).unwrap();
    let name = design["parameters"][0]["name"].as_str().unwrap().to_owned();
    let mut outside = design.clone();
    outside["parameters"][0]["value"] = json!(1e9);
    let mut absent = design.clone();
    absent["parameters"].as_array_mut().unwrap().remove(0);
    let mut foreign = design.clone();
    foreign["problem"] = json!("bridge");
    let mut text = design;
    text["parameters"][0]["value"] = json!("long");
    for (document, word) in [
        (outside, &name[..]),
        (absent, &name),
        (foreign, "bridge"),
        (text, &name),
        (json!([]), "d.json"),
    ] {
        write(&folder.path().join("d.json"), &document);
        tandem(folder.path(), &["evaluate", "d.json", "--retrain", "160"])
            .ended(2)
            .saying(&[word]);
    }
    tandem(folder.path(), &["evaluate", "nowhere.json"])
        .ended(2)
        .saying(&["nowhere.json"]);
    tandem(folder.path(), &["evaluate", "run/metrics.jsonl"])
        .ended(2)
        .saying(&["metrics.jsonl"]);
}

#[test]
fn render_makes_pictures_that_decode() {
    let (folder, _) = copy();
    let words = ["render", "run", "--out", "a.png", "--out", "b.gif", "--size", "64"];
    let said = tandem(folder.path(), &words).ended(0);
    assert_eq!(said.out, "a.png\nb.gif\n");
    let png = tiny_skia::Pixmap::load_png(folder.path().join("a.png")).unwrap();
    assert_eq!((png.width(), png.height()), (128, 64));
    assert!(png.pixels().iter().any(|p| *p != png.pixels()[0]), "something is drawn");
    let file = fs::File::open(folder.path().join("b.gif")).unwrap();
    let mut decoder = gif::DecodeOptions::new().read_info(file).unwrap();
    assert_eq!((decoder.width(), decoder.height()), (128, 64));
    let mut frames = 0;
    while decoder.read_next_frame().unwrap().is_some() {
        frames += 1;
    }
    assert!(frames > 5, "{frames} frames of an episode of 20 steps");
    for (out, word) in [("x.bmp", "x.bmp"), ("no/such/folder/x.png", "no/such/folder")] {
        let said = tandem(folder.path(), &["render", "run", "--out", out, "--size", "64"]).saying(&[word]);
        assert!(matches!(said.code, Some(1 | 2)), "{said:?}");
    }
}

#[test]
fn an_out_folder_with_something_in_it_is_refused_and_nothing_is_lost() {
    let (folder, run) = copy();
    let before = contents(&run);
    tandem(folder.path(), &["train", "tiny.json", "--out", "run"])
        .ended(2)
        .saying(&["run", "not empty", "--resume"]);
    assert!(contents(&run) == before);
    tandem(folder.path(), &["train", "tiny.json", "--out", "tiny.json"])
        .ended(2)
        .saying(&["tiny.json"]);
    tandem(folder.path(), &["train", "tiny.json", "--out", "tiny.json/run"])
        .ended(1)
        .saying(&["tiny.json"]);
    if cfg!(target_os = "linux") {
        tandem(folder.path(), &["train", "tiny.json", "--out", "/proc/run"])
            .ended(1)
            .saying(&["/proc"]);
    }
}

/// Every command that reads a run, on a broken one: all fail with this code and these words, and change nothing.
#[track_caller]
fn all_refuse(folder: &Path, code: i32, words: &[&str]) {
    let before = contents(folder);
    for command in [
        &["train", "--resume", "run"][..],
        &["evaluate", "run"],
        &["render", "run", "--out", "x.png"],
    ] {
        tandem(folder, command).ended(code).saying(words);
    }
    let lock = folder.join("run/.lock");
    let kept = |files: Vec<_>| files.into_iter().filter(|(path, _)| *path != lock).collect::<Vec<_>>();
    assert!(kept(contents(folder)) == kept(before));
}

#[test]
fn folders_that_are_no_run_of_this_version_are_refused() {
    let (folder, run) = copy();
    let folder = folder.path();
    let meta = fs::read_to_string(run.join("meta.json")).unwrap();
    fs::write(run.join("meta.json"), meta.replace("\"format\": 3", "\"format\": 99")).unwrap();
    all_refuse(folder, 2, &["format 99", "format 3"]);
    fs::write(run.join("meta.json"), &meta[..meta.len() / 2]).unwrap();
    all_refuse(folder, 1, &["meta.json", "damaged"]);
    fs::remove_file(run.join("meta.json")).unwrap();
    all_refuse(folder, 2, &["run", "no run folder"]);
    fs::remove_dir_all(&run).unwrap();
    for command in [&["train", "--resume", "run"][..], &["render", "run", "--out", "x.png"]] {
        tandem(folder, command).ended(2).saying(&["run", "no such"]);
    }
    tandem(folder, &["evaluate", "run"]).ended(2).saying(&["run"]);
}

#[test]
fn a_changed_experiment_is_refused() {
    let (folder, run) = copy();
    let folder = folder.path();
    let path = run.join("experiment.json");
    let text = fs::read_to_string(&path).unwrap();
    fs::write(&path, text.replace("\"lanes\": 8", "\"lanes\": 9")).unwrap();
    all_refuse(folder, 1, &["experiment.json", "damaged", "checksum"]);
    fs::write(&path, &text[..text.len() / 2]).unwrap();
    all_refuse(folder, 1, &["experiment.json", "damaged"]);
    fs::remove_file(&path).unwrap();
    all_refuse(folder, 1, &["experiment.json is missing"]);
}

#[test]
fn a_damaged_checkpoint_costs_a_few_iterations_and_two_cost_the_run() {
    let (folder, run) = copy();
    let folder = folder.path();
    let cut = |path: &Path| {
        let bytes = fs::read(path).unwrap();
        fs::write(path, &bytes[..bytes.len() / 2]).unwrap();
    };
    let metrics = |run: &Path| tandem::metrics::read(&run.join("metrics.jsonl")).unwrap().len();
    let all = metrics(&run);
    let files = checkpoints(&run);
    assert_eq!(files.len(), 2);
    cut(&files[1]);
    tandem(folder, &["train", "--resume", "run"]).ended(0);
    assert_eq!(metrics(&run), all);
    checkpoints(&run).iter().for_each(|path| cut(path));
    let before = contents(&run);
    tandem(folder, &["train", "--resume", "run"])
        .ended(1)
        .saying(&["no checkpoint", "cut short", "cannot be resumed"]);
    assert!(contents(&run) == before);
}

#[test]
fn one_process_writes_a_run() {
    let (folder, run) = copy();
    let held = tandem::run_folder::RunFolder::open(&run).unwrap();
    tandem(folder.path(), &["train", "--resume", "run"])
        .ended(1)
        .saying(&["in use"]);
    tandem(folder.path(), &["evaluate", "run", "--episodes", "4"]).ended(0);
    drop(held);
}

/// A disk that is full for files of more than so many blocks of 512 bytes, anywhere and for any user.
fn with_short_files(folder: &Path, blocks: u32, words: &[&str]) -> Said {
    let script = format!("trap '' XFSZ; ulimit -f {blocks}; exec \"$0\" \"$@\"");
    let typed = program(folder, words);
    let mut shell = Command::new("sh");
    shell
        .current_dir(folder)
        .arg("-c")
        .arg(script)
        .arg(typed.get_program())
        .args(typed.get_args());
    shell.output().unwrap().into()
}

#[test]
fn a_disk_that_fills_up_stops_the_run_and_loses_nothing() {
    let root = tempfile::tempdir().unwrap();
    let folder = root.path();
    write(&folder.join("tiny.json"), &tiny("fixed"));
    for (blocks, word) in [(0, "experiment.json"), (12, "run/")] {
        let _ = fs::remove_dir_all(folder.join("run"));
        with_short_files(folder, blocks, &["train", "tiny.json", "--out", "run"])
            .ended(1)
            .saying(&["tandem: ", word]);
    }
    let rows = tandem::metrics::read(&folder.join("run/metrics.jsonl")).unwrap();
    assert!(rows.len() < 50, "every row is whole");
    tandem(folder, &["train", "--resume", "run"]).ended(0);
    let rows = tandem::metrics::read(&folder.join("run/metrics.jsonl")).unwrap();
    assert_eq!(rows.last().unwrap()["env_steps"], 8000);
}

/// A small disk in memory, taken away at the end.
struct SmallDisk(tempfile::TempDir);

impl SmallDisk {
    /// `None` where this user may not mount.
    fn new(size: &str) -> Option<Self> {
        let disk = Self(tempfile::tempdir().unwrap());
        disk.mount(&format!("size={size}")).then_some(disk)
    }

    fn mount(&self, options: &str) -> bool {
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", options, "tmpfs"]).arg(self.0.path());
        mount.output().is_ok_and(|output| output.status.success())
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).output();
    }
}

#[test]
fn a_full_disk_is_named_and_the_run_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::new("96k") else {
        println!("passed over: mounting a small disk is not permitted here");
        return;
    };
    let folder = disk.0.path();
    write(&folder.join("tiny.json"), &tiny("fixed"));
    let said = tandem(folder, &["train", "tiny.json", "--out", "run"]).ended(1);
    assert!(
        said.err.contains("full") || said.err.contains("No space"),
        "{}",
        said.err
    );
    assert!(disk.mount("remount,size=64m"));
    let words = if folder.join("run").exists() {
        ["--resume", "run"]
    } else {
        ["tiny.json", "--out=run"]
    };
    tandem(folder, &[&["train"], &words[..]].concat()).ended(0);
    assert_eq!(
        tandem::metrics::read(&folder.join("run/metrics.jsonl")).unwrap().len(),
        50
    );
}

#[test]
fn compare_marks_what_failed_and_finishes_the_rest() {
    let (folder, run) = copy();
    let folder = folder.path();
    fs::create_dir(folder.join("c")).unwrap();
    let broken = folder.join("c/tiny-morph-conditioned-s0");
    fs::rename(run, &broken).unwrap();
    fs::remove_file(broken.join("evaluation/final.json")).unwrap();
    checkpoints(&broken)
        .iter()
        .for_each(|path| fs::write(path, "torn").unwrap());
    let words = [
        "compare",
        "tiny.json",
        "--methods",
        "morph-conditioned,fixed",
        "--seeds",
        "1",
        "--out",
        "c",
    ];
    let said = tandem(folder, &[&words[..], &["--json"]].concat())
        .ended(1)
        .saying(&["no checkpoint", "1 of 2 runs failed"]);
    let document = said.json();
    assert_eq!(document["rows"][0]["runs"], json!([]));
    assert!(
        document["rows"][0]["failed"][0]["message"]
            .as_str()
            .unwrap()
            .contains("no checkpoint")
    );
    assert_eq!(document["rows"][1]["runs"][0]["env_steps"], 8000);
    let table = tandem(folder, &words).ended(1).out;
    assert!(
        table.contains("0 (1 failed)") && table.contains("failed: tandem: no checkpoint"),
        "{table}"
    );
}
