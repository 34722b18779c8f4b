//! The pressing hand as a problem: hardware model, both worlds, reward, faults, settings.

use tandem_core::{Environment, Fidelity, Hardware, Problem, Step, Stream};
use tandem_physics::hand3d::press::hand::{Hand, WORKING};
use tandem_physics::hand3d::press::machine::JOINTS;
use tandem_physics::hand3d::press::{Press, PressHardware, Settings, State, make};

/// Places of the reward's terms.
const HOLD: usize = 0;
const PRESS: usize = 2;
const SUCCESS: usize = 3;

fn press(settings: Settings) -> Environment<Press> {
    Press::new(settings).unwrap()
}

/// No noise at the start.
fn calm() -> Settings {
    Settings {
        start_offset: 0.0,
        start_noise: 0.0,
        ..Settings::default()
    }
}

fn step(problem: &mut Environment<Press>, design: &[f64], fidelity: Fidelity, command: &[f32]) -> Step {
    if fidelity == Fidelity::Full {
        return problem.full_step(command);
    }
    let (mut query, mut effect) = ([0.0; 12], [0.0; 24]);
    problem.query(command, &mut query);
    problem.hardware().respond(design, &query, &mut effect);
    problem.apply(command, &effect)
}

/// Plays an episode; whether it succeeded, and the sums of the reward's terms.
fn play(
    mut problem: Environment<Press>,
    design: &[f64],
    fidelity: Fidelity,
    command: impl Fn(&State) -> [f32; JOINTS],
) -> (bool, [f32; 6]) {
    let stream = &mut Stream::new(0, "start", 0);
    problem.reset(design, fidelity, stream).unwrap();
    let (mut terms, mut sums) = ([0.0; 6], [0.0; 6]);
    loop {
        let command = command(problem.state().unwrap());
        let step = step(&mut problem, design, fidelity, &command);
        assert_eq!(step.fault, None);
        problem.reward_terms(&mut terms);
        assert!((terms.iter().sum::<f32>() - step.reward).abs() < 1e-4);
        sums.iter_mut().zip(terms).for_each(|(sum, term)| *sum += term);
        if step.ended() {
            return (step.success, sums);
        }
    }
}

#[test]
fn a_working_design_succeeds_in_both_worlds_and_the_start_design_in_none() {
    let start = Hand::space().unwrap().start();
    for fidelity in [Fidelity::Full, Fidelity::Effect] {
        let (success, good) = play(press(calm()), &WORKING, fidelity, State::scripted);
        assert!(success, "{fidelity:?}: {good:?}");
        assert!(good[PRESS] > 10.0 && good[SUCCESS] > 30.0, "{fidelity:?}: {good:?}");
        let (success, bad) = play(press(calm()), &start, fidelity, State::scripted);
        assert!(!success && bad[SUCCESS] == 0.0, "{fidelity:?}: {bad:?}");
        // holding alone is paid, pressing more
        assert!(bad[HOLD] > 10.0 && bad[PRESS] < 1.0, "{fidelity:?}: {bad:?}");
    }
}

#[test]
fn the_scripted_grasp_lifts_but_pressing_is_left_to_the_policy() {
    for fidelity in [Fidelity::Full, Fidelity::Effect] {
        let (success, terms) = play(press(calm()), &WORKING, fidelity, |_| [0.0; JOINTS]);
        assert!(!success && terms[HOLD] > 15.0, "{fidelity:?}: {terms:?}");
        assert!(terms[PRESS] < 1e-2, "{fidelity:?}: {terms:?}");
    }
}

#[test]
fn half_the_time_step_gives_the_same_episode_but_for_small_changes() {
    let finer = press(calm()).refined(2).unwrap();
    assert_eq!(finer.spec(), press(calm()).spec());
    let settings = Settings { substeps: 20, ..calm() };
    let (success, terms) = play(press(settings), &WORKING, Fidelity::Full, State::scripted);
    let (_, coarse) = play(press(calm()), &WORKING, Fidelity::Full, State::scripted);
    assert!(
        success && (terms[HOLD] - coarse[HOLD]).abs() < 2.5,
        "{terms:?} {coarse:?}"
    );
}

