//! `./setup` as a newcomer meets it: every place where libtorch may come from, and every way a download goes wrong.
//!
//! No network is used. Each test has a checkout and a cache folder of its own, stand-ins for `curl`, `df` and
//! `python3 -m pip` on the PATH, and archives that hold a libtorch of a few kilobytes; all else is the real script.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

/// Pinned in the script; the tests put the sums of their small archives in their place.
const PINNED: [(&str, &str); 3] = [
    (
        "torch-2.11.0-cp311-cp311-manylinux_2_28_x86_64.whl",
        "7aa2f9bbc6d4595ba72138026b2074be1233186150e9292865e04b7a63b8c67a",
    ),
    (
        "nvidia_cuda_runtime-13.0.96-py3-none-manylinux2014_x86_64.manylinux_2_17_x86_64.whl",
        "7f82250d7782aa23b6cfe765ecc7db554bd3c2870c43f3d1821f1d18aebf0548",
    ),
    (
        "nvidia_cuda_cupti-13.0.85-py3-none-manylinux_2_25_x86_64.whl",
        "4eb01c08e859bf924d222250d2e8f8b8ff6d3db4721288cf35d14252a4d933c8",
    ),
];

/// `python3`: has no PyTorch, and its pip does what the variable `PIP` says; all else goes to the real one.
const PYTHON: &str = r#"#!/bin/sh
case "$*" in *find_spec*) exit 0 ;; esac
if [ "$1 $2" != "-m pip" ]; then exec REAL "$@"; fi
if [ "$3" = --version ]; then [ "$PIP" != missing ]; exit; fi
echo "$*" >>HERE/pip.log
while [ "$1" != -d ]; do shift; done
case $PIP in
    unreachable) echo "ERROR: No matching distribution found" >&2; exit 1 ;;
    hangs) head -c 3000000 /dev/zero >"$2/half.whl"; exec sleep 60 ;;
esac
case $3 in
    torch*) cp HERE/wheels/torch-* "$2" ;;
    nvidia-cuda-runtime*) cp HERE/wheels/nvidia_cuda_runtime-* "$2" ;;
    *) cp HERE/wheels/nvidia_cuda_cupti-* "$2" ;;
esac
"#;

/// `curl`: gives the archive `official.zip` where the test made one.
const CURL: &str = r#"#!/bin/sh
while [ "$1" != -o ]; do shift; done
cp HERE/official.zip "$2" 2>/dev/null || { echo "curl: (6) Could not resolve host" >&2; exit 6; }
"#;

const DF: &str = r#"#!/bin/sh
echo "Filesystem 1024-blocks Used Available Capacity Mounted on"
echo "disk 9 9 ${FREE_KB:-90000000} 9% /"
"#;

/// Makes the archives: `python3 - FOLDER LIBRARY`.
const ARCHIVES: &str = r#"
import sys, zipfile
folder, library = sys.argv[1], open(sys.argv[2], "rb").read()
header = "include/torch/csrc/api/include/torch/torch.h"
def make(name, members):
    with zipfile.ZipFile(folder + "/" + name, "w") as z:
        for path, data in members.items(): z.writestr(path, data)
libs = lambda top: {f"{top}/lib/{n}": library for n in ("libtorch_cpu.so", "libc10.so", "libtorch.so", "libtorch_cuda.so")}
make("wheels/TORCH", {"torch/" + header: "//", "torch/nn/x.py": "", **libs("torch")})
make("wheels/RUNTIME", {"nvidia/cu13/lib/libcudart.so.13": library, "nvidia/cu13/include/cuda.h": "//"})
make("wheels/CUPTI", {"nvidia/cu13/lib/libcupti.so.13": library})
make("spare.zip", {"libtorch/" + header: "//", "libtorch/build-version": "2.11.0+cpu", **libs("libtorch")})
"#;

/// A checkout, a cache folder and the stand-ins, all in a folder that is removed at the end.
struct Sandbox {
    here: tempfile::TempDir,
}

