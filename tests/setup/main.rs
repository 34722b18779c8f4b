//! `./setup` as a newcomer meets it: every place where the two libraries may come from, and every way a download goes wrong.
//!
//! No network is used. Each test has a checkout and cache folders of its own, stand-ins for `curl`, `df` and
//! `python3 -m pip` on the PATH, and archives that hold libraries of a few kilobytes; all else is the real script.
#![cfg(all(target_os = "linux", target_arch = "x86_64"))]

mod mujoco;
mod sandbox;

use std::fs;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command};
use std::time::{Duration, Instant};

use sandbox::{PINNED, Run, Sandbox, WHOLE};

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
    assert_eq!(sandbox.left(), WHOLE);
    assert_eq!(
        sandbox.linked(".libtorch"),
        fs::canonicalize(sandbox.libtorch()).unwrap()
    );
    let lib = sandbox.libtorch().join("lib");
    assert_eq!(
        fs::read_to_string(lib.join("libtorch.so")).unwrap(),
        "INPUT(libtorch_cpu.so)\n"
    );
    assert!(lib.join("libcudart.so.13").exists() && lib.join("libcupti.so.13").exists());
    assert!(!lib.join("libtorch_cuda.so").exists());
    assert_eq!(sandbox.downloads(), 4);

    let start = Instant::now();
    sandbox.setup(&[("PIP", "unreachable")]).succeeds();
    assert!(start.elapsed() < Duration::from_secs(5));
    assert_eq!(sandbox.downloads(), 4, "the second call fetches nothing");
}

#[test]
fn the_official_archive_comes_first_and_a_damaged_one_is_passed_over() {
    let sandbox = Sandbox::new();
    fs::copy(sandbox.path("spare.zip"), sandbox.path("official.zip")).unwrap();
    sandbox.setup(&[]).succeeds();
    assert_eq!(sandbox.downloads(), 1, "MuJoCo alone comes from PyPI");

    let sandbox = Sandbox::new();
    let whole = fs::read(sandbox.path("spare.zip")).unwrap();
    fs::write(sandbox.path("official.zip"), &whole[..whole.len() / 2]).unwrap();
    sandbox.setup(&[]).succeeds();
    assert_eq!(sandbox.downloads(), 4);
}

#[test]
fn a_new_checkout_uses_the_cache() {
    let sandbox = Sandbox::new();
    sandbox.setup(&[]).succeeds();
    for link in ["checkout/.libtorch", "checkout/.mujoco"] {
        fs::remove_file(sandbox.path(link)).unwrap();
    }
    sandbox.setup(&[("PIP", "unreachable")]).succeeds();
    assert_eq!(
        sandbox.linked(".libtorch"),
        fs::canonicalize(sandbox.libtorch()).unwrap()
    );
    assert_eq!(sandbox.linked(".mujoco"), fs::canonicalize(sandbox.mujoco()).unwrap());
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
    assert_eq!(sandbox.left(), WHOLE);
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
    sandbox.damage_wheel(PINNED[0].0);
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
    assert_eq!(sandbox.left(), WHOLE);
    sandbox.setup(&[("PIP", "unreachable")]).succeeds();
}

#[test]
fn force_fetches_both_again() {
    let sandbox = Sandbox::new();
    sandbox.setup(&[]).succeeds();
    let status = sandbox.command(&[]).arg("--force").status().unwrap();
    assert!(status.success());
    assert_eq!(sandbox.downloads(), 8);
    assert_eq!(sandbox.left(), WHOLE);
}

#[test]
fn a_damaged_copy_is_noticed_and_fetched_again() {
    let sandbox = Sandbox::new();
    sandbox.setup(&[]).succeeds();
    let lib = sandbox.libtorch().join("lib");
    let core = fs::File::options().write(true).open(lib.join("libtorch_cpu.so"));
    core.unwrap().set_len(100).unwrap();
    let run = sandbox.setup(&[]).succeeds();
    assert!(run.talk.contains("damaged"), "{}", run.talk);
    assert_eq!(sandbox.downloads(), 7);

    fs::remove_file(lib.join("libcudart.so.13")).unwrap();
    sandbox.setup(&[]).succeeds();
    assert_eq!(sandbox.downloads(), 10);
    assert!(lib.join("libcudart.so.13").exists());
    assert_eq!(sandbox.left(), WHOLE);
}

#[test]
fn libtorch_of_the_user_is_used_or_refused_but_never_replaced() {
    let sandbox = Sandbox::new();
    sandbox.setup(&[]).succeeds();
    let own = sandbox.path("own");
    fs::rename(sandbox.libtorch(), &own).unwrap();
    let own = own.to_str().unwrap();
    sandbox.setup(&[("LIBTORCH", own), ("PIP", "unreachable")]).succeeds();
    assert_eq!(sandbox.linked(".libtorch"), fs::canonicalize(own).unwrap());

    fs::write(Path::new(own).join("build-version"), "2.5.1+cpu\n").unwrap();
    sandbox
        .setup(&[("LIBTORCH", own)])
        .fails_saying(&["2.5.1", "2.11.0", "LIBTORCH"]);
    sandbox
        .setup(&[("LIBTORCH", "somewhere/libtorch")])
        .fails_saying(&["absolute"]);
    assert_eq!(sandbox.downloads(), 4);
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
    for word in [
        "usage: ./setup",
        "LIBTORCH_CACHE",
        "MUJOCO_CACHE",
        "MUJOCO_DYNAMIC_LINK_DIR",
    ] {
        assert!(text.contains(word), "no {word} in: {text}");
    }
    Run::from(sandbox.command(&[]).arg("--what").output().unwrap()).fails_saying(&["unknown argument '--what'"]);
}
