//! Edits of a robot's file against numbers worked out by hand.

mod model_support;

use std::f64::consts::PI;

use model_support::{Files, close, error, id};
use mujoco_rs::wrappers::mj_model::MjtObjBase;
use serde_json::json;

/// Two links in the plane: the upper one from its joint at the origin to the elbow at x = 0.4, the lower one 0.3 long.
const ARM: &str = r#"
<mujoco>
  <compiler angle="radian"/>
  <default><geom type="capsule" density="1000"/></default>
  <worldbody>
    <body name="upper">
      <joint name="shoulder" axis="0 0 1"/>
      <geom name="upper" fromto="0 0 0 0.4 0 0" size="0.02"/>
      <site name="middle" pos="0.2 0.05 0"/>
      <body name="lower" pos="0.4 0 0">
        <joint name="elbow" axis="0 0 1"/>
        <geom name="lower" pos="0.15 0 0" euler="0 1.5707963267948966 0" size="0.02 0.15"/>
        <site name="tip" pos="0.3 0 0"/>
      </body>
    </body>
  </worldbody>
  <actuator><motor name="shoulder" joint="shoulder" gear="10"/><position joint="elbow" kp="5"/></actuator>
</mujoco>"#;

/// Mass of a capsule, kg.
fn capsule(density: f64, radius: f64, length: f64) -> f64 {
    density * PI * radius * radius * (length + 4.0 / 3.0 * radius)
}

#[test]
fn length_stretches_the_shape_and_moves_what_hangs_on_it() {
    let files = Files::with("arm.xml", ARM);
    let robot = files.robot(json!([
        {"name": "upper", "unit": "m", "low": 0.2, "high": 0.8, "edit": ["length(body:upper)"]},
        {"name": "lower", "unit": "m", "low": 0.1, "high": 0.6, "edit": ["length(body:lower)"]}
    ]));
    assert!(close(robot.space().parameters[0].start, 0.4) && close(robot.space().parameters[1].start, 0.3));
    let model = robot.compile(&[0.6, 0.2]).unwrap();
    let body = |name| id(&model, MjtObjBase::mjOBJ_BODY, name);
    let site = |name| model.site_pos()[id(&model, MjtObjBase::mjOBJ_SITE, name)];
    assert!(close(model.body_pos()[body("lower")][0], 0.6));
    let geom = |name| id(&model, MjtObjBase::mjOBJ_GEOM, name);
    assert!(close(model.geom_pos()[geom("upper")][0], 0.3));
    assert!(close(model.geom_size()[geom("upper")][1], 0.3) && close(model.geom_size()[geom("upper")][0], 0.02));
    assert!(close(model.geom_pos()[geom("lower")][0], 0.1) && close(model.geom_size()[geom("lower")][1], 0.1));
    assert!(close(site("middle")[0], 0.3) && close(site("middle")[1], 0.05));
    assert!(close(site("tip")[0], 0.2));
    assert!(close(model.body_mass()[body("upper")], capsule(1000.0, 0.02, 0.6)));
    assert!(close(model.body_mass()[body("lower")], capsule(1000.0, 0.02, 0.2)));
}

#[test]
fn wildcards_factors_and_servos_drive_several_numbers() {
    let files = Files::with("arm.xml", ARM);
    let robot = files.robot(json!([
        {"name": "radius", "low": 0.01, "high": 0.04, "edit": ["thickness(body:*er)"]},
        {"name": "gear", "low": 1, "high": 50, "edit": ["actuator:shoulder.gear[0]"]},
        {"name": "kp", "low": 1, "high": 50, "edit": ["actuator:elbow.kp"]},
        {"name": "armature", "low": 0.001, "high": 0.1, "start": 0.01,
         "edit": ["joint:shoulder.armature", "0.5 * joint:elbow.armature"]}
    ]));
    let model = robot.compile(&[0.03, 20.0, 8.0, 0.1]).unwrap();
    assert_eq!([0, 1].map(|geom| model.geom_size()[geom][0]), [0.03; 2]);
    assert!(close(model.body_mass()[1], capsule(1000.0, 0.03, 0.4)));
    assert_eq!(model.actuator_gear()[0][0], 20.0);
    assert_eq!(
        (model.actuator_gainprm()[1][0], model.actuator_biasprm()[1][1]),
        (8.0, -8.0)
    );
    assert_eq!(model.dof_armature(), [0.1, 0.05]);
}

