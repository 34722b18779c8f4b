//! A sandbox in which `./setup` runs: a checkout, cache folders, and stand-ins for all that it calls outside.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

/// Pinned in the script; the tests put the sums of their small archives in their place.
pub const PINNED: [(&str, &str); 4] = [
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
    (
        "mujoco-3.17.0-cp311-cp311-manylinux_2_27_x86_64.manylinux_2_28_x86_64.whl",
        "d66928d86a2d1b601bbaa4dc11db50214d17d5301bb8afd84721313b67ff0874",
    ),
];

/// What the two cache folders hold when all is done.
pub const WHOLE: [&str; 2] = ["2.11.0-cpu", "3.17.0"];

/// `python3`: has no PyTorch, its package `mujoco` lies where the variable `MUJOCO_PACKAGE` says, and its pip does what the variable `PIP` says; all else goes to the real one.
const PYTHON: &str = r#"#!/bin/sh
case "$*" in *find_spec*mujoco) echo "${MUJOCO_PACKAGE:-}"; exit ;; *find_spec*) exit 0 ;; esac
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
    mujoco*) cp HERE/wheels/mujoco-* "$2" ;;
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
make("wheels/MUJOCO", {"mujoco/libmujoco.so.3.17.0": library, "mujoco/_enums.so": library, "mujoco/plugin/libelasticity.so": library,
    "mujoco/include/mujoco/mujoco.h": "//", "mujoco.libs/libglfw.so": library})
make("spare.zip", {"libtorch/" + header: "//", "libtorch/build-version": "2.11.0+cpu", **libs("libtorch")})
"#;

/// A checkout, cache folders and the stand-ins, all in a folder that is removed at the end.
pub struct Sandbox {
    here: tempfile::TempDir,
}

impl Sandbox {
    pub fn new() -> Self {
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

    pub fn path(&self, relative: &str) -> PathBuf {
        self.here.path().join(relative)
    }

    /// The cache folder of libtorch.
    pub fn libtorch(&self) -> PathBuf {
        self.path("cache/libtorch/2.11.0-cpu")
    }

    /// The cache folder of MuJoCo.
    pub fn mujoco(&self) -> PathBuf {
        self.path("cache/mujoco/3.17.0")
    }

    fn executable(&self, relative: &str, text: &str) {
        let here = self.here.path().to_str().unwrap();
        let path = self.path(relative);
        fs::write(&path, text.replace("HERE", here)).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
    }

    /// A library of no content that calls itself `name`.
    pub fn library(&self, file: &Path, name: &str) {
        fs::write(self.path("library.c"), "").unwrap();
        let compiled = Command::new("c++")
            .args(["-shared", &format!("-Wl,-soname,{name}"), "-o"])
            .arg(file)
            .arg(self.path("library.c"))
            .status();
        assert!(compiled.unwrap().success());
    }

    /// Adds a byte, so that the wheel has another sum.
    pub fn damage_wheel(&self, wheel: &str) {
        let wheel = self.path("wheels").join(wheel);
        let mut bytes = fs::read(&wheel).unwrap();
        bytes.push(0);
        fs::write(&wheel, bytes).unwrap();
    }

    fn make_archives(&self) {
        let library = self.path("library.so");
        self.library(&library, "library.so");
        let script = PINNED
            .iter()
            .zip(["TORCH", "RUNTIME", "CUPTI", "MUJOCO"])
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

    /// The command `./setup`, with the given variables and nothing of this process's own libraries.
    pub fn command(&self, variables: &[(&str, &str)]) -> Command {
        let mut command = Command::new(self.path("checkout/setup"));
        let path = format!("{}:{}", self.path("bin").display(), std::env::var("PATH").unwrap());
        for name in ["LIBTORCH", "MUJOCO_DYNAMIC_LINK_DIR", "PYTHON", "CXX", "PIP"] {
            command.env_remove(name);
        }
        command
            .env("PATH", path)
            .env("LIBTORCH_CACHE", self.path("cache/libtorch"))
            .env("MUJOCO_CACHE", self.path("cache/mujoco"))
            .envs(variables.iter().copied());
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        command
    }

    pub fn setup(&self, variables: &[(&str, &str)]) -> Run {
        self.command(variables).output().unwrap().into()
    }

    /// What stands in the parents of the cache folders, libtorch's first: [`WHOLE`], or nothing.
    pub fn left(&self) -> Vec<String> {
        let parents = ["cache/libtorch", "cache/mujoco"].map(|parent| fs::read_dir(self.path(parent)));
        let entries = parents.into_iter().flatten().flatten();
        entries.map(|e| e.unwrap().file_name().into_string().unwrap()).collect()
    }

    pub fn downloads(&self) -> usize {
        fs::read_to_string(self.path("pip.log")).map_or(0, |log| log.lines().count())
    }

    /// Where the checkout's `link` leads.
    pub fn linked(&self, link: &str) -> PathBuf {
        fs::canonicalize(self.path("checkout").join(link)).unwrap()
    }
}

/// How a call ended.
pub struct Run {
    pub ok: bool,
    pub talk: String,
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
    pub fn succeeds(self) -> Self {
        assert!(self.ok, "{}", self.talk);
        self
    }

    #[track_caller]
    pub fn fails_saying(self, words: &[&str]) {
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
