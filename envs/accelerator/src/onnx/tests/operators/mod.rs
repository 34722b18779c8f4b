//! Shapes and costs of single operators against hand-computed ones and the examples of the ONNX specification.

mod contents;
mod newer;
mod places;
mod products;
mod windows;

use super::super::call::{Call, Fault, Outcome};
use super::super::ops;
use super::super::proto::{Attribute, Node, Tensor};
use super::super::value::{Numbers, Value};
use super::build::{Attr, Floats, Int, Ints, Tensor as Contents, Text};
use crate::Op;

/// Shorthand for inputs: values of the network, weights, and lists of whole numbers.
enum In<'a> {
    X(&'a [u64]),
    W(&'a [u64]),
    N(&'a [i64]),
    F(&'a [f64]),
    None,
}

use In::{F, N, W, X};

fn attribute<'a>(attr: &Attr<'a>) -> Attribute<'a> {
    let named = |name| Attribute {
        name,
        ..Attribute::default()
    };
    match *attr {
        Int(name, int) => Attribute {
            int: Some(int),
            ..named(name)
        },
        Ints(name, ints) => Attribute {
            ints: ints.to_vec(),
            ..named(name)
        },
        Floats(name, floats) => Attribute {
            floats: floats.iter().map(|&x| f64::from(x)).collect(),
            ..named(name)
        },
        Text(name, text) => Attribute {
            text: text.as_bytes(),
            ..named(name)
        },
        Attr::Body(name, _) => named(name),
        Contents(name, ints) => Attribute {
            tensor: Some(Tensor {
                dims: vec![ints.len() as i64],
                kind: 7,
                ints: ints.to_vec(),
                ..Tensor::default()
            }),
            ..named(name)
        },
    }
}

fn apply(op: &str, inputs: &[In], attributes: &[Attr], outputs: usize) -> Result<Outcome, Fault> {
    let values: Vec<Option<Value>> = inputs
        .iter()
        .map(|input| match *input {
            X(shape) => Some(Value::computed(shape.to_vec(), None)),
            W(shape) => Some(Value::constant(shape.to_vec(), true, None)),
            N(ints) => Some(Value::ints(ints.to_vec())),
            F(list) => {
                let content = Numbers::Floats(list.to_vec());
                Some(Value::constant(vec![list.len() as u64], true, Some(content)))
            }
            In::None => None,
        })
        .collect();
    let node = Node {
        op,
        outputs: vec!["y"; outputs],
        attributes: attributes.iter().map(attribute).collect(),
        ..Node::default()
    };
    let call = Call {
        node: &node,
        inputs: values.iter().map(Option::as_ref).collect(),
        attributes: node
            .attributes
            .iter()
            .map(|attribute| (attribute.name, attribute))
            .collect(),
        opset: 18,
        rebatched: None,
    };
    ops::apply(&call)
}

/// The shape of the first output.
#[track_caller]
fn shape(op: &str, inputs: &[In], attributes: &[Attr]) -> Vec<u64> {
    match apply(op, inputs, attributes, 1) {
        Ok(outcome) => outcome.shapes[0].clone(),
        Err(fault) => panic!("{op}: {fault:?}"),
    }
}

/// The only layer.
#[track_caller]
fn layer(op: &str, inputs: &[In], attributes: &[Attr]) -> Op {
    match &apply(op, inputs, attributes, 1).unwrap().parts[..] {
        [part] => part.op,
        parts => panic!("{op}: {} layers", parts.len()),
    }
}