#[test]
fn mass_is_set_whatever_the_length() {
    let files = Files::with("arm.xml", ARM);
    let robot = files.robot(json!([
        {"name": "length", "low": 0.2, "high": 0.8, "edit": ["length(body:upper)"]},
        {"name": "mass", "unit": "kg", "low": 0.1, "high": 5, "edit": ["mass(body:upper)"]}
    ]));
    let start = robot.space().start();
    assert!(close(start[1], capsule(1000.0, 0.02, 0.4)));
    let model = robot.compile(&[0.7, 2.5]).unwrap();
    assert!(close(model.body_mass()[1], 2.5));
    // the inertia about the middle is that of a capsule of this mass: compare with one of the same shape
    let free = robot.compile(&[0.7, 1.25]).unwrap();
    assert!(close(model.body_inertia()[1][0], 2.0 * free.body_inertia()[1][0]));
}

/// The two links weigh as much as the file's at most 1.25 times, each in its part.
#[test]
fn the_whole_mass_is_kept_in_its_range() {
    let files = Files::with("arm.xml", ARM);
    let design = json!([{"name": "upper", "low": 0.2, "high": 1.6, "edit": ["length(body:upper)"]}]);
    let robot = files.robot_with(design.clone(), json!({"mass_range": [0.75, 1.25]}));
    let own = capsule(1000.0, 0.02, 0.4) + capsule(1000.0, 0.02, 0.3);
    let model = robot.compile(&[1.6]).unwrap();
    let whole: f64 = model.body_mass().iter().sum();
    assert!(close(whole, 1.25 * own));
    let parts = capsule(1000.0, 0.02, 1.6) / capsule(1000.0, 0.02, 0.3);
    assert!(close(model.body_mass()[1] / model.body_mass()[2], parts));
    let within = robot.compile(&[0.5]).unwrap();
    assert!(close(within.body_mass()[1], capsule(1000.0, 0.02, 0.5)));
    let heavy = json!([{"name": "m", "low": 0.1, "high": 90, "edit": ["mass(body:upper)"]}]);
    let model = files
        .robot_with(heavy, json!({"mass_range": [0.75, 1.25]}))
        .compile(&[90.0])
        .unwrap();
    assert!(close(model.body_mass().iter().sum(), 1.25 * own));
    assert!(close(
        model.body_mass()[1] / model.body_mass()[2],
        90.0 / capsule(1000.0, 0.02, 0.3)
    ));
    let refused = files.load(design, json!({"mass_range": [1.1, 1.25]})).err().unwrap();
    assert!(refused.to_string().contains("mass_range"), "{refused}");
}

#[test]
fn scale_grows_a_body_in_all_directions() {
    let files = Files::with("arm.xml", ARM);
    let robot = files.robot(json!([{"name": "size", "low": 0.5, "high": 2, "edit": ["scale(joint:shoulder)"]}]));
    assert_eq!(robot.space().start(), [1.0]);
    let model = robot.compile(&[2.0]).unwrap();
    assert!(close(model.geom_size()[0][0], 0.04) && close(model.geom_size()[0][1], 0.4));
    assert!(close(model.body_pos()[2][0], 0.8));
    assert!(close(model.body_mass()[1], 8.0 * capsule(1000.0, 0.02, 0.4)));
    assert!(close(model.body_mass()[2], capsule(1000.0, 0.02, 0.3)));
}

/// Gymnasium's hopper and walker: `qpos` of the vertical slide is a height, as its `ref` is the body's height in the file.
const HOPPER: &str = r#"
<mujoco>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 1"/>
    <body name="torso" pos="0 0 1">
      <joint name="rootz" type="slide" axis="0 0 1" ref="1"/>
      <joint name="rooty" axis="0 1 0"/>
      <geom type="sphere" size="0.1"/>
      <body name="leg">
        <joint name="knee" axis="0 1 0"/>
        <geom type="capsule" fromto="0 0 0 0 0 -0.8" size="0.05"/>
      </body>
    </body>
  </worldbody>
  <keyframe><key qpos="1 0 0"/><key qpos="0.4 0 1.5707963267948966"/></keyframe>
</mujoco>"#;

