//! The hand, the box and the table as other simulators describe them.

use super::build::{BUTTON_DAMPING, YAW_INERTIA, YAW_MASS};
use super::config::Settings;
use super::controller::{PRESSER, Script, joints_of};
use super::hand::{FINGER_JOINTS, FINGERS, Hand, JOINT_LIMITS, LINK_RADIUS, PALM_RADIUS};
use super::machine::{ARMATURE, FINGER_SERVO, JOINTS, PALM_HALF_HEIGHT, SLIDE_LIMITS, Start, limits};
use super::state::{CORRECTION, PRESSER_STEP};
use super::task::{BOX_HALF, BOX_MASS, BUTTON_HALF, BUTTON_MASS, BUTTON_STIFFNESS, BUTTON_TRAVEL, PALM_ABOVE_BOX};
use crate::hand3d::export::{BOX_COLOUR, LINK_COLOUR, PALM_COLOUR, PALM_MASS, SUBSTEPS, geom, table};
use crate::hand3d::parts::{CONTROL_DT, link_mass};
use crate::hand3d::servo::Servo;
use crate::hand3d::stage::{STAGE_INERTIA, STAGE_SERVO};
use tandem_core::mechanism::{Actuator, Axis, Body, Control, Drive, Joint, Mechanism, Solid, UPRIGHT, decimal};

const LINK: u32 = 1;
const OBJECT: u32 = 2;
const TABLE: u32 = 4;
const PALM: u32 = 8;
const BUTTON: u32 = 16;
const BUTTON_COLOUR: [f64; 4] = [0.80, 0.20, 0.20, 1.0];

/// The scene that [`super::machine::Machine`] builds, at its nominal start, with the scripted grasp of the hand.
pub(super) fn mechanism(settings: &Settings, hand: &Hand) -> Mechanism {
    let mut bodies = vec![palm()];
    for (i, finger) in hand.fingers.iter().enumerate() {
        bodies.extend(self::finger(i, finger));
    }
    bodies.extend([object(), button(bodies.len())]);
    Mechanism {
        name: "hand3d-press".into(),
        notes: vec![
            "set points follow a scripted grasp, which is part of the control in the policy's metadata, plus corrections \
             by the policy; the first finger presses and is the policy's alone"
                .into(),
        ],
        gravity: [0.0, 0.0, -9.81],
        dt: decimal(CONTROL_DT) / SUBSTEPS as f64,
        substeps: SUBSTEPS,
        bodies,
        fixtures: vec![table([TABLE, LINK | OBJECT])],
        tendons: Vec::new(),
        actuators: servos(settings, hand),
        marks: Vec::new(),
    }
}

fn joint_name(joint: usize) -> String {
    match joint.checked_sub(1) {
        None => "slide".into(),
        Some(k) => {
            let part = ["yaw", "flexion_1", "flexion_2"][k % FINGER_JOINTS];
            format!("finger_{}_{part}", k / FINGER_JOINTS + 1)
        }
    }
}

fn axis(joint: usize, direction: [f64; 3], limits: [f64; 2]) -> Joint {
    Joint::Axis(Axis {
        name: joint_name(joint),
        turns: joint > 0,
        direction,
        limits,
        damping: 0.0,
        armature: decimal(if joint == 0 { STAGE_INERTIA } else { ARMATURE }),
        spring: None,
        start: decimal(Start::default().joints[joint]),
    })
}

fn palm() -> Body {
    let disc = Solid::Cylinder {
        center: [0.0; 3],
        radius: PALM_RADIUS,
        half_height: PALM_HALF_HEIGHT,
    };
    Body {
        name: "palm".into(),
        parent: None,
        position: [0.0, 0.0, BOX_HALF[2] + PALM_ABOVE_BOX],
        rotation: UPRIGHT,
        joint: axis(0, [0.0, 0.0, 1.0], SLIDE_LIMITS),
        geoms: vec![geom(disc, PALM_MASS, [PALM, OBJECT | BUTTON], PALM_COLOUR)],
        lump: None,
    }
}

