//! Tiny robots of our own and what tests do with them.
#![allow(dead_code, reason = "each test uses a part of it")]

use std::sync::Arc;

use mujoco_rs::wrappers::MjModel;
use serde_json::{Value, json};
use tandem_core::Stream;
use tandem_robot::terms::{Memory, Terms};
use tandem_robot::{Config, Simulation};

/// A box of 2 kg in the air, which may move freely.
pub const BOX: &str = r#"<mujoco><option timestep="0.01"/><worldbody>
  <body name="box" pos="0 0 1"><freejoint name="root"/>
    <geom name="cube" type="box" size="0.1 0.1 0.1" mass="2"/>
    <site name="corner" pos="0.1 0.1 0.1"/>
  </body></worldbody></mujoco>"#;

/// The same box at rest on a floor, after it has sunk in until its weight is carried.
pub const RESTING: &str = r#"<mujoco><option timestep="0.005"/><worldbody>
  <geom name="floor" type="plane" size="5 5 1"/>
  <body name="box" pos="0 0 0.1"><freejoint name="root"/>
    <geom name="cube" type="box" size="0.1 0.1 0.1" mass="2"/>
  </body></worldbody></mujoco>"#;

/// A pendulum without gravity: hinge about y, a rod of 1 m hanging down, a tip, motor, servos, sensor, a key frame.
pub const PENDULUM: &str = r#"<mujoco><compiler angle="radian"/><option timestep="0.01" gravity="0 0 0"/><worldbody>
  <body name="pole"><joint name="swing" type="hinge" axis="0 1 0" range="-1 1.5" limited="true"/>
    <geom name="rod" type="capsule" fromto="0 0 0 0 0 -1" size="0.02" mass="1"/>
    <site name="tip" pos="0 0 -1"/>
  </body>
  <body name="cart" pos="0 1 0"><joint name="rail" type="slide" axis="1 0 0"/>
    <geom name="wagon" type="sphere" size="0.1" mass="3"/>
  </body>
  <body name="goal" mocap="true" pos="0 0 -1"><geom type="sphere" size="0.01" contype="0" conaffinity="0"/></body>
  </worldbody>
  <tendon><fixed name="cord"><joint joint="rail" coef="1"/></fixed></tendon>
  <actuator>
    <motor name="motor" joint="swing" gear="2" ctrllimited="true" ctrlrange="-1 3"/>
    <position name="servo" joint="swing" kp="10"/>
    <velocity name="cruise" joint="rail" kv="5"/>
    <motor name="pull" tendon="cord" ctrllimited="true" ctrlrange="-4 4"/>
  </actuator>
  <sensor><jointpos name="angle" joint="swing"/><framepos name="tip_place" objtype="site" objname="tip"/></sensor>
  <keyframe><key name="home" qpos="0.25 0.5" qvel="0 0"/></keyframe>
</mujoco>"#;

/// An episode at hand: terms, robot, memory.
pub struct Episode {
    pub terms: Terms,
    pub robot: Simulation,
    pub memory: Memory,
    pub stream: Stream,
}

/// A task with these parts; observation, action and reward are empty where they are not given.
pub fn config(parts: Value) -> Config {
    let mut all = json!({"model": "robot.xml", "observation": [], "action": [], "reward": [], "control_steps": 2});
    let all_parts = all.as_object_mut().unwrap();
    all_parts.extend(parts.as_object().unwrap().clone());
    serde_json::from_value(all).unwrap()
}

pub fn model(xml: &str) -> MjModel {
    MjModel::from_xml_string(xml).unwrap()
}

impl Episode {
    /// An episode of this task at its start, with seed 1.
    pub fn new(xml: &str, parts: Value) -> Self {
        Self::seeded(xml, parts, 1)
    }

    pub fn seeded(xml: &str, parts: Value, seed: u64) -> Self {
        let mut model = model(xml);
        let terms = Terms::new(&config(parts), &model).unwrap();
        let (mut memory, mut stream) = (terms.memory(), Stream::new(seed, "episode", 0));
        terms.draw(&mut memory, &mut stream);
        terms.randomise(&mut model, &memory).unwrap();
        let mut robot = Simulation::new(Arc::new(model)).unwrap();
        terms.start(&mut robot, &mut memory, &mut stream).unwrap();
        robot.forward().unwrap();
        terms.begin(&robot, &mut memory);
        Self {
            terms,
            robot,
            memory,
            stream,
        }
    }

    /// Sets positions and velocities and derives the rest.
    pub fn set(&mut self, qpos: &[f64], qvel: &[f64]) {
        self.robot.data_mut().qpos_mut().copy_from_slice(qpos);
        self.robot.data_mut().qvel_mut().copy_from_slice(qvel);
        self.robot.forward().unwrap();
    }

    /// One control step of two integration steps.
    pub fn step(&mut self, action: &[f64]) {
        self.terms.before_step(&mut self.robot, &mut self.memory, action);
        self.robot.step().unwrap();
        self.robot.step().unwrap();
        if self.terms.needs_forces() {
            self.robot.forces().unwrap();
        }
        self.terms.after_step(&self.robot, &mut self.memory);
        self.terms.events(&mut self.robot, &mut self.memory, &mut self.stream);
    }

    pub fn observe(&self) -> Vec<f64> {
        let mut out = vec![f64::NAN; self.terms.observation().len()];
        self.terms
            .observe(self.terms.context(&self.robot, &self.memory), &mut out);
        out
    }

    pub fn rewards(&self) -> Vec<f64> {
        let mut out = vec![f64::NAN; self.terms.reward().len()];
        self.terms
            .measure(self.terms.context(&self.robot, &self.memory), &mut out);
        let weighted = out.iter_mut().zip(self.terms.weights());
        weighted.for_each(|(value, weight)| *value *= weight);
        out
    }

    pub fn terminated(&self) -> bool {
        self.terms.terminated(self.terms.context(&self.robot, &self.memory))
    }

    pub fn success(&self) -> bool {
        self.terms.success(self.terms.context(&self.robot, &self.memory))
    }
}

/// A task that observes one term.
pub fn observing(term: &str, params: Value) -> Value {
    json!({"observation": [{"term": term, "params": params}]})
}

/// A task that rewards one term.
pub fn rewarding(term: &str, params: Value) -> Value {
    json!({"reward": [{"term": term, "params": params}]})
}

#[track_caller]
pub fn close(found: &[f64], expected: &[f64]) {
    let same = found.len() == expected.len() && found.iter().zip(expected).all(|(a, b)| (a - b).abs() < 1e-9);
    assert!(same, "{found:?} instead of {expected:?}");
}
