//! The training text of a language model and its tokenizer's files; a run keeps copies of them.

use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tandem_language::bpe::BytePairEncoding;
use tandem_language::{Corpus, Vocabulary, story};

use crate::error::Error;
use crate::run_folder::RunFolder;

/// Longest file that is read, bytes.
const LONGEST: u64 = 256 << 20;
/// The copies in a run folder.
const TEXT: &str = "text.txt";
const TOKENIZER: [&str; 2] = ["vocab.json", "merges.txt"];

/// A text file, or stories made by rule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct TextSettings {
    /// UTF-8 text; without it, stories are made.
    pub file: Option<PathBuf>,
    /// Length of the stories, characters.
    pub characters: usize,
    /// Seed of the stories; the same for all seeds of the model.
    pub seed: u64,
    /// GPT-2's byte pairs as tokens; without them, the text's characters.
    pub tokenizer: Option<TokenizerSettings>,
}

/// The public files of a byte-pair encoding.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenizerSettings {
    /// Tokens and their numbers, JSON.
    pub vocab: PathBuf,
    /// Pairs in the order in which they are merged.
    pub merges: PathBuf,
}

impl Default for TextSettings {
    fn default() -> Self {
        Self {
            file: None,
            characters: 500_000,
            seed: 0,
            tokenizer: None,
        }
    }
}

/// A text and its tokenizer's files.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    text: String,
    tokenizer: Option<[String; 2]>,
}

impl Source {
    /// What these settings name.
    ///
    /// # Errors
    /// A file that cannot be read, is too long or no UTF-8.
    pub fn read(settings: &TextSettings) -> Result<Self, Error> {
        let text = match &settings.file {
            None => story::story(settings.seed, settings.characters),
            Some(path) => read_text("text.file", path)?,
        };
        let tokenizer = match &settings.tokenizer {
            None => None,
            Some(files) => Some([
                read_text("text.tokenizer.vocab", &files.vocab)?,
                read_text("text.tokenizer.merges", &files.merges)?,
            ]),
        };
        Ok(Self { text, tokenizer })
    }

    /// Copies everything into a run folder.
    ///
    /// # Errors
    /// A folder that cannot be written.
    pub fn save(&self, folder: &RunFolder) -> Result<(), Error> {
        let tokenizer = TOKENIZER.iter().zip(self.tokenizer.iter().flatten());
        for (name, text) in std::iter::once((&TEXT, &self.text)).chain(tokenizer) {
            folder.write(name, text.as_bytes())?;
        }
        Ok(())
    }

    /// What [`Source::save`] left; what it could not write before a kill is read from where the settings say.
    ///
    /// # Errors
    /// Files that cannot be read.
    pub fn load(folder: &RunFolder, settings: &TextSettings) -> Result<Self, Error> {
        let mut wanted = vec![TEXT];
        wanted.extend(settings.tokenizer.iter().flat_map(|_| TOKENIZER));
        let paths: Vec<PathBuf> = wanted.iter().map(|name| folder.file(name)).collect();
        if !paths.iter().all(|path| path.exists()) {
            return Self::read(settings);
        }
        let read = |name: &&str| {
            let no_text = |_| Error::Run(format!("{} is no UTF-8", folder.file(name).display()));
            String::from_utf8(folder.read(name)?).map_err(no_text)
        };
        let mut texts = wanted.iter().map(read);
        let mut next = || texts.next().transpose().map(Option::unwrap_or_default);
        Ok(Self {
            text: next()?,
            tokenizer: match settings.tokenizer {
                None => None,
                Some(_) => Some([next()?, next()?]),
            },
        })
    }

    /// The text as tokens.
    ///
    /// # Errors
    /// A text that is too short, tokenizer files that do not fit.
    pub fn corpus(&self, context: usize) -> Result<Corpus, Error> {
        let vocabulary = match &self.tokenizer {
            None => Vocabulary::characters(&self.text)?,
            Some([vocab, merges]) => Vocabulary::BytePairs(BytePairEncoding::new(vocab, merges)?),
        };
        Ok(Corpus::with(vocabulary, &self.text, context)?)
    }
}

fn read_text(key: &str, path: &Path) -> Result<String, Error> {
    let fail = |reason: String| Error::Input(format!("{key}: {}: {reason}", path.display()));
    let about = std::fs::metadata(path).map_err(|error| match error.kind() {
        std::io::ErrorKind::NotFound => fail("there is no such file".into()),
        _ => fail(format!("cannot be read: {error}")),
    })?;
    if !about.is_file() {
        return Err(fail("is no file; name a text file".into()));
    }
    if about.len() > LONGEST {
        return Err(fail(format!("is longer than {LONGEST} bytes")));
    }
    let bytes = std::fs::read(path).map_err(|error| fail(format!("cannot be read: {error}")))?;
    String::from_utf8(bytes).map_err(|_| fail("is not UTF-8 text".into()))
}
