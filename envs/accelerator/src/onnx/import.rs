//! From the messages of a file to layers: one node after the other, constants left out.

use std::collections::{HashMap, HashSet};

use super::call::{self, Call, Fault, Outcome, Source};
use super::inputs::{self, Sizes};
use super::proto::{self, Graph, Model};
use super::value::{self, Numbers, Shape, Value, elements};
use super::{Options, Unsupported, ops, order};
use crate::gemm::TooLarge;
use crate::input::quote;
use crate::layer::{Layer, Network, Op};

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
        return Err("is no complete ONNX file: it does not name the version of its operators".into());
    }
    if options.batch.is_some_and(|batch| !(1..=1 << 32).contains(&batch)) {
        return Err("the batch must be from 1 to 2³²".into());
    }
    let (values, sizes) = inputs::values(graph, options)?;
    let order = order::order(graph, &values.keys().copied().collect())?;
    let mut import = Import {
        opset: model.opset,
        stated: stated(graph, &sizes),
        rebatched: sizes.rebatched,
        notes: sizes.notes,
        values,
        layers: Vec::new(),
        names: HashSet::new(),
        weights: HashSet::new(),
        fallen: Vec::new(),
        reasons: HashMap::new(),
    };
    for at in order {
        import.node(graph, at, options).map_err(|fault| {
            let hint = match (&fault, model.functions) {
                (Fault::Unsupported(_), true) => "; functions of the model's own are not unfolded",
                (Fault::Unsupported(_), false) => "; `--unsupported elementwise` counts it as a function of each value",
                _ => "",
            };
            let (Fault::Wrong(reason) | Fault::Unsupported(reason)) = fault;
            format!("{}: {reason}{hint}", order::label(graph, at))
        })?;
    }
    import.keep(graph);
    import.finish()
}

/// Shapes that the file states for values in between, by name.
fn stated<'a>(graph: &Graph<'a>, sizes: &Sizes) -> HashMap<&'a str, Shape> {
    let infos = graph.value_info.iter().chain(&graph.outputs);
    infos
        .filter_map(|info| Some((info.name, sizes.stated(info)?)))
        .collect()
}

/// A network under construction.
struct Import<'a> {
    opset: i64,
    rebatched: Option<(u64, u64)>,
    stated: HashMap<&'a str, Shape>,
    values: HashMap<&'a str, Value>,
    layers: Vec<Layer>,
    names: HashSet<String>,
    /// Constants that are weights of a layer already.
    weights: HashSet<&'a str>,
    notes: Vec<String>,
    /// Operators that are not supported, as they come, and their places in this list.
    fallen: Vec<Fallen>,
    reasons: HashMap<String, usize>,
}

/// Nodes that are not supported for the same reason.
struct Fallen {
    what: String,
    first: String,
    others: usize,
}

impl<'a> Import<'a> {
    fn node(&mut self, graph: &'a Graph<'a>, at: usize, options: &Options) -> Result<(), Fault> {
        let node = &graph.nodes[at];
        let call = Call {
            node,
            inputs: node.inputs.iter().map(|name| self.values.get(name)).collect(),
            opset: self.opset,
            rebatched: self.rebatched,
        };
        if let Some(value) = ops::constant(&call) {
            let value = value?;
            if let Some(&name) = node.outputs.first() {
                self.values.insert(name, value);
            }
            return Ok(());
        }
        let applied = ops::apply(&call).and_then(|outcome| complete(&call, outcome));
        let (outcome, fallen) = match (applied, options.unsupported) {
            (Err(Fault::Unsupported(reason)), Unsupported::Elementwise) => (self.fallback(&call)?, Some(reason)),
            (applied, _) => (applied?, None),
        };
        if let Some(reason) = fallen {
            self.fell(node.op, &reason, order::label(graph, at));
        }
        let named = match node.name {
            "" => format!("{}_{at}", node.op),
            name => name.to_owned(),
        };
        self.put(graph, at, outcome, &named)
    }

    /// A function of each value, with outputs as the file states them.
    fn fallback(&self, call: &Call) -> Result<Outcome, Fault> {
        let first = call.present().next().map(|value| value.shape.clone());
        let shapes: Option<Vec<Shape>> = call
            .node
            .outputs
            .iter()
            .map(|name| self.stated.get(name).cloned().or_else(|| first.clone()))
            .collect();
        let Some(shapes) = shapes.filter(|shapes| !shapes.is_empty()) else {
            return call::unsupported("not supported, and the shape of its output is unknown");
        };
        let mut outcome = Outcome::layer(shapes[0].clone(), ops::elementwise(call, &shapes[0])?);
        outcome.shapes = shapes;
        Ok(outcome)
    }

    fn fell(&mut self, op: &str, reason: &str, label: String) {
        let what = format!("operator {}: {reason}", quote(op));
        let next = self.fallen.len();
        let at = *self.reasons.entry(what.clone()).or_insert(next);
        match self.fallen.get_mut(at) {
            Some(fallen) => fallen.others += 1,
            None => self.fallen.push(Fallen {
                what,
                first: label,
                others: 0,
            }),
        }
    }

