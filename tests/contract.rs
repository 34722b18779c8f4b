//! Every problem that is registered keeps the contract that `tandem_core::contract` holds problems to, in every variant
//! that `tandem list problems` names.

use serde_json::{Value, json};
use tandem::registry;
use tandem_core::contract::check_problem;
use tandem_physics::tentacle;

/// The settings of a variant as `tandem list problems` names it: `preset far`, `name cartpole`; none for a remark.
fn task(variant: &str) -> Option<Value> {
    let (key, value) = variant.split_once(' ')?;
    ["preset", "name"].contains(&key).then(|| json!({ key: value }))
}

#[test]
fn every_problem_keeps_the_contract() {
    for entry in registry::problems() {
        let variants = (entry.variants)();
        let tasks: Vec<Value> = variants.iter().filter_map(|(name, _)| task(name)).collect();
        assert!(!tasks.is_empty(), "{}: no variant can be built", entry.name);
        for task in tasks {
            let instance = (entry.build)(&task).unwrap_or_else(|error| panic!("{} {task}: {error}", entry.name));
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
