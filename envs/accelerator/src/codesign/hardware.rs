//! The accelerator's hardware model: a layer and a command to time, energy, area and traffic.

use super::config::Settings;
use crate::space::dual::{Dual, Real};
use crate::space::nest::ORDERS;
use crate::space::platform::{Command, LayerCost, PARAMETERS, Platform};
use crate::space::workload::Work;
use tandem_core::design::{DesignError, DesignSpace, Parameter, Scale};
use tandem_core::hardware::HardwareSpec;
use tandem_core::problem::{Channel, Hardware};
use tandem_core::search::option;

/// Numbers of a command.
pub const COMMANDS: usize = 4;
/// Numbers of an effect.
pub const EFFECTS: usize = 4;
/// Those that the task sees: time, energy, area.
const TASK_EFFECTS: usize = 3;

/// A layer's reference: its cost on the start platform.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Reference {
    /// Of one run.
    pub cost: LayerCost<f64>,
    /// Part of the network's time.
    pub time_share: f64,
    /// Part of the network's energy.
    pub energy_share: f64,
}

/// The hardware model; see the module's formulas.
///
/// Query: number of the layer, then the command in [0, 1]. Effect: logarithms of time, energy and area, then traffic.
#[derive(Debug)]
pub struct AcceleratorHardware {
    works: Vec<Work>,
    references: Vec<Reference>,
    /// Features of each layer, `[layers][FEATURES]`.
    features: Vec<Vec<f32>>,
    area_limit: f64,
    space: DesignSpace,
    spec: HardwareSpec,
}

/// Features of a layer: its loops, strides, and what of the reference's time and energy it takes.
pub(super) const FEATURES: usize = 11;

impl AcceleratorHardware {
    /// The hardware of these settings.
    ///
    /// # Errors
    /// Bounds that make no design space.
    pub fn new(settings: &Settings) -> Result<Self, DesignError> {
        let parameter = |&(name, unit, low, high, start): &(&str, &str, f64, f64, f64)| Parameter {
            scale: Scale::Log,
            ..Parameter::linear(name, unit, low, high, start)
        };
        let space = DesignSpace::new(PARAMETERS.iter().map(parameter).collect())?;
        let names = ["layer", "pixels", "depth", "filters", "order"];
        let mut bounds = vec![(0.0, 1.0); 1 + COMMANDS];
        bounds[0].1 = settings.works.len() as f32 - 1e-3;
        let effects = ["log_time", "log_energy", "log_area", "log_traffic"];
        let references = references(&settings.works);
        let features = settings.works.iter().zip(&references);
        Ok(Self {
            features: features.map(|(work, own)| features_of(work, own)).collect(),
            works: settings.works.clone(),
            references,
            area_limit: settings.area_limit,
            space,
            spec: HardwareSpec::from_lists(
                (names.map(|name| Channel::new(name, "1")).to_vec(), bounds),
                (effects.map(|name| Channel::new(name, "1")).to_vec(), vec![1.0; EFFECTS]),
                TASK_EFFECTS,
            ),
        })
    }

    /// The layers.
    pub fn works(&self) -> &[Work] {
        &self.works
    }

    /// The layers' references.
    pub fn references(&self) -> &[Reference] {
        &self.references
    }

    /// Mean power of the network on the start platform, W.
    pub fn reference_power(&self) -> f64 {
        let both = self.works.iter().zip(&self.references);
        let (seconds, joules) = both.fold((0.0, 0.0), |(seconds, joules), (work, own)| {
            let count = work.count as f64;
            (seconds + count * own.cost.seconds, joules + count * own.cost.joules)
        });
        joules / seconds
    }

    /// Features of a layer.
    pub(super) fn layer_features(&self, layer: usize) -> &[f32] {
        &self.features[layer.min(self.features.len() - 1)]
    }

    /// The layer that a query names.
    fn layer(&self, query: &[f32]) -> usize {
        (query[0].max(0.0) as usize).min(self.works.len() - 1)
    }

