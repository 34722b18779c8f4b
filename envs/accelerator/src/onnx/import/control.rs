//! Nodes that hold graphs of their own: branches, loops, and functions of the model.
//!
//! What can be known without data is: the branch that a condition on shapes takes, and how often a loop runs that counts.
//! Loops are rolled out, since each round depends on the one before.

use super::super::call::{Fault, Part, Source, axis, wrong};
use super::super::proto::{Attribute, Dim, Function, Graph, Node};
use super::super::value::{Numbers, Shape, Value, elements, size};
use super::{Frame, Import, Scope};
use crate::gemm::sum;
use crate::input::quote;
use crate::layer::Op;

/// Rounds that a loop may have.
const MOST_ROUNDS: u64 = 1 << 16;

/// Functions that may call each other.
const DEEPEST: usize = 64;

/// The values that a loop carries from round to round, and those that it gathers.
struct Rounds {
    carried: Vec<Value>,
    gathered: Vec<Vec<Value>>,
}

impl<'a> Import<'a> {
    /// Brings in a node that holds a graph; `false` for all others.
    pub(super) fn control(&mut self, node: &'a Node<'a>, named: &str) -> Result<bool, Fault> {
        let model = self.model;
        let own = |function: &&Function| function.domain == node.domain && function.name == node.op;
        if let Some(function) = model.functions.iter().find(own) {
            self.function(node, function, named)?;
            return Ok(true);
        }
        match (node.domain, node.op) {
            ("", "If") => self.branch(node, named)?,
            ("", "Loop") => self.repeat(node, named)?,
            ("", "Scan") => self.scan(node, named)?,
            _ => return Ok(false),
        }
        Ok(true)
    }

    fn function(&mut self, node: &'a Node<'a>, function: &'a Function<'a>, named: &str) -> Result<(), Fault> {
        if self.frames.len() == DEEPEST {
            return wrong("functions call each other without end");
        }
        let mut attributes = self.attributes(node);
        for default in &function.defaults {
            if attributes.iter().all(|(name, _)| *name != default.name) {
                attributes.push((default.name, default));
            }
        }
        let opset = match function.opset {
            0 => self.model.opset,
            own => own,
        };
        let given = function.graph.inputs.iter().zip(&node.inputs);
        let given = given.filter_map(|(info, name)| Some((info.name, self.value(name)?.clone())));
        let scope = Scope {
            closed: true,
            ..Scope::default()
        };
        let given = given.collect();
        self.frames.push(Frame { opset, attributes });
        let outputs = self.inside(&function.graph, scope, given, &format!("{named}/"));
        self.frames.pop();
        self.outputs(node, outputs?)
    }

