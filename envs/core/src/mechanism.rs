//! A built machine independent of any simulator's format, for export to others: bodies, joints, shapes,
//! tendons, actuators. SI units, angles in radians; the world's z axis points up where there is gravity.
//!
//! ```text
//! bodies form trees; a body's frame is its joint's frame, given relative to its parent at joint position 0
//! ```

/// Orientation as a quaternion (x, y, z, w).
pub type Quaternion = [f64; 4];

/// The number with the same shortest decimal form: 0.07, not 0.07000000029802322.
pub fn decimal(number: f32) -> f64 {
    number.to_string().parse().unwrap_or(f64::from(number))
}

/// No rotation.
pub const UPRIGHT: Quaternion = [0.0, 0.0, 0.0, 1.0];

/// A machine with its scene.
#[derive(Clone, Debug, PartialEq)]
pub struct Mechanism {
    /// Its name.
    pub name: String,
    /// What a reader of the exported file should know: what is assumed, what differs from the simulation here.
    pub notes: Vec<String>,
    /// Acceleration of gravity, m/s^2.
    pub gravity: [f64; 3],
    /// Physics step, s.
    pub dt: f64,
    /// Physics steps of a control step, during which a command holds.
    pub substeps: usize,
    /// Bodies; parents come before their children.
    pub bodies: Vec<Body>,
    /// Shapes that are fixed to the world.
    pub fixtures: Vec<Geom>,
    /// Tendons.
    pub tendons: Vec<Tendon>,
    /// Actuators, in the order of the command's numbers.
    pub actuators: Vec<Actuator>,
    /// Places worth marking, such as goals: name, position (m), radius (m).
    pub marks: Vec<(String, [f64; 3], f64)>,
}

/// A rigid body.
#[derive(Clone, Debug, PartialEq)]
pub struct Body {
    /// Its name, unique in the mechanism.
    pub name: String,
    /// Index of the body it hangs on; `None` for the world.
    pub parent: Option<usize>,
    /// Origin relative to the parent's frame, m.
    pub position: [f64; 3],
    /// Orientation relative to the parent's frame.
    pub rotation: Quaternion,
    /// How it moves against its parent.
    pub joint: Joint,
    /// Its shapes; they carry its mass.
    pub geoms: Vec<Geom>,
    /// Mass without a shape, at the body's origin: kg, and the moment of inertia about every axis, kg m^2.
    pub lump: Option<(f64, f64)>,
}

/// How a body moves against its parent.
#[derive(Clone, Debug, PartialEq)]
pub enum Joint {
    /// Not at all.
    Fixed,
    /// Freely in six directions.
    Free,
    /// About or along one axis.
    Axis(Axis),
}

/// A joint of one degree of freedom.
#[derive(Clone, Debug, PartialEq)]
pub struct Axis {
    /// Its name, unique in the mechanism.
    pub name: String,
    /// Whether it turns (rad) or slides (m).
    pub turns: bool,
    /// Direction in the body's frame.
    pub direction: [f64; 3],
    /// Lower and upper stop, rad or m.
    pub limits: [f64; 2],
    /// Damping, N m s/rad or N s/m.
    pub damping: f64,
    /// Inertia of the motor's rotor seen at the joint, kg m^2 or kg.
    pub armature: f64,
    /// Stiffness, N m/rad or N/m, and rest position, rad or m, of a passive spring.
    pub spring: Option<(f64, f64)>,
    /// Where it stands at the start of a nominal episode, rad or m.
    pub start: f64,
}

/// A shape.
#[derive(Clone, Debug, PartialEq)]
pub struct Geom {
    /// Its form and place in the body's frame.
    pub solid: Solid,
    /// Mass, kg, evenly spread; 0 for shapes that are fixed to the world.
    pub mass: f64,
    /// Coefficient of friction.
    pub friction: f64,
    /// Groups it is in, one bit each; 0 touches nothing.
    pub member: u32,
    /// Groups it touches. Two shapes touch if each is in a group that the other touches.
    pub meets: u32,
    /// Colour: red, green, blue, opacity, in [0, 1].
    pub colour: [f64; 4],
}

/// The form of a shape, m.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Solid {
    /// A capsule between two points.
    Capsule {
        /// Ends of its axis.
        ends: [[f64; 3]; 2],
        /// Radius.
        radius: f64,
    },
    /// A box along the axes.
    Cuboid {
        /// Centre.
        center: [f64; 3],
        /// Half extents.
        half: [f64; 3],
    },
    /// A cylinder along z.
    Cylinder {
        /// Centre.
        center: [f64; 3],
        /// Radius.
        radius: f64,
        /// Half height.
        half_height: f64,
    },
    /// A sphere.
    Sphere {
        /// Centre.
        center: [f64; 3],
        /// Radius.
        radius: f64,
    },
}

