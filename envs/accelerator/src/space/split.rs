//! How the loops of a layer are split into genes, and back.
//!
//! Each slot of a loop has a gene that says which share of what the slots before it have left over, on a logarithmic
//! scale, it takes; DRAM gets the rest. So every point of the unit box is a mapping.

use super::dual::Real;
use super::nest::{Nest, ORDERS};
use crate::loopnest::{Dim, Shape};
use tandem_core::search::{gene_of, option};
use tandem_core::stream::Stream;

/// Where a factor goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// In time at a level.
    Time(usize),
    /// Over the rows of the array.
    Rows,
    /// Over its columns.
    Columns,
}

/// The genes that are factors: DOSA's places for a Gemmini. The batch stays at DRAM.
pub const SLOTS: [(Dim, Place); 16] = [
    (Dim::C, Place::Rows),
    (Dim::K, Place::Columns),
    (Dim::P, Place::Time(0)),
    (Dim::Q, Place::Time(0)),
    (Dim::R, Place::Time(1)),
    (Dim::S, Place::Time(1)),
    (Dim::P, Place::Time(1)),
    (Dim::Q, Place::Time(1)),
    (Dim::C, Place::Time(1)),
    (Dim::K, Place::Time(1)),
    (Dim::R, Place::Time(2)),
    (Dim::S, Place::Time(2)),
    (Dim::P, Place::Time(2)),
    (Dim::Q, Place::Time(2)),
    (Dim::C, Place::Time(2)),
    (Dim::K, Place::Time(2)),
];
/// Loop orders of three levels, out of three each.
pub const CHOICES: [usize; 3] = [3, 3, 3];
/// Genes of a layer.
pub const WIDTH: usize = SLOTS.len() + CHOICES.len();

/// A layer's loops with what is needed to split them.
#[derive(Clone, Debug)]
pub struct Splitter {
    /// Divisors of each loop's length, ascending.
    divisors: [Vec<u64>; 7],
    /// Prime factors of each loop's length with their powers.
    primes: [Vec<(u64, usize)>; 7],
    sizes: [u64; 7],
}

impl Splitter {
    /// For these loops.
    pub fn new(shape: &Shape) -> Self {
        let primes = shape.sizes.map(primes);
        let divisors = std::array::from_fn(|dim| divisors(&primes[dim]));
        Self {
            divisors,
            primes,
            sizes: shape.sizes,
        }
    }

    /// The nearest mapping with whole factors.
    pub fn whole(&self, genes: &[f64]) -> Nest<f64> {
        let mut rest = self.sizes;
        let mut factors = [1.0; SLOTS.len()];
        for ((factor, &(dim, place)), &gene) in factors.iter_mut().zip(&SLOTS).zip(genes) {
            let rest = &mut rest[dim as usize];
            if *rest > 1 {
                let wanted = (*rest as f64).powf(gene.clamp(0.0, 1.0));
                let whole = self.nearest(dim, *rest, wanted, most(place));
                *rest /= whole;
                *factor = whole as f64;
            }
        }
        nest(&factors, rest.map(|r| r as f64), orders(genes))
    }

    /// The mapping with real factors.
    pub fn real<T: Real>(&self, genes: &[f64], variables: &[T; SLOTS.len()]) -> Nest<T> {
        let mut logs = self.sizes.map(|size| T::constant((size as f64).log2()));
        let mut factors = [T::constant(1.0); SLOTS.len()];
        for ((factor, &(dim, _)), &share) in factors.iter_mut().zip(&SLOTS).zip(variables) {
            let log = &mut logs[dim as usize];
            if self.sizes[dim as usize] > 1 {
                let part = *log * share;
                *log = *log - part;
                *factor = part.exp2();
            }
        }
        nest(&factors, logs.map(Real::exp2), orders(genes))
    }

    /// The divisor of `rest` nearest to `wanted` in ratio, at most `most`.
    fn nearest(&self, dim: Dim, rest: u64, wanted: f64, most: u64) -> u64 {
        let mut best = (f64::INFINITY, 1);
        for &divisor in &self.divisors[dim as usize] {
            if divisor > rest.min(most) {
                break;
            }
            if rest.is_multiple_of(divisor) {
                let ratio = divisor as f64 / wanted;
                let error = ratio.max(1.0 / ratio);
                if error < best.0 {
                    best = (error, divisor);
                }
            }
        }
        best.1
    }

    /// Genes of a random mapping: every split into factors is equally likely, and every order.
    pub fn draw(&self, stream: &mut Stream, genes: &mut [f64]) {
        self.draw_split(|_| true, stream, genes);
        for (gene, options) in genes[SLOTS.len()..].iter_mut().zip(CHOICES) {
            *gene = gene_of(stream.below(options), options);
        }
    }

