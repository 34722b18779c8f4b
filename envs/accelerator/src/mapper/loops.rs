//! A layer's loops, with what the search asks of them again and again.

use super::MapError;
use crate::loopnest::{Dim, Shape, Totals};

/// Longest loop, stride or dilation.
const LONGEST: u64 = 1 << 20;
/// Counts up to here are exact.
const EXACT: f64 = 9_007_199_254_740_992.0;

/// A layer that is to be mapped.
pub(super) struct Loops {
    /// Its loops.
    pub shape: Shape,
    /// Multiply-accumulates and outputs.
    pub totals: Totals,
    /// Divisors of each loop's length, ascending.
    pub divisors: [Vec<u64>; 7],
    /// P, Q and N together: uses of each weight.
    pub pixels: f64,
    /// Words of weights.
    pub weights: f64,
    /// Inputs along each axis that some tap falls on: no order loads fewer.
    pub touched: [f64; 2],
}

impl Loops {
    /// # Errors
    /// A size that is 0 or too large.
    pub fn new(shape: &Shape) -> Result<Self, MapError> {
        let named = Dim::ALL
            .iter()
            .map(|&dim| (format!("{dim:?}"), shape.sizes[dim as usize]));
        let steps = [("stride", shape.stride), ("dilation", shape.dilation)];
        let steps = steps
            .iter()
            .flat_map(|(name, both)| both.map(|step| ((*name).to_owned(), step)));
        for (name, size) in named.chain(steps) {
            if !(1..=LONGEST).contains(&size) {
                return Err(MapError::Size(format!("{name} = {size}")));
            }
        }
        let totals = Totals::of(shape);
        if totals.macs > EXACT {
            return Err(MapError::Size(format!("{} multiply-accumulates", totals.macs)));
        }
        let size = |dim: Dim| shape.sizes[dim as usize] as f64;
        Ok(Self {
            shape: *shape,
            totals,
            divisors: shape.sizes.map(divisors),
            pixels: size(Dim::P) * size(Dim::Q) * size(Dim::N),
            weights: size(Dim::R) * size(Dim::S) * size(Dim::C) * size(Dim::K),
            touched: [touched(shape, Dim::P, Dim::R), touched(shape, Dim::Q, Dim::S)],
        })
    }

    /// Length of a loop.
    pub fn size(&self, dim: Dim) -> f64 {
        self.shape.sizes[dim as usize] as f64
    }

    /// Width or height of the input that a tile sees.
    pub fn side(&self, [out, tap]: [Dim; 2], outputs: f64, taps: f64) -> f64 {
        (outputs - 1.0) * self.shape.slide(out) + (taps - 1.0) * self.shape.slide(tap) + 1.0
    }

    /// The P, Q and N of the tile with most outputs that a bank of `words` holds, within a tile of `outer`.
    pub fn largest_pixels(&self, outer: [u64; 3], words: f64) -> [u64; 3] {
        let product = |part: [u64; 3]| part.iter().map(|&n| n as f64).product::<f64>();
        if product(outer) <= words {
            return outer;
        }
        let within = |dim: Dim, most: u64| {
            let all = self.divisors[dim as usize].iter().rev().copied();
            all.filter(move |divisor| most.is_multiple_of(*divisor))
        };
        let mut best = [1; 3];
        for n in within(Dim::N, outer[2]) {
            for q in within(Dim::Q, outer[1]) {
                // the largest P that fits is the best for this Q and N
                let p = within(Dim::P, outer[0]).find(|&p| product([p, q, n]) <= words);
                if let Some(part) = p.map(|p| [p, q, n])
                    && product(part) > product(best)
                {
                    best = part;
                }
            }
        }
        best
    }
}

/// Positions of the input along an axis that some output's tap falls on.
fn touched(shape: &Shape, out: Dim, tap: Dim) -> f64 {
    let [outputs, taps] = [out, tap].map(|dim| shape.sizes[dim as usize]);
    let [step, gap] = [out, tap].map(|dim| shape.slide(dim) as u64);
    if outputs.saturating_mul(taps) > LONGEST {
        return (outputs + taps - 1) as f64; // sums of two sets of numbers take at least so many values
    }
    let mut places: Vec<u64> = (0..outputs)
        .flat_map(|o| (0..taps).map(move |t| o * step + t * gap))
        .collect();
    places.sort_unstable();
    places.dedup();
    places.len() as f64
}

fn divisors(n: u64) -> Vec<u64> {
    let small = (1..).take_while(|d| d * d <= n).filter(|d| n.is_multiple_of(*d));
    let mut all: Vec<u64> = small.flat_map(|d| [d, n / d]).collect();
    all.sort_unstable();
    all.dedup();
    all
}
