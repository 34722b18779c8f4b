//! What a changed shape could break without MuJoCo's noticing: loops that no longer close, tendons of a fixed length.

use std::sync::Arc;

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_model::{MjtEq, MjtObjBase, MjtWrap};
use nalgebra::{Isometry3, Vector3};

use super::anatomy::place;
use super::error::ModelError;
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
    size: f64,
}

impl Ties {
    /// Looks at a compiled robot.
    ///
    /// # Errors
    /// A robot that MuJoCo cannot evaluate.
    pub(super) fn of(model: &Arc<MjModel>) -> Result<Self, ModelError> {
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
        let now = Self::of(model).map_err(|error| error.to_string())?;
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
            let fixed = fixed(model, tendon) && !edited(tendon);
            if let (Some(was), Some(is)) = (was, is)
                && fixed
                && (is - was).abs() > SLACK * self.size
            {
                let name = model
                    .id_to_name(MjtObjBase::mjOBJ_TENDON, tendon)
                    .unwrap_or("without a name");
                return Err(format!(
                    "tendon {name} is {is:.4} m long in the reference pose instead of {was:.4} m, and the file says its \
                     `range` or `springlength`; design that too: `tendon:{name}.range[1]`"
                ));
            }
        }
        Ok(())
    }
}

impl Ties {
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

/// Whether a tendon's length is limited by numbers of the file, or its spring's length is.
fn fixed(model: &MjModel, tendon: usize) -> bool {
    let sprung = model.tendon_stiffness()[tendon] != 0.0 || model.tendon_damping()[tendon] != 0.0;
    model.tendon_limited()[tendon] || (sprung && model.tendon_lengthspring()[tendon] == [0.0, 0.0])
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
