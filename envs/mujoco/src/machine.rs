//! A [`Mechanism`] moved by MuJoCo.
//!
//! It is the exported file, compiled in memory. Where the file's servos take a policy's commands and integrate them, here the
//! owner sets their set points themselves, for every physics step, so that what a command means is decided in one place: the
//! problem's.

use std::sync::Arc;

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_model::MjtObjBase as Kind;
use serde::{Deserialize, Serialize, Serializer};
use tandem_core::Mechanism;
use tandem_core::mechanism::{Control, Joint};

use crate::engine::install;
use crate::mjcf;
use crate::simulation::Simulation;

/// Why the physics gave up.
pub type Fault = &'static str;

/// A place, m, and an orientation (x, y, z, w).
pub type Placed = ([f64; 3], [f64; 4]);

const GAVE_UP: Fault = "MuJoCo gave up";
const DIVERGED: Fault = "numbers left their bounds in MuJoCo";

/// How to find a mechanism's parts in its file.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Names {
    /// Names of a body and its joint, where it has one, in the mechanism's order.
    bodies: Vec<(String, Option<String>)>,
    /// Names of the actuators, and the speed of those that are commanded by rate, in the mechanism's order.
    servos: Vec<(String, Option<f64>)>,
}

/// Where a joint's numbers begin among positions and velocities.
#[derive(Clone, Copy, Debug)]
struct Address {
    position: usize,
    velocity: usize,
}

/// Where a servo is told its set point.
#[derive(Clone, Copy, Debug)]
struct Servo {
    /// Among activations, in units of `speed`; among controls where `speed` is none.
    at: usize,
    speed: Option<f64>,
    /// The control of its rate, in units of `speed`.
    rate: Option<usize>,
}

/// A mechanism in motion. Bodies and actuators are counted as in the mechanism; metres and radians.
#[derive(Deserialize)]
#[serde(try_from = "Stored")]
pub struct Machine {
    mjcf: String,
    names: Names,
    bodies: Vec<usize>,
    joints: Vec<Option<Address>>,
    servos: Vec<Servo>,
    simulation: Simulation,
}

/// What is stored of a machine: all of it can be made again from this.
#[derive(Serialize, Deserialize)]
struct Stored {
    mjcf: String,
    names: Names,
    state: Vec<f64>,
}

/// A contact of two bodies.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Contact {
    /// The bodies, as the mechanism counts them; `None` for what is fixed to the world.
    pub bodies: [Option<usize>; 2],
    /// Place, m.
    pub place: [f64; 3],
    /// How deep they overlap, m; negative where they are apart.
    pub depth: f64,
    /// Force on the second one, in the world's frame, N.
    pub force: [f64; 3],
}

impl Names {
    fn of(mechanism: &Mechanism) -> Self {
        let joint = |body: &tandem_core::mechanism::Body| match &body.joint {
            Joint::Fixed => None,
            Joint::Free => Some(mjcf::free_joint(body)),
            Joint::Axis(axis) => Some(axis.name.clone()),
        };
        let speed = |control: &Control| match control {
            Control::Rate(speed) => Some(*speed),
            Control::Offset { .. } => None,
        };
        let bodies = mechanism.bodies.iter();
        let servos = mechanism.actuators.iter();
        Self {
            bodies: bodies.map(|b| (b.name.clone(), joint(b))).collect(),
            servos: servos.map(|a| (a.name.clone(), speed(&a.control))).collect(),
        }
    }
}

/// The number of a thing in the model.
fn find(model: &MjModel, kind: Kind, name: &str) -> Result<usize, String> {
    let plain = !name.contains('\0'); // which MuJoCo's names end with
    let found = plain.then(|| model.name_to_id(kind, name)).flatten();
    found.ok_or_else(|| format!("MuJoCo's model has no `{name}`"))
}

fn address(model: &MjModel, name: &str) -> Result<Address, String> {
    let joint = find(model, Kind::mjOBJ_JOINT, name)?;
    Ok(Address {
        position: model.jnt_qposadr()[joint] as usize,
        velocity: model.jnt_dofadr()[joint] as usize,
    })
}

fn servo(model: &MjModel, name: &str, speed: Option<f64>) -> Result<Servo, String> {
    let control = find(model, Kind::mjOBJ_ACTUATOR, name)?;
    let activation = usize::try_from(model.actuator_actadr()[control]).ok();
    let at = match (speed, activation) {
        (Some(_), Some(activation)) => activation,
        (None, None) => control,
        _ => return Err(format!("`{name}` is another servo in MuJoCo's model")),
    };
    let rate = find(model, Kind::mjOBJ_ACTUATOR, &mjcf::rate_name(name)).ok();
    Ok(Servo { at, speed, rate })
}

