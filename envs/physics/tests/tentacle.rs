//! The tentacle: statics against hand-computed cases and optimality, kinematics, the task, its nine goals.

use tandem_core::{Environment, Fidelity, Hardware, Problem, Step, Stream};
use tandem_physics::tentacle::statics::{Equilibrium, Stop, equilibrium, stall};
use tandem_physics::tentacle::{
    Body, Config, ELASTIC_RADIUS, JOINT_HIGH, JOINT_LOW, JOINTS, Settings, Tentacle, TentacleHardware, WINCH_RADIUS,
    WINCH_RANGE, WINCH_STEP, Workspace, make,
};

/// A learnt design that reaches all nine goals: radii, pre-elongations, lengths, m.
const GOOD: [f64; 12] = [
    0.0076, 0.0064, 0.0042, 0.0042, 0.0198, 0.0054, 0.0007, 0.0297, 0.0049, 0.1204, 0.0628, 0.1224,
];

fn tentacle(config: &Config) -> Environment<Tentacle> {
    Tentacle::new(Settings::new(config).unwrap()).unwrap()
}

fn near(got: f64, expected: f64) -> bool {
    (got - expected).abs() < 1e-9
}

#[test]
fn one_taut_tendon_bends_joints_in_proportion_to_their_pulleys() {
    let radii = [[0.005, 0.010, 0.020]];
    let state = equilibrium(&radii, &[0.0; 3], &[0.0105]);
    // theta = R p / |R|^2, and |R|^2 = (25 + 100 + 400) mm^2
    for (angle, expected) in state.angles.iter().zip([0.1, 0.2, 0.4]) {
        assert!(near(*angle, expected), "{state:?}");
    }
    assert!(state.taut[0] && near(state.lambda[0], 0.0105 / 525e-6));
}

#[test]
fn two_taut_tendons_by_hand() {
    // the third joint is pulled by the second tendon only: pulls of 12 mm and 22 mm ask for
    // 10 (t1 + t2) = 12 and 10 (t1 + t2) + 20 t3 = 22 (mm), so t1 = t2 = 0.6 and t3 = 0.5
    let radii = [[0.010, 0.010, 0.0], [0.010, 0.010, 0.020]];
    let state = equilibrium(&radii, &[0.0; 3], &[0.012, 0.022]);
    for (angle, expected) in state.angles.iter().zip([0.6, 0.6, 0.5]) {
        assert!(near(*angle, expected), "{state:?}");
    }
    // slack: the first tendon's 12 mm bend the second tendon's joints enough for its 5 mm
    let state = equilibrium(&radii, &[0.0; 3], &[0.012, 0.005]);
    assert!(near(state.angles[2], 0.0) && !state.taut[1], "{state:?}");
}

#[test]
fn pretension_bends_backwards_to_the_stop_and_then_delays() {
    let rest = |l: f64| [-l / ELASTIC_RADIUS; 3];
    let radii = [[0.010; 3]];
    let at = |l: f64, pull: f64| equilibrium(&radii, &rest(l), &[pull]).angles[0];
    assert!(near(at(0.006, -1.0), -0.4), "6 mm over 15 mm");
    assert!(near(at(0.030, -1.0), JOINT_LOW), "as far as the stop");
    // wound by -24 mm + 3 mm, the tendon turns every joint by 0.1 rad from its stop, whatever holds it there
    assert!(near(at(0.030, -0.021), JOINT_LOW + 0.1));
    // unlike joints: the one with less pretension (6 mm, -0.4 rad) moves alone until the tension lifts the others
    let mut uneven = rest(0.030);
    uneven[2] = -0.4;
    let state = equilibrium(&radii, &uneven, &[-0.017]);
    for (angle, expected) in state.angles.iter().zip([JOINT_LOW, JOINT_LOW, -0.1]) {
        assert!(near(*angle, expected), "{state:?}");
    }
    assert_eq!(state.stops, [Stop::Low, Stop::Low, Stop::Free]);
}

