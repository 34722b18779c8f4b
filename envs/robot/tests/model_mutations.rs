//! Files with faults of all kinds: whatever is wrong, the process goes on, and there is one line that says it.

#[path = "../../../tests/common/mjcf_mutation.rs"]
mod mjcf_mutation;
mod model_support;

use model_support::Files;
use serde_json::json;
use tandem_core::Stream;
use tandem_core::check::SettingError;

const ROBOT: &str = r#"
<mujoco>
  <compiler angle="degree"/>
  <option timestep="0.002" integrator="RK4" iterations="50"/>
  <size memory="1M" nuserdata="2"/>
  <asset>
    <texture name="grid" type="2d" builtin="checker" width="10" height="10"/>
    <material name="grid" texture="grid"/>
    <mesh name="tet" vertex="0 0 0 0.1 0 0 0 0.1 0 0 0 0.1"/>
    <hfield name="hills" nrow="4" ncol="4" size="5 5 1 0.1"/>
  </asset>
  <custom><numeric name="n" data="1 2 3" size="4"/></custom>
  <worldbody>
    <geom name="floor" type="plane" size="5 5 1" material="grid"/>
    <body name="torso" pos="0 0 1">
      <freejoint name="root"/>
      <geom name="torso" type="box" size="0.2 0.1 0.05"/>
      <geom name="tet" type="mesh" mesh="tet"/>
      <site name="hook" pos="0.1 0 0" size="0.01"/>
      <frame pos="0.2 0 0" euler="0 10 0">
        <body name="thigh">
          <joint name="hip" axis="0 1 0" range="-90 90"/>
          <geom name="thigh" type="capsule" fromto="0 0 0 0 0 -0.4" size="0.05"/>
          <body name="shin" pos="0 0 -0.4">
            <joint name="knee" axis="0 1 0" type="hinge"/>
            <inertial pos="0 0 -0.2" mass="2" diaginertia="0.03 0.025 0.01"/>
            <geom name="shin" type="cylinder" pos="0 0 -0.2" size="0.04 0.2"/>
            <site name="foot" pos="0 0 -0.4"/>
          </body>
        </body>
      </frame>
    </body>
    <replicate count="2" offset="0.1 0 0"><geom size="0.01" pos="2 0 0.1"/></replicate>
  </worldbody>
  <tendon>
    <fixed name="flexor"><joint joint="hip" coef="0.5"/><joint joint="knee" coef="0.2"/></fixed>
    <spatial name="rope" stiffness="10" width="0.01"><site site="hook"/><site site="foot"/></spatial>
  </tendon>
  <actuator>
    <motor name="hip" joint="hip" gear="10" ctrlrange="-1 1"/>
    <position name="knee" joint="knee" kp="5"/>
    <general tendon="flexor" dyntype="filter" dynprm="0.1"/>
  </actuator>
  <sensor><jointpos joint="hip"/><touch site="foot"/><accelerometer site="hook" nsample="2"/></sensor>
  <keyframe><key name="home" qpos="0 0 1 1 0 0 0 0 0"/></keyframe>
</mujoco>"#;

#[test]
fn no_fault_ends_the_process() {
    let (mut built, mut refused) = (0, 0);
    for i in 0..500 {
        let mut stream = Stream::new(i, "mutations", 0);
        let mut text = ROBOT.to_string();
        for _ in 0..=stream.below(3) {
            text = mjcf_mutation::mutate(&text, &mut stream);
        }
        let files = Files::with("robot.xml", &text);
        let design = json!([
            {"name": "thigh", "low": 0.1, "high": 1, "edit": ["length(body:thigh)"]},
            {"name": "shin", "low": 0.01, "high": 0.1, "edit": ["thickness(body:shin)"], "inertial": "uniform"},
            {"name": "torso", "low": 0.1, "high": 90, "edit": ["mass(body:torso)"]},
            {"name": "pulley", "low": 0.1, "high": 1, "edit": ["tendon:flexor.coef[hip]"]}
        ]);
        match files.load(design, json!({})).and_then(|robot| robot.survey(0, 1)) {
            Ok(_) => built += 1,
            Err(error) => {
                refused += 1;
                let text = SettingError::from(error).to_string();
                assert!(!text.is_empty() && !text.contains('\n'), "{text}");
            }
        }
    }
    assert!(built > 30 && refused > 100, "{built} {refused}");
}