impl Machine {
    /// A mechanism at its nominal start, its servos' set points there too.
    ///
    /// # Errors
    /// A mechanism that MuJoCo refuses, in its words.
    pub fn new(mechanism: &Mechanism) -> Result<Self, String> {
        let mjcf = mjcf::write(mechanism).map_err(|error| error.to_string())?;
        let mut machine = Self::compile(mjcf, Names::of(mechanism))?;
        for (body, part) in mechanism.bodies.iter().enumerate() {
            match &part.joint {
                Joint::Axis(axis) => machine.put(body, axis.start),
                Joint::Free => machine.lay(body, (part.position, part.rotation)),
                Joint::Fixed => {}
            }
        }
        for (i, actuator) in mechanism.actuators.iter().enumerate() {
            machine.aim(i, actuator.start, 0.0);
        }
        machine.refresh()?;
        Ok(machine)
    }

    fn compile(mjcf: String, names: Names) -> Result<Self, String> {
        install();
        let model = MjModel::from_xml_string(&mjcf).map_err(|error| error.to_string())?;
        let bodies = names.bodies.iter();
        let joint = |name: &Option<String>| name.as_deref().map(|name| address(&model, name)).transpose();
        let servos = names.servos.iter();
        Ok(Self {
            bodies: bodies
                .clone()
                .map(|(name, _)| find(&model, Kind::mjOBJ_BODY, name))
                .collect::<Result<_, _>>()?,
            joints: bodies.map(|(_, name)| joint(name)).collect::<Result<_, _>>()?,
            servos: servos
                .map(|(name, speed)| servo(&model, name, *speed))
                .collect::<Result<_, _>>()?,
            simulation: Simulation::new(Arc::new(model)).map_err(|error| error.to_string())?,
            mjcf,
            names,
        })
    }

