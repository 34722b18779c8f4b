//! What each design parameter is worth around a learnt design: which number holds the machine back.
//!
//! Each parameter in turn is moved by a tenth of its range to either side, within its bounds, and the same policy plays the same
//! starts on both machines. The difference of two episodes from one start, divided by how far apart the two designs are in units
//! of the range, is a sample of the slope
//!
//! ```text
//! (R(z + h) - R(z - h)) / 2h        z in [0, 1] from bound to bound, h = 0.1
//! ```
//!
//! and intervals are over starts. At a learnt design slopes inside the box are small where nothing holds the search back; a
//! parameter at a bound with a large slope wants to go beyond it. The critic's own slope stands beside: the change of what it
//! expects of the starts, as a share of how far its expectations are spread over them. It knows of a design only what is observed.

use serde::{Deserialize, Serialize};
use tandem_core::Parameter;

use crate::error::Error;
use crate::evaluate::{Learnt, mean_interval};
use crate::evaluation::Interval;
use crate::judge::{Actions, Judgement, Player, Starts, World};

/// How far a parameter is moved to either side, as a share of its range.
pub const STEP: f64 = 0.1;

/// Sensitivities of a learnt design; the document of `tandem evaluate --sensitivity --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivities {
    /// Name of the problem.
    pub problem: String,
    /// Name of the method that found the pair.
    pub method: String,
    /// Seed of the run.
    pub seed: u64,
    /// Episodes per design.
    pub episodes: usize,
    /// How far each parameter was moved to either side, as a share of its range.
    pub step: f64,
    /// One entry per design parameter, in the design's order.
    pub parameters: Vec<Sensitivity>,
}

/// What one parameter is worth; slopes are changes per range, from the lower to the upper bound, with 95 % intervals over starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// Name of the parameter.
    pub name: String,
    /// Its unit.
    pub unit: String,
    /// Its learnt value.
    pub value: f64,
    /// The lower value that was tried.
    pub lower: f64,
    /// The higher value that was tried.
    pub higher: f64,
    /// Slope of the return.
    pub return_slope: f64,
    /// Lower end of its interval.
    pub return_slope_low: f64,
    /// Upper end of its interval.
    pub return_slope_high: f64,
    /// Slope of the share of solved episodes.
    pub success_slope: f64,
    /// Lower end of its interval.
    pub success_slope_low: f64,
    /// Upper end of its interval.
    pub success_slope_high: f64,
    /// Mean return at the lower value.
    pub return_at_lower: f64,
    /// Mean return at the higher value.
    pub return_at_higher: f64,
    /// Share of solved episodes at the lower value.
    pub success_at_lower: f64,
    /// Share of solved episodes at the higher value.
    pub success_at_higher: f64,
    /// Slope of what the critic expects of the starts, as a share of the spread of its expectations.
    pub critic_slope: f64,
}

impl Sensitivities {
    /// Measures them around a design, a value per parameter.
    ///
    /// # Errors
    /// Nothing to design; a design that cannot be built.
    pub fn of(learnt: &Learnt, design: &[f64], starts: Starts) -> Result<Self, Error> {
        let space = learnt.hardware().space().clone();
        if space.is_empty() {
            return Err(Error::Input(
                "nothing is designed here, so that there is no sensitivity".into(),
            ));
        }
        let spread = deviation(&expectations(learnt, design, starts)?);
        let parameters = space.parameters.iter().enumerate();
        let parameters = parameters.map(|(i, parameter)| around(learnt, design, i, parameter, spread, starts));
        Ok(Self {
            problem: learnt.experiment.problem.clone(),
            method: learnt.experiment.method.clone(),
            seed: learnt.experiment.seed,
            episodes: starts.episodes,
            step: STEP,
            parameters: parameters.collect::<Result<_, _>>()?,
        })
    }
}

/// One parameter, moved to either side; `spread` is that of the critic's expectations.
fn around(
    learnt: &Learnt,
    design: &[f64],
    i: usize,
    parameter: &Parameter,
    spread: f64,
    starts: Starts,
) -> Result<Sensitivity, Error> {
    let value = design[i];
    let [lower, higher] = [-STEP, STEP].map(|share| parameter.moved(value, share));
    let at = |value: f64| {
        let mut design = design.to_vec();
        design[i] = value;
        let judgement = learnt.judge(&design, Actions::Mean, &World::Full, starts)?;
        let expected = expectations(learnt, &design, starts)?;
        Ok::<_, Error>((judgement, expected.iter().sum::<f64>() / expected.len().max(1) as f64))
    };
    let ((below, expected_below), (above, expected_above)) = (at(lower)?, at(higher)?);
    let range = parameter.fraction(higher) - parameter.fraction(lower);
    let slope = |of: &dyn Fn(&Judgement) -> Vec<f64>| {
        let pairs = of(&above).into_iter().zip(of(&below));
        let slopes: Vec<f64> = pairs.map(|(above, below)| (above - below) / range).collect();
        mean_interval(&slopes, starts.seed).unwrap_or(Interval {
            mean: 0.0,
            low: 0.0,
            high: 0.0,
        })
    };
    let returns = slope(&|judged| judged.outcomes.iter().map(|o| o.total_return).collect());
    let successes = slope(&|judged| judged.outcomes.iter().map(|o| f64::from(u8::from(o.success))).collect());
    Ok(Sensitivity {
        name: parameter.name.clone(),
        unit: parameter.unit.clone(),
        value,
        lower,
        higher,
        return_slope: returns.mean,
        return_slope_low: returns.low,
        return_slope_high: returns.high,
        success_slope: successes.mean,
        success_slope_low: successes.low,
        success_slope_high: successes.high,
        return_at_lower: below.mean_return(),
        return_at_higher: above.mean_return(),
        success_at_lower: below.success(),
        success_at_higher: above.success(),
        critic_slope: (expected_above - expected_below) / range / spread.max(1e-8),
    })
}

/// What the critic expects of each start on a design, in its own scale.
fn expectations(learnt: &Learnt, design: &[f64], starts: Starts) -> Result<Vec<f64>, Error> {
    let mut problem = learnt.instance.problem.fresh();
    let mut player = Player::new(problem.as_mut(), &learnt.policy, design, Actions::Mean, &World::Full);
    let episodes = 0..starts.episodes as u64;
    let expected = episodes.map(|episode| {
        player.reset(starts, episode)?;
        Ok(player.expectation())
    });
    expected.collect()
}

fn deviation(values: &[f64]) -> f64 {
    let n = values.len().max(1) as f64;
    let mean = values.iter().sum::<f64>() / n;
    (values.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / n).sqrt()
}
