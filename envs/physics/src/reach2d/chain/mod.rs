//! Dynamics of a planar chain of hinged links with servos, in time that grows linearly with the links.
//!
//! **Equations.** The articulated-body algorithm (Featherstone, *Rigid Body Dynamics Algorithms*, 2008, section 7.3) in the
//! plane. Accelerations and forces of a link are taken at its own hinge: `a = (alpha, a_x, a_y)`, `f = (n, f_x, f_y)`; `r` leads
//! from a hinge to the next, `r' = (-r_y, r_x)`. A link of mass `m`, centre `c` and inertia `I` about the centre has
//!
//! ```text
//! J = [I + m c^2, -m c_y, m c_x; -m c_y, m, 0; m c_x, 0, m]      p = (c x F, F),  F = m (g - omega^2 c)
//! ```
//!
//! where `g` is the hinge's acceleration by the speeds alone, `g <- g - omega^2 r` from hinge to hinge; `a` is what is added to it.
//!
//! From the tip inwards, with `h` the first column of `J` and `e` what the servo adds to the diagonal (below):
//!
//! ```text
//! D = h_1 + e    u = torque - p_1    J <- J - h h^T / D    p <- p + h u / D, both then moved along r to the parent
//! ```
//!
//! and from the base outwards `q'' = (u - h . a) / D`.
//!
//! **Servos** are springs and dampers with a torque limit, `torque = clamp(k (target - q) + d (rate - v), -limit, limit)`, taken
//! at the *end* of the step, where `v+ = v + dt q''` and `q+ = q + dt v+`: below the limit that adds `e = dt (d + dt k)`, at the
//! limit it adds nothing, so that a servo at its limit is not resisted by its own damping.
//!
//! **Contacts and stops** ([`contact`]) are forces at the end of the step, too, with bounds of their own.

pub(super) mod contact;

use serde::{Deserialize, Serialize};

use super::config::MAX_LINKS;
use super::walls::Walls;
use contact::{Contacts, Row};

/// A vector in the plane.
pub(super) type Vec2 = [f64; 2];

/// Trials at most of which servos are at their limit; the last one counts. One is the rule.
const MOST_TRIALS: usize = 20;
/// Turns of friction and what it is bounded by at most.
const MOST_TURNS: usize = 4;
/// Halvings of a way between two trials.
const BISECTIONS: usize = 30;

/// A rigid link; its hinge is its origin, its axis leads to the next hinge.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Link {
    /// Distance to the next hinge, m.
    pub length: f64,
    /// Mass, kg.
    pub mass: f64,
    /// Distance of the centre of mass from the hinge, m.
    pub center: f64,
    /// Moment of inertia about the centre of mass, kg m^2.
    pub inertia: f64,
}

/// A hinge's drive.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Servo {
    /// N m/rad.
    pub stiffness: f64,
    /// N m s/rad.
    pub damping: f64,
    /// Largest torque either way, N m.
    pub limit: f64,
    /// Largest angle either way, rad: there is a stop.
    pub stop: f64,
}

/// What a servo is to do during a step.
#[derive(Clone, Copy, Debug, Default, Serialize, Deserialize)]
pub(super) struct Aim {
    /// Angle wanted at the end of the step, rad.
    pub angle: f64,
    /// Speed of the wanted angle, rad/s.
    pub rate: f64,
}

/// A hinge: what it consists of, and how it moves.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Joint {
    link: Link,
    servo: Servo,
    angle: f64,
    speed: f64,
    /// 1 or -1 where the servo was at its limit in the last step, in that direction: where the next trial begins.
    saturated: f64,
}

/// What a step computes of each link.
#[derive(Clone, Copy, Debug, Default)]
struct Work {
    /// From this hinge to the next, m.
    along: Vec2,
    center: Vec2,
    /// What the present speeds alone ask of the link: mass times acceleration of its centre, N.
    drift: Vec2,
    /// First column of the articulated inertia, and what it is divided by.
    column: [f64; 3],
    pivot: f64,
    /// Acceleration that the hinge's torque would give it if nothing further in moved, rad/s^2.
    net: f64,
}

/// Accelerations, rad/s^2, and the torques that they need, N m.
#[derive(Clone, Copy)]
struct Trial {
    acceleration: [f64; MAX_LINKS],
    torque: [f64; MAX_LINKS],
}

impl Default for Trial {
    fn default() -> Self {
        Self {
            acceleration: [0.0; MAX_LINKS],
            torque: [0.0; MAX_LINKS],
        }
    }
}

