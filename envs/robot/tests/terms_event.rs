//! Actions, commands and what happens by chance.

mod support;

use std::sync::Arc;

use serde_json::{Value, json};
use support::{BOX, Episode, PENDULUM, close, config, model};
use tandem_core::Stream;
use tandem_robot::Simulation;
use tandem_robot::terms::{Memory, Terms};

/// Controls of (motor, servo, cruise, pull) after these commands.
fn controls(task: Value, action: &[f64]) -> Vec<f64> {
    let mut episode = Episode::new(PENDULUM, task);
    episode.step(action);
    episode.robot.data().ctrl().to_vec()
}

#[test]
fn commands_become_controls() {
    let acting =
        |term: &str, params: Value, scale: f64| json!({"action": [{"term": term, "params": params, "scale": scale}]});
    // The motor's range is [-1, 3]: middle 1, half 2.
    close(
        &controls(acting("joint_effort", json!({"actuators": "motor"}), 1.0), &[0.5]),
        &[2.0, 0.0, 0.0, 0.0],
    );
    close(
        &controls(acting("joint_effort", json!({"actuators": "motor"}), 0.5), &[-1.0]),
        &[0.0; 4],
    );
    close(
        &controls(acting("tendon_effort", json!({}), 1.0), &[-0.5]),
        &[0.0, 0.0, 0.0, -2.0],
    );
    close(
        &controls(acting("joint_position", json!({"width": 0.25}), 1.0), &[1.0]),
        &[0.0, 0.25, 0.0, 0.0],
    );
    close(
        &controls(acting("joint_velocity", json!({"width": 3}), 1.0), &[-0.5]),
        &[0.0, 0.0, -1.5, 0.0],
    );
    close(
        &controls(acting("actuator", json!({}), 1.0), &[0.0, 0.5, 0.5, 1.0]),
        &[1.0, 0.5, 0.5, 4.0],
    );
}

#[test]
fn servos_stand_around_the_key_frame_in_which_episodes_begin() {
    let mut task = json!({"action": [{"term": "joint_position"}], "events": [{"term": "reset_to_keyframe"}]});
    close(&controls(task.clone(), &[-1.0])[1..2], &[0.25 - 0.5]);
    task["action"][0]["params"] = json!({"use_default_offset": false});
    close(&controls(task, &[-1.0])[1..2], &[-0.5]);
}

#[test]
fn noise_lies_within_its_bounds_and_has_its_spread() {
    let task = json!({"events": [{"term": "reset_joints_uniform", "params": {"position": [-0.1, 0.3]}},
                                 {"term": "reset_joints_normal", "params": {"velocity": 0.5, "joints": "rail"}}]});
    let all: Vec<_> = (0..400)
        .map(|seed| Episode::seeded(PENDULUM, task.clone(), seed))
        .collect();
    let of = |f: &dyn Fn(&Episode) -> f64| all.iter().map(f).collect::<Vec<f64>>();
    let positions = of(&|e| e.robot.data().qpos()[0]);
    assert!(positions.iter().all(|q| (-0.1..0.3).contains(q)));
    let mean = positions.iter().sum::<f64>() / 400.0;
    assert!((mean - 0.1).abs() < 0.03, "{mean}");
    let spread = of(&|e| e.robot.data().qvel()[1].powi(2)).iter().sum::<f64>() / 400.0;
    assert!((spread - 0.25).abs() < 0.07, "{spread}");
    assert!(all.iter().all(|e| e.robot.data().qvel()[0] == 0.0));
}

