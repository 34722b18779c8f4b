//! The order in which nodes run.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::proto::{Graph, Node};
use crate::input::quote;

/// How a node is called in messages: its name, or its operator and place.
pub(super) fn label(node: &Node, at: usize) -> String {
    match node.name {
        "" => format!("node {at} ({})", quote(node.op)),
        name => format!("node {} ({})", quote(name), quote(node.op)),
    }
}

/// The nodes that the outputs need, each after those whose results it reads, otherwise as in the file. Some values are
/// there from the start, in the graph itself (`own`) or also around it (`seen`).
///
/// # Errors
/// A value that two nodes produce or that none does, or nodes that wait for each other.
pub(super) fn order(
    graph: &Graph,
    own: &dyn Fn(&str) -> bool,
    seen: &dyn Fn(&str) -> bool,
) -> Result<Vec<usize>, String> {
    let mut producers = HashMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        for &name in node.outputs.iter().filter(|name| !name.is_empty()) {
            if own(name) || producers.insert(name, at).is_some() {
                return Err(format!(
                    "{}: {} is there already",
                    label(&graph.nodes[at], at),
                    quote(name)
                ));
            }
        }
    }
    let reads: Vec<Vec<&str>> = graph.nodes.iter().map(reads).collect();
    let needed = needed(graph, &reads, seen, &producers)?;
    let mut waiting = vec![0_usize; graph.nodes.len()];
    let mut readers = vec![Vec::new(); graph.nodes.len()];
    for (at, reads) in reads.iter().enumerate().filter(|(at, _)| needed[*at]) {
        for producer in reads.iter().filter_map(|name| producers.get(name)) {
            waiting[at] += 1;
            readers[*producer].push(at);
        }
    }
    let ready = (0..graph.nodes.len()).filter(|&at| needed[at] && waiting[at] == 0);
    let mut ready: BinaryHeap<Reverse<usize>> = ready.map(Reverse).collect();
    let mut order = Vec::new();
    while let Some(Reverse(at)) = ready.pop() {
        order.push(at);
        for &reader in &readers[at] {
            waiting[reader] -= 1;
            if waiting[reader] == 0 {
                ready.push(Reverse(reader));
            }
        }
    }
    match (0..graph.nodes.len()).find(|&at| needed[at] && waiting[at] > 0) {
        Some(at) => Err(format!(
            "{} waits for its own result: the graph has a cycle",
            label(&graph.nodes[at], at)
        )),
        None => Ok(order),
    }
}

/// What a node reads: its inputs, and what bodies in it take from around them.
fn reads<'a>(node: &Node<'a>) -> Vec<&'a str> {
    let inputs = node.inputs.iter().copied().filter(|name| !name.is_empty());
    inputs.chain(captured(node)).collect()
}

/// What bodies in a node take from around them.
pub(super) fn captured<'a>(node: &Node<'a>) -> Vec<&'a str> {
    let mut captured = Vec::new();
    for body in node.attributes.iter().filter_map(|attribute| attribute.graph.as_ref()) {
        let inside = body.nodes.iter().flat_map(|node| node.outputs.iter().copied());
        let given = body.inputs.iter().map(|info| info.name);
        let own: HashSet<&str> = inside
            .chain(given)
            .chain(body.initializers.iter().map(|tensor| tensor.name))
            .collect();
        let outputs = body.outputs.iter().map(|info| info.name);
        let wanted = body.nodes.iter().flat_map(reads).chain(outputs);
        captured.extend(wanted.filter(|name| !own.contains(name)));
    }
    captured
}

/// Which nodes lead to an output of the graph.
fn needed(
    graph: &Graph,
    reads: &[Vec<&str>],
    seen: &dyn Fn(&str) -> bool,
    producers: &HashMap<&str, usize>,
) -> Result<Vec<bool>, String> {
    let mut needed = vec![false; graph.nodes.len()];
    let mut open = Vec::new();
    for output in &graph.outputs {
        match producers.get(output.name) {
            Some(&at) => open.push(at),
            None if seen(output.name) => {}
            None => return Err(format!("nothing produces output {}", quote(output.name))),
        }
    }
    while let Some(at) = open.pop() {
        if std::mem::replace(&mut needed[at], true) {
            continue;
        }
        for &name in &reads[at] {
            match producers.get(name) {
                Some(&producer) => open.push(producer),
                None if seen(name) => {}
                None => {
                    return Err(format!(
                        "{} reads {}, which nothing produces",
                        label(&graph.nodes[at], at),
                        quote(name)
                    ));
                }
            }
        }
    }
    Ok(needed)
}
