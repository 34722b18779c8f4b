//! Running mean and variance of observations ([`crate::ppo`], rows 19 and 20).

use serde::{Deserialize, Serialize};

use crate::archive::{Archive, ArchiveError};

/// Normalised observations are clipped to ± this.
pub const CLIP: f32 = 10.0;
/// Added to the variance before the root, so that a constant number does not divide by zero.
const EPSILON: f64 = 1e-8;

/// Count, mean and squared deviations of each column of a stream of rows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    count: f64,
    mean: Vec<f64>,
    /// Sum of squared deviations from the mean.
    squares: Vec<f64>,
}

impl Moments {
    /// Nothing seen yet of rows of `n` numbers.
    pub fn new(n: usize) -> Self {
        Self {
            count: 0.0,
            mean: vec![0.0; n],
            squares: vec![0.0; n],
        }
    }

    /// Adds a row (Welford 1962).
    pub fn push(&mut self, row: &[f32]) {
        self.count += 1.0;
        let share = 1.0 / self.count;
        for ((mean, squares), &x) in self.mean.iter_mut().zip(&mut self.squares).zip(row) {
            let x = f64::from(x);
            let delta = x - *mean;
            *mean += delta * share;
            *squares += delta * (x - *mean);
        }
    }

    /// Adds everything another one has seen (Chan, Golub & LeVeque 1979).
    pub fn merge(&mut self, other: &Self) {
        if other.count == 0.0 {
            return;
        }
        let total = self.count + other.count;
        let weight = other.count / total;
        for i in 0..self.mean.len() {
            let delta = other.mean[i] - self.mean[i];
            self.mean[i] += delta * weight;
            self.squares[i] += other.squares[i] + delta * delta * self.count * weight;
        }
        self.count = total;
    }

    /// Number of rows seen.
    pub fn count(&self) -> f64 {
        self.count
    }

    /// Mean of each column; zeros when nothing was seen.
    pub fn mean(&self) -> &[f64] {
        &self.mean
    }

    /// Variance of each column (divided by the count); ones when nothing was seen.
    pub fn variance(&self) -> Vec<f64> {
        let variance = |&s: &f64| {
            if self.count > 0.0 { s / self.count } else { 1.0 }
        };
        self.squares.iter().map(variance).collect()
    }

    /// Stores everything under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        archive.put_f64(&format!("{prefix}.count"), &[self.count]);
        archive.put_f64(&format!("{prefix}.mean"), &self.mean);
        archive.put_f64(&format!("{prefix}.squares"), &self.squares);
    }

    /// Loads what [`Moments::save`] stored.
    ///
    /// # Errors
    /// Missing entries, other sizes or numbers that cannot be; nothing is changed then.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), ArchiveError> {
        let get = |name, len| archive.get_f64_len(&format!("{prefix}.{name}"), len);
        let loaded = Self {
            count: get("count", 1)?[0],
            mean: get("mean", self.mean.len())?,
            squares: get("squares", self.squares.len())?,
        };
        if let Some(negative) = loaded.squares.iter().chain([&loaded.count]).find(|&&x| x < 0.0) {
            return Err(ArchiveError::Value {
                name: prefix.into(),
                reason: format!("a count or a sum of squares is {negative}: it is damaged"),
            });
        }
        *self = loaded;
        Ok(())
    }
}

/// Shifts and scales observations to mean 0 and deviation 1, clipped to ±[`CLIP`].
#[derive(Clone, Debug, PartialEq)]
pub struct Normaliser {
    moments: Moments,
    identity: bool,
    /// `moments`, ready to apply.
    mean: Vec<f32>,
    inverse: Vec<f32>,
}

impl Normaliser {
    /// A normaliser of rows of `n` numbers; changes nothing (but clips) until it has seen data.
    pub fn new(n: usize) -> Self {
        Self {
            moments: Moments::new(n),
            identity: false,
            mean: vec![0.0; n],
            inverse: vec![1.0; n],
        }
    }

    /// A normaliser that is switched off: rows pass unchanged and unclipped, updates are ignored.
    pub fn identity(n: usize) -> Self {
        Self {
            identity: true,
            ..Self::new(n)
        }
    }

    /// Length of a row.
    pub fn len(&self) -> usize {
        self.mean.len()
    }

    /// Whether rows are empty.
    pub fn is_empty(&self) -> bool {
        self.mean.is_empty()
    }

