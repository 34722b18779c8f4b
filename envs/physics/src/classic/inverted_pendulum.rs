//! InvertedPendulum-v4: a pole stands on a cart that is pushed along a rail.
//!
//! The model of Gymnasium's `inverted_pendulum.xml`: capsules of density 1000 kg/m³, joint damping 1 on slider
//! and hinge, a motor of gear 100 with control ±3, Runge-Kutta with 0.02 s, two steps per command. The pole runs from
//! the hinge to (0.001, 0.6) m, hence leans a little at angle zero.
//!
//! The rail's ends at ±1 m are hard inelastic stops here (`Motion::hard_stop`); MuJoCo's are soft
//! constraints. A balanced pole stays far from them.

use nalgebra::{SMatrix, SVector};

use super::mechanics::{GRAVITY, Motion, capsule, solve};
use super::{Classic, draw};
use tandem_core::problem::{Channel, CommandSpace, Spec};
use tandem_core::scene::{Role, Scene};
use tandem_core::stream::Stream;

const POLE_TIP: [f64; 2] = [0.001, 0.6]; // m, in the pole's frame at angle zero
const POLE_RADIUS: f64 = 0.049; // m
const DAMPING: f64 = 1.0; // N s/m and N m s/rad
const FORCE: f64 = 300.0; // N at command 1: control 3 times gear 100
const RAIL: f64 = 1.0; // m
const ANGLE_LIMIT: f64 = 0.2; // rad
const DT: f64 = 0.02; // s, twice per command

/// InvertedPendulum-v4. State: cart position (m), hinge angle (rad), their velocities.
///
/// Command: control in units of 3 (gear 100, hence 300 N). Reward: 1 per step. Terminates beyond 0.2 rad; the
/// horizon is 1000. Success: 950 steps survived, Gymnasium's reward threshold.
#[derive(Debug)]
pub struct InvertedPendulum;

/// The constants that follow from the geometry.
struct Body {
    cart: f64,
    pole: f64,
    /// Moment of inertia of the pole about the hinge, kg m².
    inertia: f64,
    /// Distance of the pole's centre from the hinge, m.
    arm: f64,
    /// Lean of the pole at hinge angle zero, rad.
    lean: f64,
}

impl Body {
    fn new() -> Self {
        let length = POLE_TIP[0].hypot(POLE_TIP[1]);
        let (pole, centred) = capsule(POLE_RADIUS, length);
        let arm = length / 2.0;
        Self {
            cart: capsule(0.1, 0.2).0,
            pole,
            inertia: centred + pole * arm.powi(2),
            arm,
            lean: POLE_TIP[0].atan2(POLE_TIP[1]),
        }
    }

    fn matrix(&self, q: &SVector<f64, 2>) -> SMatrix<f64, 2, 2> {
        let coupling = self.pole * self.arm * (q[1] + self.lean).cos();
        SMatrix::<f64, 2, 2>::new(self.cart + self.pole, coupling, coupling, self.inertia)
    }

    fn acceleration(&self, motion: &Motion<2>, force: f64) -> SVector<f64, 2> {
        let sin = (motion.q[1] + self.lean).sin();
        let moment = self.pole * self.arm;
        let forces = SVector::from([
            force + moment * motion.v[1].powi(2) * sin - DAMPING * motion.v[0],
            moment * GRAVITY * sin - DAMPING * motion.v[1],
        ]);
        solve(&self.matrix(&motion.q), &forces)
    }
}

impl Classic for InvertedPendulum {
    type State = [f64; 4];
    type Observation = [f64; 4];
    type Command = [f64; 1];
    type Terms = [f64; 1];

    fn spec() -> Spec {
        Spec {
            name: "inverted-pendulum".into(),
            observation: vec![
                Channel::new("cart_position", "m"),
                Channel::new("pole_angle", "rad"),
                Channel::new("cart_velocity", "m/s"),
                Channel::new("pole_velocity", "rad/s"),
            ],
            command: CommandSpace::Continuous(vec![Channel::new("force", "300 N")]),
            reward_terms: vec!["alive".into()],
            horizon: 1000,
            control_dt: 2.0 * DT,
        }
    }

    fn start(stream: &mut Stream) -> Self::State {
        std::array::from_fn(|_| stream.uniform(-0.01, 0.01))
    }

    fn observe(state: &Self::State) -> Self::Observation {
        *state
    }

    fn step(state: &mut Self::State, command: &Self::Command) -> (Self::Terms, bool) {
        let body = Body::new();
        let mut motion = Motion::new([state[0], state[1]], [state[2], state[3]]);
        for _ in 0..2 {
            let acceleration = |m: &Motion<2>| body.acceleration(m, FORCE * command[0]);
            motion = motion.runge_kutta(DT, acceleration).0;
            motion.hard_stop(0, RAIL, &body.matrix(&motion.q));
        }
        *state = [motion.q[0], motion.q[1], motion.v[0], motion.v[1]];
        ([1.0], state[1].abs() > ANGLE_LIMIT)
    }

    fn succeeded(_state: &Self::State, steps: usize, terminated: bool) -> bool {
        steps >= 950 && !terminated
    }

    fn scene(state: &Self::State) -> Scene {
        let [x, angle, _, _] = *state;
        let (sin, cos) = angle.sin_cos();
        let tip = [
            x + POLE_TIP[0] * cos + POLE_TIP[1] * sin,
            POLE_TIP[1] * cos - POLE_TIP[0] * sin,
        ];
        Scene {
            view: draw::plane([-1.2, -0.4], [1.2, 0.8]),
            shapes: vec![
                draw::capsule(Role::Wall, [-RAIL, 0.0], [RAIL, 0.0], 0.02),
                draw::capsule(Role::Base, [x - 0.1, 0.0], [x + 0.1, 0.0], 0.1),
                draw::capsule(Role::Link, [x, 0.0], tip, POLE_RADIUS as f32),
            ],
            caption: format!("cart {x:+.2} m, pole {:+.1}°", angle.to_degrees()),
        }
    }
}
