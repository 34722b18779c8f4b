//! Analog attention as a user meets it: through the binary.

use std::process::{Command, Output};

use serde_json::Value;

fn tandem(arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(arguments)
        .output()
        .unwrap()
}

fn simulate(platform: &str) -> Value {
    let output = tandem(&["simulate", "attention", "--platform", platform, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).unwrap()
}

fn near(value: &Value, expected: f64, share: f64) {
    let value = value.as_f64().unwrap();
    assert!((value / expected - 1.0).abs() < share, "{value} is not {expected}");
}

#[test]
fn the_published_point_of_the_paper() {
    let d = simulate("gain-cell");
    near(&d["seconds"], 65e-9, 1e-6);
    near(&d["energy_j"], 6.15e-9, 0.01);
    near(&d["area_mm2"], 0.5, 0.01);
    near(&d["stacked_cells_mm2"], 36.7e-3 / 12.0, 0.01);
    near(&d["gpu"][0]["latency_ratio"], 344.0, 0.001);
    near(&d["gpu"][1]["energy_ratio"], 44.0e3, 0.01);
    let parameters = d["parameters"].as_array().unwrap();
    assert!(parameters.iter().any(|p| p["source"] == "assumed"));
}

#[test]
fn a_file_changes_the_circuit_and_errors_say_where() {
    let folder = tempfile::tempdir().unwrap();
    let write = |text: &str| {
        let path = folder.path().join("circuit.json");
        std::fs::write(&path, text).unwrap();
        path.display().to_string()
    };
    let half = simulate(&write(r#"{"window": 512}"#));
    near(&half["area_mm2"], 0.25, 0.01);
    near(&half["seconds"], 64e-9, 1e-6);
    for (text, expected) in [
        (r#"{"windw": 512}"#, "did you mean `window`"),
        (r#"{"window": 0}"#, "must lie between 1 and 65536"),
        (r#"{"output_bits": 8}"#, "use at most 5 output bits"),
        (r#"{"energy": {"dac_j": "much"}}"#, "energy.dac_j"),
        ("{", "circuit.json:1:2"),
    ] {
        let output = tandem(&["simulate", "attention", "--platform", &write(text)]);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{message}");
        assert!(message.contains(expected), "{message}");
        for twice in ["window: window", "output_bits: output_bits"] {
            assert!(!message.contains(twice), "{message}");
        }
    }
}

/// A chain of a second, and its run folder.
fn tiny(folder: &std::path::Path) -> String {
    let path = folder.join("tiny.json");
    let text = r#"{
        "title": "tiny", "text": {"characters": 4000}, "checkpoint": {"every_seconds": 0},
        "language": {
            "model": {"layers": 1, "heads": 2, "width": 16, "context": 16},
            "circuit": {"window": 16, "columns": 8},
            "training": {"batch": 4, "validation": 8, "validate_every": 5},
            "stages": {"softmax": 8, "linear": 6, "nonlinear": 4}
        }
    }"#;
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn a_language_model_is_adapted_and_writes() {
    let folder = tempfile::tempdir().unwrap();
    let (experiment, out) = (tiny(folder.path()), folder.path().join("run"));
    let run = out.display().to_string();
    let output = tandem(&["adapt", &experiment, "--out", &run, "--json"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let document: Value = serde_json::from_slice(&output.stdout).unwrap();
    let stages: Vec<&str> = document["stages"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["stage"].as_str().unwrap())
        .collect();
    assert_eq!(stages, ["softmax", "linear", "adapt", "nonlinear", "control", "direct"]);
    assert!(document["adaptation"]["passes"].as_array().unwrap().len() > 1);
    assert!(document["hardware"]["energy_j"].as_f64().unwrap() > 0.0);
    for name in ["adaptation.png", "curves.png", "metrics.jsonl", "evaluation/final.json"] {
        assert!(out.join(name).is_file(), "{name}");
    }
    let write = |stage: &str| {
        let output = tandem(&[
            "generate",
            &run,
            "--prompt",
            "Ada ",
            "--characters",
            "20",
            "--stage",
            stage,
        ]);
        (
            output.status.code(),
            String::from_utf8_lossy(&output.stdout).into_owned(),
        )
    };
    let (code, text) = write("nonlinear");
    assert_eq!((code, text.trim_end_matches('\n').starts_with("Ada ")), (Some(0), true));
    assert_eq!(write("nonlinear").1, text);
    assert_eq!(write("nonsense").0, Some(2));
}

#[test]
fn a_killed_adaptation_goes_on_to_the_same_metrics() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = tiny(folder.path());
    let whole = folder.path().join("whole");
    let output = tandem(&["adapt", &experiment, "--out", &whole.display().to_string()]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let cut = folder.path().join("cut").display().to_string();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(["adapt", &experiment, "--out", &cut])
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let metrics = folder.path().join("cut/metrics.jsonl");
    // kill it while it works; should it be faster, the resume has nothing left to do and must agree all the same
    while child.try_wait().unwrap().is_none() {
        if std::fs::read_to_string(&metrics).is_ok_and(|text| text.lines().count() > 5) {
            child.kill().unwrap();
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.wait().unwrap();
    let output = tandem(&["adapt", "--resume", &cut]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let read = |path: std::path::PathBuf| std::fs::read_to_string(path).unwrap();
    assert_eq!(read(metrics), read(whole.join("metrics.jsonl")));
}

#[test]
fn bad_experiments_of_a_language_model_are_refused() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = tiny(folder.path());
    let out = folder.path().join("run").display().to_string();
    for (set, expected) in [
        ("language.training.rat=1", "did you mean `rate`"),
        ("language.model.heads=3", "cannot be shared by 3 heads"),
        ("language.circuit.output_bits=9", "at most 5 output bits"),
        ("text.file=\"nowhere.txt\"", "there is no such file"),
        ("text.characters=100", "too few"),
        ("weights=\"tiny.json\"", "cannot be read"),
    ] {
        let output = tandem(&["adapt", &experiment, "--set", set, "--out", &out]);
        let message = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(2), "{set}: {message}");
        assert!(message.contains(expected), "{set}: {message}");
        assert!(!folder.path().join("run").exists(), "{set}");
    }
    let output = tandem(&["train", &experiment]);
    assert!(String::from_utf8_lossy(&output.stderr).contains("tandem adapt"));
    assert_eq!(output.status.code(), Some(2));
}

#[test]
fn circuit_and_model_are_designed_together_and_a_killed_codesign_goes_on() {
    let folder = tempfile::tempdir().unwrap();
    let text = std::fs::read_to_string(tiny(folder.path())).unwrap();
    let codesign = r#""codesign": {"rounds": 4, "candidates": 4, "training": 2, "margin": 0.5, "chips": 1},
        "language": {"#;
    let text = text.replacen("\"language\": {", codesign, 1);
    let experiment = folder.path().join("both.json");
    std::fs::write(&experiment, text).unwrap();
    let experiment = experiment.display().to_string();
    let out = folder.path().join("run");
    let run = out.display().to_string();
    let output = tandem(&["train", &experiment, "--out", &run]);
    let printed = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(printed.contains("times less energy"), "{printed}");
    for name in [
        "pareto-energy.png",
        "pareto-latency.png",
        "pareto-area.png",
        "evaluation/final.json",
    ] {
        assert!(out.join("codesign-s0").join(name).is_file(), "{name}");
    }
    // commands for problems learnt by trial name those that there are
    let motion = out.join("motion.gif").display().to_string();
    for arguments in [
        vec!["evaluate", &run],
        vec!["render", &run, "--out", &motion],
        vec!["export", &run, "--mjcf", &motion],
    ] {
        let said = tandem(&arguments);
        let error = String::from_utf8_lossy(&said.stderr).into_owned();
        assert_eq!(said.status.code(), Some(2), "{error}");
        assert!(error.contains("is about a language model"), "{error}");
    }
    // a finished one is read; one of another seed is made, killed on its way, and goes on to the same rounds
    let explore = |seed: &str| tandem(&["explore", &run, "--seed", seed, "--json"]);
    let document: Value = serde_json::from_slice(&explore("0").stdout).unwrap();
    let first = &document["codesigns"][0];
    assert_eq!(first["problem"], "attention");
    // what a search saves is claimed where it is tested, over several seeds
    let saving = first["energy_saving"].as_f64().unwrap();
    assert!(saving.is_finite() && saving > 0.0, "{saving}");
    assert!(!first["front"].as_array().unwrap().is_empty());
    let mut child = Command::new(env!("CARGO_BIN_EXE_tandem"))
        .args(["explore", &run, "--seed", "1"])
        .stderr(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    let metrics = out.join("codesign-s1/metrics.jsonl");
    while child.try_wait().unwrap().is_none() {
        if std::fs::read_to_string(&metrics).is_ok_and(|text| text.lines().count() > 1) {
            child.kill().unwrap();
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(2));
    }
    child.wait().unwrap();
    assert!(explore("1").status.success());
    let killed = std::fs::read_to_string(&metrics).unwrap();
    std::fs::remove_dir_all(out.join("codesign-s1")).unwrap();
    assert!(explore("1").status.success());
    assert_eq!(std::fs::read_to_string(&metrics).unwrap(), killed);
    let other = tandem(&["explore", &run, "--seed", "1", "--rounds", "2"]);
    assert_eq!(other.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&other.stderr).contains("other settings"));
}

#[test]
fn public_byte_pairs_are_read_from_their_files() {
    let folder = tempfile::tempdir().unwrap();
    let experiment = tiny(folder.path());
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    // all bytes in the public spelling, and two merges
    let visible = |b: &u32| matches!(b, 0x21..=0x7E | 0xA1..=0xAC | 0xAE..=0xFF);
    let bytes = (0..256u32).filter(visible).chain(0x100..0x144);
    let mut tokens: Vec<String> = bytes.filter_map(char::from_u32).map(String::from).collect();
    tokens.extend(["th".to_owned(), "the".to_owned()]);
    let numbers: serde_json::Map<String, Value> = tokens
        .iter()
        .enumerate()
        .map(|(i, token)| (token.clone(), i.into()))
        .collect();
    let vocab = write("vocab.json", &Value::Object(numbers).to_string());
    let merges = write("merges.txt", "#version: 0.2\nt h\nth e\n");
    let out = folder.path().join("run").display().to_string();
    let adapt = |vocab: &std::path::Path| {
        let set = format!(
            "text.tokenizer={{\"vocab\": \"{}\", \"merges\": \"{}\"}}",
            vocab.display(),
            merges.display()
        );
        tandem(&["adapt", &experiment, "--set", &set, "--out", &out])
    };
    let wrong = write("wrong.json", r#"{"a": 3}"#);
    let output = adapt(&wrong);
    let message = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(2), "{message}");
    assert!(message.contains("tokenizer: vocab"), "{message}");
    let output = adapt(&vocab);
    let message = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{message}");
    assert!(message.contains("tokens to learn from") && message.contains("258 different"));
    // the run has copies of its own
    std::fs::remove_file(&vocab).unwrap();
    let output = tandem(&["generate", &out, "--prompt", "the \u{fc}", "--characters", "5"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_misspelt_section_of_a_language_experiment_is_told_as_such() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("typo.json");
    let text = std::fs::read_to_string("experiments/attention.json").unwrap();
    std::fs::write(&file, text.replacen("\"language\"", "\"langage\"", 1)).unwrap();
    let said = tandem(&["check", file.to_str().unwrap()]);
    let error = String::from_utf8_lossy(&said.stderr).into_owned();
    assert_eq!(said.status.code(), Some(2), "{error}");
    assert!(error.contains("did you mean `language`?"), "{error}");
}

#[test]
fn a_circuit_in_the_shared_loop_is_trained_judged_and_drawn_like_any_design() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run").display().to_string();
    let mut words = vec!["train", "experiments/attention-recall.json", "--out", &out];
    for set in [
        "rollout.lanes=8",
        "rollout.steps=24",
        "schedule.env_steps=2000",
        "evaluation.episodes=4",
        "methods.morph-conditioned.proxy={\"steps\": 20, \"batch\": 64, \"hidden\": [8]}",
        "methods.morph-conditioned.refresh_batch=64",
    ] {
        words.extend(["--set", set]);
    }
    let said = tandem(&words);
    let error = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(said.status.success(), "{error}");
    let said = tandem(&["evaluate", &out, "--episodes", "4", "--json"]);
    let document: Value = serde_json::from_slice(&said.stdout).unwrap();
    assert_eq!(document["problem"], "attention");
    assert!(document["proxy_gap"]["visited"].as_f64().unwrap() > 0.0);
    let design = std::fs::read_to_string(folder.path().join("run/design.json")).unwrap();
    let design: Value = serde_json::from_str(&design).unwrap();
    let parameters = design["parameters"].as_array().unwrap();
    assert_eq!(parameters.len(), 12);
    let bits = parameters.iter().find(|p| p["name"] == "query_bits").unwrap();
    assert_eq!(bits["value"].as_f64().unwrap().fract(), 0.0);
    assert!(folder.path().join("run/design.png").is_file());
}

#[test]
fn compare_names_the_commands_for_a_language_model() {
    let out = tempfile::tempdir().unwrap();
    let out = out.path().display().to_string();
    for file in ["experiments/attention-lm.json", "experiments/attention.json"] {
        let said = tandem(&["compare", file, "--out", &out]);
        assert_eq!(said.status.code(), Some(2));
        assert!(String::from_utf8_lossy(&said.stderr).contains("`adapt`, `explore`"));
    }
}