    /// The same for rows of `n` numbers: the last ones cut off, or further ones that pass unchanged until data are seen.
    #[must_use]
    pub fn resized(&self, n: usize) -> Self {
        let mut resized = self.clone();
        resized.moments.mean.resize(n, 0.0);
        resized.moments.squares.resize(n, self.moments.count); // a variance of 1
        resized.refresh();
        resized
    }

    /// Normalises `raw` into `out`. NaN stays NaN.
    pub fn apply(&self, raw: &[f32], out: &mut [f32]) {
        if self.identity {
            out.copy_from_slice(raw);
            return;
        }
        let scale = self.mean.iter().zip(&self.inverse);
        for ((out, &x), (mean, inverse)) in out.iter_mut().zip(raw).zip(scale) {
            *out = ((x - mean) * inverse).clamp(-CLIP, CLIP);
        }
    }

    /// What [`Normaliser::apply`] does, `out = clamp((raw - shift) * factor, -bound, bound)`; `None` when it is switched
    /// off.
    pub fn affine(&self) -> Option<(&[f32], &[f32], f32)> {
        (!self.identity).then_some((&self.mean, &self.inverse, CLIP))
    }

    /// Takes in what was seen since the last update.
    pub fn update(&mut self, seen: &Moments) {
        if !self.identity {
            self.moments.merge(seen);
            self.refresh();
        }
    }

    fn refresh(&mut self) {
        self.mean = self.mean().iter().map(|&m| m as f32).collect();
        self.inverse = self.deviation().iter().map(|&d| (1.0 / d) as f32).collect();
    }

    /// Mean of each number.
    pub fn mean(&self) -> &[f64] {
        self.moments.mean()
    }

    /// Standard deviation of each number, as used: `sqrt(variance + 1e-8)`.
    pub fn deviation(&self) -> Vec<f64> {
        let variance = self.moments.variance();
        variance.iter().map(|v| (v + EPSILON).sqrt()).collect()
    }

    /// Stores everything under `prefix`.
    pub fn save(&self, archive: &mut Archive, prefix: &str) {
        archive.put_json(&format!("{prefix}.identity"), &self.identity);
        self.moments.save(archive, prefix);
    }

    /// Loads what [`Normaliser::save`] stored.
    ///
    /// # Errors
    /// Missing entries or other sizes; nothing is changed then.
    pub fn load(&mut self, archive: &Archive, prefix: &str) -> Result<(), ArchiveError> {
        let identity = archive.get_json(&format!("{prefix}.identity"))?;
        self.moments.load(archive, prefix)?;
        self.identity = identity;
        self.refresh();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_core::Stream;

    fn rows(n: usize) -> Vec<[f32; 2]> {
        let mut stream = Stream::new(0, "rows", 0);
        let draw = |_| [1e3 + stream.normal() as f32, stream.normal() as f32 * 5.0];
        (0..n).map(draw).collect()
    }

    #[test]
    fn merged_parts_equal_two_pass_statistics() {
        let rows = rows(1000);
        let mut merged = Moments::new(2);
        for part in rows.chunks(77) {
            let mut moments = Moments::new(2);
            part.iter().for_each(|row| moments.push(row));
            merged.merge(&moments);
        }
        for i in 0..2 {
            let column = rows.iter().map(|r| f64::from(r[i]));
            let mean = column.clone().sum::<f64>() / 1000.0;
            let variance = column.map(|x| (x - mean).powi(2)).sum::<f64>() / 1000.0;
            assert!((merged.mean()[i] - mean).abs() < 1e-9);
            assert!((merged.variance()[i] - variance).abs() < 1e-9);
        }
    }

    #[test]
    fn normalises_clips_and_survives_an_archive() {
        let mut moments = Moments::new(2);
        rows(1000).iter().for_each(|row| moments.push(row));
        let mut normaliser = Normaliser::new(2);
        normaliser.update(&moments);
        let mut out = [0.0; 2];
        normaliser.apply(&[1e6, normaliser.mean()[1] as f32], &mut out);
        assert_eq!(out[0], CLIP);
        assert!(out[1].abs() < 1e-6);
        let mut archive = Archive::new();
        normaliser.save(&mut archive, "n");
        let mut back = Normaliser::identity(2);
        back.load(&archive, "n").unwrap();
        assert_eq!(back, normaliser);
    }

    #[test]
    fn switched_off_it_changes_nothing() {
        let mut normaliser = Normaliser::identity(1);
        let mut moments = Moments::new(1);
        moments.push(&[7.0]);
        normaliser.update(&moments);
        let mut out = [0.0];
        normaliser.apply(&[1e6], &mut out);
        assert_eq!(out, [1e6]);
    }
}
