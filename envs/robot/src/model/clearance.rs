//! A robot that floats is lifted or lowered with its design, so that its lowest point starts where the file has it: one with
//! longer legs does not start inside the floor.
//!
//! A root is a child of the world with a free joint or a vertical slide. Where the slide's `ref` is not 0, `qpos` means height
//! (Gymnasium's hopper and walker), and `ref` moves along with the body; else `qpos` stays relative to the start. Key frames are
//! lifted by what their own pose needs.

use std::sync::Arc;

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_editing::{MjSpec, MjsJoint, MjsKey};
use mujoco_rs::wrappers::mj_model::MjtJoint;
use nalgebra::Vector3;

use super::anatomy::{Anatomy, place as isometry};
use super::error::ModelError;
use super::{parts, place, stretch};
use crate::simulation::Simulation;

/// A floating root.
#[derive(Clone, Debug)]
struct Root {
    body: usize,
    /// Number of the body in the compiled model.
    id: usize,
    /// The slide's place in the file, and which way it points; none for a free joint.
    slide: Option<(usize, f64)>,
    /// Whether its `qpos` is a height.
    absolute: bool,
    /// Where its height is in `qpos`.
    address: usize,
}

/// The floating roots of a robot and their lowest points in the file.
#[derive(Clone, Debug, Default)]
pub(super) struct Clearance {
    roots: Vec<Root>,
    /// Lowest point for each pose (the reference, then the key frames) and root, m.
    lowest: Vec<Vec<Option<f64>>>,
}

impl Clearance {
    /// Looks at the robot as the file has it.
    ///
    /// # Errors
    /// A robot that MuJoCo cannot evaluate.
    pub(super) fn of(spec: &MjSpec, anatomy: &Anatomy, model: &Arc<MjModel>) -> Result<Self, ModelError> {
        let roots = roots(spec, anatomy, model);
        let lowest = lowest(&roots, model)?;
        Ok(Self { roots, lowest })
    }

    /// Whether nothing floats.
    pub(super) fn is_empty(&self) -> bool {
        self.roots.is_empty()
    }

    /// Whether every root has shapes that touch things, so that its lowest point is one of those.
    pub(super) fn touches(&self, model: &MjModel) -> bool {
        let solid = |geom: usize| model.geom_contype()[geom] != 0 || model.geom_conaffinity()[geom] != 0;
        let bodies = model.geom_bodyid();
        let under = |root: &Root| {
            (0..bodies.len()).any(|geom| solid(geom) && place::below(model, bodies[geom] as usize, root.id))
        };
        self.roots.iter().all(under)
    }

    /// Lifts the roots of an edited file, of which `model` is made.
    ///
    /// # Errors
    /// A robot that MuJoCo cannot evaluate.
    pub(super) fn keep(&self, spec: &mut MjSpec, model: &Arc<MjModel>) -> Result<(), ModelError> {
        let now = lowest(&self.roots, model)?;
        for (r, root) in self.roots.iter().enumerate() {
            let lift = |pose: usize| {
                let (was, is) = (self.lowest.get(pose)?.get(r)?, now.get(pose)?.get(r)?);
                Some((*was)? - (*is)?).filter(|lift| lift.is_finite() && lift.abs() > 1e-12)
            };
            let start = lift(0).unwrap_or(0.0);
            let lost = |reason: String| ModelError::Design {
                design: "the robot".into(),
                reason,
            };
            if let Some(body) = parts::nth(spec, root.body).filter(|_| start != 0.0) {
                stretch::shift(body, Vector3::z() * start).map_err(lost)?;
            }
            let sign = root.slide.map_or(1.0, |(_, sign)| sign);
            if let Some((joint, _)) = root.slide.filter(|_| root.absolute)
                && let Some(joint) = parts::nth::<MjsJoint>(spec, joint)
            {
                *joint.ref_mut() += sign * start;
                let [low, high] = *joint.range();
                if low < high {
                    *joint.range_mut() = [low + sign * start, high + sign * start];
                }
            }
            for key in 0..self.lowest.len().saturating_sub(1) {
                let lift = lift(key + 1).unwrap_or(0.0) - if root.absolute { 0.0 } else { start };
                let Some(key) = parts::nth::<MjsKey>(spec, key).filter(|_| lift != 0.0) else {
                    continue;
                };
                let mut qpos = key.qpos().to_vec();
                if let Some(height) = qpos.get_mut(root.address) {
                    *height += sign * lift;
                    key.set_qpos(&qpos);
                }
            }
        }
        Ok(())
    }
}

fn roots(spec: &MjSpec, anatomy: &Anatomy, model: &MjModel) -> Vec<Root> {
    let joints = parts::all::<MjsJoint>(spec);
    let mut roots = Vec::new();
    for &body in anatomy.bodies.first().map_or(&[][..], |world| &world.children) {
        let limb = &anatomy.bodies[body];
        let turn = isometry(model.body_pos()[limb.id], model.body_quat()[limb.id]).rotation;
        let root = limb.joints.iter().find_map(|&joint| {
            let id = anatomy.joints[joint];
            let address = model.jnt_qposadr()[id] as usize;
            let root = Root {
                body,
                id: limb.id,
                slide: None,
                absolute: true,
                address,
            };
            match model.jnt_type()[id] {
                MjtJoint::mjJNT_FREE => Some(Root {
                    address: address + 2,
                    ..root
                }),
                MjtJoint::mjJNT_SLIDE => {
                    let up = (turn * Vector3::from(model.jnt_axis()[id])).z;
                    let absolute = *joints[joint].ref_() != 0.0;
                    let slide = Some((joint, up.signum()));
                    (up.abs() > 1.0 - 1e-6).then_some(Root {
                        slide,
                        absolute,
                        ..root
                    })
                }
                _ => None,
            }
        });
        roots.extend(root);
    }
    roots
}

fn lowest(roots: &[Root], model: &Arc<MjModel>) -> Result<Vec<Vec<Option<f64>>>, ModelError> {
    if roots.is_empty() {
        return Ok(Vec::new());
    }
    let mut robot = Simulation::new(model.clone())?;
    let (size, keys) = (model.qpos0().len(), model.key_qpos());
    let mut lowest = Vec::new();
    for pose in std::iter::once(model.qpos0()).chain(keys.chunks(size.max(1))) {
        robot.data_mut().qpos_mut().copy_from_slice(pose);
        robot.forward()?;
        let down = |root: &Root| {
            place::furthest(&robot, -Vector3::z(), |body| place::below(model, body, root.id), true).map(|depth| -depth)
        };
        lowest.push(roots.iter().map(down).collect());
    }
    Ok(lowest)
}
