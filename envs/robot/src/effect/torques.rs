//! `torques`: the forces that actuators and springs put on the joints. All other physics stays in the world, so that this is
//! cheap and exact where only actuators, springs and tendons are designed.

use std::sync::Arc;

use mujoco_rs::mujoco_c::mjtDisableBit;
use mujoco_rs::wrappers::MjModel;
use tandem_core::check::SettingError;
use tandem_core::{Effect, HardwareSpec};

use super::ranges::Ranges;
use super::state_query::StateQuery;
use super::{Cut, explore, failed};
use crate::engine::EngineError;
use crate::names;
use crate::simulation::Simulation;
use crate::world::Parts;

/// Generalised forces of actuators and springs at the beginning of a control step, held for the step.
pub struct Torques {
    query: StateQuery,
    spec: HardwareSpec,
}

impl Torques {
    /// The cut for this robot; ranges and sizes are measured under random commands.
    ///
    /// # Errors
    /// Actuators with a state of their own, whose forces are no function of what is asked; a robot that MuJoCo cannot move.
    pub(crate) fn new(parts: &Parts) -> Result<Self, SettingError> {
        let model = parts.robot.start_model();
        if model.ffi().na > 0 {
            let reason =
                "`torques` does not suit actuators with a state of their own (muscles, filters): use `transition`";
            return Err(SettingError::new("effect", reason));
        }
        let query = StateQuery::new(model);
        let nv = model.ffi().nv as usize;
        let mut answerer = Simulation::new(model.clone()).map_err(failed)?;
        let (mut asked, mut answered) = (Ranges::new(query.len(&answerer)), Ranges::new(nv));
        let (mut row, mut effect) = (vec![0f32; query.len(&answerer)], vec![0f64; nv]);
        explore(parts, |robot, controls| {
            query.write(robot, controls, &mut row);
            respond(&query, &mut answerer, &row, &mut effect)?;
            asked.see(&row);
            answered.see(&effect);
            Ok(())
        })
        .map_err(failed)?;
        let forces = names::forces(model).into_iter().zip(answered.sizes());
        let effects = forces.map(|(c, scale)| Effect::task(c.name, &c.unit, scale));
        Ok(Self {
            spec: HardwareSpec::new(query.channels(model, &asked), effects.collect()),
            query,
        })
    }
}

fn respond(of: &StateQuery, robot: &mut Simulation, query: &[f32], effect: &mut [f64]) -> Result<(), EngineError> {
    of.read(query, robot)?;
    robot.forward()?;
    let data = robot.data();
    let forces = data.qfrc_actuator().iter().zip(data.qfrc_spring());
    effect.iter_mut().zip(forces).for_each(|(to, (a, s))| *to = a + s);
    Ok(())
}

impl Cut for Torques {
    fn spec(&self) -> &HardwareSpec {
        &self.spec
    }

    fn world_model(&self, model: Arc<MjModel>) -> Arc<MjModel> {
        let mut passive = MjModel::clone(&model);
        passive.opt_mut().disableflags |= mjtDisableBit::mjDSBL_ACTUATION as i32 | mjtDisableBit::mjDSBL_SPRING as i32;
        Arc::new(passive)
    }

    fn query(&self, _: &Parts, robot: &Simulation, controls: &[f64], out: &mut [f32]) -> Result<(), EngineError> {
        self.query.write(robot, controls, out);
        Ok(())
    }

    fn respond(&self, _: &Parts, robot: &mut Simulation, query: &[f32], effect: &mut [f64]) -> Result<(), EngineError> {
        respond(&self.query, robot, query, effect)
    }

    fn advance(&self, parts: &Parts, robot: &mut Simulation, effect: &[f32]) -> Result<(), EngineError> {
        let applied = robot.data_mut().qfrc_applied_mut();
        applied.iter_mut().zip(effect).for_each(|(to, &x)| *to = f64::from(x));
        for _ in 0..parts.control_steps {
            robot.step()?;
        }
        Ok(())
    }
}
