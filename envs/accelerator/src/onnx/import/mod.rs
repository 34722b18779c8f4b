//! From the messages of a file to layers: one node after the other, constants left out.

mod control;
mod fallback;

use std::collections::{HashMap, HashSet};

use super::call::{Call, Fault, Outcome, Part, Source, unsupported, wrong};
use super::inputs;
use super::order;
use super::proto::{Attribute, Graph, Model, Node};
use super::value::{self, Numbers, Shape, Value, elements};
use super::{Options, Unsupported, ops};
use crate::gemm::TooLarge;
use crate::layer::{Layer, Network, Op, Tensor};

/// Nodes that are brought in at most, those of bodies as often as they run.
const MOST_NODES: usize = 1 << 21;

/// The network of a file; its name is left open.
///
/// # Errors
/// What is wrong or not supported, and at which node.
pub(super) fn import(model: &Model, options: &Options) -> Result<Network, String> {
    let graph = match &model.graph {
        Some(graph) if !graph.nodes.is_empty() && !graph.outputs.is_empty() => graph,
        Some(_) => {
            return Err("is no complete ONNX file: its graph has no nodes or no outputs".into());
        }
        None => return Err("is no ONNX file: it has no graph".into()),
    };
    if model.opset < 1 {
        return Err(without_version(graph));
    }
    if options.batch.is_some_and(|batch| !(1..=1 << 32).contains(&batch)) {
        return Err("the batch must be from 1 to 2³²".into());
    }
    let (values, sizes) = inputs::values(graph, options)?;
    let infos = graph.value_info.iter().chain(&graph.outputs);
    let stated = infos.filter_map(|info| Some((info.name, sizes.stated(info)?)));
    let mut import = Import {
        model,
        options,
        rebatched: sizes.rebatched,
        scopes: vec![Scope {
            stated: stated.collect(),
            ..Scope::default()
        }],
        frames: vec![Frame {
            opset: model.opset,
            ..Frame::default()
        }],
        built: Built {
            notes: sizes.notes,
            ..Built::default()
        },
        numbered: 0,
        left: MOST_NODES,
    };
    for (name, value) in values {
        import.output(name, value);
    }
    import.body(graph).map_err(|fault| match fault {
        Fault::Wrong(reason) => reason,
        Fault::Unsupported(reason) => {
            format!("{reason}; `--unsupported elementwise` counts it as a function of each value")
        }
    })?;
    import.keep(graph);
    let computed = |name: &str| import.value(name).is_some_and(|value| !value.is_constant());
    if graph.outputs.iter().all(|output| !computed(output.name)) {
        return Err("nothing in it depends on an input".into());
    }
    import.finish()
}

/// Why there is no network without ONNX's own operators.
fn without_version(graph: &Graph) -> String {
    let other = graph.nodes.iter().find(|node| !node.domain.is_empty());
    match other {
        Some(node) if graph.nodes.iter().all(|node| !node.domain.is_empty()) => format!(
            "has only operators of the domain {} (the first is {}) and none of a neural network; name a file with \
             ONNX's own operators",
            crate::input::quote(node.domain),
            crate::input::quote(node.op)
        ),
        _ => "is no complete ONNX file: it does not name the version of its operators".into(),
    }
}

/// A network under construction.
struct Import<'a> {
    model: &'a Model<'a>,
    options: &'a Options,
    rebatched: Option<(u64, u64)>,
    /// Values by name, those of bodies after those around them.
    scopes: Vec<Scope<'a>>,
    /// The functions that are being brought in, the model itself first.
    frames: Vec<Frame<'a>>,
    built: Built,
    /// Constants that have a number.
    numbered: usize,
    /// Nodes that may still be brought in.
    left: usize,
}

/// The values of a graph.
#[derive(Default)]
struct Scope<'a> {
    values: HashMap<&'a str, Value>,
    /// Shapes that the file states.
    stated: HashMap<&'a str, Shape>,
    /// Whether nothing around it is seen, as in a function.
    closed: bool,
}

