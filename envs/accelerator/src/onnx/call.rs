//! One node as an operator sees it: its inputs by place, its attributes by name, both checked.

use std::borrow::Cow;

use super::proto::{Attribute, Node};
use super::value::{Numbers, Shape, Value, elements};
use crate::gemm::TooLarge;
use crate::layer::Op;

/// Why a node cannot be brought in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// The model is wrong.
    Wrong(String),
    /// The model may be right, and this is not supported.
    Unsupported(String),
}

impl Fault {
    /// The fault with the node where it is.
    pub fn at(self, node: &str) -> Self {
        const LONGEST: usize = 300;
        match self {
            // of nodes that lie deep in each other the innermost are named
            Self::Wrong(reason) if reason.len() > LONGEST => Self::Wrong(reason),
            Self::Wrong(reason) => Self::Wrong(format!("{node}: {reason}")),
            Self::Unsupported(reason) => Self::Unsupported(format!("{node}: {reason}")),
        }
    }
}

impl From<String> for Fault {
    fn from(reason: String) -> Self {
        Self::Wrong(reason)
    }
}

impl From<TooLarge> for Fault {
    fn from(error: TooLarge) -> Self {
        Self::Wrong(error.to_string())
    }
}

/// A fault of the model.
pub(super) fn wrong<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Wrong(reason.into()))
}

/// Something that is not supported.
pub(super) fn unsupported<T>(reason: impl Into<String>) -> Result<T, Fault> {
    Err(Fault::Unsupported(reason.into()))
}

/// What an operator does.
pub(super) struct Outcome {
    /// Shapes of its outputs.
    pub shapes: Vec<Shape>,
    /// The layers that it costs, in order; none for another view of the same values.
    pub parts: Vec<Part>,
    /// What its outputs hold, as far as that is known; nothing where it depends on the network's input.
    pub contents: Vec<Option<Numbers>>,
    /// Whether less may come out than the shapes say, depending on data.
    pub at_most: bool,
}

/// One of the layers of an operator.
pub(super) struct Part {
    /// What is appended to the node's name.
    pub suffix: Cow<'static, str>,
    pub op: Op,
    /// What it reads.
    pub reads: Vec<Source>,
    /// The input that holds its weights, and which part of that; without it the largest constant.
    pub weights: Option<(usize, usize)>,
}

impl Part {
    /// A layer with the largest constant as its weights.
    pub fn new(suffix: impl Into<Cow<'static, str>>, op: Op, reads: Vec<Source>) -> Self {
        Self {
            suffix: suffix.into(),
            op,
            reads,
            weights: None,
        }
    }
}

/// Where a part reads from.
#[derive(Clone, Copy)]
pub(super) enum Source {
    /// All inputs of the node.
    Inputs,
    /// An input of the node.
    Input(usize),
    /// An earlier part.
    Part(usize),
}

impl Outcome {
    /// Another view of the values.
    pub fn view(shape: Shape) -> Self {
        Self {
            shapes: vec![shape],
            parts: Vec::new(),
            contents: Vec::new(),
            at_most: false,
        }
    }

    /// One layer.
    pub fn layer(shape: Shape, op: Op) -> Self {
        Self {
            parts: vec![Part::new("", op, vec![Source::Inputs])],
            ..Self::view(shape)
        }
    }

    /// Appends another layer that reads what the last one wrote.
    pub fn then(mut self, suffix: &'static str, op: Op) -> Self {
        let reads = match self.parts.len().checked_sub(1) {
            Some(last) => vec![Source::Part(last)],
            None => vec![Source::Inputs],
        };
        self.parts.push(Part::new(suffix, op, reads));
        self
    }

    /// Known contents of the first output.
    pub fn holding(mut self, content: Option<Numbers>) -> Self {
        self.contents = vec![content];
        self
    }
}

/// A node with the values that it reads.
pub(super) struct Call<'a> {
    pub node: &'a Node<'a>,
    /// `None` where an optional input is left out.
    pub inputs: Vec<Option<&'a Value>>,
    /// Its attributes by name.
    pub attributes: Vec<(&'a str, &'a Attribute<'a>)>,
    /// Version of the operators.
    pub opset: i64,
    /// The batch that the file was made for and the one that is asked for, where they differ.
    pub rebatched: Option<(u64, u64)>,
}

