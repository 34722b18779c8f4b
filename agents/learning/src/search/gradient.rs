//! Gradient descent on the relaxed cost, as DOSA does it: 7 starts share the budget; Adam on the genes, kept in their box; every
//! 500 steps the point is rounded, its choices are chosen anew, and the exact cost is taken. Starts are greedy mappings for
//! random machines (DOSA's come from CoSA, which needs a commercial solver).

use tandem_core::Stream;
use tandem_core::search::gene_of;

use super::Tracker;
use super::tracker::greedy_start;

/// Starts.
pub const STARTS: u64 = 7;
/// Steps between two roundings.
const ROUND: u64 = 500;
/// Adam's step size, in genes.
const RATE: f64 = 0.003;

/// Searches until the budget is spent.
pub fn search(tracker: &mut Tracker, seed: u64) {
    let space = tracker.space();
    let mut stream = Stream::new(seed, "search-gradient", 0);
    let per_start = tracker.budget() / STARTS;
    let rounds = per_start.div_ceil(ROUND).max(1);
    // a round ends with one exact evaluation and one for each option of each choice
    let exact = 1 + space.choices().iter().sum::<usize>() as u64;
    let steps = (per_start / rounds).saturating_sub(exact);
    while tracker.left() > 0 {
        let mut point = greedy_start(space, &mut stream);
        tracker.costs(std::slice::from_ref(&point));
        for _ in 0..rounds {
            descend(tracker, &mut point, steps);
            space.settle(&mut point);
            choose(tracker, &mut point);
            tracker.costs(std::slice::from_ref(&point));
        }
    }
}

fn descend(tracker: &mut Tracker, point: &mut [f64], steps: u64) {
    let mut adam = Descent::new(point.len());
    for _ in 0..steps {
        let found = tracker.relaxed(&[point.to_vec()]);
        let Some((_, gradient)) = found.first() else {
            return;
        };
        adam.step(point, gradient, RATE);
    }
}

/// Adam (Kingma and Ba 2015) within the unit box.
#[derive(Clone, Debug)]
pub(super) struct Descent {
    moments: Vec<[f64; 2]>,
    steps: i32,
}

impl Descent {
    /// For this many genes.
    pub(super) fn new(genes: usize) -> Self {
        Self {
            moments: vec![[0.0; 2]; genes],
            steps: 0,
        }
    }

    /// One step down.
    pub(super) fn step(&mut self, genes: &mut [f64], gradient: &[f64], rate: f64) {
        self.steps += 1;
        let warm = [0.9_f64, 0.999].map(|b| 1.0 - b.powi(self.steps));
        for ((gene, moments), &slope) in genes.iter_mut().zip(&mut self.moments).zip(gradient) {
            moments[0] += 0.1 * (slope - moments[0]);
            moments[1] += 0.001 * (slope * slope - moments[1]);
            let size = (moments[1] / warm[1]).sqrt() + 1e-8;
            *gene = (*gene - rate * moments[0] / warm[0] / size).clamp(0.0, 1.0);
        }
    }
}

/// Gives each layer, choice by choice, the option with which the whole costs least.
pub(super) fn choose(tracker: &mut Tracker, point: &mut [f64]) {
    let space = tracker.space();
    for (gene, &options) in space.choices().iter().enumerate() {
        if options == 0 {
            continue;
        }
        let trials = (0..space.layers()).map(|layer| {
            let trial = |option| {
                let mut mapping = point[space.range(layer)].to_vec();
                mapping[gene] = gene_of(option, options);
                mapping
            };
            (0..options).map(trial).collect()
        });
        let trials: Vec<Vec<Vec<f64>>> = trials.collect();
        tracker.substitute(point, &trials);
    }
}
