//! A scripted controller: proof that a design can reach, without any learning.

use super::config::{MAX_LINKS, STEP_ANGLE};
use tandem_core::{Environment, Problem};

use super::walls::Point;
use super::world::Reach;

/// The tip is asked to move this far in one control step at most, m.
const REACH_STEP: f32 = 0.25;
/// Share of the tip's error that a step asks for: the servos lag by about two steps.
const GAIN: f32 = 0.15;
/// Damping of the inverse, m: bounds the joint steps near straight poses.
const DAMPING: f32 = 0.15;

/// Damped least squares (Wampler 1986): joint rates `[links]` that bring the tip towards `target`.
///
/// `dq = J^T (J J^T + damping^2 I)^-1 e`, scaled down as a whole where a rate would leave [-1, 1].
pub fn towards(points: &[Point], target: Point, rates: &mut [f32]) {
    let n = rates.len();
    let tip = points[n];
    let mut error = [target[0] - tip[0], target[1] - tip[1]].map(|e| GAIN * e);
    let length = error[0].hypot(error[1]);
    if length > REACH_STEP {
        error = error.map(|e| e * REACH_STEP / length);
    }
    // column i of the planar Jacobian: the tip's lever about joint i, turned by a right angle
    let mut jacobian = [[0.0; 2]; MAX_LINKS];
    let (mut a, mut b, mut d) = (DAMPING * DAMPING, 0.0, DAMPING * DAMPING);
    for i in 0..n {
        let [x, y] = [points[i][1] - tip[1], tip[0] - points[i][0]];
        jacobian[i] = [x, y];
        (a, b, d) = (a + x * x, b + x * y, d + y * y);
    }
    let determinant = a * d - b * b;
    let force = [
        (d * error[0] - b * error[1]) / determinant,
        (a * error[1] - b * error[0]) / determinant,
    ];
    let mut largest: f32 = 1.0;
    for i in 0..n {
        rates[i] = (jacobian[i][0] * force[0] + jacobian[i][1] * force[1]) / STEP_ANGLE;
        largest = largest.max(rates[i].abs());
    }
    rates.iter_mut().for_each(|r| *r /= largest);
}

/// Runs an episode, already reset in full fidelity, under [`towards`] the goal. Whether it succeeded.
pub fn run(reach: &mut Environment<Reach>) -> bool {
    let n = reach.world().settings().links;
    let goal = reach.world().settings().goal;
    let mut rates = [0.0; MAX_LINKS];
    loop {
        let Some(state) = reach.state() else {
            return false;
        };
        towards(state.points(), goal, &mut rates[..n]);
        let step = reach.full_step(&rates[..n]);
        if step.success || step.ended() {
            return step.success;
        }
    }
}

/// A waypoint counts as passed when every joint is this near, rad.
const PASSED: f32 = 0.1;

/// Runs an episode, already reset in full fidelity, along a planned path of joint angles. Whether it
/// succeeded.
pub fn follow(reach: &mut Environment<Reach>, path: &[super::planner::Angles]) -> bool {
    let n = reach.world().settings().links;
    let mut rates = [0.0; MAX_LINKS];
    let mut next = 0;
    loop {
        let Some(state) = reach.state() else {
            return false;
        };
        let near = |target: &[f32]| {
            let gaps = state.angles().iter().zip(target);
            gaps.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max) < PASSED
        };
        while next + 1 < path.len() && near(&path[next]) {
            next += 1;
        }
        for i in 0..n {
            let step = path[next][i] - state.angles()[i];
            rates[i] = (0.7 * step / STEP_ANGLE).clamp(-1.0, 1.0);
        }
        let step = reach.full_step(&rates[..n]);
        if step.success || step.ended() {
            return step.success;
        }
    }
}
