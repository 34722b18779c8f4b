//! The learnt machine for other programs: MJCF and URDF for its body, ONNX for its policy, an episode to play them by.

pub mod episode;
pub mod onnx;
pub mod urdf;

pub use tandem_mujoco::mjcf;

#[cfg(test)]
mod tests;
