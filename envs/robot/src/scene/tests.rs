use std::sync::Arc;

use mujoco_rs::wrappers::MjModel;
use tandem_core::{Role, Shape, View};

use super::Camera;
use crate::simulation::Simulation;

/// A cart on an endless rail that carries an arm, over a floor at -0.2 m; a ball, a target, a tendon, a camera.
const CART: &str = r#"
<mujoco>
  <asset>
    <mesh name="cube" vertex="-.1 -.1 -.1  .1 -.1 -.1  -.1 .1 -.1  .1 .1 -.1  -.1 -.1 .1  .1 -.1 .1  -.1 .1 .1  .1 .1 .1"/>
    <texture name="two" type="2d" builtin="flat" rgb1="1 0 .6" width="8" height="8"/>
    <material name="textured" texture="two"/>
    <material name="green" rgba="0 1 0 1"/>
    <hfield name="hill" nrow="2" ncol="2" elevation="0 1 0 1" size="1 1 .3 .1"/>
  </asset>
  <worldbody>
    <camera name="front" pos="0 -3 1" xyaxes="0 0 -1 1 0 0" fovy="50"/>
    <geom type="plane" size="0 0 1" pos="0 0 -.2"/>
    <geom name="rail" type="cylinder" size=".02 1" euler="0 90 0"/>
    <geom type="hfield" hfield="hill" pos="5 0 0"/>
    <body name="cart">
      <joint name="slide" type="slide" axis="1 0 0"/>
      <geom name="box" type="box" size=".2 .1 .05" rgba=".2 .4 .6 1"/>
      <site name="low" pos="0 0 .1" size=".01"/>
      <body name="arm" pos="0 0 .1">
        <joint name="hinge" axis="0 1 0"/>
        <geom name="bone" type="capsule" fromto="0 0 0 0 0 .5" size=".03"/>
        <geom name="double" type="box" size=".3 .3 .3" group="3"/>
        <site name="high" pos="0 0 .5" size=".01" rgba="1 0 0 0"/>
        <body name="hand" pos="0 0 .5">
          <geom name="only" type="ellipsoid" size=".05 .04 .03" group="3"/>
          <geom name="ghost" type="box" size="1 1 1" rgba="1 1 1 0"/>
        </body>
      </body>
    </body>
    <body name="ball" pos="1 1 1"><freejoint/><geom size=".1" material="green"/></body>
    <body name="target" pos="0 1 0"><geom size=".05" material="green"/></body>
    <body name="crate" pos="2 1 1"><freejoint/>
      <geom name="look" type="mesh" mesh="cube" contype="0" conaffinity="0" material="textured"/>
      <geom name="touch" type="mesh" mesh="cube"/>
    </body>
  </worldbody>
  <tendon><spatial name="cable" width=".004"><site site="low"/><site site="high"/></spatial></tendon>
  <actuator><motor joint="slide"/><motor joint="hinge"/></actuator>
</mujoco>"#;

fn model(xml: &str) -> Arc<MjModel> {
    crate::engine::install();
    Arc::new(MjModel::from_xml_string(xml).unwrap())
}

fn cart() -> Simulation {
    Simulation::new(model(CART)).unwrap()
}

/// The shapes of the cart with these roles.
fn shapes(robot: &Simulation, wanted: impl Fn(Role) -> bool) -> Vec<Shape> {
    let scene = Camera::new(None, &robot.shared_model()).unwrap().scene(robot);
    let shapes = scene.shapes.into_iter().filter(|(role, _)| wanted(*role));
    shapes.map(|(_, shape)| shape).collect()
}

fn near(a: [f32; 3], b: [f32; 3]) -> bool {
    (0..3).all(|i| (a[i] - b[i]).abs() < 1e-5)
}