#[test]
fn targets_lie_in_discs_boxes_and_shells() {
    let xml = r#"<mujoco><worldbody><body name="target"><joint name="tx" type="slide" axis="1 0 0"/>
        <joint name="ty" type="slide" axis="0 1 0"/><geom type="sphere" size="0.01"/></body></worldbody></mujoco>"#;
    let task = json!({"events": [{"term": "reset_joints_uniform", "params": {"velocity": [1, 1]}},
        {"term": "reset_target_disc", "params": {"joints": ["tx", "ty"], "radius": 0.2}}],
        "command": [
            {"term": "position", "name": "disc", "params": {"shape": "disc", "center": [1, 2, 3], "radius": [0.5, 1]}},
            {"term": "position", "name": "shell", "params": {"shape": "shell", "center": [1, 2, 3], "radius": [0.5, 1]}},
            {"term": "position", "name": "box", "params": {"x": [0, 1], "y": [-1, 0], "z": [2, 2]}}]});
    let mut inner = 0;
    for seed in 0..400 {
        let episode = Episode::seeded(xml, task.clone(), seed);
        let (q, v) = (episode.robot.data().qpos(), episode.robot.data().qvel());
        assert!(q[0].hypot(q[1]) < 0.2 && v == [0.0, 0.0]);
        inner += usize::from(q[0].hypot(q[1]) < 0.1);
        let c = &episode.memory.command;
        let radius = |c: &[f64]| (c[0] - 1.0).hypot(c[1] - 2.0).hypot(c[2] - 3.0);
        assert!((0.5..1.0).contains(&radius(&c[0..3])) && c[2] == 3.0);
        assert!((0.5..=1.0).contains(&radius(&c[3..6])));
        assert!((0.0..1.0).contains(&c[6]) && (-1.0..0.0).contains(&c[7]) && c[8] == 2.0);
    }
    assert!(
        (60..140).contains(&inner),
        "a quarter of the area holds a quarter of the targets, not {inner} of 400"
    );
}

#[test]
fn velocities_are_told_anew_at_intervals_and_sometimes_0() {
    let task = |standing: f64| {
        json!({"command": [{"term": "velocity",
        "params": {"lin_vel_x": [0.5, 1], "standing": standing, "resample": 0.06}}]})
    };
    let mut episode = Episode::new(BOX, task(0.0));
    let mut told = vec![episode.memory.command[0]];
    for _ in 0..6 {
        episode.step(&[]); // of 0.02 s
        told.push(episode.memory.command[0]);
    }
    assert!(told.iter().all(|v| (0.5..1.0).contains(v)));
    assert!(
        told[0] == told[2] && told[2] != told[3] && told[3] == told[5] && told[5] != told[6],
        "{told:?}"
    );
    assert_eq!(Episode::new(BOX, task(1.0)).memory.command, [0.0; 3]);
}

#[test]
fn pushes_come_at_intervals_and_change_the_roots_velocity() {
    let push = json!({"interval": 0.04, "x": 0.5, "y": 0, "z": [-0.25, -0.25], "yaw": 1});
    let mut episode = Episode::new(
        &BOX.replace("<option ", "<option gravity=\"0 0 0\" "),
        json!({"events": [{"term": "push", "params": push}]}),
    );
    // A quarter turn about x: the world's z is the box's y.
    let half = std::f64::consts::FRAC_1_SQRT_2;
    episode.set(&[0.0, 0.0, 1.0, half, half, 0.0, 0.0], &[0.0; 6]);
    episode.step(&[]);
    close(episode.robot.data().qvel(), &[0.0; 6]);
    episode.step(&[]);
    close(episode.robot.data().qvel(), &[0.5, 0.0, -0.25, 0.0, 1.0, 0.0]);
    let planar = json!({"events": [{"term": "push", "params": {"body": "cart", "interval": 0.02, "x": 0.5, "y": 3}}]});
    let mut episode = Episode::new(PENDULUM, planar);
    episode.step(&[]);
    close(episode.robot.data().qvel(), &[0.0, 0.5]); // the rail lies along x
}

