//! Reacher-v4: a two-link arm on a table brings its fingertip to a target.
//!
//! The model of Gymnasium's `reacher.xml`: links of 0.1 m, capsules of density 1000 kg/m³, armature 1 and
//! damping 1 on both joints, motors of gear 200, Runge-Kutta with 0.01 s, two steps per command. This is
//! version 4: the distance is rewarded as it is *before* the step, and the observation has 11 numbers. As in
//! Gymnasium, the fingertip that is observed and rewarded is that of MuJoCo's last Runge-Kutta evaluation.
//!
//! The elbow's ends at ±3 rad are hard inelastic stops here (`Motion::hard_stop`); MuJoCo's are soft
//! constraints. Random policies pass them in about 5 % of their steps, trained ones hardly ever.

use nalgebra::{SMatrix, SVector};

use super::mechanics::{Motion, capsule, solve, sphere};
use super::{Classic, draw};
use tandem_core::problem::{Channel, CommandSpace, Spec};
use tandem_core::scene::{Role, Scene};
use tandem_core::stream::Stream;

const LENGTH: f64 = 0.1; // m, each link
const TIP: f64 = 0.11; // m from the elbow to the fingertip
const RADIUS: f64 = 0.01; // m, links and fingertip
const TARGET_RADIUS: f64 = 0.009; // m
const ARMATURE: f64 = 1.0; // kg m²
const DAMPING: f64 = 1.0; // N m s/rad
const TORQUE: f64 = 200.0; // N m at command 1
const ELBOW_LIMIT: f64 = 3.0; // rad
const REACH: f64 = 0.2; // m, targets lie within
const DT: f64 = 0.01; // s, twice per command
const HORIZON: usize = 50;

/// Reacher-v4. State: shoulder and elbow angle (rad), their velocities (rad/s), target (x, y m), fingertip as
/// MuJoCo reports it (x, y m).
///
/// Command: torques in units of 200 N m. Reward: minus the distance (m) before the step, minus the sum of the
/// squared commands. Never terminates; the horizon is 50. Success: fingertip and target touch (centres closer
/// than 0.019 m) at the horizon.
#[derive(Debug)]
pub struct Reacher;

/// Inertia terms of the arm in absolute angles, kg m².
struct Arm {
    upper: f64,
    lower: f64,
    /// Coupling of the links at a straight elbow.
    coupling: f64,
}

impl Arm {
    fn new() -> Self {
        let (link, inertia) = capsule(RADIUS, LENGTH);
        let ball = sphere(RADIUS);
        let centre = LENGTH / 2.0;
        let about_joint = inertia + link * centre.powi(2);
        Self {
            upper: about_joint + (link + ball) * LENGTH.powi(2),
            lower: about_joint + 0.4 * ball * RADIUS.powi(2) + ball * TIP.powi(2),
            coupling: LENGTH * (link * centre + ball * TIP),
        }
    }

    /// Inertia matrix in joint coordinates (the elbow's angle is relative), motors included.
    fn matrix(&self, q: &SVector<f64, 2>) -> SMatrix<f64, 2, 2> {
        let across = self.lower + self.coupling * q[1].cos();
        let shoulder = self.upper + self.coupling * q[1].cos() + across;
        SMatrix::<f64, 2, 2>::new(shoulder + ARMATURE, across, across, self.lower + ARMATURE)
    }

    fn acceleration(&self, motion: &Motion<2>, torque: [f64; 2]) -> SVector<f64, 2> {
        let [w, elbow] = [motion.v[0], motion.v[1]];
        let bend = self.coupling * motion.q[1].sin();
        let forces = SVector::from([
            torque[0] - DAMPING * w + bend * elbow * (2.0 * w + elbow),
            torque[1] - DAMPING * elbow - bend * w.powi(2),
        ]);
        solve(&self.matrix(&motion.q), &forces)
    }
}

/// Elbow and fingertip at these angles, (x, y) m.
fn points(shoulder: f64, elbow: f64) -> [[f64; 2]; 2] {
    let joint = [LENGTH * shoulder.cos(), LENGTH * shoulder.sin()];
    let angle = shoulder + elbow;
    let tip = [joint[0] + TIP * angle.cos(), joint[1] + TIP * angle.sin()];
    [joint, tip]
}

