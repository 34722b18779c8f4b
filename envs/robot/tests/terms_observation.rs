//! Observation terms against what they should be by hand.

mod support;

use std::f64::consts::FRAC_1_SQRT_2;

use serde_json::json;
use support::{BOX, Episode, PENDULUM, RESTING, close, observing};

/// The box turned by a quarter about x: its y axis points up.
const ROLLED: [f64; 7] = [0.3, 0.4, 1.0, FRAC_1_SQRT_2, FRAC_1_SQRT_2, 0.0, 0.0];

fn of_box(term: &str, params: serde_json::Value) -> Vec<f64> {
    let mut episode = Episode::new(BOX, observing(term, params));
    // MuJoCo's free joint: linear velocity in the world's axes, angular velocity in the body's own.
    episode.set(&ROLLED, &[1.0, 2.0, 3.0, 0.1, 0.2, 0.3]);
    episode.observe()
}

fn of_pendulum(term: &str, params: serde_json::Value) -> Vec<f64> {
    let mut episode = Episode::new(PENDULUM, observing(term, params));
    episode.set(&[0.5, -0.2], &[2.0, 0.7]);
    episode.observe()
}

#[test]
fn the_roots_velocities_and_gravity_are_seen_in_its_own_frame() {
    close(&of_box("base_lin_vel", json!({})), &[1.0, 3.0, -2.0]); // y is up, z points to where -y was
    close(&of_box("base_ang_vel", json!({})), &[0.1, 0.2, 0.3]);
    close(&of_box("projected_gravity", json!({})), &[0.0, -1.0, 0.0]);
    close(
        &of_box("body_quaternion", json!({"body": "box"})),
        &[FRAC_1_SQRT_2, FRAC_1_SQRT_2, 0.0, 0.0],
    );
}

#[test]
fn the_root_is_the_free_body_or_the_first_that_moves_against_the_world() {
    let table = r#"<body name="table" pos="0 0 7"><geom type="sphere" size="0.1"/></body>"#;
    for (xml, height) in [
        (BOX.replace("<worldbody>", &format!("<worldbody>{table}")), 1.0),
        (PENDULUM.replace("<worldbody>", &format!("<worldbody>{table}")), 0.0),
    ] {
        let task = json!({"reward": [{"term": "base_height_l2", "params": {"target_height": -2}}]});
        close(&Episode::new(&xml, task).rewards(), &[(height + 2.0) * (height + 2.0)]);
    }
}

#[test]
fn raw_coordinates_and_velocities_are_in_the_models_order() {
    close(&of_box("qpos", json!({"skip": 2})), &ROLLED[2..]);
    close(&of_box("qvel", json!({})), &[1.0, 2.0, 3.0, 0.1, 0.2, 0.3]);
    close(&of_pendulum("qpos", json!({"joints": ["rail", "swing"]})), &[-0.2, 0.5]);
}

#[test]
fn joints_by_position_velocity_sine_and_cosine() {
    close(&of_pendulum("joint_pos", json!({})), &[0.5, -0.2]);
    close(&of_pendulum("joint_vel", json!({"joints": "sw*"})), &[2.0]);
    close(&of_pendulum("joint_sin", json!({"joints": "swing"})), &[0.5_f64.sin()]);
    close(&of_pendulum("joint_cos", json!({"joints": "swing"})), &[0.5_f64.cos()]);
    close(&of_pendulum("joint_pos_rel", json!({})), &[0.5, -0.2]); // the reference pose is 0
}

#[test]
fn the_key_frame_of_the_start_is_the_default_pose() {
    let task = json!({"observation": [{"term": "joint_pos_rel"}, {"term": "joint_pos"}],
                      "events": [{"term": "reset_to_keyframe"}]});
    let mut episode = Episode::new(PENDULUM, task);
    close(&episode.observe(), &[0.0, 0.0, 0.25, 0.5]);
    episode.set(&[0.5, -0.2], &[0.0, 0.0]);
    close(&episode.observe()[..2], &[0.25, -0.7]);
}

#[test]
fn places_and_the_way_between_them() {
    // The rod hangs down and turns about y: its tip is at (-sin q, 0, -cos q).
    let (x, z) = (-(0.5_f64.sin()), -(0.5_f64.cos()));
    close(&of_pendulum("ee_position", json!({"of": "tip"})), &[x, 0.0, z]);
    close(
        &of_pendulum("ee_position", json!({"of": "tip", "frame": "root"})),
        &[0.0, 0.0, -1.0],
    );
    close(
        &of_pendulum("body_position", json!({"of": "com:pole", "axes": "zx"})),
        &[0.5 * z, 0.5 * x],
    );
    close(
        &of_pendulum("body_position", json!({"of": "subtree:pole", "axes": "x"})),
        &[0.5 * x],
    );
    close(
        &of_pendulum("body_position", json!({"of": "geom:wagon"})),
        &[-0.2, 1.0, 0.0],
    );
    close(
        &of_pendulum("difference", json!({"of": "site:tip", "to": "body:cart"})),
        &[x + 0.2, -1.0, z],
    );
}

#[test]
fn sensors_of_the_file_by_name() {
    let task = observing("sensor", json!({"sensor": ["angle", "tip_*"]}));
    let mut episode = Episode::new(PENDULUM, task);
    episode.set(&[0.5, 0.0], &[0.0, 0.0]);
    close(&episode.observe(), &[0.5, -(0.5_f64.sin()), 0.0, -(0.5_f64.cos())]);
    let names: Vec<&str> = episode.terms.observation().iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names,
        [
            "sensor_angle",
            "sensor_tip_place_0",
            "sensor_tip_place_1",
            "sensor_tip_place_2"
        ]
    );
    assert_eq!(episode.terms.observation()[0].unit, "rad");
    assert_eq!(episode.terms.observation()[1].unit, "m");

    let way = r#"<jointpos name="way" joint="rail"/><jointvel name="pace" joint="rail"/></sensor>"#;
    let xml = PENDULUM.replace("</sensor>", way);
    let episode = Episode::new(&xml, observing("sensor", json!({"sensor": ["way", "pace"]})));
    let units: Vec<&str> = episode.terms.observation().iter().map(|c| c.unit.as_str()).collect();
    assert_eq!(units, ["m", "m/s"]);
}

