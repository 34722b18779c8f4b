//! A reader that goes away, and a disk that is full, are no crashes: whatever prints ends with one clear message and
//! an exit code that scripts can use.

mod common;

use std::fs::{self, File};
use std::path::Path;
use std::process::{Output, Stdio};

use common::program;

/// Commands that print and need no run: help, listings, checks, simulations, mappings, a search.
const PRINTING: [&str; 18] = [
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
];

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
