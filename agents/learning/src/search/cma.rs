//! CMA-ES over all genes at once, from the best of some greedy points.

use tandem_core::Stream;

use super::Tracker;
use super::tracker::greedy_start;
use crate::cma_es::CmaEs;

/// Greedy points among which the start is the best.
const STARTS: u64 = 7;
/// First step size, in genes.
const STEP: f64 = 0.15;
/// Points a generation, in a budget that allows ten generations at least. More than the tutorial's default (about 22 for
/// 460 genes), since a generation's decomposition costs far more than its points.
const POPULATION: u64 = 200;

/// Searches until the budget is spent.
pub fn search(tracker: &mut Tracker, seed: u64) {
    let mut stream = Stream::new(seed, "search-cma", 0);
    let starts: Vec<Vec<f64>> = (0..STARTS)
        .map(|_| greedy_start(tracker.space(), &mut stream))
        .collect();
    let costs = tracker.costs(&starts);
    let Some((start, _)) = starts.iter().zip(&costs).min_by(|a, b| a.1.0.total_cmp(&b.1.0)) else {
        return;
    };
    // the box of CMA-ES is around zero
    let centred: Vec<f64> = start.iter().map(|gene| gene - 0.5).collect();
    let population = POPULATION.min(tracker.budget() / 10) as usize;
    let mut strategy = CmaEs::new(&centred, STEP, population, 0.5);
    while tracker.left() > 0 {
        let mut points = strategy.ask(&mut stream);
        for point in &mut points {
            point.iter_mut().for_each(|gene| *gene += 0.5);
        }
        let found = tracker.costs(&points);
        let costs: Vec<f64> = found.iter().map(|(cost, _)| cost.ln()).collect();
        strategy.tell(&costs);
    }
}
