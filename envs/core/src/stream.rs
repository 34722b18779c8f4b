//! Named, serialisable streams of random numbers: the only source of randomness in Tandem.
//!
//! A stream is identified by a seed, a name and an index, so that two uses never share numbers and adding a
//! use never shifts another one. Its state is three integers, which is what makes exact resume possible.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde::{Deserialize, Serialize};

/// A stream of random numbers (ChaCha8, counter based).
#[derive(Clone, Debug)]
pub struct Stream {
    rng: ChaCha8Rng,
}

/// What has to be stored to continue a [`Stream`] exactly.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StreamState {
    key: [u8; 32],
    index: u64,
    /// Position in 32-bit words, split in two halves because JSON numbers end at 64 bits.
    position: [u64; 2],
}

/// SplitMix64 (Steele, Lea, Flood 2014): spreads a small seed over 64 bits.
fn splitmix(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let mut z = *state;
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

/// FNV-1a: a stable hash of the stream's name (the standard library's hasher may change between versions).
fn fnv1a(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

impl Stream {
    /// The stream `name`, number `index`, of an experiment's `seed`.
    pub fn new(seed: u64, name: &str, index: u64) -> Self {
        let mut state = seed ^ fnv1a(name).rotate_left(17);
        let mut key = [0; 32];
        for chunk in key.chunks_exact_mut(8) {
            chunk.copy_from_slice(&splitmix(&mut state).to_le_bytes());
        }
        let mut rng = ChaCha8Rng::from_seed(key);
        rng.set_stream(index);
        Self { rng }
    }

    /// The state from which [`Stream::from_state`] continues exactly.
    pub fn state(&self) -> StreamState {
        let position = self.rng.get_word_pos();
        StreamState {
            key: self.rng.get_seed(),
            index: self.rng.get_stream(),
            position: [(position >> 64) as u64, position as u64],
        }
    }

    /// Continues a stored stream.
    pub fn from_state(state: &StreamState) -> Self {
        let mut rng = ChaCha8Rng::from_seed(state.key);
        rng.set_stream(state.index);
        rng.set_word_pos((u128::from(state.position[0]) << 64) | u128::from(state.position[1]));
        Self { rng }
    }

    /// The next 64 random bits.
    pub fn bits(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// Uniform in `[0, 1)`.
    pub fn unit(&mut self) -> f64 {
        (self.bits() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `[low, high)`.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        low + (high - low) * self.unit()
    }

    /// Uniform integer in `0..n` (`n` > 0; the bias of the multiply-shift method is below 2^-32 for n < 2^32).
    pub fn below(&mut self, n: usize) -> usize {
        ((u128::from(self.bits()) * n as u128) >> 64) as usize
    }

    /// Standard normal (Box-Muller, one of the pair; no hidden state, so a stream's position says it all).
    pub fn normal(&mut self) -> f64 {
        let (radius, angle) = self.polar();
        radius * angle.cos()
    }

    /// Fills `out` with standard normals, both of each Box-Muller pair used.
    pub fn fill_normal(&mut self, out: &mut [f32]) {
        for pair in out.chunks_mut(2) {
            let (radius, angle) = self.polar();
            let (sin, cos) = angle.sin_cos();
            pair[0] = (radius * cos) as f32;
            if let Some(second) = pair.get_mut(1) {
                *second = (radius * sin) as f32;
            }
        }
    }

    fn polar(&mut self) -> (f64, f64) {
        let u = 1.0 - self.unit(); // in (0, 1]: the logarithm stays finite
        ((-2.0 * u.ln()).sqrt(), std::f64::consts::TAU * self.unit())
    }

    /// Shuffles in place (Fisher-Yates): every order is equally likely.
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i + 1));
        }
    }
}

impl Serialize for Stream {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.state().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Stream {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        StreamState::deserialize(deserializer).map(|state| Self::from_state(&state))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn continues_exactly_from_its_state() {
        let mut a = Stream::new(7, "rollout", 3);
        let mut odd = [0.0; 5];
        a.fill_normal(&mut odd);
        let text = serde_json::to_string(&a).unwrap();
        let mut b: Stream = serde_json::from_str(&text).unwrap();
        for _ in 0..1000 {
            assert_eq!(a.bits(), b.bits());
        }
    }

    #[test]
    fn names_indices_and_seeds_give_different_streams() {
        let first = |seed, name, index| Stream::new(seed, name, index).bits();
        let all = [first(0, "a", 0), first(0, "a", 1), first(0, "b", 0), first(1, "a", 0)];
        for i in 0..all.len() {
            for j in 0..i {
                assert_ne!(all[i], all[j]);
            }
        }
    }

    #[test]
    fn normals_have_mean_zero_and_variance_one() {
        let mut stream = Stream::new(1, "normal", 0);
        let mut x = vec![0.0; 200_001];
        stream.fill_normal(&mut x);
        let n = x.len() as f64;
        let mean = x.iter().map(|&v| f64::from(v)).sum::<f64>() / n;
        let variance = x.iter().map(|&v| (f64::from(v) - mean).powi(2)).sum::<f64>() / n;
        assert!(mean.abs() < 0.01 && (variance - 1.0).abs() < 0.02, "{mean} {variance}");
    }

    #[test]
    fn shuffle_is_a_permutation() {
        let mut stream = Stream::new(1, "shuffle", 0);
        let mut x: Vec<usize> = (0..100).collect();
        stream.shuffle(&mut x);
        assert!(x.iter().enumerate().any(|(i, &v)| i != v));
        x.sort_unstable();
        assert!(x.iter().enumerate().all(|(i, &v)| i == v));
    }
}
