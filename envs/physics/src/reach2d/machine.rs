//! The true machine: an arm driven by servos with torque limits, among solid walls.
//!
//! Its motion is computed by `chain`; rapier (`reference`) and MuJoCo (`mujoco`) compute the same machine for comparison.

use serde::{Deserialize, Serialize};

use super::chain::{Aim, Chain, Link, Servo};
use super::config::{CONTROL_DT, Engine, LINK_RADIUS, MAX_LINKS, STEP_ANGLE, Settings, link_inertia};
pub use super::config::{DENSITY, link_mass};
use super::hardware::{Arm, MOTOR_MASS};
use super::motion;
use super::mujoco::MujocoArm;
use super::reference::RapierArm;
use super::walls::{Point, Walls};

/// Joint speed beyond which the physics is taken to have failed, rad/s; servos ask for 3.
const SPEED_BOUND: f64 = 100.0;
/// Servo stiffness: full torque at this error, rad.
pub(super) const FULL_TORQUE_ERROR: f64 = 0.05;
/// Servo damping over stiffness, s.
pub(super) const DAMPING_TIME: f64 = 0.08;
/// The servo's target leads the joint by this much at most, rad: it cannot wind up against a wall.
const MAX_LEAD: f64 = 0.3;
/// Links may sink into a wall by this much, m, before they are stopped dead.
const SINK: f32 = 0.5 * LINK_RADIUS;

/// Why the physics gave up.
pub type Fault = &'static str;

#[derive(Serialize, Deserialize)]
enum Body {
    Chain(Chain),
    Rapier(Box<RapierArm>),
    Mujoco(Box<MujocoArm>),
}

/// An arm as it moves. Positions in metres in the world's frame, angles in radians.
#[derive(Serialize, Deserialize)]
pub struct Machine {
    body: Body,
    base: Point,
    /// Where each servo wants its joint to be.
    target: Vec<f64>,
    substeps: usize,
    #[serde(skip)]
    aims: Vec<Aim>,
}

/// Link `i` of an arm with its motor, a ball of the link's radius at the hinge.
fn link(arm: &Arm, i: usize) -> Link {
    let (length, radius) = (arm.lengths[i], f64::from(LINK_RADIUS));
    let tube = link_mass(length);
    let motor = match (arm.torques, i) {
        (Some(torques), 1..) => MOTOR_MASS * torques[i],
        _ => 0.0,
    };
    let mass = tube + motor;
    let center = 0.5 * length * tube / mass;
    let about_hinge = link_inertia(length) + tube * (0.5 * length).powi(2) + 0.4 * motor * radius * radius;
    Link {
        length,
        mass,
        center,
        inertia: about_hinge - mass * center * center,
    }
}

/// Servo of joint `i`.
pub(super) fn servo(settings: &Settings, arm: &Arm, i: usize) -> Servo {
    let limit = arm.torques.map_or(settings.joint_torque(i), |t| t[i]);
    let stiffness = limit / FULL_TORQUE_ERROR;
    Servo {
        stiffness,
        damping: DAMPING_TIME * stiffness,
        limit,
        stop: f64::from(Settings::joint_limit(i)),
    }
}

impl Machine {
    /// Builds the machine of a design at rest with these joint angles.
    ///
    /// `None` if rapier refuses the chain, which a valid design cannot cause.
    pub fn new(settings: &Settings, walls: &Walls, arm: &Arm, angles: &[f32]) -> Option<Self> {
        let base = [0, 1].map(|k| settings.base[k] + arm.base[k] as f32);
        let parts = (0..settings.links).map(|i| (link(arm, i), servo(settings, arm, i)));
        let angles: Vec<f64> = angles.iter().copied().map(f64::from).collect();
        let body = match settings.engine {
            Engine::Chain => {
                let mut chain = Chain::new(base.map(f64::from));
                for ((link, servo), &angle) in parts.zip(&angles) {
                    chain.push(link, servo, angle);
                }
                Body::Chain(chain)
            }
            Engine::Rapier => {
                let servos = parts.map(|(_, servo)| servo).collect();
                Body::Rapier(Box::new(RapierArm::new(settings, walls, (arm, base), servos, &angles)?))
            }
            Engine::Mujoco => Body::Mujoco(Box::new(MujocoArm::new(settings, walls, arm, &angles)?)),
        };
        Some(Self {
            body,
            base,
            target: angles,
            substeps: settings.substeps,
            aims: Vec::new(),
        })
    }

    fn each_angle(&self, mut to: impl FnMut(usize, f64)) {
        match &self.body {
            Body::Chain(chain) => chain.angles().enumerate().for_each(|(i, angle)| to(i, angle)),
            Body::Rapier(arm) => arm.angles().enumerate().for_each(|(i, angle)| to(i, angle)),
            Body::Mujoco(arm) => arm.angles().enumerate().for_each(|(i, angle)| to(i, angle)),
        }
    }

    /// Writes the joint angles, rad, `[links]`.
    pub fn angles(&self, out: &mut [f32]) {
        self.each_angle(|i, angle| out[i] = angle as f32);
    }

