//! What a policy can see.

use std::ops::Range;

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_model::MjtObjBase as Kind;
use serde_json::{Map, Value};
use tandem_core::Channel;
use tandem_core::check::SettingError;
use tandem_core::spelling::hint;

use super::Context;
use super::catalogue::{self, Entry};
use super::lookup::{
    Joint, PLACE, Place, default_pose, find, local_velocity, minus, name, projected_gravity, root, to_frame,
};
use super::motion::{reaching, way_to_go};
use super::params::{Builder, wrong};
use super::raw::{cfrc_ext, qpos, qvel, sensor};
use super::shared::{Observation, Read, Shared, Told};

/// An observation term, or why it is refused.
pub type Built = Result<Observation, SettingError>;

/// The observation terms.
pub const TABLE: &[Entry<Observation>] = &[
    Entry::new(
        "base_lin_vel",
        "m/s",
        "R^T v",
        "Velocity of the root in its own frame.",
        |b| {
            let body = b.root()?;
            xyz("m/s", move |x, i| local_velocity(x.robot, body)[3 + i])
        },
    ),
    Entry::new(
        "base_ang_vel",
        "rad/s",
        "R^T w",
        "Angular velocity of the root in its own frame.",
        |b| {
            let body = b.root()?;
            xyz("rad/s", move |x, i| local_velocity(x.robot, body)[i])
        },
    ),
    Entry::new(
        "projected_gravity",
        "1",
        "R^T g / |g|",
        "Where down is, seen from the root.",
        |b| {
            let body = b.root()?;
            xyz("1", move |x, i| projected_gravity(x.robot, body)[i])
        },
    ),
    Entry::new("joint_pos", "rad or m", "q", "Positions of hinges and slides.", |b| {
        let joints = b.scalar_joints()?;
        let channels = each(&joints, |j| j.unit());
        built(channels, move |x, i| x.robot.data().qpos()[joints[i].qpos])
    }),
    Entry::new(
        "joint_pos_rel",
        "rad or m",
        "q - q_0",
        "Positions of hinges and slides from the default pose.",
        |b| {
            let joints = b.scalar_joints()?;
            let key = b.shared.key;
            let channels = each(&joints, |j| j.unit());
            built(channels, move |x, i| {
                x.robot.data().qpos()[joints[i].qpos] - default_pose(x.robot.model(), key)[joints[i].qpos]
            })
        },
    ),
    Entry::new(
        "joint_vel",
        "rad/s or m/s",
        "dq/dt",
        "Velocities of hinges and slides.",
        |b| {
            let joints = b.scalar_joints()?;
            let channels = each(&joints, |j| j.velocities()[0].1);
            built(channels, move |x, i| x.robot.data().qvel()[joints[i].dof])
        },
    ),
    Entry::new("joint_sin", "1", "sin q", "Sines of the angles of hinges.", |b| {
        turns(b, f64::sin)
    }),
    Entry::new("joint_cos", "1", "cos q", "Cosines of the angles of hinges.", |b| {
        turns(b, f64::cos)
    }),
    Entry::new(
        "last_action",
        "1",
        "a",
        "What the policy commanded last, in [-1, 1].",
        |b| {
            b.model()?;
            let channels = b.shared.action.iter().map(|name| Channel::new(name, "1")).collect();
            built(channels, |x, i| x.memory.action[i])
        },
    ),
    Entry::new(
        "generated_commands",
        "m/s, rad/s or m",
        "c",
        "What the robot is told to do.",
        generated_commands,
    ),
    Entry::new("ee_position", "m", "p", "Where a place on the robot is.", ee_position),
    Entry::new(
        "target_position",
        "m",
        "c - p",
        "From a place on the robot to where it is told to be.",
        target_position,
    ),
    Entry::new(
        "foot_contact",
        "1",
        "1 if |F| > threshold else 0",
        "Whether parts touch something.",
        |b| {
            let threshold = b.magnitude("threshold", "N", 0.0, "force from which on a touch counts")?;
            let parts = b.parts()?;
            let channels = parts.iter().map(|part| Channel::new(&part.name, "1")).collect();
            built(channels, move |x, i| {
                f64::from(u8::from(parts[i].touches(x.robot, threshold)))
            })
        },
    ),
    Entry::new(
        "sensor",
        "the sensor's",
        "as in MJCF",
        "Sensors of the file, by name.",
        sensor,
    ),
    Entry::new(
        "qpos",
        "m, rad or 1",
        "q",
        "Coordinates as MuJoCo has them, quaternions too.",
        qpos,
    ),
    Entry::new("qvel", "m/s or rad/s", "dq/dt", "Velocities as MuJoCo has them.", qvel),
    Entry::new(
        "qfrc_actuator",
        "N m or N",
        "tau",
        "Forces of actuators on hinges and slides.",
        |b| {
            let joints = b.scalar_joints()?;
            built(each(&joints, force_unit), move |x, i| {
                x.robot.data().qfrc_actuator()[joints[i].dof]
            })
        },
    ),
    Entry::new(
        "qfrc_constraint",
        "N m or N",
        "J^T f",
        "Forces of contacts, limits and friction on joints.",
        |b| {
            let joints = b.scalar_joints()?;
            built(each(&joints, force_unit), move |x, i| {
                x.robot.data().qfrc_constraint()[joints[i].dof]
            })
        },
    ),
    Entry::new(
        "actuator_force",
        "N or N m",
        "F",
        "Forces of actuators in their own coordinates.",
        |b| {
            let patterns = b.patterns("actuators", Some("*"), "actuators, by pattern")?;
            let model = b.model()?;
            let found = find(model, Kind::mjOBJ_ACTUATOR, &patterns, "actuators")?;
            let channels = found
                .iter()
                .map(|&id| Channel::new(name(model, Kind::mjOBJ_ACTUATOR, id), "N"))
                .collect();
            let outputs: Vec<usize> = found.iter().map(|&id| model.actuator_outadr()[id] as usize).collect();
            built(channels, move |x, i| x.robot.data().actuator_force()[outputs[i]])
        },
    ),
    Entry::new(
        "cfrc_ext",
        "N m, then N",
        "external torque and force on each body",
        "Torque and force from outside on bodies, about the centre of mass of their tree, in the world's axes.",
        cfrc_ext,
    ),
    Entry::new(
        "body_position",
        "m",
        "p",
        "Where a place on the robot is, along some axes.",
        |b| {
            let of = b.text("of", None, PLACE)?;
            let axes = b.axes("xyz")?;
            let place = Place::find(b.model()?, &of, "of")?;
            built(along(&axes, "m"), move |x, i| place.at(x.robot)[axes[i]])
        },
    ),
    Entry::new(
        "body_quaternion",
        "1",
        "q",
        "Attitude of the root, real part first.",
        |b| {
            let body = b.root()?;
            let channels = Channel::list(&[("w", "1"), ("x", "1"), ("y", "1"), ("z", "1")]);
            built(channels, move |x, i| x.robot.data().xquat()[body][i])
        },
    ),
    Entry::new("difference", "m", "p_of - p_to", "From one place to another.", |b| {
        let of = b.text("of", None, PLACE)?;
        let to = b.text("to", None, "the place that is taken away")?;
        let axes = b.axes("xyz")?;
        let model = b.model()?;
        let [of, to] = [Place::find(model, &of, "of")?, Place::find(model, &to, "to")?];
        built(along(&axes, "m"), move |x, i| {
            of.at(x.robot)[axes[i]] - to.at(x.robot)[axes[i]]
        })
    }),
];