#[test]
fn a_robot_is_lifted_with_its_legs() {
    let design = json!([{"name": "leg", "low": 0.4, "high": 1.2, "edit": ["length(body:leg)"]}]);
    let files = Files::with("hopper.xml", HOPPER);
    let model = files.robot(design.clone()).compile(&[1.2]).unwrap();
    // the lowest point was 1 - 0.8 - 0.05 = 0.15 m high and would be 0.4 m lower
    assert!(close(model.body_pos()[1][2], 1.4));
    assert!(close(model.qpos0()[0], 1.4));
    assert!(close(model.key_qpos()[0], 1.4));
    assert!(close(model.key_qpos()[3], 0.4), "{:?}", model.key_qpos()); // there the leg lies level: no need
    let free = HOPPER.replace(
        r#"<joint name="rootz" type="slide" axis="0 0 1" ref="1"/>"#,
        "<freejoint/>",
    );
    let free = free.replace(r#"<joint name="rooty" axis="0 1 0"/>"#, "");
    let free = free.replace("1 0 0\"/><key qpos=\"0.4 0 1.5707963267948966", "0 0 1 1 0 0 0 0");
    let model = Files::with("hopper.xml", &free)
        .robot(design.clone())
        .compile(&[1.2])
        .unwrap();
    assert!(close(model.qpos0()[2], 1.4) && close(model.key_qpos()[2], 1.4));
    let relative = HOPPER
        .replace(" ref=\"1\"", "")
        .replace("1 0 0\"/>", "0 0 0\"/>")
        .replace("0.4 0 1.57", "-0.6 0 1.57");
    let model = Files::with("hopper.xml", &relative)
        .robot(design.clone())
        .compile(&[1.2])
        .unwrap();
    assert!(close(model.body_pos()[1][2], 1.4) && close(model.qpos0()[0], 0.0));
    assert!(
        close(model.key_qpos()[0], 0.0) && close(model.key_qpos()[3], -1.0),
        "{:?}",
        model.key_qpos()
    );
    let model = files
        .robot_with(design, json!({"keep_clearance": false}))
        .compile(&[1.2])
        .unwrap();
    assert!(close(model.body_pos()[1][2], 1.0));
}

/// Key frames without a name get one that no other has.
#[test]
fn key_frames_may_be_called_what_they_like() {
    let keys = r#"<keyframe><key name="key_0" qpos="0.1 0"/><key qpos="0.2 0"/><key name="key_1" qpos="0.3 0"/></keyframe></mujoco>"#;
    let robot = Files::with("arm.xml", &ARM.replace("</mujoco>", keys)).robot(json!([]));
    assert_eq!(robot.start_model().key_qpos(), [0.1, 0.0, 0.2, 0.0, 0.3, 0.0]);
}

#[test]
fn a_fixed_tendon_gets_other_coefficients() {
    let tendon = r#"<tendon><fixed name="flexor"><joint joint="shoulder" coef="0.5"/><joint joint="elbow" coef="0.25"/></fixed>
        </tendon><actuator><motor tendon="flexor"/></actuator></mujoco>"#;
    let files = Files::with("arm.xml", &ARM.replace("</mujoco>", tendon));
    let robot = files.robot(json!([
        {"name": "pulley", "unit": "m", "low": 0.1, "high": 1, "edit": ["tendon:flexor.coef[elbow]"]},
        {"name": "upper", "low": 0.2, "high": 0.8, "edit": ["length(body:upper)"]}
    ]));
    assert_eq!(robot.space().start()[0], 0.25);
    let model = robot.compile(&[0.7, 0.5]).unwrap();
    assert_eq!(model.wrap_prm(), [0.5, 0.7]);
    assert!(close(model.body_pos()[2][0], 0.5));
    assert!(robot.xml(&[0.7, 0.5]).unwrap().contains("coef=\"0.69999999999999996\""));
}

/// A direct-current motor: stall torque at rest, none at the no-load speed, in proportion between.
#[test]
fn motors_lose_torque_with_speed() {
    let files = Files::with("arm.xml", ARM);
    let design = json!([{"name": "gear", "low": 1, "high": 50, "edit": ["actuator:shoulder.gear[0]"]}]);
    let plain = files.robot(design.clone());
    assert!(plain.warnings()[0].contains("`gear`"), "{:?}", plain.warnings());
    let motors = json!({"motors": [{"actuator": "shoulder", "no_load_speed": 40.0}]});
    let robot = files.robot_with(design, motors);
    assert!(robot.warnings().is_empty());
    let model = robot.compile(&[20.0]).unwrap();
    let mut simulation = tandem_robot::Simulation::new(model).unwrap();
    for (speed, torque) in [(0.0, 20.0), (1.0, 10.0), (2.0, 0.0), (3.0, -10.0)] {
        simulation.data_mut().ctrl_mut()[0] = 1.0;
        simulation.data_mut().qvel_mut()[0] = speed; // the shaft turns 20 times as fast
        simulation.forward().unwrap();
        assert!(close(simulation.data().qfrc_actuator()[0], torque), "{speed}");
    }
}

#[test]
fn starts_that_differ_keep_their_ratio() {
    let files = Files::with("arm.xml", ARM);
    let edit = json!(["length(body:upper)", "length(body:lower)"]);
    let text = error(&files, json!([{"name": "l", "low": 0.1, "high": 1, "edit": edit}]));
    assert!(text.contains("`design[0]`") && text.contains("give `start`"), "{text}");
    let robot = files.robot(json!([{"name": "l", "low": 0.5, "high": 2, "start": 1, "edit": edit}]));
    let model = robot.compile(&[1.5]).unwrap();
    assert!(close(model.geom_size()[0][1], 0.3) && close(model.geom_size()[1][1], 0.225));
}

/// The edited file, written and read again, is the same robot.
#[test]
fn the_edited_file_is_the_compiled_robot() {
    let files = Files::with("hopper.xml", HOPPER);
    let robot = files.robot(json!([
        {"name": "leg", "low": 0.4, "high": 1.2, "edit": ["length(body:leg)"]},
        {"name": "mass", "low": 1, "high": 9, "edit": ["mass(body:torso)"]}
    ]));
    let design = [0.4 + 0.1 / 3.0, 7.0 / 3.0];
    let model = robot.compile(&design).unwrap();
    let again = mujoco_rs::wrappers::MjModel::from_xml_string(&robot.xml(&design).unwrap()).unwrap();
    let flat = |model: &mujoco_rs::wrappers::MjModel| {
        let arrays = [
            model.body_pos().as_flattened(),
            model.body_mass(),
            model.body_inertia().as_flattened(),
            model.qpos0(),
        ];
        [
            arrays.concat(),
            model.key_qpos().to_vec(),
            model.geom_size().as_flattened().to_vec(),
        ]
        .concat()
    };
    for (a, b) in flat(&model).iter().zip(flat(&again)) {
        assert!((a - b).abs() <= 1e-12, "{a} {b}");
    }
}

#[test]
fn many_threads_build_the_same_robots() {
    let files = Files::with("hopper.xml", HOPPER);
    let design = json!([{"name": "leg", "low": 0.4, "high": 1.2, "edit": ["length(body:leg)"]}]);
    let (one, many) = (files.robot(design.clone()), files.robot(design));
    let length = |i: usize| [0.4 + 0.01 * i as f64];
    let bytes = |model: &mujoco_rs::wrappers::MjModel| {
        let mut bytes = vec![0; model.size()];
        model.save_to_buffer(&mut bytes).unwrap();
        bytes
    };
    let serial: Vec<_> = (0..60).map(|i| bytes(&one.compile(&length(i)).unwrap())).collect();
    std::thread::scope(|scope| {
        for thread in 0..4 {
            let (many, serial) = (&many, &serial);
            scope.spawn(move || {
                for i in (0..60).map(|i| (i * 7 + thread * 11) % 60) {
                    assert!(bytes(&many.compile(&length(i)).unwrap()) == serial[i], "{i}");
                }
            });
        }
    });
    assert!(std::sync::Arc::ptr_eq(
        &many.compile(&length(3)).unwrap(),
        &many.compile(&length(3)).unwrap()
    ));
}

#[test]
fn a_survey_tells_mass_and_extent_and_finds_explosions() {
    let files = Files::with("hopper.xml", HOPPER);
    let robot = files.robot(json!([{"name": "leg", "low": 0.4, "high": 1.2, "edit": ["length(body:leg)"]}]));
    let samples = robot.survey(0, 3).unwrap();
    let labels: Vec<_> = samples.iter().map(|sample| sample.label.as_str()).collect();
    assert_eq!(
        labels,
        [
            "start",
            "all lower bounds",
            "all upper bounds",
            "random 1",
            "random 2",
            "random 3"
        ]
    );
    let sphere = 4.0 / 3.0 * PI * 0.1f64.powi(3) * 1000.0;
    assert!(close(samples[2].mass, sphere + capsule(1000.0, 0.05, 1.2)));
    assert!(close(samples[0].extent[2], 0.1 + 0.8 + 0.05) && close(samples[0].extent[0], 0.2));
    assert_eq!(samples, robot.survey(0, 3).unwrap());
    let wild = HOPPER.replace(
        "name=\"knee\" axis",
        "name=\"knee\" stiffness=\"1\" springref=\"90\" axis",
    );
    let design = json!([{"name": "k", "low": 0, "high": 1e9, "start": 1, "edit": ["joint:knee.stiffness"]}]);
    let text = Files::with("hopper.xml", &wild)
        .robot(design)
        .survey(0, 3)
        .unwrap_err()
        .to_string();
    assert!(text.contains("all upper bounds") && text.contains("explodes"), "{text}");
}
