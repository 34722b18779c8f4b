//! What MuJoCo computes, as it has it: coordinates, velocities, sensors, forces on bodies.

use mujoco_rs::mujoco_c::mjtSensor;
use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_model::{MjtJoint, MjtObjBase as Kind};
use tandem_core::Channel;
use tandem_core::check::SettingError;

use super::lookup::{self, find, joints, name};
use super::observation::{Built, built};
use super::params::{Builder, wrong};

/// Numbers of the file's sensors.
pub fn sensor(b: &mut Builder) -> Built {
    let patterns = b.patterns("sensor", None, "sensors of the file, by pattern")?;
    let model = b.model()?;
    let (mut channels, mut slots) = (Vec::new(), Vec::new());
    for id in find(model, Kind::mjOBJ_SENSOR, &patterns, "sensor")? {
        let (first, n) = (model.sensor_adr()[id] as usize, model.sensor_dim()[id] as usize);
        let name = name(model, Kind::mjOBJ_SENSOR, id);
        for i in 0..n {
            let name = if n == 1 { name.clone() } else { format!("{name}_{i}") };
            channels.push(Channel::new(name, sensor_unit(model, id)));
            slots.push(first + i);
        }
    }
    built(channels, move |x, i| x.robot.data().sensordata()[slots[i]])
}

fn sensor_unit(model: &MjModel, id: usize) -> &'static str {
    use mjtSensor::*;
    let slides = || model.jnt_type()[model.sensor_objid()[id] as usize] == MjtJoint::mjJNT_SLIDE;
    match model.sensor_type()[id] {
        mjSENS_JOINTPOS | mjSENS_JOINTLIMITPOS if slides() => "m",
        mjSENS_JOINTPOS | mjSENS_JOINTLIMITPOS => "rad",
        mjSENS_JOINTVEL | mjSENS_JOINTLIMITVEL if slides() => "m/s",
        mjSENS_JOINTVEL | mjSENS_JOINTLIMITVEL => "rad/s",
        mjSENS_JOINTACTFRC | mjSENS_JOINTLIMITFRC if slides() => "N",
        mjSENS_JOINTACTFRC | mjSENS_JOINTLIMITFRC => "N m",
        mjSENS_TOUCH | mjSENS_FORCE | mjSENS_ACTUATORFRC | mjSENS_TENDONACTFRC | mjSENS_TENDONLIMITFRC => "N",
        mjSENS_TORQUE => "N m",
        mjSENS_ACCELEROMETER | mjSENS_FRAMELINACC => "m/s^2",
        mjSENS_FRAMEANGACC => "rad/s^2",
        mjSENS_VELOCIMETER | mjSENS_FRAMELINVEL | mjSENS_SUBTREELINVEL | mjSENS_TENDONVEL => "m/s",
        mjSENS_GYRO | mjSENS_FRAMEANGVEL | mjSENS_BALLANGVEL => "rad/s",
        mjSENS_FRAMEPOS | mjSENS_SUBTREECOM | mjSENS_RANGEFINDER | mjSENS_TENDONPOS | mjSENS_GEOMDIST => "m",
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
    let skip = b.whole(
        "skip",
        0,
        [0, 1_000_000],
        "how many numbers are left out at the beginning",
    )?;
    let (mut channels, mut slots) = (Vec::new(), Vec::new());
    for joint in joints(b.model()?, &patterns)? {
        let (names, first) = match velocity {
            true => (joint.velocities(), joint.dof),
            false => (joint.coordinates(), joint.qpos),
        };
        channels.extend(
            names
                .iter()
                .map(|(axis, unit)| Channel::new(format!("{}{axis}", joint.name), unit)),
        );
        slots.extend(first..first + names.len());
    }
    match skip < slots.len() {
        true => Ok((channels.split_off(skip), slots.split_off(skip))),
        false => Err(wrong("skip", format!("is {skip}; there are {} numbers", slots.len()))),
    }
}

/// Coordinates of joints.
pub fn qpos(b: &mut Builder) -> Built {
    let (channels, slots) = raw(b, false)?;
    built(channels, move |x, i| x.robot.data().qpos()[slots[i]])
}

/// Velocities of joints.
pub fn qvel(b: &mut Builder) -> Built {
    let (channels, slots) = raw(b, true)?;
    built(channels, move |x, i| x.robot.data().qvel()[slots[i]])
}

/// The bodies that a parameter names.
pub fn bodies(b: &mut Builder) -> Result<Vec<usize>, SettingError> {
    let patterns = b.patterns(
        "bodies",
        Some("*"),
        "bodies, by pattern; the world is left out unless it is named",
    )?;
    lookup::bodies(b.model()?, &patterns)
}

/// Torques and forces from outside on bodies.
pub fn cfrc_ext(b: &mut Builder) -> Built {
    let found = bodies(b)?;
    let model = b.model()?;
    b.shared.needs_forces = true;
    let axes = [
        ("tx", "N m"),
        ("ty", "N m"),
        ("tz", "N m"),
        ("fx", "N"),
        ("fy", "N"),
        ("fz", "N"),
    ];
    let named = |&id: &usize| {
        axes.map(|(axis, unit)| Channel::new(format!("{}_{axis}", name(model, Kind::mjOBJ_BODY, id)), unit))
    };
    let channels = found.iter().flat_map(named).collect();
    built(channels, move |x, i| x.robot.data().cfrc_ext()[found[i / 6]][i % 6])
}
