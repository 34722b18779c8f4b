//! A robot's effects in tensors, to first order in the design.

use tandem_learning::design::TensorHardware;
use tandem_robot::LinearEffects;
use tch::{Kind, Tensor};

/// Effects with their exact derivatives by the design: `e + J (phi - phi_0)` at the design `phi_0 = phi` itself, so that value
/// and gradient are the true ones there.
pub struct TensorRobot {
    effects: LinearEffects,
}

impl TensorRobot {
    /// The tensor form of these effects.
    pub fn new(effects: LinearEffects) -> Self {
        Self { effects }
    }
}

impl TensorHardware for TensorRobot {
    fn respond(&self, design: &Tensor, queries: &Tensor) -> Tensor {
        let here = design.detach().to_kind(Kind::Double).contiguous();
        let mut values = vec![0.0; design.numel()];
        here.copy_data(&mut values, design.numel());
        let flat = queries.detach().to_kind(Kind::Float).contiguous();
        let mut asked = vec![0.0; flat.numel()];
        flat.copy_data(&mut asked, flat.numel());
        let (effects, derivatives) = self.effects.at(&values, &asked);
        let (width, parameters) = (self.effects.effects() as i64, values.len() as i64);
        let effects = Tensor::from_slice(&effects).view([-1, width]);
        let derivatives = Tensor::from_slice(&derivatives).view([-1, parameters]);
        let offset = design.to_kind(Kind::Float) - here.to_kind(Kind::Float);
        effects + derivatives.mv(&offset).view([-1, width])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;
    use tandem_robot::{Config, RobotWorld};

    use super::*;

    /// A link on a hinge, its site at the tip: `l (cos q, sin q)`.
    const LINK: &str = r#"
    <mujoco>
      <worldbody>
        <body name="link">
          <joint name="hinge" axis="0 0 1"/>
          <geom type="capsule" fromto="0 0 0 0.4 0 0" size="0.02"/>
          <site name="tip" pos="0.4 0 0"/>
        </body>
      </worldbody>
      <actuator><motor joint="hinge"/></actuator>
    </mujoco>"#;

    #[test]
    fn value_and_gradient_are_those_of_forward_kinematics() {
        let folder = tempfile::tempdir().unwrap();
        let model = folder.path().join("link.xml");
        std::fs::write(&model, LINK).unwrap();
        let config: Config = serde_json::from_value(json!({
            "model": model, "effect": "sites",
            "design": [{"name": "length", "low": 0.2, "high": 0.8, "edit": ["length(body:link)"]}],
            "observation": [{"term": "qpos"}], "action": [{"term": "joint_effort"}], "reward": [{"term": "is_alive"}],
        }))
        .unwrap();
        let tensors = TensorRobot::new(RobotWorld::new(&config).unwrap().linear_effects().unwrap());
        let design = Tensor::from_slice(&[0.6f32]).set_requires_grad(true);
        let angles = [0.3f32, 2.0];
        let places = tensors.respond(&design, &Tensor::from_slice(&angles).view([2, 1]));
        for (row, angle) in angles.into_iter().enumerate() {
            for (axis, direction) in [angle.cos(), angle.sin(), 0.0].into_iter().enumerate() {
                let place = places.double_value(&[row as i64, axis as i64]);
                assert!((place - 0.6 * f64::from(direction)).abs() < 1e-6, "{place}");
            }
        }
        places.sum(Kind::Float).backward();
        let expected: f32 = angles.iter().map(|angle| angle.cos() + angle.sin()).sum();
        assert!((design.grad().double_value(&[0]) - f64::from(expected)).abs() < 1e-4);
    }
}