    /// Genes of a random mapping as DOSA's table of 72 700 random ones shows them: no loops in time at the scratchpad,
    /// only P at the registers, a fixed order at the accumulator, any order at DRAM.
    pub fn draw_published(&self, stream: &mut Stream, genes: &mut [f64]) {
        let open = |(dim, place): (Dim, Place)| match place {
            Place::Time(0) => dim == Dim::P,
            Place::Time(level) => level == 1,
            Place::Rows | Place::Columns => true,
        };
        self.draw_split(open, stream, genes);
        genes[SLOTS.len()] = gene_of(0, CHOICES[0]);
        genes[SLOTS.len() + 1] = gene_of(0, CHOICES[1]);
        genes[SLOTS.len() + 2] = 1.0 + gene_of(stream.below(PERMUTATIONS), PERMUTATIONS);
    }

    fn draw_split(&self, open: impl Fn((Dim, Place)) -> bool, stream: &mut Stream, genes: &mut [f64]) {
        let too_wide = |factors: &[u64]| {
            let mut both = factors.iter().zip(&SLOTS);
            both.any(|(&factor, slot)| factor > most(slot.1))
        };
        let mut factors = self.draw_factors(&open, stream);
        while too_wide(&factors) {
            factors = self.draw_factors(&open, stream);
        }
        self.encode(&factors, genes);
    }

    fn draw_factors(&self, open: &impl Fn((Dim, Place)) -> bool, stream: &mut Stream) -> [u64; SLOTS.len()] {
        let mut factors = [1u64; SLOTS.len()];
        for dim in Dim::ALL {
            let slots = || (0..SLOTS.len()).filter(move |&at| SLOTS[at].0 == dim && open(SLOTS[at]));
            for &(prime, power) in &self.primes[dim as usize] {
                let mut left = power;
                for (done, at) in slots().enumerate() {
                    // all ways to share the powers among this slot, those to come and DRAM
                    let share = first_part(left, slots().count() + 1 - done, stream);
                    factors[at] *= prime.pow(share as u32);
                    left -= share;
                }
            }
        }
        factors
    }

    /// Writes the genes of factors.
    pub fn encode(&self, factors: &[u64; SLOTS.len()], genes: &mut [f64]) {
        let mut rest = self.sizes;
        for ((gene, &(dim, _)), &factor) in genes.iter_mut().zip(&SLOTS).zip(factors) {
            let rest = &mut rest[dim as usize];
            *gene = if *rest > 1 {
                (factor as f64).ln() / (*rest as f64).ln()
            } else {
                0.0
            };
            *rest /= factor.max(1);
        }
    }

    /// Moves the genes to those of the mapping that they stand for.
    pub fn settle(&self, genes: &mut [f64]) {
        let nest = self.whole(genes);
        let factors = SLOTS.map(|(dim, place)| match place {
            Place::Time(level) => nest.time[level][dim as usize] as u64,
            Place::Rows => nest.rows as u64,
            Place::Columns => nest.columns as u64,
        });
        self.encode(&factors, genes);
    }

    /// The largest divisor of a loop's length up to `most`.
    pub fn largest(&self, dim: Dim, of: u64, most: u64) -> u64 {
        self.nearest(dim, of, most as f64, most)
    }
}

/// A side of the array is at most this long.
pub const LONGEST_SIDE: u64 = 128;

fn most(place: Place) -> u64 {
    match place {
        Place::Time(_) => u64::MAX,
        Place::Rows | Place::Columns => LONGEST_SIDE,
    }
}

fn nest<T: Real>(factors: &[T; SLOTS.len()], rest: [T; 7], orders: [[Dim; 7]; 3]) -> Nest<T> {
    let one = T::constant(1.0);
    let mut nest = Nest {
        time: [[one; 7], [one; 7], [one; 7], rest],
        rows: one,
        columns: one,
        orders,
    };
    for (&factor, &(dim, place)) in factors.iter().zip(&SLOTS) {
        match place {
            Place::Time(level) => nest.time[level][dim as usize] = factor,
            Place::Rows => nest.rows = factor,
            Place::Columns => nest.columns = factor,
        }
    }
    nest
}

fn orders(genes: &[f64]) -> [[Dim; 7]; 3] {
    std::array::from_fn(|at| {
        let gene = genes.get(SLOTS.len() + at).copied().unwrap_or(0.0);
        if gene > 1.0 {
            return permutation(option(gene - 1.0, PERMUTATIONS));
        }
        ORDERS[option(gene, CHOICES[at])]
    })
}