/// A tendon over pulleys: its length changes by `sum radius * joint angle`, m.
#[derive(Clone, Debug, PartialEq)]
pub struct Tendon {
    /// Its name, unique in the mechanism.
    pub name: String,
    /// The joints' bodies (by index) and the radii of their pulleys, m.
    pub pulleys: Vec<(usize, f64)>,
}

/// What an actuator moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drive {
    /// The joint of this body.
    Joint(usize),
    /// This tendon.
    Tendon(usize),
}

/// How a command in [-1, 1] moves a servo's set point, which is kept in its range.
#[derive(Clone, Debug, PartialEq)]
pub enum Control {
    /// `set point' = speed * command`: the speed, rad/s or m/s.
    Rate(f64),
    /// `set point = nominal[k] + unit * command` at the end of control step `k`, approached evenly during the step.
    Offset {
        /// What a command of 1 adds, rad or m.
        unit: f64,
        /// A nominal motion, rad or m, one entry per control step; the last one stays.
        nominal: Vec<f64>,
    },
}

/// A servo:
///
/// ```text
/// force = clamp(stiffness (set point - position) + damping (rate - velocity), force range)
/// ```
///
/// where `rate` is that of the set point with feedforward, 0 without. Of a direct one the force is the set point.
#[derive(Clone, Debug, PartialEq)]
pub struct Actuator {
    /// Its name, unique in the mechanism.
    pub name: String,
    /// What it moves.
    pub drive: Drive,
    /// How a command moves it.
    pub control: Control,
    /// Range of the set point, rad or m.
    pub range: [f64; 2],
    /// Whether the set point is the force itself, N m or N: a motor without feedback. Stiffness and damping are not used.
    pub direct: bool,
    /// Stiffness, N m/rad or N/m.
    pub stiffness: f64,
    /// Damping, N m s/rad or N s/m.
    pub damping: f64,
    /// Whether the damping acts on the difference to the set point's rate.
    pub feedforward: bool,
    /// Range of the force, N m or N.
    pub force: [f64; 2],
    /// Set point at the start, rad or m.
    pub start: f64,
}

/// Mass properties about the centre of mass, in axes parallel to the body's.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Inertia {
    /// Mass, kg.
    pub mass: f64,
    /// Centre of mass in the body's frame, m.
    pub center: [f64; 3],
    /// Moments xx, yy, zz and products xy, xz, yz of the inertia tensor, kg m^2.
    pub tensor: [f64; 6],
}

impl Solid {
    /// The middle of the shape, m.
    pub fn center(&self) -> [f64; 3] {
        match self {
            Self::Capsule { ends: [a, b], .. } => std::array::from_fn(|i| 0.5 * (a[i] + b[i])),
            Self::Cuboid { center, .. } | Self::Cylinder { center, .. } | Self::Sphere { center, .. } => *center,
        }
    }

    /// Inertia tensor of unit mass about the middle, as in [`Inertia::tensor`], m^2.
    ///
    /// A capsule is a cylinder of height `h` and two half balls whose centres lie `3 r / 8` beyond its ends:
    ///
    /// ```text
    /// V       = pi r^2 (h + 4 r / 3)
    /// along   = r^2 (cylinder / 2 + balls 2 / 5)
    /// across  = cylinder (h^2 / 12 + r^2 / 4) + balls (2 r^2 / 5 + h^2 / 4 + 3 h r / 8)
    /// ```
    fn unit_inertia(&self) -> [f64; 6] {
        match *self {
            Self::Capsule { ends, radius: r } => {
                let axis: [f64; 3] = std::array::from_fn(|i| ends[1][i] - ends[0][i]);
                let h = axis.iter().map(|a| a * a).sum::<f64>().sqrt();
                let cylinder = h / (h + 4.0 / 3.0 * r);
                let balls = 1.0 - cylinder;
                let along = r * r * (cylinder / 2.0 + balls * 0.4);
                let across =
                    cylinder * (h * h / 12.0 + r * r / 4.0) + balls * (0.4 * r * r + h * h / 4.0 + 0.375 * h * r);
                let u = axis.map(|a| if h > 0.0 { a / h } else { 0.0 });
                let part = |i: usize, j: usize| {
                    let same = if i == j { across } else { 0.0 };
                    same + (along - across) * u[i] * u[j]
                };
                [part(0, 0), part(1, 1), part(2, 2), part(0, 1), part(0, 2), part(1, 2)]
            }
            Self::Cuboid { half, .. } => {
                let [x, y, z] = half.map(|h| h * h / 3.0);
                [y + z, x + z, x + y, 0.0, 0.0, 0.0]
            }
            Self::Cylinder {
                radius: r,
                half_height: h,
                ..
            } => {
                let across = r * r / 4.0 + h * h / 3.0;
                [across, across, r * r / 2.0, 0.0, 0.0, 0.0]
            }
            Self::Sphere { radius: r, .. } => {
                let any = 0.4 * r * r;
                [any, any, any, 0.0, 0.0, 0.0]
            }
        }
    }
}

