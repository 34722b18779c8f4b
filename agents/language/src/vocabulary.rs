//! What a token is: a character of the text, or a byte pair of GPT-2.

use std::collections::BTreeSet;

use super::LanguageError;
use super::bpe::BytePairEncoding;

/// Most different characters: beyond this, characters are the wrong units.
const MOST_CHARACTERS: usize = 4096;

/// The tokens of a model.
#[derive(Clone, Debug, PartialEq)]
pub enum Vocabulary {
    /// The characters that occur in the text, in order; a token's number is its place.
    Characters(Vec<char>),
    /// GPT-2's byte pairs.
    BytePairs(BytePairEncoding),
}

impl Vocabulary {
    /// The characters of a text.
    ///
    /// # Errors
    /// Too many different characters.
    pub fn characters(text: &str) -> Result<Self, LanguageError> {
        let found: BTreeSet<char> = text.chars().collect();
        if found.len() > MOST_CHARACTERS {
            let reason = format!(
                "{} different characters; at most {MOST_CHARACTERS} can be used",
                found.len()
            );
            return Err(LanguageError::Text(reason));
        }
        Ok(Self::Characters(found.into_iter().collect()))
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        match self {
            Self::Characters(all) => all.len(),
            Self::BytePairs(encoding) => encoding.len(),
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// What a token is called, in the singular.
    pub fn unit(&self) -> &'static str {
        match self {
            Self::Characters(_) => "character",
            Self::BytePairs(_) => "token",
        }
    }

    /// Tokens of a text.
    ///
    /// # Errors
    /// A character that the vocabulary does not hold.
    pub fn encode(&self, text: &str) -> Result<Vec<i64>, LanguageError> {
        let characters = match self {
            Self::BytePairs(encoding) => return Ok(encoding.encode(text)),
            Self::Characters(characters) => characters,
        };
        let number = |c: char| match characters.binary_search(&c) {
            Ok(place) => Ok(place as i64),
            Err(_) => Err(LanguageError::Text(format!(
                "the model has never seen {c:?}; its text did not hold it"
            ))),
        };
        text.chars().map(number).collect()
    }

    /// Text of tokens; numbers that are no token are left out.
    pub fn decode(&self, tokens: &[i64]) -> String {
        let characters = match self {
            Self::BytePairs(encoding) => return encoding.decode(tokens),
            Self::Characters(characters) => characters,
        };
        let places = tokens.iter().filter_map(|&t| usize::try_from(t).ok());
        places.filter_map(|place| characters.get(place)).collect()
    }
}
