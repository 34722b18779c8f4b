//! The planar reaching arm: kinematics, the task under effects, walls, configuration.

use std::f32::consts::{FRAC_PI_2, PI};

use tandem_core::{Environment, Fidelity, Problem, Step, Stream};
use tandem_physics::reach2d::{
    Config, LINK_RADIUS, MAX_LINKS, PRESETS, Reach, STEP_ANGLE, Settings, Walls, make, motion,
};

fn preset(name: &str) -> Config {
    Config {
        preset: Some(name.into()),
        ..Config::default()
    }
}

fn reach(config: &Config) -> Environment<Reach> {
    Reach::new(Settings::new(config).unwrap()).unwrap()
}

/// One control step under the true effect.
fn true_step(reach: &mut Environment<Reach>, design: &[f64], command: &[f32]) -> Step {
    let hardware = reach.hardware();
    let mut query = vec![0.0; hardware.query_channels().len()];
    let mut effect = vec![0.0; hardware.effect_channels().len()];
    reach.query(command, &mut query);
    hardware.respond(design, &query, &mut effect);
    reach.apply(command, &effect)
}

#[test]
fn two_links_at_right_angles_by_hand() {
    let config = Config {
        links: Some(2),
        length_bounds: Some([0.1, 1.0]),
        ..Config::default()
    };
    let hardware = reach(&config).hardware();
    let mut effect = [0.0; 4];
    // first link along y, second turned back along x: elbow (0, 0.5), tip (0.3, 0.5)
    hardware.respond(&[0.5, 0.3], &[FRAC_PI_2, -FRAC_PI_2, 0.0, 0.0], &mut effect);
    for (got, expected) in effect.iter().zip([0.3, 0.5, 0.0, 0.5]) {
        assert!((got - expected).abs() < 1e-6, "{effect:?}");
    }
    // a command of 1 turns the second joint by 0.15 rad
    hardware.respond(&[0.5, 0.3], &[0.0, 0.0, 0.0, 1.0], &mut effect);
    assert!((effect[0] - (0.5 + 0.3 * STEP_ANGLE.cos())).abs() < 1e-6);
    assert!((effect[1] - 0.3 * STEP_ANGLE.sin()).abs() < 1e-6);
    // joint limits hold: 2.6 rad on all joints but the first
    hardware.respond(&[0.5, 0.3], &[0.0, 2.55, 0.0, 1.0], &mut effect);
    assert!((effect[1] - 0.3 * 2.6f32.sin()).abs() < 1e-6);
}

#[test]
fn effect_is_linear_in_the_lengths_given_the_features() {
    let problem = reach(&preset("far"));
    let hardware = problem.hardware();
    let mut stream = Stream::new(3, "query", 0);
    for _ in 0..100 {
        let bounds = hardware.query_bounds();
        let draw = |&(low, high): &(f32, f32)| stream.uniform(low.into(), high.into()) as f32;
        let query: Vec<f32> = bounds.iter().map(draw).collect();
        let design = hardware.space().sample(&mut stream);
        let mut features = vec![0.0; hardware.feature_len()];
        let mut effect = vec![0.0; hardware.effect_channels().len()];
        hardware.features(&query, &mut features);
        hardware.respond(&design, &query, &mut effect);
        let sum = |offset: usize| -> f32 {
            let terms = design.iter().zip(features[offset..].iter().step_by(2));
            terms.map(|(&l, f)| l as f32 * f).sum()
        };
        assert!((sum(1) - effect[0]).abs() < 1e-5);
        assert!((sum(0) - effect[1]).abs() < 1e-5);
    }
}

#[test]
fn every_start_design_is_too_short_for_its_goal() {
    for p in PRESETS {
        let problem = reach(&preset(p.name));
        let settings = problem.world().settings();
        let length = settings.start_length * settings.links as f64;
        let away = (settings.goal[0] - settings.base[0]).hypot(settings.goal[1] - settings.base[1]);
        // a designed base may move, but its start is the nominal place
        assert!(length + f64::from(settings.tolerance) < f64::from(away), "{}", p.name);
    }
    let near = reach(&preset("near"));
    let away = (near.world().settings().goal[0] + 0.32).hypot(near.world().settings().goal[1] + 0.51);
    assert!((away - 2.505).abs() < 1e-3);
}