/// What the nodes of a function refer to.
#[derive(Default)]
struct Frame<'a> {
    opset: i64,
    attributes: Vec<(&'a str, &'a Attribute<'a>)>,
}

/// What there is so far.
#[derive(Clone, Default)]
struct Built {
    layers: Vec<Layer>,
    names: HashSet<String>,
    /// Constants, and parts of them, that are weights of a layer already.
    weights: HashMap<(usize, usize), usize>,
    tensors: Vec<Tensor>,
    notes: Vec<String>,
    fallen: fallback::Fallen,
    /// What stands before the names of nodes in bodies.
    path: String,
}

impl<'a> Import<'a> {
    /// Brings in the nodes of a graph whose inputs are defined.
    fn body(&mut self, graph: &'a Graph<'a>) -> Result<(), Fault> {
        let seen = |name: &str| self.value(name).is_some();
        let own = |name: &str| self.scopes.last().is_some_and(|scope| scope.values.contains_key(name));
        for at in order::order(graph, &own, &seen)? {
            match self.left.checked_sub(1) {
                Some(left) => self.left = left,
                None => return wrong(format!("more than {MOST_NODES} nodes run")),
            }
            self.node(&graph.nodes[at], at)
                .map_err(|fault| fault.at(&order::label(&graph.nodes[at], at)))?;
        }
        Ok(())
    }

    fn node(&mut self, node: &'a Node<'a>, at: usize) -> Result<(), Fault> {
        let named = match node.name {
            "" => format!("{}{}_{at}", self.built.path, node.op),
            name => format!("{}{name}", self.built.path),
        };
        if self.control(node, &named)? {
            return Ok(());
        }
        let call = self.call(node);
        if let Some(value) = ops::constant(&call) {
            let value = value?;
            if let Some(&name) = node.outputs.first() {
                self.output(name, value);
            }
            return Ok(());
        }
        let applied = ops::apply(&call).and_then(|outcome| complete(&call, outcome));
        let applied = applied.map(|outcome| self.as_stated(node, outcome));
        let (outcome, fallen) = match applied {
            Err(Fault::Unsupported(reason)) => {
                if let Some(why) = fallback::refusal(&call) {
                    return wrong(format!("{reason}{why}"));
                }
                // what is known but for its shape, which the file states, is as good as supported
                let stated = ops::known(node) && node.outputs.iter().all(|name| self.stated(name).is_some());
                if !stated && self.options.unsupported == Unsupported::Error {
                    return unsupported(reason);
                }
                (self.fallback(&call)?, Some(reason))
            }
            applied => (applied?, None),
        };
        if let Some(reason) = fallen {
            self.built.fallen.add(node, &reason, order::label(node, at));
        }
        self.put(node, outcome, &named)
    }

    /// The outcome with the shapes that the file states, where how much comes out depends on data.
    fn as_stated(&self, node: &Node, mut outcome: Outcome) -> Outcome {
        if outcome.at_most {
            for (shape, name) in outcome.shapes.iter_mut().zip(&node.outputs) {
                if let Some(stated) = self.stated(name) {
                    shape.clone_from(stated);
                }
            }
        }
        outcome
    }

    /// The shape that the file states for an output.
    fn stated(&self, name: &str) -> Option<&Shape> {
        self.scopes.last()?.stated.get(name)
    }

