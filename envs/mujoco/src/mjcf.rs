//! MuJoCo's format (MJCF): the machine with joints, actuators, tendons, limits and scene.
//!
//! A servo that is commanded by rate is a `general` actuator with an integrator: its control is the policy's command in
//! [-1, 1], its activation the set point over the servo's speed (s), so that the policy's output goes into `ctrl` as it
//! is. With feedforward the rate is a second actuator, whose control is the same command: these stand behind all others
//! in the same order, and the joint limits the force of both. A servo that is commanded by offset takes its set point
//! (rad, m) as control. The policy's metadata says which is which. The keyframe `start` holds the nominal start.

use std::io;

use tandem_core::mechanism::{Actuator, Axis, Body, Control, Drive, Geom, Joint, Mechanism, Quaternion, Solid};

use super::xml::{Element, numbers};

/// The document.
///
/// # Errors
/// Text that cannot be written.
pub fn write(mechanism: &Mechanism) -> io::Result<String> {
    let mut root = Element::new("mujoco").with("model", &*mechanism.name);
    let per_step = mechanism.substeps;
    root = root.comment(&format!(
        "a command holds for {per_step} steps of {} s; with ctrlrange -1 1 ctrl takes the policy's output{}, else a set \
         point, see `control` in the policy's metadata",
        mechanism.dt,
        if rates(mechanism).next().is_some() {
            ", twice: for the set points, then for their rates"
        } else {
            ""
        }
    ));
    for note in &mechanism.notes {
        root = root.comment(note);
    }
    root.push(
        Element::new("compiler")
            .with("angle", "radian")
            .with("autolimits", "true"),
    );
    root.push(
        Element::new("option")
            .numbers("timestep", &[mechanism.dt])
            .numbers("gravity", &mechanism.gravity)
            .with("integrator", "implicitfast")
            .with("cone", "elliptic")
            // grips are held by friction: with the default of 1 they creep
            .with("impratio", "10"),
    );
    root.push(world(mechanism));
    if !mechanism.tendons.is_empty() {
        root.push(tendons(mechanism));
    }
    let servos = mechanism.actuators.iter().map(|a| servo(mechanism, a));
    let rates = rates(mechanism).map(|a| rate(mechanism, a));
    root.push(Element::new("actuator").children(servos).children(rates));
    root.push(Element::new("keyframe").child(start(mechanism)));
    root.document()
}

fn world(mechanism: &Mechanism) -> Element {
    let light = Element::new("light")
        .with("pos", "0 0 3")
        .with("dir", "0 0 -1")
        .with("directional", "true");
    let marks = mechanism.marks.iter().map(|(name, place, radius)| {
        Element::new("site")
            .with("name", &**name)
            .numbers("pos", place)
            .numbers("size", &[*radius])
            .with("rgba", "0.85 0.2 0.2 0.6")
    });
    let roots = mechanism.bodies.iter().enumerate();
    Element::new("worldbody")
        .child(light)
        .children(mechanism.fixtures.iter().map(geom))
        .children(marks)
        .children(
            roots
                .filter(|(_, b)| b.parent.is_none())
                .map(|(i, _)| body(mechanism, i)),
        )
}

fn body(mechanism: &Mechanism, index: usize) -> Element {
    let body = &mechanism.bodies[index];
    let mut element = Element::new("body")
        .with("name", &*body.name)
        .numbers("pos", &body.position)
        .numbers("quat", &wxyz(body.rotation));
    match &body.joint {
        Joint::Fixed => {}
        Joint::Free => element.push(Element::new("freejoint").with("name", free_joint(body))),
        Joint::Axis(axis) => {
            let mut servos = mechanism.actuators.iter();
            let servo = servos.find(|a| a.drive == Drive::Joint(index));
            element.push(joint(axis, servo));
        }
    }
    if body.lump.is_some() || body.geoms.is_empty() {
        element.push(inertial(body));
    }
    element = element.children(body.geoms.iter().map(geom));
    let children = mechanism.bodies.iter().enumerate();
    element.children(
        children
            .filter(|(_, b)| b.parent == Some(index))
            .map(|(i, _)| self::body(mechanism, i)),
    )
}

fn joint(axis: &Axis, servo: Option<&Actuator>) -> Element {
    let mut element = Element::new("joint").with("name", &*axis.name);
    if let Some(servo) = servo.filter(|a| a.feedforward) {
        element = element.numbers("actuatorfrcrange", &servo.force);
    }
    element = element
        .with("type", if axis.turns { "hinge" } else { "slide" })
        .numbers("axis", &axis.direction)
        .numbers("range", &axis.limits)
        .numbers("damping", &[axis.damping])
        .numbers("armature", &[axis.armature]);
    if let Some((stiffness, rest)) = axis.spring {
        element = element.numbers("stiffness", &[stiffness]).numbers("springref", &[rest]);
    }
    element
}

fn inertial(body: &Body) -> Element {
    let inertia = body.inertia();
    Element::new("inertial")
        .numbers("mass", &[inertia.mass])
        .numbers("pos", &inertia.center)
        .numbers("fullinertia", &inertia.tensor)
}

fn geom(geom: &Geom) -> Element {
    let element = match geom.solid {
        Solid::Capsule { ends: [a, b], radius } => Element::new("geom")
            .with("type", "capsule")
            .with("fromto", numbers(&[a, b].concat()))
            .numbers("size", &[radius]),
        Solid::Cuboid { center, half } => Element::new("geom")
            .with("type", "box")
            .numbers("pos", &center)
            .numbers("size", &half),
        Solid::Cylinder {
            center,
            radius,
            half_height,
        } => Element::new("geom")
            .with("type", "cylinder")
            .numbers("pos", &center)
            .numbers("size", &[radius, half_height]),
        Solid::Sphere { center, radius } => Element::new("geom")
            .with("type", "sphere")
            .numbers("pos", &center)
            .numbers("size", &[radius]),
    };
    let element = match geom.mass > 0.0 {
        true => element.numbers("mass", &[geom.mass]),
        false => element,
    };
    element
        .numbers("friction", &[geom.friction])
        .with("contype", geom.member.to_string())
        .with("conaffinity", geom.meets.to_string())
        .numbers("rgba", &geom.colour)
}

