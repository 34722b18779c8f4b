//! URDF: links, joints and limits. The format has neither tendons nor servos nor groups of contacts; a machine that
//! cannot be without them is refused.

use std::io;

use tandem_core::mechanism::{Actuator, Axis, Body, Control, Drive, Geom, Joint, Mechanism, Quaternion, Solid};
use tandem_mujoco::xml::{Element, numbers};
use thiserror::Error;

/// Speed of joints that have no limit of it, rad/s or m/s.
const UNLIMITED: f64 = 1000.0;

/// Why there is no URDF.
#[derive(Debug, Error)]
pub enum UrdfError {
    /// The machine is driven by tendons.
    #[error("URDF cannot say what a tendon is; write it with --mjcf")]
    Tendons,
    /// Text cannot be written.
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// The document. Its root link is `world`, with the scene's fixed shapes.
///
/// # Errors
/// A machine that the format cannot say.
pub fn write(mechanism: &Mechanism) -> Result<String, UrdfError> {
    if !mechanism.tendons.is_empty() {
        return Err(UrdfError::Tendons);
    }
    let mut root = Element::new("robot").with("name", &*mechanism.name);
    for note in &mechanism.notes {
        root = root.comment(note);
    }
    root.push(shapes(Element::new("link").with("name", "world"), &mechanism.fixtures));
    for body in &mechanism.bodies {
        let link = Element::new("link").with("name", &*body.name);
        root.push(shapes(link.child(inertial(body)), &body.geoms));
    }
    for (index, body) in mechanism.bodies.iter().enumerate() {
        root.push(joint(mechanism, index, body));
    }
    Ok(root.document()?)
}

fn origin(place: &[f64; 3], turn: [f64; 3]) -> Element {
    Element::new("origin").numbers("xyz", place).numbers("rpy", &turn)
}

fn inertial(body: &Body) -> Element {
    let inertia = body.inertia();
    let [xx, yy, zz, xy, xz, yz] = inertia.tensor.map(|i| numbers(&[i]));
    Element::new("inertial")
        .child(origin(&inertia.center, [0.0; 3]))
        .child(Element::new("mass").numbers("value", &[inertia.mass]))
        .child(
            Element::new("inertia")
                .with("ixx", xx)
                .with("ixy", xy)
                .with("ixz", xz)
                .with("iyy", yy)
                .with("iyz", yz)
                .with("izz", zz),
        )
}

/// A link with its shapes, as they look and, where they touch anything, as they collide.
fn shapes(mut link: Element, geoms: &[Geom]) -> Element {
    for geom in geoms {
        let [r, g, b, a] = geom.colour;
        for (place, turn, form) in forms(&geom.solid) {
            let colour = Element::new("color").numbers("rgba", &[r, g, b, a]);
            let material = Element::new("material")
                .with("name", format!("rgb_{r}_{g}_{b}"))
                .child(colour);
            link.push(
                Element::new("visual")
                    .child(origin(&place, turn))
                    .child(Element::new("geometry").child(form.element()))
                    .child(material),
            );
            if geom.member != 0 || geom.meets != 0 {
                link.push(
                    Element::new("collision")
                        .child(origin(&place, turn))
                        .child(Element::new("geometry").child(form.element())),
                );
            }
        }
    }
    link
}

/// A form that URDF knows.
enum Form {
    Sphere(f64),
    Cylinder(f64, f64),
    Cuboid([f64; 3]),
}

impl Form {
    fn element(&self) -> Element {
        match *self {
            Self::Sphere(radius) => Element::new("sphere").numbers("radius", &[radius]),
            Self::Cylinder(radius, length) => Element::new("cylinder")
                .numbers("radius", &[radius])
                .numbers("length", &[length]),
            Self::Cuboid(size) => Element::new("box").numbers("size", &size),
        }
    }
}

/// A solid in URDF's forms with their places and turns: a capsule is a cylinder with two balls.
fn forms(solid: &Solid) -> Vec<([f64; 3], [f64; 3], Form)> {
    let none = [0.0; 3];
    match *solid {
        Solid::Sphere { center, radius } => vec![(center, none, Form::Sphere(radius))],
        Solid::Cuboid { center, half } => {
            vec![(center, none, Form::Cuboid(half.map(|h| 2.0 * h)))]
        }
        Solid::Cylinder {
            center,
            radius,
            half_height,
        } => vec![(center, none, Form::Cylinder(radius, 2.0 * half_height))],
        Solid::Capsule { ends: [a, b], radius } => {
            let d: [f64; 3] = std::array::from_fn(|i| b[i] - a[i]);
            let length = d.iter().map(|d| d * d).sum::<f64>().sqrt();
            // from z to the axis: first tilt about y, then turn about z
            let turn = [0.0, d[0].hypot(d[1]).atan2(d[2]), d[1].atan2(d[0])];
            vec![
                (solid.center(), turn, Form::Cylinder(radius, length)),
                (a, none, Form::Sphere(radius)),
                (b, none, Form::Sphere(radius)),
            ]
        }
    }
}

fn joint(mechanism: &Mechanism, index: usize, body: &Body) -> Element {
    let parent = body.parent.and_then(|p| mechanism.bodies.get(p));
    let kind = match &body.joint {
        Joint::Fixed => "fixed",
        Joint::Free => "floating",
        Joint::Axis(axis) if axis.turns => "revolute",
        Joint::Axis(_) => "prismatic",
    };
    let name = match &body.joint {
        Joint::Axis(axis) => axis.name.clone(),
        _ => format!("{}_joint", body.name),
    };
    let element = Element::new("joint")
        .with("name", name)
        .with("type", kind)
        .child(origin(&body.position, roll_pitch_yaw(body.rotation)))
        .child(Element::new("parent").with("link", parent.map_or("world", |p| &*p.name)))
        .child(Element::new("child").with("link", &*body.name));
    match &body.joint {
        Joint::Axis(axis) => limits(element, mechanism, index, axis),
        _ => element,
    }
}

fn limits(element: Element, mechanism: &Mechanism, index: usize, axis: &Axis) -> Element {
    let driven = mechanism.actuators.iter();
    let servo = driven.clone().find(|a| a.drive == Drive::Joint(index));
    // the format wants a highest speed; a servo that follows positions has none of its own
    let speed = |a: &Actuator| match &a.control {
        Control::Rate(speed) => *speed,
        Control::Offset { .. } => UNLIMITED,
    };
    let (effort, speed) = servo.map_or((0.0, 0.0), |a| (a.force[1], speed(a)));
    let [low, high] = axis.limits.map(|l| numbers(&[l]));
    element
        .child(Element::new("axis").numbers("xyz", &axis.direction))
        .child(
            Element::new("limit")
                .with("lower", low)
                .with("upper", high)
                .numbers("effort", &[effort])
                .numbers("velocity", &[speed]),
        )
        .child(Element::new("dynamics").numbers("damping", &[axis.damping]))
}

/// Fixed-axis angles about x, y and z, rad, of a rotation.
fn roll_pitch_yaw([x, y, z, w]: Quaternion) -> [f64; 3] {
    [
        (2.0 * (w * x + y * z)).atan2(1.0 - 2.0 * (x * x + y * y)),
        (2.0 * (w * y - z * x)).clamp(-1.0, 1.0).asin(),
        (2.0 * (w * z + x * y)).atan2(1.0 - 2.0 * (y * y + z * z)),
    ]
}
