//! Formulas that users write: parsed once, evaluated at each control step without allocating.

use tandem_core::spelling::hint;
use thiserror::Error;

use super::functions::{BINARY, COMPARING, CONSTANTS, ONE, THREE, TWO, power};

/// Deepest nesting of a formula, and the most numbers that wait for an operator.
const DEPTH: usize = 64;

/// What is wrong with a formula, and where.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("line {line}, column {column}: {message}")]
pub struct ExpressionError {
    /// Line, from 1.
    pub line: usize,
    /// Column in characters, from 1.
    pub column: usize,
    /// What is wrong.
    pub message: String,
}

#[derive(Clone, Copy, Debug)]
enum Operation {
    Number(f64),
    Variable(usize),
    One(fn(f64) -> f64),
    Two(fn(f64, f64) -> f64),
    Three(fn(f64, f64, f64) -> f64),
}

impl Operation {
    fn takes(self) -> usize {
        match self {
            Self::Number(_) | Self::Variable(_) => 0,
            Self::One(_) => 1,
            Self::Two(_) => 2,
            Self::Three(_) => 3,
        }
    }
}

/// A formula over named variables, in reverse Polish order.
#[derive(Clone, Debug)]
pub struct Expression {
    operations: Vec<Operation>,
}

impl Expression {
    /// Reads a formula over these variables.
    ///
    /// # Errors
    /// What is wrong, with line, column and the nearest name.
    pub fn parse(text: &str, variables: &[&str]) -> Result<Self, ExpressionError> {
        let mut parser = Parser {
            text: text.chars().collect(),
            at: 0,
            variables,
            operations: Vec::new(),
        };
        parser.binary(0, 0)?;
        match parser.peek() {
            None => {}
            Some(')') => return Err(parser.error(parser.at, "a parenthesis is closed that was not opened")),
            Some(c) => return Err(parser.error(parser.at, format!("an operator is expected here, not `{c}`"))),
        }
        match parser.most_waiting() > DEPTH {
            true => Err(parser.error(
                0,
                format!("nested too deeply: more than {DEPTH} numbers wait for their operator"),
            )),
            false => Ok(Self {
                operations: parser.operations,
            }),
        }
    }

    /// The value, given those of the variables by position.
    pub fn value(&self, variable: impl Fn(usize) -> f64) -> f64 {
        let mut stack = [0.0; DEPTH];
        let mut n = 0;
        for operation in &self.operations {
            let result = match *operation {
                Operation::Number(x) => x,
                Operation::Variable(i) => variable(i),
                Operation::One(f) => f(stack[n - 1]),
                Operation::Two(f) => f(stack[n - 2], stack[n - 1]),
                Operation::Three(f) => f(stack[n - 3], stack[n - 2], stack[n - 1]),
            };
            n = n + 1 - operation.takes();
            stack[n - 1] = result;
        }
        stack[0]
    }
}

/// Recursive descent with one rule per strength of binding.
struct Parser<'a> {
    text: Vec<char>,
    at: usize,
    variables: &'a [&'a str],
    operations: Vec<Operation>,
}

