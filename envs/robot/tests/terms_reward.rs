//! Reward, termination and success terms against what they should be by hand.

mod support;

use std::f64::consts::FRAC_1_SQRT_2;

use serde_json::{Value, json};
use support::{BOX, Episode, PENDULUM, RESTING, close, rewarding};

/// What a term says of the box, tilted by 0.3 rad about y, moving and turning.
fn of_box(term: &str, params: Value) -> f64 {
    let mut episode = Episode::new(BOX, rewarding(term, params));
    let (s, c) = 0.15_f64.sin_cos();
    episode.set(&[0.0, 0.0, 1.5, c, 0.0, s, 0.0], &[0.0, 0.0, 2.0, 0.1, 0.2, 0.3]);
    episode.rewards()[0]
}

/// What a term says of the pendulum at these angles and velocities of (swing, rail).
fn of_pendulum(term: &str, params: Value, qpos: [f64; 2], qvel: [f64; 2]) -> f64 {
    let mut episode = Episode::new(PENDULUM, rewarding(term, params));
    episode.set(&qpos, &qvel);
    episode.rewards()[0]
}

#[track_caller]
fn is(found: f64, expected: f64) {
    close(&[found], &[expected]);
}

#[test]
fn attitude_and_motion_of_the_root() {
    let (sin, cos) = 0.3_f64.sin_cos();
    is(of_box("lin_vel_z_l2", json!({})), (2.0 * cos).powi(2));
    is(of_box("ang_vel_xy_l2", json!({})), 0.01 + 0.04);
    is(of_box("flat_orientation_l2", json!({})), sin * sin);
    is(of_box("upright", json!({})), (-sin * sin / 0.2).exp());
    is(of_box("upright", json!({"std": 0.5})), (-sin * sin / 0.25).exp());
    is(of_box("base_height_l2", json!({"target_height": 1.25})), 0.0625);
}

#[test]
fn squares_and_sums_over_joints() {
    is(of_pendulum("joint_vel_l2", json!({}), [0.0, 0.0], [2.0, 0.5]), 4.25);
    is(
        of_pendulum("joint_deviation_l1", json!({}), [0.5, -0.25], [0.0, 0.0]),
        0.75,
    );
    is(
        of_pendulum(
            "joint_deviation_l1",
            json!({"joints": "rail"}),
            [0.5, -0.25],
            [0.0, 0.0],
        ),
        0.25,
    );
    is(
        of_pendulum("joint_pos_limits", json!({}), [1.75, 9.0], [0.0, 0.0]),
        0.25,
    ); // the rail has no limits
    is(of_pendulum("joint_pos_limits", json!({}), [1.0, 0.0], [0.0, 0.0]), 0.0);
    is(
        of_pendulum("joint_pos_limits", json!({"soft": 0.8}), [-1.0, 0.0], [0.0, 0.0]),
        0.25,
    );
}

#[test]
fn forces_power_and_acceleration_of_joints() {
    // At velocity 0.5 the rail's velocity servo of 5 N s/m, set to 0, brakes with 2.5 N: 3 kg slow down by 5/6 m/s^2.
    let rail = json!({"joints": "rail"});
    is(
        of_pendulum("joint_torques_l2", rail.clone(), [0.0, 0.0], [0.0, 0.5]),
        6.25,
    );
    is(
        of_pendulum("joint_acc_l2", rail.clone(), [0.0, 0.0], [0.0, 0.5]),
        25.0 / 36.0,
    );
    is(
        of_pendulum("electrical_power_cost", rail.clone(), [0.0, 0.0], [0.0, 0.5]),
        0.0,
    ); // braking is free
    let mut episode = Episode::new(PENDULUM, rewarding("electrical_power_cost", rail));
    episode.robot.data_mut().ctrl_mut()[2] = 2.0;
    episode.set(&[0.0, 0.0], &[0.0, 0.5]);
    is(episode.rewards()[0], 5.0 * 1.5 * 0.5);
}

#[test]
fn commands_their_size_and_change() {
    let task = json!({"action": [{"term": "actuator", "params": {"actuators": ["motor", "pull"]}}],
                      "reward": [{"term": "action_l2", "weight": -0.1}, {"term": "action_rate_l2"}]});
    let mut episode = Episode::new(PENDULUM, task);
    episode.step(&[0.5, -1.0]);
    close(&episode.rewards(), &[-0.125, 1.25]);
    episode.step(&[1.0, -1.0]);
    close(&episode.rewards(), &[-0.2, 0.25]);
}

