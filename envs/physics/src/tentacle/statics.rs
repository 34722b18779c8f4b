//! The transmission's statics: a convex quadratic program, solved exactly by trying all sets of active constraints.
//!
//! ```text
//! minimise    1/2 sum_j (theta_j - rest_j)^2             elastic energy over k R_e^2
//! subject to  sum_j R_ij theta_j >= p_i                  tendon i, wound up by p_i, does not stretch
//!             low <= theta_j <= high                     the joints' stops
//! ```
//!
//! The optimality conditions (Karush, Kuhn, Tucker) with tensions `T_i = k R_e^2 lambda_i`:
//!
//! ```text
//! theta_j = clamp(rest_j + sum_i R_ij lambda_i, low, high)
//! lambda_i >= 0,   slack_i = sum_j R_ij theta_j - p_i >= 0,   lambda_i slack_i = 0
//! ```
//!
//! Given which tendons are taut and which joints stand at a stop, that is a linear system for the `lambda_i` of
//! the taut tendons. There are at most `2^3 3^3` such sets, the optimum is unique (the energy is strictly convex),
//! and some set of linearly independent constraints carries it, so the first set whose solution keeps all
//! conditions is the answer. On that set the angles are a smooth function of radii, rest angles and pulls: its
//! derivative is the exact gradient.

use super::config::{JOINT_HIGH, JOINT_LOW, JOINTS, MAX_TENDONS};

/// Conditions count as kept within this, rad.
const TOLERANCE: f64 = 1e-9;
/// Radius that turns slacks (m) and multipliers (rad/m) into angles, m.
const TYPICAL_RADIUS: f64 = 0.01;

/// Where a joint stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// At its lower stop.
    Low,
    /// Between its stops.
    Free,
    /// At its upper stop.
    High,
}

/// The transmission at rest.
#[derive(Clone, Copy, Debug)]
pub struct Equilibrium {
    /// Joint angles, rad.
    pub angles: [f64; JOINTS],
    /// Which tendons are taut; the first `tendons` count.
    pub taut: [bool; MAX_TENDONS],
    /// Tensions over `k R_e^2`, rad/m; the first `tendons` count.
    pub lambda: [f64; MAX_TENDONS],
    /// Which joints stand at a stop.
    pub stops: [Stop; JOINTS],
}

/// The pull that a winch can take up, m: beyond it all joints of its tendon stand at their upper stops, and the
/// winch stalls.
pub fn stall(radii: &[f64; JOINTS]) -> f64 {
    radii.iter().map(|r| r * JOINT_HIGH).sum()
}

/// Where the joints come to rest: `radii` of the pulleys, m, one row per tendon; `rest` angles of the elastic
/// tendons, rad; `pull` of each tendon, m. Pulls beyond the stall act as the stall.
pub fn equilibrium(radii: &[[f64; JOINTS]], rest: &[f64; JOINTS], pull: &[f64]) -> Equilibrium {
    let mut pulls = [0.0; MAX_TENDONS];
    for ((p, wanted), row) in pulls.iter_mut().zip(pull).zip(radii) {
        *p = wanted.min(stall(row));
    }
    let case = Case {
        radii,
        rest,
        pulls: &pulls[..radii.len()],
    };
    let mut best = case.slack();
    let mut least = case.violation(&best);
    for taut in 1..1usize << radii.len() {
        for pattern in 0..3usize.pow(JOINTS as u32) {
            if least <= TOLERANCE {
                return best;
            }
            if let Some(trial) = case.solve(taut, pattern) {
                let violation = case.violation(&trial);
                if violation < least {
                    (best, least) = (trial, violation);
                }
            }
        }
    }
    best
}

/// One quadratic program.
struct Case<'a> {
    radii: &'a [[f64; JOINTS]],
    rest: &'a [f64; JOINTS],
    pulls: &'a [f64],
}

