//! Pendulum-v1: a pendulum with a weak motor is swung up and held.
//!
//! A rod of 1 kg and 1 m under g = 10 m/s², integrated by semi-implicit Euler steps as Gymnasium's
//! `Pendulum-v1` does: `w += (3 g / 2 l sin a + 3 / (m l^2) torque) dt`, then `a += w dt`.

use std::f64::consts::{PI, TAU};

use super::{Classic, draw};
use tandem_core::problem::{Channel, CommandSpace, Spec};
use tandem_core::scene::{Role, Scene};
use tandem_core::stream::Stream;

const GRAVITY: f64 = 10.0; // m/s²
const LENGTH: f64 = 1.0; // m
const MASS: f64 = 1.0; // kg
const TORQUE: f64 = 2.0; // N m at command 1
const SPEED_LIMIT: f64 = 8.0; // rad/s
const DT: f64 = 0.05; // s
const HORIZON: usize = 200;

/// Pendulum-v1. State: angle from upright (rad, not wrapped) and angular velocity (rad/s).
///
/// Command: torque in units of 2 N m. Reward: minus (angle² + 0.1 velocity² + 0.001 torque²), measured before
/// the step with the angle wrapped to [-π, π). Never terminates; the horizon is 200. Success: upright within
/// 0.1 rad and slower than 0.5 rad/s at the horizon.
#[derive(Debug)]
pub struct Pendulum;

/// The angle within [-π, π).
fn wrapped(angle: f64) -> f64 {
    (angle + PI).rem_euclid(TAU) - PI
}

impl Classic for Pendulum {
    type State = [f64; 2];
    type Observation = [f64; 3];
    type Command = [f64; 1];
    type Terms = [f64; 3];

    fn spec() -> Spec {
        Spec {
            name: "pendulum".into(),
            observation: vec![
                Channel::new("cos_angle", "1"),
                Channel::new("sin_angle", "1"),
                Channel::new("velocity", "rad/s"),
            ],
            command: CommandSpace::Continuous(vec![Channel::new("torque", "2 N m")]),
            reward_terms: vec!["angle".into(), "velocity".into(), "torque".into()],
            horizon: HORIZON,
            control_dt: DT,
        }
    }

    fn start(stream: &mut Stream) -> Self::State {
        [stream.uniform(-PI, PI), stream.uniform(-1.0, 1.0)]
    }

    fn observe(state: &Self::State) -> Self::Observation {
        let (sin, cos) = state[0].sin_cos();
        [cos, sin, state[1]]
    }

    fn step(state: &mut Self::State, command: &Self::Command) -> (Self::Terms, bool) {
        let [angle, velocity] = *state;
        let torque = TORQUE * command[0];
        let terms = [
            -wrapped(angle).powi(2),
            -0.1 * velocity.powi(2),
            -0.001 * torque.powi(2),
        ];
        let acceleration = 3.0 * GRAVITY / (2.0 * LENGTH) * angle.sin() + 3.0 / (MASS * LENGTH.powi(2)) * torque;
        let velocity = (velocity + acceleration * DT).clamp(-SPEED_LIMIT, SPEED_LIMIT);
        *state = [angle + velocity * DT, velocity];
        (terms, false)
    }

    fn succeeded(state: &Self::State, steps: usize, _terminated: bool) -> bool {
        steps == HORIZON && wrapped(state[0]).abs() < 0.1 && state[1].abs() < 0.5
    }

    fn scene(state: &Self::State) -> Scene {
        let (sin, cos) = state[0].sin_cos();
        // Gymnasium draws positive angles to the left: x is the negative sine
        Scene {
            view: draw::plane([-1.3, -1.3], [1.3, 1.3]),
            shapes: vec![
                draw::capsule(Role::Link, [0.0, 0.0], [-LENGTH * sin, LENGTH * cos], 0.08),
                draw::disc(Role::Joint, [0.0, 0.0], 0.05),
            ],
            caption: format!("angle {:+.1}°, {:+.2} rad/s", wrapped(state[0]).to_degrees(), state[1]),
        }
    }
}
