//! The hand, an object and the table as other simulators describe them.

use super::controller::OPEN;
use super::hand::{
    FINGER_JOINTS, JOINT_LIMITS, JOINTS, Joint as Transmission, LENGTHS, LINK_RADIUS, MOST_TENSION, PALM_RADIUS, ROOTS,
};
use super::machine::{ARMATURE, JOINT_DAMPING, PALM_HALF_HEIGHT, PALM_HEIGHT, SLIDE_LIMITS};
use super::object::{Kind, Object};
use super::state::STEP;
use crate::hand3d::export::{BOX_COLOUR, LINK_COLOUR, PALM_COLOUR, PALM_MASS, SUBSTEPS, geom, table};
use crate::hand3d::mujoco::about_z;
use crate::hand3d::parts::{CONTROL_DT, link_mass};
use crate::hand3d::servo::Servo;
use crate::hand3d::stage::{STAGE_INERTIA, STAGE_SERVO};
use tandem_core::mechanism::{Actuator, Axis, Body, Control, Drive, Joint, Mechanism, Solid, Tendon, UPRIGHT, decimal};

const HAND: u32 = 1;
const OBJECT: u32 = 2;
const TABLE: u32 = 4;

/// The scene that [`super::machine::Machine`] builds, with this object.
pub(super) fn mechanism(joints: &[Transmission; JOINTS], object: &Object) -> Mechanism {
    let mut bodies = vec![palm()];
    bodies.extend((0..JOINTS).map(|i| link(i, &joints[i])));
    bodies.push(lying(object));
    Mechanism {
        name: "hand3d-tendon".into(),
        notes: vec![
            "objects differ from episode to episode in kind, size and place; this is a box of middle size".into(),
            "the motor sets the tension of the tendon itself".into(),
        ],
        gravity: [0.0, 0.0, -9.81],
        dt: decimal(CONTROL_DT) / SUBSTEPS as f64,
        substeps: SUBSTEPS,
        bodies,
        fixtures: vec![table([TABLE, HAND | OBJECT])],
        tendons: vec![Tendon {
            name: "tendon".into(),
            pulleys: (0..JOINTS).map(|i| (1 + i, joints[i].radius)).collect(),
        }],
        actuators: vec![motor(), slide()],
        marks: Vec::new(),
    }
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
        position: [0.0, 0.0, PALM_HEIGHT],
        rotation: UPRIGHT,
        joint: Joint::Axis(Axis {
            name: "slide".into(),
            turns: false,
            direction: [0.0, 0.0, 1.0],
            limits: SLIDE_LIMITS,
            damping: 0.0,
            armature: decimal(STAGE_INERTIA),
            spring: None,
            start: 0.0,
        }),
        geoms: vec![geom(disc, PALM_MASS, [HAND, OBJECT], PALM_COLOUR)],
        lump: None,
    }
}

/// Link `i`, whose body is `i + 1`: proximal links hang on the palm, distal ones on them.
fn link(i: usize, transmission: &Transmission) -> Body {
    let (finger, part) = (i / FINGER_JOINTS, i % FINGER_JOINTS);
    let name = format!("finger_{}_{}", finger + 1, ["proximal", "distal"][part]);
    let ([x, y], heading) = ROOTS[finger];
    let (sin, cos) = (0.5 * heading).sin_cos();
    let (parent, position, rotation) = match part {
        0 => (0, [x, y, 0.0], [0.0, 0.0, sin, cos]),
        _ => (i, [LENGTHS[0], 0.0, 0.0], UPRIGHT),
    };
    let capsule = Solid::Capsule {
        ends: [[0.0; 3], [LENGTHS[part], 0.0, 0.0]],
        radius: LINK_RADIUS,
    };
    Body {
        joint: Joint::Axis(Axis {
            name: format!("{name}_joint"),
            turns: true,
            direction: [0.0, 1.0, 0.0],
            limits: JOINT_LIMITS,
            damping: decimal(JOINT_DAMPING),
            armature: decimal(ARMATURE),
            spring: Some((transmission.stiffness, -transmission.preload)),
            start: decimal(OPEN[i]),
        }),
        name,
        parent: Some(parent),
        position,
        rotation,
        geoms: vec![geom(
            capsule,
            link_mass(LENGTHS[part]),
            [HAND, OBJECT | TABLE],
            LINK_COLOUR,
        )],
        lump: None,
    }
}

fn lying(object: &Object) -> Body {
    let ([x, y], center) = (object.place, [0.0; 3]);
    let [radius, half_height] = [object.half_width, object.half_height];
    let solid = match object.kind {
        Kind::Box => Solid::Cuboid {
            center,
            half: [radius, radius, half_height],
        },
        Kind::Sphere => Solid::Sphere { center, radius },
        Kind::Cylinder => Solid::Cylinder {
            center,
            radius,
            half_height,
        },
    };
    Body {
        name: "object".into(),
        parent: None,
        position: [x, y, half_height],
        rotation: about_z(object.turn),
        joint: Joint::Free,
        geoms: vec![geom(solid, object.mass(), [OBJECT, HAND | TABLE], BOX_COLOUR)],
        lump: None,
    }
}

fn motor() -> Actuator {
    Actuator {
        name: "tendon_motor".into(),
        drive: Drive::Tendon(0),
        control: Control::Rate(decimal(STEP[0]) / decimal(CONTROL_DT)),
        range: [0.0, MOST_TENSION],
        direct: true,
        stiffness: 0.0,
        damping: 0.0,
        feedforward: false,
        force: [0.0, MOST_TENSION],
        start: 0.0,
    }
}

fn slide() -> Actuator {
    let Servo {
        stiffness,
        damping,
        limit,
    } = STAGE_SERVO;
    Actuator {
        name: "slide_servo".into(),
        drive: Drive::Joint(0),
        control: Control::Rate(decimal(STEP[1]) / decimal(CONTROL_DT)),
        range: SLIDE_LIMITS,
        direct: false,
        stiffness: decimal(stiffness),
        damping: decimal(damping),
        feedforward: false,
        force: [-decimal(limit), decimal(limit)],
        start: 0.0,
    }
}
