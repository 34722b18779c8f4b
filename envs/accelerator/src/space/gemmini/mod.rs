//! Space S1: the machine and the mappings that DOSA searches (Hong et al., MICRO 2023, arXiv 2509.10702).
//!
//! The hardware's genes (side of the array 2 to 128, accumulator and scratchpad 1 kB to 2 MB, all on logarithmic scales)
//! bound what is drawn. The machine of a point is the *smallest that fits all its mappings*, as in DOSA; its cost is the
//! energy-delay product (sum of cycles) x (sum of energy), every layer weighted by how often it runs, in J cycles.
//! Buffers beyond 2 MB cost the square of the excess.

mod layer;

use super::nest::{Counts, Nest, Sizes};
use super::split::{CHOICES, SLOTS, Splitter, WIDTH};
use super::workload::{Work, WorkloadError, workload};
use crate::layer::Network;
use crate::loopnest::{Machine, Mapping};
use layer::{DOUBLINGS, Layer, SIDE, exact_sizes, fits};
use tandem_core::search::SearchSpace;
use tandem_core::stream::Stream;

/// Hardware genes: side, accumulator, scratchpad.
const HARDWARE: usize = 3;
/// Draws of a mapping before the trivial one, which fits everything, is taken.
const ATTEMPTS: usize = 10_000;

/// The space for one network.
pub struct Gemmini {
    layers: Vec<Layer>,
}

/// A network on the smallest machine that fits its mappings.
#[derive(Clone, Debug, PartialEq)]
pub struct Solution {
    /// The machine.
    pub machine: Machine,
    /// Each layer with its mapping.
    pub mappings: Vec<(Work, Mapping)>,
    /// Clock cycles of all layers, one after the other.
    pub cycles: f64,
    /// Energy, J.
    pub energy_j: f64,
}

impl Gemmini {
    /// The space of a network's layers.
    ///
    /// # Errors
    /// A network that cannot be mapped.
    pub fn new(network: &Network) -> Result<Self, WorkloadError> {
        let works = workload(network)?;
        let layers = works.into_iter().map(|work| Layer {
            splitter: Splitter::new(&work.shape),
            features: work.features(),
            work,
        });
        Ok(Self {
            layers: layers.collect(),
        })
    }

    /// What a point stands for, with mappings that can be checked elsewhere.
    pub fn solution(&self, point: &[f64]) -> Solution {
        let nests = (0..self.layers.len()).map(|at| {
            let layer = &self.layers[at];
            layer.splitter.whole(&point[self.range(at)])
        });
        let nests: Vec<Nest<f64>> = nests.collect();
        let counts = nests.iter().zip(&self.layers);
        let counts: Vec<Counts<f64>> = counts.map(|(nest, layer)| nest.counts(&layer.work.shape)).collect();
        let total = self.total(&counts);
        let mappings = nests.iter().zip(&self.layers);
        Solution {
            machine: total.machine,
            mappings: mappings
                .map(|(nest, layer)| (layer.work.clone(), nest.mapping()))
                .collect(),
            cycles: total.cycles,
            energy_j: 1e-12 * total.picojoules,
        }
    }

    fn draw_fitting(
        &self,
        draw: impl Fn(&Splitter, &mut Stream, &mut [f64]),
        hardware: &[f64],
        layer: usize,
        stream: &mut Stream,
        mapping: &mut [f64],
    ) {
        let sizes = exact_sizes(hardware);
        let layer = &self.layers[layer];
        for _ in 0..ATTEMPTS {
            draw(&layer.splitter, stream, mapping);
            if fits(&layer.counts(mapping), &sizes) {
                return;
            }
        }
        mapping.fill(0.0);
    }

    fn counts(&self, point: &[f64]) -> Vec<Counts<f64>> {
        let layers = self.layers.iter().enumerate();
        layers.map(|(at, layer)| layer.counts(&point[self.range(at)])).collect()
    }

    /// Sums over the layers on the smallest machine.
    fn total(&self, counts: &[Counts<f64>]) -> Total {
        let mut side = 2.0_f64;
        let (mut bank, mut words) = (0.0_f64, 0.0_f64);
        for c in counts {
            side = side.max(c.rows).max(c.columns);
            bank = bank.max(c.bank_words);
            words = words.max(c.scratchpad_words);
        }
        let sizes = Sizes {
            side,
            bank_kb: 4.0 * bank / 1024.0,
            scratchpad_kb: words / 1024.0,
        };
        let (mut cycles, mut picojoules) = (0.0, 0.0);
        for (c, layer) in counts.iter().zip(&self.layers) {
            cycles += layer.work.count as f64 * c.cycles(&sizes);
            picojoules += layer.work.count as f64 * c.picojoules(&sizes);
        }
        Total {
            machine: Machine {
                side: side as u64,
                accumulator_kb: sizes.bank_kb * side,
                scratchpad_kb: sizes.scratchpad_kb,
            },
            cycles,
            picojoules,
        }
    }
}

struct Total {
    machine: Machine,
    cycles: f64,
    picojoules: f64,
}

impl Total {
    fn cost(&self) -> f64 {
        let most = DOUBLINGS.exp2();
        let excess = (self.machine.accumulator_kb / most).max(1.0) * (self.machine.scratchpad_kb / most).max(1.0);
        1e-12 * self.cycles * self.picojoules * excess * excess
    }
}