    /// Writes the base and the link ends, m, `[links + 1]`.
    pub fn points(&self, out: &mut [Point]) {
        out[0] = self.base;
        let out = &mut out[1..];
        match &self.body {
            Body::Chain(chain) => out
                .iter_mut()
                .zip(chain.ends())
                .for_each(|(o, end)| *o = end.map(|x| x as f32)),
            Body::Rapier(arm) => out.iter_mut().zip(arm.ends()).for_each(|(o, end)| *o = end),
            Body::Mujoco(arm) => out
                .iter_mut()
                .zip(arm.ends())
                .for_each(|(o, end)| *o = end.map(|x| x as f32)),
        }
    }

    /// Writes the joint speeds, rad/s, `[links]`.
    pub fn speeds(&self, out: &mut [f32]) {
        match &self.body {
            Body::Chain(chain) => out.iter_mut().zip(chain.speeds()).for_each(|(o, v)| *o = v as f32),
            Body::Rapier(arm) => out.iter_mut().zip(arm.speeds()).for_each(|(o, v)| *o = v),
            Body::Mujoco(arm) => out.iter_mut().zip(arm.speeds()).for_each(|(o, v)| *o = v as f32),
        }
    }

    /// Number of links; `None` for a machine that was not stored whole.
    pub(super) fn links(&self) -> Option<usize> {
        let links = match &self.body {
            Body::Chain(chain) => chain.angles().count(),
            Body::Rapier(arm) => arm.links()?,
            Body::Mujoco(arm) => arm.links()?,
        };
        (links == self.target.len()).then_some(links)
    }

    /// Whether all angles are numbers and all speeds within their bound.
    fn check(&self) -> Result<(), Fault> {
        let mut lost = false;
        self.each_angle(|_, angle| lost |= !angle.is_finite());
        if lost || self.target.iter().any(|target| !target.is_finite()) {
            return Err("a joint's angle is no number");
        }
        let wild = |v: f64| v.is_nan() || v.abs() > SPEED_BOUND;
        let wild = match &self.body {
            Body::Chain(chain) => chain.speeds().any(wild),
            Body::Rapier(arm) => arm.speeds().map(f64::from).any(wild),
            Body::Mujoco(arm) => arm.speeds().any(wild),
        };
        match wild {
            true => Err("a joint's speed left its bound"),
            false => Ok(()),
        }
    }

    /// Link masses with their motors, kg.
    pub fn masses(&self) -> Vec<f64> {
        match &self.body {
            Body::Chain(chain) => chain.masses().collect(),
            Body::Rapier(arm) => arm.masses().map(f64::from).collect(),
            Body::Mujoco(arm) => arm.masses().collect(),
        }
    }

    /// Moves on by one control step among these walls: joint rates in [-1, 1], `[links]`.
    ///
    /// # Errors
    /// The reason why the physics gave up.
    pub fn step(&mut self, rates: &[f32], walls: &Walls) -> Result<(), Fault> {
        // a machine that gave up stays so
        self.check()?;
        let dt = f64::from(CONTROL_DT) / self.substeps as f64;
        self.aim(rates);
        let n = rates.len();
        let mut angles = [0.0; MAX_LINKS];
        let (mut before, mut after) = ([[0.0; 2]; MAX_LINKS + 1], [[0.0; 2]; MAX_LINKS + 1]);
        for _ in 0..self.substeps {
            for (aim, target) in self.aims.iter_mut().zip(&mut self.target) {
                *target += aim.rate * dt;
                aim.angle = *target;
            }
            if walls.is_empty() {
                self.advance(dt, walls)?;
                continue;
            }
            self.each_angle(|i, angle| angles[i] = angle);
            self.points(&mut before[..=n]);
            self.advance(dt, walls)?;
            self.points(&mut after[..=n]);
            if !motion::free(walls, &before[..=n], &after[..=n], SINK) {
                self.stop(&angles[..n]);
            }
        }
        Ok(())
    }

    /// Sets how fast the targets move during a control step.
    fn aim(&mut self, rates: &[f32]) {
        let mut aims = std::mem::take(&mut self.aims);
        aims.resize(rates.len(), Aim::default());
        self.each_angle(|i, angle| {
            let limit = f64::from(Settings::joint_limit(i));
            let wanted = self.target[i] + f64::from(STEP_ANGLE) * f64::from(rates[i].clamp(-1.0, 1.0));
            let lead = wanted.clamp(angle - MAX_LEAD, angle + MAX_LEAD);
            aims[i].rate = (lead.clamp(-limit, limit) - self.target[i]) / f64::from(CONTROL_DT);
        });
        self.aims = aims;
    }

    /// One physics step with the aims as they are.
    fn advance(&mut self, dt: f64, walls: &Walls) -> Result<(), Fault> {
        match &mut self.body {
            Body::Chain(chain) => chain.step(dt, &self.aims, walls),
            Body::Rapier(arm) => arm.step(&self.aims)?,
            Body::Mujoco(arm) => arm.step(&self.aims)?,
        }
        self.check()
    }

    /// Puts the arm at rest at these angles: a fast or strongly driven link that was forced into a wall goes no further.
    fn stop(&mut self, angles: &[f64]) {
        match &mut self.body {
            Body::Chain(chain) => chain.rest(angles.iter().copied()),
            Body::Rapier(arm) => arm.rest(angles),
            Body::Mujoco(arm) => arm.rest(angles),
        }
        self.target.copy_from_slice(angles);
    }
}
