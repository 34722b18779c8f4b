//! Gradient descent on the relaxed cost, as DOSA does it: 7 starts share the budget; Adam on the genes, kept in their box; every
//! 500 steps the point is rounded, its choices are chosen anew, and the exact cost is taken. Starts are greedy mappings for
//! random machines (DOSA's come from CoSA, which needs a commercial solver).

use tandem_core::Stream;
use tandem_core::search::gene_of;

use super::Tracker;
use super::tracker::greedy_start;
use crate::adam::PlainAdam;

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
    let mut adam = PlainAdam::new(point.len());
    for _ in 0..steps {
        let found = tracker.relaxed(&[point.to_vec()]);
        let Some((_, gradient)) = found.first() else {
            return;
        };
        step_down(&mut adam, point, gradient, RATE);
    }
}

/// One step down, within the unit box.
pub(super) fn step_down(adam: &mut PlainAdam, genes: &mut [f64], gradient: &[f64], rate: f64) {
    for (gene, step) in genes.iter_mut().zip(adam.step(gradient, rate)) {
        *gene = (*gene - step).clamp(0.0, 1.0);
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