#[test]
fn weights_may_be_0_and_may_hold_the_step() {
    let reward =
        json!([{"term": "joint_vel_l2", "weight": 0.0}, {"term": "joint_vel_l2", "name": "again", "weight": 3.0}]);
    let mut episode = Episode::new(PENDULUM, json!({"reward": reward, "reward_times_step": true}));
    episode.set(&[0.0, 0.0], &[2.0, 0.0]);
    close(&episode.rewards(), &[0.0, 3.0 * 0.02 * 4.0]);
    let mut bare = [0.0; 2];
    episode
        .terms
        .measure(episode.terms.context(&episode.robot, &episode.memory), &mut bare);
    close(&bare, &[4.0, 4.0]);
    close(episode.terms.weights(), &[0.0, 0.06]);
    assert_eq!(episode.terms.reward(), ["joint_vel_l2", "again"]);
}

#[test]
fn way_over_a_control_step_by_its_duration() {
    let reward = json!([
        {"term": "forward_velocity", "params": {"of": "joint:rail"}},
        {"term": "forward_velocity", "name": "body", "params": {"of": "body:cart"}},
        {"term": "forward_velocity", "name": "height", "params": {"of": "cart", "axis": "z"}}]);
    let mut episode = Episode::new(
        PENDULUM,
        json!({"reward": reward,
        "action": [{"term": "tendon_effort"}]}),
    );
    episode.set(&[0.0, 0.0], &[0.0, 0.0]);
    episode.step(&[0.75]); // 3 N on 3 kg, less the velocity servo's 5 N s/m
    let v1 = 0.01 * 1.0 / (1.0 + 0.01 * 5.0 / 3.0); // MuJoCo's damping of servos is explicit or implicit by integrator
    let v = episode.robot.data().qvel()[1];
    assert!((episode.robot.data().qpos()[1] / 0.02 - episode.rewards()[0]).abs() < 1e-12);
    // The body's place belongs to the beginning of the last integration step.
    let first = episode.robot.data().xpos()[1 + 1][0];
    close(&episode.rewards()[1..], &[first / 0.02, 0.0]);
    assert!(v > v1 && first > 0.0);
    let x = episode.robot.data().qpos()[1];
    episode.step(&[0.75]);
    is(episode.rewards()[0], (episode.robot.data().qpos()[1] - x) / 0.02);
}

#[test]
fn following_a_velocity() {
    let task = json!({"command": [{"term": "velocity", "params": {"lin_vel_x": 1, "lin_vel_y": 0.5, "ang_vel_z": 0.25}}],
        "reward": [{"term": "track_lin_vel_xy_exp"}, {"term": "track_ang_vel_z_exp", "params": {"std": 0.25}}],
        "success": {"term": "velocity_tracked", "params": {"tolerance": 0.6, "steps": 2}}});
    let mut episode = Episode::new(BOX, task);
    // Turned by a quarter about z: what is forwards for the box is the world's y.
    let turned = [0.0, 0.0, 1.0, FRAC_1_SQRT_2, 0.0, 0.0, FRAC_1_SQRT_2];
    episode.set(&turned, &[-0.5, 0.7, 0.0, 0.0, 0.0, 0.5]);
    close(&episode.rewards(), &[(-0.09_f64 / 0.25).exp(), (-1.0_f64).exp()]);
    for (error, done) in [(0.3, false), (0.7, true), (0.9, false)] {
        episode.set(&turned, &[-0.5, 1.0 - error, 0.0, 0.0, 0.0, 0.0]);
        episode.terms.after_step(&episode.robot, &mut episode.memory);
        assert_eq!(
            episode.success(),
            done,
            "mean error of {} steps, the last {error}",
            episode.memory.steps
        );
    }
}

#[test]
fn reaching_a_place() {
    let task = json!({"command": [{"term": "position", "params": {"x": 0.3, "y": 0, "z": -1.4}}],
        "reward": [{"term": "position_command_error", "weight": -2, "params": {"of": "tip"}},
                   {"term": "position_command_error_tanh", "params": {"of": "tip", "std": 0.25}},
                   {"term": "distance", "params": {"of": "tip", "to": "body:cart"}}],
        "success": {"term": "position_reached", "params": {"of": "tip", "tolerance": 0.51, "hold": 2}}});
    let mut episode = Episode::new(PENDULUM, task);
    close(&episode.rewards(), &[-1.0, 1.0 - 2.0_f64.tanh(), 2.0_f64.sqrt()]);
    for (angle, done) in [(0.0, false), (0.0, true), (0.5, false), (0.0, false), (0.0, true)] {
        episode.set(&[angle, 0.0], &[0.0, 0.0]);
        episode.terms.after_step(&episode.robot, &mut episode.memory);
        assert_eq!(episode.success(), done);
    }
}

