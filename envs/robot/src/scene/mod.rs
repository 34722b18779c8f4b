//! Pictures of a robot: what its file says is visible, seen by a camera of the file or by one that follows the robot.

mod camera;
mod drawing;
mod roles;

pub use camera::Camera;

#[cfg(test)]
mod tests;