#[test]
fn winches_stall_with_all_joints_at_their_upper_stops() {
    let radii = [[0.005; 3], [0.005, 0.010, 0.020]];
    assert!(near(stall(&radii[0]), 0.030));
    for pulls in [[1.0, 0.0], [0.0, 1.0], [1.0, 1.0], [stall(&radii[0]), 0.0]] {
        let state = equilibrium(&radii, &[0.0; 3], &pulls);
        for angle in state.angles {
            assert!(near(angle, JOINT_HIGH), "{pulls:?} {state:?}");
        }
    }
}

/// The gap of every optimality condition, rad.
fn broken(body: &Body, winches: &[f32], state: &Equilibrium) -> f64 {
    let mut worst = 0.0f64;
    for (i, row) in body.radii.iter().enumerate() {
        let pull = (WINCH_RADIUS * f64::from(winches[i])).min(stall(row));
        let wound: f64 = row.iter().zip(&state.angles).map(|(r, a)| r * a).sum();
        let (slack, tension) = ((wound - pull) / 0.01, state.lambda[i] * 0.01);
        worst = worst.max(-slack).max(-tension).max((slack * tension).abs());
    }
    for j in 0..JOINTS {
        let rest = -body.pretension[j] / ELASTIC_RADIUS;
        let rows = body.radii.iter().zip(&state.lambda);
        let torque: f64 = rows.map(|(row, l)| row[j] * l).sum();
        let expected = (rest + torque).clamp(JOINT_LOW, JOINT_HIGH);
        worst = worst.max((state.angles[j] - expected).abs());
    }
    worst
}

#[test]
fn equilibria_are_optimal_for_any_design_and_number_of_tendons() {
    for rows in 1..=3 {
        let config = Config {
            start_radii: Some(vec![[0.01; 3]; rows]),
            ..Config::default()
        };
        let hardware = TentacleHardware::new(&Settings::new(&config).unwrap()).unwrap();
        let mut stream = Stream::new(0, "statics", rows as u64);
        for k in 0..3000 {
            let mut design = hardware.space().sample(&mut stream);
            if k % 4 == 0 && rows > 1 {
                design.copy_within(0..3, 3); // two equal tendons: constraints that depend on each other
            }
            let winch = |_| stream.uniform(0.0, WINCH_RANGE.into()) as f32;
            let winches: Vec<f32> = (0..rows).map(winch).collect();
            let body = hardware.body(&design).unwrap();
            let state = body.equilibrium(&winches);
            let gap = broken(&body, &winches, &state);
            assert!(gap < 1e-6, "{gap}: {design:?} {winches:?} {state:?}");
        }
    }
}

#[test]
fn no_feasible_pose_has_less_energy() {
    let hardware = TentacleHardware::new(&Settings::new(&Config::default()).unwrap()).unwrap();
    let mut stream = Stream::new(1, "energy", 0);
    for _ in 0..300 {
        let design = hardware.space().sample(&mut stream);
        let body = hardware.body(&design).unwrap();
        let winches = [0; 2].map(|_| stream.uniform(0.0, WINCH_RANGE.into()) as f32);
        let state = body.equilibrium(&winches);
        let energy = |angles: &[f64; 3]| -> f64 {
            let stretch = angles.iter().zip(body.pretension);
            stretch.map(|(a, l)| (ELASTIC_RADIUS * a + l).powi(2)).sum()
        };
        for _ in 0..200 {
            let other = [0; 3].map(|_| stream.uniform(JOINT_LOW, JOINT_HIGH));
            let holds = body.radii.iter().zip(winches).all(|(row, winch)| {
                let pull = (WINCH_RADIUS * f64::from(winch)).min(stall(row));
                row.iter().zip(&other).map(|(r, a)| r * a).sum::<f64>() >= pull
            });
            assert!(!holds || energy(&other) >= energy(&state.angles) - 1e-15);
        }
    }
}