    /// MuJoCo's version, `3.17.0`.
    pub fn version() -> &'static str {
        mujoco_rs::mujoco_version()
    }

    /// The simulation.
    pub fn simulation(&self) -> &Simulation {
        &self.simulation
    }

    /// Number of bodies.
    pub fn bodies(&self) -> usize {
        self.bodies.len()
    }

    /// Number of actuators.
    pub fn actuators(&self) -> usize {
        self.servos.len()
    }

    /// Mass of a body, kg.
    pub fn mass(&self, body: usize) -> f64 {
        self.simulation.model().body_mass()[self.bodies[body]]
    }

    /// Position of a body's joint, rad or m; 0 where it has none of one axis.
    pub fn position(&self, body: usize) -> f64 {
        self.joints[body].map_or(0.0, |at| self.simulation.data().qpos()[at.position])
    }

    /// Speed of a body's joint, rad/s or m/s; 0 where it has none of one axis.
    pub fn speed(&self, body: usize) -> f64 {
        self.joints[body].map_or(0.0, |at| self.simulation.data().qvel()[at.velocity])
    }

    /// Puts a body's joint of one axis somewhere, rad or m, at rest.
    pub fn put(&mut self, body: usize, position: f64) {
        if let Some(at) = self.joints[body] {
            let data = self.simulation.data_mut();
            data.qpos_mut()[at.position] = position;
            data.qvel_mut()[at.velocity] = 0.0;
        }
    }

    /// Lays a free body somewhere, at rest.
    pub fn lay(&mut self, body: usize, (place, [x, y, z, w]): Placed) {
        if let Some(at) = self.joints[body] {
            let data = self.simulation.data_mut();
            data.qpos_mut()[at.position..at.position + 3].copy_from_slice(&place);
            data.qpos_mut()[at.position + 3..at.position + 7].copy_from_slice(&[w, x, y, z]);
            data.qvel_mut()[at.velocity..at.velocity + 6].fill(0.0);
        }
    }

    /// Derives the places of bodies from positions that were set.
    ///
    /// # Errors
    /// MuJoCo gave up.
    pub fn refresh(&mut self) -> Result<(), Fault> {
        self.simulation.kinematics().map_err(|_| GAVE_UP)
    }

    /// Sets a servo's set point, rad, m or N, for the next physics step, and the rate at which it moves, which counts where
    /// the servo has feedforward.
    pub fn aim(&mut self, actuator: usize, target: f64, rate: f64) {
        let Servo {
            at,
            speed,
            rate: control,
        } = self.servos[actuator];
        let data = self.simulation.data_mut();
        match speed {
            // its control stays 0, so that the set point moves only here
            Some(speed) => data.act_mut()[at] = target / speed,
            None => data.ctrl_mut()[at] = target,
        }
        if let (Some(control), Some(speed)) = (control, speed) {
            data.ctrl_mut()[control] = rate / speed;
        }
    }

    /// Pushes a body at its centre of mass by a force, N, in the world's frame, until another is set.
    pub fn push(&mut self, body: usize, [x, y, z]: [f64; 3]) {
        let body = self.bodies[body];
        self.simulation.data_mut().xfrc_applied_mut()[body] = [x, y, z, 0.0, 0.0, 0.0];
    }

    /// Brakes the turning of a free body by this share of its angular momentum per second, 1/s, in the next physics step.
    pub fn brake(&mut self, body: usize, share: f64) {
        let Some(at) = self.joints[body] else {
            return;
        };
        let moments = self.simulation.model().body_inertia()[self.bodies[body]];
        let data = self.simulation.data_mut();
        for k in 0..3 {
            // a free joint's last three speeds and forces are in the body's own frame
            let spin = data.qvel()[at.velocity + 3 + k];
            data.qfrc_applied_mut()[at.velocity + 3 + k] = -share * moments[k] * spin;
        }
    }

    /// Moves on by one physics step; places of bodies belong to its beginning until [`Machine::refresh`].
    ///
    /// # Errors
    /// MuJoCo gave up, or found numbers that are too large or none.
    pub fn step(&mut self) -> Result<(), Fault> {
        self.simulation.step().map_err(|_| GAVE_UP)?;
        match self.simulation.diverged() {
            true => Err(DIVERGED),
            false => Ok(()),
        }
    }

    /// Where a body is.
    pub fn place(&self, body: usize) -> Placed {
        let data = self.simulation.data();
        let body = self.bodies[body];
        let [w, x, y, z] = data.xquat()[body];
        (data.xpos()[body], [x, y, z, w])
    }

    /// The place of a point of a body, m, in the world; `local` is in the body's frame, m.
    pub fn point(&self, body: usize, local: [f64; 3]) -> [f64; 3] {
        let data = self.simulation.data();
        let body = self.bodies[body];
        let (origin, axes) = (data.xpos()[body], data.xmat()[body]);
        std::array::from_fn(|i| origin[i] + (0..3).map(|k| axes[3 * i + k] * local[k]).sum::<f64>())
    }

    /// Velocity of a free body's origin, m/s, and its angular velocity, rad/s, in the world's frame.
    pub fn velocity(&self, body: usize) -> [[f64; 3]; 2] {
        let Some(at) = self.joints[body] else {
            return [[0.0; 3]; 2];
        };
        let data = self.simulation.data();
        let speeds = &data.qvel()[at.velocity..];
        let axes = data.xmat()[self.bodies[body]];
        let spin = |i: usize| (0..3).map(|k| axes[3 * i + k] * speeds[3 + k]).sum();
        [[speeds[0], speeds[1], speeds[2]], std::array::from_fn(spin)]
    }

    /// The contacts of the last physics step.
    pub fn contacts(&self) -> impl Iterator<Item = Contact> {
        let data = self.simulation.data();
        let owner = |geom: i32| {
            let geom = usize::try_from(geom).ok()?;
            let body = self.simulation.model().geom_bodyid()[geom] as usize;
            self.bodies.iter().position(|&b| b == body)
        };
        data.contact().iter().enumerate().map(move |(i, contact)| {
            // the frame's rows are its axes, the first from the first geom to the second
            let local = data.contact_force(i);
            let along = |axis: usize| (0..3).map(|row| contact.frame[3 * row + axis] * local[row]).sum();
            Contact {
                bodies: contact.geom.map(owner),
                place: contact.pos,
                depth: -contact.dist,
                force: std::array::from_fn(along),
            }
        })
    }
}

impl Serialize for Machine {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut state = vec![0.0; self.simulation.state_len()];
        self.simulation.store(&mut state);
        let stored = Stored {
            mjcf: self.mjcf.clone(),
            names: self.names.clone(),
            state,
        };
        stored.serialize(serializer)
    }
}

impl TryFrom<Stored> for Machine {
    type Error = String;

    fn try_from(stored: Stored) -> Result<Self, String> {
        let mut machine = Self::compile(stored.mjcf, stored.names)?;
        let restored = machine.simulation.restore(&stored.state);
        restored.map_err(|error| error.to_string())?;
        machine.refresh()?;
        Ok(machine)
    }
}