impl SearchSpace for Gemmini {
    fn hardware(&self) -> usize {
        HARDWARE
    }
    fn layers(&self) -> usize {
        self.layers.len()
    }
    fn width(&self) -> usize {
        WIDTH
    }
    fn choices(&self) -> &[usize] {
        const ALL: [usize; WIDTH] = {
            let mut all = [0; WIDTH];
            let mut at = 0;
            while at < CHOICES.len() {
                all[SLOTS.len() + at] = CHOICES[at];
                at += 1;
            }
            all
        };
        &ALL
    }
    fn features(&self, layer: usize) -> &[f64] {
        &self.layers[layer].features
    }

    /// Powers of two: sides of 2 to 128, buffers of 1 kB to 2 MB.
    fn draw_hardware(&self, stream: &mut Stream, hardware: &mut [f64]) {
        for (gene, doublings) in hardware.iter_mut().zip([SIDE.1, DOUBLINGS, DOUBLINGS]) {
            *gene = stream.below(doublings as usize + 1) as f64 / doublings;
        }
    }

    fn draw_mapping(&self, hardware: &[f64], layer: usize, stream: &mut Stream, mapping: &mut [f64]) {
        self.draw_fitting(Splitter::draw, hardware, layer, stream, mapping);
    }

    fn draw_published(&self, hardware: &[f64], layer: usize, stream: &mut Stream, mapping: &mut [f64]) {
        self.draw_fitting(Splitter::draw_published, hardware, layer, stream, mapping);
    }

    fn greedy_mapping(&self, hardware: &[f64], layer: usize, mapping: &mut [f64]) {
        self.layers[layer].greedy(&exact_sizes(hardware), mapping);
    }

    fn layer_cost(&self, hardware: &[f64], layer: usize, mapping: &[f64]) -> f64 {
        let sizes = exact_sizes(hardware);
        let counts = self.layers[layer].counts(mapping);
        if !fits(&counts, &sizes) {
            return f64::INFINITY;
        }
        1e-12 * counts.cycles(&sizes) * counts.picojoules(&sizes)
    }

    fn cost(&self, point: &[f64], parts: &mut [f64]) -> f64 {
        let counts = self.counts(point);
        let total = self.total(&counts);
        let sizes = exact_sizes(&point[..HARDWARE]);
        // with these weights, parts have the same slopes as the product
        let weight = (total.picojoules / total.cycles).sqrt();
        for ((part, c), layer) in parts.iter_mut().zip(&counts).zip(&self.layers) {
            let count = layer.work.count as f64;
            *part = if fits(c, &sizes) {
                count * (c.cycles(&sizes) * weight + c.picojoules(&sizes) / weight)
            } else {
                f64::INFINITY
            };
        }
        total.cost()
    }

    fn settle(&self, point: &mut [f64]) {
        for (at, layer) in self.layers.iter().enumerate() {
            layer.splitter.settle(&mut point[self.range(at)]);
        }
        let machine = self.total(&self.counts(point)).machine;
        let kb = [machine.accumulator_kb, machine.scratchpad_kb];
        let side = ((machine.side as f64).log2() - SIDE.0) / SIDE.1;
        let genes = [side, kb[0].log2() / DOUBLINGS, kb[1].log2() / DOUBLINGS];
        for (gene, value) in point.iter_mut().zip(genes) {
            *gene = value.clamp(0.0, 1.0);
        }
    }

    fn relaxed(&self, point: &[f64], gradient: &mut [f64]) -> Option<f64> {
        let hardware = &point[..HARDWARE];
        let parts: Vec<_> = (0..self.layers.len())
            .map(|at| self.layers[at].relaxed(&point[self.range(at)], hardware))
            .collect();
        let sum = |which: usize| -> f64 {
            let values = parts.iter().zip(&self.layers);
            values
                .map(|(part, layer)| layer.work.count as f64 * part[which].value)
                .sum()
        };
        let (cycles, picojoules) = (sum(0), sum(1));
        gradient.fill(0.0);
        let mut penalty = 0.0;
        for (at, (part, layer)) in parts.iter().zip(&self.layers).enumerate() {
            let count = layer.work.count as f64;
            let range = self.range(at);
            penalty += part[2].value;
            for (variable, (by_cycles, by_energy)) in part[0].slopes.iter().zip(&part[1].slopes).enumerate() {
                let slope = count * (by_cycles / cycles + by_energy / picojoules) + part[2].slopes[variable];
                match variable.checked_sub(SLOTS.len()) {
                    Some(hardware) => gradient[hardware] += slope,
                    None => gradient[range.start + variable] += slope,
                }
            }
        }
        Some((1e-12 * cycles * picojoules).ln() + penalty)
    }

    fn unit(&self) -> &'static str {
        "J cycles"
    }

    /// Every layer on the full array, every word through DRAM once, buffers without size.
    fn floor(&self) -> f64 {
        let (mut cycles, mut picojoules) = (0.0, 0.0);
        for layer in &self.layers {
            let count = layer.work.count as f64;
            let [least_cycles, least_picojoules] = layer.least();
            cycles += count * least_cycles;
            picojoules += count * least_picojoules;
        }
        1e-12 * cycles * picojoules
    }

    fn describe(&self, point: &[f64]) -> Vec<(String, f64, &'static str)> {
        let solution = self.solution(point);
        let machine = solution.machine;
        vec![
            ("cycles".into(), solution.cycles, "1"),
            ("energy".into(), solution.energy_j, "J"),
            ("side".into(), machine.side as f64, "1"),
            ("accumulator".into(), machine.accumulator_kb, "kB"),
            ("scratchpad".into(), machine.scratchpad_kb, "kB"),
            ("area".into(), machine.area_mm2(), "mm2"),
        ]
    }
}

#[cfg(test)]
mod tests;
