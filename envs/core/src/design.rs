//! Design parameters: what can be manufactured, between which bounds.
//!
//! Optimisers work on *logits* `z` (one number per parameter, clipped to ±[`LOGIT_LIMIT`]); the hardware is
//! built from *values* in the parameter's own unit. The map between them is a sigmoid between the bounds
//! (`phi = low + (high - low) sigmoid(z)`), on the logarithm for [`Scale::Log`].

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// Logits are clipped to ± this before every use: at a bound the logit would be infinite, and an optimiser
/// would fail on it far from the cause.
pub const LOGIT_LIMIT: f64 = 4.5;

/// A design: one value per parameter of its [`DesignSpace`], in the parameter's unit.
pub type Design = Vec<f64>;

/// How a parameter's range is traversed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scale {
    /// Even steps.
    Linear,
    /// Even ratios; bounds must be positive.
    Log,
    /// Even steps, rounded to whole numbers.
    Integer,
    /// One of the named options; the value is the option's index.
    Choice(Vec<String>),
}

/// One design parameter.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameter {
    /// Name, unique in its space, e.g. `link_3_length`.
    pub name: String,
    /// Unit of the value, e.g. `m`; `1` when it has none.
    pub unit: String,
    /// Lowest value that can be built.
    pub low: f64,
    /// Highest value that can be built.
    pub high: f64,
    /// Value of the start design.
    pub start: f64,
    /// How the range is traversed.
    pub scale: Scale,
}

/// What is wrong with a design or a design space.
#[derive(Debug, Error, PartialEq)]
pub enum DesignError {
    /// The number of values differs from the number of parameters.
    #[error("the design has {got} values, its space has {expected} parameters")]
    Length {
        /// Number of parameters of the space.
        expected: usize,
        /// Number of values given.
        got: usize,
    },
    /// A value is not finite or outside its bounds.
    #[error("design parameter `{name}` is {value} {unit}; it must lie between {low} and {high}")]
    OutOfBounds {
        /// Name of the parameter.
        name: String,
        /// The offending value.
        value: f64,
        /// Unit of the value.
        unit: String,
        /// Lower bound.
        low: f64,
        /// Upper bound.
        high: f64,
    },
    /// Bounds are inverted, not finite, or do not suit the scale.
    #[error("design parameter `{name}`: {reason}")]
    Bounds {
        /// Name of the parameter.
        name: String,
        /// What is wrong.
        reason: String,
    },
}

impl Parameter {
    /// A linear parameter.
    pub fn linear(name: impl Into<String>, unit: &str, low: f64, high: f64, start: f64) -> Self {
        Self {
            name: name.into(),
            unit: unit.into(),
            low,
            high,
            start,
            scale: Scale::Linear,
        }
    }

    /// A parameter whose even steps are even ratios; its bounds are positive.
    pub fn logarithmic(name: impl Into<String>, unit: &str, low: f64, high: f64, start: f64) -> Self {
        Self {
            scale: Scale::Log,
            ..Self::linear(name, unit, low, high, start)
        }
    }

    /// The value at a fraction of the range (0: low, 1: high), before rounding.
    fn at(&self, fraction: f64) -> f64 {
        match self.scale {
            Scale::Log => (self.low.ln() + (self.high / self.low).ln() * fraction).exp(),
            _ => self.low + (self.high - self.low) * fraction,
        }
    }

    /// The value that belongs to a logit; whole numbers and choices are rounded.
    pub fn value(&self, logit: f64) -> f64 {
        let z = logit.clamp(-LOGIT_LIMIT, LOGIT_LIMIT);
        let value = self.at(1.0 / (1.0 + (-z).exp()));
        match self.scale {
            Scale::Integer | Scale::Choice(_) => value.round(),
            _ => value,
        }
        .clamp(self.low, self.high)
    }

