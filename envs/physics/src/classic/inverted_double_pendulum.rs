//! InvertedDoublePendulum-v4: two poles stand on top of each other on a cart that is pushed along a rail.
//!
//! The model of Gymnasium's `inverted_double_pendulum.xml`: capsules of density 1000 kg/m³, joint damping 0.05, a
//! motor of gear 500, Runge-Kutta with 0.01 s, five steps per command, gravity with a stray horizontal part.
//! Reward and termination read the tip at the last Runge-Kutta evaluation, as Gymnasium does.
//!
//! The rail's ends at ±1 m are hard inelastic stops here (`Motion::hard_stop`); MuJoCo's are soft
//! constraints. The three constraint forces of the observation, which are zero away from those stops in
//! MuJoCo too, are therefore always zero.

use nalgebra::{SMatrix, SVector};

use super::mechanics::{GRAVITY, Motion, capsule, solve};
use super::{Classic, draw};
use tandem_core::problem::{Channel, CommandSpace, Spec};
use tandem_core::scene::{Role, Scene};
use tandem_core::stream::Stream;

const LENGTH: f64 = 0.6; // m, each pole
const CENTRE: f64 = 0.3; // m from a pole's hinge to its centre
const POLE_RADIUS: f64 = 0.045; // m
const SIDEWAYS: f64 = 1e-5; // m/s², horizontal gravity of the model file
const DAMPING: f64 = 0.05; // N s/m and N m s/rad
const FORCE: f64 = 500.0; // N at command 1
const RAIL: f64 = 1.0; // m
const DT: f64 = 0.01; // s, five times per command
const HORIZON: usize = 1000;

/// InvertedDoublePendulum-v4. State: cart position (m), angle of the lower pole (rad), angle of the upper pole
/// relative to the lower (rad), their velocities.
///
/// Command: force in units of 500 N. Reward: 10 - 0.01 x² - (y - 2)² - 0.001 w1² - 0.005 w2² with the tip at
/// (x, y) m and the hinges' velocities w1, w2 rad/s. Terminates when the tip is at or below 1 m; the horizon is
/// 1000. Success: standing at the horizon (Gymnasium's reward threshold, 9100, needs at least 911 steps).
#[derive(Debug)]
pub struct InvertedDoublePendulum;

/// Turns joint angles (the upper one relative) into absolute ones; the transposed turns torques back.
const ABSOLUTE: SMatrix<f64, 3, 3> = SMatrix::<f64, 3, 3>::new(
    1.0, 0.0, 0.0, //
    0.0, 1.0, 0.0, //
    0.0, 1.0, 1.0,
);

/// The constants that follow from the geometry.
struct Body {
    cart: f64,
    pole: f64,
    /// Moment of inertia of a pole about its centre, kg m².
    inertia: f64,
}

impl Body {
    fn new() -> Self {
        let (pole, inertia) = capsule(POLE_RADIUS, LENGTH);
        Self {
            cart: capsule(0.1, 0.2).0,
            pole,
            inertia,
        }
    }

    /// First moments (kg m) of lower and upper pole as the cart feels them.
    fn moments(&self) -> (f64, f64) {
        (self.pole * (CENTRE + LENGTH), self.pole * CENTRE)
    }

    /// Inertia matrix in joint coordinates.
    fn matrix(&self, q: &SVector<f64, 3>) -> SMatrix<f64, 3, 3> {
        let (lower, upper) = self.moments();
        let a = ABSOLUTE * q;
        let (c1, c2) = (lower * a[1].cos(), upper * a[2].cos());
        let c12 = self.pole * LENGTH * CENTRE * (a[1] - a[2]).cos();
        let own = self.inertia + self.pole * CENTRE.powi(2);
        let both = own + self.pole * LENGTH.powi(2);
        let total = self.cart + 2.0 * self.pole;
        let absolute = SMatrix::<f64, 3, 3>::new(total, c1, c2, c1, both, c12, c2, c12, own);
        ABSOLUTE.transpose() * absolute * ABSOLUTE
    }

    /// Lagrange's equations for the absolute angles, turned into joint coordinates.
    fn acceleration(&self, motion: &Motion<3>, force: f64) -> SVector<f64, 3> {
        let (lower, upper) = self.moments();
        let (a, w) = (ABSOLUTE * motion.q, ABSOLUTE * motion.v);
        let (sin1, cos1) = a[1].sin_cos();
        let (sin2, cos2) = a[2].sin_cos();
        let twist = self.pole * LENGTH * CENTRE * (a[1] - a[2]).sin();
        let total = self.cart + 2.0 * self.pole;
        let absolute = SVector::from([
            force + lower * sin1 * w[1].powi(2) + upper * sin2 * w[2].powi(2) + total * SIDEWAYS,
            -twist * w[2].powi(2) + lower * (GRAVITY * sin1 + SIDEWAYS * cos1),
            twist * w[1].powi(2) + upper * (GRAVITY * sin2 + SIDEWAYS * cos2),
        ]);
        let joints = ABSOLUTE.transpose() * absolute - motion.v * DAMPING;
        solve(&self.matrix(&motion.q), &joints)
    }
}

