//! Moving scalers without gradients, from linear to nonlinear hardware.

use tandem_attention::Activity;
use tandem_core::Stream;
use tch::{Tensor, no_grad};

use super::{Adapted, Pipeline};
use crate::LanguageError;
use crate::attention::adaptation::{Moments, Scaler, adapt};
use crate::attention::{Mode, Signals};

impl Pipeline {
    fn adaptation_batch(&self) -> [Tensor; 2] {
        let mut stream = Stream::new(self.settings.seed, "language/adaptation", 0);
        let count = self.settings.adaptation.batch;
        self.corpus.batch(&mut stream, count, self.settings.model.context)
    }

    /// Loss and signals of a batch on hardware.
    pub(super) fn measure(&self, batch: &[Tensor; 2], mode: Mode) -> (f64, Vec<Signals>) {
        let mut signals = Vec::new();
        let loss = no_grad(|| {
            let loss = self.model.loss(batch, self.hardware(mode), Some(&mut signals));
            loss.double_value(&[])
        });
        (loss, signals)
    }

    /// Records the linear model's signals and moves the nonlinear model's scalers to them. Gives the last loss.
    pub(super) fn adapt(&mut self) -> Result<f64, LanguageError> {
        let settings = self.settings.adaptation.clone();
        let batch = self.adaptation_batch();
        let (linear_loss, signals) = self.measure(&batch, Mode::Linear);
        let targets = moments(&signals);
        let (carried_loss, _) = self.measure(&batch, Mode::Nonlinear);
        let mut scalers = match settings.reset {
            true => vec![Scaler::RESET; targets.len()],
            false => self.model.scalers(),
        };
        let passes = adapt(&mut scalers, &targets, &settings.schedule, |scalers| {
            self.model.set_scalers(scalers);
            let (loss, signals) = self.measure(&batch, Mode::Nonlinear);
            self.finite("the loss of an adaptation pass", loss)?;
            Ok::<_, LanguageError>((loss, moments(&signals)))
        })?;
        let loss = passes.last().map_or(f64::NAN, |pass| pass.loss);
        self.state.adapted = Some(Adapted {
            linear_loss,
            carried_loss,
            passes,
        });
        Ok(loss)
    }
}

/// Signals in the order of [`Gpt::scalers`](crate::Gpt::scalers).
pub(crate) fn moments(signals: &[Signals]) -> Vec<Moments> {
    let layer = |s: &Signals| -> Vec<Moments> {
        let pairs = s.mean.iter().flatten().zip(s.deviation.iter().flatten());
        pairs.map(|(&mean, &deviation)| Moments { mean, deviation }).collect()
    };
    signals.iter().flat_map(layer).collect()
}

/// Mean over the layers; `None` where none was measured.
pub(crate) fn mean_activity(signals: &[Signals]) -> Option<Activity> {
    let all: Vec<Activity> = signals.iter().filter_map(|s| s.activity).collect();
    let mean = |of: fn(&Activity) -> f64| all.iter().map(of).sum::<f64>() / all.len() as f64;
    (!all.is_empty()).then(|| Activity {
        score_ua: mean(|a| a.score_ua),
        output_ua: mean(|a| a.output_ua),
    })
}