#[test]
fn robots_differ_from_episode_to_episode_as_drawn() {
    let task = json!({"events": [{"term": "friction", "params": {"range": [0.5, 0.75]}},
        {"term": "body_mass", "params": {"bodies": ["pole", "cart"], "range": [1.5, 2]}},
        {"term": "actuator_gain", "params": {"actuators": ["motor", "servo"], "range": 1.25}}]});
    let episode = Episode::new(PENDULUM, task.clone());
    let (plain, changed) = (model(PENDULUM), episode.robot.model());
    let friction: Vec<f64> = changed.geom_friction().iter().map(|f| f[0]).collect();
    assert!(
        friction.iter().all(|f| *f == friction[0]) && (0.5..0.75).contains(&friction[0]),
        "one factor for all"
    );
    let factor = |id: usize| changed.body_mass()[id] / plain.body_mass()[id];
    assert!((1.5..2.0).contains(&factor(1)) && (1.5..2.0).contains(&factor(2)) && factor(1) != factor(2));
    close(
        &[changed.body_inertia()[1][0] / plain.body_inertia()[1][0]],
        &[factor(1)],
    );
    close(&[changed.body_subtreemass()[0]], &[changed.body_mass().iter().sum()]);
    close(&[changed.dof_m0()[1]], &[changed.body_mass()[2]]); // derived anew
    close(
        &[
            changed.actuator_gainprm()[0][0],
            changed.actuator_gainprm()[1][0],
            changed.actuator_biasprm()[1][1],
        ],
        &[1.25, 12.5, -12.5],
    );

    let mut again = model(PENDULUM); // what is stored is enough to make the same robot
    let terms = Terms::new(&config(task), &again).unwrap();
    assert!(terms.changes_model());
    let memory: Memory = postcard::from_bytes(&postcard::to_allocvec(&episode.memory).unwrap()).unwrap();
    terms.randomise(&mut again, &memory).unwrap();
    assert_eq!(again.body_mass(), changed.body_mass());
    assert_eq!(again.dof_invweight0(), changed.dof_invweight0());
    assert!(
        terms.randomise(&mut again, &Memory::default()).is_err(),
        "another task's"
    );
}

#[test]
fn the_gain_of_dampers_and_muscles_is_their_strength() {
    let actuators = r#"<damper name="brake" joint="swing" kv="2" ctrlrange="0 1"/><muscle name="calf" tendon="cord" force="7"/>
        <muscle name="thigh" tendon="cord" scale="300" lengthrange="0.1 0.5"/></actuator>"#;
    let xml = PENDULUM.replace("</actuator>", actuators).replace(
        "<tendon>",
        "<tendon><fixed name=\"free\"><joint joint=\"swing\" coef=\"1\"/></fixed>",
    );
    let xml = xml.replace("force=\"7\"", "force=\"7\" lengthrange=\"0.1 0.5\"");
    let event = |actuators: Value| json!({"events": [{"term": "actuator_gain", "params": {"actuators": actuators, "range": 3}}]});
    let episode = Episode::new(&xml, event(json!(["brake", "calf", "thigh"])));
    let (plain, changed) = (model(&xml), episode.robot.model());
    close(&changed.actuator_gainprm()[4][..3], &[0.0, 0.0, -6.0]);
    for (id, strength) in [(5, 2), (6, 3)] {
        for (before, after) in [
            (plain.actuator_gainprm()[id], changed.actuator_gainprm()[id]),
            (plain.actuator_biasprm()[id], changed.actuator_biasprm()[id]),
        ] {
            close(&after[..2], &before[..2]); // the range of lengths is no strength
            close(&[after[strength]], &[3.0 * before[strength]]);
        }
    }

    let other = PENDULUM.replace(
        "</actuator>",
        "<dcmotor name=\"dc\" joint=\"swing\" motorconst=\"0.05\" resistance=\"1\"/></actuator>",
    );
    let refused = Terms::new(&config(event(json!("*"))), &model(&other)).err().unwrap();
    assert_eq!(
        refused.reason,
        "`dc` is no motor, servo or muscle, so that its gain is not known"
    );
}