#[test]
fn the_tip_never_jumps() {
    // the energy is strictly convex: its minimum moves continuously, which the published extra condition would break
    let hardware = TentacleHardware::new(&Settings::new(&Config::default()).unwrap()).unwrap();
    let mut stream = Stream::new(2, "jumps", 0);
    for _ in 0..2000 {
        let design = hardware.space().sample(&mut stream);
        let at = [0; 2].map(|_| stream.uniform(0.0, 7.9) as f32);
        let (mut here, mut there) = ([0.0; 5], [0.0; 5]);
        hardware.respond(&design, &at, &mut here);
        hardware.respond(&design, &at.map(|a| a + 1e-4), &mut there);
        let moved = (here[0] - there[0]).hypot(here[1] - there[1]);
        assert!(moved < 2e-3, "{moved} m for 1e-4 rad: {design:?} {at:?}");
    }
}

#[test]
fn a_slack_tentacle_stands_upright_and_a_bent_one_leans_clockwise() {
    let hardware = TentacleHardware::new(&Settings::new(&Config::default()).unwrap()).unwrap();
    let mut effect = [0.0; 5];
    hardware.respond(&hardware.space().start(), &[0.0; 2], &mut effect);
    assert!(effect[0].abs() < 1e-7 && (effect[1] - 0.24).abs() < 1e-7);
    // 5 mm pulleys: 1.5 rad of winch wind up 15 mm, and every joint turns by one radian
    hardware.respond(&hardware.space().start(), &[1.5, 0.0], &mut effect);
    let by_hand = [
        0.08 * (1f32.sin() + 2f32.sin() + 3f32.sin()),
        0.08 * (1f32.cos() + 2f32.cos() + 3f32.cos()),
        1.0,
        1.0,
        1.0,
    ];
    for (got, expected) in effect.iter().zip(by_hand) {
        assert!((got - expected).abs() < 1e-6, "{effect:?}");
    }
}

#[test]
fn features_are_the_winch_angles_and_their_products() {
    let hardware = TentacleHardware::new(&Settings::new(&Config::default()).unwrap()).unwrap();
    let mut features = [f32::NAN; 5];
    assert_eq!(hardware.feature_len(), 5);
    hardware.features(&[2.0, 4.0], &mut features);
    assert_eq!(features, [0.25, 0.5, 0.0625, 0.125, 0.25]);
}

#[test]
fn the_start_design_reaches_one_of_nine_goals_and_a_good_one_all() {
    let settings = Settings::new(&Config::default()).unwrap();
    let hardware = TentacleHardware::new(&settings).unwrap();
    let misses = |design: &[f64]| -> Vec<f32> {
        let workspace = Workspace::new(&hardware, design);
        let goals = settings.goals.iter();
        goals.map(|&goal| workspace.nearest(goal).1).collect()
    };
    let start = misses(&hardware.space().start());
    let reached = start.iter().filter(|&&miss| miss <= settings.tolerance);
    assert_eq!(reached.count(), 1, "{start:?}");
    // the others are out of reach by far more than the search could err
    let missed = start.iter().filter(|&&miss| miss > 0.01);
    assert_eq!(missed.count(), 8, "{start:?}");
    let good = misses(&GOOD);
    assert!(good.iter().all(|&m| m < settings.tolerance), "{good:?}");
}

/// One control step under the true effect.
fn true_step(problem: &mut Environment<Tentacle>, design: &[f64], command: &[f32]) -> Step {
    let (mut query, mut effect) = ([0.0; 2], [0.0; 5]);
    problem.query(command, &mut query);
    problem.hardware().respond(design, &query, &mut effect);
    problem.apply(command, &effect)
}

#[test]
fn true_effects_and_the_machine_move_alike() {
    let mut model = tentacle(&Config::default());
    let mut machine = tentacle(&Config::default());
    let design = model.hardware().space().start();
    let stream = || Stream::new(3, "start", 0);
    model.reset(&design, Fidelity::Effect, &mut stream()).unwrap();
    machine.reset(&design, Fidelity::Full, &mut stream()).unwrap();
    for k in 0..60 {
        let command = [(k as f32).sin(), 1.0];
        let (a, b) = (true_step(&mut model, &design, &command), machine.full_step(&command));
        assert_eq!(a, b);
    }
}

