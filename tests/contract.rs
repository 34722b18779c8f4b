//! Every problem that is registered keeps the contract that `tandem_core::contract` holds problems to, in every variant
//! that `tandem list problems` names.

use std::path::Path;

use serde_json::{Value, json};
use tandem::registry;
use tandem_core::ProblemError;
use tandem_core::contract::check_problem;
use tandem_physics::tentacle;

/// The settings of a variant as `tandem list problems` names it: `preset far`, `name cartpole`; none for a remark.
fn task(variant: &str) -> Option<Value> {
    let (key, value) = variant.split_once(' ')?;
    ["preset", "name"].contains(&key).then(|| json!({ key: value }))
}

/// The shipped robots' tasks, with every effect that suits them.
fn robots() -> Vec<Value> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments/robots");
    let mut tasks = Vec::new();
    for file in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
        if file.extension().is_none_or(|end| end != "json") {
            continue;
        }
        let experiment: Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
        let mut task = experiment["task"].clone();
        task["model"] = json!(folder.join(task["model"].as_str().unwrap()));
        for effect in ["transition", "sites", "torques"] {
            task["effect"] = json!(effect);
            tasks.push(task.clone());
        }
    }
    tasks
}

#[test]
fn every_problem_keeps_the_contract() {
    for entry in registry::problems() {
        let variants = (entry.variants)();
        let tasks: Vec<Value> = match entry.name {
            "robot" => robots(),
            _ => variants.iter().filter_map(|(name, _)| task(name)).collect(),
        };
        assert!(!tasks.is_empty(), "{}: no variant can be built", entry.name);
        for task in tasks {
            let instance = match (entry.build)(&task) {
                Ok(instance) => instance,
                // an effect that does not suit the robot
                Err(ProblemError::Setting(error)) if error.key == "effect" && task["effect"] != "transition" => {
                    continue;
                }
                Err(error) => panic!("{} {task}: {error}", entry.name),
            };
            check_problem(&*instance.problem).unwrap_or_else(|breach| panic!("{task}: {breach}"));
        }
    }
}

#[test]
fn tentacles_of_any_number_of_tendons_keep_the_contract() {
    for rows in 1..=3 {
        let config = tentacle::Config {
            start_radii: Some(vec![[0.01; 3]; rows]),
            ..tentacle::Config::default()
        };
        check_problem(&*tentacle::make(&config).unwrap()).unwrap();
    }
}
