//! Small layers against full enumeration: every split of every loop, every order of every level, through the machine's
//! own model.

use super::super::{Metric, front, optimum};
use crate::loopnest::{Counting, Dim, Loop, Machine, Mapping, Rule, Shape, bank_words, scratchpad_words};
use tandem_core::stream::Stream;

/// Layers that are drawn.
const LAYERS: usize = 1100;
/// Mappings of a layer that are looked at at most; layers with more are drawn again. (With 40 000 it holds as well, and
/// takes ten times as long.)
const MOST: usize = 6_000;

/// Walks through all mappings of a layer.
struct Every<'a> {
    shape: &'a Shape,
    side: u64,
    most: usize,
    seen: usize,
    visit: &'a mut dyn FnMut(&Mapping),
}

/// Calls `visit` with every mapping of a layer on an array of `side` x `side` cells; how many there are, or one more than
/// `most` where there are more.
pub(super) fn every_mapping(shape: &Shape, side: u64, most: usize, visit: &mut dyn FnMut(&Mapping)) -> usize {
    let mut every = Every {
        shape,
        side,
        most,
        seen: 0,
        visit,
    };
    let levels = Default::default();
    every.split(0, &mut Mapping { levels });
    every.seen
}

/// Where a loop may run: in time at a level, or in space.
fn places(dim: Dim) -> &'static [(usize, bool)] {
    match dim {
        Dim::P | Dim::Q | Dim::N => &[(0, false), (1, false), (2, false), (3, false)],
        Dim::R | Dim::S => &[(1, false), (2, false), (3, false)],
        Dim::C => &[(1, true), (1, false), (2, false), (3, false)],
        Dim::K => &[(2, true), (1, false), (2, false), (3, false)],
    }
}

impl Every<'_> {
    /// Splits the loops from the one at `at` on, in all ways.
    fn split(&mut self, at: usize, mapping: &mut Mapping) {
        match Dim::ALL.get(at) {
            Some(&dim) => self.factors(at, places(dim), self.shape.sizes[at], mapping),
            None => self.order(0, mapping),
        }
    }

    fn factors(&mut self, at: usize, places: &[(usize, bool)], rest: u64, mapping: &mut Mapping) {
        let Some((&(level, spatial), others)) = places.split_first() else {
            if rest == 1 {
                self.split(at + 1, mapping);
            }
            return;
        };
        let most = if spatial { self.side } else { u64::MAX };
        for factor in (1..=rest).filter(|f| rest.is_multiple_of(*f) && *f <= most) {
            if factor > 1 {
                let dim = Dim::ALL[at];
                mapping.levels[level].push(Loop { dim, factor, spatial });
            }
            self.factors(at, others, rest / factor, mapping);
            if factor > 1 {
                mapping.levels[level].pop();
            }
        }
    }

    /// Orders the loops of the levels from `level` on in all ways.
    fn order(&mut self, level: usize, mapping: &mut Mapping) {
        if level == 4 {
            self.seen += 1;
            return (self.visit)(mapping);
        }
        self.permute(level, 0, mapping);
    }

    fn permute(&mut self, level: usize, from: usize, mapping: &mut Mapping) {
        if self.seen > self.most {
            return;
        }
        // the order at the registers decides nothing
        if level == 0 || from + 1 >= mapping.levels[level].len() {
            return self.order(level + 1, mapping);
        }
        for at in from..mapping.levels[level].len() {
            mapping.levels[level].swap(from, at);
            self.permute(level, from + 1, mapping);
            mapping.levels[level].swap(from, at);
        }
    }
}

/// Energy and cycles of all mappings that fit; `None` where there are too many.
fn all(shape: &Shape, machine: &Machine, counting: &Counting) -> Option<Vec<(f64, f64)>> {
    let mut costs = Vec::new();
    let seen = every_mapping(shape, machine.side, MOST, &mut |mapping| {
        let bank = 4.0 * bank_words(mapping) * machine.side as f64;
        let scratchpad = scratchpad_words(shape, mapping);
        if bank <= 1024.0 * machine.accumulator_kb && scratchpad <= 1024.0 * machine.scratchpad_kb {
            let cost = machine.cost_counted(shape, mapping, counting).unwrap();
            costs.push((machine.picojoules(&cost.accesses), cost.cycles));
        }
    });
    (seen <= MOST).then_some(costs)
}

