//! Mutated experiments are not only read but trained, for one iteration each, by the program itself: it may end well,
//! refuse or say what went wrong, but neither die nor be deaf. Too long for every day; the command is
//!
//! ```sh
//! cargo test --release --workspace --test fuzz -- --ignored --nocapture
//! ```
//!
//! `TANDEM_FUZZ_CASES` sets another number than 20000 of mutated experiments, `TANDEM_FUZZ_SEED` another seed than 0.
//! Those that fail are kept in `target/fuzz`.

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};
use tandem::adaptation::LanguageExperiment;
use tandem::experiment::Experiment;
use tandem_core::Stream;

use common::mutation::{ALL, mutate, shipped};
use common::{ONE_ITERATION, program, tiny, watch};

const CASES: u64 = 20_000;

/// The shipped experiments, cut down to one iteration of moments, and one of each method.
fn sources() -> Vec<Value> {
    let files = shipped();
    let files = files.iter().filter(|path| !LanguageExperiment::is_at(path));
    let mut all: Vec<Value> = files
        .map(|path| {
            let mut source: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
            if let Some(model) = source["task"]["model"].as_str() {
                source["task"]["model"] = json!(path.with_file_name(model)); // the case lies elsewhere
            }
            source
        })
        .collect();
    all.extend(tandem::registry::methods().iter().map(|method| tiny(method.name)));
    for source in &mut all {
        source["rollout"] = json!({"lanes": 4, "steps": 16});
        source["ppo"]["minibatches"] = json!(2);
        source["ppo"]["epochs"] = json!(2);
        source["evaluation"] = json!({"every": 1, "episodes": 2});
        for method in ["morph", "morph-conditioned"] {
            source["methods"][method]["proxy"] = json!({"hidden": [16], "batch": 32, "steps": 4});
        }
    }
    all
}

/// How a case ended, where it should not have.
fn fault(folder: &Path, text: &str) -> Option<String> {
    fs::write(folder.join("e.json"), text).unwrap();
    let Some(status) = watch(program(folder, &ONE_ITERATION), &folder.join("talk.log")) else {
        return Some("is deaf".into());
    };
    let talk = fs::read_to_string(folder.join("talk.log")).unwrap_or_default();
    let calm = matches!(status.code(), Some(0..=3)) && !talk.contains("panicked");
    (!calm).then(|| format!("{status}: {talk}"))
}

#[test]
#[ignore = "hours; a command of its own"]
fn training_mutated_experiments_ends_calmly() {
    let number = |name: &str, default| std::env::var(name).map_or(default, |text| text.parse().unwrap());
    let (cases, seed) = (number("TANDEM_FUZZ_CASES", CASES), number("TANDEM_FUZZ_SEED", 0));
    let kept = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("target/fuzz");
    fs::create_dir_all(&kept).unwrap();
    let sources = sources();
    let (next, trained, failed) = (AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0));
    let work = || {
        loop {
            let case = next.fetch_add(1, Ordering::Relaxed);
            if case >= cases {
                return;
            }
            let mut stream = Stream::new(seed, "fuzz", case);
            let source = &sources[stream.below(sources.len())];
            let mutation = ALL[stream.below(ALL.len())];
            let text = mutate(source, mutation, &mut stream).text;
            // what is refused at once is left to `tests/experiments.rs`
            if Experiment::parse(&text, "e.json").is_err() {
                continue;
            }
            trained.fetch_add(1, Ordering::Relaxed);
            let folder = tempfile::tempdir().unwrap();
            if let Some(fault) = fault(folder.path(), &text) {
                failed.fetch_add(1, Ordering::Relaxed);
                eprintln!("case {case} ({mutation:?}) {fault}");
                fs::write(kept.join(format!("{seed}-{case}.json")), &text).unwrap();
            }
            if case.is_multiple_of(1000) {
                eprintln!("{case} of {cases}");
            }
        }
    };
    std::thread::scope(|scope| {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        (0..workers).for_each(|_| drop(scope.spawn(work)));
    });
    let (trained, failed) = (trained.into_inner(), failed.into_inner());
    eprintln!("{trained} of {cases} mutated experiments were trained, {failed} ended badly");
    assert!(
        trained > cases / 20 && failed == 0,
        "{failed} kept in {}",
        kept.display()
    );
}
