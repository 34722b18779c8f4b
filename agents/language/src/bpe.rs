//! GPT-2's byte-pair encoding (Radford et al. 2019; Sennrich et al. 2016), read from its public files `vocab.json` and
//! `merges.txt`.
//!
//! A text is cut into words by GPT-2's rule; a word is the row of its bytes, and the pair of neighbours that stands
//! first in the list of merges becomes one token, until no pair is in the list. In both files a byte is written as a
//! printable character: itself, or from U+0100 on for the 68 that have no printable form.

use std::collections::{BTreeMap, HashMap};

use unicode_properties::{GeneralCategoryGroup, UnicodeGeneralCategory};

use super::LanguageError;

/// Pairs of tokens, each with its place in the list of merges and the token that it becomes.
type Merges = HashMap<(u32, u32), (u32, u32)>;

/// A byte-pair encoding.
#[derive(Clone, Debug, PartialEq)]
pub struct BytePairEncoding {
    /// Bytes of each token.
    tokens: Vec<Vec<u8>>,
    /// Token of each single byte.
    bytes: Vec<u32>,
    /// What becomes one token, and in which order.
    merges: Merges,
}

/// The character that stands for each byte in the files.
fn printable() -> [char; 256] {
    let itself = |b: u8| matches!(b, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    let mut next = 0x100;
    std::array::from_fn(|b| {
        let byte = b as u8;
        if itself(byte) {
            return char::from(byte);
        }
        let stand_in = char::from_u32(next).unwrap_or(' ');
        next += 1;
        stand_in
    })
}

fn fail<T>(reason: String) -> Result<T, LanguageError> {
    Err(LanguageError::Tokenizer(reason))
}

impl BytePairEncoding {
    /// The encoding of these two files.
    ///
    /// # Errors
    /// A vocabulary that is no JSON object of token numbers 0, 1, 2, ...; merges that are not two tokens a line, or whose
    /// result the vocabulary lacks; a byte that is no token.
    pub fn new(vocabulary: &str, merges: &str) -> Result<Self, LanguageError> {
        let numbers: BTreeMap<String, u32> = match serde_json::from_str(vocabulary) {
            Ok(numbers) => numbers,
            Err(error) => return fail(format!("vocab: not an object of token numbers ({error})")),
        };
        let stands_for: BTreeMap<char, u8> = printable().into_iter().zip(0..=255).collect();
        let mut tokens = vec![None; numbers.len()];
        for (text, &number) in &numbers {
            let Some(place) = tokens.get_mut(number as usize).filter(|p| p.is_none()) else {
                return fail(format!(
                    "vocab: token `{text}` has number {number}; the {} tokens must have the numbers from 0 on, each once",
                    numbers.len()
                ));
            };
            // tokens with characters that stand for no byte, special ones say, are their own text
            let bytes: Option<Vec<u8>> = text.chars().map(|c| stands_for.get(&c).copied()).collect();
            *place = Some(bytes.unwrap_or_else(|| text.as_bytes().to_vec()));
        }
        let single = |c: char| match numbers.get(c.encode_utf8(&mut [0; 4]) as &str) {
            Some(&number) => Ok(number),
            None => fail(format!("vocab: byte `{c}` is no token")),
        };
        Ok(Self {
            tokens: tokens.into_iter().flatten().collect(),
            bytes: printable().into_iter().map(single).collect::<Result<_, _>>()?,
            merges: read_merges(merges, &numbers)?,
        })
    }

    /// Number of tokens.
    pub fn len(&self) -> usize {
        self.tokens.len()
    }

    /// Whether there are none; never, since every byte is a token.
    pub fn is_empty(&self) -> bool {
        self.tokens.is_empty()
    }

    /// Tokens of a text.
    pub fn encode(&self, text: &str) -> Vec<i64> {
        let mut known: HashMap<&str, Vec<u32>> = HashMap::new();
        let mut all = Vec::new();
        for word in words(text) {
            let tokens = known.entry(word).or_insert_with(|| self.word(word));
            all.extend(tokens.iter().map(|&token| i64::from(token)));
        }
        all
    }

    /// Text of tokens; bytes that are no UTF-8 become U+FFFD.
    pub fn decode(&self, tokens: &[i64]) -> String {
        let bytes = tokens.iter().filter_map(|&token| {
            let place = usize::try_from(token).ok()?;
            self.tokens.get(place)
        });
        let bytes: Vec<u8> = bytes.flatten().copied().collect();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn word(&self, word: &str) -> Vec<u32> {
        let mut row: Vec<u32> = word.bytes().map(|b| self.bytes[usize::from(b)]).collect();
        loop {
            let pairs = row.windows(2).filter_map(|w| {
                let pair = (w[0], w[1]);
                Some((self.merges.get(&pair)?, pair))
            });
            let Some((&(_, merged), pair)) = pairs.min() else {
                return row;
            };
            row = replace(&row, pair, merged);
        }
    }
}

/// The row with every `pair`, from the left, as one token.
fn replace(row: &[u32], pair: (u32, u32), merged: u32) -> Vec<u32> {
    let mut out = Vec::with_capacity(row.len());
    let mut rest = row;
    while let [first, tail @ ..] = rest {
        let is_pair = *first == pair.0 && tail.first() == Some(&pair.1);
        out.push(if is_pair { merged } else { *first });
        rest = if is_pair { &tail[1..] } else { tail };
    }
    out
}

/// Place and result of every merge.
fn read_merges(merges: &str, numbers: &BTreeMap<String, u32>) -> Result<Merges, LanguageError> {
    let lines = merges.lines().enumerate();
    let lines = lines.filter(|(i, line)| !(line.is_empty() || *i == 0 && line.starts_with("#version")));
    let mut all = HashMap::new();
    for (rank, (at, line)) in lines.enumerate() {
        let at = at + 1;
        let Some((left, right)) = line.split_once(' ').filter(|(_, r)| !r.contains(' ')) else {
            return fail(format!("merges, line {at}: `{line}` is not two tokens"));
        };
        let joined = format!("{left}{right}");
        let number = |token: &str| match numbers.get(token) {
            Some(&number) => Ok(number),
            None => fail(format!("merges, line {at}: `{token}` is not in the vocabulary")),
        };
        let pair = (number(left)?, number(right)?);
        all.insert(pair, (rank as u32, number(&joined)?)); // of repeated lines the last counts, as in Hugging Face's
    }
    Ok(all)
}

/// What a character is to GPT-2's rule.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Class {
    Letter,
    Number,
    Space,
    Other,
}

fn class(c: char) -> Class {
    if c.is_whitespace() {
        return Class::Space;
    }
    match c.general_category_group() {
        GeneralCategoryGroup::Letter => Class::Letter,
        GeneralCategoryGroup::Number => Class::Number,
        _ => Class::Other,
    }
}

const CONTRACTIONS: [&str; 7] = ["'s", "'t", "'re", "'ve", "'m", "'ll", "'d"];

/// The words of a text, which together are the text: an English contraction; letters, numbers or other signs with at
/// most one blank before them; blanks, of which the last one is left to the word that follows.
fn words(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (word, tail) = rest.split_at(length(rest));
        all.push(word);
        rest = tail;
    }
    all
}

