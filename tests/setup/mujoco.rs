//! MuJoCo, which comes after libtorch and by the same functions.

use std::fs;
use std::path::Path;

use crate::sandbox::{PINNED, Sandbox, WHOLE};

/// A folder as python3's package of that version has it: the library under its full name only.
fn package(sandbox: &Sandbox, version: &str) -> String {
    let folder = sandbox.path(&format!("package-{version}"));
    let name = format!("libmujoco.so.{version}");
    fs::create_dir(&folder).unwrap();
    sandbox.library(&folder.join(&name), &name);
    folder.into_os_string().into_string().unwrap()
}

/// A folder as a user may have it: the library with the linker's name.
fn own(sandbox: &Sandbox, version: &str) -> String {
    let folder = package(sandbox, version);
    let name = format!("libmujoco.so.{version}");
    std::os::unix::fs::symlink(name, Path::new(&folder).join("libmujoco.so")).unwrap();
    folder
}

#[test]
fn of_the_wheel_the_library_alone_is_kept() {
    let sandbox = Sandbox::new();
    sandbox.setup(&[]).succeeds();
    let entries = fs::read_dir(sandbox.mujoco()).unwrap();
    let mut names: Vec<_> = entries.map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(
        names,
        ["build-version", "lib-sizes", "libmujoco.so", "libmujoco.so.3.17.0"]
    );
    assert_eq!(sandbox.linked(".mujoco"), fs::canonicalize(sandbox.mujoco()).unwrap());
    assert_eq!(
        sandbox.linked(".mujoco/libmujoco.so"),
        sandbox.linked(".mujoco/libmujoco.so.3.17.0")
    );
}

#[test]
fn a_wheel_with_another_sum_is_refused() {
    let sandbox = Sandbox::new();
    sandbox.damage_wheel(PINNED[3].0);
    sandbox.setup(&[]).fails_saying(&["wrong SHA-256", PINNED[3].0]);
    assert_eq!(sandbox.left(), WHOLE[..1], "libtorch is there all the same");
    assert!(!sandbox.path("checkout/.mujoco").exists());
}

#[test]
fn a_damaged_copy_is_fetched_again_and_libtorch_is_not() {
    let sandbox = Sandbox::new();
    sandbox.setup(&[]).succeeds();
    let library = sandbox.mujoco().join("libmujoco.so.3.17.0");
    fs::File::options()
        .write(true)
        .open(&library)
        .unwrap()
        .set_len(100)
        .unwrap();
    let run = sandbox.setup(&[]).succeeds();
    assert!(run.talk.contains("damaged"), "{}", run.talk);
    assert!(fs::metadata(library).unwrap().len() > 100);
    assert_eq!(sandbox.downloads(), 5);
    assert_eq!(sandbox.left(), WHOLE);
}

#[test]
fn the_library_of_pythons_package_is_copied() {
    let sandbox = Sandbox::new();
    let package = package(&sandbox, "3.17.0");
    sandbox.setup(&[("MUJOCO_PACKAGE", &package)]).succeeds();
    assert_eq!(sandbox.downloads(), 3, "libtorch and its two CUDA libraries");
    fs::remove_dir_all(package).unwrap();
    sandbox.setup(&[("PIP", "unreachable")]).succeeds();
    assert_eq!(sandbox.linked(".mujoco"), fs::canonicalize(sandbox.mujoco()).unwrap());
}

#[test]
fn pythons_package_of_another_version_is_passed_over() {
    let sandbox = Sandbox::new();
    let package = package(&sandbox, "3.3.0");
    sandbox.setup(&[("MUJOCO_PACKAGE", &package)]).succeeds();
    assert_eq!(sandbox.downloads(), 4);
}

#[test]
fn the_users_folder_is_used_or_refused_but_never_replaced() {
    let sandbox = Sandbox::new();
    let [good, old] = ["3.17.0", "3.3.0"].map(|version| own(&sandbox, version));
    let with = |folder: &str| sandbox.setup(&[("MUJOCO_DYNAMIC_LINK_DIR", folder)]);
    with(&good).succeeds();
    assert_eq!(sandbox.linked(".mujoco"), fs::canonicalize(&good).unwrap());
    with(&old).fails_saying(&["MUJOCO_DYNAMIC_LINK_DIR", "3.3.0", "3.17.0"]);
    with(&package(&sandbox, "3.2.0")).fails_saying(&["libmujoco is missing"]);
    with("somewhere/mujoco").fails_saying(&["absolute"]);
    assert_eq!(sandbox.left(), WHOLE[..1], "MuJoCo itself was never fetched");
}