    /// The effect of a query on a platform.
    fn effect<T: Real>(&self, platform: &Platform<T>, query: &[f32]) -> [T; EFFECTS] {
        let layer = self.layer(query);
        let cost = platform.cost(&self.works[layer].shape, &command(&query[1..]));
        let reference = self.references[layer].cost;
        let against =
            |value: T, reference: f64| (value / T::constant(reference)).log2() * T::constant(std::f64::consts::LN_2);
        [
            against(cost.seconds, reference.seconds),
            against(cost.joules, reference.joules),
            against(platform.area_mm2(), self.area_limit),
            against(cost.bytes, reference.bytes),
        ]
    }

    /// The effect with real numbers of cells and passes, and its slopes by the design's values.
    pub fn relaxed(&self, design: &[f64], query: &[f32]) -> [Dual<6>; EFFECTS] {
        let value = |at: usize| design.get(at).copied().unwrap_or(f64::NAN);
        let values = std::array::from_fn(|at| Dual::variable(value(at), at));
        self.effect(&Platform::new(values), query)
    }
}

/// The command of a query's last numbers.
fn command<T: Real>(values: &[f32]) -> Command<T> {
    let value = |at: usize| f64::from(values.get(at).copied().unwrap_or(0.5)).clamp(0.0, 1.0);
    Command {
        pixels: T::constant(value(0)),
        depth: T::constant(value(1)),
        filters: T::constant(value(2)),
        order: option(value(3), ORDERS.len()),
    }
}

/// Every layer on the start platform under the command of the grid with the smallest product of time and energy.
fn references(works: &[Work]) -> Vec<Reference> {
    let platform = Platform::new(PARAMETERS.map(|parameter| parameter.4));
    let best = works.iter().map(|work| platform.best_of_grid(&work.shape));
    let costs: Vec<LayerCost<f64>> = best.collect();
    let sum = |value: fn(&LayerCost<f64>) -> f64| -> f64 {
        let both = costs.iter().zip(works);
        both.map(|(cost, work)| work.count as f64 * value(cost)).sum()
    };
    let (seconds, joules) = (sum(|cost| cost.seconds), sum(|cost| cost.joules));
    let both = costs.iter().zip(works);
    both.map(|(&cost, work)| Reference {
        cost,
        time_share: work.count as f64 * cost.seconds / seconds,
        energy_share: work.count as f64 * cost.joules / joules,
    })
    .collect()
}

fn features_of(work: &Work, own: &Reference) -> Vec<f32> {
    let log = |n: u64| (n as f64).log2() / 6.0 - 1.0;
    let sizes = work.shape.sizes.iter().map(|&size| log(size));
    let stride = work.shape.stride.iter().map(|&s| s as f64 - 1.0);
    let shares = [10.0 * own.time_share, 10.0 * own.energy_share];
    let all = sizes.chain(stride).chain(shares);
    all.map(|feature| feature as f32).collect()
}

impl Hardware for AcceleratorHardware {
    fn space(&self) -> &DesignSpace {
        &self.space
    }
    fn spec(&self) -> &HardwareSpec {
        &self.spec
    }

    /// The layer's features, a place for each layer, the tiling in [-1, 1], and a place for each order.
    fn feature_len(&self) -> usize {
        FEATURES + self.works.len() + COMMANDS - 1 + 3
    }

    fn features(&self, query: &[f32], out: &mut [f32]) {
        let layer = self.layer(query);
        out.fill(0.0);
        let (own, rest) = out.split_at_mut(FEATURES);
        own.copy_from_slice(&self.features[layer]);
        let (places, rest) = rest.split_at_mut(self.works.len());
        places[layer] = 1.0;
        let (tiling, orders) = rest.split_at_mut(COMMANDS - 1);
        for (out, value) in tiling.iter_mut().zip(&query[1..]) {
            *out = 2.0 * value - 1.0;
        }
        orders[option(f64::from(query[COMMANDS]), 3)] = 1.0;
    }

