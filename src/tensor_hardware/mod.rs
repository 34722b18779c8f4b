//! Exact, differentiable forms of hardware models: what `hardware-as-policy` needs.

mod accelerator;
mod robot;
mod tentacle;

use tandem_core::Hardware;
use tandem_learning::design::TensorHardware;
use tandem_physics::reach2d::STEP_ANGLE;
use tch::{Kind, Tensor};

pub use accelerator::TensorAccelerator;
pub use robot::TensorRobot;
pub use tentacle::TensorTentacle;

/// The planar arm's kinematics in tensors; the formula is [`tandem_physics::reach2d`]'s.
#[derive(Debug)]
pub struct PlanarArm {
    links: i64,
    design_base: bool,
    /// Joint limits, rad, `[links]`.
    limits: Vec<f32>,
}

impl PlanarArm {
    /// The tensor form of this arm; `None` where motor torques are designed: their effect on the rates has a
    /// kink at full rate, and no exact gradient is offered for it.
    pub fn new(hardware: &dyn Hardware) -> Option<Self> {
        let links = hardware.query_channels().len() / 2;
        let names = || hardware.space().parameters.iter().map(|p| p.name.as_str());
        if names().any(|name| name.ends_with("_torque")) {
            return None;
        }
        Some(Self {
            links: links as i64,
            design_base: names().any(|name| name == "base_x"),
            limits: hardware.query_bounds()[..links].iter().map(|b| b.1).collect(),
        })
    }

    /// Sine and cosine of the cumulated angles after the move, `[M, links]` each. They do not depend on the
    /// design, so no gradient flows through them.
    fn directions(&self, queries: &Tensor) -> (Tensor, Tensor) {
        let limits = Tensor::from_slice(&self.limits);
        let angles = queries.narrow(1, 0, self.links);
        let rates = queries.narrow(1, self.links, self.links).clamp(-1.0, 1.0);
        let moved = (angles + rates * f64::from(STEP_ANGLE))
            .minimum(&limits)
            .maximum(&-&limits);
        let sums = moved.cumsum(1, Kind::Float);
        (sums.sin(), sums.cos())
    }
}

impl TensorHardware for PlanarArm {
    fn respond(&self, design: &Tensor, queries: &Tensor) -> Tensor {
        let n = self.links;
        let lengths = design.narrow(0, 0, n);
        let (sin, cos) = tch::no_grad(|| self.directions(queries));
        let mut x = (cos * &lengths).cumsum(1, Kind::Float);
        let mut y = (sin * &lengths).cumsum(1, Kind::Float);
        let base = self.design_base.then(|| design.narrow(0, design.size()[0] - 2, 2));
        if let Some(base) = &base {
            x += base.get(0);
            y += base.get(1);
        }
        // [M, links, 2], the tip first, then the other ends in order
        let ends = Tensor::stack(&[x, y], 2);
        let rows = queries.size()[0];
        let tip = ends.narrow(1, n - 1, 1).reshape([rows, 2]);
        let others = ends.narrow(1, 0, n - 1).reshape([rows, 2 * (n - 1)]);
        let mut parts = vec![tip, others];
        if let Some(base) = base {
            parts.push(base.expand([rows, 2], true));
        }
        Tensor::cat(&parts, 1)
    }
}

#[cfg(test)]
mod tests {
    use tandem_core::Stream;
    use tandem_learning::proxy::{DesignDraw, Pairs, matrix};
    use tandem_physics::reach2d;

    use super::*;

    #[test]
    fn equals_the_hardware_model_on_random_designs_and_queries() {
        for preset in ["near", "far-15", "far-base"] {
            let config = reach2d::Config {
                preset: Some(preset.into()),
                ..reach2d::Config::default()
            };
            let hardware = reach2d::make(&config).unwrap().hardware();
            let arm = PlanarArm::new(&*hardware).unwrap();
            let mut stream = Stream::new(5, "tensor-hardware", 0);
            for _ in 0..10 {
                let design = hardware.space().sample(&mut stream);
                let logits = hardware.space().logits(&design);
                let values: Vec<f32> = hardware.space().values(&logits).iter().map(|&v| v as f32).collect();
                let mut queries = Vec::new();
                for _ in 0..50 {
                    for &(low, high) in hardware.query_bounds() {
                        queries.push(stream.uniform(low.into(), high.into()) as f32);
                    }
                }
                let pairs = Pairs::ask(&*hardware, &queries, DesignDraw::Fixed(&logits), &mut stream);
                let effects = arm.respond(&Tensor::from_slice(&values), &matrix(&queries, pairs.rows));
                let error = (effects - matrix(&pairs.effects, pairs.rows)).abs().max();
                assert!(error.double_value(&[]) < 1e-5, "{preset}: {error:?}");
            }
        }
    }

    #[test]
    fn designed_torques_have_no_exact_gradient() {
        let config = reach2d::Config {
            preset: Some("far-torque".into()),
            ..reach2d::Config::default()
        };
        assert!(PlanarArm::new(&*reach2d::make(&config).unwrap().hardware()).is_none());
    }
}