#[test]
fn every_kind_of_shape_stands_where_mujoco_has_put_it() {
    let mut robot = cart();
    let half_turn = std::f64::consts::FRAC_PI_2;
    robot.data_mut().qpos_mut()[..2].copy_from_slice(&[0.3, half_turn]); // the arm points along x
    robot.forward().unwrap();
    let box_role = |role| role == Role::Painted([51, 102, 153, 255]);
    let Shape::Cuboid { center, half, .. } = shapes(&robot, box_role)[0] else {
        panic!("the cart is a box")
    };
    assert!(near(center, [0.3, 0.0, 0.0]) && near(half, [0.2, 0.1, 0.05]));
    let limbs = shapes(&robot, |role| matches!(role, Role::Limb { .. }));
    let [Shape::Capsule { a, b, radius }, Shape::Ellipsoid { center, half, .. }] = limbs[..] else {
        panic!("a bone and a hand: {limbs:?}")
    };
    let (low, high) = if a[0] < b[0] { (a, b) } else { (b, a) };
    assert!(near(low, [0.3, 0.0, 0.1]) && near(high, [0.8, 0.0, 0.1]) && radius == 0.03);
    assert!(near(center, [0.8, 0.0, 0.1]) && near(half, [0.05, 0.04, 0.03]));
    let [Shape::Capsule { a, b, radius }] = shapes(&robot, |role| role == Role::Tendon)[..] else {
        panic!("one straight cable")
    };
    assert!(near(a, [0.3, 0.0, 0.1]) && near(b, [0.8, 0.0, 0.1]) && radius == 0.004);
    let [
        Shape::Cylinder {
            center, half_height, ..
        },
        Shape::Mesh { ref mesh, .. },
    ] = shapes(&robot, |role| role == Role::Wall)[..]
    else {
        panic!("the rail and the hill; the plane is the floor")
    };
    assert!(near(center, [0.0; 3]) && half_height == 1.0);
    let heights: Vec<f32> = mesh.vertices().iter().map(|v| v[2]).collect();
    assert!(
        heights
            .iter()
            .zip([0.0, 0.3, 0.0, 0.3])
            .all(|(a, b)| (a - b).abs() < 1e-6),
        "{heights:?}"
    );
}

/// `double` is a collision double of `bone`, `only` is all there is of the hand, `ghost` and the site `high` are invisible,
/// `touch` is the double of `look`.
#[test]
fn doubles_for_contacts_and_invisible_parts_are_hidden() {
    let robot = cart();
    let scene = Camera::new(None, &robot.shared_model()).unwrap().scene(&robot);
    let boxes = scene
        .shapes
        .iter()
        .filter(|(_, shape)| matches!(shape, Shape::Cuboid { .. }))
        .count();
    let ellipsoids = scene
        .shapes
        .iter()
        .filter(|(_, shape)| matches!(shape, Shape::Ellipsoid { .. }))
        .count();
    let sites = scene.shapes.iter().filter(|(role, _)| *role == Role::Joint).count();
    let meshes = scene
        .shapes
        .iter()
        .filter(|(_, shape)| matches!(shape, Shape::Mesh { .. }))
        .count();
    assert_eq!(
        (boxes, ellipsoids, sites, meshes),
        (1, 1, 1, 2),
        "cart, hand, `low`, hill and crate"
    );
}

#[test]
fn colours_are_the_files_or_say_what_a_body_is() {
    let robot = cart();
    let scene = Camera::new(None, &robot.shared_model()).unwrap().scene(&robot);
    let roles: Vec<Role> = scene.shapes.iter().map(|(role, _)| *role).collect();
    let count = |role| roles.iter().filter(|&&other| other == role).count();
    assert_eq!(
        count(Role::Limb { depth: 1, deepest: 1 }),
        2,
        "bone and hand, whose geoms have no colour"
    );
    assert_eq!(count(Role::Painted([0, 255, 0, 255])), 1, "the green ball");
    assert_eq!(count(Role::Goal), 1, "the target, green in the file too, stays a goal");
    assert_eq!(
        count(Role::Painted([255, 0, 153, 255])),
        1,
        "the crate, in its texture's mean colour"
    );
}

#[test]
fn the_camera_follows_a_robot_that_travels_without_turning() {
    let mut robot = cart();
    let camera = Camera::new(None, &robot.shared_model()).unwrap();
    let look = |robot: &Simulation| match camera.scene(robot).view {
        View::Camera { eye, target, floor, .. } => (eye, target, floor),
        other => panic!("{other:?}"),
    };
    let (eye, target, floor) = look(&robot);
    assert_eq!(floor, Some(-0.2));
    assert!(
        eye[1] < -1.0 && eye[0] == target[0],
        "the cart moves in the xz plane and is seen across it"
    );
    robot.data_mut().qpos_mut()[0] = 7.0;
    robot.forward().unwrap();
    let (moved_eye, moved_target, _) = look(&robot);
    for i in 0..3 {
        let way = if i == 0 { 7.0 } else { 0.0 };
        assert!((moved_eye[i] - eye[i] - way).abs() < 1e-4 && (moved_target[i] - target[i] - way).abs() < 1e-4);
    }
}

