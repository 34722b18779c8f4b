//! What the tests of the program share: the program itself, an experiment of seconds, and a run of it.
#![allow(dead_code)] // each test binary uses a part of it

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Output, Stdio};
use std::sync::OnceLock;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use serde_json::{Value, json};

pub mod documents;
pub mod mutation;

/// What the program has said.
#[derive(Debug)]
pub struct Said {
    /// Exit code; `None` after a signal.
    pub code: Option<i32>,
    /// stdout: results.
    pub out: String,
    /// stderr: talk.
    pub err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("the program writes UTF-8");
        Self {
            code: output.status.code(),
            out: text(&output.stdout),
            err: text(&output.stderr),
        }
    }
}

impl Said {
    /// Asserts the exit code and that nothing panicked.
    #[track_caller]
    pub fn ended(self, code: i32) -> Self {
        assert!(!self.err.contains("panicked"), "{}", self.err);
        assert_eq!(self.code, Some(code), "stdout: {}\nstderr: {}", self.out, self.err);
        self
    }

    /// Asserts that stderr holds all these words.
    #[track_caller]
    pub fn saying(self, words: &[&str]) -> Self {
        for word in words {
            assert!(self.err.contains(word), "no {word:?} in: {}", self.err);
        }
        self
    }

    /// stdout as the one JSON document that it must be.
    #[track_caller]
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in: {}", self.out))
    }
}

/// The program, with these words typed in `folder`.
pub fn program(folder: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tandem"));
    command.current_dir(folder).args(words).stdin(Stdio::null());
    command
}

/// Types these words in `folder` and waits.
pub fn tandem(folder: &Path, words: &[&str]) -> Said {
    program(folder, words).output().expect("the program starts").into()
}

/// Words that train what is in `e.json` for one iteration.
pub const ONE_ITERATION: [&str; 8] = [
    "train",
    "e.json",
    "--out",
    "run",
    "--set",
    "schedule.env_steps=1",
    "--threads",
    "1",
];

/// From then on a watched program is asked to end.
const LONG: Duration = Duration::from_secs(20);
/// Longest time without a word.
const SILENT: Duration = Duration::from_secs(120);
/// What an answer may take: an iteration's patience and a busy machine.
const ANSWER: Duration = Duration::from_secs(25);

/// Runs a program that talks to the file `talk`, and asks it to end where it takes long; `None` where it is deaf.
pub fn watch(mut command: Command, talk: &Path) -> Option<ExitStatus> {
    let stderr = fs::File::create(talk).unwrap();
    let mut child = command.stdout(Stdio::null()).stderr(stderr).spawn().unwrap();
    let begun = Instant::now();
    let mut asked: Option<Instant> = None;
    loop {
        if let Some(status) = child.try_wait().unwrap() {
            return Some(status);
        }
        // before its first word the program may still be being loaded, on a busy machine
        let listens = fs::metadata(talk).is_ok_and(|talk| talk.len() > 0);
        if begun.elapsed() > LONG && listens && asked.is_none() {
            asked = Some(Instant::now());
            let _ = kill_process(Pid::from_child(&child), Signal::TERM);
        }
        if asked.is_some_and(|asked| asked.elapsed() > ANSWER) || begun.elapsed() > SILENT && !listens {
            child.kill().unwrap();
            child.wait().unwrap();
            return None;
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// An experiment of a second: all phases, several true evaluations, a checkpoint every twentieth of a second.
pub fn tiny(method: &str) -> Value {
    json!({
        "problem": "reach2d",
        "task": {"preset": "near", "horizon": 20},
        "method": method,
        "methods": {
            "morph": {"proxy": {"hidden": [16], "batch": 64, "steps": 50}},
            "morph-conditioned": {
                "proxy": {"hidden": [16], "batch": 64, "steps": 50}, "refresh_steps": 2, "refresh_batch": 64
            },
            "cma": {"population": 4, "inner_iterations": 1, "warm_start": false, "halving": true}
        },
        "rollout": {"lanes": 8, "steps": 20},
        "ppo": {"hidden": [16, 16], "epochs": 2, "minibatches": 2, "averaging": 0.5},
        "schedule": {"env_steps": 8000, "burn_in": 0.2, "fine_tune": 0.3},
        "evaluation": {"every": 3, "episodes": 8},
        "checkpoint": {"every_seconds": 0.05}
    })
}

/// Writes an experiment file.
pub fn write(path: &Path, value: &Value) {
    fs::write(path, serde_json::to_string_pretty(value).unwrap()).unwrap();
}

/// A finished run of [`tiny`], made once per test binary and never changed; it lies in `run` of its folder.
pub fn finished() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        write(&folder.path().join("tiny.json"), &tiny("morph-conditioned"));
        tandem(folder.path(), &["train", "tiny.json", "--out", "run"]).ended(0);
        folder
    });
    folder.path()
}