impl Case<'_> {
    /// The state with every tendon slack.
    fn slack(&self) -> Equilibrium {
        let stop = |&rest: &f64| match rest {
            r if r <= JOINT_LOW => Stop::Low,
            r if r >= JOINT_HIGH => Stop::High,
            _ => Stop::Free,
        };
        Equilibrium {
            angles: self.rest.map(|r| r.clamp(JOINT_LOW, JOINT_HIGH)),
            taut: [false; MAX_TENDONS],
            lambda: [0.0; MAX_TENDONS],
            stops: std::array::from_fn(|j| stop(&self.rest[j])),
        }
    }

    /// The state in which exactly the tendons of the bit set `taut` are taut and the joints stand as the ternary
    /// digits of `pattern` say; `None` where these constraints depend on each other.
    fn solve(&self, taut: usize, pattern: usize) -> Option<Equilibrium> {
        let mut state = self.slack();
        let mut digits = pattern;
        for j in 0..JOINTS {
            state.stops[j] = [Stop::Free, Stop::Low, Stop::High][digits % 3];
            digits /= 3;
        }
        let free = |j: usize| state.stops[j] == Stop::Free;
        let at = |j: usize| match state.stops[j] {
            Stop::Low => JOINT_LOW,
            Stop::Free => self.rest[j],
            Stop::High => JOINT_HIGH,
        };
        let mut matrix = [[0.0; MAX_TENDONS]; MAX_TENDONS];
        let mut right = [0.0; MAX_TENDONS];
        for (i, row) in self.radii.iter().enumerate() {
            state.taut[i] = taut >> i & 1 == 1;
            if state.taut[i] {
                right[i] = self.pulls[i] - (0..JOINTS).map(|j| row[j] * at(j)).sum::<f64>();
            }
        }
        let n = self.radii.len();
        for i in 0..n {
            for k in 0..n {
                matrix[i][k] = match (i == k, state.taut[i] && state.taut[k]) {
                    (_, true) => (0..JOINTS)
                        .filter(|&j| free(j))
                        .map(|j| self.radii[i][j] * self.radii[k][j])
                        .sum(),
                    (true, false) => TYPICAL_RADIUS * TYPICAL_RADIUS,
                    (false, false) => 0.0,
                };
            }
        }
        state.lambda = solve_linear(&mut matrix, &mut right, n)?;
        let angles = std::array::from_fn(|j| match state.stops[j] {
            Stop::Free => self.rest[j] + self.torque(&state.lambda, j),
            _ => at(j),
        });
        state.angles = angles;
        Some(state)
    }

    /// Torque of the tendons on a joint over its elastic stiffness, rad.
    fn torque(&self, lambda: &[f64; MAX_TENDONS], joint: usize) -> f64 {
        let rows = self.radii.iter().zip(lambda);
        rows.map(|(row, l)| row[joint] * l).sum()
    }

    /// By how much the worst optimality condition is broken, rad; 0 at the optimum.
    fn violation(&self, state: &Equilibrium) -> f64 {
        let mut worst = 0.0f64;
        for (i, row) in self.radii.iter().enumerate() {
            let wound: f64 = row.iter().zip(&state.angles).map(|(r, a)| r * a).sum();
            let shortage = (self.pulls[i] - wound) / TYPICAL_RADIUS;
            worst = worst.max(shortage).max(-state.lambda[i] * TYPICAL_RADIUS);
        }
        for j in 0..JOINTS {
            let wanted = self.rest[j] + self.torque(&state.lambda, j);
            worst = worst.max(match state.stops[j] {
                Stop::Low => wanted - JOINT_LOW,
                Stop::High => JOINT_HIGH - wanted,
                Stop::Free => (JOINT_LOW - wanted).max(wanted - JOINT_HIGH),
            });
        }
        worst
    }
}

/// Gaussian elimination with pivots on the first `n` rows and columns; `None` where the matrix is singular.
fn solve_linear(
    matrix: &mut [[f64; MAX_TENDONS]; MAX_TENDONS],
    right: &mut [f64; MAX_TENDONS],
    n: usize,
) -> Option<[f64; MAX_TENDONS]> {
    for i in 0..n {
        let largest = |a: &usize, b: &usize| matrix[*a][i].abs().total_cmp(&matrix[*b][i].abs());
        let pivot = (i..n).max_by(largest)?;
        matrix.swap(i, pivot);
        right.swap(i, pivot);
        if matrix[i][i].abs() < 1e-9 * TYPICAL_RADIUS * TYPICAL_RADIUS {
            return None;
        }
        for k in i + 1..n {
            let factor = matrix[k][i] / matrix[i][i];
            for j in i..n {
                matrix[k][j] -= factor * matrix[i][j];
            }
            right[k] -= factor * right[i];
        }
    }
    let mut out = [0.0; MAX_TENDONS];
    for i in (0..n).rev() {
        let known: f64 = (i + 1..n).map(|j| matrix[i][j] * out[j]).sum();
        out[i] = (right[i] - known) / matrix[i][i];
    }
    Some(out)
}
