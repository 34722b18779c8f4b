//! Adam for a plain vector of numbers, without tensors and in double precision: what designs and searches climb with.

use crate::archive::{Archive, ArchiveError};

const BETAS: [f64; 2] = [0.9, 0.999];
/// What the betas leave, as it is written: `1 - 0.9` has another last bit.
const REST: [f64; 2] = [0.1, 0.001];
const EPSILON: f64 = 1e-8;
/// Steps after which the moments' bias no longer changes a bit.
const WARM: u64 = 1 << 20;

/// Moments of the gradient of some numbers, `m = b1 m + (1 - b1) g`, `v = b2 v + (1 - b2) g²` (Kingma & Ba 2015).
#[derive(Clone, Debug, PartialEq)]
pub struct PlainAdam {
    first: Vec<f64>,
    second: Vec<f64>,
    steps: u64,
}

impl PlainAdam {
    /// An optimiser of so many numbers.
    pub fn new(numbers: usize) -> Self {
        Self {
            first: vec![0.0; numbers],
            second: vec![0.0; numbers],
            steps: 0,
        }
    }

    /// Takes in a gradient. Each number's step along it, `rate m / (1 - b1^t) / (√(v / (1 - b2^t)) + eps)`: to be added
    /// in an ascent, subtracted in a descent.
    pub fn step(&mut self, gradient: &[f64], rate: f64) -> Vec<f64> {
        self.steps += 1;
        let ([b1, b2], [r1, r2]) = (BETAS, REST);
        let t = self.steps.min(WARM) as i32;
        let warm = BETAS.map(|b| 1.0 - b.powi(t));
        let moments = self.first.iter_mut().zip(&mut self.second);
        let steps = moments.zip(gradient).map(|((m, v), g)| {
            *m = b1 * *m + r1 * g;
            *v = b2 * *v + r2 * g * g;
            rate * (*m / warm[0]) / ((*v / warm[1]).sqrt() + EPSILON)
        });
        steps.collect()
    }

    /// Stores moments and step count under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        archive.put_f64(&format!("{prefix}.first"), &self.first);
        archive.put_f64(&format!("{prefix}.second"), &self.second);
        archive.put_f64(&format!("{prefix}.steps"), &[self.steps as f64]);
    }

    /// Loads what [`PlainAdam::save`] stored.
    ///
    /// # Errors
    /// Missing entries or other sizes; nothing is changed then.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), ArchiveError> {
        let moments = |name| archive.get_f64_len(&format!("{prefix}.{name}"), self.first.len());
        let loaded = Self {
            first: moments("first")?,
            second: moments("second")?,
            steps: archive.get_f64_len(&format!("{prefix}.steps"), 1)?[0] as u64,
        };
        *self = loaded;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_step_has_the_size_of_the_rate_whatever_the_gradient() {
        let step = PlainAdam::new(3).step(&[123.0, -4e-3, 0.0], 0.25);
        assert!((step[0] - 0.25).abs() < 1e-9 && (step[1] + 0.25).abs() < 1e-6);
        assert_eq!(step[2], 0.0);
    }

    /// By hand: m = 0.9 (0.1) + 0.1 (3) = 0.39 over 1 - 0.81, v = 0.999 (0.001) + 0.001 (9) = 0.009999 over
    /// 1 - 0.998001.
    #[test]
    fn the_second_step_is_the_one_computed_by_hand() {
        let mut adam = PlainAdam::new(1);
        adam.step(&[1.0], 0.5);
        let expected = 0.5 * (0.39 / 0.19) / ((0.009_999f64 / 0.001_999).sqrt() + 1e-8);
        assert!((adam.step(&[3.0], 0.5)[0] - expected).abs() < 1e-12);
    }

    #[test]
    fn continues_exactly_from_an_archive() {
        let mut first = PlainAdam::new(2);
        first.step(&[1.0, -2.0], 0.1);
        let mut archive = Archive::new();
        first.save(&mut archive, "adam");
        let mut second = PlainAdam::new(2);
        second.load(&archive, "adam").unwrap();
        assert_eq!(first.step(&[0.3, 0.7], 0.1), second.step(&[0.3, 0.7], 0.1));
        assert!(PlainAdam::new(3).load(&archive, "adam").is_err());
    }
}
