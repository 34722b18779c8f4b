//! What a policy can see.

use mujoco_rs::wrappers::mj_model::{MjtObjBase as Kind, MjtSensor};
use tandem_core::Channel;
use tandem_core::check::SettingError;

use super::Context;
use super::catalogue::Entry;
use super::lookup::{
    Joint, PLACE, Place, find, joints, local_velocity, minus, name, projected_gravity, root, to_frame,
};
use super::params::{Builder, wrong};
use super::shared::{Observation, Told};

type Built = Result<Observation, SettingError>;

/// The observation terms.
pub const TABLE: &[Entry<Observation>] = &[
    Entry::new("base_lin_vel", "m/s", "R^T v", "Velocity of the root in its own frame.", |b| {
        let body = b.root()?;
        xyz("m/s", move |x, i| local_velocity(x.robot, body)[3 + i])
    }),
    Entry::new("base_ang_vel", "rad/s", "R^T w", "Angular velocity of the root in its own frame.", |b| {
        let body = b.root()?;
        xyz("rad/s", move |x, i| local_velocity(x.robot, body)[i])
    }),
    Entry::new("projected_gravity", "1", "R^T g / |g|", "Where down is, seen from the root.", |b| {
        let body = b.root()?;
        xyz("1", move |x, i| projected_gravity(x.robot, body)[i])
    }),
    Entry::new("joint_pos", "rad or m", "q", "Positions of hinges and slides.", |b| {
        let joints = b.scalar_joints()?;
        let channels = each(&joints, |j| j.unit());
        built(channels, move |x, i| x.robot.data().qpos()[joints[i].qpos])
    }),
    Entry::new("joint_pos_rel", "rad or m", "q - q_0", "Positions of hinges and slides from the default pose.", |b| {
        let joints = b.scalar_joints()?;
        let key = b.shared.key;
        let channels = each(&joints, |j| j.unit());
        built(channels, move |x, i| x.robot.data().qpos()[joints[i].qpos] - default_pose(x, key)[joints[i].qpos])
    }),
    Entry::new("joint_vel", "rad/s or m/s", "dq/dt", "Velocities of hinges and slides.", |b| {
        let joints = b.scalar_joints()?;
        let channels = each(&joints, |j| j.velocities()[0].1);
        built(channels, move |x, i| x.robot.data().qvel()[joints[i].dof])
    }),
    Entry::new("joint_sin", "1", "sin q", "Sines of the angles of hinges.", |b| {
        let joints = b.scalar_joints()?;
        built(each(&joints, |_| "1"), move |x, i| x.robot.data().qpos()[joints[i].qpos].sin())
    }),
    Entry::new("joint_cos", "1", "cos q", "Cosines of the angles of hinges.", |b| {
        let joints = b.scalar_joints()?;
        built(each(&joints, |_| "1"), move |x, i| x.robot.data().qpos()[joints[i].qpos].cos())
    }),
    Entry::new("last_action", "1", "a", "What the policy commanded last, in [-1, 1].", |b| {
        b.model()?;
        let channels = b.shared.action.iter().map(|name| Channel::new(name, "1")).collect();
        built(channels, |x, i| x.memory.action[i])
    }),
    Entry::new("generated_commands", "m/s, rad/s or m", "c", "What the robot is told to do.", generated_commands),
    Entry::new("ee_position", "m", "p", "Where a place on the robot is.", ee_position),
    Entry::new("target_position", "m", "c - p", "From a place on the robot to where it is told to be.", target_position),
    Entry::new("foot_contact", "1", "1 if |F| > threshold else 0", "Whether parts touch something.", |b| {
        let threshold = b.magnitude("threshold", "N", 0.0, "force from which on a touch counts")?;
        let parts = b.parts()?;
        let channels = parts.iter().map(|part| Channel::new(&part.name, "1")).collect();
        built(channels, move |x, i| f64::from(u8::from(parts[i].touches(x.robot, threshold))))
    }),
    Entry::new("sensor", "the sensor's", "as in MJCF", "Sensors of the file, by name.", sensor),
    Entry::new("qpos", "m, rad or 1", "q", "Coordinates as MuJoCo has them, quaternions too.", qpos),
    Entry::new("qvel", "m/s or rad/s", "dq/dt", "Velocities as MuJoCo has them.", qvel),
    Entry::new("qfrc_actuator", "N m or N", "tau", "Forces of actuators on hinges and slides.", |b| {
        let joints = b.scalar_joints()?;
        built(each(&joints, force_unit), move |x, i| x.robot.data().qfrc_actuator()[joints[i].dof])
    }),
    Entry::new("qfrc_constraint", "N m or N", "J^T f", "Forces of contacts, limits and friction on joints.", |b| {
        let joints = b.scalar_joints()?;
        built(each(&joints, force_unit), move |x, i| x.robot.data().qfrc_constraint()[joints[i].dof])
    }),
    Entry::new("actuator_force", "N or N m", "F", "Forces of actuators in their own coordinates.", |b| {
        let patterns = b.patterns("actuators", Some("*"), "actuators, by pattern")?;
        let model = b.model()?;
        let found = find(model, Kind::mjOBJ_ACTUATOR, &patterns, "actuators")?;
        let channels = found.iter().map(|&id| Channel::new(name(model, Kind::mjOBJ_ACTUATOR, id), "N")).collect();
        let outputs: Vec<usize> = found.iter().map(|&id| model.actuator_outadr()[id] as usize).collect();
        built(channels, move |x, i| x.robot.data().actuator_force()[outputs[i]])
    }),
    Entry::new(
        "cfrc_ext",
        "N m, then N",
        "external torque and force on each body",
        "Torque and force from outside on bodies, about the centre of mass of their tree, in the world's axes.",
        cfrc_ext,
    ),
    Entry::new("body_position", "m", "p", "Where a place on the robot is, along some axes.", |b| {
        let of = b.text("of", None, PLACE)?;
        let axes = b.axes("xyz")?;
        let place = Place::find(b.model()?, &of, "of")?;
        built(along(&axes, "m"), move |x, i| place.at(x.robot)[axes[i]])
    }),
    Entry::new("body_quaternion", "1", "q", "Attitude of the root, real part first.", |b| {
        let body = b.root()?;
        let channels = Channel::list(&[("w", "1"), ("x", "1"), ("y", "1"), ("z", "1")]);
        built(channels, move |x, i| x.robot.data().xquat()[body][i])
    }),
    Entry::new("difference", "m", "p_of - p_to", "From one place to another.", |b| {
        let of = b.text("of", None, PLACE)?;
        let to = b.text("to", None, "the place that is taken away")?;
        let axes = b.axes("xyz")?;
        let model = b.model()?;
        let [of, to] = [Place::find(model, &of, "of")?, Place::find(model, &to, "to")?];
        built(along(&axes, "m"), move |x, i| of.at(x.robot)[axes[i]] - to.at(x.robot)[axes[i]])
    }),
];

