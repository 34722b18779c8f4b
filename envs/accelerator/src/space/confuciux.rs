//! Space S2: every layer has an engine of its own, as in ConfuciuX (Kao et al., MICRO 2020): one of 12 numbers of
//! multipliers and one of 12 buffer sizes for each of them, under a limit on the area of all engines,
//! `limit = least + share (most - least)`, where ConfuciuX's share is 0.5. The dataflow is fixed: weights stay, tiles are as large as they fit.
//!
//! That is 144^layers points, but the layers meet only in the limit, so the optimum can be computed: dynamic programming
//! over the area in `CELLS` steps gives a bound below it (areas rounded down) and a point near it (rounded up).
//!
//! A point beyond the limit costs more than any within it.

use super::platform::{Command, LayerCost, PARAMETERS, Platform};
use super::workload::{Work, WorkloadError, workload};
use crate::layer::Network;
use tandem_core::search::{SearchSpace, gene_of, option};
use tandem_core::stream::Stream;

/// Arrays of 1 to 128 multipliers, rows and columns (ConfuciuX's numbers of processing elements).
const ARRAYS: [(f64, f64); 12] = [
    (1.0, 1.0),
    (1.0, 2.0),
    (2.0, 2.0),
    (2.0, 4.0),
    (3.0, 4.0),
    (4.0, 4.0),
    (4.0, 6.0),
    (4.0, 8.0),
    (6.0, 8.0),
    (8.0, 8.0),
    (8.0, 12.0),
    (8.0, 16.0),
];
/// Scratchpad of each multiplier, kB.
const BUFFERS: [f64; 12] = [0.0625, 0.125, 0.1875, 0.25, 0.375, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 4.0];
/// Accumulator of each engine, kB.
const ACCUMULATOR_KB: f64 = 4.0;
/// Options of a layer.
const OPTIONS: usize = ARRAYS.len() * BUFFERS.len();
/// Steps of the area in the dynamic programme.
const CELLS: usize = 20_000;

/// What is minimised.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Goal {
    /// Time of all layers, s.
    Latency,
    /// Energy of all layers, J.
    Energy,
}

/// The space for one network.
pub struct Confuciux {
    /// Cost and area of every option of every layer.
    table: Vec<[(f64, f64); OPTIONS]>,
    features: Vec<Vec<f64>>,
    limit: f64,
    /// More than any point within the limit costs.
    worst: f64,
    floor: f64,
    goal: Goal,
}

impl Confuciux {
    /// The space of a network's layers, with this share of the areas' range allowed.
    ///
    /// # Errors
    /// A network that cannot be mapped.
    pub fn new(network: &Network, goal: Goal, share: f64) -> Result<Self, WorkloadError> {
        let works = workload(network)?;
        let table: Vec<[(f64, f64); OPTIONS]> = works
            .iter()
            .map(|work| {
                std::array::from_fn(|at| {
                    let platform = platform(at);
                    let command = Command {
                        pixels: 1.0,
                        depth: 1.0,
                        filters: 1.0,
                        order: 0,
                    };
                    let LayerCost { seconds, joules, .. } = platform.cost(&work.shape, &command);
                    let cost = match goal {
                        Goal::Latency => seconds,
                        Goal::Energy => joules,
                    };
                    (work.count as f64 * cost, platform.area_mm2())
                })
            })
            .collect();
        let extreme = |start: f64, pick: fn(f64, f64) -> f64| -> [f64; 2] {
            table.iter().fold([0.0; 2], |[cost, area], options| {
                [
                    cost + options.iter().map(|o| o.0).fold(start, pick),
                    area + options.iter().map(|o| o.1).fold(start, pick),
                ]
            })
        };
        let [_, least] = extreme(f64::INFINITY, f64::min);
        let [worst, most] = extreme(0.0, f64::max);
        let limit = least + share * (most - least);
        let (floor, _) = bounds(&table, limit);
        Ok(Self {
            table,
            features: works.iter().map(Work::features).collect(),
            limit,
            worst,
            floor,
            goal,
        })
    }

    /// A bound below the optimum, and the cost of a point near it.
    pub fn optimum(&self) -> (f64, f64) {
        bounds(&self.table, self.limit)
    }

    /// Cost and area of a layer's option.
    fn option(&self, layer: usize, genes: &[f64]) -> (f64, f64) {
        let at = option(genes[0], ARRAYS.len()) * BUFFERS.len();
        self.table[layer][at + option(genes[1], BUFFERS.len())]
    }

    /// Costs and areas of the layers of a point.
    fn layers_of<'a>(&'a self, point: &'a [f64]) -> impl Iterator<Item = (f64, f64)> + 'a {
        let layers = point.chunks(2).take(self.table.len()).enumerate();
        layers.map(|(layer, genes)| self.option(layer, genes))
    }

    fn sums(&self, point: &[f64]) -> (f64, f64) {
        self.layers_of(point)
            .fold((0.0, 0.0), |sum, one| (sum.0 + one.0, sum.1 + one.1))
    }
}

fn platform(option: usize) -> Platform<f64> {
    let (rows, columns) = ARRAYS[option / BUFFERS.len()];
    let buffer = rows * columns * BUFFERS[option % BUFFERS.len()];
    let (clock, bandwidth) = (PARAMETERS[4].4, PARAMETERS[5].4);
    Platform::new([rows, columns, ACCUMULATOR_KB, buffer, clock, bandwidth])
}