impl<'a> Call<'a> {
    /// An input that may be left out.
    pub fn get(&self, at: usize) -> Option<&'a Value> {
        self.inputs.get(at).copied().flatten()
    }

    /// An input that must be there.
    pub fn value(&self, at: usize) -> Result<&'a Value, Fault> {
        match self.get(at) {
            Some(value) => Ok(value),
            None => wrong(format!("input {} is missing", at + 1)),
        }
    }

    /// The shape of an input.
    pub fn shape(&self, at: usize) -> Result<&'a [u64], Fault> {
        Ok(&self.value(at)?.shape)
    }

    /// The shape of an input of at least so many directions.
    pub fn shape_of_rank(&self, at: usize, rank: usize) -> Result<&'a [u64], Fault> {
        let shape = self.shape(at)?;
        match shape.len() >= rank {
            true => Ok(shape),
            false => wrong(format!(
                "input {} has {} directions, at least {rank} are needed",
                at + 1,
                shape.len()
            )),
        }
    }

    /// Number of values of an input.
    pub fn elements(&self, at: usize) -> Result<u64, Fault> {
        Ok(elements(self.shape(at)?)?)
    }

    /// Whether an input is the same for every input of the network.
    pub fn constant(&self, at: usize) -> bool {
        self.get(at).is_some_and(Value::is_constant)
    }

    /// All inputs that are there.
    pub fn present(&self) -> impl Iterator<Item = &'a Value> {
        self.inputs.iter().copied().flatten()
    }

    /// The whole numbers that a constant input holds.
    pub fn ints_of(&self, at: usize) -> Result<&'a [i64], Fault> {
        match self.value(at)?.content() {
            Some(Numbers::Ints(ints)) => Ok(ints),
            Some(Numbers::Floats(_)) => wrong(format!("input {} must be whole numbers", at + 1)),
            None => unsupported(format!(
                "input {} is computed from data or not in the file, so that the shape is unknown",
                at + 1
            )),
        }
    }

    /// The numbers that a constant input holds.
    pub fn floats_of(&self, at: usize) -> Result<&'a [f64], Fault> {
        match self.value(at)?.content() {
            Some(Numbers::Floats(floats)) => Ok(floats),
            Some(Numbers::Ints(_)) => wrong(format!("input {} must not be whole numbers", at + 1)),
            None => unsupported(format!(
                "input {} is computed from data or not in the file, so that the shape is unknown",
                at + 1
            )),
        }
    }

    fn attribute(&self, name: &str) -> Option<&'a Attribute<'a>> {
        let found = self.attributes.iter().find(|(own, _)| *own == name);
        found.map(|(_, attribute)| *attribute)
    }

    /// A tensor among the attributes.
    pub fn tensor(&self, name: &str) -> Option<Result<Value, Fault>> {
        let tensor = self.attribute(name)?.tensor.as_ref()?;
        Some(Value::of_tensor(tensor).map_err(Fault::Wrong))
    }

    /// A whole number among the attributes.
    pub fn int(&self, name: &str) -> Option<i64> {
        self.attribute(name)?.int
    }

    /// A flag among the attributes.
    pub fn flag(&self, name: &str) -> bool {
        self.int(name).unwrap_or(0) != 0
    }

    /// A number among the attributes.
    pub fn float(&self, name: &str) -> Option<f64> {
        self.attribute(name)?.float
    }

    /// Numbers among the attributes.
    pub fn floats(&self, name: &str) -> Option<&'a [f64]> {
        self.attribute(name).map(|a| a.floats.as_slice())
    }

    /// Whole numbers among the attributes.
    pub fn ints(&self, name: &str) -> Option<&'a [i64]> {
        self.attribute(name).map(|a| a.ints.as_slice())
    }

    /// A text among the attributes, or what it is without one.
    pub fn text(&self, name: &str, otherwise: &'static str) -> &'a str {
        self.attribute(name)
            .and_then(|a| std::str::from_utf8(a.text).ok())
            .unwrap_or(otherwise)
    }

    /// A positive count among the attributes.
    pub fn count(&self, name: &str, otherwise: Option<u64>) -> Result<u64, Fault> {
        match (self.int(name), otherwise) {
            (Some(value @ 1..=0x1_0000_0000), _) => Ok(value.cast_unsigned()),
            (Some(value), _) => wrong(format!("`{name}` must be from 1 to 2³², not {value}")),
            (None, Some(value)) => Ok(value),
            (None, None) => wrong(format!("`{name}` is missing")),
        }
    }

    /// Whole numbers that newer versions take from an input and older ones from an attribute.
    pub fn ints_or_input(&self, name: &str, at: usize) -> Result<Option<&'a [i64]>, Fault> {
        match (self.ints(name), self.get(at)) {
            (Some(ints), _) => Ok(Some(ints)),
            (None, Some(_)) => self.ints_of(at).map(Some),
            (None, None) => Ok(None),
        }
    }
}

/// The place that an axis names, negative ones from the end.
pub(super) fn axis(axis: i64, rank: usize) -> Result<usize, Fault> {
    let from_end = if axis < 0 { rank as i64 } else { 0 };
    match axis.checked_add(from_end).map(usize::try_from) {
        Some(Ok(place)) if place < rank => Ok(place),
        _ => wrong(format!("axis {axis} is not one of {rank}")),
    }
}

/// The places that axes name, without repetition.
pub(super) fn axes(list: &[i64], rank: usize) -> Result<Vec<bool>, Fault> {
    let mut named = vec![false; rank];
    for &a in list {
        let place = axis(a, rank)?;
        if std::mem::replace(&mut named[place], true) {
            return wrong(format!("axis {a} is named twice"));
        }
    }
    Ok(named)
}
