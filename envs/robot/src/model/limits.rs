//! Numbers of a robot's file that MuJoCo takes at their word, and that would take all memory or end the process.

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_editing::{MjSpec, MjsActuator, MjsJoint, MjsMesh, MjsSensor, SpecObject};

use super::parts;

/// Largest file of text that is read, bytes.
pub(super) const TEXT: u64 = 64 << 20;
/// Most memory that a simulation may ask for, bytes.
const MEMORY: i64 = 4 << 30;
/// Most values of anything that a file only counts.
const COUNT: i64 = 1 << 20;
/// Attributes for which MuJoCo takes memory while it still reads, `(element, attribute, most)`.
const READ: [(&str, &str, f64); 5] = [
    ("hfield", "nrow", 8192.0),
    ("hfield", "ncol", 8192.0),
    ("texture", "width", 8192.0),
    ("texture", "height", 49152.0), // six sides of a cube
    ("numeric", "size", COUNT as f64),
];
/// Most copies that one element of the file may stand for.
pub(super) const COPIES: f64 = 10_000.0;

/// Checks an element of the text before MuJoCo reads it.
///
/// # Errors
/// The number that is too large.
pub(super) fn check_tag(element: &str, value: impl Fn(&str) -> Option<String>) -> Result<(), String> {
    for (_, name, most) in READ.iter().filter(|(of, ..)| *of == element) {
        let number = value(name).and_then(|text| text.trim().parse::<f64>().ok());
        if number.is_some_and(|number| number > *most) {
            return Err(format!(
                "`{name}` of a `<{element}>` is {}; at most {most} can be had here",
                value(name).unwrap_or_default()
            ));
        }
    }
    Ok(())
}

/// Checks sizes before anything is compiled.
///
/// # Errors
/// The number that is too large or negative.
pub(super) fn check(spec: &MjSpec) -> Result<(), String> {
    let raw = spec.ffi();
    bounded("size memory", raw.memory, -1, MEMORY)?;
    bounded("size nstack", raw.nstack, -1, MEMORY / 8)?;
    let counts = [
        ("njmax", raw.njmax),
        ("nconmax", raw.nconmax),
        ("nuserdata", raw.nuserdata),
        ("nkey", raw.nkey),
        ("nuser_body", raw.nuser_body),
        ("nuser_jnt", raw.nuser_jnt),
        ("nuser_geom", raw.nuser_geom),
        ("nuser_site", raw.nuser_site),
        ("nuser_cam", raw.nuser_cam),
        ("nuser_tendon", raw.nuser_tendon),
        ("nuser_actuator", raw.nuser_actuator),
        ("nuser_sensor", raw.nuser_sensor),
    ];
    for (name, value) in counts {
        bounded(&format!("size {name}"), value.into(), -1, COUNT)?;
    }
    for mesh in parts::all::<MjsMesh>(spec) {
        bounded(
            &of(mesh, "mesh", "octree_maxdepth"),
            mesh.octree_maxdepth().into(),
            -1,
            12,
        )?;
    }
    for sensor in parts::all::<MjsSensor>(spec) {
        bounded(&of(sensor, "sensor", "nsample"), sensor.nsample().into(), -1, COUNT)?;
    }
    for actuator in parts::all::<MjsActuator>(spec) {
        bounded(
            &of(actuator, "actuator", "nsample"),
            actuator.nsample().into(),
            -1,
            COUNT,
        )?;
        bounded(&of(actuator, "actuator", "actdim"), actuator.actdim().into(), -1, 1000)?;
    }
    joints(spec)
}

/// A joint's numbers: MuJoCo compiles what is no number and then cannot move it.
fn joints(spec: &MjSpec) -> Result<(), String> {
    for joint in parts::all::<MjsJoint>(spec) {
        let numbers = joint
            .pos()
            .iter()
            .chain(joint.axis())
            .chain(joint.range())
            .chain([joint.ref_()]);
        if numbers.into_iter().any(|number| !number.is_finite()) {
            return Err(format!(
                "{} is no finite number",
                of(joint, "joint", "pos, axis, range or ref")
            ));
        }
    }
    Ok(())
}

fn of<T: SpecObject>(item: &T, kind: &str, what: &str) -> String {
    match item.name() {
        "" => format!("`{what}` of a {kind}"),
        name => format!("`{what}` of {kind} `{name}`"),
    }
}

fn bounded(name: &str, value: i64, low: i64, high: i64) -> Result<(), String> {
    match value {
        value if value < low => Err(format!("{name} is {value}; it must not be negative")),
        value if value > high => Err(format!("{name} is {value}; at most {high} can be had here")),
        _ => Ok(()),
    }
}

/// Checks what a simulation of the compiled robot would need.
///
/// # Errors
/// Too much memory; a step that cannot be taken.
pub(super) fn check_model(model: &MjModel) -> Result<(), String> {
    bounded("the memory of a simulation in bytes", model.ffi().narena, 0, MEMORY)?;
    let step = model.opt().timestep;
    match step.is_finite() && step > 0.0 {
        true => Ok(()),
        false => Err(format!("the integration step is {step} s; it must be positive")),
    }
}