    /// Where a value lies between the bounds (0: low, 1: high), on the parameter's scale.
    pub fn fraction(&self, value: f64) -> f64 {
        match self.scale {
            Scale::Log => (value / self.low).ln() / (self.high / self.low).ln(),
            _ => (value - self.low) / (self.high - self.low),
        }
    }

    /// A value moved by this share of the range, within the bounds; whole numbers and choices by one at least.
    pub fn moved(&self, value: f64, share: f64) -> f64 {
        let moved = self.at((self.fraction(value) + share).clamp(0.0, 1.0));
        match self.scale {
            Scale::Integer | Scale::Choice(_) if share < 0.0 => moved.round().min(value.round() - 1.0),
            Scale::Integer | Scale::Choice(_) => moved.round().max(value.round() + 1.0),
            _ => moved,
        }
        .clamp(self.low, self.high)
    }

    /// The logit of a value, clipped to ±[`LOGIT_LIMIT`].
    pub fn logit(&self, value: f64) -> f64 {
        let f = self.fraction(value).clamp(1e-9, 1.0 - 1e-9);
        (f / (1.0 - f)).ln().clamp(-LOGIT_LIMIT, LOGIT_LIMIT)
    }

    fn check(&self) -> Result<(), DesignError> {
        let fail = |reason: String| {
            Err(DesignError::Bounds {
                name: self.name.clone(),
                reason,
            })
        };
        if !(self.low.is_finite() && self.high.is_finite() && self.start.is_finite()) {
            return fail("bounds and start must be finite numbers".into());
        }
        if self.low >= self.high {
            return fail(format!("low ({}) must be below high ({})", self.low, self.high));
        }
        if self.start < self.low || self.start > self.high {
            return fail(format!(
                "start ({}) must lie between low ({}) and high ({})",
                self.start, self.low, self.high
            ));
        }
        if self.scale == Scale::Log && self.low <= 0.0 {
            return fail(format!("a log scale needs low > 0, not {}", self.low));
        }
        Ok(())
    }
}

/// The parameters of a hardware model.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct DesignSpace {
    /// The parameters, in the order of a [`Design`]'s values.
    pub parameters: Vec<Parameter>,
}

impl DesignSpace {
    /// A space of these parameters.
    ///
    /// # Errors
    /// Bounds that are inverted, not finite, or do not suit the scale; a start outside them.
    pub fn new(parameters: Vec<Parameter>) -> Result<Self, DesignError> {
        parameters.iter().try_for_each(Parameter::check)?;
        Ok(Self { parameters })
    }

    /// Number of parameters.
    pub fn len(&self) -> usize {
        self.parameters.len()
    }

    /// Whether nothing can be designed.
    pub fn is_empty(&self) -> bool {
        self.parameters.is_empty()
    }

    /// The start design.
    pub fn start(&self) -> Design {
        self.parameters.iter().map(|p| p.start).collect()
    }

    /// The design of these logits.
    pub fn values(&self, logits: &[f64]) -> Design {
        let values = self.parameters.iter().zip(logits);
        values.map(|(p, &z)| p.value(z)).collect()
    }

    /// Writes the design of these logits into `out`, without allocating.
    pub fn values_into(&self, logits: &[f64], out: &mut [f64]) {
        for ((p, &z), value) in self.parameters.iter().zip(logits).zip(out) {
            *value = p.value(z);
        }
    }

    /// The logits of a design.
    pub fn logits(&self, design: &[f64]) -> Vec<f64> {
        let values = self.parameters.iter().zip(design);
        values.map(|(p, &v)| p.logit(v)).collect()
    }

    /// Writes where each number of a design lies between its bounds into `out`, on its own scale: -1 to 1.
    pub fn normalise_into(&self, design: &[f64], out: &mut [f32]) {
        for ((p, &value), out) in self.parameters.iter().zip(design).zip(out) {
            *out = (2.0 * p.fraction(value) - 1.0) as f32;
        }
    }