/// Ends of the lower and of the upper pole, (x, y) m.
fn ends(q: &SVector<f64, 3>) -> [[f64; 2]; 2] {
    let a = ABSOLUTE * q;
    let elbow = [q[0] + LENGTH * a[1].sin(), LENGTH * a[1].cos()];
    let tip = [elbow[0] + LENGTH * a[2].sin(), elbow[1] + LENGTH * a[2].cos()];
    [elbow, tip]
}

impl Classic for InvertedDoublePendulum {
    type State = [f64; 6];
    type Observation = [f64; 11];
    type Command = [f64; 1];
    type Terms = [f64; 3];

    fn spec() -> Spec {
        let names = [
            ("cart_position", "m"),
            ("sin_lower", "1"),
            ("sin_upper", "1"),
            ("cos_lower", "1"),
            ("cos_upper", "1"),
            ("cart_velocity", "m/s"),
            ("lower_velocity", "rad/s"),
            ("upper_velocity", "rad/s"),
            ("cart_constraint", "N"),
            ("lower_constraint", "N m"),
            ("upper_constraint", "N m"),
        ];
        Spec {
            name: "inverted-double-pendulum".into(),
            observation: names.map(|(name, unit)| Channel::new(name, unit)).to_vec(),
            command: CommandSpace::Continuous(vec![Channel::new("force", "500 N")]),
            reward_terms: vec!["alive".into(), "distance".into(), "velocity".into()],
            horizon: HORIZON,
            control_dt: 5.0 * DT,
        }
    }

    fn start(stream: &mut Stream) -> Self::State {
        std::array::from_fn(|i| match i {
            0..3 => stream.uniform(-0.1, 0.1),
            _ => 0.1 * stream.normal(),
        })
    }

    fn observe(state: &Self::State) -> Self::Observation {
        let [x, lower, upper, v @ ..] = *state;
        let [vx, v1, v2] = v.map(|speed| speed.clamp(-10.0, 10.0));
        [
            x,
            lower.sin(),
            upper.sin(),
            lower.cos(),
            upper.cos(),
            vx,
            v1,
            v2,
            0.0,
            0.0,
            0.0,
        ]
    }

    fn step(state: &mut Self::State, command: &Self::Command) -> (Self::Terms, bool) {
        let body = Body::new();
        let [x, lower, upper, v @ ..] = *state;
        let mut motion = Motion::new([x, lower, upper], v);
        let mut seen = motion;
        for _ in 0..5 {
            let acceleration = |m: &Motion<3>| body.acceleration(m, FORCE * command[0]);
            (motion, seen) = motion.runge_kutta(DT, acceleration);
            motion.hard_stop(0, RAIL, &body.matrix(&motion.q));
        }
        let (q, v) = (motion.q, motion.v);
        *state = [q[0], q[1], q[2], v[0], v[1], v[2]];
        let [_, [x, y]] = ends(&seen.q);
        let terms = [
            10.0,
            -(0.01 * x.powi(2) + (y - 2.0).powi(2)),
            -(1e-3 * v[1].powi(2) + 5e-3 * v[2].powi(2)),
        ];
        (terms, y <= 1.0)
    }

    fn succeeded(_state: &Self::State, steps: usize, terminated: bool) -> bool {
        steps >= HORIZON && !terminated
    }

    fn scene(state: &Self::State) -> Scene {
        let [x, lower, upper, ..] = *state;
        let [elbow, tip] = ends(&SVector::from([x, lower, upper]));
        let radius = POLE_RADIUS as f32;
        Scene {
            view: draw::plane([-1.4, -0.4], [1.4, 1.4]),
            shapes: vec![
                draw::capsule(Role::Wall, [-RAIL, 0.0], [RAIL, 0.0], 0.02),
                draw::capsule(Role::Base, [x - 0.1, 0.0], [x + 0.1, 0.0], 0.1),
                draw::capsule(Role::Link, [x, 0.0], elbow, radius),
                draw::capsule(Role::Link, elbow, tip, radius),
                draw::disc(Role::Joint, elbow, radius),
            ],
            caption: format!("cart {x:+.2} m, tip {:.2} m up", tip[1]),
        }
    }
}
