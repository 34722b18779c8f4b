//! Files that a user names: what is no plain file is written through, links stay links, errors are said.

mod common;

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::{FileTypeExt, symlink};
use std::path::Path;
use std::process::Command;

use common::{copy, tandem};

/// A simulation that writes this option's file.
fn simulate(folder: &Path, option: &str, file: &str) -> common::Said {
    tandem(folder, &["simulate", "resnet18", "--platform", "gemmini", option, file])
}

#[test]
fn a_pipe_gets_the_whole_file_and_stays() {
    let folder = tempfile::tempdir().unwrap();
    let pipe = folder.path().join("pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for option in ["--csv", "--report", "--trace"] {
        simulate(folder.path(), option, "plain").ended(0);
        let read = std::thread::scope(|scope| {
            let reader = scope.spawn(|| {
                let mut bytes = Vec::new();
                File::open(&pipe).unwrap().read_to_end(&mut bytes).unwrap();
                bytes
            });
            simulate(folder.path(), option, "pipe").ended(0);
            reader.join().unwrap()
        });
        assert!(read == fs::read(folder.path().join("plain")).unwrap(), "{option}");
        assert!(fs::metadata(&pipe).unwrap().file_type().is_fifo(), "{option}");
    }
}

#[test]
fn a_full_device_is_an_error_and_stays_a_device() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    for option in ["--csv", "--report", "--trace"] {
        simulate(Path::new("."), option, "/dev/full")
            .ended(1)
            .saying(&["cannot write /dev/full"]);
        assert!(fs::metadata("/dev/full").unwrap().file_type().is_char_device());
    }
    let (folder, _run) = copy();
    for words in [
        ["render", "run", "--out", "/dev/full"],
        ["export", "run", "--mjcf", "/dev/full"],
    ] {
        tandem(folder.path(), &words)
            .ended(1)
            .saying(&["cannot write /dev/full"]);
    }
    assert!(fs::metadata("/dev/full").unwrap().file_type().is_char_device());
}

#[test]
fn a_link_stays_a_link() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name);
    simulate(folder.path(), "--csv", "plain.csv").ended(0);
    fs::write(at("real.csv"), "old").unwrap();
    symlink("real.csv", at("link.csv")).unwrap();
    simulate(folder.path(), "--csv", "link.csv").ended(0);
    assert!(fs::symlink_metadata(at("link.csv")).unwrap().is_symlink());
    assert_eq!(fs::read(at("real.csv")).unwrap(), fs::read(at("plain.csv")).unwrap());
}

#[test]
fn standard_output_has_room_for_one_document() {
    let folder = tempfile::tempdir().unwrap();
    simulate(folder.path(), "--csv", "plain.csv").ended(0);
    let table = fs::read_to_string(folder.path().join("plain.csv")).unwrap();
    for name in ["-", "/dev/stdout"] {
        assert_eq!(simulate(folder.path(), "--csv", name).ended(0).out, table, "{name}");
    }
    for more in [&["--json"][..], &["--report", "-"]] {
        let words = ["simulate", "resnet18", "--platform", "gemmini", "--csv", "-"];
        tandem(folder.path(), &[&words[..], more].concat())
            .ended(2)
            .saying(&["standard output"]);
    }
    let (folder, _run) = copy();
    let picture = common::program(folder.path(), &["render", "run", "--out", "-"])
        .output()
        .unwrap();
    assert!(picture.status.success() && picture.stdout.starts_with(b"\x89PNG"));
    assert!(!folder.path().join("-").exists());
}
