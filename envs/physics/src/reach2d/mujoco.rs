//! The exported arm in MuJoCo: a second judge.

use serde::{Deserialize, Serialize};
use tandem_core::mechanism::decimal;
use tandem_mujoco::Machine;

use super::chain::Aim;
use super::config::{CONTROL_DT, Settings};
use super::export;
use super::hardware::Arm;
use super::machine::Fault;
use super::walls::Walls;

/// An arm in MuJoCo. Link, hinge and servo `i` of the arm are those of the mechanism.
#[derive(Serialize, Deserialize)]
pub(super) struct MujocoArm {
    machine: Machine,
    base: [f64; 2],
    lengths: Vec<f64>,
}

impl MujocoArm {
    /// Builds an arm at rest with these joint angles, rad.
    ///
    /// `None` if MuJoCo refuses the chain, which a valid design cannot cause.
    pub fn new(settings: &Settings, walls: &Walls, arm: &Arm, angles: &[f64]) -> Option<Self> {
        let mut mechanism = export::mechanism(settings, walls, arm);
        mechanism.substeps = settings.substeps;
        mechanism.dt = decimal(CONTROL_DT) / settings.substeps as f64;
        let [x, y, _] = mechanism.bodies.first()?.position;
        let mut machine = Self {
            machine: Machine::new(&mechanism).ok()?,
            base: [x, y],
            lengths: arm.lengths.to_vec(),
        };
        machine.rest(angles);
        Some(machine)
    }

    /// Number of links; `None` for an arm that was not stored whole.
    pub fn links(&self) -> Option<usize> {
        let links = self.lengths.len();
        ([self.machine.bodies(), self.machine.actuators()] == [links; 2]).then_some(links)
    }

    /// Angles of the hinges, rad.
    pub fn angles(&self) -> impl Iterator<Item = f64> {
        (0..self.lengths.len()).map(|i| self.machine.position(i))
    }

    /// Speeds of the hinges, rad/s.
    pub fn speeds(&self) -> impl Iterator<Item = f64> {
        (0..self.lengths.len()).map(|i| self.machine.speed(i))
    }

    /// The ends of the links, m: MuJoCo's own places lag a step behind its angles.
    pub fn ends(&self) -> impl Iterator<Item = [f64; 2]> {
        let links = self.angles().zip(&self.lengths);
        links.scan((0.0, self.base), |(heading, [x, y]), (angle, length)| {
            *heading += angle;
            *x += length * heading.cos();
            *y += length * heading.sin();
            Some([*x, *y])
        })
    }

    /// Link masses with their motors, kg.
    pub fn masses(&self) -> impl Iterator<Item = f64> {
        (0..self.lengths.len()).map(|i| self.machine.mass(i))
    }

    /// Moves on by one physics step.
    ///
    /// # Errors
    /// MuJoCo gave up.
    pub fn step(&mut self, aims: &[Aim]) -> Result<(), Fault> {
        for (i, aim) in aims.iter().enumerate() {
            self.machine.aim(i, aim.angle, aim.rate);
        }
        self.machine.step()
    }

    /// Puts the arm at rest at these angles, rad.
    pub fn rest(&mut self, angles: &[f64]) {
        for (i, &angle) in angles.iter().enumerate() {
            self.machine.put(i, angle);
        }
    }
}