#[test]
fn contacts_of_a_resting_box() {
    let task = json!({"reward": [
        {"term": "undesired_contacts", "params": {"bodies": "box", "geoms": "cube"}},
        {"term": "contact_forces", "params": {"bodies": "box", "threshold": 10}},
        {"term": "contact_forces", "name": "floor", "params": {"geoms": "floor", "threshold": 19}},
        {"term": "contact_cost"},
        {"term": "contact_cost", "name": "wide", "params": {"range": [-100, 100]}},
        {"term": "feet_slip", "params": {"bodies": "box"}}],
        "termination": [{"term": "illegal_contact", "params": {"bodies": "box", "threshold": 19}}]});
    let mut episode = Episode::new(RESTING, task);
    for _ in 0..500 {
        episode.step(&[]);
    }
    let weight = 2.0 * 9.81;
    let rewards = episode.rewards();
    for (found, expected) in rewards
        .iter()
        .zip([2.0, weight - 10.0, weight - 19.0, 1.0, weight * weight, 0.0])
    {
        assert!((found - expected).abs() < 1e-3, "{rewards:?}");
    }
    assert!(episode.terminated());
    let at = episode.robot.data().qpos().to_vec();
    episode.set(&at, &[0.3, 0.4, 0.0, 0.0, 0.0, 0.0]);
    is(episode.rewards()[5], 0.25);
}

#[test]
fn the_world_and_bodies_without_geoms_touch_nothing() {
    let frame = r#"<body name="frame"><freejoint/><inertial pos="0 0 0" mass="1" diaginertia="1 1 1"/></body>"#;
    let xml = RESTING.replace("</worldbody>", &format!("{frame}</worldbody>"));
    let task = json!({"observation": [{"term": "foot_contact", "params": {"bodies": "*"}}],
        "reward": [{"term": "undesired_contacts", "params": {"bodies": "*"}}]});
    let mut episode = Episode::new(&xml, task);
    (0..100).for_each(|_| episode.step(&[]));
    is(episode.rewards()[0], 1.0); // the box, not the floor that it stands on
    assert_eq!(episode.terms.observation().len(), 1);
}

#[test]
fn a_landing_pays_for_the_time_in_the_air() {
    let task = json!({"command": [{"term": "velocity", "params": {"lin_vel_x": 1}}],
        "reward": [{"term": "feet_air_time", "params": {"bodies": "box", "threshold": 0.05}}]});
    let mut episode = Episode::new(RESTING, task);
    let mut visit = |z: f64| {
        episode.set(&[0.0, 0.0, z, 1.0, 0.0, 0.0, 0.0], &[0.0; 6]);
        episode.terms.after_step(&episode.robot, &mut episode.memory);
        episode.rewards()[0]
    };
    is(visit(0.099), 0.0);
    (0..9).for_each(|_| is(visit(0.5), 0.0));
    is(visit(0.099), 10.0 * 0.01 - 0.05); // control steps of two times 0.005 s, ten since the last touch
    is(visit(0.099), 0.0);
}

#[test]
fn being_alive_healthy_or_ended() {
    let ranges =
        json!({"ranges": [{"term": "qpos", "index": 0, "low": -0.5, "high": 0.5}, {"term": "qvel", "high": 3}]});
    let task = json!({"reward": [{"term": "is_alive"}, {"term": "is_terminated", "weight": -5},
                                 {"term": "is_healthy", "params": ranges}],
        "termination": [{"term": "time_out"}, {"term": "outside_range", "params": ranges}]});
    let mut episode = Episode::new(PENDULUM, task);
    for (qpos, qvel, fine) in [(0.5, 3.0, 1.0), (-0.6, 0.0, 0.0), (0.0, 3.1, 0.0), (0.0, -99.0, 1.0)] {
        episode.set(&[qpos, 7.0], &[0.0, qvel]);
        close(&episode.rewards(), &[fine, -5.0 * (1.0 - fine), fine]);
        assert_eq!(episode.terminated(), fine == 0.0);
    }
    episode.robot.data_mut().qpos_mut()[0] = f64::NAN;
    assert!(episode.terminated(), "what is no number lies in no range");
}