#[test]
fn effect_is_linear_in_the_features_of_each_finger() {
    // a finger that points along x with its root on the rim: tip = root + l1 (f0, f1, -f2) + l2 (f3, f4, -f5)
    let hardware = PressHardware::new().unwrap();
    let mut design = hardware.space().start();
    design[0] = 5.0;
    let mut stream = Stream::new(1, "query", 0);
    let bounds = hardware.query_bounds().to_vec();
    let query: Vec<f32> = bounds
        .iter()
        .map(|&(low, high)| stream.uniform(low.into(), high.into()) as f32)
        .collect();
    let (mut effect, mut features) = ([0.0; 24], [f32::NAN; 24]);
    hardware.respond(&design, &query, &mut effect);
    hardware.features(&query, &mut features);
    let (sin, cos) = 5f32.to_radians().sin_cos();
    let f = &features[..6];
    let along = [0.04 * (f[0] + f[3]), 0.04 * (f[1] + f[4]), -0.04 * (f[2] + f[5])];
    let tip = [
        0.04 * cos + cos * along[0] - sin * along[1],
        0.04 * sin + sin * along[0] + cos * along[1],
        along[2],
    ];
    for (got, expected) in effect.iter().zip(tip) {
        assert!((got - expected).abs() < 1e-6, "{effect:?} {tip:?}");
    }
}

#[test]
fn an_effect_far_away_draws_the_links_there_by_force_and_never_puts_them() {
    let mut problem = press(calm());
    let design = problem.hardware().space().start();
    let stream = &mut Stream::new(2, "far", 0);
    problem.reset(&design, Fidelity::Effect, stream).unwrap();
    let tip = |problem: &Environment<Press>, i: usize| problem.state().unwrap().finger(i).unwrap()[1];
    let before: Vec<[f32; 3]> = (0..4).map(|i| tip(&problem, i)).collect();
    let mut effect = [0.0; 24];
    effect.iter_mut().skip(2).step_by(3).for_each(|z| *z = 10.0);
    problem.apply(&[0.0; JOINTS], &effect);
    for (i, before) in before.iter().enumerate() {
        // two springs of at most 8 N along each of three axes on at least 0.2 kg for 20 ms: 28 mm, and some for turning
        let after = tip(&problem, i);
        let moved: f32 = before.iter().zip(after).map(|(b, a)| (b - a).powi(2)).sum();
        assert!(moved.sqrt() < 0.06, "{i}: {before:?} {after:?}");
    }
}

#[test]
fn random_effects_and_commands_give_finite_rewards_and_named_faults() {
    let mut problem = press(Settings::default());
    let mut stream = Stream::new(2, "wild", 0);
    let (mut command, mut effect) = ([0.0; JOINTS], [0.0; 24]);
    for _ in 0..5 {
        let design = problem.hardware().space().sample(&mut stream);
        problem.reset(&design, Fidelity::Effect, &mut stream).unwrap();
        loop {
            stream.fill_normal(&mut command);
            stream.fill_normal(&mut effect);
            let step = problem.apply(&command, &effect);
            assert!(step.reward.is_finite());
            assert_eq!(step.terminated, step.fault.is_some());
            if step.ended() {
                break;
            }
        }
    }
}

#[test]
fn what_cannot_go_on_ends_the_episode_by_name() {
    let mut problem = press(Settings::default());
    let design = problem.hardware().space().start();
    let reset = |problem: &mut Environment<Press>, fidelity| {
        let stream = &mut Stream::new(3, "start", 0);
        problem.reset(&design, fidelity, stream).unwrap();
    };
    reset(&mut problem, Fidelity::Effect);
    let step = problem.apply(&[0.0; JOINTS], &[f32::NAN; 24]);
    assert!(step.terminated && step.fault.is_some() && step.reward == 0.0);
    reset(&mut problem, Fidelity::Effect);
    assert!(problem.full_step(&[0.0; JOINTS]).fault.is_some());
    reset(&mut problem, Fidelity::Full);
    assert!(problem.apply(&[0.0; JOINTS], &[0.0; 24]).fault.is_some());
}

#[test]
fn wrong_settings_are_refused_by_name() {
    for (key, text) in [
        ("preset", r#"{"preset": "pull"}"#),
        ("horizon", r#"{"horizon": 0}"#),
        ("start_offset", r#"{"start_offset": 1}"#),
        ("start_noise", r#"{"start_noise": -1}"#),
        ("substeps", r#"{"substeps": 0}"#),
    ] {
        let settings: Settings = serde_json::from_str(text).unwrap();
        let error = make(settings).err().expect(text).to_string();
        assert!(error.contains(key), "{text}: {error}");
    }
    assert!(serde_json::from_str::<Settings>(r#"{"horizons": 3}"#).is_err());
}
