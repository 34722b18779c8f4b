use super::*;
use serde_json::json;

fn new_run(root: &Path) -> RunFolder {
    RunFolder::create(&root.join("run"), &json!({"seed": 3}), &[], &Meta::collect()).unwrap()
}

#[track_caller]
fn says(error: RunError, words: &[&str]) {
    let message = error.to_string();
    for word in words {
        assert!(message.contains(word), "no {word:?} in: {message}");
    }
    assert!(!message.contains('\n'), "one line: {message}");
}

#[test]
fn a_run_is_found_again_as_it_was_made() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("deep/er/run");
    let meta = Meta::collect();
    drop(RunFolder::create(&path, &json!({"b": 1, "a": 2}), &[], &meta).unwrap());
    let run = RunFolder::open(&path).unwrap();
    assert_eq!(run.meta().unwrap(), meta);
    assert_eq!(run.experiment().unwrap().to_string(), r#"{"b":1,"a":2}"#);
    run.write_json("design.json", &json!({"x": 1})).unwrap();
    assert_eq!(run.read_json::<Value>("design.json").unwrap(), json!({"x": 1}));
    assert_eq!(fs::read_dir(root.path().join("deep/er")).unwrap().count(), 1);
}

#[test]
fn a_folder_with_something_in_it_is_never_touched() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("mine");
    fs::create_dir(&path).unwrap();
    fs::write(path.join("thesis.tex"), "years").unwrap();
    let error = RunFolder::create(&path, &json!({}), &[], &Meta::collect()).unwrap_err();
    says(error, &["mine", "not empty", "--resume", "--out"]);
    assert_eq!(fs::read_dir(&path).unwrap().count(), 1);
    let file = path.join("thesis.tex");
    let error = RunFolder::create(&file, &json!({}), &[], &Meta::collect()).unwrap_err();
    assert!(matches!(error, RunError::Taken(_)));

    fs::create_dir(root.path().join("empty")).unwrap();
    RunFolder::create(&root.path().join("empty"), &json!({}), &[], &Meta::collect()).unwrap();
}

#[test]
fn names_are_made_up_and_numbered() {
    let root = tempfile::tempdir().unwrap();
    let make = || {
        let meta = Meta::collect();
        let run = RunFolder::create_default(root.path(), &default_name("../a b", "ppo", 7), &json!({}), &[], &meta);
        run.unwrap().path().file_name().unwrap().to_owned()
    };
    assert_eq!(make(), "a-b-ppo-s7");
    assert_eq!(make(), "a-b-ppo-s7-2");
    assert_eq!(make(), "a-b-ppo-s7-3");
}

#[test]
fn one_process_writes_and_any_number_read() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(root.path());
    says(RunFolder::open(run.path()).unwrap_err(), &["in use"]);
    RunFolder::view(run.path()).unwrap();
    let path = run.path().to_owned();
    drop(run);
    let again = RunFolder::open(&path).unwrap();
    assert!(matches!(RunFolder::open(&path), Err(RunError::Busy(_))));
    drop(again);
}

#[test]
fn what_is_wrong_with_a_folder_is_said_plainly() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("run");
    says(RunFolder::open(&path).unwrap_err(), &["no such run folder"]);
    says(
        RunFolder::open(root.path()).unwrap_err(),
        &["no run folder", "meta.json"],
    );

    drop(new_run(root.path()));
    let meta = fs::read_to_string(path.join("meta.json")).unwrap();
    let with = |from: &str, to: &str| fs::write(path.join("meta.json"), meta.replace(from, to)).unwrap();
    with("\"format\": 3", "\"format\": 99");
    says(RunFolder::open(&path).unwrap_err(), &["format 99", "format 3"]);
    with("\"started\"", "\"begun\"");
    says(
        RunFolder::open(&path).unwrap_err(),
        &["meta.json is damaged", "checksum"],
    );
    with("}", "");
    says(RunFolder::open(&path).unwrap_err(), &["meta.json is damaged"]);
    fs::write(path.join("meta.json"), "{\"name\": \"someone's\"}").unwrap();
    says(RunFolder::open(&path).unwrap_err(), &["no run folder"]);
    fs::write(path.join("meta.json"), &meta).unwrap();

    fs::remove_dir(path.join("evaluation")).unwrap();
    says(RunFolder::open(&path).unwrap_err(), &["evaluation is missing"]);
    fs::create_dir(path.join("evaluation")).unwrap();
    fs::remove_file(path.join("experiment.json")).unwrap();
    says(RunFolder::open(&path).unwrap_err(), &["experiment.json is missing"]);
}