fn built(channels: Vec<Channel>, read: impl Fn(Context, usize) -> f64 + Send + Sync + 'static) -> Built {
    Ok(Observation {
        channels,
        read: Box::new(read),
    })
}

fn along(axes: &[usize], unit: &str) -> Vec<Channel> {
    axes.iter().map(|&axis| Channel::new(["x", "y", "z"][axis], unit)).collect()
}

fn xyz(unit: &str, read: impl Fn(Context, usize) -> f64 + Send + Sync + 'static) -> Built {
    built(along(&[0, 1, 2], unit), read)
}

fn each(joints: &[Joint], unit: impl Fn(&Joint) -> &'static str) -> Vec<Channel> {
    joints.iter().map(|joint| Channel::new(&joint.name, unit(joint))).collect()
}

fn force_unit(joint: &Joint) -> &'static str {
    if joint.unit() == "m" { "N" } else { "N m" }
}

/// The pose from which joints are counted: that of the key frame in which episodes begin, else the file's reference pose.
pub fn default_pose(x: Context<'_>, key: Option<usize>) -> &[f64] {
    let model = x.robot.model();
    key.map_or(model.qpos0(), |key| &model.key_qpos()[key])
}

fn generated_commands(b: &mut Builder) -> Built {
    let wanted = b.text("command", Some(""), "name of the command; all of them where none is named")?;
    b.model()?;
    let fitting: Vec<_> = b.shared.commands.iter().filter(|c| wanted.is_empty() || c.name == wanted).collect();
    if fitting.is_empty() {
        return Err(wrong("command", format!("`task.command` has none of the name `{wanted}`")));
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
    let of = b.text("of", None, PLACE)?;
    let command = b.text("command", Some(""), "name of the position command; the first where none is named")?;
    let world = b.choice("frame", &["world", "root"], "axes: `world`, or `root` for the root's")? == 0;
    let model = b.model()?;
    let place = Place::find(model, &of, "of")?;
    let target = b.shared.command(&command, Told::Position)?.start;
    let body = root(model).unwrap_or(0);
    xyz("m", move |x, i| {
        let c = &x.memory.command;
        let way = minus([c[target], c[target + 1], c[target + 2]], place.at(x.robot));
        if world { way[i] } else { to_frame(x.robot, body, way)[i] }
    })
}

fn sensor(b: &mut Builder) -> Built {
    let patterns = b.patterns("sensor", None, "sensors of the file, by pattern")?;
    let model = b.model()?;
    let (mut channels, mut slots) = (Vec::new(), Vec::new());
    for id in find(model, Kind::mjOBJ_SENSOR, &patterns, "sensor")? {
        let (first, n) = (model.sensor_adr()[id] as usize, model.sensor_dim()[id] as usize);
        let name = name(model, Kind::mjOBJ_SENSOR, id);
        for i in 0..n {
            let name = if n == 1 { name.clone() } else { format!("{name}_{i}") };
            channels.push(Channel::new(name, sensor_unit(model.sensor_type()[id])));
            slots.push(first + i);
        }
    }
    built(channels, move |x, i| x.robot.data().sensordata()[slots[i]])
}

fn sensor_unit(kind: MjtSensor) -> &'static str {
    use MjtSensor::*;
    match kind {
        mjSENS_TOUCH | mjSENS_FORCE | mjSENS_ACTUATORFRC | mjSENS_JOINTACTFRC | mjSENS_TENDONACTFRC => "N",
        mjSENS_JOINTLIMITFRC | mjSENS_TENDONLIMITFRC => "N",
        mjSENS_TORQUE => "N m",
        mjSENS_ACCELEROMETER | mjSENS_FRAMELINACC => "m/s^2",
        mjSENS_FRAMEANGACC => "rad/s^2",
        mjSENS_VELOCIMETER | mjSENS_FRAMELINVEL | mjSENS_SUBTREELINVEL | mjSENS_TENDONVEL => "m/s",
        mjSENS_GYRO | mjSENS_FRAMEANGVEL | mjSENS_BALLANGVEL | mjSENS_JOINTVEL => "rad/s",
        mjSENS_FRAMEPOS | mjSENS_SUBTREECOM | mjSENS_RANGEFINDER | mjSENS_TENDONPOS | mjSENS_GEOMDIST => "m",
        mjSENS_JOINTPOS => "rad",
        mjSENS_MAGNETOMETER => "T",
        mjSENS_SUBTREEANGMOM => "kg m^2/s",
        mjSENS_E_POTENTIAL | mjSENS_E_KINETIC => "J",
        mjSENS_CLOCK => "s",
        _ => "1",
    }
}