fn tendons(mechanism: &Mechanism) -> Element {
    let tendon = |t: &tandem_core::mechanism::Tendon| {
        let pulleys = t.pulleys.iter().filter_map(|&(body, radius)| {
            let axis = mechanism.bodies.get(body)?.axis()?;
            let pulley = Element::new("joint").with("joint", &*axis.name);
            Some(pulley.numbers("coef", &[radius]))
        });
        Element::new("fixed").with("name", &*t.name).children(pulleys)
    };
    Element::new("tendon").children(mechanism.tendons.iter().map(tendon))
}

/// MuJoCo's `force = gain * activation + bias_0 + bias_1 * position + bias_2 * velocity`.
fn servo(mechanism: &Mechanism, servo: &Actuator) -> Element {
    let element = driving(
        mechanism,
        Element::new("general").with("name", &*servo.name),
        servo.drive,
    );
    let damping = if servo.feedforward { 0.0 } else { servo.damping };
    let (element, unit) = match servo.control {
        Control::Rate(speed) => {
            let range = servo.range.map(|r| r / speed);
            let element = element.with("dyntype", "integrator").with("ctrlrange", "-1 1");
            (element.numbers("actrange", &range), speed)
        }
        Control::Offset { .. } => (element.numbers("ctrlrange", &servo.range), 1.0),
    };
    let element = match servo.feedforward {
        true => element,
        false => element.numbers("forcerange", &servo.force),
    };
    if servo.direct {
        let element = element.with("gaintype", "fixed");
        return element.numbers("gainprm", &[unit]);
    }
    element
        .with("gaintype", "fixed")
        .numbers("gainprm", &[servo.stiffness * unit])
        .with("biastype", "affine")
        .numbers("biasprm", &[0.0, -servo.stiffness, -damping])
}

/// Servos with feedforward.
fn rates(mechanism: &Mechanism) -> impl Iterator<Item = &Actuator> {
    mechanism.actuators.iter().filter(|a| a.feedforward)
}

/// The rate of a servo with feedforward, where it is commanded: `force = damping (speed * command - velocity)`.
fn rate(mechanism: &Mechanism, servo: &Actuator) -> Element {
    let name = rate_name(&servo.name);
    let speed = match servo.control {
        Control::Rate(speed) => speed,
        Control::Offset { .. } => 0.0,
    };
    driving(mechanism, Element::new("general").with("name", name), servo.drive)
        .with("ctrlrange", "-1 1")
        .with("gaintype", "fixed")
        .numbers("gainprm", &[servo.damping * speed])
        .with("biastype", "affine")
        .numbers("biasprm", &[0.0, 0.0, -servo.damping])
}

fn driving(mechanism: &Mechanism, element: Element, drive: Drive) -> Element {
    match drive {
        Drive::Joint(body) => match mechanism.bodies.get(body).and_then(Body::axis) {
            Some(axis) => element.with("joint", &*axis.name),
            None => element,
        },
        Drive::Tendon(tendon) => match mechanism.tendons.get(tendon) {
            Some(tendon) => element.with("tendon", &*tendon.name),
            None => element,
        },
    }
}

/// The nominal start as a keyframe.
fn start(mechanism: &Mechanism) -> Element {
    let mut order = Vec::new();
    let roots = (0..mechanism.bodies.len()).filter(|&i| mechanism.bodies[i].parent.is_none());
    roots.for_each(|i| depth_first(mechanism, i, &mut order));
    let mut places = Vec::new();
    for body in order.into_iter().map(|i| &mechanism.bodies[i]) {
        match &body.joint {
            Joint::Fixed => {}
            Joint::Free => {
                places.extend(body.position);
                places.extend(wxyz(body.rotation));
            }
            Joint::Axis(axis) => places.push(axis.start),
        }
    }
    let (mut integrated, mut given) = (Vec::new(), Vec::new());
    for servo in &mechanism.actuators {
        match servo.control {
            Control::Rate(speed) => {
                integrated.push(servo.start / speed);
                given.push(0.0);
            }
            Control::Offset { .. } => given.push(servo.start),
        }
    }
    given.extend(rates(mechanism).map(|_| 0.0));
    let key = Element::new("key")
        .with("name", "start")
        .numbers("qpos", &places)
        .numbers("ctrl", &given);
    match integrated.is_empty() {
        true => key,
        false => key.numbers("act", &integrated),
    }
}

/// The order in which MuJoCo counts bodies.
fn depth_first(mechanism: &Mechanism, index: usize, order: &mut Vec<usize>) {
    order.push(index);
    for child in index + 1..mechanism.bodies.len() {
        if mechanism.bodies[child].parent == Some(index) {
            depth_first(mechanism, child, order);
        }
    }
}

fn wxyz([x, y, z, w]: Quaternion) -> [f64; 4] {
    [w, x, y, z]
}

/// Name of the joint of a body that moves freely.
pub fn free_joint(body: &Body) -> String {
    format!("{}_free", body.name)
}

/// Name of the second actuator of a servo with feedforward, which takes its rate.
pub fn rate_name(servo: &str) -> String {
    format!("{servo}_rate")
}
