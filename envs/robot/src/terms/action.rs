//! What a policy can command, always as numbers in [-1, 1].

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_model::{MjtBias, MjtObjBase as Kind, MjtTrn};
use tandem_core::check::SettingError;

use super::catalogue::Entry;
use super::lookup::{default_pose, find, name};
use super::params::{Builder, wrong};
use super::shared::Action;

type Built = Result<Action, SettingError>;

/// How commands become controls of an actuator's whole range.
const EFFORT: &str = "ctrl = middle of ctrlrange + half its width times a; a itself where there is no ctrlrange";

/// The action terms. The factor `scale` of a term multiplies its commands first.
pub const TABLE: &[Entry<Action>] = &[
    Entry::new(
        "joint_effort",
        "the actuator's",
        EFFORT,
        "Actuators on joints, over the whole of their range.",
        |b| {
            effort(b, "on a joint", |t| {
                matches!(t, MjtTrn::mjTRN_JOINT | MjtTrn::mjTRN_JOINTINPARENT)
            })
        },
    ),
    Entry::new(
        "tendon_effort",
        "the actuator's",
        EFFORT,
        "Actuators on tendons, over the whole of their range.",
        |b| effort(b, "on a tendon", |t| t == MjtTrn::mjTRN_TENDON),
    ),
    Entry::new(
        "actuator",
        "the actuator's",
        EFFORT,
        "Actuators of any kind, over the whole of their range.",
        |b| effort(b, "of any kind", |_| true),
    ),
    Entry::new(
        "joint_position",
        "rad or m",
        "ctrl = gear (q_0 + width a)",
        "Position servos on joints, around the default pose.",
        joint_position,
    ),
    Entry::new(
        "joint_velocity",
        "rad/s or m/s",
        "ctrl = gear (width a)",
        "Velocity servos on joints.",
        joint_velocity,
    ),
];

/// Actuators by pattern, of the kinds that fit; a pattern of stars only passes over others, a named one is refused.
fn actuators(
    b: &mut Builder,
    what: &str,
    patterns: &[String],
    fits: impl Fn(&MjModel, usize) -> bool,
) -> Result<Vec<usize>, SettingError> {
    let model = b.model()?;
    let found = find(model, Kind::mjOBJ_ACTUATOR, patterns, "actuators")?;
    let named = |id: usize| patterns.contains(&name(model, Kind::mjOBJ_ACTUATOR, id));
    if let Some(&id) = found.iter().find(|&&id| named(id) && !fits(model, id)) {
        return Err(wrong(
            "actuators",
            format!("`{}` is not one {what}", name(model, Kind::mjOBJ_ACTUATOR, id)),
        ));
    }
    let fitting: Vec<usize> = found.into_iter().filter(|&id| fits(model, id)).collect();
    match fitting.is_empty() {
        true => Err(wrong(
            "actuators",
            format!("the model has no actuator {what} with such a name"),
        )),
        false => Ok(fitting),
    }
}

/// First control of each actuator, one for each number of the actuator's, with its name.
fn controls(model: &MjModel, actuators: &[usize]) -> Vec<(String, usize)> {
    let mut out = Vec::new();
    for &id in actuators {
        let (first, n) = (
            model.actuator_ctrladr()[id] as usize,
            model.actuator_ctrlnum()[id] as usize,
        );
        let name = name(model, Kind::mjOBJ_ACTUATOR, id);
        let numbered = |i: usize| if n == 1 { name.clone() } else { format!("{name}_{i}") };
        out.extend((0..n).map(|i| (numbered(i), first + i)));
    }
    out
}

fn effort(b: &mut Builder, what: &str, fits: fn(MjtTrn) -> bool) -> Built {
    let patterns = b.patterns("actuators", Some("*"), "actuators, by pattern")?;
    let found = actuators(b, what, &patterns, |model, id| fits(model.actuator_trntype()[id]))?;
    let (names, controls): (_, Vec<usize>) = controls(b.model()?, &found).into_iter().unzip();
    let slots = controls.clone();
    let drive = move |model: &MjModel, i: usize, a: f64| match model.actuator_ctrllimited()[slots[i]] {
        true => {
            let [low, high] = model.actuator_ctrlrange()[slots[i]];
            0.5 * (low + high) + 0.5 * (high - low) * a
        }
        false => a,
    };
    let drive = Box::new(drive);
    Ok(Action { names, controls, drive })
}

/// A servo: its force output and its joint's coordinate.
struct Servo {
    output: usize,
    qpos: usize,
}

/// An action of servos on joints; `feedback` is the number of the bias parameter that makes one: 1 of position, 2 of velocity.
fn servos(
    b: &mut Builder,
    patterns: &[String],
    (feedback, what): (usize, &str),
    control: impl Fn(&MjModel, &Servo, f64) -> f64 + Send + Sync + 'static,
) -> Built {
    let found = actuators(b, what, patterns, |model, id| {
        let scalar = model.actuator_ctrlnum()[id] == 1 && model.actuator_trntype()[id] == MjtTrn::mjTRN_JOINT;
        let back = model.actuator_biasprm()[id][feedback] != 0.0;
        scalar && model.actuator_biastype()[id] == MjtBias::mjBIAS_AFFINE && back
    })?;
    let model = b.model()?;
    let servo = |&id: &usize| Servo {
        output: model.actuator_outadr()[id] as usize,
        qpos: model.jnt_qposadr()[model.actuator_trnid()[id][0] as usize] as usize,
    };
    let (names, controls) = controls(model, &found).into_iter().unzip();
    let servos: Vec<Servo> = found.iter().map(servo).collect();
    let drive = Box::new(move |model: &MjModel, i: usize, a: f64| control(model, &servos[i], a));
    Ok(Action { names, controls, drive })
}

fn joint_position(b: &mut Builder) -> Built {
    let patterns = b.patterns("actuators", Some("*"), "actuators, by pattern")?;
    let width = b.positive(
        "width",
        "rad or m",
        0.5,
        "how far from the default pose a full command goes",
    )?;
    let offset = b.flag("use_default_offset", true, "around the default pose; around 0 without")?;
    let key = b.shared.key;
    servos(
        b,
        &patterns,
        (1, "that is a position servo on a joint"),
        move |model, servo, a| {
            let pose = default_pose(model, key);
            let middle = if offset { pose[servo.qpos] } else { 0.0 };
            model.actuator_gear()[servo.output][0] * (middle + width * a)
        },
    )
}

fn joint_velocity(b: &mut Builder) -> Built {
    let patterns = b.patterns("actuators", Some("*"), "actuators, by pattern")?;
    let width = b.positive("width", "rad/s or m/s", 1.0, "velocity of a full command")?;
    servos(
        b,
        &patterns,
        (2, "that is a velocity servo on a joint"),
        move |model, servo, a| model.actuator_gear()[servo.output][0] * width * a,
    )
}