    /// A node with what it reads.
    fn call(&self, node: &'a Node<'a>) -> Call<'_> {
        Call {
            node,
            inputs: node.inputs.iter().map(|name| self.value(name)).collect(),
            attributes: self.attributes(node),
            opset: self.frames.last().map_or(0, |frame| frame.opset),
            rebatched: self.rebatched,
        }
    }

    /// The attributes of a node; in a function some are those of its call.
    fn attributes(&self, node: &'a Node<'a>) -> Vec<(&'a str, &'a Attribute<'a>)> {
        let outer = self.frames.last().map_or(&[][..], |frame| &frame.attributes);
        let given = |attribute: &'a Attribute<'a>| match attribute.reference {
            "" => Some((attribute.name, attribute)),
            name => {
                let found = outer.iter().find(|(outer, _)| *outer == name);
                found.map(|(_, outer)| (attribute.name, *outer))
            }
        };
        node.attributes.iter().filter_map(given).collect()
    }

    /// What a name stands for here.
    fn value(&self, name: &str) -> Option<&Value> {
        for scope in self.scopes.iter().rev() {
            match scope.values.get(name) {
                Some(value) => return Some(value),
                None if scope.closed => return None,
                None => {}
            }
        }
        None
    }

    /// Gives a value a name; constants get a number, so that the same weights are known again.
    fn define(&mut self, name: &'a str, value: Value) {
        let value = match value.is_constant() && value.tensor().is_none() {
            true => {
                self.numbered += 1;
                value.being(Some(self.numbered))
            }
            false => value,
        };
        if let Some(scope) = self.scopes.last_mut() {
            scope.values.insert(name, value);
        }
    }

    /// Defines an output of a node; those of the graph itself are tensors of the network.
    fn output(&mut self, name: &'a str, value: Value) {
        if name.is_empty() {
            return;
        }
        if self.scopes.len() == 1 && !value.is_constant() {
            self.built.tensors.push(Tensor {
                name: clean(name),
                shape: value.shape.clone(),
            });
        }
        self.define(name, value);
    }

    /// Takes over what a node does: layers, unless nothing depends on the input, and values.
    fn put(&mut self, node: &'a Node<'a>, outcome: Outcome, named: &str) -> Result<(), Fault> {
        let values: Vec<&Value> = self.present(node).collect();
        // a shape is known even where the values are not
        let known = outcome.parts.is_empty() && outcome.contents.iter().any(Option::is_some);
        if known || values.iter().all(|value| value.is_constant()) {
            let float = ops::keeps_float(&self.call(node)) && values.iter().any(|value| value.is_float());
            let same = ops::same_tensor(node).then(|| values.first()?.tensor()).flatten();
            let contents = outcome.contents.into_iter().chain(std::iter::repeat(None));
            for ((&name, shape), content) in node.outputs.iter().zip(outcome.shapes).zip(contents) {
                let float = content.as_ref().map_or(float, Numbers::is_float);
                self.output(name, Value::constant(shape, float, content).being(same));
            }
            return Ok(());
        }
        let all: Vec<usize> = values.iter().filter_map(|value| value.maker()).collect();
        let first = self.built.layers.len();
        let last = first + outcome.parts.len();
        for part in outcome.parts {
            self.layer(node, part, named, first, &all)?;
        }
        if let (Some(layer), Some(shape)) = (self.built.layers[first..].last_mut(), outcome.shapes.first()) {
            layer.shape.clone_from(shape);
        }
        // a view shows what its input shows
        let maker = match last > first {
            true => Some(last - 1),
            false => all.first().copied(),
        };
        for (&name, shape) in node.outputs.iter().zip(outcome.shapes) {
            self.output(name, Value::computed(shape, maker));
        }
        Ok(())
    }

    /// One of the layers of a node, the first of which is at `first`; `all` have made the node's inputs.
    fn layer(&mut self, node: &'a Node<'a>, part: Part, named: &str, first: usize, all: &[usize]) -> Result<(), Fault> {
        check(&part.op)?;
        let mut reads = Vec::new();
        for source in &part.reads {
            match *source {
                Source::Inputs => reads.extend(all),
                Source::Input(input) => reads.extend(self.input(node, input).and_then(Value::maker)),
                Source::Part(part) => reads.push(first + part),
            }
        }
        let (weights, shared) = match part.op.parameters()? {
            0 => (None, false),
            _ => self.weights(node, part.weights),
        };
        let name = self.unique(format!("{named}{}", part.suffix));
        self.built.layers.push(Layer {
            shared,
            weights,
            ..Layer::new(name, part.op, without_repeats(reads))
        });
        Ok(())
    }

    /// An input of a node.
    fn input(&self, node: &Node, input: usize) -> Option<&Value> {
        self.value(node.inputs.get(input)?)
    }

    /// The inputs of a node that are there.
    fn present(&self, node: &'a Node<'a>) -> impl Iterator<Item = &Value> {
        node.inputs.iter().filter_map(|name| self.value(name))
    }

    /// The number of a layer's weights, and whether they belong to a layer before it: those of an input and part that
    /// are named, otherwise the largest constant among the inputs.
    fn weights(&mut self, node: &'a Node<'a>, named: Option<(usize, usize)>) -> (Option<usize>, bool) {
        let tensor = match named {
            Some((input, part)) => self
                .input(node, input)
                .and_then(Value::tensor)
                .map(|tensor| (tensor, part)),
            None => {
                let constants = self.present(node).filter_map(|value| {
                    let count = elements(&value.shape).ok().filter(|count| *count > 1)?;
                    Some((count, value.tensor()?))
                });
                constants.max_by_key(|(count, _)| *count).map(|(_, tensor)| (tensor, 0))
            }
        };
        let Some(tensor) = tensor else { return (None, false) };
        let next = self.built.weights.len();
        let number = *self.built.weights.entry(tensor).or_insert(next);
        (Some(number), number < next)
    }

    /// A name that no other layer has, readable in a table.
    fn unique(&mut self, name: String) -> String {
        let clean = clean(&name);
        let mut unique = clean.clone();
        let mut count = self.built.layers.len();
        while !self.built.names.insert(unique.clone()) {
            count += 1;
            unique = format!("{clean}#{count}");
        }
        unique
    }

    /// Marks layers whose outputs are results of the network.
    fn keep(&mut self, graph: &Graph) {
        let layers = &self.built.layers;
        let read: HashSet<usize> = layers.iter().flat_map(|layer| layer.inputs.iter().copied()).collect();
        let outputs = graph.outputs.iter();
        let results: Vec<usize> = outputs.filter_map(|output| self.value(output.name)?.maker()).collect();
        for result in results.into_iter().filter(|result| read.contains(result)) {
            self.built.layers[result].kept = true;
        }
    }

    fn finish(self) -> Result<Network, String> {
        let Built {
            layers,
            tensors,
            mut notes,
            fallen,
            ..
        } = self.built;
        notes.extend(fallen.notes());
        if layers.is_empty() {
            notes.push("it only shows its inputs in another shape, which costs nothing".into());
        }
        let network = Network {
            name: String::new(),
            layers,
            tensors,
            notes,
        };
        let too_large = |error: TooLarge| format!("in total: {error}");
        network.macs().map_err(too_large)?;
        network.parameters().map_err(too_large)?;
        Ok(network)
    }
}

/// A name on one line and not too long.
fn clean(name: &str) -> String {
    const LONGEST: usize = 200;
    name.chars().filter(|c| !c.is_control()).take(LONGEST).collect()
}

/// Holds outputs against the node's: shapes for all that are named, none of them beyond measure.
fn complete(call: &Call, outcome: Outcome) -> Result<Outcome, Fault> {
    let named = call.node.outputs.iter().rposition(|name| !name.is_empty());
    if named.is_some_and(|last| last >= outcome.shapes.len()) {
        return unsupported(format!("output {} is not supported", outcome.shapes.len() + 1));
    }
    for shape in &outcome.shapes {
        let dims: Vec<i64> = shape.iter().map(|size| size.cast_signed()).collect();
        value::shape(&dims)?;
        elements(shape)?;
    }
    Ok(outcome)
}

/// All counts of an operation fit.
fn check(op: &Op) -> Result<(), TooLarge> {
    for count in [Op::macs, Op::valid_macs, Op::parameters, Op::inputs, Op::outputs] {
        count(op)?;
    }
    Ok(())
}

fn without_repeats(list: Vec<usize>) -> Vec<usize> {
    let mut seen = HashSet::new();
    list.into_iter().filter(|at| seen.insert(*at)).collect()
}
