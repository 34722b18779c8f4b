//! Operators that are not supported, counted as functions of each value where that cannot hide a matrix product.

use std::collections::HashMap;

use super::super::call::{Call, Fault, Outcome, unsupported};
use super::super::ops;
use super::super::proto::Node;
use super::super::value::{Shape, Value, broadcast};
use super::Import;
use crate::input::quote;

/// Parts of names of operators that multiply matrices, whoever defines them.
const PRODUCTS: [&str; 29] = [
    "conv",
    "gemm",
    "matmul",
    "attention",
    "lstm",
    "gru",
    "rnn",
    "linear",
    "dense",
    "fullyconnected",
    "moe",
    "einsum",
    "mlp",
    "dft",
    "fft",
    "stft",
    "bert",
    "transformer",
    "decoder",
    "search",
    "sampling",
    "inverse",
    "cdist",
    "bilinear",
    "product",
    "projection",
    "gradient",
    "ffn",
    "svm",
];

/// Operators without a rule that are known to multiply no matrices.
const HARMLESS: [&str; 26] = [
    "NonZero",
    "Unique",
    "Compress",
    "StringNormalizer",
    "StringConcat",
    "StringSplit",
    "RegexFullMatch",
    "TfIdfVectorizer",
    "ImageDecoder",
    "SequenceEmpty",
    "SequenceConstruct",
    "SequenceInsert",
    "SequenceErase",
    "SequenceAt",
    "SequenceLength",
    "SplitToSequence",
    "ConcatFromSequence",
    "Optional",
    "OptionalGetElement",
    "OptionalHasElement",
    "Bernoulli",
    "Multinomial",
    "MaxUnpool",
    "MaxRoiPool",
    "Adagrad",
    "Adam",
];

/// Operators that were counted as functions of each value, as they come.
#[derive(Clone, Default)]
pub(super) struct Fallen {
    list: Vec<Kind>,
    places: HashMap<String, usize>,
}

/// Nodes that are not supported for the same reason.
#[derive(Clone)]
struct Kind {
    what: String,
    first: String,
    others: usize,
}

impl Fallen {
    /// One more.
    pub fn add(&mut self, node: &Node, reason: &str, label: String) {
        let what = format!("operator {}: {reason}", quote(node.op));
        let next = self.list.len();
        let at = *self.places.entry(what.clone()).or_insert(next);
        match self.list.get_mut(at) {
            Some(kind) => kind.others += 1,
            None => self.list.push(Kind {
                what,
                first: label,
                others: 0,
            }),
        }
    }

    /// A sentence for each kind.
    pub fn notes(&self) -> impl Iterator<Item = String> {
        self.list.iter().map(|Kind { what, first, others }| {
            let others = match others {
                0 => String::new(),
                more => format!(" and {more} other nodes"),
            };
            format!("{what}; counted as a function of each value at {first}{others}")
        })
    }
}

/// Why an operator must not be counted as a function of each value; `None` where it may be.
///
/// Operators that multiply matrices are known by name. Of those that nobody knows, only what looks like a function of
/// each value is taken for one: all inputs go together place by place, and none is a matrix of weights.
pub(super) fn refusal(call: &Call) -> Option<String> {
    let node = call.node;
    if node.domain.is_empty() && HARMLESS.contains(&node.op) {
        return None;
    }
    // quantised functions are called `QLinear...`, and products among them have a part of their own
    let name = node
        .op
        .to_lowercase()
        .replace("quantizelinear", "")
        .replace("qlinear", "");
    if PRODUCTS.iter().any(|part| name.contains(part)) {
        return Some("; it multiplies matrices, so that it is never counted as a function of each value".into());
    }
    if ops::known(node) {
        return None;
    }
    let matrix = |value: &&Value| value.is_float() && value.shape.iter().filter(|size| **size > 1).count() > 1;
    if let Some(value) = call.present().find(matrix) {
        return Some(format!(
            "; it may multiply with its weights of {:?}, so that it is not counted as a function of each value",
            value.shape
        ));
    }
    let mut computed = call.present().filter(|value| !value.is_constant());
    let first = computed.next().map(|value| value.shape.clone())?;
    match computed.try_fold(first, |all, value| broadcast(&all, &value.shape).ok()) {
        Some(_) => None,
        None => Some("; its inputs do not go together place by place, so that it is no function of each value".into()),
    }
}

impl Import<'_> {
    /// A function of each value, with outputs as the file states them.
    pub(super) fn fallback(&self, call: &Call) -> Result<Outcome, Fault> {
        let first = call
            .present()
            .find(|value| !value.is_constant())
            .or(call.present().next());
        let first = first.map(|value| value.shape.clone());
        let outputs = call.node.outputs.iter();
        let shapes: Option<Vec<Shape>> = outputs
            .map(|name| self.stated(name).cloned().or_else(|| first.clone()))
            .collect();
        let Some(shapes) = shapes.filter(|shapes| !shapes.is_empty()) else {
            return unsupported("not supported, and the shape of its output is unknown");
        };
        let mut outcome = Outcome::layer(shapes[0].clone(), ops::elementwise(call, &shapes[0])?);
        outcome.shapes = shapes;
        Ok(outcome)
    }
}
