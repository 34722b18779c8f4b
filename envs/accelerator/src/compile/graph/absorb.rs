//! Merging a layer into the one whose output it reads.

use super::super::super::layer::{Layer, Network};

/// Merges layers into their producers wherever `merge(producer, layer)` gives what they become together.
///
/// Asked are only pairs in which the layer reads nothing but its producer and nobody else does, since then the values
/// in between need not exist. Layers keep their order; a merged one has its producer's place and name.
pub(super) fn absorb(network: Network, merge: impl Fn(&Layer, &Layer) -> Option<Layer>) -> Network {
    let mut readers = vec![0_usize; network.layers.len()];
    for input in network.layers.iter().flat_map(|layer| &layer.inputs) {
        if let Some(count) = readers.get_mut(*input) {
            *count += 1;
        }
    }
    let mut layers: Vec<Layer> = Vec::new();
    // where each layer of the old list is in the new one
    let mut places: Vec<usize> = Vec::new();
    for mut layer in network.layers {
        let only = match layer.inputs[..] {
            [producer] if readers.get(producer) == Some(&1) => places.get(producer).copied(),
            _ => None,
        };
        layer.inputs = layer
            .inputs
            .iter()
            .filter_map(|&input| places.get(input).copied())
            .collect();
        let merged = only.and_then(|at| {
            let producer = layers.get(at).filter(|producer| !producer.kept)?;
            let merged = merge(producer, &layer)?;
            Some((at, merged))
        });
        match merged {
            Some((at, merged)) => {
                places.push(at);
                layers[at] = Layer {
                    kept: layer.kept,
                    ..merged
                };
            }
            None => {
                places.push(layers.len());
                layers.push(layer);
            }
        }
    }
    Network { layers, ..network }
}

/// The producer with a layer done to its result.
pub(super) fn fused(producer: &Layer, layer: &Layer) -> Layer {
    let mut fused = producer.clone();
    fused.fused.push(layer.op);
    fused.fused.extend(&layer.fused);
    fused.shape.clone_from(&layer.shape);
    fused
}