/// A chain of links, hinged to a fixed base.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Chain {
    base: Vec2,
    joints: Vec<Joint>,
    #[serde(skip)]
    work: Vec<Work>,
    #[serde(skip)]
    contacts: Contacts,
    /// Speeds at the end of the step, rad/s.
    #[serde(skip)]
    next: Vec<f64>,
}

impl Chain {
    /// A chain at rest, without links.
    pub fn new(base: Vec2) -> Self {
        Self {
            base,
            joints: Vec::new(),
            work: Vec::new(),
            contacts: Contacts::default(),
            next: Vec::new(),
        }
    }

    /// Adds a link at the end, hinged at this angle to the one before, rad.
    pub fn push(&mut self, link: Link, servo: Servo, angle: f64) {
        self.joints.push(Joint {
            link,
            servo,
            angle,
            speed: 0.0,
            saturated: 0.0,
        });
    }

    /// Angles of the hinges, rad.
    pub fn angles(&self) -> impl Iterator<Item = f64> {
        self.joints.iter().map(|joint| joint.angle)
    }

    /// Speeds of the hinges, rad/s.
    pub fn speeds(&self) -> impl Iterator<Item = f64> {
        self.joints.iter().map(|joint| joint.speed)
    }

    /// Masses of the links, kg.
    pub fn masses(&self) -> impl Iterator<Item = f64> {
        self.joints.iter().map(|joint| joint.link.mass)
    }

    /// The ends of the links, m.
    pub fn ends(&self) -> impl Iterator<Item = Vec2> {
        let start = (self.base, 0.0);
        self.joints.iter().scan(start, |(end, heading), joint| {
            *heading += joint.angle;
            let (sin, cos) = heading.sin_cos();
            *end = [end[0] + joint.link.length * cos, end[1] + joint.link.length * sin];
            Some(*end)
        })
    }

    /// Puts the chain at rest at these angles, rad.
    pub fn rest(&mut self, angles: impl Iterator<Item = f64>) {
        for (joint, angle) in self.joints.iter_mut().zip(angles) {
            (joint.angle, joint.speed, joint.saturated) = (angle, 0.0, 0.0);
        }
    }

    /// Moves on by `dt`, s, with one [`Aim`] per servo.
    pub fn step(&mut self, dt: f64, aims: &[Aim], walls: &Walls) {
        self.place();
        let mut contacts = std::mem::take(&mut self.contacts);
        let mut next = std::mem::take(&mut self.next);
        contacts.find(self, walls, dt);
        for _ in 0..MOST_TURNS {
            self.predict((dt, aims), &mut contacts.rows, &mut next);
            if !contact::rub(&mut contacts.rows) {
                break;
            }
        }
        for (joint, &speed) in self.joints.iter_mut().zip(&next) {
            joint.speed = speed;
            joint.angle += dt * speed;
        }
        (self.contacts, self.next) = (contacts, next);
    }

    /// Where the links are, and what their speeds alone ask of them.
    fn place(&mut self) {
        self.work.resize(self.joints.len(), Work::default());
        let (mut heading, mut spin, mut drift) = (0.0, 0.0, [0.0; 2]);
        for (joint, work) in self.joints.iter().zip(&mut self.work) {
            heading += joint.angle;
            spin += joint.speed;
            let (sin, cos) = f64::sin_cos(heading);
            let Link {
                length, mass, center, ..
            } = joint.link;
            work.along = [length * cos, length * sin];
            work.center = [center * cos, center * sin];
            let inwards = [-spin * spin * cos, -spin * spin * sin];
            work.drift = [0, 1].map(|k| mass * (drift[k] + center * inwards[k]));
            drift = [0, 1].map(|k| drift[k] + length * inwards[k]);
        }
    }

    /// Articulated inertias from the tip inwards, for the servos that are now taken to be at their limit.
    fn factor(&mut self, dt: f64) {
        // of everything further out, at this link's end: moment, moment-force and force-force parts
        let (mut a, mut b, mut c) = (0.0, [0.0; 2], [0.0; 3]);
        for (joint, work) in self.joints.iter().zip(&mut self.work).rev() {
            let (mass, [cx, cy], [rx, ry]) = (joint.link.mass, work.center, work.along);
            let moved = [c[1] * rx - c[0] * ry, c[2] * rx - c[1] * ry];
            a += 2.0 * (b[1] * rx - b[0] * ry) + (moved[1] * rx - moved[0] * ry);
            a += joint.link.inertia + mass * (cx * cx + cy * cy);
            b = [b[0] + moved[0] - mass * cy, b[1] + moved[1] + mass * cx];
            c = [c[0] + mass, c[1], c[2] + mass];
            let implicit = match joint.saturated == 0.0 {
                true => dt * (joint.servo.damping + dt * joint.servo.stiffness),
                false => 0.0,
            };
            work.column = [a, b[0], b[1]];
            work.pivot = 1.0 / (a + implicit);
            let [x, y] = b.map(|b| b * work.pivot);
            c = [c[0] - b[0] * x, c[1] - b[0] * y, c[2] - b[1] * y];
            b = [b[0] - a * x, b[1] - a * y];
            a -= a * a * work.pivot;
        }
    }