impl Body {
    /// Its mass properties: shapes and lump together.
    pub fn inertia(&self) -> Inertia {
        let mut parts: Vec<(f64, [f64; 3], [f64; 6])> = self
            .geoms
            .iter()
            .map(|g| (g.mass, g.solid.center(), g.solid.unit_inertia()))
            .collect();
        if let Some((mass, moment)) = self.lump
            && mass > 0.0
        {
            let about = moment / mass;
            parts.push((mass, [0.0; 3], [about, about, about, 0.0, 0.0, 0.0]));
        }
        let mass: f64 = parts.iter().map(|p| p.0).sum();
        let mut center = [0.0; 3];
        for (share, place, _) in &parts {
            (0..3).for_each(|i| center[i] += share / mass.max(f64::MIN_POSITIVE) * place[i]);
        }
        let mut tensor = [0.0; 6];
        for (share, place, unit) in &parts {
            let d: [f64; 3] = std::array::from_fn(|i| place[i] - center[i]);
            let [x, y, z] = d;
            // the parallel axis theorem
            let steiner = [y * y + z * z, x * x + z * z, x * x + y * y, -x * y, -x * z, -y * z];
            (0..6).for_each(|i| tensor[i] += share * (unit[i] + steiner[i]));
        }
        Inertia { mass, center, tensor }
    }

    /// Its joint, where it has one of one degree of freedom.
    pub fn axis(&self) -> Option<&Axis> {
        match &self.joint {
            Joint::Axis(axis) => Some(axis),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(geoms: Vec<Geom>) -> Body {
        Body {
            name: "b".into(),
            parent: None,
            position: [0.0; 3],
            rotation: UPRIGHT,
            joint: Joint::Free,
            geoms,
            lump: None,
        }
    }

    fn geom(solid: Solid, mass: f64) -> Geom {
        Geom {
            solid,
            mass,
            friction: 1.0,
            member: 1,
            meets: 1,
            colour: [1.0; 4],
        }
    }

    #[test]
    fn a_capsule_without_length_is_a_ball_and_a_thin_one_is_a_rod() {
        let capsule = |length: f64, radius: f64| Solid::Capsule {
            ends: [[0.0; 3], [length, 0.0, 0.0]],
            radius,
        };
        let ball = body(vec![geom(capsule(0.0, 0.1), 2.0)]).inertia();
        for i in 0..3 {
            assert!((ball.tensor[i] - 2.0 * 0.4 * 0.01).abs() < 1e-12);
        }
        let rod = body(vec![geom(capsule(3.0, 1e-6), 2.0)]).inertia();
        assert!(rod.tensor[0].abs() < 1e-9 && (rod.tensor[1] - 2.0 * 9.0 / 12.0).abs() < 1e-5);
        assert_eq!(rod.center, [1.5, 0.0, 0.0]);
    }

    #[test]
    fn two_half_boxes_are_a_box() {
        let cuboid = |x: f64, half: f64| Solid::Cuboid {
            center: [x, 0.0, 0.0],
            half: [half, 0.2, 0.3],
        };
        let whole = body(vec![geom(cuboid(0.0, 0.4), 2.0)]).inertia();
        let halves = vec![geom(cuboid(-0.2, 0.2), 1.0), geom(cuboid(0.2, 0.2), 1.0)];
        let halves = body(halves).inertia();
        assert_eq!(whole.mass, halves.mass);
        for (a, b) in whole.tensor.iter().zip(halves.tensor) {
            assert!((a - b).abs() < 1e-12);
        }
    }

    #[test]
    fn a_slanted_rod_has_the_products_of_inertia_of_its_direction() {
        let solid = Solid::Capsule {
            ends: [[0.0; 3], [1.0, 1.0, 0.0]],
            radius: 1e-6,
        };
        let i = body(vec![geom(solid, 12.0)]).inertia();
        // a rod of length sqrt 2: m l^2 / 12 = 2 across; I_xx = I_yy = 1, I_zz = 2, I_xy = -1
        for (got, expected) in i.tensor.iter().zip([1.0, 1.0, 2.0, -1.0, 0.0, 0.0]) {
            assert!((got - expected).abs() < 1e-4, "{:?}", i.tensor);
        }
    }
}
