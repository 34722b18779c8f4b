//! Converters: real numbers to the levels of a pulse, a stored voltage or a counter.

use super::cell::STORED_RANGE_V;

/// Evenly spaced levels `step · round(x / step)` between two limits. Rounding is to even, as tensor libraries round, so
/// that both forms of the model meet on ties.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Levels {
    /// Lowest input.
    pub low: f64,
    /// Highest input.
    pub high: f64,
    /// Steps per unit; kept instead of its inverse because 15.5 codes at full scale must be exact.
    pub per_unit: f64,
    /// Whether inputs are rounded at all.
    pub rounds: bool,
}

impl Levels {
    fn between(low: f64, high: f64, steps: f64) -> Self {
        Self {
            low,
            high,
            per_unit: steps / (high - low),
            rounds: true,
        }
    }

    /// Pulse widths in units of the longest pulse: `2^bits` from 0 to 1.
    pub fn pulse(bits: u32) -> Self {
        Self::between(0.0, 1.0, 2_f64.powi(bits as i32) - 1.0)
    }

    /// Stored voltages: `2^bits` from 0 V to 0.9 V. None of them is the middle of the rail.
    pub fn stored(bits: u32) -> Self {
        Self::between(0.0, STORED_RANGE_V, 2_f64.powi(bits as i32) - 1.0)
    }

    /// The published output converter: steps of `2 / (2^bits - 1)`, whose rounding gives `2^bits + 1` codes.
    pub fn published_output(bits: u32) -> Self {
        Self::between(-1.0, 1.0, 2_f64.powi(bits as i32) - 1.0)
    }

    /// A counter with a sign: magnitudes 0 to `2^(bits-1) - 1`.
    pub fn signed_counter(bits: u32) -> Self {
        Self::between(-1.0, 1.0, 2_f64.powi(bits as i32) - 2.0)
    }

    /// The value of a code.
    pub fn value(&self, code: f64) -> f64 {
        code / self.per_unit
    }

    /// The level nearest to `x`, after clipping.
    pub fn convert(&self, x: f64) -> f64 {
        let clipped = x.clamp(self.low, self.high);
        match self.rounds {
            true => self.value((clipped * self.per_unit).round_ties_even()),
            false => clipped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn codes(levels: Levels) -> BTreeSet<i64> {
        let inputs = (-2000..=2000).map(|i| f64::from(i) / 1000.0);
        inputs
            .map(|x| (levels.convert(x) * levels.per_unit).round() as i64)
            .collect()
    }

    #[test]
    fn every_converter_has_the_codes_of_its_circuit() {
        assert!(codes(Levels::pulse(4)).into_iter().eq(0..=15));
        assert!(codes(Levels::stored(3)).into_iter().eq(0..=7));
        assert!(codes(Levels::signed_counter(5)).into_iter().eq(-15..=15));
        // 33 of them: the published rounding, which no counter of 5 bits has
        assert!(codes(Levels::published_output(5)).into_iter().eq(-16..=16));
    }

    #[test]
    fn no_stored_level_is_the_middle() {
        for bits in 1..=5 {
            let levels = Levels::stored(bits);
            let middle = levels.convert(0.45) - 0.45;
            assert!(middle.abs() > 0.4 / levels.per_unit, "{bits} bits");
        }
    }

    #[test]
    fn errors_are_at_most_half_a_step_inside_the_limits() {
        let levels = Levels::pulse(3);
        for i in 0..=1000 {
            let x = f64::from(i) / 1000.0;
            assert!((levels.convert(x) - x).abs() <= 0.5 / levels.per_unit + 1e-12);
        }
        assert_eq!((levels.convert(-3.0), levels.convert(3.0)), (0.0, 1.0));
    }
}