#[test]
fn forces_of_motors_and_of_contacts() {
    let task = json!({"action": [{"term": "actuator", "params": {"actuators": "motor"}}], "observation": [
        {"term": "qfrc_actuator", "params": {"joints": "swing"}},
        {"term": "actuator_force", "params": {"actuators": "motor"}}]});
    let mut episode = Episode::new(PENDULUM, task);
    episode.step(&[0.5]); // middle 1 + half of its range 2 times 0.5 = 2, times the gear of 2; the servo stands at 0
    let mut bare = episode.observe();
    bare[0] += 10.0 * episode.robot.data().sensordata()[0]; // less the servo's stiffness times the angle
    close(&bare, &[4.0, 2.0]);

    let mut episode = Episode::new(
        RESTING,
        json!({"observation": [
        {"term": "foot_contact", "params": {"bodies": "box"}},
        {"term": "foot_contact", "name": "hard", "params": {"geoms": "cube", "threshold": 25}},
        {"term": "cfrc_ext"}]}),
    );
    for _ in 0..500 {
        episode.step(&[]);
    }
    let seen = episode.observe();
    close(&seen[..2], &[1.0, 0.0]); // 2 kg press with 19.62 N
    assert!((seen[7] - 2.0 * 9.81).abs() < 1e-3, "{seen:?}");
    episode.set(&[0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0], &[0.0; 6]);
    close(&episode.observe()[..2], &[0.0, 0.0]);
}

#[test]
fn a_dry_joint_holds_the_force_that_pulls_at_it() {
    let xml = PENDULUM.replace(
        r#"name="rail" type="slide""#,
        r#"name="rail" type="slide" frictionloss="50""#,
    );
    let task = json!({"action": [{"term": "tendon_effort"}],
        "observation": [{"term": "qfrc_constraint", "params": {"joints": "rail"}}]});
    let mut episode = Episode::new(&xml, task);
    (0..200).for_each(|_| episode.step(&[0.5])); // 2 N, far below what friction can hold; it creeps a little
    let force = episode.observe()[0];
    assert!((force + 2.0).abs() < 0.1, "{force}");
    assert_eq!(episode.terms.observation()[0].unit, "N");
}

#[test]
fn what_was_commanded_and_what_is_told() {
    let task = json!({
        "action": [{"term": "joint_effort", "params": {"actuators": "motor"}}],
        "command": [{"term": "velocity", "params": {"lin_vel_x": 0.75, "ang_vel_z": [-0.5, -0.5]}},
                    {"term": "position", "name": "reach", "params": {"x": 0.5, "y": 0.25, "z": -0.125, "body": "goal"}}],
        "observation": [{"term": "last_action"}, {"term": "generated_commands"},
                        {"term": "target_position", "params": {"of": "tip"}}]});
    let mut episode = Episode::new(PENDULUM, task);
    close(
        &episode.observe(),
        &[0.0, 0.75, 0.0, -0.5, 0.5, 0.25, -0.125, 0.5, 0.25, 0.875],
    );
    episode.step(&[2.0]);
    close(&episode.observe()[..1], &[1.0]); // cut off
    assert_eq!(episode.robot.data().mocap_pos()[0], [0.5, 0.25, -0.125]);
    let names: Vec<&str> = episode.terms.observation().iter().map(|c| c.name.as_str()).collect();
    assert_eq!(
        names[..2],
        ["last_action_motor", "generated_commands_velocity_lin_vel_x"]
    );
}

#[test]
fn the_target_is_seen_along_the_roots_axes_where_asked() {
    let task = json!({"command": [{"term": "position", "params": {"x": 0, "y": 0, "z": -2}}],
        "observation": [{"term": "target_position", "params": {"of": "body:pole", "frame": "root"}}]});
    let mut episode = Episode::new(PENDULUM, task);
    episode.set(&[0.5, 0.0], &[0.0, 0.0]);
    close(&episode.observe(), &[2.0 * 0.5_f64.sin(), 0.0, -2.0 * 0.5_f64.cos()]);
}

#[test]
fn numbers_are_scaled_and_then_bounded() {
    let task = json!({"observation": [{"term": "joint_vel", "scale": 0.5, "clip": [-0.5, 0.5]}]});
    let mut episode = Episode::new(PENDULUM, task);
    episode.set(&[0.0, 0.0], &[-2.0, 0.7]);
    close(&episode.observe(), &[-0.5, 0.35]);
}

#[test]
fn expressions_read_other_terms() {
    let task = json!({"observation": [{"name": "energy", "unit": "J", "expression": "0.5 * 3 * v^2",
        "variables": {"v": {"term": "joint_vel", "params": {"joints": "rail"}}}},
        {"name": "twice", "expression": "2 * x", "variables": {"x": {"term": "qpos", "index": 1}}}]});
    let mut episode = Episode::new(PENDULUM, task);
    episode.set(&[0.0, 0.25], &[0.0, 2.0]);
    close(&episode.observe(), &[6.0, 0.5]);
    let channel = &episode.terms.observation()[0];
    assert_eq!((channel.name.as_str(), channel.unit.as_str()), ("energy", "J"));
}