/// An observation of these channels.
pub fn built(channels: Vec<Channel>, read: impl Fn(Context, usize) -> f64 + Send + Sync + 'static) -> Built {
    Ok(Observation {
        channels,
        read: Box::new(read),
    })
}

/// A function of the angles of hinges.
fn turns(b: &mut Builder, of: fn(f64) -> f64) -> Built {
    let mut joints = b.scalar_joints()?;
    joints.retain(|joint| joint.unit() == "rad");
    match joints.is_empty() {
        true => Err(wrong("joints", "the model has no hinges of such names")),
        false => built(each(&joints, |_| "1"), move |x, i| {
            of(x.robot.data().qpos()[joints[i].qpos])
        }),
    }
}

/// An observation term that something else reads, and which of its numbers: the one of this index, or all.
///
/// # Errors
/// No such term or number; what the term refuses.
pub fn read_by_another(
    model: &MjModel,
    shared: &mut Shared,
    term: &str,
    params: &Map<String, Value>,
    index: Option<usize>,
) -> Result<(Read, Range<usize>), SettingError> {
    let entry = catalogue::find(TABLE, term)?;
    let observation =
        (entry.build)(&mut Builder::new(params, Some(model), shared)).map_err(|error| error.inside("params"))?;
    match (index, observation.channels.len()) {
        (Some(i), n) if i >= n => Err(wrong(
            "index",
            format!("is {i}; `{term}` has {n} numbers, counted from 0"),
        )),
        (Some(i), _) => Ok((observation.read, i..i + 1)),
        (None, n) => Ok((observation.read, 0..n)),
    }
}

