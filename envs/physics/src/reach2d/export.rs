//! The arm as other simulators describe it.

use super::config::{CONTROL_DT, FRICTION, LINK_RADIUS, STEP_ANGLE, Settings, WALL_RADIUS, link_mass};
use super::hardware::{Arm, MOTOR_MASS};
use super::machine;
use super::walls::Walls;
use tandem_core::mechanism::{Actuator, Axis, Body, Control, Drive, Geom, Joint, Mechanism, Solid, UPRIGHT, decimal};

/// Physics steps of a control step per five links: simulators that judge the servos' limits by the beginning of a step need steps
/// of an eighth of a millisecond, since a light last link would be driven from one limit to the other within a longer one (MuJoCo
/// 4.0.0 does so at 1 ms); the lighter it is, the shorter.
const SUBSTEPS: usize = 400;
const ARM: u32 = 1;
const WALL: u32 = 2;
const LINK_COLOUR: [f64; 4] = [0.16, 0.45, 0.70, 1.0];
const MOTOR_COLOUR: [f64; 4] = [0.12, 0.15, 0.20, 1.0];
const WALL_COLOUR: [f64; 4] = [0.45, 0.45, 0.45, 1.0];

/// Physics steps of a control step of an arm with so many links.
pub(super) fn substeps(links: usize) -> usize {
    SUBSTEPS * links.div_ceil(5)
}

/// The machine that [`super::machine::Machine`] builds, at its nominal start.
pub(super) fn mechanism(settings: &Settings, walls: &Walls, arm: &Arm) -> Mechanism {
    let links = 0..settings.links;
    let substeps = substeps(settings.links);
    let goal = settings.goal.map(decimal);
    let tolerance = decimal(settings.tolerance);
    Mechanism {
        name: format!("reach2d-{}", settings.preset),
        notes: vec![
            "planar: all joints turn about z, there is no gravity".into(),
            "here a servo's set point leads its joint by at most 0.3 rad, in the exported servo it may lead by more"
                .into(),
        ],
        gravity: [0.0; 3],
        dt: decimal(CONTROL_DT) / substeps as f64,
        substeps,
        bodies: links.clone().map(|i| link(settings, arm, i)).collect(),
        fixtures: walls.segments.iter().map(|&[a, b]| wall(a, b)).collect(),
        tendons: Vec::new(),
        actuators: links.map(|i| servo(settings, arm, i)).collect(),
        marks: vec![("goal".into(), [goal[0], goal[1], 0.0], tolerance)],
    }
}

fn link(settings: &Settings, arm: &Arm, i: usize) -> Body {
    let length = arm.lengths[i];
    let capsule = Solid::Capsule {
        ends: [[0.0; 3], [length, 0.0, 0.0]],
        radius: decimal(LINK_RADIUS) - decimal(WALL_RADIUS),
    };
    let mut geoms = vec![Geom {
        solid: capsule,
        mass: link_mass(length),
        friction: decimal(FRICTION),
        member: ARM,
        meets: WALL,
        colour: LINK_COLOUR,
    }];
    if let (Some(torques), true) = (arm.torques, i > 0) {
        geoms.push(Geom {
            solid: Solid::Sphere {
                center: [0.0; 3],
                radius: decimal(LINK_RADIUS),
            },
            mass: MOTOR_MASS * torques[i],
            friction: 0.0,
            member: 0,
            meets: 0,
            colour: MOTOR_COLOUR,
        });
    }
    let limit = decimal(Settings::joint_limit(i));
    let position = match i {
        0 => [0, 1].map(|k| decimal(settings.base[k]) + arm.base[k]),
        _ => [arm.lengths[i - 1], 0.0],
    };
    Body {
        name: format!("link_{}", i + 1),
        parent: i.checked_sub(1),
        position: [position[0], position[1], 0.0],
        rotation: UPRIGHT,
        joint: Joint::Axis(Axis {
            name: format!("joint_{}", i + 1),
            turns: true,
            direction: [0.0, 0.0, 1.0],
            limits: [-limit, limit],
            damping: 0.0,
            armature: 0.0,
            spring: None,
            start: decimal(settings.start_angle(i)),
        }),
        geoms,
        lump: None,
    }
}

fn servo(settings: &Settings, arm: &Arm, i: usize) -> Actuator {
    let servo = machine::servo(settings, arm, i);
    let limit = decimal(Settings::joint_limit(i));
    Actuator {
        name: format!("servo_{}", i + 1),
        drive: Drive::Joint(i),
        control: Control::Rate(decimal(STEP_ANGLE) / decimal(CONTROL_DT)),
        range: [-limit, limit],
        direct: false,
        stiffness: servo.stiffness,
        damping: servo.damping,
        feedforward: true,
        force: [-servo.limit, servo.limit],
        start: decimal(settings.start_angle(i)),
    }
}

fn wall(a: [f32; 2], b: [f32; 2]) -> Geom {
    let flat = |p: [f32; 2]| [decimal(p[0]), decimal(p[1]), 0.0];
    Geom {
        solid: Solid::Capsule {
            ends: [flat(a), flat(b)],
            radius: decimal(WALL_RADIUS),
        },
        mass: 0.0,
        friction: decimal(FRICTION),
        member: WALL,
        meets: ARM,
        colour: WALL_COLOUR,
    }
}
