//! The physical problems of Tandem, one folder each.
//!
//! | module | what is designed | true machine |
//! |---|---|---|
//! | [`reach2d`] | planar arms | a rapier multibody with torque-limited servos |
//! | [`tentacle`] | a tendon-driven tentacle | the exact statics of its transmission |
//! | [`hand3d`] | two hands with fingers | a rapier multibody with contacts |
//! | [`classic`] | nothing: problems that prove a learner | closed forms |

pub mod classic;
pub mod hand3d;
mod rate;
pub mod reach2d;
pub mod tentacle;

pub use rate::PhysicsRate;
