//! The tentacle's statics and kinematics in tensors: exact gradients by the optimality conditions.

use tandem_core::Hardware;
use tandem_learning::design::TensorHardware;
use tandem_physics::tentacle::statics::{Equilibrium, Stop};
use tandem_physics::tentacle::{Body, ELASTIC_RADIUS, JOINT_HIGH, JOINTS, WINCH_RADIUS};
use tch::{Kind, Tensor};

/// Lengths are measured in this, m, so that the linear systems are well scaled.
const UNIT: f64 = 0.01;

/// The tentacle's hardware model in tensors; the formulas are [`tandem_physics::tentacle`]'s.
///
/// The active constraints of every query come from the exact solution. On them the angles solve a linear
/// system, `R_F R_F' lambda = p - R_B theta_B - R_F rest_F` over taut tendons, free joints `F` and stopped joints
/// `B`, through which the gradient flows. Where the active set changes the angles have a kink, and the gradient is
/// that of one side.
#[derive(Debug)]
pub struct TensorTentacle {
    tendons: usize,
}

/// The active constraints of `M` queries, as masks.
struct Active {
    /// 1 for taut tendons, `[M, tendons]`.
    taut: Tensor,
    /// 1 for joints between their stops, `[M, joints]`.
    free: Tensor,
    /// The angle of joints at a stop, rad; 0 for free ones, `[M, joints]`.
    stopped: Tensor,
}

impl TensorTentacle {
    /// The tensor form of this tentacle.
    pub fn new(hardware: &dyn Hardware) -> Self {
        Self {
            tendons: hardware.query_channels().len(),
        }
    }

    /// The exact solution's active constraints, without a gradient.
    fn active(&self, design: &Tensor, queries: &Tensor) -> Active {
        let rows = queries.size()[0] as usize;
        let mut values = vec![0f64; design.numel()];
        let mut winches = vec![0f32; queries.numel()];
        let flat = queries.to_kind(Kind::Float).contiguous();
        flat.copy_data(&mut winches, rows * self.tendons);
        design.copy_data(&mut values, design.numel());
        let (mut taut, mut free, mut stopped) = (Vec::new(), Vec::new(), Vec::new());
        if let Some(body) = Body::new(&values, self.tendons) {
            for query in winches.chunks_exact(self.tendons) {
                let state: Equilibrium = body.equilibrium(query);
                let one = |on: bool| f64::from(u8::from(on));
                taut.extend(state.taut[..self.tendons].iter().map(|&t| one(t)));
                for (&stop, &angle) in state.stops.iter().zip(&state.angles) {
                    free.push(one(stop == Stop::Free));
                    stopped.push(one(stop != Stop::Free) * angle);
                }
            }
        }
        let matrix = |values: Vec<f64>| Tensor::from_slice(&values).view([rows as i64, -1]);
        Active {
            taut: matrix(taut),
            free: matrix(free),
            stopped: matrix(stopped),
        }
    }

    /// Joint angles, rad, `[M, joints]`, of a design and queries in double precision.
    fn angles(&self, design: &Tensor, queries: &Tensor) -> Tensor {
        let (tendons, joints) = (self.tendons as i64, JOINTS as i64);
        let Active { taut, free, stopped } = tch::no_grad(|| self.active(&design.detach(), queries));
        let radii = design.narrow(0, 0, tendons * joints) / UNIT;
        let radii = radii.view([tendons, joints]);
        let rest = design.narrow(0, tendons * joints, joints) / -ELASTIC_RADIUS;
        let stall = radii.sum_dim_intlist(1i64, false, Kind::Double) * JOINT_HIGH;
        let pulls = (queries * (WINCH_RADIUS / UNIT)).minimum(&stall);
        let acting = &radii * taut.unsqueeze(2) * free.unsqueeze(1);
        let identity = Tensor::diag_embed(&(1.0f64 - &taut), 0, 1, 2);
        let matrix = acting.bmm(&acting.transpose(1, 2)) + identity;
        let missing = pulls - stopped.matmul(&radii.transpose(0, 1)) - acting.matmul(&rest);
        let right = (taut * missing).unsqueeze(2);
        let lambda = Tensor::linalg_solve(&matrix, &right, true);
        let torque = acting.transpose(1, 2).bmm(&lambda).squeeze_dim(2);
        free * rest + torque + stopped
    }
}

