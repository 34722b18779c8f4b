//! A tendon-driven hand that lifts what lies on a table and holds it, also when it is pushed.
//!
//! **Hand** ([`hand`], after Chen, He and Ciocarlie, *Hardware as Policy*, CoRL 2020). Three fingers, one against two, of
//! two links (50 and 40 mm) on a palm that slides up and down. One motor draws one tendon over a pulley at each of the
//! six joints; preloaded springs open them. Design (18): pulley radius (2 to 12 mm), stiffness (0.02 to 0.25 N m/rad) and
//! preload (0 to 1.5 rad) of every joint. They decide in which order the links close and how they share the force.
//!
//! **Hardware model** ([`TendonHardware`]): joint angles and tension to joint torques, `tau = r T - k (theta + theta_0)`.
//!
//! **Task** ([`task`]). A box, a sphere or a cylinder of random size (30 to 70 mm wide) lies up to 15 mm off the middle
//! along each axis.
//! Success: at the end of the episode (110 control steps of 20 ms) it has been raised by 40 mm for 35 steps in a row, in
//! ten of which it is pushed sideways in a random direction with 2 N, about what large ones weigh.
//!
//! **Command** (2 numbers in [-1, 1]): 1 tightens the tendon by 3 N (at most 40 N) and raises the palm by 4 mm (at most
//! 100 mm) in a control step.
//!
//! **Observation** (36). Slide, m; tension, in 40 N; joint angles, rad, and speeds, in 10 rad/s; tips relative to the
//! object, m; the object in the palm, m; its velocity, m/s; its half width and half height, m, and kind; its lift, m;
//! share of the horizon passed.
//!
//! **Reward** of a control step, one logged term each:
//!
//! ```text
//! reach     -5 (mean distance of the tips from the object, m)
//! carry     0.5 (share of the object's weight that the table does not bear), at least 0
//! lift      lift / 40 mm, within [0, 1]
//! success   20 at the end of an episode that succeeded
//! effort    -0.02 (tension / 40 N)^2
//! ```
//!
//! **Worlds.** Both are the same rapier machine. Under effects the torques stay as they are for a control step; in the
//! full machine the transmission is asked at every physics step. Torques are cut at 1 N m, and monitors (joint speed,
//! kinetic energy, overlap) end an episode by name. An object that is squeezed out and flies away, faster than 5 m/s, ends it
//! too, as a grasp that failed: no fault of the simulation, for finer steps give as many.
//!
//! **How hard it is.** Of 2000 random designs one works by script ([`selectivity`]); the start design curls its distal
//! links first and pushes everything away.

mod bench;
mod config;
pub mod controller;
mod draw;
mod export;
pub mod hand;
mod hardware;
pub mod machine;
mod mujoco;
pub mod object;
mod selectivity;
mod state;
pub mod task;
mod world;

pub use bench::physics_bench;
pub use config::{PRESETS, Settings};
pub use hardware::TendonHardware;
pub use selectivity::selectivity;
pub use state::State;
pub use world::Tendon;

use tandem_core::problem::{Problem, ProblemError};

/// An environment of these settings, to be reset before use.
///
/// # Errors
/// [`ProblemError::Setting`] for a setting out of range.
pub fn make(settings: Settings) -> Result<Box<dyn Problem>, ProblemError> {
    Ok(Box::new(Tendon::new(settings)?))
}
