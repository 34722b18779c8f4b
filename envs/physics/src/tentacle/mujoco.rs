//! The exported tentacle in MuJoCo: a second judge of its statics, by a machine with masses that has to come to rest.

use serde::{Deserialize, Serialize};
use tandem_mujoco::Machine;
use tandem_mujoco::machine::Fault;

use super::config::{CONTROL_DT, JOINTS, MAX_TENDONS, Settings, WINCH_RADIUS};
use super::export;
use super::hardware::Body;

/// A tentacle in MuJoCo. Links, joints and winches have the numbers of the mechanism's bodies and actuators.
#[derive(Serialize, Deserialize)]
pub(super) struct MujocoTentacle {
    machine: Machine,
    /// Length of the last link, m.
    last: f64,
    /// What the winches have wound up, m; the first `tendons` count, here and below.
    wound: [f64; MAX_TENDONS],
    /// What they can wind up before they stall, m.
    most: [f64; MAX_TENDONS],
    substeps: usize,
}

/// What winches at these angles, rad, have wound up, m.
fn wound(winches: &[f32], most: &[f64; MAX_TENDONS]) -> [f64; MAX_TENDONS] {
    let pull = |i| winches.get(i).map_or(0.0, |&angle| WINCH_RADIUS * f64::from(angle));
    std::array::from_fn(|i| pull(i).min(most[i]))
}

impl MujocoTentacle {
    /// Builds a tentacle at rest with its winches and joints at these angles, rad; `substeps` physics steps make a control
    /// step.
    ///
    /// `None` if MuJoCo refuses it, which a valid design cannot cause.
    pub fn new(settings: &Settings, parts: &Body, winches: &[f32], angles: &[f32], substeps: usize) -> Option<Self> {
        let mut mechanism = export::mechanism(settings, parts);
        mechanism.substeps = substeps;
        mechanism.dt = CONTROL_DT / substeps as f64;
        let mut most = [0.0; MAX_TENDONS];
        for (most, winch) in most.iter_mut().zip(&mechanism.actuators) {
            *most = winch.range[1];
        }
        let mut tentacle = Self {
            machine: Machine::new(&mechanism).ok()?,
            last: parts.lengths[JOINTS - 1],
            wound: wound(winches, &most),
            most,
            substeps,
        };
        for (joint, &angle) in angles.iter().enumerate() {
            tentacle.machine.put(joint, angle.into());
        }
        Some(tentacle)
    }

    /// Whether a tentacle that was stored has all its parts.
    pub fn is_whole(&self, tendons: usize) -> bool {
        [self.machine.bodies(), self.machine.actuators()] == [JOINTS, tendons] && self.substeps > 0
    }

    /// Moves on by one control step, over which the winches go evenly to these angles, rad; the tip, m, and the joint angles,
    /// rad, in an effect's order.
    ///
    /// # Errors
    /// The reason why the physics gave up.
    pub fn step(&mut self, winches: &[f32]) -> Result<[f32; 2 + JOINTS], Fault> {
        let (from, to) = (self.wound, wound(winches, &self.most));
        for k in 1..=self.substeps {
            let share = k as f64 / self.substeps as f64;
            for i in 0..winches.len() {
                self.wound[i] = from[i] + share * (to[i] - from[i]);
                self.machine.aim(i, self.wound[i], 0.0);
            }
            self.machine.step()?;
        }
        self.machine.refresh()?;
        let [x, y, _] = self.machine.point(JOINTS - 1, [0.0, self.last, 0.0]);
        let mut effect = [x as f32, y as f32, 0.0, 0.0, 0.0];
        for (joint, angle) in effect[2..].iter_mut().enumerate() {
            *angle = self.machine.position(joint) as f32;
        }
        Ok(effect)
    }
}
