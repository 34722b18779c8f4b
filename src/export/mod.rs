//! The learnt machine for other programs: MJCF and URDF for its body, ONNX for its policy, Python to play it.

pub mod onnx;
pub mod players;
pub mod urdf;

pub use tandem_mujoco::mjcf;

#[cfg(test)]
mod tests;