#[test]
fn a_parent_that_cannot_hold_folders_is_an_error_of_the_file_system() {
    let root = tempfile::tempdir().unwrap();
    let file = root.path().join("file");
    fs::write(&file, "").unwrap();
    let error = RunFolder::create(&file.join("run"), &json!({}), &[], &Meta::collect()).unwrap_err();
    says(error, &["cannot make", "file"]);
    let full = io_error("write", &file)(io::ErrorKind::StorageFull.into());
    says(full, &["cannot write", "the disk is full"]);
}

#[test]
fn the_last_two_checkpoints_and_the_best_policy_are_kept() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(root.path());
    assert_eq!(run.latest_checkpoint().unwrap(), None);
    assert_eq!(run.best().unwrap(), None);
    for iteration in [5, 10, 15, 20] {
        run.save_checkpoint(iteration, format!("state {iteration}").as_bytes())
            .unwrap();
    }
    run.save_best(b"policy").unwrap();
    let mut names: Vec<_> = fs::read_dir(run.file("checkpoints"))
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["00000015.ckpt", "00000020.ckpt", "best.safetensors"]);
    let latest = run.latest_checkpoint().unwrap().unwrap();
    assert_eq!((latest.iteration, latest.bytes), (20, b"state 20".to_vec()));
    assert_eq!(run.best().unwrap().unwrap(), b"policy");
}

#[test]
fn any_damage_to_the_newest_checkpoint_leads_to_the_one_before() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(root.path());
    run.save_checkpoint(1, b"first").unwrap();
    run.save_checkpoint(2, b"second").unwrap();
    let path = run.file("checkpoints/00000002.ckpt");
    let whole = fs::read(&path).unwrap();
    let cuts = (0..whole.len()).map(|n| whole[..n].to_vec());
    let flips = (0..whole.len()).map(|n| {
        let mut bytes = whole.clone();
        bytes[n] ^= 0x10;
        bytes
    });
    for (number, bytes) in cuts.chain(flips).enumerate() {
        fs::write(&path, &bytes).unwrap();
        let found = run.latest_checkpoint().unwrap().unwrap();
        assert_eq!((found.iteration, &found.bytes[..]), (1, &b"first"[..]));
        assert_eq!(found.passed_over.len(), 1, "case {number}");
    }
    fs::write(&path, &whole[..9]).unwrap();
    fs::write(run.file("checkpoints/00000001.ckpt"), "").unwrap();
    let error = run.latest_checkpoint().unwrap_err();
    says(error, &["no checkpoint", "00000002.ckpt is cut short", "00000001.ckpt"]);
}

#[test]
fn saving_again_after_damage_forgets_the_abandoned_history() {
    let root = tempfile::tempdir().unwrap();
    let run = new_run(root.path());
    for iteration in [1, 9] {
        run.save_checkpoint(iteration, b"old").unwrap();
    }
    fs::write(run.file("checkpoints/00000009.ckpt"), "torn").unwrap();
    run.save_checkpoint(4, b"new").unwrap();
    assert_eq!(run.latest_checkpoint().unwrap().unwrap().iteration, 4);
    assert!(!run.file("checkpoints/00000009.ckpt").exists());
}

#[test]
fn opening_removes_what_a_kill_left() {
    let root = tempfile::tempdir().unwrap();
    let path = root.path().join("run");
    drop(new_run(root.path()));
    let torn = path.join("checkpoints/.00000003.ckpt.77-0.scratch");
    fs::write(&torn, "half").unwrap();
    RunFolder::view(&path).unwrap();
    assert!(torn.exists(), "readers change nothing");
    RunFolder::open(&path).unwrap();
    assert!(!torn.exists());
}