#[test]
fn shortest_paths_go_round_corners_by_hand() {
    let walls = Walls::zigzag(1.0, [1.95, 0.49]);
    // straight in front of the corridor the goal is seen: no detour
    let seen = walls.path([-0.5, 0.75]);
    assert_eq!(seen.next, [1.95, 0.49]);
    // below the lower wall the way leads back round its left end at the origin
    let from = [0.5, -0.3];
    let hidden = walls.path(from);
    assert!(hidden.next[0] < 0.0, "{hidden:?}");
    // 0.583 m to the corner, then over the lower wall's peak at (0.5, 0.49), 0.700 m away, and 1.45 m to the
    // goal past the second peak, level with both; waypoints stand 0.045 m off
    let by_hand = 0.583 + 0.700 + 1.45;
    assert!((hidden.length - by_hand).abs() < 0.12, "{hidden:?}");
}

#[test]
fn path_length_has_no_jump_along_the_corridor() {
    // a false minimum or jump of the reward would show as a step longer than the move
    let walls = Walls::zigzag(1.0, [1.95, 0.49]);
    let mut stream = Stream::new(0, "path", 0);
    for _ in 0..20_000 {
        let a = [stream.uniform(-1.0, 2.0) as f32, stream.uniform(-0.5, 2.0) as f32];
        let b = [a[0] + 0.002, a[1] + 0.001];
        if walls.clearance(a, b) < 2.0 * LINK_RADIUS {
            continue;
        }
        let jump = (walls.path(a).length - walls.path(b).length).abs();
        assert!(jump < 0.025, "{a:?}: {jump}");
    }
}

#[test]
fn blocked_motion_slides_along_the_wall() {
    // one horizontal link above the cap's level wall, tip pressed against a vertical one
    let walls = Walls::zigzag(1.0, [1.95, 0.49]);
    let mut pose = motion::Pose {
        angles: [0.0; MAX_LINKS],
        points: [[0.0; 2]; MAX_LINKS + 1],
    };
    // two links end 1 mm before the cap at x = 2.12; the first joint's turn would push the tip through it,
    // the second joint's turn alone moves it along
    pose.points[0] = [1.2, 0.6];
    pose.points[1] = [1.6, 0.75];
    pose.points[2] = [2.12 - LINK_RADIUS - 0.001, 0.5];
    let before = pose.points;
    motion::slide(&walls, &mut pose, 2, &[0.1, -0.1]);
    let moved = (pose.points[2][1] - before[2][1]).abs();
    assert!(moved > 0.01, "it stuck: {moved}");
    assert!(motion::room(&walls, &pose.points[..3]) >= 0.0);
    // and the links kept their lengths
    for i in 0..2 {
        let length = |p: &[[f32; 2]; MAX_LINKS + 1]| (p[i + 1][0] - p[i][0]).hypot(p[i + 1][1] - p[i][1]);
        assert!((length(&pose.points) - length(&before)).abs() < 1e-5);
    }
}

#[test]
fn five_steps_at_the_goal_are_a_success_and_stay_one() {
    let mut problem = reach(&preset("far"));
    let design = [0.9; 5];
    let stream = &mut Stream::new(0, "start", 0);
    problem.reset(&design, Fidelity::Effect, stream).unwrap();
    let settings = problem.world().settings().clone();
    let mut effect = vec![0.0; 10];
    effect[0] = settings.goal[0] - settings.base[0];
    effect[1] = settings.goal[1] - settings.base[1];
    for k in 1..=5 {
        let step = problem.apply(&[0.0; 5], &effect);
        assert_eq!(step.success, k == 5);
        assert!(
            (step.reward - 3.0).abs() < 1e-5,
            "bonus 2 and nearness 1; no way left, no effort"
        );
    }
    effect[0] = 0.0;
    assert!(problem.apply(&[0.0; 5], &effect).success);
}

#[test]
fn reward_is_the_sum_of_its_terms_by_hand() {
    let mut problem = reach(&preset("near"));
    problem
        .reset(&[0.4; 5], Fidelity::Effect, &mut Stream::new(0, "start", 0))
        .unwrap();
    let mut effect = vec![0.0; 10];
    (effect[0], effect[1]) = (2.27 - 0.3, 1.06 - 0.4);
    let step = problem.apply(&[1.0, -1.0, 0.5, 0.0, 0.0], &effect);
    // 0.5 m from the goal, twice the scale of nearness; squared norm of the command 2.25
    let nearness = 1.0 / (1.0 + 4.0);
    assert!((step.reward - (-0.3 * 0.5 - 0.002 * 2.25 + nearness)).abs() < 1e-5);
}

