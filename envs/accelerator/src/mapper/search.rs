//! Branch and bound over the scratchpad's tile.
//!
//! The tile's R, S, K and C fix rows, columns and the room that is left for inputs, and so bound all else; they are
//! opened from the least bound on. P, Q and N follow in nested loops as far as they fit.

use super::build::Choice;
use super::dram::{Dram, Lead, Tile};
use super::inside::Room;
use super::keep::{Keep, Point};
use super::loops::Loops;
use super::{MapError, Stop};
use crate::loopnest::{Counting, Dim, Fills, Machine};

/// Tiles that are opened between two questions whether to stop.
const PAUSE: u64 = 4096;

/// A machine: what mappings have to fit, and what they cost.
pub(super) struct Target<'a> {
    /// Prices; the array's side.
    pub machine: &'a Machine,
    pub counting: &'a Counting,
    /// Words of a bank of the accumulator, and of the scratchpad.
    pub bank_words: f64,
    pub scratchpad_words: f64,
}

impl<'a> Target<'a> {
    /// # Errors
    /// A machine that holds not even one word of each tensor.
    pub fn new(machine: &'a Machine, counting: &'a Counting) -> Result<Self, MapError> {
        let &Machine {
            side,
            accumulator_kb,
            scratchpad_kb,
        } = machine;
        let positive = |kb: f64| kb > 0.0 && kb.is_finite();
        if side == 0 || !positive(accumulator_kb) || !positive(scratchpad_kb) {
            return Err(MapError::Machine);
        }
        let bytes = 1024.0 * accumulator_kb / side as f64;
        // sizes that were computed from words come out whole
        let [bank_words, scratchpad_words] = [bytes / 4.0, 1024.0 * scratchpad_kb].map(|n| (n * (1.0 + 1e-9)).floor());
        if bank_words < 1.0 {
            return Err(MapError::Accumulator {
                kb: accumulator_kb,
                side,
                bytes,
                needed: 4.0 * side as f64 / 1024.0,
            });
        }
        if scratchpad_words < 2.0 {
            return Err(MapError::Scratchpad {
                kb: scratchpad_kb,
                words: 1024.0 * scratchpad_kb,
                needed: 2.0 / 1024.0,
            });
        }
        Ok(Self {
            machine,
            counting,
            bank_words,
            scratchpad_words,
        })
    }
}

/// A tile as far as weights go.
struct Branch {
    /// R, S, C and K of the tile; P, Q and N are open.
    extents: [u64; 7],
    spread: [u64; 2],
    /// Words that are left for inputs.
    left: f64,
    bound: [f64; 2],
}

/// A tile whose orders are tried.
struct Part {
    extents: [u64; 7],
    spread: [u64; 2],
    /// As if a bank could hold any number of pixels.
    rough: Room,
    /// P, Q and N that it really holds, once that is looked up.
    exact: Option<[u64; 3]>,
}

/// A search in progress.
pub(super) struct Search<'a, K> {
    loops: &'a Loops,
    target: &'a Target<'a>,
    stop: Stop<'a>,
    pub keep: K,
    pub opened: u64,
}

impl<'a, K: Keep> Search<'a, K> {
    pub fn new(loops: &'a Loops, target: &'a Target<'a>, keep: K, stop: Stop<'a>) -> Self {
        Self {
            loops,
            target,
            stop,
            keep,
            opened: 0,
        }
    }

    /// Opens all tiles that may hold something better; whether none is left.
    pub fn run(&mut self) -> bool {
        let loops = self.loops;
        let kernel = |dim: Dim| loops.divisors[dim as usize].iter().rev();
        for &r in kernel(Dim::R) {
            for &s in kernel(Dim::S) {
                let mut branches = self.branches(r, s);
                branches.sort_by(|a, b| {
                    a.bound[0]
                        .total_cmp(&b.bound[0])
                        .then(a.bound[1].total_cmp(&b.bound[1]))
                });
                for branch in branches {
                    if !self.open(&branch) {
                        return false;
                    }
                }
            }
        }
        true
    }

