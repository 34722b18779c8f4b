//! Tandem's way: a policy that maps layer after layer and the machine itself learn through the relaxed cost; then the
//! machine is frozen, and the policy is tuned on the exact cost. The same two phases as the trainer's, again and again.
//!
//! **Joint phase.** Policy and machine descend the relaxed cost of what the policy says. What comes out is rounded, the
//! machine becomes the smallest that fits, choices are set by the exact cost.
//!
//! **Tuning.** The policy proposes mappings layer by layer. Each is judged by the exact cost of the best point with that
//! layer replaced. The policy follows the score function, and the best point found.
//!
//! Eight machines start; after a round of both phases the worse half is dropped; the last one gets what is left of the
//! budget. A round that ends worse than it began is forgotten. Where layers share a limit, the limit gets a price instead
//! (`limit`).

use tandem_core::Stream;

use super::Tracker;
use super::gradient::{choose, step_down};
use super::limit;
use super::mapper::Mapper;
use super::reinforce::add_slopes;
use super::tracker::greedy_start;
use crate::adam::PlainAdam;

/// Machines of the rounds before the last, and the share of the budget that each of them gets for the joint phase and for
/// tuning.
const ROUNDS: [(usize, f64, f64); 3] = [(8, 0.01, 0.006), (4, 0.015, 0.01), (2, 0.025, 0.025)];
/// The same for the rounds of the last machine, which are repeated.
const LAST: (f64, f64) = (0.03, 0.04);
/// Step sizes of Adam: machine (in genes), policy in the joint phase and in tuning.
const MACHINE_RATE: f64 = 0.005;
const JOINT_RATE: f64 = 0.002;
const TUNE_RATE: f64 = 0.01;
/// Proposals per layer and update.
const BATCH: usize = 8;
/// How likely a gene moves, and how far, when tuning.
const NOISE: [f64; 2] = [0.2, 0.25];

/// Searches until the budget is spent.
pub fn search(tracker: &mut Tracker, seed: u64) {
    let space = tracker.space();
    let mut stream = Stream::new(seed, "search-proxy-policy", 0);
    if !space.separable() {
        return limit::search(tracker, &mut stream);
    }
    let points = (0..ROUNDS[0].0).map(|_| (greedy_start(space, &mut stream), f64::INFINITY));
    let mut points: Vec<(Vec<f64>, f64)> = points.collect();
    for (machines, joint, tune) in ROUNDS {
        points.truncate(machines);
        for point in &mut points {
            round(tracker, point, (joint, tune), &mut stream);
        }
        points.sort_by(|a, b| a.1.total_cmp(&b.1));
    }
    let Some(mut best) = points.into_iter().next() else {
        return;
    };
    while tracker.left() > 0 {
        round(tracker, &mut best, LAST, &mut stream);
    }
}

/// Both phases from a point; it changes if it becomes better.
fn round(
    tracker: &mut Tracker,
    (point, cost): &mut (Vec<f64>, f64),
    (joint_share, tune_share): (f64, f64),
    stream: &mut Stream,
) {
    let evaluations = |share: f64| (share * tracker.budget() as f64).ceil() as u64;
    let (steps, tuned) = (evaluations(joint_share), evaluations(tune_share));
    let mut mapper = Mapper::new(tracker.space(), stream);
    let mut found = joint(tracker, &mut mapper, point, steps);
    let end = tracker.left().saturating_sub(tuned);
    tune(tracker, &mut mapper, point, &mut found, end, stream);
    let now = tracker.assemble(&found);
    if now < *cost {
        (*point, *cost) = (found, now);
    }
}

/// Policy and machine descend together; gives what comes out, rounded.
fn joint(tracker: &mut Tracker, mapper: &mut Mapper, start: &[f64], steps: u64) -> Vec<f64> {
    let space = tracker.space();
    let mut hardware = start[..space.hardware()].to_vec();
    let mut adam = PlainAdam::new(hardware.len());
    for _ in 0..steps {
        let point = mapper.mean(&mapper.outputs(start, &hardware));
        let found = tracker.relaxed(&[point]);
        let Some((_, gradient)) = found.first() else {
            break; // the budget is spent, or there is no relaxed form
        };
        let slopes = mapper.by_outputs(gradient);
        mapper.descend(&[(hardware.clone(), slopes)], JOINT_RATE);
        step_down(&mut adam, &mut hardware, &gradient[..space.hardware()], MACHINE_RATE);
    }
    let mut point = mapper.mean(&mapper.outputs(start, &hardware));
    space.settle(&mut point);
    tracker.costs(std::slice::from_ref(&point));
    choose(tracker, &mut point);
    point
}

/// The policy learns on the exact cost, around the best point, until so many evaluations are left.
fn tune(tracker: &mut Tracker, mapper: &mut Mapper, start: &[f64], best: &mut [f64], end: u64, stream: &mut Stream) {
    let space = tracker.space();
    let hardware = best[..space.hardware()].to_vec();
    let per_layer = mapper.outputs_per_layer();
    mapper.imitate(space, start, best);
    while tracker.left() > end {
        let outputs = mapper.outputs(start, &hardware);
        let draws: Vec<Vec<_>> = (0..space.layers())
            .map(|layer| {
                (0..BATCH)
                    .map(|_| mapper.draw(&outputs, layer, NOISE, stream))
                    .collect()
            })
            .collect();
        let trials: Vec<Vec<Vec<f64>>> = draws
            .iter()
            .map(|layer| layer.iter().map(|draw| draw.mapping.clone()).collect())
            .collect();
        let costs = tracker.substitute(best, &trials);
        if costs.is_empty() {
            return;
        }
        let mut slopes = vec![0.0; space.layers() * per_layer];
        let layers = draws.iter().zip(&costs);
        for (slopes, (draws, costs)) in slopes.chunks_exact_mut(per_layer).zip(layers) {
            add_slopes(slopes, costs, draws.iter().map(|draw| &*draw.score), BATCH);
        }
        mapper.descend(&[(hardware.clone(), slopes)], TUNE_RATE);
        mapper.imitate(space, start, best);
    }
}
