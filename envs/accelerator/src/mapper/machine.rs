//! The best machine for a network: the side, accumulator and scratchpad for which the least (sum of energy) x (sum of
//! cycles) of all mappings is least, with proof. This is the problem of [`Gemmini`](crate::space::Gemmini): a machine is the
//! smallest that fits its mappings, and buffers beyond 2 MB cost the square of the excess.
//!
//! Branch and bound over boxes of machines, from a smallest to a largest: the bound of a box is the network's least product
//! with the largest array and buffers at the price of the smallest, exact by the fronts of all layers. Its mappings on
//! their own smallest machine are a candidate; where that is dearer than the bound, the box is cut along the size that
//! makes most of the difference.

use std::cmp::Ordering;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::build::Choice;
use super::keep::Front;
use super::loops::Loops;
use super::network::least_product;
use super::search::{Search, Target};
use super::{MapError, Mapped};
use crate::loopnest::{Counting, Dim, Machine, Shape, bank_words, scratchpad_words};
use crate::space::Work;
use crate::space::split::LONGEST_SIDE;

/// Boxes that are cut at a time; fixed, so that threads change nothing.
const BATCH: usize = 8;
/// Largest buffer without penalty, kB.
const LARGEST_KB: f64 = 2048.0;
/// Differences of this share are rounding.
const ROUNDING: f64 = 1e-12;

/// Machines from so much to so much, both included, that still have to be looked at.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Open {
    /// Cells along the side that are used.
    pub side: [u64; 2],
    /// Words of a bank of the accumulator.
    pub bank: [u64; 2],
    /// Words of the scratchpad.
    pub scratchpad: [u64; 2],
    /// No machine of these costs less, J cycles.
    pub bound: f64,
}

/// A machine with its mappings.
#[derive(Clone, Debug, PartialEq)]
pub struct BestMachine {
    /// The smallest machine that fits the mappings.
    pub machine: Machine,
    /// The mapping of each layer, in the order of the layers.
    pub mappings: Vec<Mapped>,
    /// Clock cycles of all layers.
    pub cycles: f64,
    /// Energy of all layers, pJ.
    pub picojoules: f64,
    /// Their product, J cycles, with the penalty for buffers that are too large.
    pub cost: f64,
}

/// A search in progress, which can be stopped between steps and resumed from its open boxes.
pub struct MachineSearch {
    layers: Vec<(Work, Loops)>,
    counting: Counting,
    /// What the longer of rows and columns can be, ascending.
    sides: Vec<u64>,
    open: Vec<Open>,
    best: Option<BestMachine>,
    /// Boxes that were bounded.
    pub bounded: u64,
}

/// What bounding a box comes to.
struct Bounded {
    bound: f64,
    mappings: Vec<Mapped>,
}

impl MachineSearch {
    /// A search over all machines for these layers.
    ///
    /// # Errors
    /// A layer that cannot be mapped.
    pub fn new(works: &[Work], counting: Counting) -> Result<Self, MapError> {
        let layers = works.iter().map(|work| Ok((work.clone(), Loops::new(&work.shape)?)));
        let layers: Vec<(Work, Loops)> = layers.collect::<Result<_, MapError>>()?;
        let channels = layers
            .iter()
            .flat_map(|(_, loops)| [Dim::C, Dim::K].map(|dim| &loops.divisors[dim as usize]));
        let mut sides: Vec<u64> = channels
            .flatten()
            .copied()
            .filter(|side| *side <= LONGEST_SIDE)
            .collect();
        // no machine of the space is smaller than 2 x 2
        sides.iter_mut().for_each(|side| *side = (*side).max(2));
        sides.sort_unstable();
        sides.dedup();
        let most = |of: fn(&Shape) -> f64| works.iter().map(|work| of(&work.shape)).fold(2.0, f64::max) as u64;
        let all = Open {
            side: [2, sides.last().copied().unwrap_or(2)],
            bank: [1, most(|shape| size(shape, &[Dim::P, Dim::Q, Dim::N, Dim::K]))],
            scratchpad: [2, most(whole)],
            bound: 0.0,
        };
        Ok(Self {
            layers,
            counting,
            sides,
            open: vec![all],
            best: None,
            bounded: 0,
        })
    }

    /// Goes on from the open boxes of an earlier search, and the machine that was its best.
    ///
    /// # Errors
    /// A machine that fits no mappings.
    pub fn resume(&mut self, open: Vec<Open>, best: &Machine, bounded: u64) -> Result<(), MapError> {
        let words = [
            1024.0 * best.accumulator_kb / 4.0 / best.side as f64,
            1024.0 * best.scratchpad_kb,
        ];
        let [bank, scratchpad] = words.map(|words| [words.round() as u64; 2]);
        let at = Open {
            side: [best.side; 2],
            bank,
            scratchpad,
            bound: 0.0,
        };
        let bounded_box = self.bound(&at)?;
        self.candidate(bounded_box.mappings);
        self.open = open;
        self.bounded = bounded;
        Ok(())
    }

