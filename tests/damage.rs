//! A run folder that was damaged is not believed: every byte that is read back is covered by a checksum, numbers that
//! must be finite are, and what is missing is said.

mod common;

use std::fs;
use std::path::Path;

use serde_json::Value;
use tandem::run_folder::RunFolder;
use tandem_core::Stream;
use tandem_learning::archive::Archive;

use common::{adapted, checkpoints, contents, copy, copy_all, finished, tandem};

const EVALUATE: [&str; 4] = ["evaluate", "run", "--episodes", "4"];
const RESUME: [&str; 3] = ["train", "--resume", "run"];

fn flip(path: &Path, at: usize) {
    let mut bytes = fs::read(path).unwrap();
    bytes[at] ^= 0x40;
    fs::write(path, bytes).unwrap();
}

#[test]
fn one_flipped_byte_is_noticed_in_every_file_that_is_read_back() {
    let mut stream = Stream::new(0, "flips", 0);
    let files = [
        "checkpoints/best.safetensors",
        "design.json",
        "meta.json",
        "experiment.json",
        "checksums.json",
    ];
    for name in files {
        let length = fs::read(finished().join("run").join(name)).unwrap().len();
        for _ in 0..4 {
            let (folder, run) = copy();
            let at = stream.below(length);
            flip(&run.join(name), at);
            let said = tandem(folder.path(), &EVALUATE);
            assert!(!said.err.contains("panicked"), "{}", said.err);
            assert!(matches!(said.code, Some(1 | 2)), "{name}, byte {at}: {:?}", said.code);
            let word = if name == "checksums.json" {
                "checksum"
            } else {
                name.rsplit('/').next().unwrap()
            };
            assert!(
                said.err.contains(word) || said.err.contains("meta.json"),
                "{name}, byte {at}: {}",
                said.err
            );
        }
    }
}

#[test]
fn a_design_that_was_edited_in_its_run_is_judged_elsewhere() {
    let (folder, run) = copy();
    let design = fs::read_to_string(run.join("design.json")).unwrap();
    let edited = design.replacen("\"seed\": 0", "\"seed\": 1", 1);
    assert_ne!(design, edited);
    fs::write(run.join("design.json"), &edited).unwrap();
    tandem(folder.path(), &["evaluate", "run/design.json", "--episodes", "4"])
        .ended(1)
        .saying(&["design.json is damaged", "outside the run folder"]);
    fs::write(folder.path().join("mine.json"), &edited).unwrap();
    let words = ["evaluate", "mine.json", "--episodes", "4", "--retrain", "300"];
    tandem(folder.path(), &words).ended(0);
}

/// A copy of the finished run whose newest checkpoint is changed, its checksum made right again.
fn with_checkpoint(change: impl Fn(&mut Archive)) -> (tempfile::TempDir, std::path::PathBuf) {
    let (folder, run) = copy();
    let open = RunFolder::open(&run).unwrap();
    let newest = open.latest_checkpoint().unwrap().unwrap();
    let mut archive = Archive::from_bytes(&newest.bytes).unwrap();
    change(&mut archive);
    open.save_checkpoint(newest.iteration, &archive.to_bytes().unwrap())
        .unwrap();
    (folder, run)
}

#[test]
fn numbers_that_cannot_be_are_named() {
    let newest = RunFolder::view(&finished().join("run"))
        .unwrap()
        .latest_checkpoint()
        .unwrap()
        .unwrap();
    let whole = Archive::from_bytes(&newest.bytes).unwrap();
    let find = |part: &str, end: &str| {
        let mut names = whole.names().filter(|name| name.contains(part) && name.ends_with(end));
        names
            .next()
            .unwrap_or_else(|| panic!("no entry {part}...{end}"))
            .to_owned()
    };
    let cases = [
        (find("policy.adam", ".first"), 3e38),
        (find("policy.adam", ".second"), 3e38),
        (find("normaliser", ".mean"), f64::NEG_INFINITY),
        (find("proxy", ".bias"), f64::NAN),
        (find("lanes", ".noise"), f64::INFINITY),
        (find("lanes", ".numbers"), f64::NAN),
        (find("design", ".logits"), f64::INFINITY),
    ];
    for (name, wrong) in cases {
        let (folder, _run) = with_checkpoint(|archive| match archive.get_f32(&name) {
            Ok(mut values) => {
                values[0] = wrong as f32;
                archive.put_f32(&name, &values);
            }
            Err(_) => {
                let mut values = archive.get_f64(&name).unwrap();
                values[0] = wrong;
                archive.put_f64(&name, &values);
            }
        });
        let entry = name.trim_end_matches(".first").trim_end_matches(".second");
        tandem(folder.path(), &RESUME).ended(1).saying(&["checkpoint: ", entry]);
    }
}