#[test]
fn commands_arrive_late() {
    let task = |low: usize, high: usize| {
        json!({"action": [{"term": "joint_effort", "params": {"actuators": "motor"}}],
        "observation": [{"term": "last_action"}],
        "events": [{"term": "delay", "params": {"low": low, "high": high}}]})
    };
    let mut episode = Episode::new(PENDULUM, task(2, 2));
    let commands = [0.1, 0.2, 0.3, 0.4];
    let arrived: Vec<f64> = commands
        .iter()
        .map(|&a| {
            episode.step(&[a]);
            episode.robot.data().ctrl()[0]
        })
        .collect();
    close(&arrived, &[1.0, 1.0, 1.2, 1.4]); // middle 1, half 2
    close(&episode.observe(), &[0.4]);
    let mut drawn: Vec<u32> = (0..50)
        .map(|seed| Episode::seeded(PENDULUM, task(0, 2), seed).memory.kept[0] as u32)
        .collect();
    drawn.sort_unstable();
    drawn.dedup();
    assert_eq!(drawn, [0, 1, 2]);
    let mut wrong = episode.memory.clone();
    wrong.kept[0] = 9.0;
    assert!(
        episode.terms.fits(&episode.memory) && !episode.terms.fits(&wrong) && !episode.terms.fits(&Memory::default())
    );
}

#[test]
fn what_a_command_would_do_is_what_it_does() {
    for high in [0, 1, 3] {
        let task = json!({"action": [{"term": "actuator", "scale": 0.5}],
            "events": [{"term": "delay", "params": {"low": high, "high": high}}]});
        let mut episode = Episode::new(PENDULUM, task);
        let mut stream = Stream::new(2, "actions", 0);
        for _ in 0..6 {
            let action = [0; 4].map(|_| stream.uniform(-1.5, 1.5));
            let mut controls = [0.0; 4];
            episode
                .terms
                .controls(&episode.robot, &episode.memory, &action, &mut controls);
            episode.step(&action);
            assert_eq!(episode.robot.data().ctrl(), controls);
        }
    }
}

#[test]
fn a_stored_episode_goes_on_to_the_same_bytes() {
    let task = json!({
        "action": [{"term": "actuator"}],
        "observation": [{"term": "qpos"}, {"term": "qvel"}, {"term": "generated_commands"}],
        "reward": [{"term": "forward_velocity", "params": {"of": "body:cart"}}, {"term": "action_rate_l2"}],
        "command": [{"term": "position", "params": {"resample": [0.05, 0.1]}}],
        "events": [{"term": "reset_joints_normal", "params": {"position": 0.1}}, {"term": "delay", "params": {"high": 3}},
                   {"term": "body_mass"}, {"term": "push", "params": {"body": "cart", "interval": [0.03, 0.09]}}],
        "success": {"term": "position_reached", "params": {"of": "tip", "tolerance": 0.5, "hold": 3}}});
    let mut a = Episode::new(PENDULUM, task.clone());
    let mut actions = Stream::new(1, "actions", 0);
    let mut action = move || [0; 4].map(|_| actions.uniform(-1.0, 1.0));
    (0..20).for_each(|_| a.step(&action()));

    let mut plain = model(PENDULUM);
    let terms = Terms::new(&config(task), &plain).unwrap();
    terms.randomise(&mut plain, &a.memory).unwrap();
    let mut state = vec![0.0; a.robot.state_len()];
    a.robot.store(&mut state);
    let mut robot = Simulation::new(Arc::new(plain)).unwrap();
    robot.restore(&state).unwrap();
    let mut b = Episode {
        terms,
        robot,
        memory: a.memory.clone(),
        stream: a.stream.clone(),
    };
    for _ in 0..30 {
        let action = action();
        a.step(&action);
        b.step(&action);
        assert_eq!(a.memory, b.memory);
        assert_eq!(
            (a.observe(), a.rewards(), a.success()),
            (b.observe(), b.rewards(), b.success())
        );
    }
}
