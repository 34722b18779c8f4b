use super::*;
use crate::testing::median;
use tandem_accelerator::space::{Confuciux, Gemmini, Goal};
use tandem_accelerator::zoo;

fn gemmini() -> Gemmini {
    Gemmini::new(&zoo::named("resnet18").unwrap()).unwrap()
}

fn run(space: &dyn SearchSpace, method: &Method, budget: u64, seed: u64) -> (Outcome, f64) {
    let mut watch = |_: f64, _: f64| true;
    let mut tracker = Tracker::new(space, budget, &mut watch);
    (method.search)(&mut tracker, seed);
    let spent = tracker.spent();
    (tracker.finish(), spent)
}

#[test]
fn every_method_keeps_to_its_budget_and_repeats_itself() {
    let space = gemmini();
    for method in &METHODS {
        let (outcome, spent) = run(&space, method, 60, 3);
        assert!(spent <= 60.0 && spent > 50.0, "{}: {spent}", method.name);
        assert!(outcome.cost.is_finite() && outcome.cost > space.floor());
        // the cost is that of the point
        let again = space.cost(&outcome.point, &mut []);
        assert_eq!(again, outcome.cost, "{}", method.name);
        assert!(outcome.history.windows(2).all(|w| w[1].1 <= w[0].1));
        assert_eq!(outcome, run(&space, method, 60, 3).0, "{}", method.name);
    }
}

#[test]
fn a_search_ends_when_asked_to() {
    let space = gemmini();
    for method in &METHODS {
        let mut watch = |spent: f64, _: f64| spent < 200.0;
        let mut tracker = Tracker::new(&space, 100_000, &mut watch);
        (method.search)(&mut tracker, 0);
        assert!(tracker.stopped() && tracker.spent() < 20_000.0, "{}", method.name);
    }
}

/// Costs that a method reaches from these seeds, and the median over them.
fn costs(space: &dyn SearchSpace, name: &str, budget: u64, seeds: u64) -> (Vec<f64>, f64) {
    let method = METHODS.iter().find(|method| method.name == name).unwrap();
    let cost = |seed| run(space, method, budget, seed).0.cost;
    let costs: Vec<f64> = (0..seeds).map(cost).collect();
    let middle = median(costs.iter().copied());
    (costs, middle)
}

/// Seed by seed, from the same number of evaluations. Measured: 0.13 to 0.46 of random search's cost.
#[test]
fn the_learnt_policy_beats_random_search() {
    let space = gemmini();
    let (learnt, _) = costs(&space, "proxy-policy", 600, 5);
    let (random, _) = costs(&space, "random", 600, 5);
    let ratio = median(learnt.iter().zip(&random).map(|(l, r)| l / r));
    assert!(ratio < 0.8, "{learnt:?} {random:?}");
}

/// Measured: the optimum itself, in three of three.
#[test]
fn the_learnt_policy_finds_the_optimum_of_independent_layers() {
    let space = Confuciux::new(&zoo::named("resnet18").unwrap(), Goal::Latency, 0.5).unwrap();
    let (costs, middle) = costs(&space, "proxy-policy", 2000, 3);
    assert!(middle < 1.02 * space.floor(), "{costs:?}");
}

/// Measured: 0.02 to 0.08 % above.
#[test]
fn the_learnt_policy_comes_near_the_optimum_of_layers_that_share_a_limit() {
    let space = Confuciux::new(&zoo::named("resnet18").unwrap(), Goal::Latency, 0.05).unwrap();
    let (costs, middle) = costs(&space, "proxy-policy", 2000, 5);
    assert!(middle < 1.02 * space.floor(), "{costs:?}");
    assert!(costs.iter().all(|cost| *cost < 1.15 * space.floor()), "{costs:?}");
}
