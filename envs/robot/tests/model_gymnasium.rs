//! Gymnasium's robots, where their files are at hand: `GYMNASIUM_ASSETS` names the folder `gymnasium/envs/mujoco/assets` of an
//! installed package, or `experiments/robots/gymnasium/fetch` has brought them. Their text is not ours to copy, so without it
//! there is nothing to test, which is said.

mod model_support;

use std::path::{Path, PathBuf};

use model_support::{close, load};
use serde_json::{Value, json};

fn assets() -> Option<PathBuf> {
    let fetched = || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/robots/gymnasium");
    let folder = std::env::var_os("GYMNASIUM_ASSETS").map_or_else(fetched, PathBuf::from);
    let there = folder.join("hopper.xml").exists();
    if !there {
        eprintln!("left out: {} has no robots of Gymnasium's", folder.display());
    }
    there.then_some(folder)
}

fn lengths(bodies: &[&str]) -> Value {
    let each = |(i, body): (usize, &&str)| json!({"name": format!("l{i}"), "low": 0.05, "high": 1.5, "edit": [format!("length({body})")]});
    bodies.iter().enumerate().map(each).collect()
}

#[test]
fn lengths_of_gymnasiums_robots_can_be_designed() {
    let Some(assets) = assets() else { return };
    for (file, bodies) in [
        (
            "half_cheetah.xml",
            &[
                "body:bthigh",
                "body:bshin",
                "body:bfoot",
                "body:fthigh",
                "body:fshin",
                "body:ffoot",
            ][..],
        ),
        ("hopper.xml", &["body:thigh", "body:leg", "body:foot"]),
        ("walker2d_v5.xml", &["body:thigh*", "body:leg*", "body:foot*"]),
        ("ant.xml", &["body:aux_?", "joint:ankle_?"]),
        ("humanoid.xml", &["body:*_thigh", "body:*_shin"]),
        ("swimmer.xml", &["body:mid", "body:back"]),
        ("reacher.xml", &["body:body0", "body:body1"]),
        ("inverted_double_pendulum.xml", &["body:pole", "body:pole2"]),
    ] {
        let robot =
            load(&assets.join(file), lengths(bodies), json!({})).unwrap_or_else(|error| panic!("{file}: {error}"));
        // the start design is the file
        let model = mujoco_rs::wrappers::MjModel::from_xml(assets.join(file)).unwrap();
        let start = robot.compile(&robot.space().start()).unwrap();
        assert_eq!(
            (model.body_pos(), model.body_mass()),
            (start.body_pos(), start.body_mass()),
            "{file}"
        );
        assert_eq!(model.geom_size(), start.geom_size(), "{file}");
        let longer: Vec<f64> = robot.space().start().iter().map(|length| length * 1.25).collect();
        robot.compile(&longer).unwrap_or_else(|error| panic!("{file}: {error}"));
    }
}

/// The hopper's feet stay as high above the floor, and `qpos` stays a height.
#[test]
fn the_hopper_is_lifted() {
    let Some(assets) = assets() else { return };
    let robot = load(
        &assets.join("hopper.xml"),
        lengths(&["body:thigh", "body:leg"]),
        json!({}),
    )
    .unwrap();
    let model = robot.compile(&[0.45 + 0.1, 0.5 + 0.2]).unwrap();
    assert!(close(model.qpos0()[1], 1.25 + 0.3) && close(model.body_pos()[1][2], 1.25 + 0.3));
}
