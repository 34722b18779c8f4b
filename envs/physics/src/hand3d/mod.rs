//! Hands with fingers, in rapier with contacts and friction. Lengths in metres, z up.

mod export;
mod monitor;
mod parts;
pub mod press;
mod servo;
mod stage;
pub mod tendon;

pub use monitor::Fault;
pub use parts::Placed;
