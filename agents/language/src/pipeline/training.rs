//! One iteration of a stage: batch, gradient, step; and the validation.

use tch::{Tensor, no_grad};

use super::{Pipeline, Planned, Stage};
use crate::LanguageError;
use crate::attention::{Circuit, Mode};
use crate::stepper::{descend, optimiser};
use tandem_learning::adam::Adam;

impl Pipeline {
    /// An optimiser for the present stage.
    pub(super) fn fresh_adam(&self) -> Adam {
        let present = self.plan.get(self.state.place);
        let on_hardware = present.is_some_and(|p| p.stage.mode() != Mode::Softmax);
        optimiser(&self.model, &self.settings.training, on_hardware)
    }

    pub(super) fn step(&mut self, planned: &Planned) -> Result<(f64, f64), LanguageError> {
        let t = &self.settings.training;
        let context = self.settings.model.context;
        let batch = self.corpus.batch(&mut self.state.stream, t.batch, context);
        let how = (t.clip, self.rate(planned));
        let mode = planned.stage.mode();
        let circuit: Option<&dyn Circuit> = match mode {
            Mode::Softmax => None,
            Mode::Linear => Some(&self.hardware[0]),
            Mode::Nonlinear => Some(&self.hardware[1]),
        };
        let done = descend(&self.model, &mut self.adam, &batch, circuit, how)?;
        done.map_err(|what| self.not_finite(what))
    }

    /// Rate of the present iteration: rises, stays, and falls where nothing follows.
    pub(super) fn rate(&self, planned: &Planned) -> f64 {
        let t = &self.settings.training;
        let ramp = |count: u64, length: u64| (count as f64 / length.max(1) as f64).min(1.0);
        let rise = ramp(self.state.of_stage + 1, t.warm_up);
        let fall = match planned.continued {
            true => 1.0,
            false => ramp(planned.iterations - self.state.of_stage, t.cool_down),
        };
        t.rate * rise.min(fall)
    }

    pub(super) fn finite(&self, what: &'static str, value: f64) -> Result<f64, LanguageError> {
        if value.is_finite() {
            return Ok(value);
        }
        Err(self.not_finite(what))
    }

    fn not_finite(&self, what: &'static str) -> LanguageError {
        let present = self.plan.get(self.state.place);
        LanguageError::NotFinite {
            what,
            stage: present.map_or("end", |p| p.stage.name()),
            iteration: self.state.of_stage,
        }
    }

    pub(super) fn validate(&mut self, stage: Stage) -> Result<(), LanguageError> {
        let loss = self.loss_on(&self.validation, stage.mode());
        let loss = self.finite("the validation loss", loss)?;
        self.state.validations.push((stage, self.state.of_stage, loss));
        Ok(())
    }

    /// Mean loss on sequences, in batches of the training's size.
    pub(super) fn loss_on(&self, [text, targets]: &[Tensor; 2], mode: Mode) -> f64 {
        let (count, batch) = (text.size()[0], self.settings.training.batch as i64);
        let mut sum = 0.0;
        for start in (0..count).step_by(batch as usize) {
            let length = batch.min(count - start);
            let part = [text, targets].map(|t| t.narrow(0, start, length));
            let loss = no_grad(|| self.model.loss(&part, self.hardware(mode), None));
            sum += loss.double_value(&[]) * length as f64;
        }
        sum / count as f64
    }
}
