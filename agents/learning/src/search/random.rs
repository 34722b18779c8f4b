//! Random search as DOSA does it: 10 machines; on each, for every layer, the best of the budget's tenth of random
//! mappings that fit. Where layers cannot be judged one by one, points are drawn whole.

use tandem_core::Stream;

use super::genetic::random_point;
use super::{Draws, Tracker};

/// Machines that are tried.
const MACHINES: u64 = 10;
/// Whole points at a time.
const BLOCK: u64 = 100;

/// Searches until the budget is spent, with mappings drawn evenly from the space that all methods see.
pub fn search(tracker: &mut Tracker, seed: u64) {
    run(tracker, seed, Draws::Even);
}

/// The same with mappings as published random searches draw them.
pub fn search_published(tracker: &mut Tracker, seed: u64) {
    run(tracker, seed, Draws::Published);
}

fn run(tracker: &mut Tracker, seed: u64, draw: Draws) {
    if !tracker.space().separable() {
        return whole_points(tracker, seed);
    }
    let draws = (tracker.budget() / MACHINES).max(1);
    let mut stream = Stream::new(seed, "search-random-machines", 0);
    let mut hardware = vec![0.0; tracker.space().hardware()];
    for index in 0.. {
        tracker.space().draw_hardware(&mut stream, &mut hardware);
        let named = (seed, "search-random", index);
        if tracker.best_of_random(&hardware, draws, draw, named).is_none() {
            return;
        }
    }
}

fn whole_points(tracker: &mut Tracker, seed: u64) {
    let mut stream = Stream::new(seed, "search-random", 0);
    while tracker.left() > 0 {
        let draw = |_| random_point(tracker.space(), &mut stream);
        let points: Vec<Vec<f64>> = (0..BLOCK).map(draw).collect();
        tracker.costs(&points);
    }
}
