//! A reader that goes away, and a disk that is full, are no crashes: whatever prints ends with one clear message and
//! an exit code that scripts can use.

mod common;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Output, Stdio};

use common::program;

/// Commands that print and need no run: help, listings, checks, simulations, mappings, a search.
const PRINTING: [&str; 22] = [
    "--help",
    "--version",
    "help train",
    "list problems",
    "list methods",
    "list experiments",
    "list networks --json",
    "list platforms --json",
    "list passes",
    "check experiments/far.json",
    "check experiments/far.json --json",
    "check experiments/attention.json",
    "check --machine",
    "simulate resnet50 --platform gemmini",
    "simulate resnet50 --platform gemmini --json",
    "map resnet18",
    "map resnet18 --json",
    "search gemmini --methods random --seeds 1 --budget 10 --out",
    "validate scalesim --data envs/accelerator/testdata/scalesim",
    "validate timeloop --data envs/accelerator/testdata/timeloop/rows.csv",
    "validate timeloop --data envs/accelerator/testdata/timeloop/rows.csv --json",
    "validate gemmini --data envs/accelerator/testdata/gemmini/rows.csv",
];

/// Commands that need a run, a file of their own or a while; `run` is a finished one, of `tandem adapt` where the command
/// is about language.
const WORKING: [&str; 14] = [
    "train --resume run",
    "train tiny.json --out new",
    "evaluate run --episodes 4",
    "evaluate run --episodes 4 --json",
    "render run --out picture.png",
    "export run --mjcf arm.xml",
    "compare tiny.json --methods fixed --seeds 1 --out compared",
    "compare tiny.json --methods fixed --seeds 1 --out compared --json",
    "bench selectivity --designs 10 --only near",
    "simulate attention --platform gain-cell",
    "adapt --resume run",
    "adapt --resume run --json",
    "generate run --prompt Ada --characters 4",
    "explore run --rounds 1 --candidates 4 --training 2",
];

/// The same with a folder of its own.
fn work(command: &str, stdout: impl Into<Stdio>) -> Output {
    let about_language = ["adapt", "generate", "explore"]
        .iter()
        .any(|name| command.starts_with(name));
    let source = if about_language {
        common::adapted()
    } else {
        common::finished()
    };
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("copy");
    common::copy_all(source, &copy);
    let mut program = program(&copy, &command.split(' ').collect::<Vec<&str>>());
    let child = program.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_reader_that_is_gone_does_not_stop_work_and_a_full_disk_is_an_error() {
    for command in WORKING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = work(command, writer);
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{command}: {talk}");
        assert!(!talk.contains("tandem: "), "{command}: {talk}");
        if !Path::new("/dev/full").exists() {
            continue;
        }
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = work(command, full);
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {talk}");
        assert!(
            talk.contains("tandem: cannot write to standard output: "),
            "{command}: {talk}"
        );
    }
}

fn run(command: &str, stdout: impl Into<Stdio>, stderr: impl Into<Stdio>) -> Output {
    let folder = tempfile::tempdir().unwrap();
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut program = program(here, &command.split(' ').collect::<Vec<&str>>());
    if command.ends_with("--out") {
        program.arg(folder.path().join("out"));
    }
    let child = program.stdout(stdout).stderr(stderr).spawn().unwrap();
    child.wait_with_output().unwrap()
}

#[test]
fn a_reader_that_has_seen_enough_ends_a_command_quietly() {
    for command in PRINTING {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = run(command, writer, Stdio::piped());
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(0), "{command}: {talk}");
        assert!(!talk.contains("tandem:"), "{command}: {talk}");
    }
}

#[test]
fn a_full_disk_is_an_error_with_one_message() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    for command in PRINTING {
        let full = File::options().write(true).open("/dev/full").unwrap();
        let output = run(command, full, Stdio::piped());
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{command}: {talk}");
        let complaint = "tandem: cannot write to standard output: ";
        assert_eq!(talk.matches(complaint).count(), 1, "{command}: {talk}");
        assert!(!talk.contains("panicked"), "{command}: {talk}");
    }
}

#[test]
fn a_calibration_that_nobody_reads_is_written_and_a_full_disk_is_an_error() {
    let calibrate = |stdout: Stdio| {
        let folder = tempfile::tempdir().unwrap();
        let words = ["calibrate", "host", "--layers", "60", "--allow-noise"];
        let mut program = program(folder.path(), &words);
        let child = program.stdout(stdout).stderr(Stdio::piped()).spawn().unwrap();
        (folder, child)
    };
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let unread = calibrate(writer.into());
    let full = File::options().write(true).open("/dev/full");
    let full = full.ok().map(|full| calibrate(full.into()));
    for ((folder, child), code) in [(Some(unread), 0), (full, 1)]
        .into_iter()
        .filter_map(|(one, code)| Some((one?, code)))
    {
        let output = child.wait_with_output().unwrap();
        let talk = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{talk}");
        let complaints = talk.matches("tandem: cannot write to standard output: ").count();
        assert_eq!(complaints, code as usize, "{talk}");
        assert!(folder.path().join("host.json").exists(), "{talk}");
    }
}

#[test]
fn a_message_quotes_little_of_an_input_and_hands_on_no_control_character() {
    let folder = tempfile::tempdir().unwrap();
    let folder = folder.path();
    let long = "x".repeat(5000);
    let harmful = format!("\u{1b}[2J\u{7}{long}");
    for name in [&long, &harmful] {
        let mut experiment = common::tiny("fixed");
        experiment["problem"] = serde_json::json!(name);
        common::write(&folder.join("problem.json"), &experiment);
        let mut experiment = common::tiny("fixed");
        experiment[name.as_str()] = serde_json::json!(1);
        common::write(&folder.join("key.json"), &experiment);
        common::write(&folder.join("tiny.json"), &common::tiny("fixed"));
        let set = format!("{name}=1");
        let value = format!("task.preset={name}");
        let path = format!("{}/{}", &name[..100], &name[..100]);
        for words in [
            &["check", "problem.json"][..],
            &["check", "key.json"],
            &["check", "tiny.json", "--set", &set],
            &["check", "tiny.json", "--set", &value],
            &["check", &path],
            &["check", name],
            &["list", name],
            &["simulate", name, "--platform", "gemmini"],
            &["simulate", "resnet18", "--platform", name],
            &["simulate", "resnet18", "--platform", "gemmini", "--no-pass", name],
            &["search", name],
            &["evaluate", name],
            &[name],
        ] {
            let said = common::tandem(folder, words).ended(2);
            let message = said.err;
            assert!(
                message.chars().count() < 1200,
                "{} {}: {message}",
                words[0],
                message.len()
            );
            assert!(!message.contains(&"x".repeat(81)), "{}: {message}", words[0]);
            assert!(
                !message.chars().any(|c| c.is_control() && c != '\n'),
                "{}: {message:?}",
                words[0]
            );
        }
    }
}

#[test]
fn talk_that_nobody_hears_stops_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("run");
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let experiment = "experiments/classic/cartpole.json";
    let short = "schedule.env_steps=4096";
    let status = program(here, &["train", experiment, "--set", short, "--out"])
        .arg(&out)
        .stdout(Stdio::null())
        .stderr(writer)
        .status()
        .unwrap();
    assert!(status.success(), "{status}");
    assert!(fs::metadata(out.join("evaluation/final.json")).is_ok());
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    let status = run("list nonsense", Stdio::null(), writer).status;
    assert_eq!(status.code(), Some(2));
}