    /// A design uniform within the bounds (in the parameter's scale).
    pub fn sample(&self, stream: &mut crate::Stream) -> Design {
        let draw = |p: &Parameter| match p.scale {
            // every whole number is equally likely, the bounds included
            Scale::Integer | Scale::Choice(_) => p.low + stream.below((p.high - p.low) as usize + 1) as f64,
            _ => p.at(stream.unit()),
        };
        self.parameters.iter().map(draw).collect()
    }

    /// Checks that a design can be built.
    ///
    /// # Errors
    /// A wrong number of values, or a value that is not finite or outside its bounds.
    pub fn check(&self, design: &[f64]) -> Result<(), DesignError> {
        if design.len() != self.len() {
            return Err(DesignError::Length {
                expected: self.len(),
                got: design.len(),
            });
        }
        for (p, &value) in self.parameters.iter().zip(design) {
            let slack = 1e-9 * (p.high - p.low);
            if !(value >= p.low - slack && value <= p.high + slack) {
                return Err(DesignError::OutOfBounds {
                    name: p.name.clone(),
                    value,
                    unit: p.unit.clone(),
                    low: p.low,
                    high: p.high,
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Stream;

    fn space() -> DesignSpace {
        DesignSpace::new(vec![
            Parameter::linear("length", "m", 0.15, 1.0, 0.4),
            Parameter {
                scale: Scale::Log,
                ..Parameter::linear("stiffness", "N/m", 1.0, 1000.0, 10.0)
            },
            Parameter {
                scale: Scale::Integer,
                ..Parameter::linear("teeth", "1", 8.0, 40.0, 20.0)
            },
        ])
        .unwrap()
    }

    #[test]
    fn start_survives_the_round_trip_through_logits() {
        let space = space();
        let back = space.values(&space.logits(&space.start()));
        for (a, b) in back.iter().zip(space.start()) {
            assert!((a - b).abs() < 1e-9, "{a} {b}");
        }
    }

    #[test]
    fn any_logit_gives_a_design_that_can_be_built() {
        let space = space();
        let mut stream = Stream::new(0, "logits", 0);
        for _ in 0..1000 {
            let z: Vec<f64> = (0..3).map(|_| stream.uniform(-50.0, 50.0)).collect();
            space.check(&space.values(&z)).unwrap();
            space.check(&space.sample(&mut stream)).unwrap();
        }
    }

    #[test]
    fn values_move_by_shares_of_the_range_and_stay_within_it() {
        let space = space();
        let [length, stiffness, teeth] = [0, 1, 2].map(|i| &space.parameters[i]);
        assert!((length.moved(0.4, 0.1) - 0.485).abs() < 1e-12);
        assert_eq!(length.moved(0.95, 0.1), 1.0);
        assert!(
            (stiffness.moved(10.0, 1.0 / 3.0) - 100.0).abs() < 1e-9,
            "a third of three decades"
        );
        assert_eq!([teeth.moved(20.0, 0.001), teeth.moved(20.0, -0.1)], [21.0, 17.0]);
        assert_eq!(teeth.moved(8.0, -0.1), 8.0);
    }

    #[test]
    fn middle_of_a_log_scale_is_the_geometric_mean() {
        let value = space().parameters[1].value(0.0);
        assert!((value - 1000f64.sqrt()).abs() < 1e-9);
    }

    #[test]
    fn bad_bounds_and_bad_designs_are_named() {
        let inverted = DesignSpace::new(vec![Parameter::linear("a", "m", 1.0, 0.5, 0.7)]);
        assert!(inverted.unwrap_err().to_string().contains("`a`"));
        let space = space();
        assert!(space.check(&[0.4, 10.0]).is_err());
        let error = space.check(&[f64::NAN, 10.0, 20.0]).unwrap_err();
        assert!(error.to_string().contains("length"));
        assert!(space.check(&[0.4, 1e9, 20.0]).is_err());
    }
}