    /// Accelerations of the hinges under these torques, rad/s^2, with or without what the speeds ask for; [`Chain::factor`]
    /// comes first.
    fn solve(&mut self, torque: impl Fn(usize, &Joint) -> f64, drifting: bool, mut out: impl FnMut(usize, f64)) {
        let (mut turn, mut force) = (0.0, [0.0; 2]);
        for (i, (joint, work)) in self.joints.iter().zip(&mut self.work).enumerate().rev() {
            let ([rx, ry], [cx, cy]) = (work.along, work.center);
            turn += rx * force[1] - ry * force[0];
            if drifting {
                turn += cx * work.drift[1] - cy * work.drift[0];
                force = [force[0] + work.drift[0], force[1] + work.drift[1]];
            }
            work.net = (torque(i, joint) - turn) * work.pivot;
            turn += work.column[0] * work.net;
            force = [
                force[0] + work.column[1] * work.net,
                force[1] + work.column[2] * work.net,
            ];
        }
        let (mut turn, mut hinge) = (0.0, [0.0; 2]);
        for (i, work) in self.work.iter().enumerate() {
            let [a, b, c] = work.column;
            let own = work.net - work.pivot * (a * turn + b * hinge[0] + c * hinge[1]);
            turn += own;
            hinge = [hinge[0] - turn * work.along[1], hinge[1] + turn * work.along[0]];
            out(i, own);
        }
    }

    /// Speeds at the end of the step.
    ///
    /// They are where a convex function of the accelerations, quadratic but for the bounds of servos and contacts, is least:
    /// Newton's method with an exact search along each of its steps ends there after a few of them, whatever it begins with
    /// (Todorov, *Convex and analytically-invertible dynamics with contacts and constraints*, 2014, solves contacts so).
    fn predict(&mut self, (dt, aims): (f64, &[Aim]), rows: &mut [Row], speeds: &mut Vec<f64>) {
        let mut now = Trial::default();
        for round in 0..MOST_TRIALS {
            self.factor(dt);
            let before = now;
            self.accelerate((dt, aims), rows, &mut now.acceleration);
            for (i, (joint, aim)) in self.joints.iter().zip(aims).enumerate() {
                now.torque[i] = match joint.saturated == 0.0 {
                    true => joint.torque(dt, joint.speed + dt * now.acceleration[i], aim),
                    false => joint.saturated * joint.servo.limit,
                };
            }
            let whole = round == 0 || self.search((dt, aims), rows, &before, &mut now);
            speeds.clear();
            let moved = self.joints.iter().zip(&now.acceleration);
            speeds.extend(moved.map(|(joint, a)| joint.speed + dt * a));
            let mut changed = self.saturate(dt, aims, speeds);
            for row in &mut *rows {
                changed |= row.hold(speeds);
            }
            if !changed && whole {
                break;
            }
        }
    }

    /// Accelerations for servos and contacts that are at a bound or not as they are now taken to be, rad/s^2; sets the forces of
    /// the contacts.
    fn accelerate(&mut self, (dt, aims): (f64, &[Aim]), rows: &mut [Row], out: &mut [f64; MAX_LINKS]) {
        let mut outside = [0.0; MAX_LINKS];
        for row in &mut *rows {
            row.stiffen(self.work.iter().map(|work| work.pivot), dt);
            row.force[0] = row.force[1];
            if let Some(force) = row.held {
                row.force[1] = force;
                outside.iter_mut().zip(&row.jacobian).for_each(|(o, j)| *o += j * force);
            }
        }
        let torque = |i: usize, joint: &Joint| joint.held_torque(dt, &aims[i]) + outside[i];
        self.solve(torque, true, |i, a| out[i] = a);
        for row in rows.iter_mut().filter(|row| row.held.is_none()) {
            let Row { jacobian, response, .. } = row;
            self.solve(|i, _| jacobian[i], false, |i, a| response[i] = a);
        }
        if rows.iter().any(|row| row.held.is_none()) {
            let speeds: Vec<f64> = self
                .joints
                .iter()
                .zip(&*out)
                .map(|(joint, a)| joint.speed + dt * a)
                .collect();
            contact::press(rows, &speeds, dt);
            for row in rows.iter().filter(|row| row.held.is_none()) {
                out.iter_mut()
                    .zip(&row.response)
                    .for_each(|(o, a)| *o += a * row.force[1]);
            }
        }
    }

