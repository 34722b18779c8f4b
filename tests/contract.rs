//! Every problem of Tandem keeps the contract that `tandem_core::contract` holds problems to.

use tandem_accelerator::codesign;
use tandem_attention::recall;
use tandem_core::Problem;
use tandem_core::contract::check_problem;
use tandem_physics::classic;
use tandem_physics::hand3d::{press, tendon};
use tandem_physics::reach2d;
use tandem_physics::tentacle;

#[track_caller]
fn check_contract(problem: &dyn Problem) {
    check_problem(problem).unwrap();
}

#[test]
fn classic_problems_keep_the_contract() {
    for (name, _) in classic::NAMES {
        println!("{name}");
        check_contract(&*classic::make(name).unwrap());
    }
}

#[test]
fn reaching_arms_keep_the_contract() {
    for preset in reach2d::PRESETS {
        let config = reach2d::Config {
            preset: Some(preset.name.into()),
            ..reach2d::Config::default()
        };
        check_contract(&*reach2d::make(&config).unwrap());
    }
}

#[test]
fn tentacles_keep_the_contract() {
    for rows in 1..=3 {
        let config = tentacle::Config {
            start_radii: Some(vec![[0.01; 3]; rows]),
            ..tentacle::Config::default()
        };
        check_contract(&*tentacle::make(&config).unwrap());
    }
    check_contract(&*tentacle::make(&tentacle::Config::default()).unwrap());
}

#[test]
fn accelerators_keep_the_contract() {
    for preset in codesign::PRESETS {
        let config = codesign::Config {
            preset: Some(preset.name.into()),
            ..codesign::Config::default()
        };
        check_contract(&*codesign::make(&config).unwrap());
    }
}

#[test]
fn pressing_hands_keep_the_contract() {
    check_contract(&*press::make(&press::Config::default()).unwrap());
}

#[test]
fn tendon_hands_keep_the_contract() {
    check_contract(&*tendon::make(&tendon::Config::default()).unwrap());
}

#[test]
fn attention_keeps_the_contract() {
    check_contract(&*recall::make(&recall::Config::default()).unwrap());
}
