//! The learnt machine for other programs: MJCF and URDF for its body, ONNX for its policy.

pub mod onnx;
pub mod urdf;

pub use tandem_mujoco::mjcf;

#[cfg(test)]
mod tests;
