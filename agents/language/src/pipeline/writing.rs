//! Text from a finished stage's model.

use tandem_core::Stream;
use tch::{Tensor, no_grad};

use super::{Pipeline, Stage};
use crate::LanguageError;
use crate::model::draw;

impl Pipeline {
    /// Continues `prompt` by `count` tokens with a finished stage's model.
    ///
    /// # Errors
    /// A stage that is not finished, an empty prompt, or characters that the model does not know.
    pub fn generate(
        &mut self,
        stage: Stage,
        prompt: &str,
        count: usize,
        temperature: f64,
        stream: &mut Stream,
    ) -> Result<String, LanguageError> {
        self.model.load(&self.finished, stage.name())?;
        let vocabulary = self.corpus.vocabulary();
        let mut numbers = vocabulary.encode(prompt)?;
        let given = numbers.len();
        if numbers.is_empty() {
            return Err(LanguageError::Text(
                "the prompt is empty; give at least one character".into(),
            ));
        }
        for _ in 0..count {
            let first = numbers.len().saturating_sub(self.settings.model.context);
            let seen = Tensor::from_slice(&numbers[first..]).unsqueeze(0);
            let scores = no_grad(|| self.model.forward(&seen, self.hardware(stage.mode()), None));
            numbers.push(draw(&scores.get(0).get(-1), temperature, stream));
        }
        Ok(vocabulary.decode(&numbers[given..]))
    }
}