/// Distance of fingertip and target, m.
fn distance(state: &[f64; 8]) -> f64 {
    (state[6] - state[4]).hypot(state[7] - state[5])
}

impl Classic for Reacher {
    type State = [f64; 8];
    type Observation = [f64; 11];
    type Command = [f64; 2];
    type Terms = [f64; 2];

    fn spec() -> Spec {
        let names = [
            ("cos_shoulder", "1"),
            ("cos_elbow", "1"),
            ("sin_shoulder", "1"),
            ("sin_elbow", "1"),
            ("target_x", "m"),
            ("target_y", "m"),
            ("shoulder_velocity", "rad/s"),
            ("elbow_velocity", "rad/s"),
            ("to_fingertip_x", "m"),
            ("to_fingertip_y", "m"),
            ("to_fingertip_z", "m"),
        ];
        let torques = ["shoulder_torque", "elbow_torque"];
        Spec {
            name: "reacher".into(),
            observation: names.map(|(name, unit)| Channel::new(name, unit)).to_vec(),
            command: CommandSpace::Continuous(torques.map(|name| Channel::new(name, "200 N m")).to_vec()),
            reward_terms: vec!["distance".into(), "command".into()],
            horizon: HORIZON,
            control_dt: 2.0 * DT,
        }
    }

    fn start(stream: &mut Stream) -> Self::State {
        let [q0, q1] = std::array::from_fn(|_| stream.uniform(-0.1, 0.1));
        let target = loop {
            let [x, y]: [f64; 2] = std::array::from_fn(|_| stream.uniform(-REACH, REACH));
            if x.hypot(y) < REACH {
                break [x, y];
            }
        };
        let [v0, v1] = std::array::from_fn(|_| stream.uniform(-0.005, 0.005));
        let [_, tip] = points(q0, q1);
        [q0, q1, v0, v1, target[0], target[1], tip[0], tip[1]]
    }

    fn observe(state: &Self::State) -> Self::Observation {
        let [q0, q1, v0, v1, target_x, target_y, tip_x, tip_y] = *state;
        [
            q0.cos(),
            q1.cos(),
            q0.sin(),
            q1.sin(),
            target_x,
            target_y,
            v0,
            v1,
            tip_x - target_x,
            tip_y - target_y,
            0.0,
        ]
    }

    fn step(state: &mut Self::State, command: &Self::Command) -> (Self::Terms, bool) {
        let effort = command.iter().map(|c| c.powi(2)).sum::<f64>();
        let terms = [-distance(state), -effort];
        let arm = Arm::new();
        let torque = command.map(|c| TORQUE * c);
        let [q0, q1, v0, v1, target_x, target_y, ..] = *state;
        let mut motion = Motion::new([q0, q1], [v0, v1]);
        let mut seen = motion;
        for _ in 0..2 {
            (motion, seen) = motion.runge_kutta(DT, |m| arm.acceleration(m, torque));
            motion.hard_stop(1, ELBOW_LIMIT, &arm.matrix(&motion.q));
        }
        let [_, tip] = points(seen.q[0], seen.q[1]);
        let (q, v) = (motion.q, motion.v);
        *state = [q[0], q[1], v[0], v[1], target_x, target_y, tip[0], tip[1]];
        (terms, false)
    }

    fn succeeded(state: &Self::State, steps: usize, _terminated: bool) -> bool {
        steps == HORIZON && distance(state) < RADIUS + TARGET_RADIUS
    }

    fn scene(state: &Self::State) -> Scene {
        let [elbow, tip] = points(state[0], state[1]);
        let link_end = [
            elbow[0] + (tip[0] - elbow[0]) * LENGTH / TIP,
            elbow[1] + (tip[1] - elbow[1]) * LENGTH / TIP,
        ];
        let radius = RADIUS as f32;
        Scene {
            view: draw::plane([-0.25, -0.25], [0.25, 0.25]),
            shapes: vec![
                draw::disc(Role::Base, [0.0, 0.0], 0.011),
                draw::capsule(Role::Link, [0.0, 0.0], elbow, radius),
                draw::capsule(Role::Link, elbow, link_end, radius),
                draw::disc(Role::Joint, tip, radius),
                draw::disc(Role::Goal, [state[4], state[5]], TARGET_RADIUS as f32),
            ],
            caption: format!("distance {:.3} m", distance(state)),
        }
    }
}
