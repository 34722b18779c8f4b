//! Names and units of a robot's numbers, out of its file.

use mujoco_rs::wrappers::{MjModel, MjtJoint, MjtObjBase};
use tandem_core::Channel;

/// The name of an element of the file, or its kind and number where it has none.
pub fn of(model: &MjModel, kind: MjtObjBase, id: usize) -> String {
    let (prefix, named) = match kind {
        MjtObjBase::mjOBJ_BODY => ("body", model.id_to_name(kind, id)),
        MjtObjBase::mjOBJ_JOINT => ("joint", model.id_to_name(kind, id)),
        MjtObjBase::mjOBJ_GEOM => ("geom", model.id_to_name(kind, id)),
        MjtObjBase::mjOBJ_SITE => ("site", model.id_to_name(kind, id)),
        MjtObjBase::mjOBJ_ACTUATOR => ("actuator", model.id_to_name(kind, id)),
        MjtObjBase::mjOBJ_SENSOR => ("sensor", model.id_to_name(kind, id)),
        MjtObjBase::mjOBJ_KEY => ("key", model.id_to_name(kind, id)),
        _ => ("element", model.id_to_name(kind, id)),
    };
    match named {
        Some(name) if !name.is_empty() => name.into(),
        _ => format!("{prefix}_{id}"),
    }
}

/// Coordinates of all joints, `[nq]`: metres, radians, and quaternions of balls and free bodies.
pub fn coordinates(model: &MjModel) -> Vec<Channel> {
    per_joint(model, |name, kind| match kind {
        MjtJoint::mjJNT_FREE => [places(name, ["x", "y", "z"], "m"), quaternion(name)].concat(),
        MjtJoint::mjJNT_BALL => quaternion(name),
        MjtJoint::mjJNT_SLIDE => vec![Channel::new(name, "m")],
        MjtJoint::mjJNT_HINGE => vec![Channel::new(name, "rad")],
    })
}

/// Velocities of all joints, `[nv]`.
pub fn velocities(model: &MjModel) -> Vec<Channel> {
    tangent(model, "velocity", ["m/s", "rad/s"])
}

/// Changes of all coordinates, rotations as vectors, `[nv]`.
pub fn moves(model: &MjModel) -> Vec<Channel> {
    tangent(model, "position", ["m", "rad"])
}

/// Forces on all joints, `[nv]`.
pub fn forces(model: &MjModel) -> Vec<Channel> {
    tangent(model, "force", ["N", "Nm"])
}

/// Controls of all actuators, `[nu]`, in the file's own units.
pub fn controls(model: &MjModel) -> Vec<Channel> {
    let name = |id| format!("{}_control", of(model, MjtObjBase::mjOBJ_ACTUATOR, id));
    (0..model.ffi().nu as usize)
        .map(|id| Channel::new(name(id), "1"))
        .collect()
}

/// Places of all sites, `[3 nsite]`.
pub fn sites(model: &MjModel) -> Vec<Channel> {
    let name = |id| of(model, MjtObjBase::mjOBJ_SITE, id);
    (0..model.ffi().nsite as usize)
        .flat_map(|id| places(&name(id), ["x", "y", "z"], "m"))
        .collect()
}

fn per_joint(model: &MjModel, channels: impl Fn(&str, MjtJoint) -> Vec<Channel>) -> Vec<Channel> {
    let kinds = model.jnt_type().iter().enumerate();
    kinds
        .flat_map(|(id, &kind)| channels(&of(model, MjtObjBase::mjOBJ_JOINT, id), kind))
        .collect()
}

fn tangent(model: &MjModel, what: &str, [linear, angular]: [&str; 2]) -> Vec<Channel> {
    const AXES: [&str; 3] = ["x", "y", "z"];
    const TURNS: [&str; 3] = ["turn_x", "turn_y", "turn_z"];
    per_joint(model, |name, kind| {
        let name = &format!("{name}_{what}");
        match kind {
            MjtJoint::mjJNT_FREE => [places(name, AXES, linear), places(name, TURNS, angular)].concat(),
            MjtJoint::mjJNT_BALL => places(name, TURNS, angular),
            MjtJoint::mjJNT_SLIDE => vec![Channel::new(name, linear)],
            MjtJoint::mjJNT_HINGE => vec![Channel::new(name, angular)],
        }
    })
}

fn places(name: &str, axes: [&str; 3], unit: &str) -> Vec<Channel> {
    axes.iter()
        .map(|axis| Channel::new(format!("{name}_{axis}"), unit))
        .collect()
}

fn quaternion(name: &str) -> Vec<Channel> {
    let parts = ["w", "x", "y", "z"];
    parts
        .iter()
        .map(|part| Channel::new(format!("{name}_q{part}"), "1"))
        .collect()
}