impl Sandbox {
    fn new() -> Self {
        let sandbox = Self {
            here: tempfile::tempdir().unwrap(),
        };
        for folder in ["checkout", "bin", "wheels"] {
            fs::create_dir(sandbox.path(folder)).unwrap();
        }
        sandbox.make_archives();
        let mut script = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/setup")).unwrap();
        for (wheel, pinned) in PINNED {
            assert!(script.contains(pinned), "{wheel} is not pinned");
            script = script.replace(pinned, &sha256(&sandbox.path("wheels").join(wheel)));
        }
        sandbox.executable("checkout/setup", &script);
        sandbox.executable("bin/python3", &PYTHON.replace("REAL", &real_python()));
        sandbox.executable("bin/curl", CURL);
        sandbox.executable("bin/df", DF);
        sandbox
    }

    fn path(&self, relative: &str) -> PathBuf {
        self.here.path().join(relative)
    }

    fn cache(&self) -> PathBuf {
        self.path("cache/2.11.0-cpu")
    }

    fn executable(&self, relative: &str, text: &str) {
        let here = self.here.path().to_str().unwrap();
        let path = self.path(relative);
        fs::write(&path, text.replace("HERE", here)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    fn make_archives(&self) {
        let library = self.path("library.so");
        fs::write(self.path("library.c"), "").unwrap();
        let compiled = Command::new("c++")
            .args(["-shared", "-o"])
            .arg(&library)
            .arg(self.path("library.c"))
            .status();
        assert!(compiled.unwrap().success());
        let script = PINNED
            .iter()
            .zip(["TORCH", "RUNTIME", "CUPTI"])
            .fold(ARCHIVES.to_owned(), |text, ((wheel, _), mark)| {
                text.replace(mark, wheel)
            });
        let made = Command::new(real_python())
            .arg("-c")
            .arg(script)
            .arg(self.here.path())
            .arg(library)
            .status();
        assert!(made.unwrap().success());
    }

    /// The command `./setup`, with the given variables and nothing of this process's own libtorch.
    fn command(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(self.path("checkout/setup"));
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        for name in ["LIBTORCH", "PYTHON", "CXX", "PIP"] {
            command.env_remove(name);
        }
        command
            .env("PATH", path)
            .env("LIBTORCH_CACHE", self.path("cache"))
            .envs(variables.iter().copied());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    fn setup(&self, variables: &[(&str, &str)]) -> Run {
        self.command(variables).output().unwrap().into()
    }

    /// What stands in the cache's parent: one finished folder, or nothing.
    fn left(&self) -> Vec<String> {
        let Ok(entries) = fs::read_dir(self.path("cache")) else {
            return Vec::new();
        };
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    fn downloads(&self) -> usize {
        fs::read_to_string(self.path("pip.log")).map_or(0, |log| log.lines().count())
    }

    fn linked(&self) -> PathBuf {
        fs::canonicalize(self.path("checkout/.libtorch")).unwrap()
    }
}

/// How a call ended.
struct Run {
    ok: bool,
    talk: String,
}

impl From<Output> for Run {
    fn from(output: Output) -> Self {
        Self {
            ok: output.status.success(),
            talk: String::from_utf8(output.stderr).unwrap(),
        }
    }
}

impl Run {
    #[track_caller]
    fn succeeds(self) -> Self {
        assert!(self.ok, "{}", self.talk);
        self
    }

    #[track_caller]
    fn fails_saying(self, words: &[&str]) {
        assert!(!self.ok, "it should have failed: {}", self.talk);
        for word in words {
            assert!(self.talk.contains(word), "no {word:?} in: {}", self.talk);
        }
    }
}

fn real_python() -> String {
    let found = Command::new("python3")
        .args(["-c", "import sys; print(sys.executable)"])
        .output()
        .unwrap();
    String::from_utf8(found.stdout).unwrap().trim().to_owned()
}

fn sha256(file: &Path) -> String {
    let sum = Command::new("sha256sum").arg(file).output().unwrap().stdout;
    String::from_utf8(sum).unwrap()[..64].to_owned()
}

fn signal(child: &Child, name: &str) {
    let group = format!("-{}", child.id());
    assert!(
        Command::new("kill")
            .args([name, "--", &group])
            .status()
            .unwrap()
            .success()
    );
}

/// Starts a download that never ends, and waits until it has begun.
fn hanging(sandbox: &Sandbox) -> Child {
    let child = sandbox.command(&[("PIP", "hangs")]).process_group(0).spawn().unwrap();
    let start = Instant::now();
    while sandbox.downloads() == 0 {
        assert!(start.elapsed() < Duration::from_secs(60));
        std::thread::sleep(Duration::from_millis(20));
    }
    child
}

#[test]
fn fetches_the_wheel_once_and_keeps_only_its_cpu_part() {
    let sandbox = Sandbox::new();
    sandbox.setup(&[]).succeeds();
    assert_eq!(sandbox.left(), ["2.11.0-cpu"]);
    assert_eq!(sandbox.linked(), fs::canonicalize(sandbox.cache()).unwrap());
    let lib = sandbox.cache().join("lib");
    assert_eq!(
        fs::read_to_string(lib.join("libtorch.so")).unwrap(),
        "INPUT(libtorch_cpu.so)\n"
    );
    assert!(lib.join("libcudart.so.13").exists() && lib.join("libcupti.so.13").exists());
    assert!(!lib.join("libtorch_cuda.so").exists());
    assert_eq!(sandbox.downloads(), 3);

    let start = Instant::now();
    sandbox.setup(&[("PIP", "unreachable")]).succeeds();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(sandbox.downloads(), 3, "the second call fetches nothing");
}

#[test]
fn the_official_archive_comes_first_and_a_damaged_one_is_passed_over() {
    let sandbox = Sandbox::new();
    fs::copy(sandbox.path("spare.zip"), sandbox.path("official.zip")).unwrap();
    sandbox.setup(&[]).succeeds();
    assert_eq!(sandbox.downloads(), 0);

    let sandbox = Sandbox::new();
    let whole = fs::read(sandbox.path("spare.zip")).unwrap();
    fs::write(sandbox.path("official.zip"), &whole[..whole.len() / 2]).unwrap();
    sandbox.setup(&[]).succeeds();
    assert_eq!(sandbox.downloads(), 3);
}

#[test]
fn a_new_checkout_uses_the_cache() {
    let sandbox = Sandbox::new();
    sandbox.setup(&[]).succeeds();
    fs::remove_file(sandbox.path("checkout/.libtorch")).unwrap();
    sandbox.setup(&[("PIP", "unreachable")]).succeeds();
    assert_eq!(sandbox.linked(), fs::canonicalize(sandbox.cache()).unwrap());
}

#[test]
fn no_network_is_said_plainly_and_leaves_nothing() {
    let sandbox = Sandbox::new();
    sandbox.setup(&[("PIP", "unreachable")]).fails_saying(&[
        "Could not resolve host",
        "Connect to the network",
        "LIBTORCH=",
    ]);
    assert!(sandbox.left().is_empty(), "{:?}", sandbox.left());
    assert!(!sandbox.path("checkout/.libtorch").exists());
}

#[test]
fn a_killed_download_is_recovered_by_the_next_call() {
    let sandbox = Sandbox::new();
    let mut child = hanging(&sandbox);
    signal(&child, "-KILL");
    child.wait().unwrap();
    let left = sandbox.left();
    assert!(left.len() == 1 && left[0].contains(".part."), "{left:?}");
    sandbox.setup(&[]).succeeds();
    assert_eq!(sandbox.left(), ["2.11.0-cpu"]);
}

#[test]
fn an_interrupt_is_heard_during_the_download_and_cleans_up() {
    let sandbox = Sandbox::new();
    let child = hanging(&sandbox);
    std::thread::sleep(Duration::from_millis(5500)); // long enough for one report of progress
    signal(&child, "-TERM");
    let start = Instant::now();
    let run: Run = child.wait_with_output().unwrap().into();
    assert!(start.elapsed() < Duration::from_secs(20));
    assert!(run.talk.contains("2 of 506 MB (0 %)"), "{}", run.talk);
    assert!(!run.ok && sandbox.left().is_empty(), "{:?}", sandbox.left());
}

#[test]
fn a_wheel_with_another_sum_is_refused() {
    let sandbox = Sandbox::new();
    let wheel = sandbox.path("wheels").join(PINNED[0].0);
    let mut bytes = fs::read(&wheel).unwrap();
    bytes.push(0);
    fs::write(&wheel, bytes).unwrap();
    sandbox.setup(&[]).fails_saying(&["wrong SHA-256", PINNED[0].0]);
    assert!(sandbox.left().is_empty());
}

#[test]
fn two_calls_at_once_both_succeed() {
    let sandbox = Sandbox::new();
    let first = sandbox.command(&[]).spawn().unwrap();
    let second = sandbox.command(&[]).spawn().unwrap();
    for child in [first, second] {
        Run::from(child.wait_with_output().unwrap()).succeeds();
    }
    assert_eq!(sandbox.left(), ["2.11.0-cpu"]);
    sandbox.setup(&[("PIP", "unreachable")]).succeeds();
}

#[test]
fn a_damaged_copy_is_noticed_and_fetched_again() {
    let sandbox = Sandbox::new();
    sandbox.setup(&[]).succeeds();
    let lib = sandbox.cache().join("lib");
    let core = fs::File::options().write(true).open(lib.join("libtorch_cpu.so"));
    core.unwrap().set_len(100).unwrap();
    let run = sandbox.setup(&[]).succeeds();
    assert!(run.talk.contains("damaged"), "{}", run.talk);
    assert_eq!(sandbox.downloads(), 6);

    fs::remove_file(lib.join("libcudart.so.13")).unwrap();
    sandbox.setup(&[]).succeeds();
    assert_eq!(sandbox.downloads(), 9);
    assert!(lib.join("libcudart.so.13").exists());
    assert_eq!(sandbox.left(), ["2.11.0-cpu"]);
}

#[test]
fn libtorch_of_the_user_is_used_or_refused_but_never_replaced() {
    let sandbox = Sandbox::new();
    sandbox.setup(&[]).succeeds();
    let own = sandbox.path("own");
    fs::rename(sandbox.cache(), &own).unwrap();
    let own = own.to_str().unwrap();
    sandbox.setup(&[("LIBTORCH", own), ("PIP", "unreachable")]).succeeds();
    assert_eq!(sandbox.linked(), fs::canonicalize(own).unwrap());

    fs::write(Path::new(own).join("build-version"), "2.5.1+cpu\n").unwrap();
    sandbox
        .setup(&[("LIBTORCH", own)])
        .fails_saying(&["2.5.1", "2.11.0", "LIBTORCH"]);
    sandbox
        .setup(&[("LIBTORCH", "somewhere/libtorch")])
        .fails_saying(&["absolute"]);
    assert_eq!(sandbox.downloads(), 3);
}

#[test]
fn a_full_disk_is_noticed_before_the_download() {
    let sandbox = Sandbox::new();
    sandbox
        .setup(&[("FREE_KB", "900000")])
        .fails_saying(&["full", "878 MB free", "1600 MB needed", "LIBTORCH_CACHE"]);
    assert_eq!(sandbox.downloads(), 0);
}

#[test]
fn missing_tools_are_named() {
    let sandbox = Sandbox::new();
    let says = |variable, value, words: &[&str]| {
        sandbox.setup(&[(variable, value)]).fails_saying(words);
    };
    says("CXX", "no-such-compiler", &["C++ compiler", "apt install g++"]);
    says("PYTHON", "no-such-python", &["no-such-python", "apt install python3"]);
    says("PIP", "missing", &["no pip", "python3-pip"]);
    assert!(sandbox.left().is_empty());
}

#[test]
fn help_is_printed_and_unknown_arguments_are_refused() {
    let sandbox = Sandbox::new();
    let help = sandbox.command(&[]).arg("--help").output().unwrap();
    assert!(help.status.success());
    let text = String::from_utf8(help.stdout).unwrap();
    assert!(text.contains("usage: ./setup") && text.contains("LIBTORCH_CACHE"));
    Run::from(sandbox.command(&[]).arg("--what").output().unwrap()).fails_saying(&["unknown argument '--what'"]);
}
