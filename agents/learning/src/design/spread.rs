//! A Gaussian over designs, one draw per episode, moved by the score function.
//!
//! `grad = E[R_hat grad log N(z)]` with the episode return `R` standardised over the iteration's episodes, optionally less
//! the critic's value of its start. It captures what a design does to a whole episode, at one sample per episode.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_core::Stream;
use tandem_core::design::LOGIT_LIMIT;

use super::trials::{Trial, episodes, segments};
use super::{MethodError, MethodSettings, SettingError, Setup, within};
use crate::adam::PlainAdam;
use crate::archive::{Archive, ArchiveError};
use crate::method_error::finite;
use crate::rollout::{DesignSource, Rollout};

/// Roll-outs that an episode spans at most where designs are credited with whole episodes: beyond, too few end in an
/// iteration.
const ROLLOUTS: usize = 4;

/// Settings of a Gaussian over designs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct SpreadSettings {
    /// Adam rate of mean and log deviation. The method's most sensitive number.
    pub rate: f64,
    /// Deviation at the start, in logits.
    pub deviation: f64,
    /// The deviation never falls below this.
    pub least_deviation: f64,
    /// Whether an episode counts by what it earned beyond what the critic expected of its start; else by its return. Where
    /// starts matter more than the design, as where objects differ from episode to episode, nothing is learnt without. What
    /// a start shows of its design, as far as it is linear in the logits, is not taken away.
    pub start_baseline: bool,
    /// Whether policy and critic see the design of their episode, each number as its place between the bounds, from -1 to 1,
    /// beside the observation. One policy then serves all designs that are drawn; without, it can only learn what suits their
    /// mean. What is judged and exported is the policy at one design, which sees the observation only.
    pub policy_sees_design: bool,
    /// What a drawn design is credited with. Absent, `segment` where an episode spans more than four roll-outs, else
    /// `episode`.
    pub credit: Option<Credit>,
}

/// What a drawn design is credited with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Credit {
    /// The returns of episodes that ended in the iteration.
    Episode,
    /// What each environment earned in the iteration, whether or not an episode ended: many more samples where episodes are
    /// much longer than roll-outs.
    Segment,
}

impl Default for SpreadSettings {
    fn default() -> Self {
        Self {
            rate: 0.1,
            deviation: 1.0,
            least_deviation: 0.1,
            start_baseline: true,
            policy_sees_design: true,
            credit: None,
        }
    }
}

impl MethodSettings for SpreadSettings {
    fn resolved(&self, setup: &Setup) -> Self {
        let rule = match setup.horizon > ROLLOUTS * setup.rollout_steps {
            true => Credit::Segment,
            false => Credit::Episode,
        };
        Self {
            credit: self.credit.or(Some(rule)),
            ..self.clone()
        }
    }
}

impl SpreadSettings {
    /// Numbers of the design that the policy sees, of `d`.
    pub fn policy_inputs(&self, d: usize) -> usize {
        if self.policy_sees_design { d } else { 0 }
    }

    /// Checks all ranges; keys are named below `place`.
    ///
    /// # Errors
    /// The first setting out of range.
    pub fn check(&self, place: &str) -> Result<(), SettingError> {
        let key = |name: &str| format!("{place}{name}");
        within(key("rate"), self.rate, [1e-6, 10.0])?;
        within(key("deviation"), self.deviation, [1e-3, LOGIT_LIMIT])?;
        within(key("least_deviation"), self.least_deviation, [1e-4, self.deviation])?;
        Ok(())
    }
}

/// The deviations of a Gaussian over designs, and what moves it by the score function.
pub struct Spread {
    log_deviation: Vec<f64>,
    /// Of mean, then of log deviation.
    adam: PlainAdam,
}

impl Spread {
    /// A Gaussian over `d` logits as it starts.
    pub fn new(settings: &SpreadSettings, d: usize) -> Self {
        Self {
            log_deviation: vec![settings.deviation.ln(); d],
            adam: PlainAdam::new(2 * d),
        }
    }

