//! Adapting a model to other hardware without gradients: scalers are moved until every scaled signal has the mean and the
//! deviation that it had before (the published algorithm, of which this is one pass after the other):
//!
//! ```text
//! measure mean μ and deviation σ behind every scaler, all at once
//! a <- (1 - α) a + α a σ*/σ     where |σ - σ*| > ε and σ ≠ 0
//! b <- b + α (μ* - μ)           where |μ - μ*| > ε
//! until all errors are at most ε;  α falls in even steps from 1 in the first pass to 0.1 in the fiftieth
//! ```

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `y = gain · x + offset`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scaler {
    /// Factor.
    pub gain: f64,
    /// Summand.
    pub offset: f64,
}

impl Scaler {
    /// Gain 1, offset 0.
    pub const RESET: Self = Self { gain: 1.0, offset: 0.0 };
}

/// Mean and deviation of a signal behind its scaler.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Moments {
    /// Mean.
    pub mean: f64,
    /// Standard deviation.
    pub deviation: f64,
}

/// When to stop, and how far to step.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    /// Largest error that counts as adapted.
    pub tolerance: f64,
    /// Passes at most.
    pub passes: u32,
    /// Step of the first pass, 0 to 1.
    pub first_step: f64,
    /// Step of the last passes.
    pub last_step: f64,
    /// Pass from which on the step stays.
    pub falls_until: u32,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            tolerance: 1e-4,
            passes: 100,
            first_step: 1.0,
            last_step: 0.1,
            falls_until: 49,
        }
    }
}

impl Schedule {
    /// The step α of a pass, counted from 0.
    pub fn step(&self, pass: u32) -> f64 {
        let share = f64::from(pass.min(self.falls_until)) / f64::from(self.falls_until.max(1));
        self.first_step + (self.last_step - self.first_step) * share
    }
}

/// What a pass measured, before its update.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pass {
    /// Loss of the batch.
    pub loss: f64,
    /// Largest error of a mean.
    pub mean_error: f64,
    /// Largest error of a deviation.
    pub deviation_error: f64,
}

impl Pass {
    fn within(&self, tolerance: f64) -> bool {
        self.mean_error <= tolerance && self.deviation_error <= tolerance
    }
}

/// Moves `scalers` towards `targets`. `measure` runs the model with the scalers on one fixed batch and gives its loss and
/// the moments behind each of them. The last pass shows the adapted model.
///
/// # Errors
/// Those of `measure`.
pub fn adapt<E>(
    scalers: &mut [Scaler],
    targets: &[Moments],
    schedule: &Schedule,
    mut measure: impl FnMut(&[Scaler]) -> Result<(f64, Vec<Moments>), E>,
) -> Result<Vec<Pass>, E> {
    let mut passes = Vec::new();
    for number in 0.. {
        let (loss, found) = measure(scalers)?;
        let worst = |error: fn(&Moments, &Moments) -> f64| {
            let errors = found.iter().zip(targets).map(|(a, b)| error(a, b).abs());
            errors.fold(0.0, f64::max)
        };
        let pass = Pass {
            loss,
            mean_error: worst(|a, b| a.mean - b.mean),
            deviation_error: worst(|a, b| a.deviation - b.deviation),
        };
        passes.push(pass);
        if pass.within(schedule.tolerance) || number >= schedule.passes {
            break;
        }
        let step = schedule.step(number);
        for ((scaler, found), target) in scalers.iter_mut().zip(&found).zip(targets) {
            update(scaler, found, target, step, schedule.tolerance);
        }
    }
    Ok(passes)
}

fn update(scaler: &mut Scaler, found: &Moments, target: &Moments, step: f64, tolerance: f64) {
    if (found.deviation - target.deviation).abs() > tolerance && found.deviation != 0.0 {
        let wanted = scaler.gain * target.deviation / found.deviation;
        scaler.gain = (1.0 - step) * scaler.gain + step * wanted;
    }
    if (found.mean - target.mean).abs() > tolerance {
        scaler.offset += step * (target.mean - found.mean);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tandem_core::Stream;

    #[test]
    fn the_published_steps() {
        let schedule = Schedule::default();
        let steps = [0, 49, 50, 100].map(|pass| schedule.step(pass));
        assert_eq!(steps[0], 1.0);
        assert!(steps[1..].iter().all(|step| (step - 0.1).abs() < 1e-12));
        assert!((schedule.step(7) - (1.0 - 0.9 / 7.0)).abs() < 1e-12);
    }

    /// Moments behind the scalers of a chain of layers that bend their input and scale it.
    fn chain(inputs: &[f64], scalers: &[Scaler], bend: fn(f64) -> f64) -> Vec<Moments> {
        let mut signal = inputs.to_vec();
        let layer = |scaler: &Scaler| {
            for x in &mut signal {
                *x = scaler.gain * bend(*x) + scaler.offset;
            }
            let n = signal.len() as f64;
            let mean = signal.iter().sum::<f64>() / n;
            let squares = signal.iter().map(|x| (x - mean).powi(2)).sum::<f64>();
            Moments {
                mean,
                deviation: (squares / n).sqrt(),
            }
        };
        scalers.iter().map(layer).collect()
    }

    fn cubic(x: f64) -> f64 {
        x.tanh() + 0.2 * x.powi(3).clamp(-9.0, 9.0)
    }

    /// Passes until a chain of three layers with this offset is adapted with full steps.
    fn passes(inputs: &[f64], offset: f64) -> Vec<Pass> {
        let trained = [1.5, 0.7, 2.0].map(|gain| Scaler { gain, offset });
        let targets = chain(inputs, &trained, |x| x);
        let mut scalers = [Scaler::RESET; 3];
        let full = Schedule {
            last_step: 1.0,
            ..Schedule::default()
        };
        let measure = |s: &[Scaler]| Ok::<_, ()>((0.0, chain(inputs, s, cubic)));
        adapt(&mut scalers, &targets, &full, measure).unwrap()
    }

    #[test]
    fn a_chain_of_layers_is_exact_after_one_pass_a_layer_and_one_to_see_it() {
        // with full steps the first layer is right after one pass, the second after the next, and so on
        let mut stream = Stream::new(0, "chain", 0);
        let half: Vec<f64> = (0..250).map(|_| stream.normal()).collect();
        let balanced: Vec<f64> = half.iter().flat_map(|&x| [x, -x]).collect();
        let found = passes(&balanced, 0.0);
        assert_eq!(found.len(), 3 + 1);
        assert!(found[0].deviation_error > 0.1 && found[2].deviation_error > 1e-4);
        // where means are not zero, they move once more when their gain has moved
        let found = passes(&half, 0.3);
        assert!(found.len() <= 2 * 3 + 1, "{} passes", found.len());
        assert!(found.last().unwrap().within(1e-4));
    }

    #[test]
    fn a_dead_signal_keeps_its_gain_and_the_passes_end() {
        let target = Moments {
            mean: 0.5,
            deviation: 1.0,
        };
        let measure = |s: &[Scaler]| {
            let moments = Moments {
                mean: s[0].offset,
                deviation: 0.0,
            };
            Ok::<_, ()>((1.0, vec![moments]))
        };
        let mut scalers = [Scaler::RESET];
        let schedule = Schedule {
            passes: 5,
            ..Schedule::default()
        };
        let passes = adapt(&mut scalers, &[target], &schedule, measure).unwrap();
        assert_eq!((passes.len(), scalers[0].gain), (6, 1.0));
        assert!((scalers[0].offset - 0.5).abs() < 1e-4);
    }
}
