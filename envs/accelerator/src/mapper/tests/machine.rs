//! The best machine against all pairs of mappings of two small layers.

use super::super::machine::penalty;
use super::super::{BestMachine, MachineSearch};
use super::enumeration::every_mapping;
use crate::loopnest::{Counting, Machine, Shape};
use crate::space::split::LONGEST_SIDE;
use crate::space::{Work, workload};
use crate::zoo;
use tandem_core::stream::Stream;

fn run(works: &[Work]) -> BestMachine {
    let mut search = MachineSearch::new(works, Counting::default()).unwrap();
    while search.step().unwrap() {}
    assert_eq!(search.gap(), 0.0);
    search.best().unwrap().clone()
}

/// The least cost of two layers over all pairs of mappings, each pair on its smallest machine.
fn least(works: &[Work]) -> f64 {
    let all = works.iter().map(|work| {
        let mut all = Vec::new();
        every_mapping(&work.shape, LONGEST_SIDE, usize::MAX, &mut |mapping| {
            all.push(mapping.clone())
        });
        all
    });
    let all: Vec<Vec<_>> = all.collect();
    let mut least = f64::INFINITY;
    for a in &all[0] {
        for b in &all[1] {
            let pair = [(&works[0].shape, a), (&works[1].shape, b)];
            let machine = Machine::smallest(pair).unwrap();
            let costs = pair.map(|(shape, mapping)| machine.cost(shape, mapping).unwrap());
            let sum = |of: &dyn Fn(usize) -> f64| works[0].count as f64 * of(0) + works[1].count as f64 * of(1);
            let joules = sum(&|at| 1e-12 * machine.picojoules(&costs[at].accesses));
            least = least.min(joules * sum(&|at| costs[at].cycles) * penalty(&machine));
        }
    }
    least
}

#[test]
fn no_pair_of_mappings_has_a_better_machine() {
    let mut stream = Stream::new(0, "machine", 0);
    let mut tried = 0;
    while tried < 60 {
        let works: Vec<Work> = (0..2)
            .map(|at| {
                let mut pick = |sizes: &[u64]| sizes[stream.below(sizes.len())];
                let sizes = [
                    pick(&[1, 1, 2]),
                    1,
                    pick(&[1, 2, 3, 4]),
                    pick(&[1, 2]),
                    pick(&[1, 2, 3]),
                    pick(&[1, 2, 3]),
                    1,
                ];
                Work {
                    name: at.to_string(),
                    shape: Shape {
                        sizes,
                        stride: [1; 2],
                        dilation: [1; 2],
                    },
                    count: pick(&[1, 2, 5]),
                }
            })
            .collect();
        let count = |work: &Work| every_mapping(&work.shape, LONGEST_SIDE, 1000, &mut |_| {});
        if works.iter().any(|work| count(work) > 400) {
            continue;
        }
        tried += 1;
        let (found, least) = (run(&works).cost, least(&works));
        assert!((found / least - 1.0).abs() < 1e-12, "{found} {least} {works:?}");
    }
}

#[test]
fn a_search_that_is_stopped_ends_as_one_that_is_not() {
    let works = workload(&zoo::named("resnet18").unwrap()).unwrap();
    let whole = run(&works);
    let mut first = MachineSearch::new(&works, Counting::default()).unwrap();
    for _ in 0..5 {
        assert!(first.step().unwrap());
    }
    assert!(first.gap() > 0.0 && first.floor() < whole.cost);
    let text = serde_json::to_string(first.open()).unwrap();
    let mut second = MachineSearch::new(&works, Counting::default()).unwrap();
    let open = serde_json::from_str(&text).unwrap();
    second
        .resume(open, &first.best().unwrap().machine, first.bounded)
        .unwrap();
    while second.step().unwrap() {}
    assert!((second.best().unwrap().cost / whole.cost - 1.0).abs() < 1e-12);
    assert_eq!(second.gap(), 0.0);
}
