use super::*;
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
        assert!(
            tracker.stopped() && tracker.spent() < 20_000.0,
            "{}",
            method.name
        );
    }
}

#[test]
fn the_learnt_policy_beats_random_search() {
    let space = gemmini();
    let cost = |name: &str| {
        let method = METHODS.iter().find(|method| method.name == name).unwrap();
        run(&space, method, 600, 0).0.cost
    };
    assert!(cost("proxy-policy") < 0.8 * cost("random"));
}

#[test]
fn the_learnt_policy_finds_the_optimum_of_independent_layers() {
    let space = Confuciux::new(&zoo::named("resnet18").unwrap(), Goal::Latency, 0.5).unwrap();
    let method = METHODS.iter().find(|m| m.name == "proxy-policy").unwrap();
    let (outcome, _) = run(&space, method, 2000, 0);
    assert!(outcome.cost < 1.02 * space.floor(), "{}", outcome.cost);
}

#[test]
fn the_learnt_policy_comes_near_the_optimum_of_layers_that_share_a_limit() {
    let space = Confuciux::new(&zoo::named("resnet18").unwrap(), Goal::Latency, 0.05).unwrap();
    let method = METHODS.iter().find(|m| m.name == "proxy-policy").unwrap();
    let (outcome, _) = run(&space, method, 2000, 10);
    assert!(outcome.cost < 1.02 * space.floor(), "{}", outcome.cost);
}
