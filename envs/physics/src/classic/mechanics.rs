//! Rigid-body mechanics shared by the classic problems: Runge-Kutta, capsules, hard joint stops.

use nalgebra::{SMatrix, SVector};

/// Standard gravity as MuJoCo's models write it, m/s².
pub(super) const GRAVITY: f64 = 9.81;

/// Density of MuJoCo's default material, kg/m³.
const DENSITY: f64 = 1000.0;

/// Positions and velocities of `N` joints.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Motion<const N: usize> {
    /// Joint positions, m or rad.
    pub q: SVector<f64, N>,
    /// Joint velocities, m/s or rad/s.
    pub v: SVector<f64, N>,
}

impl<const N: usize> Motion<N> {
    /// From `N` positions and `N` velocities.
    pub fn new(q: [f64; N], v: [f64; N]) -> Self {
        Self {
            q: SVector::from(q),
            v: SVector::from(v),
        }
    }

    /// One step of the classical fourth-order Runge-Kutta method. Gives the new motion and, second, the
    /// motion at which the fourth slope was taken: MuJoCo's body positions (`xpos`, `site_xpos`) are those of
    /// its last evaluation, so Gymnasium's environments that read them see that motion and not the new one.
    pub fn runge_kutta(&self, dt: f64, acceleration: impl Fn(&Self) -> SVector<f64, N>) -> (Self, Self) {
        let ahead = |h: f64, slope: &(SVector<f64, N>, SVector<f64, N>)| Self {
            q: self.q + slope.0 * h,
            v: self.v + slope.1 * h,
        };
        let slope = |at: &Self| (at.v, acceleration(at));
        let k1 = slope(self);
        let k2 = slope(&ahead(dt / 2.0, &k1));
        let k3 = slope(&ahead(dt / 2.0, &k2));
        let last = ahead(dt, &k3);
        let k4 = slope(&last);
        let next = Self {
            q: self.q + (k1.0 + k2.0 * 2.0 + k3.0 * 2.0 + k4.0) * (dt / 6.0),
            v: self.v + (k1.1 + k2.1 * 2.0 + k3.1 * 2.0 + k4.1) * (dt / 6.0),
        };
        (next, last)
    }

    /// A hard, inelastic stop of one joint at ±`limit`: the position is put back to the stop and an impulse
    /// `l` along the joint takes its velocity, felt by the other joints through the inertia matrix
    /// (`M dv = l e`). It stands in for MuJoCo's soft stops, which have no closed form.
    pub fn hard_stop(&mut self, joint: usize, limit: f64, inertia: &SMatrix<f64, N, N>) {
        let side = self.q[joint].signum();
        if self.q[joint] * side <= limit {
            return;
        }
        self.q[joint] = limit * side;
        if self.v[joint] * side <= 0.0 {
            return;
        }
        let mut unit = SVector::<f64, N>::zeros();
        unit[joint] = 1.0;
        let response = solve(inertia, &unit);
        if response[joint] > 0.0 {
            self.v -= response * (self.v[joint] / response[joint]);
        }
        self.v[joint] = 0.0;
    }
}

/// The acceleration `a` of `M a = force`. Inertia matrices are positive definite for every finite position.
pub(super) fn solve<const N: usize>(inertia: &SMatrix<f64, N, N>, force: &SVector<f64, N>) -> SVector<f64, N> {
    inertia
        .cholesky()
        .map_or_else(SVector::zeros, |factor| factor.solve(force))
}

/// Mass (kg) and moment of inertia about a transverse axis through the centre (kg m²) of a capsule of MuJoCo's
/// default density; `length` is that of its cylinder. Cylinder plus two hemispheres, whose centroids lie
/// 3/8 of the radius beyond the cylinder's ends.
pub(super) fn capsule(radius: f64, length: f64) -> (f64, f64) {
    let cylinder = DENSITY * std::f64::consts::PI * radius.powi(2) * length;
    let sphere = sphere(radius);
    let inertia = cylinder * (3.0 * radius.powi(2) + length.powi(2)) / 12.0
        + 0.4 * sphere * radius.powi(2)
        + sphere * length * (3.0 * radius + 2.0 * length) / 8.0;
    (cylinder + sphere, inertia)
}

/// Mass of a sphere of MuJoCo's default density, kg.
pub(super) fn sphere(radius: f64) -> f64 {
    DENSITY * 4.0 / 3.0 * std::f64::consts::PI * radius.powi(3)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runge_kutta_is_of_fourth_order() {
        let end = |steps: usize| {
            let mut motion = Motion::<1>::new([1.0], [0.0]);
            for _ in 0..steps {
                motion = motion.runge_kutta(1.0 / steps as f64, |m| -m.q).0;
            }
            (motion.q[0] - 1f64.cos()).abs()
        };
        let ratio = end(10) / end(20);
        assert!((14.0..18.0).contains(&ratio), "{ratio}");
    }

    #[test]
    fn capsules_weigh_what_mujoco_says() {
        let (mass, inertia) = capsule(0.01, 0.1);
        assert!((mass - 0.0356047167).abs() < 1e-10, "{mass}");
        assert!((inertia - 3.91757e-5).abs() < 1e-10, "{inertia}");
    }

    #[test]
    fn a_stop_keeps_the_momentum_of_the_other_joint() {
        // p = M v along the joint that is not stopped must survive the impulse
        let inertia = SMatrix::<f64, 2, 2>::new(3.0, 1.0, 1.0, 2.0);
        let mut motion = Motion::new([1.2, 0.0], [2.0, -1.0]);
        let momentum = (inertia * motion.v)[1];
        motion.hard_stop(0, 1.0, &inertia);
        assert_eq!((motion.q[0], motion.v[0]), (1.0, 0.0));
        assert!(((inertia * motion.v)[1] - momentum).abs() < 1e-12);
        let before = motion;
        motion.hard_stop(0, 1.0, &inertia);
        assert_eq!(motion, before, "a joint at rest at its stop stays");
    }
}
