//! A tentacle driven by tendons: three links, two winches, nine goals (TentaMorph; Islam, He and Ciocarlie,
//! arXiv 2405.14566).
//!
//! **Transmission** ([`statics`]). Tendon `i` runs from its winch over one pulley at every joint and flexes them
//! all; an elastic tendon at every joint, over a pulley of radius `R_e`, extends it. With winch angles `a`, joint
//! angles `theta`, pulley radii `R`, pre-elongations `l`:
//!
//! ```text
//! slack_i = sum_j R_ij theta_j - R_A a_i >= 0             R_A = 10 mm; tendons do not stretch
//! U       = k/2 sum_j (R_e theta_j + l_j)^2               R_e = 15 mm
//! theta   = argmin U,  slack >= 0,  -0.8 <= theta_j <= 2.0 rad
//! ```
//!
//! The minimum does not depend on `k`. It is unique, and a tendon is taut by itself whenever its winch moves
//! anything; TentaMorph's further condition that at least one tendon be taut at all times is not imposed, for it
//! would only forbid the rest pose of the slack tentacle. Pre-elongation bends a joint backwards, to `-l / R_e`, as
//! far as the stop; beyond it delays the joint until the tendons overcome it. A winch stalls when all joints are at
//! their upper stops. Exact: all sets of active constraints are tried.
//!
//! **Kinematics.** From the base at the origin upwards, flexion turns clockwise:
//!
//! ```text
//! s_j = theta_1 + ... + theta_j         end_j = end_{j-1} + L_j (sin s_j, cos s_j)
//! effect = tip x, tip y (m), theta (rad)
//! ```
//!
//! **Design**, all in metres: pulley radii (4 to 20 mm, 2 x 3), pre-elongations (0 to 30 mm, 3), link lengths (60
//! to 140 mm, 3).
//!
//! **Task.** One design must serve all goals; each episode draws one of them, from winches wound up by a random 0
//! to 1 rad each. Command: winch rates, at most 0.25 rad per control step of 0.1 s. Success: tip within 2 mm for 5
//! steps in a row. (TentaMorph finds a design for each goal; `goals` with one entry is that experiment.) Reward of a
//! step, one logged term each, `d` the distance between tip and goal,
//! `w = 3 (t / horizon)^2`:
//!
//! ```text
//! distance  -30 w d / m
//! effort    -0.002 |u|^2
//! goal      +1 with d <= 2 mm
//! nearness  +w (0.5 / (1 + (d / 20 mm)^2) + 0.5 / (1 + (d / 5 mm)^2))
//! ```
//!
//! **Observation.** Winch angles and joint angles, rad; tip, goal, and tip to goal, m; the bearing of the goal,
//! `(goal - tip) / (d + 10 mm)`, which stays steep near the goal; share of the horizon passed.
//!
//! **The true machine** is the exact statics itself: the hardware is quasi-static by assumption (winches move
//! slowly, links weigh nothing against the elastic tendons), and a rigid-body simulation would add masses,
//! damping and time steps that the design does not define, and would have to approximate inextensible,
//! one-sided tendons by stiff springs. Proxies are judged against the same equations they imitate, in double
//! precision.

mod config;
mod draw;
mod export;
mod hardware;
mod mujoco;
mod selectivity;
mod state;
pub mod statics;
mod world;

pub use config::{
    CONTROL_DT, Config, ELASTIC_RADIUS, JOINT_HIGH, JOINT_LOW, JOINTS, MAX_TENDONS, PRESETS, Settings, WINCH_RADIUS,
    WINCH_RANGE, WINCH_STEP,
};
pub use hardware::{Body, TentacleHardware};
pub use selectivity::{Workspace, selectivity};
pub use state::State;
pub use world::{Tentacle, next_winch};

use tandem_core::problem::{Problem, ProblemError};

/// An environment of these settings, to be reset before use.
///
/// # Errors
/// [`ProblemError::Setting`] for a setting out of range.
pub fn make(config: &Config) -> Result<Box<dyn Problem>, ProblemError> {
    Ok(Box::new(Tentacle::new(Settings::new(config)?)?))
}