    /// Brings in a graph around which others are, and gives what comes out of it.
    fn inside(
        &mut self,
        graph: &'a Graph<'a>,
        mut scope: Scope<'a>,
        given: Vec<(&'a str, Value)>,
        path: &str,
    ) -> Result<Vec<Value>, Fault> {
        for info in graph.value_info.iter().chain(&graph.outputs) {
            if let Some(shape) = known_shape(info.shape.as_deref()) {
                scope.stated.insert(info.name, shape);
            }
        }
        self.scopes.push(scope);
        let outer = std::mem::replace(&mut self.built.path, path.to_owned());
        let values = self.fill(graph, given);
        self.built.path = outer;
        self.scopes.pop();
        values
    }

    fn fill(&mut self, graph: &'a Graph<'a>, given: Vec<(&'a str, Value)>) -> Result<Vec<Value>, Fault> {
        for tensor in &graph.initializers {
            self.define(tensor.name, Value::of_tensor(tensor)?);
        }
        for (name, value) in given {
            self.define(name, value);
        }
        self.body(graph)?;
        let outputs = graph.outputs.iter().map(|output| match self.value(output.name) {
            Some(value) => Ok(value.clone()),
            None => wrong(format!("nothing produces output {}", quote(output.name))),
        });
        outputs.collect()
    }

    fn outputs(&mut self, node: &'a Node<'a>, values: Vec<Value>) -> Result<(), Fault> {
        let named = node.outputs.iter().rposition(|name| !name.is_empty());
        if named.is_some_and(|last| last >= values.len()) {
            return wrong(format!("{} outputs come out, not {}", values.len(), node.outputs.len()));
        }
        for (&name, value) in node.outputs.iter().zip(values) {
            self.output(name, value);
        }
        Ok(())
    }

    /// `If`: the branch that is taken where that is known or said, otherwise the dearer one.
    fn branch(&mut self, node: &'a Node<'a>, named: &str) -> Result<(), Fault> {
        let attributes = self.attributes(node);
        let (then, other) = (body(&attributes, "then_branch")?, body(&attributes, "else_branch")?);
        let condition = self.call(node).value(0)?.clone();
        let (known, maker) = (truth(&condition), condition.maker());
        let branches = &self.options.branches;
        let said: Option<bool> = branches.get(named).or_else(|| branches.get("")).copied();
        if let Some(taken) = known.or(said) {
            let (graph, path) = if taken { (then, "then") } else { (other, "else") };
            let values = self.inside(graph, Scope::default(), Vec::new(), &format!("{named}/{path}/"))?;
            return self.outputs(node, values);
        }
        let before = self.built.clone();
        let place = before.layers.len();
        let mut values = self.inside(then, Scope::default(), Vec::new(), &format!("{named}/then/"))?;
        let built = std::mem::replace(&mut self.built, before);
        let others = self.inside(other, Scope::default(), Vec::new(), &format!("{named}/else/"))?;
        let dearer = cost(&built.layers[place..])? >= cost(&self.built.layers[place..])?;
        if dearer {
            self.built = built;
        } else {
            values = others;
        }
        self.built.notes.push(format!(
            "{} (If): its condition depends on data; its dearer branch, {}, is counted (`--branch` names another)",
            quote(named),
            if dearer { "then" } else { "else" }
        ));
        // which of the branches gives a constant depends on data
        let values = values.into_iter().map(|value| match value.is_constant() {
            true => Value::computed(value.shape, maker),
            false => value,
        });
        self.outputs(node, values.collect())
    }

    /// `Loop`: as many rounds as its count or its condition say.
    fn repeat(&mut self, node: &'a Node<'a>, named: &str) -> Result<(), Fault> {
        let attributes = self.attributes(node);
        let body = body(&attributes, "body")?;
        let call = self.call(node);
        let said = self.said_rounds(named);
        let limit = match call.get(0) {
            Some(count) => match count.content() {
                Some(Numbers::Ints(count)) if count.len() == 1 => Some(u64::try_from(count[0]).unwrap_or(0)),
                _ => None,
            },
            None => Some(u64::MAX),
        };
        let mut going = call.get(1).map_or(Some(true), truth);
        let carried: Option<Vec<Value>> = (2..node.inputs.len()).map(|at| call.get(at).cloned()).collect();
        let Some(carried) = carried else {
            return wrong("a value that it starts with is missing");
        };
        let count = carried.len();
        if body.inputs.len() != 2 + count || body.outputs.len() < 1 + count {
            return wrong(format!("its body does not carry {count} values"));
        }
        let gathered = vec![Vec::new(); body.outputs.len() - 1 - count];
        let mut rounds = Rounds { carried, gathered };
        let mut round = 0;
        loop {
            let depends = limit.is_none() || going.is_none() && limit.is_none_or(|limit| limit > MOST_ROUNDS);
            let limit = match said {
                Some(said) => said,
                None if depends => {
                    let name = quote(named);
                    return wrong(format!(
                        "how often it runs depends on data; name it, as in `--trips {name}=10`"
                    ));
                }
                None => limit.unwrap_or(0),
            };
            if round >= limit || going == Some(false) && said.is_none() {
                break;
            }
            let first = [
                Value::constant(Vec::new(), false, Some(Numbers::Ints(vec![round as i64]))),
                truth_value(going),
            ];
            let mut values = self.round(body, first.to_vec(), &mut rounds, named, round)?;
            going = truth(&values.remove(0));
            rounds.take(values);
            round += 1;
        }
        if going.is_none() && said.is_none() {
            self.built.notes.push(format!(
                "{} (Loop): when it ends depends on data; all {round} rounds are counted (`--trips` says otherwise)",
                quote(named)
            ));
        }
        let axes = vec![0; rounds.gathered.len()];
        self.gather(node, rounds, &axes, named)
    }

    /// The rounds that the user has named.
    fn said_rounds(&self, named: &str) -> Option<u64> {
        let trips = &self.options.trips;
        trips.get(named).or_else(|| trips.get("")).copied()
    }

    /// One round of a loop: what comes out of its body.
    fn round(
        &mut self,
        body: &'a Graph<'a>,
        mut first: Vec<Value>,
        rounds: &mut Rounds,
        named: &str,
        round: u64,
    ) -> Result<Vec<Value>, Fault> {
        if round == MOST_ROUNDS {
            return wrong(format!("it runs more than {MOST_ROUNDS} times"));
        }
        first.append(&mut rounds.carried);
        let given = body.inputs.iter().map(|info| info.name).zip(first).collect();
        self.inside(body, Scope::default(), given, &format!("{named}/{round}/"))
    }

    /// `Scan` from version 9: a round for each slice of its inputs.
    fn scan(&mut self, node: &'a Node<'a>, named: &str) -> Result<(), Fault> {
        let attributes = self.attributes(node);
        let body = body(&attributes, "body")?;
        let call = self.call(node);
        if call.opset < 9 {
            return wrong("`Scan` before version 9 is not supported; convert the model to a newer one");
        }
        let scanned = usize::try_from(call.count("num_scan_inputs", None)?).unwrap_or(usize::MAX);
        let values: Vec<Value> = call.present().cloned().collect();
        let Some(states) = values
            .len()
            .checked_sub(scanned)
            .filter(|_| values.len() == node.inputs.len())
        else {
            return wrong("inputs are missing");
        };
        if body.inputs.len() != values.len() || body.outputs.len() < states {
            return wrong("its body has other inputs or outputs");
        }
        let list = |name: &str, count: usize| match call.ints(name) {
            Some(list) if list.len() == count => Ok(list.to_vec()),
            Some(list) => wrong(format!("`{name}` has {} numbers, {count} are needed", list.len())),
            None => Ok(vec![0; count]),
        };
        let gathered = body.outputs.len() - states;
        let (inputs, outputs) = (list("scan_input_axes", scanned)?, list("scan_output_axes", gathered)?);
        let mut slices = Vec::new();
        let mut steps = None;
        for (value, &along) in values[states..].iter().zip(&inputs) {
            let at = axis(along, value.shape.len())?;
            let mut shape = value.shape.clone();
            let own = shape.remove(at);
            if steps.is_some_and(|steps| steps != own) {
                return wrong("its inputs differ in length");
            }
            steps = Some(own);
            slices.push(match value.is_constant() {
                true => Value::constant(shape, value.is_float(), None),
                false => Value::computed(shape, value.maker()),
            });
        }
        let mut rounds = Rounds {
            carried: values[..states].to_vec(),
            gathered: vec![Vec::new(); gathered],
        };
        for round in 0..steps.unwrap_or(0) {
            let mut first = std::mem::take(&mut rounds.carried);
            first.extend(slices.iter().cloned());
            let values = self.round(body, first, &mut rounds, named, round)?;
            rounds.carried = values[..states].to_vec();
            for (all, value) in rounds.gathered.iter_mut().zip(&values[states..]) {
                all.push(value.clone());
            }
        }
        self.gather(node, rounds, &outputs, named)
    }

    /// Gives out what a loop carried last and, stacked, what it gathered.
    fn gather(&mut self, node: &'a Node<'a>, rounds: Rounds, axes: &[i64], named: &str) -> Result<(), Fault> {
        let mut values = rounds.carried;
        for (at, (parts, &along)) in rounds.gathered.iter().zip(axes).enumerate() {
            let Some(part) = parts.first() else {
                values.push(Value::constant(vec![0], false, None));
                continue;
            };
            if parts.iter().any(|other| other.shape != part.shape) {
                return wrong(format!("what it gathers as output {} changes its shape", at + 1));
            }
            let mut shape = part.shape.clone();
            shape.insert(axis(along, shape.len() + 1)?, size(parts.len() as i64)?);
            if parts.iter().all(Value::is_constant) {
                values.push(Value::constant(shape, part.is_float(), stacked(parts, along)));
                continue;
            }
            let outputs = elements(&shape)?;
            let op = Op::Copy {
                inputs: outputs,
                outputs,
            };
            let makers: Vec<usize> = parts.iter().filter_map(Value::maker).collect();
            let first = self.built.layers.len();
            let part = Part::new(format!(".stack{at}"), op, vec![Source::Inputs]);
            self.layer(node, part, named, first, &makers)?;
            if let Some(layer) = self.built.layers.last_mut() {
                layer.shape.clone_from(&shape);
            }
            values.push(Value::computed(shape, Some(first)));
        }
        self.outputs(node, values)
    }
}

impl Rounds {
    /// Takes over what a body gave: values to carry on, then values to gather.
    fn take(&mut self, mut values: Vec<Value>) {
        let gathered = values.split_off(values.len() - self.gathered.len());
        self.carried = values;
        for (all, value) in self.gathered.iter_mut().zip(gathered) {
            all.push(value);
        }
    }
}

/// The graph among a node's attributes that has this name.
fn body<'a>(attributes: &[(&'a str, &'a Attribute<'a>)], name: &str) -> Result<&'a Graph<'a>, Fault> {
    let found = attributes.iter().find(|(own, _)| *own == name);
    match found.and_then(|(_, attribute)| attribute.graph.as_deref()) {
        Some(body) => Ok(body),
        None => wrong(format!("`{name}` is missing")),
    }
}