#[test]
fn start_pose_is_a_folded_u() {
    let settings = Settings::new(&preset("near")).unwrap();
    let angles: Vec<f32> = (0..5).map(|i| settings.start_angle(i)).collect();
    assert_eq!(angles, [PI, 0.0, -FRAC_PI_2, -FRAC_PI_2, 0.0]);
}

#[test]
fn random_effects_never_break_the_world() {
    for p in PRESETS {
        let mut problem = reach(&preset(p.name));
        let n = problem.world().settings().links;
        let width = problem.hardware().effect_channels().len();
        let mut observation = vec![0.0; problem.spec().observation.len()];
        let mut stream = Stream::new(5, "random", 0);
        let (mut command, mut effect) = (vec![0.0; n], vec![0.0; width]);
        for episode in 0..15_000 / problem.world().settings().horizon {
            let design = problem.hardware().space().sample(&mut stream);
            problem.reset(&design, Fidelity::Effect, &mut stream).unwrap();
            loop {
                stream.fill_normal(&mut command);
                command.iter_mut().for_each(|u| *u = u.clamp(-1.0, 1.0));
                let step = if episode % 2 == 0 {
                    true_step(&mut problem, &design, &command)
                } else {
                    stream.fill_normal(&mut effect); // as a bad proxy might
                    problem.apply(&command, &effect)
                };
                problem.observe(&mut observation);
                assert!(step.reward.is_finite() && observation.iter().all(|o| o.is_finite()));
                assert_eq!(step.fault, None);
                assert!(motion::room(problem.world().walls(), problem.state().unwrap().points()) >= 0.0);
                if step.ended() {
                    break;
                }
            }
        }
    }
}

#[test]
fn an_effect_that_is_no_number_ends_the_episode_by_name() {
    let mut problem = reach(&preset("near"));
    problem
        .reset(&[0.4; 5], Fidelity::Effect, &mut Stream::new(0, "start", 0))
        .unwrap();
    let step = problem.apply(&[0.0; 5], &[f32::NAN; 10]);
    assert!(step.terminated && step.fault.is_some() && step.reward.is_finite());
}

#[test]
fn wrong_settings_are_refused_by_name() {
    let cases = [
        ("links", r#"{"links": 0}"#),
        ("links", r#"{"links": 10000}"#),
        ("length_bounds", r#"{"length_bounds": [1.0, 0.2]}"#),
        ("start_length", r#"{"start_length": 3.0}"#),
        ("goal", r#"{"goal": [1e9, 0]}"#),
        ("preset", r#"{"preset": "nearby"}"#),
        ("tolerance", r#"{"tolerance": 0}"#),
        ("horizon", r#"{"horizon": 0}"#),
        ("substeps", r#"{"substeps": 10000}"#),
        ("goal", r#"{"preset": "passage", "goal": [0.5, 0.49]}"#),
        ("obstacles.zigzag.gap", r#"{"obstacles": {"zigzag": {"gap": 0.1}}}"#),
    ];
    for (key, text) in cases {
        let config: Config = serde_json::from_str(text).unwrap();
        let error = make(&config).err().expect(text).to_string();
        assert!(error.contains(key), "{text}: {error}");
    }
    let config = Config {
        torque: Some(f64::NAN),
        ..Config::default()
    };
    assert!(make(&config).is_err());
    assert!(serde_json::from_str::<Config>(r#"{"lenght": 1}"#).is_err());
}

#[test]
fn spec_and_hardware_agree_with_the_slices_they_describe() {
    for p in PRESETS {
        let problem = make(&preset(p.name)).unwrap();
        let hardware = problem.hardware();
        let n = problem.spec().command.len();
        assert_eq!(hardware.query_channels().len(), 2 * n);
        assert_eq!(hardware.query_bounds().len(), 2 * n);
        assert_eq!(hardware.effect_scale().len(), hardware.effect_channels().len());
        assert_eq!(problem.spec().reward_terms.len(), 5);
    }
}