    fn respond(&self, design: &[f64], query: &[f32], effect: &mut [f32]) {
        let Ok(values) = <[f64; 6]>::try_from(design) else {
            return effect.fill(f32::NAN);
        };
        let found = self.effect(&Platform::new(values), query);
        for (out, value) in effect.iter_mut().zip(found) {
            *out = value as f32;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::config::Config;
    use super::*;
    use tandem_core::stream::Stream;

    fn hardware() -> AcceleratorHardware {
        AcceleratorHardware::new(&Settings::new(&Config::default()).unwrap()).unwrap()
    }

    fn query(hardware: &AcceleratorHardware, stream: &mut Stream) -> Vec<f32> {
        let bounds = hardware.query_bounds().iter();
        bounds
            .map(|&(low, high)| stream.uniform(low.into(), high.into()) as f32)
            .collect()
    }

    #[test]
    fn the_start_platform_reaches_its_reference_and_no_command_beats_it_by_much() {
        let hardware = hardware();
        let start = hardware.space().start();
        let mut stream = Stream::new(0, "accelerator", 0);
        let mut effect = [0.0; EFFECTS];
        let (mut best, mut worst) = (f32::INFINITY, f32::NEG_INFINITY);
        for _ in 0..5000 {
            let query = query(&hardware, &mut stream);
            hardware.respond(&start, &query, &mut effect);
            best = best.min(effect[0] + effect[1]);
            worst = worst.max(effect[0] + effect[1]);
        }
        assert!(best > -0.7 && best < 0.1 && worst > 1.0, "{best} {worst}");
    }

    #[test]
    fn speed_and_size_have_their_price() {
        let hardware = hardware();
        let start = hardware.space().start();
        let query = [5.0, 0.5, 0.5, 0.5, 0.5];
        let effect = |at: usize, factor: f64| {
            let mut design = start.clone();
            design[at] *= factor;
            let mut effect = [0.0; EFFECTS];
            hardware.respond(&design, &query, &mut effect);
            effect
        };
        let base = effect(0, 1.0);
        for at in 0..start.len() {
            let more = effect(at, 2.0);
            assert!(more[0] <= base[0] + 1e-3, "parameter {at} makes it slower");
            assert!(more[1] > base[1] || more[2] > base[2], "{at} is free");
        }
    }

    #[test]
    fn slopes_by_the_design_equal_finite_differences() {
        const STEP: f64 = 1e-6;
        let hardware = hardware();
        let mut stream = Stream::new(1, "accelerator", 0);
        let (mut compared, mut kinks) = (0, 0);
        for _ in 0..300 {
            let design = hardware.space().sample(&mut stream);
            let query = query(&hardware, &mut stream);
            let effect = hardware.relaxed(&design, &query);
            for at in 0..design.len() {
                let moved = |relative: f64| {
                    let mut other = design.clone();
                    other[at] *= 1.0 + relative;
                    hardware.relaxed(&other, &query).map(|e| e.value)
                };
                let slopes = |step: f64| {
                    let (up, down) = (moved(step), moved(-step));
                    std::array::from_fn::<f64, EFFECTS, _>(|e| (up[e] - down[e]) / (2.0 * step * design[at]))
                };
                let (near, nearer) = (slopes(STEP), slopes(0.5 * STEP));
                for e in 0..EFFECTS {
                    let tolerance = 1e-4 * (1e-3 / design[at] + near[e].abs());
                    if (near[e] - nearer[e]).abs() > 0.2 * tolerance {
                        kinks += 1; // there is no derivative
                        continue;
                    }
                    assert!((effect[e].slopes[at] - near[e]).abs() < tolerance);
                    compared += 1;
                }
            }
        }
        assert!(compared > 6000 && kinks < 300, "{compared} {kinks}");
    }
}
