//! Contacts of a chain's links with walls, and the stops of its hinges.
//!
//! A contact between a link and a wall whose surfaces are `gap` apart lets them approach by no more than that within the step,
//! `n . v >= -gap / dt`; what already overlaps is parted slowly. The same holds for a hinge near its stop. Friction holds a
//! contact's tangential speed at 0 with at most [`FRICTION`] times its normal force. Each is a force that grows with the speed
//! that is missing, so steeply that a thousandth is left of it, and is bounded below or on both sides: a servo of another kind,
//! which [`Chain::predict`] solves together with the servos.

use nalgebra::{DMatrix, DVector};

use super::{Chain, Vec2};
use crate::reach2d::config::{FRICTION, LINK_RADIUS, MAX_LINKS};
use crate::reach2d::walls::{Point, Walls};

/// Contacts are looked for up to this gap, m, and as far again as a place may travel within the step.
const MARGIN: f64 = 0.02;
/// Stops are looked for up to this angle, rad, and as far again as the hinge may turn within the step.
const STOP_MARGIN: f64 = 0.05;
/// Share of an overlap that is parted per step, and the speed of parting at most, m/s (rad/s).
const PARTING: f64 = 0.2;
const PARTING_SPEED: f64 = 0.5;
/// Share of a missing speed that is left.
const SOFTNESS: f64 = 1e-3;
/// Bounds of a force that only pushes.
const PUSH: [f64; 2] = [0.0, f64::INFINITY];

/// A force along one direction of the speeds `v` at the end of the step:
/// `clamp(stiffness (target - jacobian . v), low, high)`.
#[derive(Clone, Debug)]
pub(super) struct Row {
    pub jacobian: [f64; MAX_LINKS],
    /// Accelerations by a unit force, for the servos as they were last factored.
    pub response: [f64; MAX_LINKS],
    /// Speed that is asked for, m/s (rad/s).
    pub target: f64,
    /// N s/m (N m s/rad); 0 before it is known how easily the chain gives way.
    pub stiffness: f64,
    /// Bounds of the force, N (N m).
    pub bounds: [f64; 2],
    /// The bound at which it is taken to be; `None` between them.
    pub held: Option<f64>,
    /// The force in the trial before and in this one.
    pub force: [f64; 2],
    /// Whether the row is friction, bounded by the force of the row before.
    rubs: bool,
}

impl Row {
    fn new(jacobian: [f64; MAX_LINKS], target: f64, bounds: [f64; 2], rubs: bool) -> Self {
        Self {
            jacobian,
            response: [0.0; MAX_LINKS],
            target,
            stiffness: 0.0,
            bounds,
            held: Some(0.0),
            force: [0.0; 2],
            rubs,
        }
    }

    /// The part of these speeds, or accelerations, that is along the row.
    pub fn along(&self, speeds: &[f64]) -> f64 {
        self.jacobian.iter().zip(speeds).map(|(j, v)| j * v).sum()
    }

    /// The force at this speed along the row without its bounds.
    pub fn unbounded(&self, along: f64) -> f64 {
        self.stiffness * (self.target - along)
    }

    /// Takes the row's force to be where these speeds put it; whether that is another place than before.
    pub fn hold(&mut self, speeds: &[f64]) -> bool {
        let ([low, high], force) = (self.bounds, self.unbounded(self.along(speeds)));
        let held = match force {
            f if f <= low => Some(low),
            f if f >= high => Some(high),
            _ => None,
        };
        let changed = held != self.held;
        self.held = held;
        changed
    }

    /// Makes the row stiff enough for a chain whose hinges give way by these accelerations to unit torques, each on its own,
    /// `[links]`: an estimate of the order of magnitude, for all that is asked is that little of a missing speed is left.
    pub fn stiffen(&mut self, pivots: impl Iterator<Item = f64>, dt: f64) {
        if self.stiffness == 0.0 {
            let mobility: f64 = self.jacobian.iter().zip(pivots).map(|(j, pivot)| j * j * pivot).sum();
            self.stiffness = 1.0 / (SOFTNESS * dt * mobility);
        }
    }
}

/// Sets the forces of the rows between their bounds, for a chain that would otherwise have these speeds at the end of the step:
/// `f / stiffness + dt J H^-1 J^T f = target - J v`.
pub(super) fn press(rows: &mut [Row], speeds: &[f64], dt: f64) {
    let linear: Vec<usize> = (0..rows.len()).filter(|&r| rows[r].held.is_none()).collect();
    let matrix = DMatrix::from_fn(linear.len(), linear.len(), |r, s| {
        let own = if r == s { 1.0 / rows[linear[r]].stiffness } else { 0.0 };
        own + dt * rows[linear[r]].along(&rows[linear[s]].response)
    });
    let missing = |r: usize, _| rows[linear[r]].target - rows[linear[r]].along(speeds);
    let mut forces = DVector::from_fn(linear.len(), missing);
    // symmetric, and positive since each row gives way a little by itself
    if let Some(factor) = matrix.cholesky() {
        factor.solve_mut(&mut forces);
    }
    for (&r, &force) in linear.iter().zip(&forces) {
        rows[r].force[1] = force;
    }
}