/// Yaw body, proximal and distal link; body `k` of the mechanism has joint `k`.
fn finger(index: usize, finger: &super::hand::Finger) -> [Body; FINGER_JOINTS] {
    let first = joints_of(index).start;
    let (sin, cos) = (0.5 * finger.placement).sin_cos();
    let name = |part: &str| format!("finger_{}_{part}", index + 1);
    let link = |k: usize, part: &str, from: f64, length: f64| {
        let capsule = Solid::Capsule {
            ends: [[0.0; 3], [length, 0.0, 0.0]],
            radius: LINK_RADIUS,
        };
        let groups = [LINK, OBJECT | BUTTON | TABLE];
        Body {
            name: name(part),
            parent: Some(first + k - 1),
            position: [from, 0.0, 0.0],
            rotation: UPRIGHT,
            joint: axis(first + k, [0.0, 1.0, 0.0], JOINT_LIMITS[k]),
            geoms: vec![geom(capsule, link_mass(length), groups, LINK_COLOUR)],
            lump: None,
        }
    };
    let yaw = Body {
        name: name("yaw_body"),
        parent: Some(0),
        position: finger.root(),
        rotation: [0.0, 0.0, sin, cos],
        joint: axis(first, [0.0, 0.0, 1.0], JOINT_LIMITS[0]),
        geoms: Vec::new(),
        lump: Some((decimal(YAW_MASS), decimal(YAW_INERTIA))),
    };
    [
        yaw,
        link(1, "proximal", 0.0, finger.proximal),
        link(2, "distal", finger.proximal, finger.distal),
    ]
}

fn object() -> Body {
    let cuboid = Solid::Cuboid {
        center: [0.0; 3],
        half: BOX_HALF,
    };
    Body {
        name: "box".into(),
        parent: None,
        position: [0.0, 0.0, BOX_HALF[2]],
        rotation: UPRIGHT,
        joint: Joint::Free,
        geoms: vec![geom(cuboid, BOX_MASS, [OBJECT, LINK | PALM | TABLE], BOX_COLOUR)],
        lump: None,
    }
}

fn button(object: usize) -> Body {
    let plate = Solid::Cuboid {
        center: [0.0; 3],
        half: BUTTON_HALF,
    };
    Body {
        name: "button".into(),
        parent: Some(object),
        position: [BOX_HALF[0] + BUTTON_HALF[0], 0.0, 0.0],
        rotation: UPRIGHT,
        joint: Joint::Axis(Axis {
            name: "button_travel".into(),
            turns: false,
            direction: [1.0, 0.0, 0.0],
            limits: [-BUTTON_TRAVEL, 0.0],
            damping: decimal(BUTTON_DAMPING),
            armature: 0.0,
            spring: Some((BUTTON_STIFFNESS, 0.0)),
            start: 0.0,
        }),
        geoms: vec![geom(plate, BUTTON_MASS, [BUTTON, LINK | PALM], BUTTON_COLOUR)],
        lump: None,
    }
}

fn servos(settings: &Settings, hand: &Hand) -> Vec<Actuator> {
    let script = Script::new(hand);
    let grasp: Vec<[f32; JOINTS]> = (0..settings.horizon).map(|k| script.grasp(k)).collect();
    let presser = joints_of(PRESSER);
    let servo = |joint: usize| {
        let Servo {
            stiffness,
            damping,
            limit,
        } = if joint == 0 { STAGE_SERVO } else { FINGER_SERVO };
        let control = match presser.contains(&joint) {
            true => Control::Rate(decimal(PRESSER_STEP) / decimal(CONTROL_DT)),
            false => Control::Offset {
                unit: decimal(CORRECTION[joint.min(1)]),
                nominal: grasp.iter().map(|targets| decimal(targets[joint])).collect(),
            },
        };
        Actuator {
            name: format!("{}_servo", joint_name(joint)),
            drive: Drive::Joint(joint),
            control,
            range: limits(joint),
            direct: false,
            stiffness: decimal(stiffness),
            damping: decimal(damping),
            feedforward: false,
            force: [-decimal(limit), decimal(limit)],
            start: decimal(Start::default().joints[joint]),
        }
    };
    const { assert!(JOINTS == 1 + FINGERS * FINGER_JOINTS) };
    (0..JOINTS).map(servo).collect()
}
