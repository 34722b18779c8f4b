//! Planar reaching arms: bring the tip of a serial arm to a goal, in free space or through a passage.
//!
//! **Kinematics** (the hardware model; `n` links, lengths `l`, angles `q`, rates `u`, base offset `b`):
//!
//! ```text
//! q'_i = clamp(q_i + 0.15 u_i, -limit_i, limit_i)      limit_1 = 2 pi, the others 2.6 rad
//! s_i  = q'_1 + ... + q'_i
//! e_i  = b + sum_{k <= i} l_k (cos s_k, sin s_k)        b = 0 unless the base is designed
//! effect = e_n, e_1, ..., e_{n-1} [, b] [, q' - q]      metres, relative to the nominal base; rad
//! features = sin s_1, cos s_1, ..., sin s_n, cos s_n    so the effect is linear in the lengths
//! ```
//!
//! With designed torques the angle step is `0.15 c_i u_i`, `c_i = min(1, tau_i / (I_i 3 rad/s / 0.15 s))`,
//! `I_i` the inertia of everything beyond joint `i` on the straight arm; it is then part of the effect.
//!
//! **Task.** Tip within the tolerance for some control steps in a row (5, that is 0.25 s), at any time. Reward of a
//! step, one logged term each, where `path` is the length in metres of the shortest way of the tip to the goal
//! round all corners, so that nothing pulls the tip against a wall:
//!
//! ```text
//! path      -0.3 path
//! blocked   -0.1 when a wall stopped the arm
//! effort    -0.002 |u|^2
//! goal      +2 with the tip within the tolerance
//! nearness  +1 / (1 + (path / 0.25 m)^2)
//! ```
//!
//! **Observation.** Sine and cosine of the joint angles; joint rates of the last step (in full steps: without them
//! nobody can damp the real arm); link ends relative to the base, m; tip minus goal, m; share of the horizon
//! passed; the base's offset, m, where it is designed; among walls the vector to the next corner, m, the path, m,
//! whether a wall was touched, and the room around every link, m.
//!
//! **Why the start design fails.** Its stretched length is below the distance from base to goal less the
//! tolerance, in every preset; walls can only make the way longer. That is a proof, not a measurement.
//!
//! **Worlds.** Under effects the arm is a polyline that moves to where the effect puts it; walls are met by
//! swept capsules and blocked motion slides ([`motion`]). As the full machine it is a chain of rigid links with
//! servos and torque limits ([`machine`]), which rapier and MuJoCo also compute, for comparison.

mod bench;
mod chain;
mod config;
pub mod controller;
mod draw;
mod export;
mod hardware;
pub mod machine;
pub mod motion;
mod mujoco;
pub mod planner;
mod reference;
mod selectivity;
mod spec;
mod state;
mod walls;
mod world;

pub use bench::physics_bench;
pub use config::{
    CONTROL_DT, Config, Engine, JOINT_LIMIT, LINK_RADIUS, MAX_LINKS, Obstacles, PRESETS, STEP_ANGLE, Settings,
};
pub use hardware::{Arm, ArmHardware};
pub use selectivity::selectivity;
pub use state::State;
pub use walls::{Path, Point, Walls};
pub use world::Reach;

use tandem_core::problem::{Problem, ProblemError};

/// An environment of these settings, to be reset before use.
///
/// # Errors
/// [`ProblemError::Setting`] for a setting out of range.
pub fn make(config: &Config) -> Result<Box<dyn Problem>, ProblemError> {
    Ok(Box::new(Reach::new(Settings::new(config)?)?))
}
