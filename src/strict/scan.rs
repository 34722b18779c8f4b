//! A JSON reader that keeps positions and is stricter than most: no key twice, no NaN, no comments, bounded depth.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::path::join;

/// Deeper documents are refused: no experiment needs them, and every reader of the tree may recurse.
const MAX_DEPTH: usize = 64;

/// A place in a text; both count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl Position {
    /// The position right after `text`.
    pub(super) fn at_end_of(text: &str) -> Self {
        let last = text.rsplit('\n').next().unwrap_or("");
        Self {
            line: text.matches('\n').count() + 1,
            column: last.chars().count() + 1,
        }
    }
}

/// A document and where its values stand.
pub(super) struct Scanned {
    pub value: Value,
    pub positions: BTreeMap<String, Position>,
}

/// Why a text is not read.
#[derive(Debug)]
pub(super) struct Fault {
    pub position: Position,
    pub path: String,
    pub reason: String,
}

/// Reads a whole document, which has to be an object.
pub(super) fn scan(text: &str) -> Result<Scanned, Fault> {
    let scanned = scan_value(text)?;
    if scanned.value.is_object() {
        return Ok(scanned);
    }
    Err(Fault {
        position: scanned.positions[""],
        path: String::new(),
        reason: "expected an object, { ... }, as the whole file".into(),
    })
}

/// Reads one value of any kind.
pub(super) fn scan_value(text: &str) -> Result<Scanned, Fault> {
    let mut scanner = Scanner {
        text,
        at: 0,
        open: Vec::new(),
        positions: BTreeMap::new(),
    };
    scanner.skip_space();
    if scanner.rest().is_empty() {
        return Err(scanner.fault("", "the file is empty; write a JSON object, { ... }"));
    }
    let start = scanner.at;
    scanner.note("", start);
    let value = scanner.value("")?;
    scanner.skip_space();
    if !scanner.rest().is_empty() {
        let reason = format!("unexpected {} after the end", scanner.here());
        return Err(scanner.fault("", reason));
    }
    Ok(Scanned {
        value,
        positions: scanner.positions,
    })
}

struct Scanner<'a> {
    text: &'a str,
    /// Byte offset.
    at: usize,
    /// Offsets of the brackets that are open.
    open: Vec<usize>,
    positions: BTreeMap<String, Position>,
}