impl TensorHardware for TensorTentacle {
    fn respond(&self, design: &Tensor, queries: &Tensor) -> Tensor {
        let design = design.to_kind(Kind::Double);
        let angles = self.angles(&design, &queries.to_kind(Kind::Double));
        let lengths = design.narrow(0, design.size()[0] - JOINTS as i64, JOINTS as i64);
        let sums = angles.cumsum(1, Kind::Double);
        let x = (sums.sin() * &lengths).sum_dim_intlist(1i64, true, Kind::Double);
        let y = (sums.cos() * &lengths).sum_dim_intlist(1i64, true, Kind::Double);
        Tensor::cat(&[x, y, angles], 1).to_kind(Kind::Float)
    }
}

#[cfg(test)]
mod tests {
    use tandem_core::{Design, Stream};
    use tandem_learning::proxy::matrix;
    use tandem_physics::tentacle::{Config, Settings, TentacleHardware, WINCH_RANGE};

    use super::*;

    fn hardware(tendons: usize) -> TentacleHardware {
        let config = Config {
            start_radii: Some(vec![[0.01; 3]; tendons]),
            ..Config::default()
        };
        TentacleHardware::new(&Settings::new(&config).unwrap()).unwrap()
    }

    fn draw(hardware: &TentacleHardware, stream: &mut Stream, rows: usize) -> (Design, Vec<f32>) {
        let winches = rows * hardware.query_channels().len();
        let angle = |_| stream.uniform(0.0, WINCH_RANGE.into()) as f32;
        let queries = (0..winches).map(angle).collect();
        (hardware.space().sample(stream), queries)
    }

    #[test]
    fn equals_the_hardware_model_on_random_designs_and_queries() {
        for tendons in 1..=3 {
            let hardware = hardware(tendons);
            let tensors = TensorTentacle::new(&hardware);
            let mut stream = Stream::new(6, "tensor-tentacle", 0);
            for _ in 0..20 {
                let (design, queries) = draw(&hardware, &mut stream, 50);
                let effects = tensors.respond(&Tensor::from_slice(&design), &matrix(&queries, 50));
                for (i, query) in queries.chunks_exact(tendons).enumerate() {
                    let mut effect = [0.0; 5];
                    hardware.respond(&design, query, &mut effect);
                    for (j, expected) in effect.iter().enumerate() {
                        let got = effects.double_value(&[i as i64, j as i64]);
                        assert!((got - f64::from(*expected)).abs() < 1e-5, "{i} {j}");
                    }
                }
            }
        }
    }

    /// Tip and joint angles in double precision, with the active constraints.
    fn exact(design: &[f64], query: &[f32]) -> ([f64; 5], Equilibrium) {
        let body = Body::new(design, query.len()).unwrap();
        let state = body.equilibrium(query);
        let [x, y] = body.ends(&state.angles)[JOINTS - 1];
        let [a, b, c] = state.angles;
        ([x, y, a, b, c], state)
    }

    #[test]
    fn gradients_equal_finite_differences_on_every_side_of_the_kinks() {
        const STEP: f64 = 1e-7;
        let mut compared = 0;
        for tendons in 1..=3 {
            let hardware = hardware(tendons);
            let tensors = TensorTentacle::new(&hardware);
            let mut stream = Stream::new(7, "tensor-tentacle", 0);
            for _ in 0..60 {
                let (design, query) = draw(&hardware, &mut stream, 1);
                let weights = [0; 5].map(|_| stream.normal());
                let leaf = Tensor::from_slice(&design).set_requires_grad(true);
                let effect = tensors.respond(&leaf, &matrix(&query, 1));
                (effect.to_kind(Kind::Double) * Tensor::from_slice(&weights))
                    .sum(Kind::Double)
                    .backward();
                let gradient: Vec<f64> = leaf.grad().try_into().unwrap();
                let weighted = |effect: [f64; 5]| -> f64 { effect.iter().zip(&weights).map(|(e, w)| e * w).sum() };
                for k in 0..design.len() {
                    let moved = |by: f64| {
                        let mut other = design.clone();
                        other[k] += by;
                        exact(&other, &query)
                    };
                    let ((up, a), (down, b)) = (moved(STEP), moved(-STEP));
                    if a.stops != b.stops || a.taut != b.taut {
                        continue; // a kink: there is no derivative
                    }
                    let difference = (weighted(up) - weighted(down)) / (2.0 * STEP);
                    let error = (gradient[k] - difference).abs();
                    assert!(
                        error < 1e-4 * (1.0 + difference.abs()),
                        "parameter {k}: {} and {difference}",
                        gradient[k]
                    );
                    compared += 1;
                }
            }
        }
        assert!(compared > 1500, "{compared}");
    }
}
