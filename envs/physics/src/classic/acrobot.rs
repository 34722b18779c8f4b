//! Acrobot-v1: two links hang from a bar; only the elbow is driven; the tip has to rise above the bar.
//!
//! Equations: Sutton and Barto's book (not the NIPS paper's, which lack one term), integrated by one
//! Runge-Kutta step of 0.2 s, as Gymnasium's `Acrobot-v1` does.

use std::f64::consts::{FRAC_PI_2, PI, TAU};

use nalgebra::SVector;

use super::mechanics::Motion;
use super::{Classic, draw};
use tandem_core::problem::{Channel, CommandSpace, Spec};
use tandem_core::scene::{Role, Scene};
use tandem_core::stream::Stream;

const GRAVITY: f64 = 9.8; // m/s²
const MASS: f64 = 1.0; // kg, each link
const LENGTH: f64 = 1.0; // m, each link
const CENTRE: f64 = 0.5; // m from a link's joint to its centre of mass
const INERTIA: f64 = 1.0; // kg m², each link
const SPEED_LIMITS: [f64; 2] = [4.0 * PI, 9.0 * PI]; // rad/s
const DT: f64 = 0.2; // s

/// Acrobot-v1. State: angle of the upper link from hanging (rad), angle of the lower link relative to it (rad),
/// their velocities (rad/s).
///
/// Command: options 0, 1, 2 are torques -1, 0, 1 N m at the elbow. Reward: -1 per step, 0 on the step that
/// reaches the goal. Terminates (and succeeds) when the tip is more than one link above the bar; the horizon is 500.
#[derive(Debug)]
pub struct Acrobot;

/// The angle within [-π, π].
fn wrapped(angle: f64) -> f64 {
    angle - TAU * (angle / TAU).round()
}

/// Height of the tip above the bar, m.
fn height(state: &[f64; 4]) -> f64 {
    -LENGTH * state[0].cos() - LENGTH * (state[0] + state[1]).cos()
}

/// Angular accelerations under an elbow torque (N m).
fn acceleration(motion: &Motion<2>, torque: f64) -> SVector<f64, 2> {
    let (upper, lower) = (motion.q[0], motion.q[1]);
    let (upper_dot, lower_dot) = (motion.v[0], motion.v[1]);
    let coupling = MASS * LENGTH * CENTRE;
    let (sin, cos) = lower.sin_cos();
    let d1 =
        MASS * CENTRE.powi(2) + MASS * (LENGTH.powi(2) + CENTRE.powi(2) + 2.0 * LENGTH * CENTRE * cos) + 2.0 * INERTIA;
    let d2 = MASS * (CENTRE.powi(2) + LENGTH * CENTRE * cos) + INERTIA;
    let phi2 = MASS * CENTRE * GRAVITY * (upper + lower - FRAC_PI_2).cos();
    let phi1 = -coupling * lower_dot.powi(2) * sin - 2.0 * coupling * lower_dot * upper_dot * sin
        + (MASS * CENTRE + MASS * LENGTH) * GRAVITY * (upper - FRAC_PI_2).cos()
        + phi2;
    let lower_acc = (torque + d2 / d1 * phi1 - coupling * upper_dot.powi(2) * sin - phi2)
        / (MASS * CENTRE.powi(2) + INERTIA - d2.powi(2) / d1);
    SVector::from([-(d2 * lower_acc + phi1) / d1, lower_acc])
}

impl Classic for Acrobot {
    type State = [f64; 4];
    type Observation = [f64; 6];
    type Command = [f64; 1];
    type Terms = [f64; 1];

    fn spec() -> Spec {
        Spec {
            name: "acrobot".into(),
            observation: vec![
                Channel::new("cos_upper", "1"),
                Channel::new("sin_upper", "1"),
                Channel::new("cos_lower", "1"),
                Channel::new("sin_lower", "1"),
                Channel::new("upper_velocity", "rad/s"),
                Channel::new("lower_velocity", "rad/s"),
            ],
            command: CommandSpace::Discrete(3),
            reward_terms: vec!["time".into()],
            horizon: 500,
            control_dt: DT,
        }
    }

    fn start(stream: &mut Stream) -> Self::State {
        // Gymnasium rounds the start to single precision
        std::array::from_fn(|_| f64::from(stream.uniform(-0.1, 0.1) as f32))
    }

    fn observe(state: &Self::State) -> Self::Observation {
        let [upper, lower, upper_dot, lower_dot] = *state;
        [upper.cos(), upper.sin(), lower.cos(), lower.sin(), upper_dot, lower_dot]
    }

    fn step(state: &mut Self::State, command: &Self::Command) -> (Self::Terms, bool) {
        let torque = command[0] - 1.0;
        let motion = Motion::new([state[0], state[1]], [state[2], state[3]]);
        let (next, _) = motion.runge_kutta(DT, |m| acceleration(m, torque));
        *state = [
            wrapped(next.q[0]),
            wrapped(next.q[1]),
            next.v[0].clamp(-SPEED_LIMITS[0], SPEED_LIMITS[0]),
            next.v[1].clamp(-SPEED_LIMITS[1], SPEED_LIMITS[1]),
        ];
        let reached = height(state) > LENGTH;
        ([if reached { 0.0 } else { -1.0 }], reached)
    }

    fn succeeded(_state: &Self::State, _steps: usize, terminated: bool) -> bool {
        terminated
    }

    fn scene(state: &Self::State) -> Scene {
        let [upper, lower, _, _] = *state;
        let elbow = [LENGTH * upper.sin(), -LENGTH * upper.cos()];
        let tip = [
            elbow[0] + LENGTH * (upper + lower).sin(),
            elbow[1] - LENGTH * (upper + lower).cos(),
        ];
        Scene {
            view: draw::plane([-2.2, -2.2], [2.2, 2.2]),
            shapes: vec![
                draw::capsule(Role::Goal, [-2.2, LENGTH], [2.2, LENGTH], 0.01),
                draw::capsule(Role::Link, [0.0, 0.0], elbow, 0.1),
                draw::capsule(Role::Link, elbow, tip, 0.1),
                draw::disc(Role::Joint, [0.0, 0.0], 0.1),
                draw::disc(Role::Joint, elbow, 0.1),
            ],
            caption: format!("tip {:+.2} m above the bar", height(state)),
        }
    }
}
