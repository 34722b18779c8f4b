//! Bayesian optimisation: a Gaussian process over the hardware's genes predicts the logarithm of the cost; the next
//! machine is the one with the largest expected improvement (Jones, Schonlau, Welch 1998). On each machine the best of
//! some random mappings per layer counts, as in DOSA: 100 x 100 at a budget of 10 000, of which the last tenth goes to
//! mappings for the best machine.

use rayon::prelude::*;
use tandem_core::Stream;
use tandem_regression::Surrogate;

use super::genetic::random_point;
use super::{Draws, Tracker};

/// Machines drawn before the process is asked.
const FIRST: usize = 10;
/// Machines among which the expected improvement is maximised.
const CANDIDATES: usize = 1000;
/// Over whole points: points that the process remembers, evaluations between two fits, genes that a small step changes.
const MEMORY: usize = 150;
const BATCH: usize = 20;
const STEPS: f64 = 3.0;

/// Searches until the budget is spent; over whole points where layers cannot be judged one by one.
pub fn search(tracker: &mut Tracker, seed: u64) {
    if !tracker.space().separable() {
        return whole_points(tracker, seed);
    }
    let draws = (tracker.budget() as f64).sqrt().round().max(1.0) as u64;
    let last = tracker.budget() / 10;
    let mut stream = Stream::new(seed, "search-bayes-machines", 0);
    let (mut places, mut costs): (Vec<Vec<f64>>, Vec<f64>) = (Vec::new(), Vec::new());
    let mut index = 0;
    while tracker.left() >= last + draws {
        let hardware = next(tracker, &places, &costs, &mut stream);
        let Some((cost, _)) = tracker.best_of_random(&hardware, draws, Draws::Even, (seed, "search-bayes", index))
        else {
            return;
        };
        places.push(hardware);
        costs.push(cost.ln());
        index += 1;
    }
    let best = (0..costs.len()).min_by(|&a, &b| costs[a].total_cmp(&costs[b]));
    if let Some(best) = best {
        let draws = tracker.left();
        tracker.best_of_random(&places[best], draws, Draws::Even, (seed, "search-bayes", index));
    }
}

/// The process sees all genes of the best [`MEMORY`] points (its effort grows with their cube). Candidates are random points
/// and small steps from the best one; those of greatest expected improvement are evaluated, [`BATCH`] at a time.
fn whole_points(tracker: &mut Tracker, seed: u64) {
    let space = tracker.space();
    let mut stream = Stream::new(seed, "search-bayes", 0);
    let mut known: Vec<(Vec<f64>, f64)> = Vec::new();
    while tracker.left() > 0 {
        let (places, values): (Vec<Vec<f64>>, Vec<f64>) = known.iter().cloned().unzip();
        let process = match places.len() {
            0..FIRST => None,
            _ => Surrogate::fit(&places, &values),
        };
        let mut candidates: Vec<Vec<f64>> = Vec::new();
        for at in 0..CANDIDATES {
            let mut point = random_point(space, &mut stream);
            if let Some((best, _)) = known.first().filter(|_| at % 2 == 0) {
                for (gene, own) in point.iter_mut().zip(best) {
                    if stream.unit() > STEPS / best.len() as f64 {
                        *gene = *own;
                    }
                }
            }
            candidates.push(point);
        }
        if let Some(process) = process {
            let gain = |point: &Vec<f64>| process.expected_improvement(point);
            let gains: Vec<f64> = candidates.par_iter().map(gain).collect();
            let mut order: Vec<usize> = (0..gains.len()).collect();
            order.sort_by(|&a, &b| gains[b].total_cmp(&gains[a]).then(a.cmp(&b)));
            candidates = order.into_iter().map(|at| candidates[at].clone()).collect();
        }
        candidates.truncate(BATCH);
        let costs = tracker.costs(&candidates);
        let new = candidates.into_iter().zip(costs);
        known.extend(new.map(|(point, (cost, _))| (point, cost.ln())));
        known.sort_by(|a, b| a.1.total_cmp(&b.1));
        known.truncate(MEMORY);
    }
}

fn next(tracker: &Tracker, places: &[Vec<f64>], costs: &[f64], stream: &mut Stream) -> Vec<f64> {
    let draw = |stream: &mut Stream| {
        let mut hardware = vec![0.0; tracker.space().hardware()];
        tracker.space().draw_hardware(stream, &mut hardware);
        hardware
    };
    let process = if places.len() < FIRST {
        None
    } else {
        Surrogate::fit(places, costs)
    };
    let Some(process) = process else {
        return draw(stream);
    };
    let mut best = (f64::NEG_INFINITY, Vec::new());
    for _ in 0..CANDIDATES {
        let hardware = draw(stream);
        let gain = process.expected_improvement(&hardware);
        if gain > best.0 {
            best = (gain, hardware);
        }
    }
    best.1
}