    /// All weight tiles with this part of the kernel that may hold something better.
    fn branches(&self, r: u64, s: u64) -> Vec<Branch> {
        let loops = self.loops;
        let mut branches = Vec::new();
        for &c in &loops.divisors[Dim::C as usize] {
            for &k in &loops.divisors[Dim::K as usize] {
                let mut extents = [1; 7];
                for (dim, part) in [(Dim::R, r), (Dim::S, s), (Dim::C, c), (Dim::K, k)] {
                    extents[dim as usize] = part;
                }
                let left = self.target.scratchpad_words - (r * s * c * k) as f64;
                let smallest =
                    loops.side([Dim::P, Dim::R], 1.0, r as f64) * loops.side([Dim::Q, Dim::S], 1.0, s as f64);
                if left < smallest * c as f64 {
                    continue;
                }
                let spread = [Dim::C, Dim::K].map(|dim| self.widest(dim, extents[dim as usize]));
                let mut branch = Branch {
                    extents,
                    spread,
                    left,
                    bound: [f64::INFINITY; 2],
                };
                if self.bound(&mut branch) {
                    branches.push(branch);
                }
            }
        }
        branches
    }

    /// The largest divisor of a tile's channels that fits along the array.
    fn widest(&self, dim: Dim, channels: u64) -> u64 {
        let side = self.target.machine.side;
        let divisors = self.loops.divisors[dim as usize].iter().rev();
        let fits = |divisor: &&u64| **divisor <= side && channels.is_multiple_of(**divisor);
        divisors.into_iter().find(fits).copied().unwrap_or(1)
    }

    /// The tile from inside, with open P, Q and N as large as `pixels`.
    fn room(&self, extents: &[u64; 7], spread: [u64; 2], pixels: f64) -> Room {
        let held = |dim: Dim| extents[dim as usize];
        let [rows, columns] = spread;
        let outputs = (held(Dim::K) / columns) as f64;
        let outside = |dim: Dim| (self.loops.shape.sizes[dim as usize] / held(dim)) as f64;
        Room {
            rows: rows as f64,
            columns: columns as f64,
            sums: (held(Dim::R) * held(Dim::S) * (held(Dim::C) / rows)) as f64,
            outputs,
            pixels,
            in_bank: pixels.min(self.target.bank_words),
            whole: pixels * outputs <= self.target.bank_words,
            sums_outside: outside(Dim::R) * outside(Dim::S) * outside(Dim::C),
        }
    }

    /// Sets what no tile of this branch falls below; whether any may be wanted.
    fn bound(&self, branch: &mut Branch) -> bool {
        let channels = branch.extents[Dim::C as usize] as f64;
        // a window has at least as many places as outputs
        let pixels = (branch.left / channels).floor().min(self.loops.pixels);
        let mut room = self.room(&branch.extents, branch.spread, pixels);
        room.whole = room.outputs <= self.target.bank_words;
        let mut bound = [f64::INFINITY; 2];
        for dram in self.least_fills(branch, &room) {
            room.cases(&dram, &self.loops.totals, self.target.counting.rule, |_, fills| {
                let (picojoules, cycles) = self.price(fills);
                let key = self.keep.key(picojoules, cycles);
                if self.keep.wants(picojoules, cycles) && key < bound {
                    bound = key;
                }
            });
        }
        branch.bound = bound;
        bound[0] < f64::INFINITY
    }

    /// Fills that no order at DRAM falls below, by what its innermost loops leave in place: weights, sums, inputs.
    fn least_fills(&self, branch: &Branch, room: &Room) -> impl Iterator<Item = Dram> {
        let loops = self.loops;
        let outputs = loops.size(Dim::K) / branch.extents[Dim::K as usize] as f64;
        let once = loops.touched[0] * loops.touched[1] * loops.size(Dim::C) * loops.size(Dim::N);
        let steps = loops.pixels / room.pixels;
        let weights_stay = Dram {
            lead: Lead::Nothing,
            weights: loops.weights,
            inputs: outputs * once,
            sums_stay: 1.0,
            weights_stay: steps.next_up(), // rounded up: a bound must not be rounded above what it bounds
        };
        let sums_stay = Dram {
            weights: loops.weights * steps,
            sums_stay: room.sums_outside,
            weights_stay: 1.0,
            ..weights_stay
        };
        let inputs_stay = Dram {
            inputs: self.apart(branch),
            sums_stay: 1.0,
            ..sums_stay
        };
        let inputs_stay = (outputs > 1.0).then_some(inputs_stay);
        [weights_stay, sums_stay].into_iter().chain(inputs_stay)
    }

