//! A text as a row of character numbers, with a part held back for validation.

use std::collections::BTreeSet;

use tandem_envs::Stream;
use tch::Tensor;

use super::LanguageError;

/// Share of the text, at its end, that is never trained on.
const HELD_BACK: f64 = 0.1;
/// Most different characters: beyond this, characters are the wrong units.
const MOST_CHARACTERS: usize = 4096;

/// A text for training.
#[derive(Clone, Debug, PartialEq)]
pub struct Corpus {
    /// The characters that occur, in order; a character's number is its place.
    characters: Vec<char>,
    training: Vec<i64>,
    validation: Vec<i64>,
}

impl Corpus {
    /// A corpus of this text, for sequences of `context` characters.
    ///
    /// # Errors
    /// A text that is too short for one sequence in either part, or has too many different characters.
    pub fn new(text: &str, context: usize) -> Result<Self, LanguageError> {
        let found: BTreeSet<char> = text.chars().collect();
        if found.len() > MOST_CHARACTERS {
            let reason = format!(
                "{} different characters; at most {MOST_CHARACTERS} can be used",
                found.len()
            );
            return Err(LanguageError::Text(reason));
        }
        let characters: Vec<char> = found.into_iter().collect();
        let mut corpus = Self {
            characters,
            training: vec![],
            validation: vec![],
        };
        let mut numbers: Vec<i64> = text.chars().filter_map(|c| corpus.number(c)).collect();
        let kept = numbers.len() - (numbers.len() as f64 * HELD_BACK) as usize;
        corpus.validation = numbers.split_off(kept);
        corpus.training = numbers;
        if corpus.validation.len() <= context {
            let needed = ((context + 1) as f64 / HELD_BACK).ceil();
            let reason = format!(
                "{} characters are too few; with a context of {context} it needs at least {needed}",
                corpus.training.len() + corpus.validation.len()
            );
            return Err(LanguageError::Text(reason));
        }
        Ok(corpus)
    }

    /// The characters, in the order of their numbers.
    pub fn characters(&self) -> &[char] {
        &self.characters
    }

    /// Numbers of characters: training, validation.
    pub fn lengths(&self) -> [usize; 2] {
        [self.training.len(), self.validation.len()]
    }

    /// A character's number.
    pub fn number(&self, character: char) -> Option<i64> {
        let place = self.characters.binary_search(&character).ok()?;
        Some(place as i64)
    }

    /// Random sequences of the training text and what follows each of their characters, `[batch, context]`.
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
        let starts: Vec<usize> = (0..count)
            .map(|i| i * last / count.saturating_sub(1).max(1))
            .collect();
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
        assert!(
            error.contains("9 characters") && error.contains("170"),
            "{error}"
        );
        assert!(Corpus::new("", 1).is_err());
    }
}
