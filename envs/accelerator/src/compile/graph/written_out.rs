//! Activations that are written out as several operators are one function of each value: x Sigmoid(x) is Swish, and
//! GELU, HardSwish and Mish come as up to a dozen operators. Whatever several layers compute place by place from one tensor
//! alone is put together, so that it costs what the function costs as one operator.

use super::super::super::layer::{Layer, Network, Op};

/// Layers that are put together at most: written-out activations have fewer.
const MOST: usize = 24;

/// The network with each such group as one layer, where its last layer was.
pub(super) fn gather(network: Network) -> Network {
    let count = network.layers.len();
    let mut readers = vec![Vec::new(); count];
    for (at, layer) in network.layers.iter().enumerate() {
        for &input in layer.inputs.iter().filter(|input| **input < count) {
            readers[input].push(at);
        }
    }
    // from the end, so that the largest group is found first
    let mut gone = vec![false; count];
    let mut merged: Vec<Option<Layer>> = vec![None; count];
    for last in (0..count).rev().filter(|&last| is_function(&network.layers[last])) {
        if gone[last] {
            continue;
        }
        if let Some((group, source)) = group(&network.layers, &readers, last) {
            merged[last] = function(&network.layers, &group, source);
            if merged[last].is_some() {
                group.iter().filter(|&&at| at != last).for_each(|&at| gone[at] = true);
            }
        }
    }
    rebuilt(network, &gone, merged)
}

/// Whether a layer computes each value from those at the same place, all operands of one shape.
fn is_function(layer: &Layer) -> bool {
    match layer.op {
        Op::Elementwise {
            operands,
            inputs,
            elements,
            ..
        } => {
            let whole = operands.checked_mul(elements) == Some(inputs);
            whole && layer.inputs.len() as u64 == operands && layer.fused.is_empty()
        }
        _ => false,
    }
}

/// Layers that together compute the result of `last` from that of one other layer, and which that is.
fn group(layers: &[Layer], readers: &[Vec<usize>], last: usize) -> Option<(Vec<usize>, usize)> {
    let mut group = vec![last];
    let mut sources: Vec<usize> = layers[last].inputs.clone();
    loop {
        sources.sort_unstable();
        sources.dedup();
        // whatever lies between is later than what all of it comes from
        let latest = sources.pop()?;
        if sources.is_empty() {
            return (group.len() > 1).then_some((group, latest));
        }
        let layer = &layers[latest];
        let inside = readers[latest].iter().all(|reader| group.contains(reader));
        let alike = layer.op.outputs() == layers[last].op.outputs();
        if !is_function(layer) || layer.kept || !inside || !alike || group.len() == MOST {
            return None;
        }
        group.push(latest);
        sources.extend(&layer.inputs);
    }
}

/// The group as one function of the values of its source.
fn function(layers: &[Layer], group: &[usize], source: usize) -> Option<Layer> {
    let last = &layers[*group.first()?];
    let elements = last.op.outputs().ok()?;
    if layers[source].writes() != Ok(elements) {
        return None;
    }
    let parameters = group.iter().map(|&at| layers[at].op.parameters().ok());
    let parameters = parameters.sum::<Option<u64>>()?;
    Some(Layer {
        op: Op::Elementwise {
            operands: 1,
            inputs: elements,
            elements,
            parameters,
        },
        inputs: vec![source],
        ..last.clone()
    })
}

/// The network without the layers that are gone.
fn rebuilt(network: Network, gone: &[bool], merged: Vec<Option<Layer>>) -> Network {
    let mut places = vec![0; gone.len()];
    let mut layers = Vec::new();
    for (at, (layer, merged)) in network.layers.into_iter().zip(merged).enumerate() {
        if gone[at] {
            continue;
        }
        let mut layer = merged.unwrap_or(layer);
        layer.inputs = layer.inputs.iter().map(|&input| places[input]).collect();
        places[at] = layers.len();
        layers.push(layer);
    }
    Network { layers, ..network }
}