    /// Least inputs of a branch when no step at DRAM finds anything in place.
    fn apart(&self, branch: &Branch) -> f64 {
        let loops = self.loops;
        let along = |out: Dim, tap: Dim| {
            let (outputs, taps) = (loops.size(out), branch.extents[tap as usize] as f64);
            let at_once = loops.side([out, tap], outputs, taps);
            let one_by_one = outputs * loops.side([out, tap], 1.0, taps);
            at_once.min(one_by_one) * (loops.size(tap) / taps)
        };
        along(Dim::P, Dim::R) * along(Dim::Q, Dim::S) * loops.size(Dim::C) * loops.size(Dim::N)
    }

    fn price(&self, fills: &Fills) -> (f64, f64) {
        let accesses = fills.accesses(&self.loops.totals, self.target.counting);
        let machine = self.target.machine;
        let (cycles, _) = machine.cycles([fills.rows, fills.columns], &accesses, self.target.counting);
        (machine.picojoules(&accesses), cycles)
    }

    /// Opens the tiles of a branch; false if the search is to stop.
    fn open(&mut self, branch: &Branch) -> bool {
        let loops = self.loops;
        let mut again = Branch {
            extents: branch.extents,
            ..*branch
        };
        if !self.bound(&mut again) {
            return true;
        }
        let held = |dim: Dim| branch.extents[dim as usize] as f64;
        for &n in &loops.divisors[Dim::N as usize] {
            for &q in &loops.divisors[Dim::Q as usize] {
                let height = loops.side([Dim::Q, Dim::S], q as f64, held(Dim::S));
                for &p in &loops.divisors[Dim::P as usize] {
                    let width = loops.side([Dim::P, Dim::R], p as f64, held(Dim::R));
                    if width * height * held(Dim::C) * n as f64 > branch.left {
                        break;
                    }
                    self.opened += 1;
                    if self.opened.is_multiple_of(PAUSE) && (self.stop)() && !self.keep.is_empty() {
                        return false;
                    }
                    self.tile(branch, [p, q, n], [width, height]);
                }
            }
        }
        true
    }

    /// Tries all mappings with one tile.
    fn tile(&mut self, branch: &Branch, [p, q, n]: [u64; 3], sides: [f64; 2]) {
        let loops = self.loops;
        let mut extents = branch.extents;
        for (dim, part) in [(Dim::P, p), (Dim::Q, q), (Dim::N, n)] {
            extents[dim as usize] = part;
        }
        let tile = Tile {
            loops,
            extents: extents.map(|extent| extent as f64),
            outside: std::array::from_fn(|dim| (loops.shape.sizes[dim] / extents[dim]) as f64),
            sides,
            depth: (extents[Dim::C as usize] * n) as f64,
        };
        let mut part = Part {
            extents,
            spread: branch.spread,
            rough: self.room(&extents, branch.spread, (p * q * n) as f64),
            exact: None,
        };
        tile.cases(|dram| self.order(&mut part, dram));
    }

    /// Tries all mappings with one tile and one order at DRAM.
    fn order(&mut self, part: &mut Part, dram: &Dram) {
        let (totals, rule) = (&self.loops.totals, self.target.counting.rule);
        let mut wanted = false;
        part.rough.cases(dram, totals, rule, |_, fills| {
            let (picojoules, cycles) = self.price(fills);
            wanted |= self.keep.wants(picojoules, cycles);
        });
        if !wanted {
            return;
        }
        // what a bank really holds is looked up only where it may matter
        let in_bank = *part.exact.get_or_insert_with(|| {
            let outer = [Dim::P, Dim::Q, Dim::N].map(|dim| part.extents[dim as usize]);
            self.loops.largest_pixels(outer, self.target.bank_words)
        });
        let mut room = part.rough;
        room.in_bank = in_bank.iter().map(|&n| n as f64).product();
        room.cases(dram, totals, rule, |inside, fills| {
            let (picojoules, cycles) = self.price(fills);
            if self.keep.wants(picojoules, cycles) {
                let choice = Choice {
                    extents: part.extents,
                    spread: part.spread,
                    in_bank,
                    lead: dram.lead,
                    inside,
                };
                self.keep.take(Point {
                    picojoules,
                    cycles,
                    choice,
                });
            }
        });
    }
}
