//! CartPole-v1: a pole on a cart is pushed left or right so that it does not fall.
//!
//! Equations: Florian, "Correct equations for the dynamics of the cart-pole system" (2007), without friction,
//! integrated by explicit Euler steps as Gymnasium's `CartPole-v1` does.

use super::{Classic, draw};
use tandem_core::problem::{Channel, CommandSpace, Spec};
use tandem_core::scene::{Role, Scene};
use tandem_core::stream::Stream;

const GRAVITY: f64 = 9.8; // m/s², Gymnasium's value
const MASS_POLE: f64 = 0.1; // kg
const MASS_TOTAL: f64 = 1.1; // kg
const HALF_LENGTH: f64 = 0.5; // m
const FORCE: f64 = 10.0; // N
const DT: f64 = 0.02; // s
const X_LIMIT: f64 = 2.4; // m
const ANGLE_LIMIT: f64 = 12.0 * std::f64::consts::TAU / 360.0; // rad

/// CartPole-v1. State: cart position (m) and velocity (m/s), pole angle (rad) and velocity (rad/s).
///
/// Command: option 0 pushes left, 1 right. Reward: 1 per step. Terminates beyond 2.4 m or 12°; the horizon is
/// 500. Success: 475 steps survived, Gymnasium's reward threshold.
#[derive(Debug)]
pub struct CartPole;

impl Classic for CartPole {
    type State = [f64; 4];
    type Observation = [f64; 4];
    type Command = [f64; 1];
    type Terms = [f64; 1];

    fn spec() -> Spec {
        Spec {
            name: "cartpole".into(),
            observation: vec![
                Channel::new("cart_position", "m"),
                Channel::new("cart_velocity", "m/s"),
                Channel::new("pole_angle", "rad"),
                Channel::new("pole_velocity", "rad/s"),
            ],
            command: CommandSpace::Discrete(2),
            reward_terms: vec!["alive".into()],
            horizon: 500,
            control_dt: DT,
        }
    }

    fn start(stream: &mut Stream) -> Self::State {
        std::array::from_fn(|_| stream.uniform(-0.05, 0.05))
    }

    fn observe(state: &Self::State) -> Self::Observation {
        *state
    }

    fn step(state: &mut Self::State, command: &Self::Command) -> (Self::Terms, bool) {
        let [x, x_dot, angle, angle_dot] = *state;
        let force = if command[0] > 0.5 { FORCE } else { -FORCE };
        let (sin, cos) = angle.sin_cos();
        let moment = MASS_POLE * HALF_LENGTH;
        let push = (force + moment * angle_dot.powi(2) * sin) / MASS_TOTAL;
        let angle_acc =
            (GRAVITY * sin - cos * push) / (HALF_LENGTH * (4.0 / 3.0 - MASS_POLE * cos.powi(2) / MASS_TOTAL));
        let x_acc = push - moment * angle_acc * cos / MASS_TOTAL;
        *state = [
            x + DT * x_dot,
            x_dot + DT * x_acc,
            angle + DT * angle_dot,
            angle_dot + DT * angle_acc,
        ];
        let fallen = state[0].abs() > X_LIMIT || state[2].abs() > ANGLE_LIMIT;
        ([1.0], fallen)
    }

    fn succeeded(_state: &Self::State, steps: usize, terminated: bool) -> bool {
        steps >= 475 && !terminated
    }

    fn scene(state: &Self::State) -> Scene {
        let [x, _, angle, _] = *state;
        let tip = [x + 2.0 * HALF_LENGTH * angle.sin(), 2.0 * HALF_LENGTH * angle.cos()];
        Scene {
            view: draw::plane([-2.6, -0.5], [2.6, 1.5]),
            shapes: vec![
                draw::capsule(Role::Wall, [-X_LIMIT, 0.0], [X_LIMIT, 0.0], 0.02),
                draw::cuboid(Role::Base, [x, 0.0], [0.2, 0.12]),
                draw::capsule(Role::Link, [x, 0.0], tip, 0.05),
                draw::disc(Role::Joint, [x, 0.0], 0.06),
            ],
            caption: format!("cart {x:+.2} m, pole {:+.1}°", angle.to_degrees()),
        }
    }
}
