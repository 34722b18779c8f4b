//! The `Containerfile`: no engine is needed to see that its image holds the libraries that the program asks for.

use std::path::Path;
use std::process::Command;

/// What a shell command prints.
fn shell(command: &str, folder: &Path) -> String {
    let output = Command::new("sh").args(["-c", command]).current_dir(folder).output();
    let output = output.unwrap();
    assert!(
        output.status.success(),
        "{command}: {}",
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn the_image_holds_every_library_by_the_name_that_the_program_asks_for() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(root.join("Containerfile")).unwrap();
    let copy = text.lines().find(|line| line.contains("cp -L")).unwrap();
    let image = tempfile::tempdir().unwrap();
    let libraries = image.path().to_str().unwrap();
    let copy = copy
        .trim()
        .trim_start_matches("&& ")
        .replace("cp -L", "cp -L --symbolic-link");
    // links instead of half a gigabyte
    let copy = copy
        .replace("/opt/tandem/lib/", libraries)
        .replace(".libtorch", &format!("{}/.libtorch", root.display()));
    let copy = copy.replace(".mujoco", &format!("{}/.mujoco", root.display()));
    shell(&copy, root);
    let asked = shell(&format!("ldd {}", env!("CARGO_BIN_EXE_tandem")), root);
    let names = asked
        .lines()
        .filter_map(|line| line.split_once("=>"))
        .map(|(name, _)| name.trim());
    let ours = ["libtorch", "libc10", "libmujoco"];
    let needed: Vec<&str> = names
        .filter(|name| ours.iter().any(|own| name.starts_with(own)))
        .collect();
    assert!(needed.len() >= ours.len(), "{asked}");
    for name in needed {
        assert!(image.path().join(name).exists(), "{name} is asked for and not copied");
    }
}