impl Parser<'_> {
    fn error(&self, at: usize, message: impl Into<String>) -> ExpressionError {
        let before = &self.text[..at.min(self.text.len())];
        let line_start = before.iter().rposition(|&c| c == '\n').map_or(0, |i| i + 1);
        ExpressionError {
            line: 1 + before.iter().filter(|&&c| c == '\n').count(),
            column: 1 + before.len() - line_start,
            message: message.into(),
        }
    }

    /// The most numbers that wait for an operator at any moment.
    fn most_waiting(&self) -> usize {
        let waiting = self.operations.iter().scan(0, |n, operation| {
            *n = *n + 1 - operation.takes();
            Some(*n)
        });
        waiting.max().unwrap_or(0)
    }

    /// The next character that is no space.
    fn peek(&mut self) -> Option<char> {
        while self.text.get(self.at).is_some_and(|c| c.is_whitespace()) {
            self.at += 1;
        }
        self.text.get(self.at).copied()
    }

    fn take(&mut self, word: &str) -> bool {
        self.peek();
        let fits = word
            .chars()
            .enumerate()
            .all(|(i, c)| self.text.get(self.at + i) == Some(&c));
        self.at += if fits { word.chars().count() } else { 0 };
        fits
    }

    /// Operators that bind at least this tightly.
    fn binary(&mut self, strength: usize, depth: usize) -> Result<(), ExpressionError> {
        if strength > 2 {
            return self.signed(depth);
        }
        self.binary(strength + 1, depth)?;
        while let Some(&(.., apply)) = BINARY.iter().find(|(s, sign, _)| *s == strength && self.take(sign)) {
            self.binary(strength + 1, depth)?;
            self.operations.push(Operation::Two(apply));
            if strength == COMPARING {
                return self.unchained();
            }
        }
        Ok(())
    }

    /// Refuses a second comparison: `0 < x < 1` would compare x with 0, and then the answer with 1.
    fn unchained(&mut self) -> Result<(), ExpressionError> {
        match self.peek() {
            Some('<' | '>') => {
                let reason = "comparisons cannot be chained: instead of a < b < c, write (a < b) * (b < c)";
                Err(self.error(self.at, reason))
            }
            _ => Ok(()),
        }
    }

    fn signed(&mut self, depth: usize) -> Result<(), ExpressionError> {
        if depth >= DEPTH {
            return Err(self.error(self.at, format!("nested deeper than {DEPTH}")));
        }
        if self.take("-") {
            self.signed(depth + 1)?;
            self.operations.push(Operation::One(|x| -x));
            return Ok(());
        }
        if self.take("+") {
            return self.signed(depth + 1);
        }
        self.atom(depth)?;
        if self.take("^") {
            self.signed(depth + 1)?;
            self.operations.push(Operation::Two(power));
        }
        Ok(())
    }

    fn atom(&mut self, depth: usize) -> Result<(), ExpressionError> {
        match self.peek() {
            None => Err(self.error(self.at, "the formula ends where a number or name is expected")),
            Some('(') => self.parenthesis(depth).map(|_| ()),
            Some(c) if c.is_ascii_digit() || c == '.' => self.number(),
            Some(c) if c.is_alphabetic() || c == '_' => self.name(depth),
            Some(c) => Err(self.error(self.at, format!("a number or name is expected here, not `{c}`"))),
        }
    }

    /// Formulas in parentheses, parted by commas; how many.
    fn parenthesis(&mut self, depth: usize) -> Result<usize, ExpressionError> {
        let opened = self.at;
        self.at += 1;
        let mut count = 0;
        loop {
            self.binary(0, depth + 1)?;
            count += 1;
            if self.take(")") {
                return Ok(count);
            }
            if !self.take(",") {
                return Err(match self.peek() {
                    None => self.error(opened, "this parenthesis is not closed"),
                    Some(c) => self.error(self.at, format!("an operator, `,` or `)` is expected here, not `{c}`")),
                });
            }
        }
    }

    fn number(&mut self) -> Result<(), ExpressionError> {
        let start = self.at;
        while let Some(&c) = self.text.get(self.at) {
            let exponent = matches!(c, '+' | '-') && matches!(self.text[self.at - 1], 'e' | 'E');
            if !(c.is_ascii_digit() || matches!(c, '.' | 'e' | 'E') || (exponent && self.at > start)) {
                break;
            }
            self.at += 1;
        }
        let digits: String = self.text[start..self.at].iter().collect();
        match digits.parse::<f64>() {
            Ok(x) if x.is_finite() => self.operations.push(Operation::Number(x)),
            _ => return Err(self.error(start, format!("`{digits}` is no number"))),
        }
        Ok(())
    }

    fn name(&mut self, depth: usize) -> Result<(), ExpressionError> {
        let start = self.at;
        while self.text.get(self.at).is_some_and(|&c| c.is_alphanumeric() || c == '_') {
            self.at += 1;
        }
        let name: String = self.text[start..self.at].iter().collect();
        if self.peek() == Some('(') {
            return self.call(&name, start, depth);
        }
        if let Some(i) = self.variables.iter().position(|v| *v == name) {
            self.operations.push(Operation::Variable(i));
        } else if let Some((_, value)) = CONSTANTS.iter().find(|(n, _)| *n == name) {
            self.operations.push(Operation::Number(*value));
        } else {
            let constants = CONSTANTS.iter().map(|c| c.0);
            let known: Vec<&str> = self.variables.iter().copied().chain(constants).collect();
            return Err(self.error(start, format!("`{name}` is no variable; {}", hint(&name, &known))));
        }
        Ok(())
    }

    fn call(&mut self, name: &str, start: usize, depth: usize) -> Result<(), ExpressionError> {
        let one = ONE.iter().map(|&(n, f)| (n, 1, Operation::One(f)));
        let two = TWO.iter().map(|&(n, f)| (n, 2, Operation::Two(f)));
        let three = THREE.iter().map(|&(n, f)| (n, 3, Operation::Three(f)));
        let functions: Vec<_> = one.chain(two).chain(three).collect();
        let Some(&(_, takes, operation)) = functions.iter().find(|f| f.0 == name) else {
            let known: Vec<&str> = functions.iter().map(|f| f.0).collect();
            return Err(self.error(start, format!("`{name}` is no function; {}", hint(name, &known))));
        };
        let given = self.parenthesis(depth)?;
        if given != takes {
            return Err(self.error(start, format!("`{name}` takes {takes} numbers, not {given}")));
        }
        self.operations.push(operation);
        Ok(())
    }
}
