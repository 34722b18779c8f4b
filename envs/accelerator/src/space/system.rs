//! Space S3: a platform of array, buffers, clock and memory ([`super::platform`]) with a tiling for each layer.
//!
//! The cost is the network's energy-delay product in J s. Beyond its limits (10 mm² and 3 W where the caller has none) it grows
//! with the cube of the excess.

use super::dual::{Dual, Real};
use super::nest::ORDERS;
use super::platform::{Command, LayerCost, PARAMETERS, Platform};
use super::workload::{Work, WorkloadError, workload};
use crate::layer::Network;
use crate::simulation::Limits;
use tandem_core::search::{SearchSpace, gene_of, option};
use tandem_core::stream::Stream;

/// Largest area, mm², and mean power, W, where the caller gives none.
const LIMITS: [f64; 2] = [10.0, 3.0];
/// Power of an excess.
const STEEPNESS: f64 = 3.0;
const HARDWARE: usize = PARAMETERS.len();
/// Genes of a layer: pixels, depth, filters, order.
const WIDTH: usize = 4;
const SIZES: usize = WIDTH - 1;
const VARIABLES: usize = SIZES + HARDWARE;

/// The space for one network.
pub struct System {
    works: Vec<Work>,
    features: Vec<Vec<f64>>,
    /// Largest area, mm², and mean power, W.
    limits: [f64; 2],
}

impl System {
    /// The space of a network's layers, within 10 mm² and 3 W.
    ///
    /// # Errors
    /// A network that cannot be mapped.
    pub fn new(network: &Network) -> Result<Self, WorkloadError> {
        Self::within(network, &Limits::default())
    }

    /// The same within other limits.
    ///
    /// # Errors
    /// A network that cannot be mapped.
    pub fn within(network: &Network, limits: &Limits) -> Result<Self, WorkloadError> {
        let works = workload(network)?;
        Ok(Self {
            features: works.iter().map(Work::features).collect(),
            works,
            limits: [
                limits.area_mm2.unwrap_or(LIMITS[0]),
                limits.power_w.unwrap_or(LIMITS[1]),
            ],
        })
    }

    /// Logarithm of the factor by which the cost grows beyond the limits, with the slopes of area and power.
    fn excess(&self, area: f64, power: f64) -> f64 {
        let over = [area / self.limits[0], power / self.limits[1]];
        let logs = over.map(|ratio| ratio.ln().max(0.0));
        STEEPNESS * (logs[0] + logs[1])
    }

    /// The platform that hardware genes stand for.
    pub fn platform(&self, genes: &[f64]) -> Platform<f64> {
        exact_platform(genes)
    }

    /// What each layer of a point costs on a platform.
    fn costs(&self, platform: &Platform<f64>, point: &[f64]) -> Vec<LayerCost<f64>> {
        let layers = self.works.iter().enumerate();
        layers
            .map(|(at, work)| exact_cost(platform, work, &point[self.range(at)]))
            .collect()
    }

    /// Time and energy of the network.
    fn sums(&self, costs: &[LayerCost<f64>]) -> [f64; 2] {
        let both = costs.iter().zip(&self.works);
        both.fold([0.0, 0.0], |[seconds, joules], (cost, work)| {
            let count = work.count as f64;
            [seconds + count * cost.seconds, joules + count * cost.joules]
        })
    }
}

/// The platform of hardware genes, each a share of its parameter's range on a logarithmic scale.
fn platform<T: Real>(genes: [T; HARDWARE]) -> Platform<T> {
    let value = |at: usize| {
        let (_, _, low, high, _) = PARAMETERS[at];
        let (low, high): (f64, f64) = (low, high);
        (T::constant(low.log2()) + genes[at] * T::constant((high / low).log2())).exp2()
    };
    Platform::new(std::array::from_fn(value))
}

fn exact_platform(genes: &[f64]) -> Platform<f64> {
    platform(std::array::from_fn(|at| {
        genes.get(at).copied().unwrap_or(0.0).clamp(0.0, 1.0)
    }))
}

fn command<T: Real>(sizes: [T; SIZES], genes: &[f64]) -> Command<T> {
    let [pixels, depth, filters] = sizes;
    Command {
        pixels,
        depth,
        filters,
        order: option(genes[SIZES], ORDERS.len()),
    }
}

fn exact_cost(platform: &Platform<f64>, work: &Work, genes: &[f64]) -> LayerCost<f64> {
    let sizes = std::array::from_fn(|at| genes[at].clamp(0.0, 1.0));
    platform.cost(&work.shape, &command(sizes, genes))
}

impl SearchSpace for System {
    fn hardware(&self) -> usize {
        HARDWARE
    }
    fn layers(&self) -> usize {
        self.works.len()
    }
    fn width(&self) -> usize {
        WIDTH
    }
    fn choices(&self) -> &[usize] {
        const { &[0, 0, 0, ORDERS.len()] }
    }
    fn features(&self, layer: usize) -> &[f64] {
        &self.features[layer]
    }
    fn draw_hardware(&self, stream: &mut Stream, hardware: &mut [f64]) {
        hardware.iter_mut().for_each(|gene| *gene = stream.unit());
    }
    fn draw_mapping(&self, _: &[f64], _: usize, stream: &mut Stream, mapping: &mut [f64]) {
        mapping.iter_mut().for_each(|gene| *gene = stream.unit());
    }