#[test]
fn winches_wind_up_in_steps_within_their_range() {
    let mut problem = tentacle(&Config::default());
    let design = problem.hardware().space().start();
    let stream = &mut Stream::new(4, "start", 0);
    problem.reset(&design, Fidelity::Full, stream).unwrap();
    let (mut before, mut after) = ([0.0; 2], [0.0; 2]);
    problem.query(&[0.0, 0.0], &mut before);
    problem.query(&[0.5, -100.0], &mut after);
    assert!((after[0] - before[0] - 0.5 * WINCH_STEP).abs() < 1e-6);
    assert_eq!(after[1], (before[1] - WINCH_STEP).max(0.0));
    for _ in 0..40 {
        problem.full_step(&[1.0, -1.0]);
    }
    problem.query(&[1.0, -1.0], &mut after);
    assert_eq!(after, [WINCH_RANGE, 0.0]);
}

#[test]
fn five_steps_at_the_goal_are_a_success_by_hand() {
    let config = Config {
        goals: Some(vec![[0.1, 0.2]]),
        ..Config::default()
    };
    let mut problem = tentacle(&config);
    let design = problem.hardware().space().start();
    let stream = &mut Stream::new(0, "start", 0);
    problem.reset(&design, Fidelity::Effect, stream).unwrap();
    // 20 mm away, half the command, in step 1 of 60: w (-30 * 0.02 + 0.5 / 2 + 0.5 / 17) - 0.002 * 0.25
    let late = |step: f32| 3.0 * (step / 60.0).powi(2);
    let step = problem.apply(&[0.5, 0.0], &[0.1, 0.22, 0.0, 0.0, 0.0]);
    let by_hand = late(1.0) * (-0.6 + 0.25 + 0.5 / 17.0) - 0.0005;
    assert!((step.reward - by_hand).abs() < 1e-5, "{step:?}");
    for k in 1..=5 {
        let step = problem.apply(&[0.0; 2], &[0.1, 0.2, 0.0, 0.0, 0.0]);
        assert_eq!(step.success, k == 5);
        let by_hand = 1.0 + late(k as f32 + 1.0);
        assert!((step.reward - by_hand).abs() < 1e-5, "bonus 1, nearness 1");
    }
    assert!(problem.apply(&[0.0; 2], &[0.0; 5]).success, "and stay one");
}

#[test]
fn random_effects_never_break_the_world() {
    let mut problem = tentacle(&Config::default());
    let mut observation = vec![0.0; problem.spec().observation.len()];
    let mut stream = Stream::new(5, "random", 0);
    let (mut command, mut effect) = ([0.0; 2], [0.0; 5]);
    for _ in 0..100 {
        let design = problem.hardware().space().sample(&mut stream);
        problem.reset(&design, Fidelity::Effect, &mut stream).unwrap();
        loop {
            stream.fill_normal(&mut command);
            stream.fill_normal(&mut effect); // as a bad proxy might
            let step = problem.apply(&command, &effect);
            problem.observe(&mut observation);
            assert!(step.reward.is_finite() && observation.iter().all(|o| o.is_finite()));
            if step.ended() {
                break;
            }
        }
    }
    let step = problem.apply(&[0.0; 2], &[f32::NAN; 5]);
    assert!(step.terminated && step.fault.is_some() && step.reward.is_finite());
}

#[test]
fn wrong_settings_are_refused_by_name() {
    let cases = [
        ("preset", r#"{"preset": "ten-goals"}"#),
        ("goals", r#"{"goals": []}"#),
        ("goals", r#"{"goals": [[1e9, 0]]}"#),
        ("start_radii", r#"{"start_radii": []}"#),
        ("start_radii", r#"{"start_radii": [[0.01, 0.01, 1.0]]}"#),
        ("start_length", r#"{"start_length": 0.8}"#),
        ("tolerance", r#"{"tolerance": 0}"#),
        ("hold_steps", r#"{"hold_steps": 0}"#),
        ("horizon", r#"{"horizon": 1000000}"#),
    ];
    for (key, text) in cases {
        let config: Config = serde_json::from_str(text).unwrap();
        let error = make(&config).err().expect(text).to_string();
        assert!(error.contains(key), "{text}: {error}");
    }
    assert!(serde_json::from_str::<Config>(r#"{"goal": [[0, 0]]}"#).is_err());
}