/// Whether a condition holds, where that is known.
fn truth(value: &Value) -> Option<bool> {
    match value.content() {
        Some(Numbers::Ints(ints)) if ints.len() == 1 => Some(ints[0] != 0),
        _ => None,
    }
}

fn truth_value(known: Option<bool>) -> Value {
    match known {
        Some(holds) => Value::constant(Vec::new(), false, Some(Numbers::Ints(vec![i64::from(holds)]))),
        None => Value::computed(Vec::new(), None),
    }
}

/// What constants hold one after the other, which is their stack along the first direction.
fn stacked(parts: &[Value], along: i64) -> Option<Numbers> {
    let mut ints = Vec::new();
    for part in parts {
        match part.content()? {
            Numbers::Ints(part) if along == 0 => ints.extend(part),
            _ => return None,
        }
    }
    Some(Numbers::Ints(ints))
}

/// A shape all of whose sizes the file states.
fn known_shape(dims: Option<&[Dim]>) -> Option<Shape> {
    let dims = dims?.iter().map(|dim| match *dim {
        Dim::Known(value @ 1..) => size(value).ok(),
        _ => None,
    });
    dims.collect()
}

/// What layers cost, for comparing: products, then values that are moved.
fn cost(layers: &[crate::layer::Layer]) -> Result<(u64, u64), Fault> {
    let macs = layers
        .iter()
        .map(|layer| layer.op.macs())
        .collect::<Result<Vec<_>, _>>()?;
    let mut moved = Vec::new();
    for layer in layers {
        moved.extend([layer.reads()?, layer.writes()?, layer.parameters()?]);
    }
    Ok((sum("multiply-accumulates", macs)?, sum("values", moved)?))
}
