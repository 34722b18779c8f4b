//! What stretching a body does to its shapes and to what hangs on it, against numbers worked out by hand.

mod model_support;

use model_support::{Files, close, id};
use mujoco_rs::wrappers::mj_model::MjtObjBase;
use serde_json::json;

/// Inside a `<frame>` that turns by 90 degrees, x of the file is y of the body; a class gives the shape, and the child has
/// joints of several kinds, of which the first hinge is where it is attached.
#[test]
fn frames_classes_and_several_joints() {
    let text = r#"
<mujoco>
  <default><default class="bar"><geom type="capsule" fromto="0 0 0 0.4 0 0" size="0.02"/></default></default>
  <worldbody>
    <body name="upper">
      <joint axis="0 0 1"/><joint axis="0 1 0" pos="0.1 0 0"/>
      <geom class="bar"/>
      <frame euler="0 0 90" pos="0.1 0.2 0">
        <geom type="box" size="0.01 0.1 0.02" pos="0 -0.1 0"/>
        <site pos="0.2 -0.3 0"/>
        <body name="lower" pos="-0.2 -0.3 0">
          <joint type="slide" axis="1 0 0"/><joint axis="0 1 0" pos="0.05 0 0"/><joint axis="0 0 1"/>
          <geom size="0.01"/>
        </body>
      </frame>
    </body>
  </worldbody>
</mujoco>"#;
    let design = json!([{"name": "upper", "low": 0.2, "high": 0.8, "edit": ["length(body:upper)"]}]);
    let model = Files::with("arm.xml", text).robot(design).compile(&[0.8]).unwrap();
    let near = |a: [f64; 3], b: [f64; 3]| (0..3).all(|i| close(a[i], b[i]));
    assert!(near(model.geom_pos()[0], [0.4, 0.0, 0.0]) && near(model.geom_pos()[1], [0.4, 0.2, 0.0]));
    assert!(near(model.geom_size()[1], [0.01, 0.2, 0.02])); // its y lies along the bar
    assert!(near(model.site_pos()[0], [0.8, 0.4, 0.0]));
    assert!(near(model.jnt_pos()[1], [0.2, 0.0, 0.0]));
    // the child's hinge was at (0.4, 0.05, 0): 0.05 along its own x, which is the body's y
    assert!(near(model.body_pos()[2], [0.8, 0.0, 0.0]) && near(model.jnt_pos()[3], [0.05, 0.0, 0.0]));
}

/// A leg whose origin lies beyond its joint, as in Gymnasium's hopper: it has to stay at the end of the thigh.
#[test]
fn a_child_stays_attached_at_its_joint() {
    let text = r#"
<mujoco>
  <worldbody>
    <body name="thigh" pos="0 0 2">
      <joint axis="0 1 0"/>
      <geom type="capsule" fromto="0 0 0 0 0 -0.45" size="0.05"/>
      <body name="leg" pos="0 0 -0.7">
        <joint axis="0 1 0" pos="0 0 0.25"/>
        <geom type="capsule" fromto="0 0 0.25 0 0 -0.25" size="0.04"/>
        <site name="ankle" pos="0 0 -0.25"/>
      </body>
    </body>
  </worldbody>
</mujoco>"#;
    let files = Files::with("leg.xml", text);
    let robot = files.robot(json!([
        {"name": "thigh", "low": 0.2, "high": 0.9, "edit": ["length(body:thigh)"]},
        {"name": "leg", "low": 0.2, "high": 1.0, "edit": ["length(body:leg)"]}
    ]));
    let model = robot.compile(&[0.9, 1.0]).unwrap();
    let leg = id(&model, MjtObjBase::mjOBJ_BODY, "leg");
    assert!(close(model.body_pos()[leg][2], -0.9 - 0.25)); // its joint 0.25 above it, at the thigh's end
    assert!(close(model.site_pos()[0][2], 0.25 - 1.0)); // stretched about that joint
    assert!(close(model.geom_pos()[1][2], 0.25 - 0.5) && close(model.geom_size()[1][1], 0.5));
}

/// Boxes: the longest side is the length, the shorter of the others the thickness; a mass that the file says keeps its density.
#[test]
fn boxes_and_masses_that_the_file_says() {
    let text = r#"
<mujoco>
  <worldbody>
    <body name="beam"><joint axis="0 0 1" pos="-0.5 0 0"/>
      <geom type="box" size="0.5 0.1 0.05" mass="4"/>
      <geom size="0.1" pos="0.5 0 0" mass="1"/>
    </body>
  </worldbody>
</mujoco>"#;
    let robot = Files::with("beam.xml", text).robot(json!([
        {"name": "length", "low": 0.5, "high": 2, "edit": ["length(body:beam)"]},
        {"name": "thickness", "low": 0.01, "high": 0.1, "edit": ["thickness(body:beam)"]}
    ]));
    assert_eq!(robot.space().start(), [1.0, 0.05]);
    let model = robot.compile(&[1.5, 0.1]).unwrap();
    assert_eq!(model.geom_size()[0], [0.75, 0.2, 0.1]);
    assert!(close(model.geom_pos()[0][0], 0.25) && close(model.geom_pos()[1][0], 1.0)); // the joint stays at x = -0.5
    assert!(close(model.geom_size()[1][0], 0.2)); // the ball at its end grows with the cross-section
    assert!(
        close(model.body_mass()[1], 4.0 * 1.5 * 4.0 + 1.0 * 8.0),
        "{}",
        model.body_mass()[1]
    );
}
