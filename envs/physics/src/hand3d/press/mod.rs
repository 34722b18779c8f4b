//! A hand that lifts a long box and presses the button on its end: four fingers on a palm that slides up and down.
//!
//! **Hand** ([`hand`]). Each finger has a yaw joint on the palm's rim, two flexions and two links. Design (12):
//! where each finger stands on the rim, within 40 degrees of its start, and its two link lengths, 20 to 140 mm.
//!
//! **Task** ([`task`]). The box (280 x 50 x 50 mm, 0.15 kg) lies on a table, its button on the +x face (travel 6 mm,
//! 400 N/m). Success: box raised by 20 mm and button pressed by 3 mm, while the box is turned by no more than 8
//! degrees (about any axis) and shifted in the palm by no more than 8 mm (horizontally, and vertically), for 10
//! control steps of 20 ms in a row.
//!
//! **Why the start design fails.** Its fingers (40 + 40 mm, at 45, 135, 225 and 315 degrees) can grasp and lift, but
//! no point of them comes to the button of a box that is held like that: [`task::least_gap`] is 4 mm. That is a
//! bound over all joint angles and all poses of the box that count, so no policy drags the box to its finger either.
//!
//! **Hardware model** ([`PressHardware`]): servo targets of the 12 finger joints, rad, to the places of tips and
//! knuckles relative to the palm, m, by forward kinematics.
//!
//! **Command** (13 numbers in [-1, 1]). Grasping is scripted ([`controller`]): the palm goes up by 35 mm, three fingers
//! close on the box's sides. Commands correct that: the slide by 5 mm, the joints of the gripping fingers by 0.15 rad.
//! The joints of finger 1, the presser, are the policy's alone: a command of 1 moves a target on by 0.1 rad in a
//! control step (20 ms). Commands of zero lift the box and press nothing.
//!
//! **Observation** (41). Servo targets (m, rad); tips in the box's frame, m; the box's place in the palm, m, its turn
//! (a rotation vector, rad), velocity, m/s, and angular velocity, rad/s; its lift, m; the button's travel, in 3 mm;
//! the presser's distance from the button, m; share of the horizon passed.
//!
//! **Reward** of a control step, one logged term each, with `lift` and `press` as shares, in [0, 1], of what success
//! asks for, `gap` the distance, m, between the presser and the button's front, and "held" as success has it:
//!
//! ```text
//! hold      0.5 lift, while held
//! aim       1 / (1 + (gap / 20 mm)^2) - 4 gap
//! press     (0.5 + lift) press, while held
//! success   3, when all conditions of success are met in this step
//! tilt      -0.2 min(turn / 8 degrees + shift / 8 mm, 2)
//! effort    -0.002 |u|^2
//! ```
//!
//! **Start states.** The box lies up to `start_offset` (2 mm) off along x and y and is turned by up to 0.02 rad; joint
//! angles scatter by `start_noise` (0.03 rad), to the side where nothing is touched.
//!
//! **The true machine** ([`machine`]) has rapier multibodies with servos of limited force, contacts and friction; the
//! world under effects ([`Puppet`]) draws distal links to the effect's places by springs of limited force, and costs
//! less. Monitors (joint speed, box speed, kinetic energy, overlap) end an episode by name; nothing panics.

mod bench;
mod build;
mod config;
pub mod controller;
mod draw;
mod export;
pub mod hand;
mod hardware;
pub mod machine;
mod mujoco;
mod puppet;
mod reward;
mod scene;
mod selectivity;
mod start;
mod state;
pub mod task;
mod world;

pub use bench::physics_bench;
pub use config::{PRESETS, Settings};
pub use hardware::PressHardware;
pub use puppet::Puppet;
pub use scene::Scenery;
pub use selectivity::selectivity;
pub use state::State;
pub use world::Press;

use tandem_core::problem::{Problem, ProblemError};

/// An environment of these settings, to be reset before use.
///
/// # Errors
/// [`ProblemError::Setting`] for a setting out of range.
pub fn make(settings: Settings) -> Result<Box<dyn Problem>, ProblemError> {
    Ok(Box::new(Press::new(settings)?))
}
