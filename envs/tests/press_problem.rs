//! The pressing hand as a problem: hardware model, both worlds, reward, faults, settings.

use tandem_envs::hand3d::press::controller::Script;
use tandem_envs::hand3d::press::hand::Hand;
use tandem_envs::hand3d::press::machine::{JOINTS, Start};
use tandem_envs::hand3d::press::{Config, Press, PressHardware, Settings, make};
use tandem_envs::{Fidelity, Hardware, Problem, Step, Stream};

/// A design that works: placement (degrees), proximal and distal length (m) of every finger.
const GOOD: [f64; 12] = [
    5.0, 0.095, 0.08, 95.0, 0.05, 0.05, 240.0, 0.05, 0.05, 300.0, 0.05, 0.05,
];

fn press(config: &Config) -> Press {
    Press::new(Settings::new(config).unwrap()).unwrap()
}

/// No noise at the start, so that servo targets are known.
fn calm() -> Config {
    Config {
        start_offset: Some(0.0),
        start_noise: Some(0.0),
        ..Config::default()
    }
}

fn step(problem: &mut Press, design: &[f64], fidelity: Fidelity, command: &[f32]) -> Step {
    if fidelity == Fidelity::Full {
        return problem.full_step(command);
    }
    let (mut query, mut effect) = ([0.0; 12], [0.0; 24]);
    problem.query(command, &mut query);
    problem.hardware().respond(design, &query, &mut effect);
    problem.apply(command, &effect)
}

/// Plays the script by commands; whether it succeeded, and the sums of the reward's terms.
fn play(design: &[f64], fidelity: Fidelity) -> (bool, [f32; 7]) {
    let mut problem = press(&calm());
    let stream = &mut Stream::new(0, "start", 0);
    problem.reset(design, fidelity, stream).unwrap();
    let script = Script::new(&Hand::new(design).unwrap());
    let mut target = Start::default().joints;
    let (mut terms, mut sums) = ([0.0; 7], [0.0; 7]);
    for time in 0.. {
        let mut command = [0.0; JOINTS];
        for (i, (now, next)) in target.iter_mut().zip(script.targets(time)).enumerate() {
            let unit = if i == 0 { 0.003 } else { 0.1 };
            command[i] = ((next - *now) / unit).clamp(-1.0, 1.0);
            *now += unit * command[i];
        }
        let step = step(&mut problem, design, fidelity, &command);
        assert_eq!(step.fault, None);
        problem.reward_terms(&mut terms);
        sums.iter_mut()
            .zip(terms)
            .for_each(|(sum, term)| *sum += term);
        if step.ended() {
            return (step.success, sums);
        }
    }
    unreachable!("episodes end at the horizon")
}

#[test]
fn a_good_design_succeeds_in_both_worlds_and_the_start_design_in_none() {
    let start = Hand::space().unwrap().start();
    for fidelity in [Fidelity::Full, Fidelity::Effect] {
        let (success, good) = play(&GOOD, fidelity);
        assert!(success, "{fidelity:?}: {good:?}");
        let (success, bad) = play(&start, fidelity);
        assert!(!success, "{fidelity:?}: {bad:?}");
        // grasping alone is paid, pressing more
        assert!(
            bad[1] > 50.0 && bad[3] < 1.0 && bad[4] == 0.0,
            "{fidelity:?}: {bad:?}"
        );
        assert!(good[3] > 50.0 && good[4] > 100.0, "{fidelity:?}: {good:?}");
    }
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
    let along = [
        0.04 * (f[0] + f[3]),
        0.04 * (f[1] + f[4]),
        -0.04 * (f[2] + f[5]),
    ];
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
fn wild_effects_push_with_bounded_force() {
    let mut problem = press(&Config::default());
    let mut stream = Stream::new(2, "wild", 0);
    let (mut command, mut effect) = ([0.0; JOINTS], [0.0; 24]);
    let mut faults = 0;
    for _ in 0..10 {
        let design = problem.hardware().space().sample(&mut stream);
        problem
            .reset(&design, Fidelity::Effect, &mut stream)
            .unwrap();
        loop {
            stream.fill_normal(&mut command);
            stream.fill_normal(&mut effect);
            // metres away, as a bad proxy might put them
            let step = problem.apply(&command, &effect);
            assert!(step.reward.is_finite());
            faults += u32::from(step.fault.is_some());
            if step.ended() {
                break;
            }
        }
    }
    assert!(faults <= 3, "{faults} of 10 episodes ended in a fault");
}

#[test]
fn what_cannot_go_on_ends_the_episode_by_name() {
    let mut problem = press(&Config::default());
    let design = problem.hardware().space().start();
    let reset = |problem: &mut Press, fidelity| {
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
        ("horizon", r#"{"horizon": 0}"#),
        ("start_offset", r#"{"start_offset": 1}"#),
        ("start_noise", r#"{"start_noise": -1}"#),
        ("substeps", r#"{"substeps": 0}"#),
    ] {
        let config: Config = serde_json::from_str(text).unwrap();
        let error = make(&config).err().expect(text).to_string();
        assert!(error.contains(key), "{text}: {error}");
    }
    assert!(serde_json::from_str::<Config>(r#"{"horizons": 3}"#).is_err());
}
