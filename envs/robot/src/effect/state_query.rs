//! A robot's state and controls as the query of a hardware model.

use mujoco_rs::wrappers::{MjModel, MjtGeomBase, MjtJoint};
use tandem_core::{Channel, Query};

use super::ranges::Ranges;
use crate::engine::EngineError;
use crate::names;
use crate::simulation::Simulation;

/// Which numbers of the state are asked, and in which order: coordinates, velocities, activations, controls.
pub struct StateQuery {
    /// Coordinates that are asked: all but those along which the surroundings look the same everywhere.
    coordinates: Vec<usize>,
}

impl StateQuery {
    /// The query for robots of this model.
    pub fn new(model: &MjModel) -> Self {
        let free = if flat(model) { unseen(model) } else { Vec::new() };
        let nq = model.qpos0().len();
        Self {
            coordinates: (0..nq).filter(|q| !free.contains(q)).collect(),
        }
    }

    /// Whether no coordinate is left out: the robot is fixed to the world, or its surroundings are not flat.
    pub fn is_whole(&self, model: &MjModel) -> bool {
        self.coordinates.len() == model.qpos0().len()
    }

    /// Names, units and the ranges in which uniform samples are drawn.
    pub fn channels(&self, model: &MjModel, ranges: &Ranges) -> Vec<Query> {
        let positions = names::coordinates(model);
        let velocities = names::velocities(model);
        let chosen = self.coordinates.iter().map(|&q| positions[q].clone());
        let activations = (0..model.ffi().na).map(|i| Channel::new(format!("activation_{i}"), "1"));
        let controls = names::controls(model);
        let channels = chosen.chain(velocities).chain(activations).chain(controls);
        let bounds = ranges.widened();
        let query = |(channel, bounds): (Channel, [f32; 2])| Query { channel, bounds };
        channels.zip(bounds).map(query).collect()
    }

    /// The number of values.
    pub fn len(&self, robot: &Simulation) -> usize {
        let data = robot.data();
        self.coordinates.len() + data.qvel().len() + data.act().len() + data.ctrl().len()
    }

    /// Writes the query of this state under these controls, `[query]`.
    pub fn write(&self, robot: &Simulation, controls: &[f64], out: &mut [f32]) {
        let data = robot.data();
        let qpos = data.qpos();
        let coordinates = self.coordinates.iter().map(|&q| qpos[q]);
        let rest = data.qvel().iter().chain(data.act()).chain(controls).copied();
        for (to, from) in out.iter_mut().zip(coordinates.chain(rest)) {
            *to = from as f32;
        }
    }

    /// Puts a robot into the state of a query, at rest in everything that is not asked.
    ///
    /// # Errors
    /// MuJoCo's own.
    pub fn read(&self, query: &[f32], robot: &mut Simulation) -> Result<(), EngineError> {
        robot.data_mut().reset();
        let mut numbers = query.iter().map(|&x| f64::from(x));
        let mut qpos = robot.data().qpos().to_vec();
        for (&q, x) in self.coordinates.iter().zip(numbers.by_ref()) {
            qpos[q] = x;
        }
        robot.model().normalize_quat(&mut qpos); // a drawn query's quaternion is of any length
        let data = robot.data_mut();
        data.qpos_mut().copy_from_slice(&qpos);
        data.qvel_mut()
            .iter_mut()
            .zip(numbers.by_ref())
            .for_each(|(to, x)| *to = x);
        data.act_mut()
            .iter_mut()
            .zip(numbers.by_ref())
            .for_each(|(to, x)| *to = x);
        data.ctrl_mut().iter_mut().zip(numbers).for_each(|(to, x)| *to = x);
        Ok(())
    }
}

/// Whether all that cannot move is horizontal planes.
fn flat(model: &MjModel) -> bool {
    let upright = |quat: &[f64; 4]| quat[1].abs() < 1e-9 && quat[2].abs() < 1e-9;
    (0..model.geom_type().len())
        .filter(|&g| model.geom_bodyid()[g] == 0)
        .all(|g| model.geom_type()[g] == MjtGeomBase::mjGEOM_PLANE && upright(&model.geom_quat()[g]))
}

/// Horizontal coordinates of floating roots: of free joints, and of slides on bodies that hang on the world.
fn unseen(model: &MjModel) -> Vec<usize> {
    let mut unseen = Vec::new();
    for (joint, kind) in model.jnt_type().iter().enumerate() {
        let (address, body) = (model.jnt_qposadr()[joint] as usize, model.jnt_bodyid()[joint] as usize);
        let on_world = model.body_parentid()[body] == 0;
        match kind {
            MjtJoint::mjJNT_FREE => unseen.extend([address, address + 1]),
            MjtJoint::mjJNT_SLIDE if on_world && model.jnt_axis()[joint][2].abs() < 1e-9 => unseen.push(address),
            _ => {}
        }
    }
    unseen
}