    /// Takes over what a node does: layers, unless nothing depends on the input, and values.
    fn put(&mut self, graph: &'a Graph<'a>, at: usize, outcome: Outcome, named: &str) -> Result<(), Fault> {
        let node = &graph.nodes[at];
        let values: Vec<&Value> = self.present(node).collect();
        // a shape is known even where the values are not
        let known = outcome.parts.is_empty() && outcome.contents.iter().any(Option::is_some);
        if known || values.iter().all(|value| value.is_constant()) {
            let float = ops::keeps_float(node) && values.iter().any(|value| value.is_float());
            let contents = outcome.contents.into_iter().chain(std::iter::repeat(None));
            for ((&name, shape), content) in node.outputs.iter().zip(outcome.shapes).zip(contents) {
                let float = content.as_ref().map_or(float, Numbers::is_float);
                self.values.insert(name, Value::constant(shape, float, content));
            }
            return Ok(());
        }
        let all: Vec<usize> = values.iter().filter_map(|value| value.maker()).collect();
        let shared = self.shared(node);
        let first = self.layers.len();
        for part in outcome.parts {
            check(&part.op)?;
            let mut reads = Vec::new();
            for source in part.reads {
                match source {
                    Source::Inputs => reads.extend(&all),
                    Source::Input(input) => reads.extend(self.maker(node, input)),
                    Source::Part(part) => reads.push(first + part),
                }
            }
            let name = self.unique(format!("{named}{}", part.suffix));
            self.layers.push(Layer {
                shared,
                ..Layer::new(name, part.op, without_repeats(reads))
            });
        }
        // a view shows what its input shows
        let maker = match self.layers.len() {
            last if last > first => Some(last - 1),
            _ => all.first().copied(),
        };
        for (&name, shape) in node.outputs.iter().zip(outcome.shapes) {
            self.values.insert(name, Value::computed(shape, maker));
        }
        Ok(())
    }

    /// The inputs of a node that are there.
    fn present(&self, node: &'a proto::Node<'a>) -> impl Iterator<Item = &Value> {
        node.inputs.iter().filter_map(|name| self.values.get(name))
    }

    /// The layer that made an input of a node.
    fn maker(&self, node: &proto::Node, input: usize) -> Option<usize> {
        self.values.get(node.inputs.get(input)?)?.maker()
    }

    /// Whether the largest of a node's weights belong to a layer before it.
    fn shared(&mut self, node: &proto::Node<'a>) -> bool {
        let weights = node.inputs.iter().filter_map(|&name| {
            let value = self.values.get(name)?;
            let count = elements(&value.shape).ok()?;
            (value.is_constant() && value.is_float() && count > 1).then_some((count, name))
        });
        match weights.max_by_key(|(count, _)| *count) {
            Some((_, name)) => !self.weights.insert(name),
            None => false,
        }
    }

    /// A name that no other layer has, readable in a table.
    fn unique(&mut self, name: String) -> String {
        const LONGEST: usize = 200;
        let clean: String = name.chars().filter(|c| !c.is_control()).take(LONGEST).collect();
        let mut unique = clean.clone();
        let mut count = self.layers.len();
        while !self.names.insert(unique.clone()) {
            count += 1;
            unique = format!("{clean}#{count}");
        }
        unique
    }

    /// Marks layers whose outputs are results of the network.
    fn keep(&mut self, graph: &Graph) {
        let read: HashSet<usize> = self
            .layers
            .iter()
            .flat_map(|layer| layer.inputs.iter().copied())
            .collect();
        let results = graph
            .outputs
            .iter()
            .filter_map(|output| self.values.get(output.name)?.maker());
        for result in results.filter(|result| read.contains(result)) {
            self.layers[result].kept = true;
        }
    }

    fn finish(mut self) -> Result<Network, String> {
        for Fallen { what, first, others } in &self.fallen {
            let others = match others {
                0 => String::new(),
                more => format!(" and {more} other nodes"),
            };
            self.notes.push(format!(
                "{what}; counted as a function of each value at {first}{others}"
            ));
        }
        let network = Network {
            name: String::new(),
            layers: self.layers,
            notes: self.notes,
        };
        if network.layers.is_empty() {
            return Err("nothing in it depends on an input".into());
        }
        let too_large = |error: TooLarge| format!("in total: {error}");
        network.macs().map_err(too_large)?;
        network.parameters().map_err(too_large)?;
        Ok(network)
    }
}

/// Holds outputs against the node's: shapes for all that are named, none of them beyond measure.
fn complete(call: &Call, outcome: Outcome) -> Result<Outcome, Fault> {
    let named = call.node.outputs.iter().rposition(|name| !name.is_empty());
    if named.is_some_and(|last| last >= outcome.shapes.len()) {
        return call::unsupported(format!("output {} is not supported", outcome.shapes.len() + 1));
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