#[test]
fn what_ends_an_episode() {
    let ends = |xml: &str, term: &str, params: Value, qpos: &[f64]| {
        let mut episode = Episode::new(xml, json!({"termination": [{"term": term, "params": params}]}));
        let nv = episode.robot.data().qvel().len();
        episode.set(qpos, &vec![0.0; nv]);
        episode.terminated()
    };
    let tilted = |angle: f64| [0.0, 0.0, 1.0, (0.5 * angle).cos(), (0.5 * angle).sin(), 0.0, 0.0];
    assert!(!ends(
        BOX,
        "bad_orientation",
        json!({"limit_angle": 0.5}),
        &tilted(0.49)
    ));
    assert!(ends(
        BOX,
        "bad_orientation",
        json!({"limit_angle": 0.5}),
        &tilted(-0.51)
    ));
    assert!(!ends(
        BOX,
        "root_height_below_minimum",
        json!({"minimum_height": 0.9}),
        &tilted(0.0)
    ));
    assert!(ends(
        BOX,
        "root_height_below_minimum",
        json!({"minimum_height": 1.1}),
        &tilted(0.0)
    ));
    assert!(!ends(PENDULUM, "joint_pos_out_of_limit", json!({}), &[1.4, 0.0]));
    assert!(ends(
        PENDULUM,
        "joint_pos_out_of_limit",
        json!({"soft": 0.9}),
        &[1.4, 0.0]
    ));
    assert!(!ends(PENDULUM, "time_out", json!({}), &[0.0, 0.0]));
    assert!(!ends(PENDULUM, "nan_detection", json!({}), &[0.0, 0.0]));
    let mut episode = Episode::new(PENDULUM, json!({"termination": [{"term": "nan_detection"}]}));
    episode.robot.data_mut().qvel_mut()[0] = f64::INFINITY;
    assert!(episode.terminated());
    episode.step(&[]); // MuJoCo puts the robot back, and says so
    assert!(episode.terminated());
}

#[test]
fn lifting_and_surviving() {
    let task = json!({"success": {"term": "object_lifted", "params": {"of": "box", "height": 1.2, "hold": 2}}});
    let mut episode = Episode::new(BOX, task);
    for (z, done) in [(1.3, false), (1.3, true), (1.1, false)] {
        episode.set(&[0.0, 0.0, z, 1.0, 0.0, 0.0, 0.0], &[0.0; 6]);
        episode.terms.after_step(&episode.robot, &mut episode.memory);
        assert_eq!(episode.success(), done);
    }
    for parts in [
        json!({"horizon": 3, "success": {"term": "survives"}}),
        json!({"horizon": 3}),
    ] {
        let mut episode = Episode::new(BOX, parts);
        let done: Vec<bool> = (0..3)
            .map(|_| {
                episode.step(&[]);
                episode.success()
            })
            .collect();
        assert_eq!(done, [false, false, true]);
    }
}

#[test]
fn expressions_reward_end_and_succeed() {
    let of = |expression: &str| {
        json!({"expression": expression,
        "variables": {"v": {"term": "joint_vel", "params": {"joints": "swing"}}}})
    };
    let mut reward = of("exp(-v^2)");
    reward["name"] = json!("still");
    let task = json!({"reward": [reward], "termination": [of("v > 3")], "success": of("v - 1")});
    let mut episode = Episode::new(PENDULUM, task);
    for (v, ends, done) in [(0.5, false, false), (2.0, false, true), (4.0, true, true)] {
        episode.set(&[0.0, 0.0], &[v, 0.0]);
        close(&episode.rewards(), &[(-v * v).exp()]);
        assert_eq!((episode.terminated(), episode.success()), (ends, done));
    }
    assert_eq!(episode.terms.fault(&episode.rewards()), None);
    episode.robot.data_mut().qvel_mut()[0] = f64::NAN;
    assert_eq!(
        episode.terms.fault(&episode.rewards()),
        Some("reward term `still` is no finite number")
    );
    assert!(episode.terminated() && !episode.success());
    let context = episode.terms.context(&episode.robot, &episode.memory);
    assert_eq!(
        episode.terms.formula_fault(context),
        Some("the formula of `still` is no number")
    );
}
