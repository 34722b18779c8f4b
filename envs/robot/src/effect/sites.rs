//! `sites`: places of the file's sites, from the coordinates of the joints (forward kinematics). The world moves the joints;
//! what the task reads of sites is the effect.

use mujoco_rs::wrappers::MjModel;
use tandem_core::check::SettingError;
use tandem_core::{Effect, HardwareSpec, Query};

use super::ranges::Ranges;
use super::{Cut, explore, failed, with_kept};
use crate::engine::EngineError;
use crate::names;
use crate::simulation::Simulation;
use crate::world::Parts;

/// Places of all sites, m, in world coordinates.
pub struct Sites {
    spec: HardwareSpec,
}

impl Sites {
    /// The cut for this robot; ranges and sizes are measured under random commands.
    ///
    /// # Errors
    /// A robot without sites, or one that MuJoCo cannot move.
    pub(crate) fn new(parts: &Parts) -> Result<Self, SettingError> {
        let model = parts.robot.start_model();
        let places = names::sites(model);
        if places.is_empty() {
            let reason = "is `sites`, but the robot's file has no site: name the places that matter by `<site>`, or use `transition`";
            return Err(SettingError::new("effect", reason));
        }
        let mut asked = Ranges::new(model.qpos0().len());
        explore(parts, |robot, _| {
            asked.see(robot.data().qpos());
            Ok(())
        })
        .map_err(failed)?;
        let channels = names::coordinates(model).into_iter().zip(asked.widened());
        let queries = channels.map(|(channel, bounds)| Query { channel, bounds });
        let scale = place_size(model);
        let effects = places.into_iter().map(|c| Effect::task(c.name, &c.unit, scale));
        Ok(Self {
            spec: HardwareSpec::new(queries.collect(), effects.collect()),
        })
    }
}

/// In what errors of places are measured: a tenth of the robot's size, m.
pub(super) fn place_size(model: &MjModel) -> f32 {
    (0.1 * model.stat().extent) as f32
}

/// Puts all sites at these places.
pub(super) fn put_sites(robot: &mut Simulation, places: &[f32]) {
    let sites = robot.data_mut().site_xpos_mut().iter_mut().flatten();
    sites.zip(places).for_each(|(to, &x)| *to = f64::from(x));
}

impl Cut for Sites {
    fn spec(&self) -> &HardwareSpec {
        &self.spec
    }

    /// The coordinates that the joints will have after the control step.
    fn query(&self, parts: &Parts, robot: &Simulation, controls: &[f64], out: &mut [f32]) -> Result<(), EngineError> {
        with_kept(robot.shared_model(), |scratch| {
            let mut state = vec![0.0; robot.state_len()];
            robot.store(&mut state);
            scratch.restore(&state)?;
            scratch.data_mut().ctrl_mut().copy_from_slice(controls);
            for _ in 0..parts.control_steps {
                scratch.step()?;
            }
            let after = scratch.data().qpos();
            out.iter_mut().zip(after).for_each(|(to, &x)| *to = x as f32);
            Ok(())
        })
    }

    fn respond(&self, _: &Parts, robot: &mut Simulation, query: &[f32], effect: &mut [f64]) -> Result<(), EngineError> {
        let mut qpos: Vec<f64> = query.iter().map(|&x| f64::from(x)).collect();
        robot.model().normalize_quat(&mut qpos);
        let data = robot.data_mut();
        data.qpos_mut().copy_from_slice(&qpos);
        data.kinematics();
        let places = data.site_xpos().iter().flatten();
        effect.iter_mut().zip(places).for_each(|(to, &x)| *to = x);
        Ok(())
    }

    fn advance(&self, parts: &Parts, robot: &mut Simulation, _effect: &[f32]) -> Result<(), EngineError> {
        for _ in 0..parts.control_steps {
            robot.step()?;
        }
        Ok(())
    }

    fn show(&self, robot: &mut Simulation, effect: &[f32]) {
        put_sites(robot, effect);
    }

    fn lasts(&self) -> bool {
        false
    }
}
