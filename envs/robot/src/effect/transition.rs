//! `transition`: the change of the state over a control step, which is what the MORPH paper's proxy imitates. True hardware is
//! MuJoCo itself, put into the queried state.

use mujoco_rs::wrappers::MjModel;
use tandem_core::check::SettingError;
use tandem_core::{Channel, Effect, HardwareSpec};

use super::ranges::Ranges;
use super::sites::{place_size, put_sites};
use super::state_query::StateQuery;
use super::{Cut, explore, failed};
use crate::engine::EngineError;
use crate::names;
use crate::simulation::Simulation;
use crate::world::Parts;

/// The effect is the change of velocities, which the task sees, then that of positions and activations. Of a robot that is
/// fixed to the world the task sees the places of its sites too: a design acts on them beside the motion.
pub struct Transition {
    query: StateQuery,
    spec: HardwareSpec,
    /// Numbers of the sites' places in the effect.
    places: usize,
}

impl Transition {
    /// The cut for this robot; ranges and sizes are measured under random commands.
    ///
    /// # Errors
    /// A robot that MuJoCo cannot move.
    pub(crate) fn new(parts: &Parts) -> Result<Self, SettingError> {
        let model = parts.robot.start_model();
        let query = StateQuery::new(model);
        let places = if query.is_whole(model) {
            3 * model.ffi().nsite as usize
        } else {
            0
        };
        let len = 2 * model.ffi().nv as usize + places + model.ffi().na as usize;
        let mut answerer = Simulation::new(model.clone()).map_err(failed)?;
        let (mut asked, mut answered) = (Ranges::new(query.len(&answerer)), Ranges::new(len));
        let (mut row, mut effect) = (vec![0f32; query.len(&answerer)], vec![0f64; len]);
        explore(parts, |robot, controls| {
            query.write(robot, controls, &mut row);
            respond(&query, parts, places, &mut answerer, (&row, &mut effect))?;
            asked.see(&row);
            answered.see(&effect);
            Ok(())
        })
        .map_err(failed)?;
        let spec = HardwareSpec::new(query.channels(model, &asked), effects(model, places, &answered.sizes()));
        Ok(Self { query, spec, places })
    }
}

/// The effects in their order: velocities and places, which the task sees, then positions and activations.
fn effects(model: &MjModel, places: usize, sizes: &[f32]) -> Vec<Effect> {
    let change = |c: Channel| Channel::new(format!("{}_change", c.name), &c.unit);
    let velocities = names::velocities(model).into_iter().map(change);
    let sites = names::sites(model).into_iter().take(places);
    let moves = names::moves(model).into_iter().map(change);
    let activations = (0..model.ffi().na).map(|i| Channel::new(format!("activation_{i}_change"), "1"));
    let nv = model.ffi().nv as usize;
    let all = velocities.chain(sites).chain(moves).chain(activations);
    let effect = |(i, (channel, &size)): (usize, (Channel, &f32))| match i {
        _ if i < nv => Effect::task(channel.name, &channel.unit, size),
        _ if i < nv + places => Effect::task(channel.name, &channel.unit, place_size(model)),
        _ => Effect::state(channel.name, &channel.unit, size),
    };
    all.zip(sizes).enumerate().map(effect).collect()
}

/// The true change, `[effect]`: of velocities, of positions (as a rotation where it is one), of activations; and the first so
/// many numbers of the sites' places.
fn respond(
    of: &StateQuery,
    parts: &Parts,
    places: usize,
    robot: &mut Simulation,
    (query, effect): (&[f32], &mut [f64]),
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
    if places > 0 {
        robot.kinematics()?;
    }
    let data = robot.data();
    let moved = robot.model().differentiate_pos(1.0, &before[0], data.qpos());
    let change = |after: &[f64], before: &[f64]| -> Vec<f64> { after.iter().zip(before).map(|(a, b)| a - b).collect() };
    let velocities = change(data.qvel(), &before[1]);
    let activations = change(data.act(), &before[2]);
    let sites = data.site_xpos().iter().flatten().take(places);
    let all = velocities.iter().chain(sites).chain(&*moved).chain(&activations);
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
        respond(&self.query, parts, self.places, robot, (query, effect))
    }

    /// Contacts begin and end from one design to the next.
    fn smooth(&self) -> bool {
        false
    }

    fn advance(&self, parts: &Parts, robot: &mut Simulation, effect: &[f32]) -> Result<(), EngineError> {
        let nv = robot.data().qvel().len();
        let effect: Vec<f64> = effect.iter().map(|&x| f64::from(x)).collect();
        let (velocities, rest) = effect.split_at(nv);
        let rest = &rest[self.places..];
        let (moved, activations) = rest.split_at(nv);
        let mut qpos = robot.data().qpos().to_vec();
        robot.model().integrate_pos(&mut qpos, moved, 1.0);
        let data = robot.data_mut();
        data.qpos_mut().copy_from_slice(&qpos);
        data.qvel_mut().iter_mut().zip(velocities).for_each(|(v, dv)| *v += dv);
        data.act_mut().iter_mut().zip(activations).for_each(|(a, da)| *a += da);
        let time = data.time() + parts.terms.control_dt();
        data.set_time(time);
        Ok(())
    }

    fn show(&self, robot: &mut Simulation, effect: &[f32]) {
        if let Some(places) = effect
            .get(robot.data().qvel().len()..)
            .and_then(|rest| rest.get(..self.places))
        {
            put_sites(robot, places);
        }
    }
}