/// Orders of the seven loops.
const PERMUTATIONS: usize = 5040;

/// An order of the loops by its number.
fn permutation(mut number: usize) -> [Dim; 7] {
    let mut order = Dim::ALL;
    for at in (1..order.len()).rev() {
        order.swap(at, number % (at + 1));
        number /= at + 1;
    }
    order
}

/// The first of `parts` numbers that sum to `total`, all such tuples being equally likely.
fn first_part(total: usize, parts: usize, stream: &mut Stream) -> usize {
    if parts <= 1 {
        return total;
    }
    // ways to complete the tuple after a first part of k: C(total - k + parts - 2, parts - 2)
    let ways = |rest: usize| (1..=parts - 2).fold(1.0, |w, i| w * (rest + i) as f64 / i as f64);
    let all: f64 = (0..=total).map(|k| ways(total - k)).sum();
    let mut at = stream.unit() * all;
    for k in 0..total {
        at -= ways(total - k);
        if at < 0.0 {
            return k;
        }
    }
    total
}

fn primes(mut n: u64) -> Vec<(u64, usize)> {
    let mut primes = Vec::new();
    let mut divisor = 2;
    while n > 1 {
        if divisor * divisor > n {
            divisor = n; // what is left is prime
        }
        let mut power = 0;
        while n.is_multiple_of(divisor) {
            n /= divisor;
            power += 1;
        }
        if power > 0 {
            primes.push((divisor, power));
        }
        divisor += 1;
    }
    primes
}

fn divisors(primes: &[(u64, usize)]) -> Vec<u64> {
    let mut all = vec![1];
    for &(prime, power) in primes {
        let before = all.clone();
        for exponent in 1..=power {
            all.extend(before.iter().map(|d| d * prime.pow(exponent as u32)));
        }
    }
    all.sort_unstable();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shape() -> Shape {
        Shape {
            sizes: [3, 3, 56, 60, 96, 210, 1],
            stride: [2, 1],
            dilation: [1, 1],
        }
    }

    #[test]
    fn genes_of_a_random_mapping_give_it_back() {
        let splitter = Splitter::new(&shape());
        let mut stream = Stream::new(0, "split", 0);
        let mut genes = [0.0; WIDTH];
        for _ in 0..200 {
            splitter.draw(&mut stream, &mut genes);
            let mut again = genes;
            splitter.settle(&mut again);
            for (a, b) in genes[..16].iter().zip(&again) {
                assert!((a - b).abs() < 1e-12, "{a} {b}");
            }
        }
    }

    #[test]
    fn any_genes_make_up_the_layer() {
        let splitter = Splitter::new(&shape());
        let mut stream = Stream::new(1, "split", 0);
        for _ in 0..200 {
            let genes: [f64; WIDTH] = std::array::from_fn(|_| stream.uniform(-0.1, 1.1));
            let mapping = splitter.whole(&genes).mapping();
            mapping.check(&shape(), LONGEST_SIDE).unwrap();
        }
    }

    #[test]
    fn published_draws_leave_the_scratchpad_alone_and_use_any_order() {
        let splitter = Splitter::new(&shape());
        let mut stream = Stream::new(3, "split", 0);
        let mut genes = [0.0; WIDTH];
        let mut seen = std::collections::BTreeSet::new();
        for _ in 0..100 {
            splitter.draw_published(&mut stream, &mut genes);
            let nest = splitter.whole(&genes);
            assert_eq!(nest.time[2], [1.0; 7]);
            nest.mapping().check(&shape(), LONGEST_SIDE).unwrap();
            let order = nest.orders[2].map(|dim| dim as usize);
            assert_eq!(order.iter().sum::<usize>(), 21);
            seen.insert(order);
        }
        assert!(seen.len() > 90);
    }

    #[test]
    fn every_split_of_a_prime_power_is_equally_likely() {
        // 2^2 over two parts: (0, 2), (1, 1), (2, 0)
        let mut stream = Stream::new(2, "split", 0);
        let mut seen = [0; 3];
        for _ in 0..3000 {
            seen[first_part(2, 2, &mut stream)] += 1;
        }
        assert!(seen.iter().all(|&n| (850..1150).contains(&n)), "{seen:?}");
        // three parts: the first is 0 in 3 of 6 cases, 1 in 2, 2 in 1
        let mut seen = [0; 3];
        for _ in 0..6000 {
            seen[first_part(2, 3, &mut stream)] += 1;
        }
        assert!((2800..3200).contains(&seen[0]) && (850..1150).contains(&seen[2]));
    }
}