/// A finished run of `tandem adapt`, made once per test binary and never changed; it lies in `run` of its folder.
pub fn adapted() -> &'static Path {
    static FOLDER: OnceLock<tempfile::TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let experiment = json!({
            "title": "tiny", "text": {"characters": 4000},
            "language": {
                "model": {"layers": 1, "heads": 2, "width": 16, "context": 16},
                "circuit": {"window": 16, "columns": 8},
                "training": {"batch": 4, "validation": 8, "validate_every": 5},
                "stages": {"softmax": 8, "linear": 6, "nonlinear": 4}
            }
        });
        write(&folder.path().join("tiny.json"), &experiment);
        tandem(folder.path(), &["adapt", "tiny.json", "--out", "run"]).ended(0);
        folder
    });
    folder.path()
}

/// A copy of the finished run, to be broken.
pub fn copy() -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    copy_all(&finished().join("run"), &folder.path().join("run"));
    fs::copy(finished().join("tiny.json"), folder.path().join("tiny.json")).unwrap();
    let run = folder.path().join("run");
    (folder, run)
}

/// Copies a folder with all that is in it.
pub fn copy_all(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

/// Every file below a folder with its bytes, by path.
pub fn contents(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => files.extend(contents(&path)),
            false => files.push((path.clone(), fs::read(&path).unwrap())),
        }
    }
    files.sort();
    files
}

/// Names of the checkpoints, oldest first.
pub fn checkpoints(run: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(run.join("checkpoints"))
        .unwrap()
        .map(|e| e.unwrap().path());
    let mut files: Vec<PathBuf> = entries
        .filter(|path| path.extension().is_some_and(|e| e == "ckpt"))
        .collect();
    files.sort();
    files
}

/// A row of `metrics.jsonl`, without what the clock says.
pub fn row(line: &str) -> String {
    let mut row: Value = serde_json::from_str(line).unwrap();
    without_clock(&mut row);
    row.to_string()
}

/// Removes every key that contains `seconds`.
pub fn without_clock(value: &mut Value) {
    let map = value.as_object_mut().unwrap();
    let clock: Vec<String> = map.keys().filter(|key| key.contains("seconds")).cloned().collect();
    clock.iter().for_each(|key| {
        map.remove(key);
    });
}

/// Eight digits of all that a run has found, without what the clock says: its rows, its design and its judgement
/// where it has one.
pub fn digest(run: &Path) -> String {
    let read = |name: &str| fs::read_to_string(run.join(name));
    let mut text: String = read("metrics.jsonl").unwrap().lines().map(row).collect();
    text += &read("design.json").unwrap_or_default();
    if let Ok(judged) = read("evaluation/final.json") {
        let mut judged = serde_json::from_str(&judged).unwrap();
        without_clock(&mut judged);
        text += &judged.to_string();
    }
    format!("{:08x}", crc32fast::hash(text.as_bytes()))
}

/// Python with these packages, as pip takes them in the folder of the tests, in an environment `name` that stays; `None`
/// where it cannot be had. `import` works when all is there.
pub fn python(name: &str, import: &str, packages: &[&str]) -> Option<PathBuf> {
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let python = folder.join("bin/python");
    let works = || {
        let tried = Command::new(&python).args(["-c", import]).output();
        tried.is_ok_and(|output| output.status.success())
    };
    if !works() {
        let made = Command::new("python3").args(["-m", "venv"]).arg(&folder).status();
        made.ok().filter(|status| status.success())?;
        let _ = Command::new(&python)
            .args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"])
            .args(packages)
            .current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests"))
            .status();
    }
    works().then_some(python)
}

/// The same command on one thread prints the same document.
#[track_caller]
pub fn threads_decide_nothing(folder: &Path, words: &[&str], document: &Value) {
    let one_thread: Vec<&str> = words.iter().copied().chain(["--threads", "1"]).collect();
    assert_eq!(tandem(folder, &one_thread).ended(0).json(), *document);
}