fn along(axes: &[usize], unit: &str) -> Vec<Channel> {
    axes.iter()
        .map(|&axis| Channel::new(["x", "y", "z"][axis], unit))
        .collect()
}

fn xyz(unit: &str, read: impl Fn(Context, usize) -> f64 + Send + Sync + 'static) -> Built {
    built(along(&[0, 1, 2], unit), read)
}

fn each(joints: &[Joint], unit: impl Fn(&Joint) -> &'static str) -> Vec<Channel> {
    joints
        .iter()
        .map(|joint| Channel::new(&joint.name, unit(joint)))
        .collect()
}

fn force_unit(joint: &Joint) -> &'static str {
    if joint.unit() == "m" { "N" } else { "N m" }
}

fn generated_commands(b: &mut Builder) -> Built {
    let wanted = b.text(
        "command",
        Some(""),
        "name of the command; all of them where none is named",
    )?;
    b.model()?;
    let fitting: Vec<_> = b
        .shared
        .commands
        .iter()
        .filter(|c| wanted.is_empty() || c.name == wanted)
        .collect();
    if fitting.is_empty() {
        let reason = match wanted.as_str() {
            "" => "is nothing: the task has no `command`".into(),
            name => {
                let known: Vec<&str> = b.shared.commands.iter().map(|c| c.name.as_str()).collect();
                format!("`task.command` has no command `{name}`; {}", hint(name, &known))
            }
        };
        return Err(wrong("command", reason));
    }
    let (mut channels, mut slots) = (Vec::new(), Vec::new());
    for command in fitting {
        let names = match command.told {
            Told::Velocity => [("lin_vel_x", "m/s"), ("lin_vel_y", "m/s"), ("ang_vel_z", "rad/s")],
            Told::Position => [("x", "m"), ("y", "m"), ("z", "m")],
        };
        channels.extend(names.map(|(axis, unit)| Channel::new(format!("{}_{axis}", command.name), unit)));
        slots.extend(command.range.clone());
    }
    built(channels, move |x, i| x.memory.command[slots[i]])
}

fn ee_position(b: &mut Builder) -> Built {
    let of = b.text("of", None, PLACE)?;
    let world = b.choice("frame", &["world", "root"], "frame: `world`, or `root` for the root's")? == 0;
    let model = b.model()?;
    let place = Place::find(model, &of, "of")?;
    let body = root(model).unwrap_or(0);
    xyz("m", move |x, i| {
        let p = place.at(x.robot);
        match world {
            true => p[i],
            false => to_frame(x.robot, body, minus(p, x.robot.data().xpos()[body]))[i],
        }
    })
}

fn target_position(b: &mut Builder) -> Built {
    let world = b.choice("frame", &["world", "root"], "axes: `world`, or `root` for the root's")? == 0;
    let (place, target) = reaching(b)?;
    let body = root(b.model()?).unwrap_or(0);
    xyz("m", move |x, i| {
        let way = way_to_go(x, place, target);
        if world { way[i] } else { to_frame(x.robot, body, way)[i] }
    })
}
