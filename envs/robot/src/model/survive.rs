//! What a changed shape could break without MuJoCo's noticing: loops that no longer close, tendons of a fixed length.

use std::sync::Arc;

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_editing::{MjSpec, MjsTendon};
use mujoco_rs::wrappers::mj_model::{MjtEq, MjtObjBase, MjtWrap};
use nalgebra::{Isometry3, Vector3};

use super::anatomy::place;
use super::error::ModelError;
use super::parts;
use crate::simulation::Simulation;

/// How far a loop may open or a tendon change, relative to the robot's size, and still count as a rounding error.
const SLACK: f64 = 1e-6;

/// What of the robot in its reference pose must not change, or may not change unnoticed.
#[derive(Clone, Debug, Default)]
pub(super) struct Ties {
    /// Distance between the two ends of each `connect` of sites and each `weld`, m.
    gaps: Vec<Option<f64>>,
    /// Where a `connect` of bodies holds its second one, by number and in its axes, m. MuJoCo takes the point that lies where
    /// the first one's is in the reference pose.
    seconds: Vec<Option<(usize, Vector3<f64>)>>,
    /// Length of each spatial tendon, m.
    tendons: Vec<Option<f64>>,
    /// Whether the file says at what length the spring of each tendon rests; else it is its length in the reference pose.
    rests: Vec<bool>,
    size: f64,
}

impl Ties {
    /// Looks at a robot as the file has it.
    ///
    /// # Errors
    /// A robot that MuJoCo cannot evaluate.
    pub(super) fn of(spec: &MjSpec, model: &Arc<MjModel>) -> Result<Self, ModelError> {
        let tendons = parts::all::<MjsTendon>(spec).into_iter();
        let rests = tendons.map(|tendon| tendon.springlength()[0] >= 0.0).collect();
        Ok(Self {
            rests,
            ..Self::measured(model)?
        })
    }

    fn measured(model: &Arc<MjModel>) -> Result<Self, ModelError> {
        if model.eq_type().is_empty() && model.ffi().ntendon == 0 {
            return Ok(Self::default());
        }
        let robot = Simulation::new(model.clone())?;
        let gaps = (0..model.eq_type().len()).map(|eq| gap(&robot, eq)).collect();
        let seconds = (0..model.eq_type().len()).map(|eq| second(model, eq)).collect();
        let tendons = (0..model.ffi().ntendon as usize)
            .map(|tendon| length(&robot, tendon))
            .collect();
        Ok(Self {
            gaps,
            seconds,
            tendons,
            rests: Vec::new(),
            size: model.stat().extent.max(1e-3),
        })
    }

    /// Compares an edited robot with the file's: `edited` tells tendons whose length is designed, `carried` where a point of a
    /// body comes to lie as the body is stretched.
    ///
    /// # Errors
    /// The loop or tendon that does not survive, by name.
    pub(super) fn survive(
        &self,
        model: &Arc<MjModel>,
        edited: impl Fn(usize) -> bool,
        carried: impl Fn(usize, Vector3<f64>) -> Vector3<f64>,
    ) -> Result<(), String> {
        let now = Self::measured(model).map_err(|error| error.to_string())?;
        for (eq, (was, is)) in self.seconds.iter().zip(&now.seconds).enumerate() {
            if let (&Some((body, was)), Some((_, is))) = (was, is) {
                self.closed(model, eq, (carried(body, was) - is).norm())?;
            }
        }
        for (eq, (was, is)) in self.gaps.iter().zip(&now.gaps).enumerate() {
            if let (Some(was), Some(is)) = (was, is) {
                self.closed(model, eq, (is - was).abs())?;
            }
        }
        for (tendon, (was, is)) in self.tendons.iter().zip(&now.tendons).enumerate() {
            if let (Some(was), Some(is)) = (was, is)
                && (is - was).abs() > SLACK * self.size
                && let Some(field) = self.said(model, tendon).filter(|_| !edited(tendon))
            {
                let name = model
                    .id_to_name(MjtObjBase::mjOBJ_TENDON, tendon)
                    .unwrap_or("without a name");
                return Err(format!(
                    "tendon {name} is {is:.4} m long in the reference pose instead of {was:.4} m, and the file says its \
                     `{field}`; design that too: `tendon:{name}.{field}[1]`"
                ));
            }
        }
        Ok(())
    }

    /// Which number of the file was made for the length that a tendon has there: the limit of its length, or where its spring
    /// rests.
    fn said(&self, model: &MjModel, tendon: usize) -> Option<&'static str> {
        let sprung = model.tendon_stiffness()[tendon] != 0.0 || model.tendon_damping()[tendon] != 0.0;
        let rests = sprung && self.rests.get(tendon) == Some(&true);
        match model.tendon_limited()[tendon] {
            true => Some("range"),
            false => rests.then_some("springlength"),
        }
    }

    /// Refuses a loop that is further open than in the file by this distance, m.
    fn closed(&self, model: &MjModel, eq: usize, gap: f64) -> Result<(), String> {
        if gap <= SLACK * self.size {
            return Ok(());
        }
        let name = model
            .id_to_name(MjtObjBase::mjOBJ_EQUALITY, eq)
            .unwrap_or("without a name");
        Err(format!(
            "the loop of equality {name} no longer closes: in the reference pose its ends are {gap:.3e} m apart; design its \
             bodies together"
        ))
    }
}

fn length(robot: &Simulation, tendon: usize) -> Option<f64> {
    let model = robot.model();
    let first = model.tendon_adr()[tendon] as usize;
    let spatial = model
        .wrap_type()
        .get(first)
        .is_some_and(|&kind| kind != MjtWrap::mjWRAP_JOINT);
    spatial.then(|| robot.data().ten_length()[tendon])
}

fn second(model: &MjModel, eq: usize) -> Option<(usize, Vector3<f64>)> {
    let of_bodies = model.eq_objtype()[eq] == MjtObjBase::mjOBJ_BODY && model.eq_type()[eq] == MjtEq::mjEQ_CONNECT;
    let of_bodies = of_bodies && model.eq_active0()[eq];
    let numbers = model.eq_data()[eq];
    let point = Vector3::new(numbers[3], numbers[4], numbers[5]);
    of_bodies.then(|| (model.eq_obj2id()[eq] as usize, point))
}

fn gap(robot: &Simulation, eq: usize) -> Option<f64> {
    let (model, data) = (robot.model(), robot.data());
    let [first, second] = [model.eq_obj1id()[eq] as usize, model.eq_obj2id()[eq] as usize];
    let numbers = model.eq_data()[eq];
    if !model.eq_active0()[eq] {
        return None;
    }
    if model.eq_objtype()[eq] == MjtObjBase::mjOBJ_SITE {
        let [a, b] = [first, second].map(|site| Vector3::from(data.site_xpos()[site]));
        return Some((a - b).norm());
    }
    if model.eq_type()[eq] != MjtEq::mjEQ_WELD {
        return None;
    }
    let at = |body: usize| place(data.xpos()[body], data.xquat()[body]);
    let relative: Isometry3<f64> = at(first).inverse() * at(second);
    let said = Vector3::new(numbers[3], numbers[4], numbers[5]);
    Some((relative.translation.vector - said).norm())
}
