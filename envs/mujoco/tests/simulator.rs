//! The MuJoCo that `./setup` brings is found without `LD_LIBRARY_PATH`, and is the version that the crate was made for.

use mujoco_rs::prelude::*;

const BALL: &str = r#"
<mujoco>
  <option timestep="0.001"/>
  <worldbody>
    <body pos="0 0 2"><freejoint/><geom size="0.1"/></body>
  </worldbody>
</mujoco>"#;

#[test]
fn the_library_is_the_version_that_its_bindings_are_written_for() {
    assert_eq!(mujoco_rs::mujoco_version(), "3.17.0");
}

/// A free fall from rest, by semi-implicit Euler: after `n` steps of `h` seconds it is `g h^2 n (n + 1) / 2` metres deep.
#[test]
fn a_ball_falls() {
    let model = MjModel::from_xml_string(BALL).unwrap();
    let mut data = MjData::new(&model);
    for _ in 0..100 {
        data.step();
    }
    let height = 2.0 - 9.81 * 0.001 * 0.001 * 100.0 * 101.0 / 2.0;
    assert!((data.qpos()[2] - height).abs() < 1e-12, "{}", data.qpos()[2]);
}
