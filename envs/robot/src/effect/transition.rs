//! `transition`: the change of the state over a control step, which is what the MORPH paper's proxy imitates. True hardware is
//! MuJoCo itself, put into the queried state.

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

/// The effect is the change of velocities, which the task sees, then that of positions and activations.
pub struct Transition {
    query: StateQuery,
    spec: HardwareSpec,
}

impl Transition {
    /// The cut for this robot; ranges and sizes are measured under random commands.
    ///
    /// # Errors
    /// A robot that MuJoCo cannot move.
    pub(crate) fn new(parts: &Parts) -> Result<Self, SettingError> {
        let model = parts.robot.start_model();
        let query = StateQuery::new(model);
        let mut answerer = Simulation::new(model.clone()).map_err(failed)?;
        let (mut asked, mut answered) = (Ranges::new(query.len(&answerer)), Ranges::new(len(model)));
        let (mut row, mut effect) = (vec![0f32; query.len(&answerer)], vec![0f64; len(model)]);
        explore(parts, |robot, controls| {
            query.write(robot, controls, &mut row);
            respond(&query, parts, &mut answerer, &row, &mut effect)?;
            asked.see(&row);
            answered.see(&effect);
            Ok(())
        })
        .map_err(failed)?;
        let spec = HardwareSpec::new(query.channels(model, &asked), effects(model, &answered.sizes()));
        Ok(Self { query, spec })
    }
}

/// Numbers of the effect.
fn len(model: &MjModel) -> usize {
    2 * model.ffi().nv as usize + model.ffi().na as usize
}

fn effects(model: &MjModel, sizes: &[f32]) -> Vec<Effect> {
    let velocities = names::velocities(model);
    let moves = names::moves(model);
    let activations = (0..model.ffi().na).map(|i| (format!("activation_{i}_change"), "1".to_owned()));
    let named = |c: tandem_core::Channel| (format!("{}_change", c.name), c.unit);
    let all = velocities.into_iter().chain(moves).map(named).chain(activations);
    let nv = model.ffi().nv as usize;
    let effect = |(i, ((name, unit), &scale)): (usize, ((String, String), &f32))| match i < nv {
        true => Effect::task(name, &unit, scale),
        false => Effect::state(name, &unit, scale),
    };
    all.zip(sizes).enumerate().map(effect).collect()
}

/// The true change, `[effect]`: of velocities, of positions (as a rotation where it is one), of activations.
fn respond(
    of: &StateQuery,
    parts: &Parts,
    robot: &mut Simulation,
    query: &[f32],
    effect: &mut [f64],
) -> Result<(), EngineError> {
    of.read(query, robot)?;
    let data = robot.data();
    let before = [data.qpos(), data.qvel(), data.act()].map(<[f64]>::to_vec);
    for _ in 0..parts.control_steps {
        robot.step()?;
    }
    if robot.diverged() {
        effect.fill(f64::NAN);
        return Ok(());
    }
    let data = robot.data();
    let moved = robot.model().differentiate_pos(1.0, &before[0], data.qpos());
    let change = |after: &[f64], before: &[f64]| -> Vec<f64> { after.iter().zip(before).map(|(a, b)| a - b).collect() };
    let velocities = change(data.qvel(), &before[1]);
    let activations = change(data.act(), &before[2]);
    let all = velocities.iter().chain(&*moved).chain(&activations);
    effect.iter_mut().zip(all).for_each(|(to, &x)| *to = x);
    Ok(())
}

impl Cut for Transition {
    fn spec(&self) -> &HardwareSpec {
        &self.spec
    }

    fn query(&self, _: &Parts, robot: &Simulation, controls: &[f64], out: &mut [f32]) -> Result<(), EngineError> {
        self.query.write(robot, controls, out);
        Ok(())
    }

    fn respond(
        &self,
        parts: &Parts,
        robot: &mut Simulation,
        query: &[f32],
        effect: &mut [f64],
    ) -> Result<(), EngineError> {
        respond(&self.query, parts, robot, query, effect)
    }

    /// Contacts begin and end from one design to the next.
    fn smooth(&self) -> bool {
        false
    }

    fn advance(&self, parts: &Parts, robot: &mut Simulation, effect: &[f32]) -> Result<(), EngineError> {
        let nv = robot.data().qvel().len();
        let effect: Vec<f64> = effect.iter().map(|&x| f64::from(x)).collect();
        let (velocities, rest) = effect.split_at(nv);
        let (moved, activations) = rest.split_at(nv);
        let mut qpos = robot.data().qpos().to_vec();
        robot.model().integrate_pos(&mut qpos, moved, 1.0);
        let data = robot.data_mut();
        data.qpos_mut().copy_from_slice(&qpos);
        data.qvel_mut().iter_mut().zip(velocities).for_each(|(v, dv)| *v += dv);
        data.act_mut().iter_mut().zip(activations).for_each(|(a, da)| *a += da);
        let time = data.time() + parts.control_dt;
        data.set_time(time);
        Ok(())
    }
}
