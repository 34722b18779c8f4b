//! `tandem export` as a user runs it.

mod common;

use std::fs;

use common::{copy, tandem};
use roxmltree::Document;

#[test]
fn a_run_is_exported_for_other_simulators() {
    let (folder, _) = copy();
    let run = "run";
    let said = tandem(
        folder.path(),
        &[
            "export",
            run,
            "--mjcf",
            "arm.xml",
            "--urdf",
            "arm.urdf",
            "--policy",
            "policy.onnx",
        ],
    )
    .ended(0);
    assert_eq!(said.out, "arm.xml\narm.urdf\npolicy.onnx\n");
    let read = |name: &str| fs::read(folder.path().join(name)).expect("it was written");
    let text = String::from_utf8(read("arm.xml")).expect("XML is text");
    let document = Document::parse(&text).expect("XML is well formed");
    let design: serde_json::Value = serde_json::from_slice(&read(&format!("{run}/design.json"))).expect("a design");
    let capsules = document
        .descendants()
        .filter(|n| n.attribute("type") == Some("capsule"));
    for (capsule, parameter) in capsules.zip(design["parameters"].as_array().expect("a list")) {
        let ends = capsule.attribute("fromto").expect("two ends");
        let length: f64 = ends.split(' ').nth(3).and_then(|x| x.parse().ok()).expect("x");
        let learnt = parameter["value"].as_f64().expect("a number");
        assert!((length - learnt).abs() < 1e-9);
    }
    let model = rten::Model::load(read("policy.onnx")).expect("an independent runtime reads it");
    assert!(model.find_node("observation").is_some() && model.find_node("command").is_some());
}

#[test]
fn a_folder_gets_all_formats() {
    let (folder, _) = copy();
    let said = tandem(folder.path(), &["export", "run", "--out", "arm"]).ended(0);
    assert_eq!(
        said.out,
        "arm/machine.xml\narm/machine.urdf\narm/policy.onnx\narm/policy.py\narm/player.py\narm/play.py\narm/walls.py\n"
    );
    tandem(folder.path(), &["export", "run", "--mjcf", "arm.xml"]).ended(0);
    let read = |name: &str| fs::read(folder.path().join(name)).expect("it was written");
    assert_eq!(read("arm/machine.xml"), read("arm.xml"));
}

#[test]
fn without_anything_to_write_or_a_run_it_says_so() {
    let folder = tempfile::tempdir().expect("a folder");
    tandem(folder.path(), &["export", "nothing"])
        .ended(2)
        .saying(&["--mjcf"]);
    tandem(folder.path(), &["export", "nothing", "--policy", "p.onnx"])
        .ended(2)
        .saying(&["nothing"]);
}