    /// Which servos are at their limit with these speeds at the end of the step; whether that is another set than before.
    fn saturate(&mut self, dt: f64, aims: &[Aim], speeds: &[f64]) -> bool {
        let mut changed = false;
        for ((joint, aim), &speed) in self.joints.iter_mut().zip(aims).zip(speeds) {
            let (torque, limit) = (joint.torque(dt, speed, aim), joint.servo.limit);
            let saturated = match torque.abs() > limit {
                true => torque.signum(),
                false => 0.0,
            };
            changed |= saturated != joint.saturated;
            joint.saturated = saturated;
        }
        changed
    }

    /// Goes from one trial towards the next until the slope along the way has come to 0; whether that was the whole way.
    ///
    /// The slope is the sum over servos and contacts of the way's acceleration times what the force that the accelerations need
    /// exceeds the force that is given by. The former changes evenly along the way, the latter is cut at its bounds, so the slope
    /// only grows.
    fn search(&self, (dt, aims): (f64, &[Aim]), rows: &mut [Row], from: &Trial, to: &mut Trial) -> bool {
        let n = self.joints.len();
        let (mut speeds, mut way) = ([0.0; MAX_LINKS], [0.0; MAX_LINKS]);
        for (i, joint) in self.joints.iter().enumerate() {
            speeds[i] = joint.speed + dt * from.acceleration[i];
            way[i] = to.acceleration[i] - from.acceleration[i];
        }
        let along: Vec<[f64; 2]> = rows.iter().map(|row| [row.along(&speeds), row.along(&way)]).collect();
        let slope = |share: f64| -> f64 {
            let joints = self.joints.iter().zip(aims).enumerate();
            let servos = joints.map(|(i, (joint, aim))| {
                let limit = joint.servo.limit;
                let given = joint.torque(dt, speeds[i] + share * dt * way[i], aim);
                way[i] * (between(from.torque[i], to.torque[i], share) - given.clamp(-limit, limit))
            });
            let contacts = rows.iter().zip(&along).map(|(row, [speed, way])| {
                let given = row.unbounded(speed + share * dt * way);
                way * (between(row.force[0], row.force[1], share) - given.clamp(row.bounds[0], row.bounds[1]))
            });
            servos.sum::<f64>() + contacts.sum::<f64>()
        };
        let Some(share) = root(slope) else {
            return true;
        };
        for i in 0..n {
            to.acceleration[i] = between(from.acceleration[i], to.acceleration[i], share);
            to.torque[i] = between(from.torque[i], to.torque[i], share);
        }
        for row in rows {
            row.force[1] = between(row.force[0], row.force[1], share);
        }
        false
    }
}

/// Where on [0, 1] a function that only grows is 0; `None` where it does not come above 0.
fn root(slope: impl Fn(f64) -> f64) -> Option<f64> {
    if slope(1.0) <= (-1e-9 * slope(0.0)).max(0.0) {
        return None;
    }
    let (mut low, mut high) = (0.0, 1.0);
    for _ in 0..BISECTIONS {
        let middle = 0.5 * (low + high);
        match slope(middle) < 0.0 {
            true => low = middle,
            false => high = middle,
        }
    }
    Some(0.5 * (low + high))
}

fn between(a: f64, b: f64, share: f64) -> f64 {
    a + share * (b - a)
}

impl Joint {
    /// The servo's torque without its limit at the end of a step of `dt`, s, with this speed, rad/s, N m.
    fn torque(&self, dt: f64, speed: f64, aim: &Aim) -> f64 {
        let servo = &self.servo;
        servo.stiffness * (aim.angle - self.angle - dt * speed) + servo.damping * (aim.rate - speed)
    }

    /// The part of the torque that the step's acceleration does not change, N m: the rest is in [`Chain::factor`].
    fn held_torque(&self, dt: f64, aim: &Aim) -> f64 {
        match self.saturated == 0.0 {
            true => self.torque(dt, self.speed, aim),
            false => self.saturated * self.servo.limit,
        }
    }
}

#[cfg(test)]
mod tests;