    /// Designs drawn from the Gaussian with this mean.
    pub fn source(&self, mean: Vec<f64>) -> Box<dyn DesignSource> {
        Box::new(NormalSource {
            mean,
            deviation: self.log_deviation.iter().map(|l| l.exp()).collect(),
        })
    }

    /// Moves mean and deviations by what the drawn designs of a roll-out earned; `rewards` are its rewards `[N, T]` as the
    /// critic sees them.
    ///
    /// # Errors
    /// A gradient that is not finite.
    pub fn step(
        &mut self,
        mean: &mut [f64],
        rollout: &Rollout,
        rewards: &[f32],
        settings: &SpreadSettings,
    ) -> Result<(), MethodError> {
        let trials = match settings.credit {
            Some(Credit::Segment) => segments(rollout, rewards),
            _ => episodes(rollout, settings.start_baseline),
        };
        let Some(gradient) = self.gradient(mean, &trials) else {
            return Ok(());
        };
        let all = gradient.iter().all(|g| g.is_finite());
        finite(all, "the design's gradient")?;
        let steps = self.adam.step(&gradient, settings.rate);
        let (of_mean, of_deviation) = steps.split_at(mean.len());
        for (mean, step) in mean.iter_mut().zip(of_mean) {
            *mean = (*mean + step).clamp(-LOGIT_LIMIT, LOGIT_LIMIT);
        }
        let [low, high] = [settings.least_deviation.ln(), settings.deviation.ln()];
        for (log_deviation, step) in self.log_deviation.iter_mut().zip(of_deviation) {
            *log_deviation = (*log_deviation + step).clamp(low, high);
        }
        Ok(())
    }

    /// Score-function gradient of the expected standardised merit, `[mean, log deviation]`.
    fn gradient(&self, mean: &[f64], trials: &[Trial]) -> Option<Vec<f64>> {
        let n = trials.len();
        if n < 2 {
            return None;
        }
        let variance = trials.iter().map(|trial| trial.merit.powi(2)).sum::<f64>() / n as f64;
        let d = mean.len();
        let mut gradient = vec![0.0; 2 * d];
        for trial in trials {
            let weight = trial.merit / (variance.sqrt() + 1e-8) / n as f64;
            for i in 0..d {
                let deviation = self.log_deviation[i].exp();
                let x = (trial.logits[i] - mean[i]) / deviation;
                gradient[i] += weight * x / deviation;
                gradient[d + i] += weight * (x * x - 1.0);
            }
        }
        Some(gradient)
    }

    /// Mean deviation over the design's numbers.
    pub fn mean_deviation(&self) -> f64 {
        let d = self.log_deviation.len().max(1) as f64;
        self.log_deviation.iter().map(|l| l.exp()).sum::<f64>() / d
    }

    /// Stores deviations and moments.
    pub fn save(&self, archive: &mut Archive) {
        archive.put_f64("spread.log_deviation", &self.log_deviation);
        self.adam.save(archive, "spread");
    }

    /// Loads what [`Spread::save`] stored.
    ///
    /// # Errors
    /// Missing entries or other sizes.
    pub fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        let d = self.log_deviation.len();
        self.log_deviation = archive.get_f64_len("spread.log_deviation", d)?;
        self.adam.load(archive, "spread")
    }
}

struct NormalSource {
    mean: Vec<f64>,
    deviation: Vec<f64>,
}

impl DesignSource for NormalSource {
    fn draw(&self, stream: &mut Stream, logits: &mut [f64]) {
        for ((z, mean), deviation) in logits.iter_mut().zip(&self.mean).zip(&self.deviation) {
            *z = (mean + deviation * stream.normal()).clamp(-LOGIT_LIMIT, LOGIT_LIMIT);
        }
    }
}
