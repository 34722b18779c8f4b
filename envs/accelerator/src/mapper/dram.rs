//! The order of the loops at DRAM, outside the scratchpad's tile.
//!
//! Which order the loops have matters only through its innermost ones. Let a tile be moved by the loops of its tensor:
//! inputs by P, Q, R, S, C and N, weights by R, S, C and K, outputs by P, Q, K and N.
//!
//! - K innermost leaves the inputs in place; weights and outputs move at every step.
//! - P, Q, N innermost leave the weights in place. The first of them slides the window if it is P or Q, so that only
//!   new columns are loaded; the second can only do so if it is the tap of the same axis (R after P, S after Q), which
//!   ends the streak.
//! - R, S, C innermost leave the outputs in place; R or S slides the window, P after R or Q after S does so again.
//!
//! All further loops load whole tiles, in any order: [`Dram::cases`] lists the at most eleven cases that differ.

use super::loops::Loops;
use crate::loopnest::Dim;

/// Which loops run innermost.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Lead {
    /// None runs more than once.
    Nothing,
    /// This one, then all that leave the same tensor in place.
    Streak(Dim),
    /// These two, inner one first.
    Pair(Dim, Dim),
}

/// What an order at DRAM comes to.
#[derive(Clone, Copy, Debug)]
pub(super) struct Dram {
    /// The innermost loops.
    pub lead: Lead,
    /// Weights that go into the scratchpad.
    pub weights: f64,
    /// Inputs that go into the scratchpad.
    pub inputs: f64,
    /// Steps during which sums stay where they are.
    pub sums_stay: f64,
    /// Steps during which weights stay where they are.
    pub weights_stay: f64,
}

/// The loops of which outputs and weights, respectively, take no notice.
const OF_SUMS: [Dim; 3] = [Dim::R, Dim::S, Dim::C];
const OF_PIXELS: [Dim; 3] = [Dim::P, Dim::Q, Dim::N];

/// The loops that lead with this one, inner ones first.
fn streak(lead: Dim) -> impl Iterator<Item = Dim> {
    let same = match lead {
        Dim::R | Dim::S | Dim::C => &OF_SUMS[..],
        Dim::P | Dim::Q | Dim::N => &OF_PIXELS[..],
        Dim::K => &[],
    };
    let others = same.iter().copied().filter(move |&dim| dim != lead);
    std::iter::once(lead).chain(others)
}

impl Lead {
    /// The order of the loops at DRAM, inner ones first.
    pub fn order(self) -> Vec<Dim> {
        let mut order: Vec<Dim> = match self {
            Self::Nothing => Vec::new(),
            Self::Streak(dim) => streak(dim).collect(),
            Self::Pair(inner, outer) => vec![inner, outer],
        };
        let rest = Dim::ALL.into_iter().filter(|dim| !order.contains(dim));
        let rest: Vec<Dim> = rest.collect();
        order.extend(rest);
        order
    }
}

/// A tile of the scratchpad, seen from DRAM.
pub(super) struct Tile<'a> {
    pub loops: &'a Loops,
    /// How much of each loop it holds.
    pub extents: [f64; 7],
    /// How often each loop runs outside it.
    pub outside: [f64; 7],
    /// Width and height of its input.
    pub sides: [f64; 2],
    /// Input channels times batch.
    pub depth: f64,
}

impl Tile<'_> {
    fn runs(&self, dim: Dim) -> f64 {
        self.outside[dim as usize]
    }

    fn words(&self) -> f64 {
        self.sides[0] * self.sides[1] * self.depth
    }

    /// How far a loop slides the window.
    fn shift(&self, dim: Dim) -> f64 {
        self.loops.shape.slide(dim) * self.extents[dim as usize]
    }

    /// Words that a step along an axis does not load.
    fn kept(&self, axis: usize, step: f64) -> f64 {
        self.words() - self.sides[axis].min(step) * self.sides[1 - axis] * self.depth
    }

    /// Words that stay in place all in all when `inner` is the innermost loop, and `outer` the next.
    fn saved(&self, all: f64, inner: Dim, outer: Option<Dim>) -> f64 {
        let Some(axis) = inner.axis() else { return 0.0 };
        let (shift, runs) = (self.shift(inner), self.runs(inner));
        let passes = all / runs;
        let first = (runs - 1.0) * passes * self.kept(axis, shift);
        let Some(outer) = outer else { return first };
        // the outer loop goes on from where the inner one ends, not farther than that goes at a time
        let back = (runs - 1.0) * shift;
        if (self.shift(outer) - back).abs() > shift {
            return first;
        }
        let runs = self.runs(outer);
        first + (runs - 1.0) * (passes / runs) * self.kept(axis, shift)
    }

    /// Calls `each` with every order that may be best.
    pub fn cases(&self, mut each: impl FnMut(&Dram)) {
        let all: f64 = self.outside.iter().product();
        let [sums, pixels] = [OF_SUMS, OF_PIXELS].map(|dims| dims.iter().map(|&dim| self.runs(dim)).product::<f64>());
        let whole = self.words() * all;
        let plain = Dram {
            lead: Lead::Nothing,
            weights: self.loops.weights * pixels,
            inputs: whole,
            sums_stay: 1.0,
            weights_stay: 1.0,
        };
        if all == 1.0 {
            return each(&plain);
        }
        if self.runs(Dim::K) > 1.0 {
            each(&Dram {
                lead: Lead::Streak(Dim::K),
                inputs: whole / self.runs(Dim::K),
                ..plain
            });
        }
        self.streaks([(Dim::P, Dim::R), (Dim::Q, Dim::S)], Dim::N, |lead, first, outer| {
            let stay = if outer.is_some() { self.runs(first) } else { pixels };
            each(&Dram {
                lead,
                inputs: whole - self.saved(all, first, outer),
                weights: plain.weights / stay,
                weights_stay: stay,
                ..plain
            });
        });
        self.streaks([(Dim::R, Dim::P), (Dim::S, Dim::Q)], Dim::C, |lead, first, outer| {
            let stay = if outer.is_some() { self.runs(first) } else { sums };
            each(&Dram {
                lead,
                inputs: whole - self.saved(all, first, outer),
                sums_stay: stay,
                ..plain
            });
        });
    }

    /// The cases with a loop of one kind innermost: one that slides, alone or with the other of its axis, else `still`.
    fn streaks(&self, sliding: [(Dim, Dim); 2], still: Dim, mut each: impl FnMut(Lead, Dim, Option<Dim>)) {
        let mut slides = false;
        for (inner, outer) in sliding {
            if self.runs(inner) == 1.0 {
                continue;
            }
            slides = true;
            each(Lead::Streak(inner), inner, None);
            if self.runs(outer) > 1.0 {
                each(Lead::Pair(inner, outer), inner, Some(outer));
            }
        }
        if !slides && self.runs(still) > 1.0 {
            each(Lead::Streak(still), still, None);
        }
    }
}
