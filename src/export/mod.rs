//! The learnt machine for other programs: MJCF and URDF for its body, ONNX for its policy.

pub mod mjcf;
pub mod onnx;
pub mod urdf;
mod xml;

#[cfg(test)]
mod tests;
