//! The tentacle as other simulators describe it.
//!
//! The true model is its statics; a simulator of rigid bodies needs masses, damping and the stiffness of the elastic
//! tendons besides, none of which changes where the joints come to rest. They are assumed, and named here.

use super::config::{
    CONTROL_DT, ELASTIC_RADIUS, JOINT_HIGH, JOINT_LOW, JOINTS, Settings, WINCH_RADIUS, WINCH_RANGE, WINCH_STEP,
};
use super::hardware::Body as Parts;
use super::statics::stall;
use tandem_core::mechanism::{
    Actuator, Axis, Body, Control, Drive, Geom, Joint, Mechanism, Solid, Tendon, UPRIGHT, decimal,
};

/// Assumed stiffness of the elastic tendons, N/m; the rest pose does not depend on it.
const ELASTIC_STIFFNESS: f64 = 1000.0;
/// Assumed mass per length of the links, kg/m: light against the elastic tendons.
const LINEAR_DENSITY: f64 = 0.1;
/// Assumed radius of the links, m.
const LINK_RADIUS: f64 = 0.006;
/// Assumed damping of the joints, N m s/rad: they settle well within a control step.
const DAMPING: f64 = 0.003;
/// Assumed stiffness, N/m, damping, N s/m, and strongest pull, N, of a winch with its tendon, which do not stretch in
/// the true model.
const WINCH: [f64; 3] = [5e6, 600.0, 500.0];
/// Physics steps of a control step.
pub(super) const SUBSTEPS: usize = 1000;
const COLOUR: [f64; 4] = [0.16, 0.45, 0.70, 1.0];

/// The tentacle of a design, its winches slack.
pub(super) fn mechanism(settings: &Settings, parts: &Parts) -> Mechanism {
    let mark = |(i, g): (usize, &[f32; 2])| {
        let place = [decimal(g[0]), decimal(g[1]), 0.0];
        (format!("goal_{}", i + 1), place, decimal(settings.tolerance))
    };
    let rows = parts.radii.iter().enumerate();
    Mechanism {
        name: format!("tentacle-{}", settings.preset),
        notes: vec![
            "planar, quasi-static in the true model; masses, damping and stiffness are assumed, and do not change where \
             the joints come to rest"
                .into(),
            "a winch only pulls: its force on the tendon is never negative".into(),
        ],
        gravity: [0.0; 3],
        dt: CONTROL_DT / SUBSTEPS as f64,
        substeps: SUBSTEPS,
        bodies: (0..JOINTS).map(|j| link(parts, j)).collect(),
        fixtures: Vec::new(),
        tendons: rows
            .clone()
            .map(|(i, radii)| Tendon {
                name: format!("tendon_{}", i + 1),
                pulleys: radii.iter().copied().enumerate().collect(),
            })
            .collect(),
        actuators: rows
            .map(|(i, radii)| {
                let longest = WINCH_RADIUS * decimal(WINCH_RANGE);
                Actuator {
                    name: format!("winch_{}", i + 1),
                    drive: Drive::Tendon(i),
                    control: Control::Rate(WINCH_RADIUS * decimal(WINCH_STEP) / CONTROL_DT),
                    range: [0.0, longest.min(stall(radii))],
                    direct: false,
                    stiffness: WINCH[0],
                    damping: WINCH[1],
                    feedforward: false,
                    force: [0.0, WINCH[2]],
                    start: 0.0,
                }
            })
            .collect(),
        marks: settings.goals.iter().enumerate().map(mark).collect(),
    }
}

/// Link `j` points along its body's y axis; flexion turns it clockwise, about -z.
fn link(parts: &Parts, j: usize) -> Body {
    let length = parts.lengths[j];
    let rest = -parts.pretension[j] / ELASTIC_RADIUS;
    let below = j.checked_sub(1).map_or(0.0, |k| parts.lengths[k]);
    Body {
        name: format!("link_{}", j + 1),
        parent: j.checked_sub(1),
        position: [0.0, below, 0.0],
        rotation: UPRIGHT,
        joint: Joint::Axis(Axis {
            name: format!("joint_{}", j + 1),
            turns: true,
            direction: [0.0, 0.0, -1.0],
            limits: [JOINT_LOW, JOINT_HIGH],
            damping: DAMPING,
            armature: 0.0,
            spring: Some((ELASTIC_STIFFNESS * ELASTIC_RADIUS * ELASTIC_RADIUS, rest)),
            start: rest.clamp(JOINT_LOW, JOINT_HIGH),
        }),
        geoms: vec![Geom {
            solid: Solid::Capsule {
                ends: [[0.0; 3], [0.0, length, 0.0]],
                radius: LINK_RADIUS,
            },
            mass: LINEAR_DENSITY * length,
            friction: 1.0,
            member: 0,
            meets: 0,
            colour: COLOUR,
        }],
        lump: None,
    }
}
