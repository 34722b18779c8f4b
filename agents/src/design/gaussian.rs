//! `gaussian`: one design per episode from a Gaussian over the logits, moved by the score function.
//!
//! The family of Ha (2018), NLIMB (Schaff et al. 2019) and HWasP-Minimal: `grad = E[R_hat grad log N(z)]`
//! with the episode return standardised over the iteration's episodes. The policy sees the design through
//! the observation only.

use serde::{Deserialize, Serialize};
use tandem_envs::Stream;
use tandem_envs::design::LOGIT_LIMIT;

use super::{Context, DesignOptimizer, MethodError, PolicyChange, Setup, settings, within};
use crate::archive::{Archive, ArchiveError};
use crate::rollout::{DesignSource, Rollout};

/// Settings of [`Gaussian`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct GaussianSettings {
    /// Adam rate of mean and log deviation. The method's most sensitive number.
    pub rate: f64,
    /// Deviation at the start, in logits.
    pub deviation: f64,
    /// The deviation never falls below this.
    pub least_deviation: f64,
}

impl Default for GaussianSettings {
    fn default() -> Self {
        Self {
            rate: 0.1,
            deviation: 0.5,
            least_deviation: 0.1,
        }
    }
}

/// A Gaussian over designs.
pub struct Gaussian {
    settings: GaussianSettings,
    mean: Vec<f64>,
    log_deviation: Vec<f64>,
    /// Adam's moments of mean, then of log deviation: first, second.
    moments: [Vec<f64>; 2],
    steps: u64,
}

impl Gaussian {
    /// The method from an experiment.
    ///
    /// # Errors
    /// Settings out of range.
    pub fn new(setup: &Setup) -> Result<Self, MethodError> {
        let settings: GaussianSettings = settings(setup.settings)?;
        within("rate", settings.rate, 1e-6, 10.0)?;
        within("deviation", settings.deviation, 1e-3, LOGIT_LIMIT)?;
        within(
            "least_deviation",
            settings.least_deviation,
            1e-4,
            settings.deviation,
        )?;
        let d = setup.start.len();
        Ok(Self {
            mean: setup.start.clone(),
            log_deviation: vec![settings.deviation.ln(); d],
            moments: [vec![0.0; 2 * d], vec![0.0; 2 * d]],
            steps: 0,
            settings,
        })
    }

    /// Score-function gradient of the expected standardised return, `[mean, log deviation]`.
    fn gradient(&self, rollout: &Rollout) -> Option<Vec<f64>> {
        let n = rollout.episodes.len();
        if n < 2 {
            return None;
        }
        let returns = rollout.episodes.iter().map(|e| e.total_return);
        let mean = returns.clone().sum::<f64>() / n as f64;
        let variance = returns.map(|r| (r - mean).powi(2)).sum::<f64>() / n as f64;
        let d = self.mean.len();
        let mut gradient = vec![0.0; 2 * d];
        for episode in &rollout.episodes {
            let weight = (episode.total_return - mean) / (variance.sqrt() + 1e-8) / n as f64;
            for i in 0..d {
                let deviation = self.log_deviation[i].exp();
                let x = (episode.logits[i] - self.mean[i]) / deviation;
                gradient[i] += weight * x / deviation;
                gradient[d + i] += weight * (x * x - 1.0);
            }
        }
        Some(gradient)
    }

    /// One ascent step of Adam (Kingma, Ba 2015).
    fn ascend(&mut self, gradient: &[f64]) {
        self.steps += 1;
        let d = self.mean.len();
        let t = self.steps.min(1 << 20) as i32;
        let [first, second] = &mut self.moments;
        for (i, g) in gradient.iter().enumerate() {
            first[i] = 0.9 * first[i] + 0.1 * g;
            second[i] = 0.999 * second[i] + 0.001 * g * g;
            let m = first[i] / (1.0 - 0.9f64.powi(t));
            let v = second[i] / (1.0 - 0.999f64.powi(t));
            let step = self.settings.rate * m / (v.sqrt() + 1e-8);
            if i < d {
                self.mean[i] = (self.mean[i] + step).clamp(-LOGIT_LIMIT, LOGIT_LIMIT);
            } else {
                let log_deviation = &mut self.log_deviation[i - d];
                *log_deviation = (*log_deviation + step).clamp(
                    self.settings.least_deviation.ln(),
                    self.settings.deviation.ln(),
                );
            }
        }
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

impl DesignOptimizer for Gaussian {
    fn design(&self) -> Vec<f64> {
        self.mean.clone()
    }

    fn source(&self) -> Box<dyn DesignSource> {
        Box::new(NormalSource {
            mean: self.mean.clone(),
            deviation: self.log_deviation.iter().map(|l| l.exp()).collect(),
        })
    }

    fn update(
        &mut self,
        rollout: &Rollout,
        context: &mut Context,
    ) -> Result<PolicyChange, MethodError> {
        if let Some(gradient) = self.gradient(rollout).filter(|_| !context.frozen) {
            if gradient.iter().any(|g| !g.is_finite()) {
                return Err(MethodError::NotFinite {
                    what: "the design's gradient".into(),
                });
            }
            self.ascend(&gradient);
        }
        Ok(PolicyChange::Keep)
    }

    fn report(&self) -> Vec<(&'static str, f64)> {
        let d = self.log_deviation.len().max(1) as f64;
        let mean = self.log_deviation.iter().map(|l| l.exp()).sum::<f64>() / d;
        vec![("design_deviation", mean)]
    }

    fn save(&self, archive: &mut Archive) {
        archive.put_f64("design.mean", &self.mean);
        archive.put_f64("design.log_deviation", &self.log_deviation);
        archive.put_f64("design.first", &self.moments[0]);
        archive.put_f64("design.second", &self.moments[1]);
        archive.put_f64("design.steps", &[self.steps as f64]);
    }

    fn load(&mut self, archive: &Archive) -> Result<(), ArchiveError> {
        let d = self.mean.len();
        self.mean = archive.get_f64_len("design.mean", d)?;
        self.log_deviation = archive.get_f64_len("design.log_deviation", d)?;
        self.moments = [
            archive.get_f64_len("design.first", 2 * d)?,
            archive.get_f64_len("design.second", 2 * d)?,
        ];
        self.steps = archive.get_f64_len("design.steps", 1)?[0] as u64;
        Ok(())
    }
}
