//! Experiment files: all that are shipped are right, and no file, however mangled, makes the reader panic or pass
//! over a mistake.

mod common;

use std::fs;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::PathBuf;

use serde_json::{Map, Value, json};
use tandem::adaptation::LanguageExperiment;
use tandem::experiment::Experiment;
use tandem::registry;
use tandem::trainer::Trainer;
use tandem_core::Stream;

use common::mutation::{ALL, mutate, shipped};

/// Mutated experiments per file.
const MUTATIONS: u64 = 1500;
/// A run whose sizes multiply to less than this is made in memory too.
const SMALL: f64 = 2e6;

/// Whether making the run in memory is a matter of milliseconds.
fn is_small(experiment: &Experiment) -> bool {
    let width = experiment.ppo.hidden.iter().map(|&w| w as f64).fold(1.0, f64::max);
    let rows = (experiment.rollout.lanes * experiment.rollout.steps) as f64;
    let settings = serde_json::to_string(&experiment.methods).unwrap();
    rows * width < SMALL && settings.len() < 10_000
}

#[test]
fn every_shipped_experiment_is_right() {
    let mut files = 0;
    for path in shipped() {
        if LanguageExperiment::is_at(&path) {
            let read = LanguageExperiment::read(&path, &[]);
            let experiment = read.unwrap_or_else(|error| panic!("{error}"));
            assert!(!experiment.title.is_empty(), "{}", path.display());
            continue;
        }
        let experiment = Experiment::read(&path, &[]).unwrap_or_else(|error| panic!("{error}"));
        assert!(
            !experiment.title.is_empty(),
            "{}: a title says what it shows",
            path.display()
        );
        Trainer::new(&experiment).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        files += 1;
    }
    assert!(files > 0, "there are experiments");
}

#[test]
fn an_experiment_written_and_read_again_is_the_same() {
    for method in registry::methods() {
        let experiment = Experiment::parse(&common::tiny(method.name).to_string(), "e.json").unwrap();
        let text = serde_json::to_string_pretty(&experiment).unwrap();
        assert_eq!(Experiment::parse(&text, "e.json").unwrap(), experiment);
    }
}

/// All that can be written: a small experiment with every default filled in, of the program and of the methods.
fn complete() -> Value {
    let mut document = common::tiny("morph");
    let experiment = Experiment::parse(&document.to_string(), "e.json").unwrap();
    document = serde_json::to_value(&experiment).unwrap();
    document["task"]["obstacles"] = json!("none");
    document["task"]["length_bounds"] = json!([0.15, 1.0]);
    document["ppo"]["target_kl"] = json!(0.02);
    document["schedule"]["freeze_at"] = json!(0.9);
    document["methods"]["gaussian"] = json!({"rate": 0.1, "deviation": 0.5, "least_deviation": 0.1});
    document["methods"]["random"] = json!({});
    document
}

#[test]
fn no_mutated_experiment_panics_or_hides_its_mistake() {
    // each as if it lay beside the shipped file: a robot's model is found from there
    let mut sources: Vec<(Value, PathBuf)> = shipped()
        .iter()
        .filter(|path| !LanguageExperiment::is_at(path))
        .map(|path| {
            (
                serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap(),
                path.with_file_name("e.json"),
            )
        })
        .collect();
    sources.extend([(complete(), "e.json".into()), (complete(), "e.json".into())]);
    let (mut accepted, mut refused, mut built) = (0, 0, 0);
    for (i, (source, place)) in sources.iter().enumerate() {
        let origin = place.display().to_string();
        for j in 0..MUTATIONS {
            let mut stream = Stream::new(j, "mutations", i as u64);
            let mutation = ALL[stream.below(ALL.len())];
            let mutant = mutate(source, mutation, &mut stream);
            let described = || format!("{mutation:?} number {j} of source {i}: {}", mutant.text);
            let read = catch_unwind(|| Experiment::parse(&mutant.text, &origin));
            match read.unwrap_or_else(|_| panic!("panic at {}", described())) {
                Ok(experiment) => {
                    assert!(mutant.must_say.is_none(), "accepted: {}", described());
                    accepted += 1;
                    if is_small(&experiment) {
                        let made = catch_unwind(AssertUnwindSafe(|| Trainer::new(&experiment).map(drop)));
                        let made = made.unwrap_or_else(|_| panic!("panic in building {}", described()));
                        made.unwrap_or_else(|error| panic!("{error}: accepted, then refused: {}", described()));
                        built += 1;
                    }
                }
                Err(error) => {
                    let message = error.to_string();
                    let words = mutant.must_say.as_deref().unwrap_or("e.json");
                    assert!(
                        message.contains(words),
                        "no {words:?} in {message:?} for {}",
                        described()
                    );
                    assert!(!message.contains('\n') && message.len() < 2000, "{message}");
                    assert_eq!(error.exit_code(), 2, "{message}");
                    refused += 1;
                }
            }
        }
    }
    assert!(
        accepted > 300 && built > 200 && refused > 2000,
        "{accepted} accepted, {built} built, {refused} refused"
    );
}

#[test]
fn deep_and_long_documents_are_refused_calmly() {
    let deep = |open: &str, close: &str| format!("{}1{}", open.repeat(100_000), close.repeat(100_000));
    for text in [
        deep("[", "]"),
        deep("{\"a\":", "}"),
        format!("{{\"title\": \"{}", "x".repeat(5_000_000)),
    ] {
        let message = Experiment::parse(&text, "e.json").unwrap_err().to_string();
        assert!(message.starts_with("e.json:1") && message.len() < 500, "{message}");
    }
    let keys: Map<String, Value> = (0..50_000).map(|i| (format!("key{i}"), json!(i))).collect();
    let message = Experiment::parse(&Value::Object(keys).to_string(), "e.json")
        .unwrap_err()
        .to_string();
    assert!(message.contains("key"), "{message}");
}
