//! The order in which nodes run.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};

use super::proto::Graph;
use crate::input::quote;

/// How a node is called in messages: its name, or its operator and place.
pub(super) fn label(graph: &Graph, at: usize) -> String {
    let node = &graph.nodes[at];
    match node.name {
        "" => format!("node {at} ({})", quote(node.op)),
        name => format!("node {} ({})", quote(name), quote(node.op)),
    }
}

/// The nodes that the outputs need, each after those whose results it reads, otherwise as in the file. `given` are the
/// values that are there from the start.
///
/// # Errors
/// A value that two nodes produce or that none does, or nodes that wait for each other.
pub(super) fn order(graph: &Graph, given: &HashSet<&str>) -> Result<Vec<usize>, String> {
    let mut producers = HashMap::new();
    for (at, node) in graph.nodes.iter().enumerate() {
        for &name in node.outputs.iter().filter(|name| !name.is_empty()) {
            if given.contains(name) || producers.insert(name, at).is_some() {
                return Err(format!("{}: {} is there already", label(graph, at), quote(name)));
            }
        }
    }
    let needed = needed(graph, given, &producers)?;
    let mut waiting = vec![0_usize; graph.nodes.len()];
    let mut readers = vec![Vec::new(); graph.nodes.len()];
    for (at, node) in graph.nodes.iter().enumerate().filter(|(at, _)| needed[*at]) {
        for producer in node.inputs.iter().filter_map(|name| producers.get(name)) {
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
            label(graph, at)
        )),
        None => Ok(order),
    }
}

/// Which nodes lead to an output of the graph.
fn needed(graph: &Graph, given: &HashSet<&str>, producers: &HashMap<&str, usize>) -> Result<Vec<bool>, String> {
    let mut needed = vec![false; graph.nodes.len()];
    let mut open = Vec::new();
    for output in &graph.outputs {
        match producers.get(output.name) {
            Some(&at) => open.push(at),
            None if given.contains(output.name) => {}
            None => return Err(format!("nothing produces output {}", quote(output.name))),
        }
    }
    while let Some(at) = open.pop() {
        if std::mem::replace(&mut needed[at], true) {
            continue;
        }
        for &name in graph.nodes[at].inputs.iter().filter(|name| !name.is_empty()) {
            match producers.get(name) {
                Some(&producer) => open.push(producer),
                None if given.contains(name) => {}
                None => {
                    return Err(format!(
                        "{} reads {}, which nothing produces",
                        label(graph, at),
                        quote(name)
                    ));
                }
            }
        }
    }
    Ok(needed)
}
