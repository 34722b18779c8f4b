//! A text as a row of token numbers, with a part held back for validation.

use tandem_core::Stream;
use tch::Tensor;

use super::LanguageError;
use super::vocabulary::Vocabulary;

/// Share of the text, at its end, that is never trained on.
const HELD_BACK: f64 = 0.1;
/// A text for training.
#[derive(Clone, Debug, PartialEq)]
pub struct Corpus {
    vocabulary: Vocabulary,
    training: Vec<i64>,
    validation: Vec<i64>,
}

impl Corpus {
    /// A corpus of this text's characters, for sequences of `context` characters.
    ///
    /// # Errors
    /// A text that is too short for one sequence in either part, or has too many different characters.
    pub fn new(text: &str, context: usize) -> Result<Self, LanguageError> {
        Self::with(Vocabulary::characters(text)?, text, context)
    }

    /// A corpus of this text's tokens, for sequences of `context` tokens.
    ///
    /// # Errors
    /// A text that is too short for one sequence in either part, or holds what the vocabulary does not.
    pub fn with(vocabulary: Vocabulary, text: &str, context: usize) -> Result<Self, LanguageError> {
        let mut training = vocabulary.encode(text)?;
        let all = training.len();
        let validation = training.split_off(all - (all as f64 * HELD_BACK) as usize);
        if validation.len() <= context {
            let needed = ((context + 1) as f64 / HELD_BACK).ceil();
            let unit = vocabulary.unit();
            let reason = format!("{all} {unit}s are too few; with a context of {context} it needs at least {needed}");
            return Err(LanguageError::Text(reason));
        }
        Ok(Self {
            vocabulary,
            training,
            validation,
        })
    }

    /// The tokens.
    pub fn vocabulary(&self) -> &Vocabulary {
        &self.vocabulary
    }

    /// Numbers of tokens: training, validation.
    pub fn lengths(&self) -> [usize; 2] {
        [self.training.len(), self.validation.len()]
    }

    /// Random sequences of the training text and what follows each of their tokens, `[batch, context]`.
    pub fn batch(&self, stream: &mut Stream, batch: usize, context: usize) -> [Tensor; 2] {
        let starts: Vec<usize> = (0..batch)
            .map(|_| stream.below(self.training.len() - context))
            .collect();
        sequences(&self.training, &starts, context)
    }

    /// Up to `count` sequences of the validation text, evenly spread.
    pub fn validation(&self, count: usize, context: usize) -> [Tensor; 2] {
        let last = self.validation.len() - context - 1;
        let count = count.min(last + 1);
        let starts: Vec<usize> = (0..count).map(|i| i * last / count.saturating_sub(1).max(1)).collect();
        sequences(&self.validation, &starts, context)
    }
}

fn sequences(text: &[i64], starts: &[usize], context: usize) -> [Tensor; 2] {
    [0, 1].map(|shift| {
        let rows: Vec<i64> = starts
            .iter()
            .flat_map(|&start| &text[start + shift..start + shift + context])
            .copied()
            .collect();
        Tensor::from_slice(&rows).view([starts.len() as i64, context as i64])
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_next_characters_and_parts_do_not_overlap() {
        let text: String = ('a'..='z').cycle().take(1000).collect();
        let corpus = Corpus::new(&text, 8).unwrap();
        assert_eq!(corpus.lengths(), [900, 100]);
        let mut stream = Stream::new(0, "batch", 0);
        for [x, y] in [corpus.batch(&mut stream, 5, 8), corpus.validation(1000, 8)] {
            let step = (&y - &x).remainder(26);
            assert_eq!(step.min().int64_value(&[]), 1);
            assert_eq!(step.max().int64_value(&[]), 1);
        }
        assert_eq!(corpus.validation(4, 8)[0].size(), [4, 8]);
        assert_eq!(corpus.validation(1, 8)[0].size(), [1, 8]);
    }

    #[test]
    fn a_short_text_is_refused_with_the_length_that_would_do() {
        let error = Corpus::new("too short", 16).unwrap_err().to_string();
        assert!(error.contains("9 characters") && error.contains("170"), "{error}");
        assert!(Corpus::new("", 1).is_err());
    }
}
