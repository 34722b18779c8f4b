//! Space S1: the machine and the mappings that DOSA searches (Hong et al., MICRO 2023, arXiv 2509.10702).
//!
//! The hardware's genes (side of the array 2 to 128, accumulator and scratchpad 1 kB to 2 MB, all on logarithmic scales)
//! bound what is drawn. The machine of a point is the *smallest that fits all its mappings*, as in DOSA; its cost is the
//! energy-delay product (sum of cycles) x (sum of energy), every layer weighted by how often it runs, in J cycles.
//! Buffers beyond 2 MB cost the square of the excess.

use super::dual::{Dual, Real};
use super::nest::{Counts, Nest, Sizes};
use super::split::{CHOICES, LONGEST_SIDE, Place, SLOTS, Splitter, WIDTH};
use super::workload::{Work, WorkloadError, workload};
use crate::accelerator::layer::Network;
use crate::accelerator::loopnest::{DRAM_WORDS, Dim, Machine, Mapping, picojoule};
use crate::search::{SearchSpace, gene_of};
use crate::stream::Stream;

/// Hardware genes: side, accumulator, scratchpad.
const HARDWARE: usize = 3;
/// Variables of a layer's relaxed cost: factors, then hardware.
const VARIABLES: usize = SLOTS.len() + HARDWARE;
/// Smallest side, and doublings up to the largest.
const SIDE: (f64, f64) = (1.0, 6.0);
/// Doublings of a buffer from 1 kB to 2 MB.
const DOUBLINGS: f64 = 11.0;
/// Weight of the squared excess, in doublings, over what the hardware offers.
const PENALTY: f64 = 1.0;
/// Draws of a mapping before the trivial one, which fits everything, is taken.
const ATTEMPTS: usize = 10_000;

struct Layer {
    work: Work,
    splitter: Splitter,
    features: Vec<f64>,
}

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
            features: features(&work),
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
        let counts: Vec<Counts<f64>> = counts
            .map(|(nest, layer)| nest.counts(&layer.work.shape))
            .collect();
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
        layers
            .map(|(at, layer)| layer.counts(&point[self.range(at)]))
            .collect()
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
        let excess = (self.machine.accumulator_kb / most).max(1.0)
            * (self.machine.scratchpad_kb / most).max(1.0);
        1e-12 * self.cycles * self.picojoules * excess * excess
    }
}

/// Logarithms of the loops, strides and how often the layer runs, of order 1.
pub(super) fn features(work: &Work) -> Vec<f64> {
    let log = |n: u64| (n as f64).log2() / 6.0 - 1.0;
    let sizes = work.shape.sizes.iter().map(|&size| log(size));
    let stride = work.shape.stride.iter().map(|&stride| stride as f64 - 1.0);
    sizes.chain(stride).chain([log(work.count)]).collect()
}

/// Sizes of the hardware that genes stand for.
fn sizes<T: Real>(hardware: [T; HARDWARE]) -> Sizes<T> {
    let [side, accumulator, scratchpad] = hardware;
    let log_side = T::constant(SIDE.0) + T::constant(SIDE.1) * side;
    let doublings = |gene: T| T::constant(DOUBLINGS) * gene;
    Sizes {
        side: log_side.exp2(),
        bank_kb: (doublings(accumulator) - log_side).exp2(),
        scratchpad_kb: doublings(scratchpad).exp2(),
    }
}

fn exact_sizes(hardware: &[f64]) -> Sizes<f64> {
    let gene = |at: usize| hardware.get(at).copied().unwrap_or(1.0).clamp(0.0, 1.0);
    let sizes = sizes([gene(0), gene(1), gene(2)]);
    Sizes {
        side: sizes.side.round(), // powers of two come out whole
        ..sizes
    }
}

/// By how much more a layer needs than there is, as ratios: rows, columns, accumulator, scratchpad.
fn excess<T: Real>(counts: &Counts<T>, sizes: &Sizes<T>) -> [T; 4] {
    let kb = T::constant(1024.0);
    [
        counts.rows / sizes.side,
        counts.columns / sizes.side,
        T::constant(4.0) * counts.bank_words / (kb * sizes.bank_kb),
        counts.scratchpad_words / (kb * sizes.scratchpad_kb),
    ]
}

fn fits(counts: &Counts<f64>, sizes: &Sizes<f64>) -> bool {
    excess(counts, sizes)
        .iter()
        .all(|&ratio| ratio <= 1.0 + 1e-9)
}

impl Layer {
    fn counts(&self, genes: &[f64]) -> Counts<f64> {
        self.splitter.whole(genes).counts(&self.work.shape)
    }

