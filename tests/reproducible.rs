//! The same experiment and seed give the same bytes on every x86-64 processor with AVX2.
//!
//! `tests/digests.json` holds digests of short runs of every problem, made on one machine and compared on all others.
//! A change that is meant to change the bytes of runs writes them anew: `TANDEM_DIGESTS=write cargo test --release
//! --test reproducible`.

mod common;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tandem::experiment::Experiment;
use tandem::machine::Machine;
use tandem::registry;
use tandem::trainer::Trainer;
use tandem_learning::libtorch::CHOICE;

use common::{digest, program, row};

const DIGESTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/digests.json");

/// What makes a run of any problem one of seconds.
const SHORT: [&str; 6] = [
    "rollout.lanes=8",
    "rollout.steps=32",
    "ppo.minibatches=2",
    "schedule.env_steps=1024",
    "evaluation.every=2",
    "evaluation.episodes=2",
];

/// Name, experiment file below `experiments`, and settings beside [`SHORT`].
const CASES: [(&str, &str, &[&str]); 16] = [
    ("quickstart", "quickstart", &[]),
    (
        "reach2d-morph",
        "far",
        &["method=morph", "methods.morph.proxy.steps=100"],
    ),
    ("reach2d-gaussian", "far", &["method=gaussian"]),
    (
        "reach2d-cma",
        "far",
        &["method=cma", "rollout.steps=80", "schedule.env_steps=12000"],
    ),
    ("reach2d-exact-gradient", "far", &["method=hardware-as-policy"]),
    ("passage", "passage", &[]),
    ("tentacle", "tentacle", &[]),
    ("tentacle-exact-gradient", "tentacle", &["method=hardware-as-policy"]),
    ("press", "press", &[]),
    ("tendon", "tendon", &[]),
    ("accelerator", "accelerator", &[]),
    (
        "accelerator-exact-gradient",
        "accelerator",
        &["method=hardware-as-policy"],
    ),
    ("attention-recall", "attention-recall", &[]),
    ("robot-arm", "robots/arm", &[]),
    ("cartpole", "classic/cartpole", &[]),
    ("reacher", "classic/reacher", &[]),
];

/// Kernels that the environment asks for; they must not decide.
const ENVIRONMENTS: [(&str, &str); 5] = [
    ("ATEN_CPU_CAPABILITY", "default"),
    ("ATEN_CPU_CAPABILITY", "avx2"),
    ("MKL_CBWR", "COMPATIBLE"),
    ("MKL_CBWR", "AUTO"),
    ("ONEDNN_MAX_CPU_ISA", "SSE41"),
];

/// Digest of a short run's rows, without what the clock says.
fn digest_of(file: &str, settings: &[&str]) -> String {
    let path = experiment(file);
    let proxy = "methods.morph-conditioned.proxy.steps=100";
    let other_method = settings.iter().any(|set| set.starts_with("method="));
    let sets = SHORT.iter().chain(settings).copied();
    let sets: Vec<String> = sets.chain((!other_method).then_some(proxy)).map(String::from).collect();
    let experiment = Experiment::read(&path, &sets).unwrap();
    let instance = registry::problem(&experiment).unwrap();
    let (hardware, spec) = (instance.problem.hardware(), instance.problem.spec());
    let mut trainer = Trainer::new(&experiment).unwrap();
    trainer.prepare(&|| false).unwrap();
    let mut text = String::new();
    while let Some(record) = trainer.iterate().unwrap() {
        text += &row(&Value::from(record.row(hardware.space(), spec)).to_string());
    }
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

fn experiment(name: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join("experiments").join(name).with_extension("json")
}

/// Digest of a run by the program, under an environment.
fn run(verb: &str, file: &str, settings: &[&str], environment: Option<(&str, &str)>) -> String {
    let folder = tempfile::tempdir().unwrap();
    let file = experiment(file).display().to_string();
    let mut words = vec![verb, "--out", "run"];
    words.extend(settings.iter().flat_map(|set| ["--set", set]));
    words.push(&file);
    let mut command = program(folder.path(), &words);
    command.env_remove(CHOICE).envs(environment);
    let output = command.output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{file}: {talk}");
    digest(&folder.path().join("run"))
}

/// A language model of a second.
fn language(environment: Option<(&str, &str)>) -> String {
    let settings = [
        "text.characters=4000",
        "language.model.layers=1",
        "language.model.heads=2",
        "language.model.width=16",
        "language.model.context=16",
        "language.circuit.window=16",
        "language.circuit.columns=8",
        "language.training.batch=4",
        "language.training.validation=8",
        "language.training.validate_every=5",
        "language.stages.softmax=8",
        "language.stages.linear=6",
        "language.stages.nonlinear=4",
    ];
    run("adapt", "attention", &settings, environment)
}

/// Whether the promise holds in this process, and what is said where not.
fn promised() -> bool {
    let machine = Machine::here();
    if !machine.kernels.reproducible {
        eprintln!("no bytes are promised here:\n{machine}");
    }
    machine.kernels.reproducible
}

#[test]
fn runs_of_every_problem_have_the_digests_of_other_machines() {
    if !promised() {
        return;
    }
    let mut found: BTreeMap<&str, String> = CASES
        .into_iter()
        .map(|(name, file, settings)| (name, digest_of(file, settings)))
        .collect();
    found.insert("language", language(None));
    if std::env::var("TANDEM_DIGESTS").is_ok_and(|wish| wish == "write") {
        let text = serde_json::to_string_pretty(&found).unwrap();
        return fs::write(DIGESTS, text + "\n").unwrap();
    }
    let text = fs::read_to_string(DIGESTS).unwrap();
    let known: BTreeMap<String, Value> = serde_json::from_str(&text).unwrap();
    let differing: Vec<String> = found
        .iter()
        .filter(|(name, digest)| known.get(**name).and_then(Value::as_str) != Some(digest))
        .map(|(name, digest)| format!("{name}: {digest}"))
        .collect();
    assert!(
        differing.is_empty() && known.len() == found.len(),
        "these runs differ from those in tests/digests.json: {}\n\
         If this change of Tandem was not meant to change them, please report this processor and these libraries:\n{}",
        differing.join(", "),
        Machine::here()
    );
}

#[test]
fn the_environments_kernels_do_not_decide() {
    if !promised() {
        return;
    }
    let quickstart = |environment| run("train", "quickstart", &SHORT, environment);
    for run in [&quickstart as &dyn Fn(_) -> String, &language] {
        let here = run(None);
        for environment in ENVIRONMENTS {
            assert_eq!(run(Some(environment)), here, "{environment:?}");
        }
    }
}