/// Dynamic programming over the area: below the optimum with areas rounded down, at or above it with areas rounded up.
fn bounds(table: &[[(f64, f64); OPTIONS]], limit: f64) -> (f64, f64) {
    let least = |round: fn(f64) -> f64| {
        let mut best = vec![0.0; CELLS + 1];
        for options in table {
            let mut next = vec![f64::INFINITY; CELLS + 1];
            for &(cost, area) in options {
                let cells = round(area / limit * CELLS as f64) as usize;
                for at in cells..=CELLS {
                    let sum = best[at - cells] + cost;
                    if sum < next[at] {
                        next[at] = sum;
                    }
                }
            }
            best = next;
        }
        best[CELLS]
    };
    (least(f64::floor), least(f64::ceil))
}

impl SearchSpace for Confuciux {
    fn hardware(&self) -> usize {
        0
    }
    fn layers(&self) -> usize {
        self.table.len()
    }
    fn width(&self) -> usize {
        2
    }
    fn choices(&self) -> &[usize] {
        const { &[ARRAYS.len(), BUFFERS.len()] }
    }
    fn separable(&self) -> bool {
        false
    }
    fn features(&self, layer: usize) -> &[f64] {
        &self.features[layer]
    }
    fn draw_hardware(&self, _: &mut Stream, _: &mut [f64]) {}

    fn draw_mapping(&self, _: &[f64], _: usize, stream: &mut Stream, mapping: &mut [f64]) {
        mapping.iter_mut().for_each(|gene| *gene = stream.unit());
    }

    /// The middle of both lists.
    fn greedy_mapping(&self, _: &[f64], _: usize, mapping: &mut [f64]) {
        mapping.fill(gene_of(ARRAYS.len() / 2 - 1, ARRAYS.len()));
    }

    fn layer_cost(&self, _: &[f64], layer: usize, mapping: &[f64]) -> f64 {
        self.option(layer, mapping).0
    }

    fn share(&self, layer: usize, mapping: &[f64]) -> f64 {
        self.option(layer, mapping).1 / self.limit
    }

    fn cost(&self, point: &[f64], parts: &mut [f64]) -> f64 {
        let (cost, area) = self.sums(point);
        let over = area > self.limit;
        let price = if over { self.worst / self.limit } else { 0.0 };
        for (part, (cost, area)) in parts.iter_mut().zip(self.layers_of(point)) {
            *part = cost + price * area;
        }
        if over { self.worst * area / self.limit } else { cost }
    }

    fn settle(&self, _point: &mut [f64]) {}

    fn relaxed(&self, _point: &[f64], _gradient: &mut [f64]) -> Option<f64> {
        None
    }

    fn unit(&self) -> &'static str {
        match self.goal {
            Goal::Latency => "s",
            Goal::Energy => "J",
        }
    }

    fn floor(&self) -> f64 {
        self.floor
    }

    fn describe(&self, point: &[f64]) -> Vec<(String, f64, &'static str)> {
        let (cost, area) = self.sums(point);
        let what = match self.goal {
            Goal::Latency => "time",
            Goal::Energy => "energy",
        };
        vec![
            (what.into(), cost, self.unit()),
            ("area".into(), area, "mm2"),
            ("area_limit".into(), self.limit, "mm2"),
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::zoo;

    fn space(goal: Goal) -> Confuciux {
        Confuciux::new(&zoo::named("resnet50").unwrap(), goal, 0.1).unwrap()
    }

    #[test]
    fn the_bounds_enclose_the_optimum_closely_and_no_point_is_below() {
        for goal in [Goal::Latency, Goal::Energy] {
            let space = space(goal);
            let (below, near) = space.optimum();
            assert!(below <= near && near < 1.01 * below, "{below} {near}");
            let mut stream = Stream::new(0, "confuciux", 0);
            for _ in 0..2000 {
                let draw = |_| stream.unit();
                let point: Vec<f64> = (0..space.dimensions()).map(draw).collect();
                assert!(space.cost(&point, &mut []) >= below);
            }
        }
    }

    #[test]
    fn dynamic_programming_equals_brute_force_on_two_layers() {
        let space = space(Goal::Latency);
        let table = &space.table[..2];
        let limit = table[0][70].1 + table[1][100].1;
        let pairs = table[0]
            .iter()
            .flat_map(|a| table[1].iter().map(move |b| (a.0 + b.0, a.1 + b.1)));
        let best = pairs
            .filter(|pair| pair.1 <= limit)
            .map(|pair| pair.0)
            .fold(f64::INFINITY, f64::min);
        let (below, near) = bounds(table, limit);
        assert!(
            below <= best && best <= near && near < 1.02 * below,
            "{below} {best} {near}"
        );
    }

    #[test]
    fn beyond_the_limit_nothing_is_as_cheap_as_within() {
        let space = space(Goal::Latency);
        let (small, large) = (vec![0.0; space.dimensions()], vec![1.0; space.dimensions()]);
        assert!(space.cost(&large, &mut []) > space.cost(&small, &mut []));
    }
}
