//! A genetic algorithm: a population that starts from greedy and random points; parents by tournament, layers taken
//! from one parent or the other, some genes changed; the best one stays.

use tandem_core::Stream;

use super::tracker::greedy_start;
use super::{SearchSpace, Tracker};

/// Individuals, in a budget that allows ten generations at least.
const POPULATION: u64 = 100;
/// Individuals of the first generation that are greedy.
const GREEDY: usize = 7;
/// Individuals among which a parent is the best.
const TOURNAMENT: usize = 3;
/// Genes that change in a child, on average.
const CHANGES: f64 = 3.0;
/// Standard deviation of a changed gene.
const STEP: f64 = 0.15;
/// Share of changed genes that are drawn anew instead.
const FRESH: f64 = 0.3;

/// Searches until the budget is spent.
pub fn search(tracker: &mut Tracker, seed: u64) {
    let space = tracker.space();
    let mut stream = Stream::new(seed, "search-genetic", 0);
    let population = POPULATION.min(tracker.budget() / 10).max(4) as usize;
    let mut points: Vec<Vec<f64>> = (0..population)
        .map(|at| match at {
            0..GREEDY => greedy_start(space, &mut stream),
            _ => random_point(space, &mut stream),
        })
        .collect();
    let mut costs: Vec<f64> = only_costs(tracker, &points);
    while tracker.left() > 0 {
        let best = lowest(&costs, 0..costs.len());
        let mut children = vec![points[best].clone()];
        while children.len() < population {
            let parents = [0; 2].map(|_| {
                let rivals = (0..TOURNAMENT).map(|_| stream.below(costs.len()));
                lowest(&costs, rivals)
            });
            let [one, other] = parents.map(|at| &points[at]);
            children.push(child(space, one, other, &mut stream));
        }
        let known = costs[best];
        costs = only_costs(tracker, &children[1..]);
        costs.insert(0, known);
        points = children;
    }
}

fn only_costs(tracker: &mut Tracker, points: &[Vec<f64>]) -> Vec<f64> {
    let costs = tracker.costs(points);
    costs.into_iter().map(|(cost, _)| cost).collect()
}

fn lowest(costs: &[f64], among: impl Iterator<Item = usize>) -> usize {
    among.min_by(|&a, &b| costs[a].total_cmp(&costs[b])).unwrap_or(0)
}

/// A point with random hardware and random mappings that fit it.
pub(super) fn random_point(space: &dyn SearchSpace, stream: &mut Stream) -> Vec<f64> {
    let mut point = vec![0.0; space.dimensions()];
    space.draw_hardware(stream, &mut point[..space.hardware()]);
    let hardware = point[..space.hardware()].to_vec();
    for layer in 0..space.layers() {
        let range = space.range(layer);
        space.draw_mapping(&hardware, layer, stream, &mut point[range]);
    }
    point
}

fn child(space: &dyn SearchSpace, one: &[f64], other: &[f64], stream: &mut Stream) -> Vec<f64> {
    let mut child = one.to_vec();
    let mut take = |range: std::ops::Range<usize>, stream: &mut Stream| {
        if stream.unit() < 0.5 {
            child[range.clone()].copy_from_slice(&other[range]);
        }
    };
    take(0..space.hardware(), stream);
    for layer in 0..space.layers() {
        take(space.range(layer), stream);
    }
    let rate = CHANGES / child.len() as f64;
    for (at, gene) in child.iter_mut().enumerate() {
        if stream.unit() < rate {
            let layered = at.checked_sub(space.hardware());
            let choice = layered.is_some_and(|at| space.choices()[at % space.width()] > 0);
            *gene = if choice || stream.unit() < FRESH {
                stream.unit()
            } else {
                (*gene + STEP * stream.normal()).clamp(0.0, 1.0)
            };
        }
    }
    child
}