/// Numbers of joints from one of MuJoCo's arrays, less the first `skip`.
fn raw(b: &mut Builder, velocity: bool) -> Result<(Vec<Channel>, Vec<usize>), SettingError> {
    let patterns = b.patterns("joints", Some("*"), "joints, by pattern")?;
    let skip = b.whole("skip", 0, [0, 1_000_000], "how many numbers are left out at the beginning")?;
    let (mut channels, mut slots) = (Vec::new(), Vec::new());
    for joint in joints(b.model()?, &patterns)? {
        let (names, first) = match velocity {
            true => (joint.velocities(), joint.dof),
            false => (joint.coordinates(), joint.qpos),
        };
        channels.extend(names.iter().map(|(axis, unit)| Channel::new(format!("{}{axis}", joint.name), unit)));
        slots.extend(first..first + names.len());
    }
    match skip < slots.len() {
        true => Ok((channels.split_off(skip), slots.split_off(skip))),
        false => Err(wrong("skip", format!("is {skip}; there are {} numbers", slots.len()))),
    }
}

fn qpos(b: &mut Builder) -> Built {
    let (channels, slots) = raw(b, false)?;
    built(channels, move |x, i| x.robot.data().qpos()[slots[i]])
}

fn qvel(b: &mut Builder) -> Built {
    let (channels, slots) = raw(b, true)?;
    built(channels, move |x, i| x.robot.data().qvel()[slots[i]])
}

/// The bodies that a parameter names, without the world.
pub fn bodies(b: &mut Builder) -> Result<Vec<usize>, SettingError> {
    let patterns = b.patterns("bodies", Some("*"), "bodies, by pattern; the world is left out unless it is named")?;
    let model = b.model()?;
    let mut found = find(model, Kind::mjOBJ_BODY, &patterns, "bodies")?;
    found.retain(|&id| id > 0 || patterns.iter().any(|pattern| pattern == "world"));
    Ok(found)
}

fn cfrc_ext(b: &mut Builder) -> Built {
    let found = bodies(b)?;
    let model = b.model()?;
    b.shared.needs_forces = true;
    let axes = [("tx", "N m"), ("ty", "N m"), ("tz", "N m"), ("fx", "N"), ("fy", "N"), ("fz", "N")];
    let named = |&id: &usize| axes.map(|(axis, unit)| Channel::new(format!("{}_{axis}", name(model, Kind::mjOBJ_BODY, id)), unit));
    let channels = found.iter().flat_map(named).collect();
    built(channels, move |x, i| x.robot.data().cfrc_ext()[found[i / 6]][i % 6])
}