    /// The best machine so far.
    pub fn best(&self) -> Option<&BestMachine> {
        self.best.as_ref()
    }

    /// What is still open.
    pub fn open(&self) -> &[Open] {
        &self.open
    }

    /// What no machine falls below, J cycles: the best one's cost once all is proven.
    pub fn floor(&self) -> f64 {
        let best = self.best.as_ref().map_or(f64::INFINITY, |best| best.cost);
        self.open.iter().map(|open| open.bound).fold(best, f64::min)
    }

    /// By how much the best so far may lie above the optimum, as a share.
    pub fn gap(&self) -> f64 {
        match &self.best {
            Some(best) => best.cost / self.floor() - 1.0,
            None => f64::INFINITY,
        }
    }

    /// Cuts the boxes with the lowest bounds; false once nothing is left to cut.
    ///
    /// # Errors
    /// A layer that no mapping fits, which the boxes exclude.
    pub fn step(&mut self) -> Result<bool, MapError> {
        let by_bound = |a: &Open, b: &Open| -> Ordering {
            let corner = |open: &Open| (open.side, open.bank, open.scratchpad);
            a.bound.total_cmp(&b.bound).then(corner(a).cmp(&corner(b)))
        };
        self.open.sort_by(by_bound);
        self.drop_beaten();
        let next: Vec<Open> = self.open.drain(..self.open.len().min(BATCH)).collect();
        let bounded: Vec<Result<Bounded, MapError>> = next.par_iter().map(|open| self.bound(open)).collect();
        for (open, bounded) in next.iter().zip(bounded) {
            let Bounded { bound, mappings } = bounded?;
            self.bounded += 1;
            let parent = Open {
                bound: bound.max(open.bound),
                ..*open
            };
            self.open.extend(self.cut(&parent, &mappings));
            self.candidate(mappings);
        }
        self.drop_beaten();
        Ok(!self.open.is_empty())
    }

    fn drop_beaten(&mut self) {
        if let Some(best) = &self.best {
            let least = best.cost * (1.0 - ROUNDING);
            self.open.retain(|open| open.bound < least);
        }
    }

    /// The least product of the network with the largest array and buffers of a box at the price of its smallest.
    fn bound(&self, open: &Open) -> Result<Bounded, MapError> {
        let machine = machine(open.side[1], open.bank[0], open.scratchpad[0]);
        let mut target = Target::new(&machine, &self.counting)?;
        target.bank_words = open.bank[1] as f64;
        target.scratchpad_words = open.scratchpad[1] as f64;
        let fronts: Vec<Result<(u64, Vec<Mapped>), MapError>> = self
            .layers
            .par_iter()
            .map(|(work, loops)| {
                let mut search = Search::new(loops, &target, Front::default(), &|| false);
                search.run();
                let mapped = |choice: &Choice| loops.mapped(choice, &machine, &self.counting);
                let points = search.keep.points.iter().map(|point| mapped(&point.choice));
                Ok((work.count, points.collect::<Result<_, _>>()?))
            })
            .collect();
        let fronts: Vec<(u64, Vec<Mapped>)> = fronts.into_iter().collect::<Result<_, _>>()?;
        let chosen = least_product(&fronts);
        let mappings = fronts
            .into_iter()
            .zip(chosen)
            .map(|((_, mut front), at)| front.swap_remove(at));
        let mappings: Vec<Mapped> = mappings.collect();
        let [picojoules, cycles] = self.sums(&mappings);
        let penalty = penalty(&self::machine(open.side[0], open.bank[0], open.scratchpad[0]));
        Ok(Bounded {
            bound: 1e-12 * cycles * picojoules * penalty,
            mappings,
        })
    }

    /// Energy and cycles of all layers.
    fn sums(&self, mappings: &[Mapped]) -> [f64; 2] {
        let (mut picojoules, mut cycles) = (0.0, 0.0);
        for ((work, _), mapped) in self.layers.iter().zip(mappings) {
            picojoules += work.count as f64 * mapped.picojoules;
            cycles += work.count as f64 * mapped.cycles;
        }
        [picojoules, cycles]
    }

    /// The same mappings on another machine.
    fn costed(&self, machine: &Machine, mappings: &[Mapped]) -> Option<Vec<Mapped>> {
        let both = self.layers.iter().zip(mappings);
        let costed = both.map(|((work, _), mapped)| {
            let cost = machine
                .cost_counted(&work.shape, &mapped.mapping, &self.counting)
                .ok()?;
            Some(Mapped {
                mapping: mapped.mapping.clone(),
                picojoules: machine.picojoules(&cost.accesses),
                cycles: cost.cycles,
            })
        });
        costed.collect()
    }