    /// Cycles, pJ and penalty of one run, with derivatives by the genes and the hardware.
    fn relaxed(&self, genes: &[f64], hardware: &[f64]) -> [Dual<VARIABLES>; 3] {
        let variables = std::array::from_fn(|at| Dual::variable(genes[at], at));
        let sizes = sizes(std::array::from_fn(|at| {
            Dual::variable(hardware[at], SLOTS.len() + at)
        }));
        let counts = self
            .splitter
            .real(genes, &variables)
            .counts(&self.work.shape);
        let none = Dual::constant(0.0);
        let penalty = excess(&counts, &sizes)
            .into_iter()
            .map(|ratio| ratio.log2().larger(none))
            .fold(none, |sum, over| sum + over * over);
        [
            counts.cycles(&sizes),
            counts.picojoules(&sizes),
            Dual::constant(PENALTY) * penalty,
        ]
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

    fn draw_mapping(
        &self,
        hardware: &[f64],
        layer: usize,
        stream: &mut Stream,
        mapping: &mut [f64],
    ) {
        self.draw_fitting(Splitter::draw, hardware, layer, stream, mapping);
    }

    fn draw_published(
        &self,
        hardware: &[f64],
        layer: usize,
        stream: &mut Stream,
        mapping: &mut [f64],
    ) {
        self.draw_fitting(Splitter::draw_published, hardware, layer, stream, mapping);
    }

    fn greedy_mapping(&self, hardware: &[f64], layer: usize, mapping: &mut [f64]) {
        let sizes = exact_sizes(hardware);
        let layer = &self.layers[layer];
        // weights stay in the registers; sums stay in the accumulator
        mapping.fill(0.0);
        for (gene, (stays, options)) in mapping[SLOTS.len()..]
            .iter_mut()
            .zip([0, 1, 1].into_iter().zip(CHOICES))
        {
            *gene = gene_of(stays, options);
        }
        let mut factors = [1; SLOTS.len()];
        let mut rest = layer.work.shape.sizes;
        for wanted in GREEDY {
            let Some(at) = SLOTS.iter().position(|slot| *slot == wanted) else {
                continue;
            };
            let left = &mut rest[wanted.0 as usize];
            let mut most = *left;
            while most > 1 {
                let factor = layer.splitter.largest(wanted.0, *left, most);
                factors[at] = factor;
                layer.splitter.encode(&factors, mapping);
                if fits(&layer.counts(mapping), &sizes) {
                    *left /= factor;
                    break;
                }
                factors[at] = 1;
                most = factor - 1;
            }
        }
        layer.splitter.encode(&factors, mapping);
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
        let parts: Vec<[Dual<VARIABLES>; 3]> = (0..self.layers.len())
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
            for (variable, (by_cycles, by_energy)) in
                part[0].slopes.iter().zip(&part[1].slopes).enumerate()
            {
                let slope = count * (by_cycles / cycles + by_energy / picojoules)
                    + part[2].slopes[variable];
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
        let side = LONGEST_SIDE as f64;
        let (mut cycles, mut picojoules) = (0.0, 0.0);
        for Layer { work, .. } in &self.layers {
            let size = |dim: Dim| work.shape.sizes[dim as usize] as f64;
            let touched = |out: Dim, tap: Dim, axis: usize| {
                let step = work.shape.stride[axis] as f64;
                let reach = (size(tap) - 1.0) * work.shape.dilation[axis] as f64 + 1.0;
                (size(out) - 1.0) * step.min(reach) + reach
            };
            let outputs = size(Dim::P) * size(Dim::Q) * size(Dim::K) * size(Dim::N);
            let weights = size(Dim::R) * size(Dim::S) * size(Dim::C) * size(Dim::K);
            let depth = size(Dim::C) * size(Dim::N);
            let inputs = touched(Dim::P, Dim::R, 0) * touched(Dim::Q, Dim::S, 1) * depth;
            let macs = outputs * size(Dim::R) * size(Dim::S) * size(Dim::C);
            let count = work.count as f64;
            let dram = weights + inputs + outputs;
            let rows = side.min(size(Dim::C));
            let columns = side.min(size(Dim::K));
            cycles += count * (macs / (rows * columns)).max(dram / DRAM_WORDS);
            picojoules += count
                * (picojoule::MAC * macs
                    + picojoule::REGISTER * (macs + weights)
                    + picojoule::ACCUMULATOR[0] * 2.0 * macs / rows
                    + picojoule::SCRATCHPAD[0] * macs / columns
                    + picojoule::DRAM * dram);
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

/// What a greedy tiler fills in turn, each as far as it fits.
const GREEDY: [(Dim, Place); 9] = [
    (Dim::K, Place::Columns),
    (Dim::C, Place::Rows),
    (Dim::P, Place::Time(1)),
    (Dim::R, Place::Time(1)),
    (Dim::S, Place::Time(1)),
    (Dim::Q, Place::Time(1)),
    (Dim::C, Place::Time(1)),
    (Dim::C, Place::Time(2)),
    (Dim::K, Place::Time(2)),
];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accelerator::zoo;

    fn space() -> Gemmini {
        Gemmini::new(&zoo::named("resnet50").unwrap()).unwrap()
    }

    fn random_point(space: &Gemmini, stream: &mut Stream) -> Vec<f64> {
        let mut point = vec![0.0; space.dimensions()];
        let (hardware, _) = point.split_at_mut(HARDWARE);
        space.draw_hardware(stream, hardware);
        let hardware = hardware.to_vec();
        for layer in 0..space.layers() {
            let range = space.range(layer);
            space.draw_mapping(&hardware, layer, stream, &mut point[range]);
        }
        point
    }

    #[test]
    fn a_point_costs_what_the_loop_nest_says() {
        let space = space();
        let mut stream = Stream::new(0, "gemmini", 0);
        for _ in 0..100 {
            let point = random_point(&space, &mut stream);
            let solution = space.solution(&point);
            let pairs = solution.mappings.iter();
            let pairs = pairs.map(|(work, mapping)| (&work.shape, mapping));
            let machine = Machine::smallest(pairs).unwrap();
            assert_eq!(machine, solution.machine);
            let (mut cycles, mut energy) = (0.0, 0.0);
            for (work, mapping) in &solution.mappings {
                let cost = machine.cost(&work.shape, mapping).unwrap();
                cycles += work.count as f64 * cost.cycles;
                energy += work.count as f64 * cost.energy_j;
            }
            assert_eq!(cycles, solution.cycles);
            let cost = space.cost(&point, &mut []);
            assert!((cost / (cycles * energy) - 1.0).abs() < 1e-12);
            assert!(cost > space.floor() && space.floor() > 0.0);
        }
    }

    #[test]
    fn parts_of_layers_add_up_to_twice_the_root_of_the_cost_on_the_same_machine() {
        let space = space();
        let mut point = random_point(&space, &mut Stream::new(1, "gemmini", 0));
        space.settle(&mut point);
        let mut parts = vec![0.0; space.layers()];
        let cost = space.cost(&point, &mut parts);
        let sum: f64 = parts.iter().sum();
        assert!((sum / (2.0 * (1e12 * cost).sqrt()) - 1.0).abs() < 1e-9);
        point[2] -= 0.1;
        space.cost(&point, &mut parts);
        assert!(
            parts.iter().any(|part| part.is_infinite()),
            "one layer needs it all"
        );
    }

    #[test]
    fn what_is_drawn_and_what_greed_finds_fits() {
        let space = space();
        let mut stream = Stream::new(2, "gemmini", 0);
        let mut hardware = [0.0; HARDWARE];
        let mut mapping = [0.0; WIDTH];
        let (mut drawn, mut greedy) = (0.0, 0.0);
        for _ in 0..20 {
            space.draw_hardware(&mut stream, &mut hardware);
            for layer in 0..space.layers() {
                space.draw_mapping(&hardware, layer, &mut stream, &mut mapping);
                drawn += space.layer_cost(&hardware, layer, &mapping).ln();
                space.greedy_mapping(&hardware, layer, &mut mapping);
                greedy += space.layer_cost(&hardware, layer, &mapping).ln();
            }
        }
        assert!(drawn.is_finite() && greedy < drawn, "{greedy} {drawn}");
    }

    #[test]
    fn the_relaxed_form_equals_the_exact_one_at_whole_factors() {
        let space = space();
        let mut stream = Stream::new(3, "gemmini", 0);
        let mut gradient = vec![0.0; space.dimensions()];
        for _ in 0..50 {
            let point = random_point(&space, &mut stream);
            let relaxed = space.relaxed(&point, &mut gradient).unwrap();
            let sizes = exact_sizes(&point);
            let (mut cycles, mut picojoules) = (0.0, 0.0);
            for (at, layer) in space.layers.iter().enumerate() {
                let counts = layer.counts(&point[space.range(at)]);
                cycles += layer.work.count as f64 * counts.cycles(&sizes);
                picojoules += layer.work.count as f64 * counts.picojoules(&sizes);
            }
            let exact = (1e-12 * cycles * picojoules).ln();
            assert!((relaxed - exact).abs() < 1e-3, "{relaxed} {exact}"); // blocks of DRAM
        }
    }

    #[test]
    fn gradients_equal_finite_differences() {
        const STEP: f64 = 1e-6;
        let space = space();
        let mut stream = Stream::new(4, "gemmini", 0);
        let mut gradient = vec![0.0; space.dimensions()];
        let mut other = gradient.clone();
        let (mut compared, mut kinks) = (0, 0);
        for _ in 0..40 {
            let point: Vec<f64> = (0..space.dimensions())
                .map(|_| stream.uniform(0.05, 0.95))
                .collect();
            space.relaxed(&point, &mut gradient).unwrap();
            let own = gradient.clone();
            for _ in 0..20 {
                let at = stream.below(point.len());
                let mut slope = |step: f64| {
                    let mut moved = point.clone();
                    moved[at] += step;
                    let up = space.relaxed(&moved, &mut other).unwrap();
                    moved[at] -= 2.0 * step;
                    (up - space.relaxed(&moved, &mut other).unwrap()) / (2.0 * step)
                };
                let (near, nearer) = (slope(STEP), slope(0.5 * STEP));
                let tolerance = 1e-4 * (1e-3 + near.abs());
                if (near - nearer).abs() > 0.2 * tolerance {
                    kinks += 1; // there is no derivative
                    continue;
                }
                assert!(
                    (own[at] - near).abs() < tolerance,
                    "{at}: {} {near}",
                    own[at]
                );
                compared += 1;
            }
        }
        assert!(compared > 500 && kinks < 100, "{compared} {kinks}");
    }
}