/// Bytes of the first word of a text that is not empty.
fn length(text: &str) -> usize {
    if let Some(found) = CONTRACTIONS.iter().find(|c| text.starts_with(**c)) {
        return found.len();
    }
    let lead = usize::from(text.starts_with(' '));
    let body = &text[lead..];
    let first = body.chars().next().map(class);
    if let Some(kind) = first.filter(|kind| *kind != Class::Space) {
        return lead + body.find(|c| class(c) != kind).unwrap_or(body.len());
    }
    let end = text.find(|c| class(c) != Class::Space).unwrap_or(text.len());
    let last = text[..end].chars().next_back().map_or(0, char::len_utf8);
    match end < text.len() && end > last {
        true => end - last,
        false => end,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A small encoding in the public form: all bytes, a few merges, a special token.
    fn files(merges: &[&str]) -> (String, String) {
        let mut tokens: Vec<String> = printable().iter().map(char::to_string).collect();
        tokens.extend(merges.iter().map(|merge| merge.replace(' ', "")));
        tokens.push("<|endoftext|>".into());
        let numbers: BTreeMap<&str, usize> = tokens
            .iter()
            .enumerate()
            .map(|(i, token)| (token.as_str(), i))
            .collect();
        let list = format!("#version: 0.2\n{}\n", merges.join("\n"));
        (serde_json::to_string(&numbers).unwrap(), list)
    }

    const MERGES: [&str; 6] = ["h e", "l l", "he ll", "hell o", "Ġ w", "Ġw o"];

    #[test]
    fn words_are_cut_by_gpt2s_rule() {
        for (text, expected) in [
            ("Hello world", vec!["Hello", " world"]),
            ("I'll don't", vec!["I", "'ll", " don", "'t"]),
            ("a  b\n\nc ", vec!["a", " ", " b", "\n", "\n", "c", " "]),
            ("x=12.5!", vec!["x", "=", "12", ".", "5", "!"]),
            (" ''s", vec![" ''", "s"]),
            ("\tif", vec!["\t", "if"]),
            ("é ß\u{0301}²", vec!["é", " ß", "\u{0301}", "²"]),
            ("   ", vec!["   "]),
        ] {
            assert_eq!(words(text), expected, "{text:?}");
        }
    }

    #[test]
    fn merges_follow_their_order_and_every_text_comes_back() {
        let (vocabulary, merges) = files(&MERGES);
        let pairs = BytePairEncoding::new(&vocabulary, &merges).unwrap();
        assert_eq!(pairs.len(), 256 + 6 + 1);
        let number = |token: &str| {
            let numbers: BTreeMap<String, i64> = serde_json::from_str(&vocabulary).unwrap();
            numbers[token]
        };
        assert_eq!(pairs.encode("hello wo"), [number("hello"), number("Ġwo")]);
        // "hel" has no merge of "he l"
        assert_eq!(pairs.encode("hel"), [number("he"), number("l")]);
        for text in ["", "hello, world\n", "naïve 東京 🦀\u{0}", "  \t x"] {
            assert_eq!(pairs.decode(&pairs.encode(text)), text);
        }
        assert_eq!(pairs.decode(&[number("<|endoftext|>")]), "<|endoftext|>");
    }

    /// Hugging Face's `tokenizers` 0.22 gives `a`, `bc`.
    #[test]
    fn a_repeated_merge_counts_by_its_last_place() {
        let (vocabulary, _) = files(&["a b", "b c"]);
        let merges = "#version: 0.2\na b\nb c\na b\n";
        let pairs = BytePairEncoding::new(&vocabulary, merges).unwrap();
        let tokens: Vec<String> = pairs
            .encode("abc")
            .iter()
            .map(|&token| pairs.decode(&[token]))
            .collect();
        assert_eq!(tokens, ["a", "bc"]);
    }

    #[test]
    fn a_long_word_takes_no_quadratic_time() {
        let merges: Vec<String> = (0..12).map(|i| format!("{0} {0}", "a".repeat(1 << i))).collect();
        let list: Vec<&str> = merges.iter().map(String::as_str).collect();
        let (vocabulary, merges) = files(&list);
        let pairs = BytePairEncoding::new(&vocabulary, &merges).unwrap();
        assert_eq!(pairs.encode(&"a".repeat(1 << 20)).len(), 1 << 8);
    }

    #[test]
    fn files_that_are_wrong_say_so() {
        let (vocabulary, merges) = files(&MERGES);
        let refused = |vocabulary: &str, merges: &str| {
            let error = BytePairEncoding::new(vocabulary, merges).unwrap_err();
            error.to_string()
        };
        assert!(refused("[1]", &merges).contains("vocab: not an object"));
        assert!(refused(&vocabulary[..vocabulary.len() / 2], &merges).contains("vocab"));
        assert!(refused(r#"{"a": 7}"#, "").contains("number 7"));
        assert!(refused(r#"{"a": 0}"#, "").contains("is no token"));
        assert!(refused(&vocabulary, "h e x").contains("line 1"));
        assert!(refused(&vocabulary, "#version: 0.2\nq q").contains("line 2: `qq`"));
    }
}