#[test]
fn rows_that_are_lost_are_missed_and_the_run_goes_on() {
    let (folder, run) = copy();
    for (rows, said) in [("", "0 rows are there"), ("keep 2", "2 rows are there")] {
        let text = fs::read_to_string(finished().join("run/metrics.jsonl")).unwrap();
        let kept = if rows.is_empty() { 0 } else { 2 };
        let lines: Vec<&str> = text.split_inclusive('\n').take(kept).collect();
        fs::write(run.join("metrics.jsonl"), lines.concat()).unwrap();
        tandem(folder.path(), &EVALUATE)
            .ended(0)
            .saying(&["metrics.jsonl", "damaged"]);
        tandem(folder.path(), &RESUME).ended(0).saying(&["metrics.jsonl", said]);
        // the checkpoint at the end of a resumed run is of the rows that are there
        let again = tandem(folder.path(), &RESUME).ended(0);
        assert!(!again.err.contains("damaged"), "{}", again.err);
        let whole = RunFolder::open(&run).unwrap();
        fs::write(run.join("metrics.jsonl"), &text).unwrap();
        drop(whole);
        copy_sums(&run);
    }
    flip(&run.join("metrics.jsonl"), 200);
    tandem(folder.path(), &EVALUATE)
        .ended(0)
        .saying(&["metrics.jsonl", "damaged"]);
}

/// The checksums of the undamaged run.
fn copy_sums(run: &Path) {
    fs::copy(finished().join("run/checksums.json"), run.join("checksums.json")).unwrap();
}

#[test]
fn rows_are_on_record_before_the_checkpoint_that_relies_on_them() {
    let (_folder, run) = copy();
    let newest = checkpoints(&run).pop().unwrap();
    let iteration: usize = newest.file_stem().unwrap().to_str().unwrap().parse().unwrap();
    let rows = fs::read_to_string(run.join("metrics.jsonl")).unwrap();
    let relied: usize = rows.split_inclusive('\n').take(iteration).map(str::len).sum();
    let sums: Value = serde_json::from_slice(&fs::read(run.join("checksums.json")).unwrap()).unwrap();
    assert_eq!(sums["files"]["metrics.jsonl"][0]["length"], relied);
}

#[test]
fn what_is_judged_is_said() {
    let (folder, run) = copy();
    let table = tandem(folder.path(), &EVALUATE).ended(0);
    assert!(
        table.out.contains("after iteration") && !table.err.contains("newest checkpoint"),
        "{}",
        table.err
    );
    let document = tandem(folder.path(), &[&EVALUATE[..], &["--json"]].concat())
        .ended(0)
        .json();
    let rows = tandem::metrics::read(&run.join("metrics.jsonl")).unwrap();
    let kept = document["iteration"].as_u64().unwrap() as usize;
    assert!(
        rows[kept - 1]["true_success"].is_number(),
        "it was judged after iteration {kept}"
    );
    fs::remove_file(checkpoints(&run).pop().unwrap()).unwrap();
    tandem(folder.path(), &EVALUATE)
        .ended(0)
        .saying(&["newest checkpoint is of iteration"]);
}

#[test]
fn a_finished_run_that_is_resumed_has_its_result_once() {
    let (folder, run) = copy();
    for _ in 0..2 {
        tandem(folder.path(), &RESUME).ended(0);
    }
    assert_eq!(events(&run, "final/success"), 2, "among the columns, and as a figure");

    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    copy_all(&adapted().join("run"), &run);
    for _ in 0..2 {
        tandem(folder.path(), &["adapt", "--resume", "run"]).ended(0);
    }
    assert_eq!(events(&run, "final/nonlinear"), 2);
}

/// How often a tag stands in the event files.
fn events(run: &Path, tag: &str) -> usize {
    let files = contents(run);
    let count = |bytes: &[u8]| {
        bytes
            .windows(tag.len())
            .filter(|window| *window == tag.as_bytes())
            .count()
    };
    let events = files
        .iter()
        .filter(|(path, _)| path.to_string_lossy().contains("tfevents"));
    events.map(|(_, bytes)| count(bytes)).sum()
}

#[test]
fn the_text_of_a_language_model_is_held_to_its_checksum() {
    let folder = tempfile::tempdir().unwrap();
    let run = folder.path().join("run");
    copy_all(&adapted().join("run"), &run);
    flip(&run.join("text.txt"), 1000);
    for words in [
        &["adapt", "--resume", "run"][..],
        &["generate", "run", "--prompt", "Ada"],
    ] {
        tandem(folder.path(), words).ended(1).saying(&["text.txt is damaged"]);
    }
}

#[test]
fn what_a_killed_run_left_is_removed_by_the_next_one() {
    let (folder, run) = copy();
    let left = [
        ".events.9-0.scratch",
        "checkpoints/.x.9-0.scratch",
        ".design.json.9-0.scratch",
    ];
    for name in left {
        fs::write(run.join(name), "half").unwrap();
    }
    fs::create_dir(run.join(".codesign-s0.9-0.scratch")).unwrap();
    tandem(folder.path(), &RESUME).ended(0);
    for name in left {
        assert!(!run.join(name).exists(), "{name}");
    }
    assert!(!run.join(".codesign-s0.9-0.scratch").exists());
}