    /// Takes mappings on their smallest machine, if they are the best so far.
    fn candidate(&mut self, mappings: Vec<Mapped>) {
        let layers = self.layers.iter().zip(&mappings);
        let smallest = Machine::smallest(layers.map(|((work, _), mapped)| (&work.shape, &mapped.mapping)));
        let Some(machine) = smallest else { return };
        let Some(mappings) = self.costed(&machine, &mappings) else {
            return;
        };
        let [picojoules, cycles] = self.sums(&mappings);
        let cost = 1e-12 * cycles * picojoules * penalty(&machine);
        if self.best.as_ref().is_none_or(|best| cost < best.cost) {
            self.best = Some(BestMachine {
                machine,
                mappings,
                cycles,
                picojoules,
                cost,
            });
        }
    }

    /// Side, bank and scratchpad words that mappings need, at least those of the smallest machine.
    fn needs(&self, mappings: &[Mapped]) -> [u64; 3] {
        let each = self.layers.iter().zip(mappings).map(|((work, _), mapped)| {
            let mapping = &mapped.mapping;
            let side = mapping.spatial(1).max(mapping.spatial(2));
            let words = [bank_words(mapping), scratchpad_words(&work.shape, mapping)];
            [side, words[0] as u64, words[1] as u64]
        });
        each.fold([2, 1, 2], |most, own| std::array::from_fn(|at| most[at].max(own[at])))
    }

    /// The two halves of a box, cut along what makes its mappings dearer than its bound; none where nothing does, so that
    /// they are the best in it.
    fn cut(&self, open: &Open, mappings: &[Mapped]) -> Vec<Open> {
        let needs = self.needs(mappings);
        let ranges = [open.side, open.bank, open.scratchpad];
        // cost with the speed of one side, the penalty of another, and so many words
        let cost = |fast: u64, large: u64, bank: u64, scratchpad: u64| {
            let costed = self.costed(&machine(fast, bank, scratchpad), mappings);
            let product = costed.map_or(f64::INFINITY, |costed| self.sums(&costed).iter().product());
            product * penalty(&machine(large, bank, scratchpad))
        };
        let low = ranges.map(|range| range[0]);
        let [side, bank, scratchpad] = std::array::from_fn(|at| needs[at].max(low[at]));
        let fast = open.side[1];
        let dearer = [
            cost(side, side, low[1], low[2]),
            cost(fast, low[0], bank, low[2]),
            cost(fast, low[0], low[1], scratchpad),
        ];
        let which = (0..3).fold(0, |most, at| if dearer[at] > dearer[most] { at } else { most });
        if dearer[which] <= cost(fast, low[0], low[1], low[2]) {
            return Vec::new();
        }
        let halves = match which {
            0 => self.sides_apart(open.side, side),
            _ => apart(ranges[which], needs[which]),
        };
        let half = |range| {
            let mut half = *open;
            *[&mut half.side, &mut half.bank, &mut half.scratchpad][which] = range;
            half
        };
        halves.map(half).to_vec()
    }

    /// A range of sides cut at the one that is used.
    fn sides_apart(&self, [low, high]: [u64; 2], used: u64) -> [[u64; 2]; 2] {
        let above = self.sides.partition_point(|side| *side <= used);
        match self.sides.get(above) {
            Some(&next) if used < high => [[low, used], [next, high]],
            _ => [[low, used - 1], [used, high]],
        }
    }
}

/// A range of words cut at what is needed, or in the middle if that is less.
fn apart([low, high]: [u64; 2], needed: u64) -> [[u64; 2]; 2] {
    let middle = ((low as f64 * high as f64).sqrt().ceil() as u64).clamp(low + 1, high);
    let at = middle.min(needed);
    [[low, at - 1], [at, high]]
}

/// A machine with so many words.
fn machine(side: u64, bank: u64, scratchpad: u64) -> Machine {
    Machine {
        side,
        accumulator_kb: 4.0 * bank as f64 / 1024.0 * side as f64,
        scratchpad_kb: scratchpad as f64 / 1024.0,
    }
}

/// Factor for buffers that are too large.
pub(super) fn penalty(machine: &Machine) -> f64 {
    let excess = [machine.accumulator_kb, machine.scratchpad_kb].map(|kb| (kb / LARGEST_KB).max(1.0));
    (excess[0] * excess[1]).powi(2)
}

fn size(shape: &Shape, dims: &[Dim]) -> f64 {
    dims.iter().map(|&dim| shape.sizes[dim as usize] as f64).product()
}

/// Words of all weights and inputs of a layer.
fn whole(shape: &Shape) -> f64 {
    let side = |out: Dim, tap: Dim| {
        let reach = |dim: Dim| (size(shape, &[dim]) - 1.0) * shape.slide(dim);
        reach(out) + reach(tap) + 1.0
    };
    let inputs = side(Dim::P, Dim::R) * side(Dim::Q, Dim::S) * size(shape, &[Dim::C, Dim::N]);
    size(shape, &[Dim::R, Dim::S, Dim::C, Dim::K]) + inputs
}
