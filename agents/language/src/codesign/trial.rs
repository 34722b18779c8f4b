//! A trained model on other circuits, one after the other, its weights as they are.

use tandem_attention::GainCell;
use tandem_core::Stream;

use super::judge::{Home, Judge, Split};
use crate::pipeline::Pipeline;
use crate::{Gpt, LanguageError};

/// A pipeline's nonlinear model, ready to be put on other circuits.
pub struct Trial {
    judge: Judge,
    model: Gpt,
    home: Home,
}

impl Trial {
    /// The model of a finished pipeline.
    ///
    /// # Errors
    /// A pipeline whose nonlinear stage is not finished, or whose validation text is one sequence only.
    pub fn new(pipeline: Pipeline) -> Result<Self, LanguageError> {
        let trained = pipeline.into_trained()?;
        let settings = &trained.settings;
        let mut stream = Stream::new(settings.seed, "trial/adaptation", 0);
        let (count, context) = (settings.adaptation.batch, settings.model.context);
        let batch = trained.corpus.batch(&mut stream, count, context);
        let judge = Judge::new(batch, &trained.validation, context)?;
        let home = judge.home(&trained.model, &settings.circuit())?;
        Ok(Self {
            judge,
            model: trained.model,
            home,
        })
    }

    /// Loss on this circuit, its scalers adapted, nat per token.
    ///
    /// # Errors
    /// A circuit that cannot be built or has no tensor form.
    pub fn loss(&mut self, circuit: &GainCell) -> Result<f64, LanguageError> {
        let judged = self.judge.judge(&mut self.model, &self.home, circuit, Split::Final)?;
        Ok(judged.loss)
    }
}
