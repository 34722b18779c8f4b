//! Layers of usual size: the search by bound against one that opens every tile.

use super::super::keep::{Best, Keep, Point};
use super::super::loops::Loops;
use super::super::search::{Search, Target};
use super::super::{Metric, optimum};
use crate::loopnest::{Counting, Machine, Rule, Shape};
use tandem_core::stream::Stream;

/// Keeps the best, but wants to see everything.
struct Curious(Best);

impl Keep for Curious {
    fn key(&self, picojoules: f64, cycles: f64) -> [f64; 2] {
        self.0.key(picojoules, cycles)
    }
    fn wants(&self, _: f64, _: f64) -> bool {
        true
    }
    fn take(&mut self, point: Point) {
        if self.0.wants(point.picojoules, point.cycles) {
            self.0.take(point);
        }
    }
    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

fn draw_layer(stream: &mut Stream) -> Shape {
    let mut pick = |sizes: &[u64]| sizes[stream.below(sizes.len())];
    let kernel = [1, 1, 2, 3, 5];
    Shape {
        sizes: [
            pick(&kernel),
            pick(&kernel),
            pick(&[7, 14, 30, 56]),
            pick(&[1, 7, 14, 28]),
            pick(&[1, 3, 48, 96, 256]),
            pick(&[1, 10, 64, 120, 512]),
            pick(&[1, 1, 2, 4]),
        ],
        stride: [pick(&[1, 1, 2, 4]), pick(&[1, 1, 2])],
        dilation: [pick(&[1, 1, 2]), pick(&[1, 1, 6])],
    }
}

#[test]
fn bounds_cut_off_nothing_that_is_better() {
    let mut stream = Stream::new(0, "bounds", 0);
    let (mut opened, mut all) = (0, 0);
    for at in 0..120 {
        let shape = draw_layer(&mut stream);
        let side = [1, 4, 16, 64][stream.below(4)];
        let machine = Machine {
            side,
            accumulator_kb: side as f64 * [0.004, 0.06, 0.5, 4.0][stream.below(4)],
            scratchpad_kb: [0.5, 8.0, 64.0, 512.0][stream.below(4)],
        };
        let rule = [Rule::Timeloop, Rule::Timeloop, Rule::Hierarchy][at % 3];
        let counting = Counting::new(rule, [64.0, 1.0][at % 2]);
        for metric in [Metric::Energy, Metric::Cycles, Metric::Edp] {
            let target = Target::new(&machine, &counting).unwrap();
            let loops = Loops::new(&shape).unwrap();
            let mut search = Search::new(&loops, &target, Curious(Best::new(metric)), &|| false);
            assert!(search.run());
            let best = search.keep.0.best.unwrap();
            let found = optimum(&shape, &machine, &counting, metric, &|| false).unwrap();
            let key = |picojoules, cycles| search.keep.key(picojoules, cycles);
            assert_eq!(
                key(found.found.picojoules, found.found.cycles),
                key(best.picojoules, best.cycles),
                "{metric:?} {shape:?} {machine:?} {counting:?}"
            );
            opened += found.opened;
            all += search.opened;
        }
    }
    assert!(5 * opened < all, "{opened} of {all}");
}