/// A random layer of one of the kinds: plain, strided, dilated, batched, depthwise.
fn draw_layer(stream: &mut Stream) -> Shape {
    let mut pick = |sizes: &[u64]| sizes[stream.below(sizes.len())];
    let [p, q] = [pick(&[1, 2, 3, 4, 6]), pick(&[1, 1, 2, 3, 4])];
    let [r, s] = [pick(&[1, 1, 2, 3]), pick(&[1, 1, 2, 3])];
    let n = pick(&[1, 1, 1, 2, 3]);
    let [c, k] = match pick(&[0, 1, 2]) {
        0 => [1, 1],
        _ => [pick(&[1, 2, 3, 4, 6]), pick(&[1, 2, 3, 4])],
    };
    Shape {
        sizes: [r, s, p, q, c, k, n],
        stride: [pick(&[1, 1, 2, 3]), pick(&[1, 1, 2])],
        dilation: [pick(&[1, 1, 1, 2]), pick(&[1, 1, 1, 3])],
    }
}

fn draw_machine(stream: &mut Stream) -> Machine {
    let side = 1 + stream.below(4) as u64;
    let bank = [1, 2, 3, 4, 6, 8, 16][stream.below(7)];
    let words = [2, 4, 8, 12, 20, 30, 50, 80][stream.below(8)];
    Machine {
        side,
        accumulator_kb: (4 * bank * side) as f64 / 1024.0,
        scratchpad_kb: f64::from(words) / 1024.0,
    }
}

/// Those that none beats, by rising energy.
fn undominated(costs: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let mut sorted = costs.to_vec();
    sorted.sort_by(|a, b| a.partial_cmp(b).unwrap());
    let mut front: Vec<(f64, f64)> = Vec::new();
    for point in sorted {
        if front.last().is_none_or(|last| point.1 < last.1) {
            front.push(point);
        }
    }
    front
}

#[test]
fn no_mapping_of_small_layers_beats_the_optimum_and_it_is_one_of_them() {
    let mut stream = Stream::new(0, "mapper", 0);
    let (mut layers, mut kinds) = (0, [0; 4]); // how many are depthwise, batched, strided, large
    while layers < LAYERS {
        let (shape, machine) = (draw_layer(&mut stream), draw_machine(&mut stream));
        let rule = [Rule::Timeloop, Rule::Hierarchy][layers % 2];
        let counting = &Counting::new(rule, [1.0, 64.0, 4.0][layers % 3]);
        let Some(costs) = all(&shape, &machine, counting) else {
            continue;
        };
        layers += 1;
        let [.., c, k, n] = shape.sizes;
        for (count, is) in kinds
            .iter_mut()
            .zip([c * k == 1, n > 1, shape.stride != [1; 2], costs.len() > 1000])
        {
            *count += usize::from(is);
        }
        let what = format!("{shape:?} {machine:?} {counting:?}");
        for (metric, key) in [
            (
                Metric::Energy,
                (|(pj, cycles)| [pj, cycles]) as fn((f64, f64)) -> [f64; 2],
            ),
            (Metric::Cycles, |(pj, cycles)| [cycles, pj]),
            (Metric::Edp, |(pj, cycles)| [pj * cycles, pj]),
        ] {
            let answer = optimum(&shape, &machine, counting, metric, &|| false).unwrap();
            let least = costs
                .iter()
                .map(|&cost| key(cost))
                .min_by(|a, b| a.partial_cmp(b).unwrap())
                .unwrap();
            let found = (answer.found.picojoules, answer.found.cycles);
            assert_eq!(key(found), least, "{metric:?} {} {what}", answer.found.mapping);
            assert!(answer.proved);
            let fits = bank_words(&answer.found.mapping) * 4.0 * machine.side as f64 <= 1024.0 * machine.accumulator_kb
                && scratchpad_words(&shape, &answer.found.mapping) <= 1024.0 * machine.scratchpad_kb;
            assert!(fits, "{what}");
        }
        let answer = front(&shape, &machine, counting, &|| false).unwrap();
        let found: Vec<(f64, f64)> = answer.found.iter().map(|one| (one.picojoules, one.cycles)).collect();
        assert_eq!(found, undominated(&costs), "{what}");
    }
    let [depthwise, batched, strided, large] = kinds;
    assert!(
        depthwise > 200 && batched > 200 && strided > 400 && large > 50,
        "{kinds:?}"
    );
}
