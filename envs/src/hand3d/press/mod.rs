//! A hand that lifts a long box and presses the button on its end: four fingers on a palm that slides up and down.
//!
//! **Hand** ([`hand`]). Each finger has a yaw joint on the palm's rim, two flexions and two links. Design (12):
//! where each finger stands on the rim, within 40 degrees of its start, and its two link lengths, 20 to 100 mm.
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
//! **The true machine** ([`machine`]) is a rapier multibody with servos of limited force, contacts and friction.
//! Monitors (joint speed, box speed, kinetic energy, overlap) give up by name; nothing panics. [`controller`] grips,
//! lifts and presses by a script: it shows what a design can do when nothing has been learnt.

mod build;
mod config;
pub mod controller;
mod draw;
pub mod hand;
mod hardware;
pub mod machine;
mod puppet;
mod reward;
mod scene;
pub mod task;
mod world;

pub use config::{Config, Settings};
pub use hardware::PressHardware;
pub use puppet::Puppet;
pub use scene::{Placed, Scenery};
pub use world::Press;

use crate::problem::{Problem, ProblemError};

/// An environment of these settings, to be reset before use.
///
/// # Errors
/// [`ProblemError::Setting`] for a setting out of range.
pub fn make(config: &Config) -> Result<Box<dyn Problem>, ProblemError> {
    Ok(Box::new(Press::new(Settings::new(config)?)?))
}