impl<'a> Scanner<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn skip_space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn position(&self, offset: usize) -> Position {
        Position::at_end_of(&self.text[..offset])
    }

    fn note(&mut self, path: &str, offset: usize) {
        self.positions.insert(path.to_owned(), self.position(offset));
    }

    fn fault(&self, path: &str, reason: impl Into<String>) -> Fault {
        Fault {
            position: self.position(self.at),
            path: path.to_owned(),
            reason: reason.into(),
        }
    }

    /// What stands here, for messages.
    fn here(&self) -> String {
        let word = self.word();
        match self.rest().chars().next() {
            None => "end of the file".into(),
            Some(_) if !word.is_empty() => format!("`{}`", clip(word)),
            Some(c) => format!("`{c}`"),
        }
    }

    /// The letters, digits and signs that stand here.
    fn word(&self) -> &'a str {
        let inside = |c: char| c.is_alphanumeric() || matches!(c, '+' | '-' | '.' | '_');
        let rest = self.rest();
        &rest[..rest.find(|c| !inside(c)).unwrap_or(rest.len())]
    }

    /// The fault of meeting something else than `wanted`.
    fn expected(&self, path: &str, wanted: &str) -> Fault {
        if self.rest().is_empty() {
            let opened = self.open.last().map_or(1, |&o| self.position(o).line);
            let reason =
                format!("the file ends too early: expected {wanted} (the innermost open bracket is on line {opened})");
            return self.fault(path, reason);
        }
        let hint = match self.peek() {
            Some(b'/' | b'#') => "; JSON has no comments",
            Some(b'\'') => "; JSON strings stand in double quotes",
            _ => "",
        };
        self.fault(path, format!("expected {wanted}, got {}{hint}", self.here()))
    }

    fn value(&mut self, path: &str) -> Result<Value, Fault> {
        match self.peek() {
            Some(b'{') => self.nested(path, Self::object),
            Some(b'[') => self.nested(path, Self::array),
            Some(b'"') => self.string(path).map(Value::String),
            _ => self.literal(path),
        }
    }

    fn nested(&mut self, path: &str, read: fn(&mut Self, &str) -> Result<Value, Fault>) -> Result<Value, Fault> {
        if self.open.len() == MAX_DEPTH {
            return Err(self.fault("", format!("nested more than {MAX_DEPTH} levels deep")));
        }
        self.open.push(self.at);
        self.at += 1;
        self.skip_space();
        let value = read(self, path)?;
        self.at += 1; // the closing bracket, which `read` stopped at
        self.open.pop();
        Ok(value)
    }

    fn object(&mut self, path: &str) -> Result<Value, Fault> {
        let mut members = Map::new();
        while self.peek() != Some(b'}') {
            let start = self.at;
            if self.peek() != Some(b'"') {
                return Err(self.expected(path, "a key in double quotes"));
            }
            let key = self.string(path)?;
            let inner = join(path, &key);
            if members.contains_key(&key) {
                let first = self.positions.get(&inner).map_or(0, |at| at.line);
                self.at = start;
                let reason = format!("the key `{key}` stands twice (first on line {first})");
                return Err(self.fault(&inner, reason));
            }
            self.note(&inner, start);
            self.skip_space();
            if self.peek() != Some(b':') {
                return Err(self.expected(&inner, "`:`"));
            }
            self.at += 1;
            self.skip_space();
            let value = self.value(&inner)?;
            members.insert(key, value);
            self.comma(path, b'}')?;
        }
        Ok(Value::Object(members))
    }

    fn array(&mut self, path: &str) -> Result<Value, Fault> {
        let mut items = Vec::new();
        while self.peek() != Some(b']') {
            let inner = format!("{path}[{}]", items.len());
            self.note(&inner, self.at);
            items.push(self.value(&inner)?);
            self.comma(path, b']')?;
        }
        Ok(Value::Array(items))
    }

    /// Passes the comma between two items, or stops at the closing bracket.
    fn comma(&mut self, path: &str, close: u8) -> Result<(), Fault> {
        self.skip_space();
        let close_text = char::from(close);
        match self.peek() {
            Some(b',') => {
                let comma = self.at;
                self.at += 1;
                self.skip_space();
                if self.peek() == Some(close) {
                    self.at = comma;
                    let reason = format!("remove the comma before `{close_text}`");
                    return Err(self.fault(path, reason));
                }
                Ok(())
            }
            Some(found) if found == close => Ok(()),
            _ => Err(self.expected(path, &format!("`,` or `{close_text}`"))),
        }
    }

    fn string(&mut self, path: &str) -> Result<String, Fault> {
        let bytes = self.text.as_bytes();
        let mut end = self.at + 1;
        loop {
            match bytes.get(end) {
                Some(b'"') => break,
                Some(b'\\') => end += 2,
                Some(b'\n') | None => return Err(self.fault(path, "the closing `\"` is missing")),
                Some(_) => end += 1,
            }
        }
        let token = &self.text[self.at..=end];
        let text =
            serde_json::from_str(token).map_err(|_| self.fault(path, format!("{} is no valid text", clip(token))))?;
        self.at = end + 1;
        Ok(text)
    }

    fn literal(&mut self, path: &str) -> Result<Value, Fault> {
        let word = self.word();
        let value = match word {
            "" => return Err(self.expected(path, "a value")),
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "null" => Value::Null,
            _ => self.number(path, word)?,
        };
        self.at += word.len();
        Ok(value)
    }

    fn number(&self, path: &str, word: &str) -> Result<Value, Fault> {
        let bare = word.trim_start_matches(['+', '-']).to_ascii_lowercase();
        if matches!(bare.as_str(), "nan" | "inf" | "infinity") {
            let reason = format!("`{word}` is not allowed; write a finite number");
            return Err(self.fault(path, reason));
        }
        if self.at + word.len() == self.text.len() && !self.open.is_empty() {
            let reason = format!("the file ends too early, after `{}`", clip(word));
            return Err(self.fault(path, reason));
        }
        let looks_like_number = bare.starts_with(|c: char| c.is_ascii_digit() || c == '.');
        if let Some(whole) = whole_with_exponent(word) {
            return Ok(whole.into());
        }
        serde_json::from_str(word).map_err(|_| {
            let reason = if !looks_like_number {
                format!(
                    "expected a value, got `{0}`; texts stand in double quotes, \"{0}\"",
                    clip(word)
                )
            } else if word.parse::<f64>().is_ok_and(f64::is_infinite) {
                format!("the number {} is too large", clip(word))
            } else {
                format!("`{}` is no JSON number", clip(word))
            };
            self.fault(path, reason)
        })
    }
}

/// A whole number that is written with an exponent, `1e6`: JSON has one kind of number, so it may stand where a whole one is
/// wanted.
fn whole_with_exponent(word: &str) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0; // 2^53: all whole numbers up to it are doubles
    if !word.contains(['e', 'E']) {
        return None;
    }
    let number: f64 = serde_json::from_str(word).ok()?;
    (number.fract() == 0.0 && number.abs() <= EXACT).then_some(number as i64)
}

/// At most 40 characters of a text, for messages.
pub(super) fn clip(text: &str) -> String {
    match text.char_indices().nth(40) {
        Some((end, _)) => format!("{}...", &text[..end]),
        None => text.to_owned(),
    }
}