/// Held so that x is up in the picture, and looks along y.
#[test]
fn a_camera_of_the_file_is_found_by_name() {
    let robot = cart();
    let scene = Camera::new(Some("front"), &robot.shared_model()).unwrap().scene(&robot);
    let View::Camera {
        eye, target, up, fov, ..
    } = scene.view
    else {
        panic!("a camera")
    };
    assert!(near(eye, [0.0, -3.0, 1.0]) && near(up, [1.0, 0.0, 0.0]) && fov == 50.0);
    assert!(target[0].abs() < 1e-5 && target[1] > -3.0 && (target[2] - 1.0).abs() < 1e-5);
    let error = Camera::new(Some("frnt"), &robot.shared_model()).err().unwrap();
    assert_eq!(error.key, "camera");
    assert!(error.reason.contains("did you mean `front`?"), "{}", error.reason);
    let bare = model("<mujoco><worldbody><body><joint/><geom size='.1'/></body></worldbody></mujoco>");
    assert!(
        Camera::new(Some("front"), &bare)
            .err()
            .unwrap()
            .reason
            .contains("the file names no cameras")
    );
}

#[test]
fn scenes_of_a_model_share_its_meshes() {
    let robot = cart();
    let camera = Camera::new(None, &robot.shared_model()).unwrap();
    let meshes = |camera: &Camera| {
        let shapes = camera.scene(&robot).shapes.into_iter();
        let meshes = shapes.filter_map(|(_, shape)| match shape {
            Shape::Mesh { mesh, .. } => Some(mesh),
            _ => None,
        });
        meshes.collect::<Vec<_>>()
    };
    let (first, second) = (meshes(&camera), meshes(&camera));
    assert!(first.iter().zip(&second).all(|(a, b)| Arc::ptr_eq(a, b)));
}

/// An arm of 1 m that turns all around stays in the picture; one that is fixed but
/// for 20 degrees is drawn larger.
#[test]
fn an_arm_that_turns_all_around_has_room_for_it() {
    let height = |joint: &str| {
        let arm = format!(
            "<mujoco><worldbody><body name='arm'><joint {joint} axis='0 1 0'/>
               <geom type='capsule' fromto='0 0 0 1 0 0' size='.05'/></body></worldbody></mujoco>"
        );
        let robot = Simulation::new(model(&arm)).unwrap();
        let scene = Camera::new(None, &robot.shared_model()).unwrap().scene(&robot);
        let View::Camera { eye, target, fov, .. } = scene.view else {
            panic!("a camera")
        };
        let distance = (0..3).map(|i| (eye[i] - target[i]).powi(2)).sum::<f32>().sqrt();
        (2.0 * distance * (0.5 * fov).to_radians().tan(), target)
    };
    let (free, target) = height("");
    assert!(
        free > 2.0 * 1.05 && free < 3.0 && near(target, [0.0; 3]),
        "{free} {target:?}"
    );
    let (limited, target) = height("range='-10 10'");
    assert!(
        limited < 0.7 * free && near(target, [0.5, 0.0, 0.0]),
        "{limited} {target:?}"
    );
}

#[test]
fn a_robot_without_a_floor_that_falls_has_none() {
    let free = model("<mujoco><worldbody><body><freejoint/><geom size='.1'/></body></worldbody></mujoco>");
    let robot = Simulation::new(free).unwrap();
    let scene = Camera::new(None, &robot.shared_model()).unwrap().scene(&robot);
    assert!(matches!(scene.view, View::Camera { floor: None, .. }));
    let fixed = model("<mujoco><worldbody><body pos='0 0 .3'><joint/><geom size='.1'/></body></worldbody></mujoco>");
    let robot = Simulation::new(fixed).unwrap();
    let View::Camera { floor: Some(floor), .. } = Camera::new(None, &robot.shared_model()).unwrap().scene(&robot).view
    else {
        panic!("a floor under what is fixed")
    };
    assert!((floor - 0.2).abs() < 1e-6);
}
