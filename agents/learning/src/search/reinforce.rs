//! REINFORCE alone (Williams 1992; ConfuciuX's way): the policy draws whole points, each layer's reward is what it
//! contributes, the batch's mean is the baseline. No gradient of the cost is used.

use tandem_core::Stream;

use super::Tracker;
use super::mapper::Mapper;
use super::tracker::greedy_start;

/// Greedy points among which the start is the best.
const STARTS: u64 = 7;
/// Points drawn per update.
const BATCH: usize = 16;
/// How likely a gene moves, and how far.
const NOISE: [f64; 2] = [0.3, 0.2];
/// Adam's step size.
const RATE: f64 = 0.003;

/// Searches until the budget is spent.
pub fn search(tracker: &mut Tracker, seed: u64) {
    let space = tracker.space();
    let mut stream = Stream::new(seed, "search-reinforce", 0);
    let starts: Vec<Vec<f64>> = (0..STARTS).map(|_| greedy_start(space, &mut stream)).collect();
    let costs = tracker.costs(&starts);
    let best = (0..costs.len()).min_by(|&a, &b| costs[a].0.total_cmp(&costs[b].0));
    let Some(start) = best.map(|best| &starts[best]) else {
        return;
    };
    let hardware = &start[..space.hardware()];
    let mut mapper = Mapper::new(space, &mut stream);
    while tracker.left() > 0 {
        let outputs = mapper.outputs(start, hardware);
        let mut points = vec![hardware.to_vec(); BATCH];
        let mut scores = vec![Vec::new(); BATCH];
        for (point, scores) in points.iter_mut().zip(&mut scores) {
            for layer in 0..space.layers() {
                let draw = mapper.draw(&outputs, layer, NOISE, &mut stream);
                point.extend(draw.mapping);
                scores.extend(draw.score);
            }
        }
        let found = tracker.costs(&points);
        let mut slopes = vec![0.0; scores[0].len()];
        let per_layer = mapper.outputs_per_layer();
        for layer in 0..space.layers() {
            let costs: Vec<f64> = found.iter().map(|(_, parts)| parts[layer]).collect();
            let range = layer * per_layer..(layer + 1) * per_layer;
            let scores = scores.iter().map(|scores| &scores[range.clone()]);
            add_slopes(&mut slopes[range.clone()], &costs, scores, BATCH);
        }
        mapper.descend(&[(hardware.to_vec(), slopes)], RATE);
    }
}

/// Adds what a batch of mappings of one layer says, by the score function: the slopes of the expected cost by the layer's
/// outputs, from what each mapping cost and the slope of its log-likelihood.
pub(super) fn add_slopes<'a>(slopes: &mut [f32], costs: &[f64], scores: impl Iterator<Item = &'a [f32]>, batch: usize) {
    for (advantage, scores) in advantages(costs).iter().zip(scores) {
        for (slope, score) in slopes.iter_mut().zip(scores) {
            *slope -= advantage * score / batch as f32;
        }
    }
}

/// How much better each cost is than the others, in [-1, 1] by rank; 0 where all are equal.
fn advantages(costs: &[f64]) -> Vec<f32> {
    let n = costs.len();
    let better = |a: f64| {
        let ahead = costs.iter().filter(|&&b| a < b).count();
        let behind = costs.iter().filter(|&&b| a > b).count();
        ahead as f32 - behind as f32
    };
    costs.iter().map(|&cost| better(cost) / n.max(1) as f32).collect()
}
