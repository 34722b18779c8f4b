//! Hands with fingers, in rapier with contacts and friction. Lengths in metres, z up.
//!
//! **Palm.** Both hands hang from a stage that a screw raises and lowers. A servo drives it (16 kg at the palm, 160 kN/m,
//! 3200 N s/m, at most 200 N, 12.5 m/s^2), and what the hand does is not felt by it. It cannot be stopped, then, by what it
//! presses on; its range keeps it off the table. The world is computed in the palm's frame.
//!
//! **Servos** of finger joints give `clamp(k (target - angle) - d speed, -limit, limit)`. Stops are springs of 200 N m/rad.
//!
//! **Contacts** are stiff: what is held by the force of a grasp overlaps the finger by 0.1 mm.
//!
//! **Steps** of 2 ms. Servos driven to their limits again and again bring joints to within 1 % of their range of where steps
//! of a quarter of a millisecond do, a scripted grasp the tips to within 2 %. Where an object slips or is thrown, paths
//! depend on the step as they would on the smallest push, but shares of success do not.

mod export;
mod monitor;
mod mujoco;
mod parts;
pub mod press;
mod servo;
mod stage;
pub mod tendon;

pub use monitor::Fault;
pub use parts::Placed;