    /// As much at a time as fits; weights stay.
    fn greedy_mapping(&self, _: &[f64], _: usize, mapping: &mut [f64]) {
        mapping.fill(1.0);
        mapping[SIZES] = gene_of(0, ORDERS.len());
    }

    fn layer_cost(&self, hardware: &[f64], layer: usize, mapping: &[f64]) -> f64 {
        let cost = exact_cost(&exact_platform(hardware), &self.works[layer], mapping);
        cost.seconds * cost.joules
    }

    fn cost(&self, point: &[f64], parts: &mut [f64]) -> f64 {
        let platform = exact_platform(&point[..HARDWARE]);
        let costs = self.costs(&platform, point);
        let [seconds, joules] = self.sums(&costs);
        let weight = (joules / seconds).sqrt();
        for ((part, cost), work) in parts.iter_mut().zip(&costs).zip(&self.works) {
            *part = work.count as f64 * (cost.seconds * weight + cost.joules / weight);
        }
        seconds * joules * self.excess(platform.area_mm2(), joules / seconds).exp()
    }

    fn settle(&self, _point: &mut [f64]) {}

    fn relaxed(&self, point: &[f64], gradient: &mut [f64]) -> Option<f64> {
        let platform: Platform<Dual<VARIABLES>> =
            platform(std::array::from_fn(|at| Dual::variable(point[at], SIZES + at)));
        let layers = self.works.iter().enumerate();
        let costs: Vec<LayerCost<Dual<VARIABLES>>> = layers
            .map(|(at, work)| {
                let genes = &point[self.range(at)];
                let sizes = std::array::from_fn(|at| Dual::variable(genes[at], at));
                platform.cost(&work.shape, &command(sizes, genes))
            })
            .collect();
        let values: Vec<LayerCost<f64>> = costs
            .iter()
            .map(|cost| LayerCost {
                seconds: cost.seconds.value,
                joules: cost.joules.value,
                bytes: cost.bytes.value,
            })
            .collect();
        let [seconds, joules] = self.sums(&values);
        let area = platform.area_mm2();
        let power = joules / seconds;
        let steep = |over: bool| if over { STEEPNESS } else { 0.0 };
        let (wide, hot) = (steep(area.value > self.limits[0]), steep(power > self.limits[1]));
        gradient.fill(0.0);
        for (gene, slope) in gradient.iter_mut().zip(&area.slopes[SIZES..]) {
            *gene = wide * slope / area.value;
        }
        for (at, (cost, work)) in costs.iter().zip(&self.works).enumerate() {
            let count = work.count as f64;
            let start = self.range(at).start;
            for variable in 0..VARIABLES {
                let slope = count
                    * ((1.0 - hot) * cost.seconds.slopes[variable] / seconds
                        + (1.0 + hot) * cost.joules.slopes[variable] / joules);
                match variable.checked_sub(SIZES) {
                    Some(hardware) => gradient[hardware] += slope,
                    None => gradient[start + variable] += slope,
                }
            }
        }
        Some((seconds * joules).ln() + self.excess(area.value, power))
    }

    fn unit(&self) -> &'static str {
        "J s"
    }

    fn describe(&self, point: &[f64]) -> Vec<(String, f64, &'static str)> {
        let platform = exact_platform(&point[..HARDWARE]);
        let costs = self.costs(&platform, point);
        let [seconds, joules] = self.sums(&costs);
        let sizes = [
            platform.rows,
            platform.columns,
            platform.accumulator_kb,
            platform.scratchpad_kb,
            platform.clock_mhz,
            platform.bandwidth,
        ];
        let mut all = vec![
            ("time".into(), seconds, "s"),
            ("energy".into(), joules, "J"),
            ("area".into(), platform.area_mm2(), "mm2"),
            ("power".into(), joules / seconds, "W"),
        ];
        let named = PARAMETERS.iter().zip(sizes);
        all.extend(named.map(|(parameter, value)| (parameter.0.into(), value, parameter.1)));
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::space::gradients::check_gradients;
    use crate::zoo;

    #[test]
    fn gradients_equal_finite_differences() {
        let space = System::new(&zoo::named("resnet18").unwrap()).unwrap();
        check_gradients(&space, &mut Stream::new(0, "system", 0));
    }

    #[test]
    fn a_limit_that_is_broken_costs() {
        let network = zoo::named("resnet18").unwrap();
        let space = System::new(&network).unwrap();
        assert_eq!(space.excess(9.9, 2.9), 0.0);
        assert!((space.excess(20.0, 1.0) - 3.0 * 2f64.ln()).abs() < 1e-12);
        let limits = Limits {
            area_mm2: Some(2.0),
            power_w: None,
        };
        let tight = System::within(&network, &limits).unwrap();
        assert!((tight.excess(4.0, 1.0) - 3.0 * 2f64.ln()).abs() < 1e-12);
    }
}
