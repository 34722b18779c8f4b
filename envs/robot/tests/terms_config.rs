//! The catalogue, and tasks that are refused: by key, with the nearest name, and never by a panic.

mod support;

use serde_json::{Value, json};
use support::{BOX, PENDULUM, config, model};
use tandem_core::Stream;
use tandem_robot::Config;
use tandem_robot::terms::{Terms, catalogue};

/// The error with which a task is refused.
#[track_caller]
fn refused(xml: &str, parts: Value) -> String {
    match Terms::new(&config(parts), &model(xml)) {
        Ok(_) => panic!("accepted"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn every_term_has_a_doc_a_unit_and_a_formula_and_so_has_every_parameter_but_the_formula() {
    let all = catalogue();
    for term in &all {
        assert!(
            !term.unit.is_empty() && !term.formula.is_empty() && term.doc.ends_with('.'),
            "{term:?}"
        );
        for param in &term.params {
            assert!(
                !param.unit.is_empty() && param.doc.len() > 3,
                "{} of {}",
                param.name,
                term.name
            );
        }
        let same = all
            .iter()
            .filter(|other| (other.kind, other.name) == (term.kind, term.name))
            .count();
        assert_eq!(same, 1, "{} is listed {same} times", term.name);
    }
    let counts = |kind: &str| all.iter().filter(|term| term.kind == kind).count();
    for kind in [
        "observation",
        "action",
        "reward",
        "termination",
        "events",
        "command",
        "success",
    ] {
        assert!(counts(kind) > 1, "{kind}");
    }
}

#[test]
fn the_fields_names_are_there() {
    let names: Vec<(&str, &str)> = catalogue().iter().map(|term| (term.kind, term.name)).collect();
    let fields = [
        (
            "reward",
            "is_alive is_terminated lin_vel_z_l2 ang_vel_xy_l2 flat_orientation_l2 base_height_l2 joint_torques_l2 \
          joint_vel_l2 joint_acc_l2 joint_deviation_l1 joint_pos_limits action_rate_l2 action_l2 undesired_contacts \
          contact_forces track_lin_vel_xy_exp track_ang_vel_z_exp position_command_error position_command_error_tanh \
          electrical_power_cost upright feet_air_time feet_slip",
        ),
        (
            "termination",
            "time_out bad_orientation root_height_below_minimum joint_pos_out_of_limit illegal_contact \
          nan_detection",
        ),
        (
            "observation",
            "base_lin_vel base_ang_vel projected_gravity joint_pos joint_pos_rel joint_vel last_action \
          generated_commands ee_position target_position foot_contact",
        ),
        ("events", "push friction body_mass actuator_gain delay"),
    ];
    for (kind, listed) in fields {
        for name in listed.split_whitespace() {
            assert!(names.contains(&(kind, name)), "{kind} {name}");
        }
    }
}

#[test]
fn parameters_are_described_with_units_and_defaults() {
    let all = catalogue();
    let term = all.iter().find(|term| term.name == "track_lin_vel_xy_exp").unwrap();
    let std = term.params.iter().find(|param| param.name == "std").unwrap();
    assert_eq!((std.unit, std.default.as_ref()), ("m/s", Some(&json!(0.5))));
    let term = all.iter().find(|term| term.name == "ee_position").unwrap();
    assert_eq!(term.params[0].name, "of");
    assert_eq!(term.params[0].default, None, "must be given");
}

#[test]
fn errors_say_where_what_and_what_was_probably_meant() {
    let reward = |term: Value| json!({"reward": [{"term": "is_alive"}, term]});
    let cases = [
        (
            reward(json!({"term": "joint_vel_12"})),
            "`reward[1].term`: there is no term `joint_vel_12` of this kind; did you mean `joint_vel_l2`?",
        ),
        (
            reward(json!({"term": "upright", "params": {"sdt": 1}})),
            "`reward[1].params.sdt`: is no parameter of this term; did you mean `std`?",
        ),
        (
            reward(json!({"term": "upright", "params": {"std": 0}})),
            "`reward[1].params.std`: is 0; it must be above 0",
        ),
        (
            reward(json!({"term": "upright", "params": {"body": "poel"}})),
            "`reward[1].params.body`: the model has no body `poel`; did you mean `pole`?",
        ),
        (
            reward(json!({"term": "joint_vel_l2", "params": {"joints": ["rail", "knee_*"]}})),
            "`reward[1].params.joints`: the model has no joint `knee_*`; there are: swing, rail",
        ),
        (
            reward(json!({"term": "distance", "params": {"of": "tip"}})),
            "`reward[1].params.to`: is missing: the other place",
        ),
        (
            reward(json!({"term": "track_lin_vel_xy_exp"})),
            "`reward[1].params.command`: `task.command` has no velocity command; there is none to follow",
        ),
        (
            reward(json!({"term": "is_alive"})),
            "`reward[1].name`: `is_alive` is there already; give this term a `name` of its own",
        ),
        (
            reward(json!({"term": "upright", "scale": 2})),
            "`reward[1].scale`: has no meaning here; there are: term, name, \
         params, weight, expression, variables, unit",
        ),
        (
            reward(json!({"expression": "sqrt(v", "variables": {"v": {"term": "joint_vel", "index": 0}}})),
            "`reward[1].expression`: line 1, column 5: this parenthesis is not closed",
        ),
        (
            reward(json!({"expression": "v", "variables": {"v": {"term": "joint_vel"}}})),
            "`reward[1].variables.v.index`: is missing; `joint_vel` has 2 numbers, counted from 0",
        ),
        (
            reward(json!({"term": "is_healthy", "params": {"ranges": [{"term": "qpos", "low": 1, "high": 0}]}})),
            "`reward[1].params.ranges[0]`: low, 1, must not be above high, 0",
        ),
        (
            json!({"action": [{"term": "joint_effort"}, {"term": "actuator", "params": {"actuators": ["pull", "motor"]}}]}),
            "`action[1].params.actuators`: `motor` is commanded by a term before this one",
        ),
        (
            json!({"action": [{"term": "joint_position", "params": {"actuators": "motor"}}]}),
            "`action[0].params.actuators`: `motor` is not one that is a position servo on a joint",
        ),
        (
            json!({"command": [{"term": "position", "params": {"body": "pole"}}]}),
            "`command[0].params.body`: `pole` is no mocap body (mocap=\"true\" in the file)",
        ),
        (
            json!({"events": [{"term": "push", "params": {"interval": [2, 1]}}]}),
            "`events[0].params.interval`: is [2,1]; low must not be above high",
        ),
        (
            json!({"events": [{"term": "reset_target_disc", "params": {"joints": ["rail", "swing"]}}]}),
            "`events[0].params.joints`: `swing` is no slide",
        ),
        (
            json!({"events": [{"term": "reset_target_disc", "params": {"joints": "rail"}}]}),
            "`events[0].params.joints`: two slides are expected; 1 have such names",
        ),
        (
            json!({"termination": [{"term": "illegal_contact", "params": {"bodies": "hook"}}]}),
            "`termination[0].params.bodies`: `hook` has no geoms, so that it touches nothing",
        ),
        (
            json!({"command": [{"term": "position", "name": "reach"}],
                "observation": [{"term": "generated_commands", "params": {"command": "raech"}}]}),
            "`observation[0].params.command`: `task.command` has no command `raech`; did you mean `reach`?",
        ),
        (
            json!({"horizon": 100, "command": [{"term": "velocity"}], "success": {"term": "velocity_tracked"}}),
            "`success.params.steps`: is 200; an episode has only 100 control steps",
        ),
        (
            json!({"horizon": 9, "success": {"term": "object_lifted", "params": {"of": "tip", "hold": 10}}}),
            "`success.params.hold`: is 10; an episode has only 9 control steps",
        ),
        (
            json!({"success": {"term": "survive"}}),
            "`success.term`: there is no term `survive` of this kind; did you mean `survives`?",
        ),
    ];
    let hook = r#"<body name="hook" pos="0 0 -1"><site name="hook"/></body><site name="tip""#;
    let robot = PENDULUM.replace("<site name=\"tip\"", hook);
    for (parts, expected) in cases {
        assert_eq!(refused(&robot, parts.clone()), expected, "{parts}");
    }
    assert!(refused(BOX, json!({"observation": [{"term": "joint_pos"}]})).contains("neither hinges nor slides"));
}

/// A task that names most terms.
fn whole_task() -> Value {
    json!({
        "model": "robot.xml", "control_steps": 2, "horizon": 50,
        "observation": [{"term": "base_lin_vel"}, {"term": "joint_pos", "params": {"joints": ["swing", "ra*"]}, "scale": 0.5,
            "clip": [-1, 1]}, {"term": "sensor", "params": {"sensor": "angle"}}, {"term": "qvel", "params": {"skip": 1}},
            {"term": "difference", "params": {"of": "site:tip", "to": "cart", "axes": "xz"}}, {"term": "cfrc_ext"},
            {"name": "sum", "expression": "a + 2 * sin(b)", "unit": "1", "variables": {
                "a": {"term": "qpos", "index": 1}, "b": {"term": "joint_vel", "params": {"joints": "rail"}}}},
            {"term": "generated_commands", "params": {"command": "reach"}}, {"term": "foot_contact", "params": {"bodies": "pole"}}],
        "action": [{"term": "joint_effort", "params": {"actuators": ["motor"]}, "scale": 0.5},
            {"term": "joint_velocity", "params": {"width": 2}}],
        "reward": [{"term": "is_alive", "weight": 2}, {"term": "forward_velocity", "params": {"of": "joint:rail"}},
            {"term": "contact_cost", "params": {"range": [-1, 1]}}, {"term": "position_command_error", "params": {"of": "tip"}},
            {"term": "is_healthy", "params": {"ranges": [{"term": "qpos", "index": 0, "low": -1, "high": 1}]}},
            {"term": "feet_air_time", "params": {"geoms": ["rod"], "threshold": 0.1}}],
        "termination": [{"term": "bad_orientation", "params": {"limit_angle": 1}}, {"term": "nan_detection"}],
        "events": [{"term": "reset_to_keyframe", "params": {"key": "home"}},
            {"term": "reset_joints_uniform", "params": {"position": [-0.1, 0.1]}}, {"term": "delay", "params": {"high": 2}},
            {"term": "push", "params": {"body": "cart", "interval": [0.02, 0.1]}}, {"term": "body_mass"}],
        "command": [{"term": "position", "name": "reach", "params": {"shape": "shell", "radius": [0.1, 0.2], "body": "goal"}},
            {"term": "velocity", "params": {"lin_vel_x": [0, 1], "resample": 0.1}}],
        "success": {"term": "position_reached", "params": {"of": "tip", "hold": 2}}
    })
}

/// All places in a document, as paths of keys.
fn places(value: &Value, path: &mut Vec<String>, out: &mut Vec<Vec<String>>) {
    out.push(path.clone());
    let children: Vec<(String, &Value)> = match value {
        Value::Object(map) => map.iter().map(|(k, v)| (k.clone(), v)).collect(),
        Value::Array(list) => list.iter().enumerate().map(|(i, v)| (i.to_string(), v)).collect(),
        _ => Vec::new(),
    };
    for (key, child) in children {
        path.push(key);
        places(child, path, out);
        path.pop();
    }
}

/// The document with something else, nothing, or a misspelt key at one place.
fn mutated(mut document: Value, stream: &mut Stream) -> Value {
    let mut all = Vec::new();
    places(&document, &mut Vec::new(), &mut all);
    let path = &all[1 + stream.below(all.len() - 1)];
    let (last, parents) = path.split_last().unwrap();
    let mut at = &mut document;
    for key in parents {
        at = match at {
            Value::Array(list) => &mut list[key.parse::<usize>().unwrap()],
            other => &mut other[key.as_str()],
        };
    }
    let strange = [
        "", "*", "?", "a\u{0}b", "joint:", "body:tip", "(((", "1/0", "-", "ü*", "world", "xyzzy", "qpos",
    ];
    let value = match stream.below(10) {
        0 => json!(null),
        1 => json!(-1),
        2 => json!(0),
        3 => json!(1e308),
        4 => json!([1, -1]),
        5 => json!({}),
        6 => json!([]),
        7 => json!(18446744073709551615u64),
        8 => json!(true),
        _ => json!(strange[stream.below(strange.len())]),
    };
    match at {
        Value::Array(list) => list[last.parse::<usize>().unwrap()] = value,
        Value::Object(map) if stream.below(4) == 0 => {
            let old = map.shift_remove(last).unwrap();
            map.insert(format!("{last}x"), old);
        }
        other => other[last.as_str()] = value,
    }
    document
}

#[test]
fn mutated_tasks_are_accepted_or_refused_and_never_panic() {
    let robot = model(PENDULUM);
    assert!(Terms::new(&serde_json::from_value::<Config>(whole_task()).unwrap(), &robot).is_ok());
    let mut stream = Stream::new(7, "mutations", 0);
    let (mut read, mut refused) = (0, 0);
    for _ in 0..1500 {
        let document = mutated(whole_task(), &mut stream);
        let Ok(config) = serde_json::from_value::<Config>(document.clone()) else {
            continue;
        };
        read += 1;
        match Terms::new(&config, &robot) {
            Ok(terms) => moves(&terms),
            Err(error) => {
                refused += 1;
                assert!(!error.key.is_empty() && error.reason.len() > 5, "{document}: {error}");
            }
        }
    }
    assert!(read > 300 && refused > 100, "{read} read, {refused} refused");
}

/// Two steps of an episode with these terms, whatever their numbers are.
fn moves(terms: &Terms) {
    let mut stream = Stream::new(1, "episode", 0);
    let (mut memory, mut robot) = (terms.memory(), model(PENDULUM));
    terms.draw(&mut memory, &mut stream);
    terms.randomise(&mut robot, &memory).unwrap();
    let mut robot = tandem_robot::Simulation::new(std::sync::Arc::new(robot)).unwrap();
    terms.start(&mut robot, &mut memory, &mut stream).unwrap();
    robot.forward().unwrap();
    terms.begin(&robot, &mut memory);
    let (mut seen, mut rewards) = (vec![0.0; terms.observation().len()], vec![0.0; terms.reward().len()]);
    for _ in 0..2 {
        terms.before_step(&mut robot, &mut memory, &vec![0.5_f32; terms.action().len()]);
        robot.step().unwrap();
        robot.forces().unwrap();
        terms.after_step(&robot, &mut memory);
        let context = terms.context(&robot, &memory);
        terms.measure(context, &mut rewards);
        let _ = (terms.terminated(context), terms.success(context), terms.fault(&rewards));
        terms.events(&mut robot, &mut memory, &mut stream);
        terms.observe(terms.context(&robot, &memory), &mut seen);
    }
}
