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