/// Bounds friction by the normal forces; whether any bound changed by more than a hundredth.
pub(super) fn rub(rows: &mut [Row]) -> bool {
    let (mut normal, mut changed) = (0.0_f64, false);
    for row in rows {
        if row.rubs {
            let most = f64::from(FRICTION) * normal.max(0.0);
            changed |= (most - row.bounds[1]).abs() > 0.01 * most;
            row.bounds = [-most, most];
        }
        normal = row.force[1];
    }
    changed
}

/// What the chain may touch within a step.
#[derive(Clone, Debug, Default)]
pub(super) struct Contacts {
    pub rows: Vec<Row>,
}

fn wide(p: Point) -> Vec2 {
    p.map(f64::from)
}

fn dot(a: Vec2, b: Vec2) -> f64 {
    a[0] * b[0] + a[1] * b[1]
}

fn less(a: Vec2, b: Vec2) -> Vec2 {
    [a[0] - b[0], a[1] - b[1]]
}

/// The place on the segment from `a` to `b` that is nearest to `p`.
fn nearest(p: Vec2, a: Vec2, b: Vec2) -> Vec2 {
    let d = less(b, a);
    let length = dot(d, d);
    let t = match length > 0.0 {
        true => (dot(less(p, a), d) / length).clamp(0.0, 1.0),
        false => 0.0,
    };
    [a[0] + t * d[0], a[1] + t * d[1]]
}

/// The slowest allowed approach across a gap within a step.
fn least(gap: f64, dt: f64) -> f64 {
    match gap >= 0.0 {
        true => -gap / dt,
        false => (-PARTING * gap / dt).min(PARTING_SPEED),
    }
}

impl Contacts {
    /// Collects what the chain may touch within the next `dt`, s.
    pub(super) fn find(&mut self, chain: &Chain, walls: &Walls, dt: f64) {
        self.rows.clear();
        for (i, joint) in chain.joints.iter().enumerate() {
            let near = STOP_MARGIN + 2.0 * dt * joint.speed.abs();
            for side in [-1.0, 1.0] {
                let gap = joint.servo.stop - side * joint.angle;
                if gap < near {
                    let mut jacobian = [0.0; MAX_LINKS];
                    jacobian[i] = -side;
                    self.rows.push(Row::new(jacobian, least(gap, dt), PUSH, false));
                }
            }
        }
        if !walls.is_empty() {
            self.find_walls(chain, walls, dt);
        }
    }

    /// The nearest places of two segments that do not cross are an end of one of them and a place on the other.
    fn find_walls(&mut self, chain: &Chain, walls: &Walls, dt: f64) {
        let mut hinges = [[0.0; 2]; MAX_LINKS + 1];
        hinges[0] = chain.base;
        for (i, work) in chain.work.iter().enumerate() {
            hinges[i + 1] = [0, 1].map(|k| hinges[i][k] + work.along[k]);
        }
        let segments = walls.segments.iter().map(|s| s.map(wide));
        for (k, [a, b]) in segments.enumerate() {
            for i in 0..chain.joints.len() {
                let (from, to) = (hinges[i], hinges[i + 1]);
                // walls are a polyline: the first end of the others is the second of the one before
                for corner in [a, b].into_iter().skip(usize::from(k > 0)) {
                    self.meet(chain, &hinges, i, nearest(corner, from, to), corner, dt);
                }
                self.meet(chain, &hinges, i, to, nearest(to, a, b), dt);
            }
        }
    }

    /// Adds the contact of a place on link `i` with a place on a wall, if they are near.
    fn meet(&mut self, chain: &Chain, hinges: &[Vec2], i: usize, place: Vec2, wall: Vec2, dt: f64) {
        let away = less(place, wall);
        let distance = dot(away, away).sqrt();
        let gap = distance - f64::from(LINK_RADIUS);
        // nothing is near a wall that is out of reach even at the machine's bound of speed
        if gap > MARGIN + 1.0 || distance == 0.0 {
            return;
        }
        let mut velocity = [0.0; 2];
        for (joint, hinge) in chain.joints[..=i].iter().zip(hinges) {
            let lever = less(place, *hinge);
            velocity = [
                velocity[0] - joint.speed * lever[1],
                velocity[1] + joint.speed * lever[0],
            ];
        }
        if gap > MARGIN + 2.0 * dt * dot(velocity, velocity).sqrt() {
            return;
        }
        let normal = away.map(|x| x / distance);
        let tangent = [-normal[1], normal[0]];
        for (along, target, bounds) in [(normal, least(gap, dt), PUSH), (tangent, 0.0, [0.0; 2])] {
            let mut jacobian = [0.0; MAX_LINKS];
            for (j, hinge) in jacobian[..=i].iter_mut().zip(hinges) {
                let lever = less(place, *hinge);
                *j = along[1] * lever[0] - along[0] * lever[1];
            }
            self.rows.push(Row::new(jacobian, target, bounds, bounds != PUSH));
        }
    }
}
