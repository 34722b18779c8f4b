use super::*;
use crate::conv::{Conv, Depth};
use crate::layer::{Layer, NormKind, Op, PoolKind};
use crate::zoo;
use tandem_core::Stream;

fn count(network: &Network, is: fn(&Op) -> bool) -> usize {
    network.layers.iter().filter(|layer| is(&layer.op)).count()
}

fn is_batch_norm(op: &Op) -> bool {
    matches!(
        op,
        Op::Norm {
            kind: NormKind::Batch,
            ..
        }
    )
}

fn is_function(op: &Op) -> bool {
    matches!(op, Op::Elementwise { operands: 1, .. })
}

fn is_sum(op: &Op) -> bool {
    matches!(op, Op::Elementwise { operands: 2, .. })
}

fn is_pool(op: &Op) -> bool {
    matches!(op, Op::Pool { .. })
}

/// Activations that are written to memory.
fn written(network: &Network) -> u64 {
    network.layers.iter().map(|l| l.writes().unwrap()).sum()
}

#[test]
fn resnet18_is_left_with_convolutions_sums_and_a_classifier() {
    let plain = zoo::named("resnet18").unwrap();
    let sizes = |n: &Network| [is_batch_norm, is_function, is_sum, is_pool].map(|is| count(n, is));
    assert_eq!(sizes(&plain), [20, 17, 8, 2]);
    let folded = run(plain.clone(), &["fuse_activation", "fuse_pool"]);
    assert_eq!(sizes(&folded), [0, 17, 8, 2]);
    // 9600 scales and shifts became 4800 biases
    let [before, after] = [&plain, &folded].map(|n| n.parameters().unwrap());
    assert_eq!(before - after, 4800);
    let activated = run(plain.clone(), &["fuse_pool"]);
    assert_eq!(sizes(&activated), [0, 0, 8, 2]);
    let all = run(plain.clone(), &[] as &[&str]);
    assert_eq!(sizes(&all), [0, 0, 8, 1]); // the mean after the last sum stays
    assert_eq!(all.layers.len(), 20 + 8 + 1 + 1);
    for network in [&folded, &activated, &all] {
        assert_eq!(network.macs(), plain.macs());
    }
    // each norm and each function wrote what the layer before it had written
    let first = &all.layers[0];
    assert_eq!(first.op.outputs(), Ok(112 * 112 * 64));
    assert_eq!((first.reads(), first.writes()), (Ok(224 * 224 * 3), Ok(56 * 56 * 64)));
    assert!(written(&all) < written(&activated) && written(&activated) < written(&folded));
}

#[test]
fn passes_that_are_left_out_leave_no_trace() {
    let plain = zoo::named("mobilenetv2").unwrap();
    let names = PASSES.map(|pass| pass.name);
    assert_eq!(run(plain.clone(), &names), plain);
    for pass in &PASSES {
        let others: Vec<&str> = names.into_iter().filter(|name| *name != pass.name).collect();
        assert_eq!(run(plain.clone(), &others), pass.run(plain.clone()));
    }
}

/// Layers one after the other, with what else reads them.
fn chain(ops: &[Op]) -> Network {
    let layers = ops
        .iter()
        .enumerate()
        .map(|(at, &op)| Layer::new(format!("layer{at}"), op, (at > 0).then(|| at - 1).into_iter().collect()));
    Network {
        layers: layers.collect(),
        ..Network::default()
    }
}

const CONV: Conv = Conv {
    batch: 1,
    input: [8, 8],
    channels: 3,
    filters: 4,
    kernel: [1, 1],
    stride: [1, 1],
    padding: [[0; 2]; 2],
    dilation: [1, 1],
    depth: Depth::FLAT,
    groups: 1,
    bias: false,
};

const NORM: Op = Op::Norm {
    kind: NormKind::Batch,
    elements: 256,
    parameters: 8,
};

const POOL: Op = Op::Pool {
    kind: PoolKind::Max,
    kernel: [2, 2],
    stride: [2, 2],
    inputs: 256,
    outputs: 64,
};

#[test]
fn values_that_somebody_else_needs_stay() {
    let ops = [Op::Conv(CONV), NORM, Op::activation(256), POOL, Op::activation(64)];
    let fused = run(chain(&ops), &[] as &[&str]);
    assert_eq!(fused.layers.len(), 1);
    let expected = vec![Op::activation(256), POOL, Op::activation(64)];
    assert_eq!(fused.layers[0].fused, expected);
    assert_eq!(fused.layers[0].op, Op::Conv(Conv { bias: true, ..CONV }));
    // a second reader of the convolution bars the norm, of the norm the activation, and so on
    for other in 0..4 {
        let mut network = chain(&ops);
        network
            .layers
            .push(Layer::new("other", Op::Softmax { elements: 1 }, vec![other]));
        let fused = run(network, &[] as &[&str]);
        assert!(fused.layers.len() > 2, "{other}");
        let reader = fused.layers.last().unwrap();
        let read = &fused.layers[reader.inputs[0]];
        let last = read.fused.last().unwrap_or(&read.op);
        let same = std::mem::discriminant(last) == std::mem::discriminant(&ops[other]);
        // the norm is gone into the convolution, which then stands in its place
        assert!(same || other == 1, "{other}: {read:?}");
        // a result of the network bars it as well
        let mut network = chain(&ops);
        network.layers[other].kept = true;
        let fused = run(network, &[] as &[&str]);
        assert_eq!(fused.layers.iter().filter(|layer| layer.kept).count(), 1);
    }
}

#[test]
fn only_what_is_the_same_is_merged() {
    // a layer norm needs the values first; a norm over other channels is none of this layer's; no weights, no folding
    let layer_norm = Op::Norm {
        kind: NormKind::Layer,
        elements: 256,
        parameters: 8,
    };
    let other_channels = Op::Norm {
        kind: NormKind::Batch,
        elements: 256,
        parameters: 16,
    };
    for ops in [
        [Op::Conv(CONV), layer_norm],
        [Op::Conv(CONV), other_channels],
        [POOL, NORM],
        [Op::Softmax { elements: 256 }, Op::activation(256)],
        [Op::Softmax { elements: 256 }, POOL],
        [Op::Conv(CONV), Op::sum(256)],
    ] {
        let network = chain(&ops);
        assert_eq!(run(network.clone(), &[] as &[&str]), network, "{ops:?}");
    }
    // a norm after a function is not folded through it
    let network = chain(&[Op::Conv(CONV), Op::activation(256), NORM]);
    let fused = run(network, &[] as &[&str]);
    assert_eq!(fused.layers.len(), 2);
    // weights that belong to another layer cannot take over a norm of one's own
    let mut network = chain(&[Op::Conv(CONV), NORM]);
    network.layers[0].shared = true;
    assert_eq!(run(network, &[] as &[&str]).layers.len(), 2);
}

#[test]
fn any_graph_keeps_its_order_its_work_and_its_results() {
    for seed in 0..200 {
        let mut stream = Stream::new(seed, "graph", 0);
        let mut network = Network::default();
        for at in 0..30 {
            let op = [
                Op::Conv(CONV),
                NORM,
                Op::activation(256),
                POOL,
                Op::sum(256),
                Op::Softmax { elements: 9 },
            ][stream.below(6)];
            let reads = if at == 0 { 0 } else { stream.below(3) };
            let mut inputs: Vec<usize> = (0..reads).map(|_| stream.below(at)).collect();
            inputs.dedup();
            network.layers.push(Layer {
                kept: stream.below(8) == 0,
                ..Layer::new(format!("layer{at}"), op, inputs)
            });
        }
        let unread = |network: &Network| {
            let read = |at: &usize| network.layers.iter().any(|l| l.inputs.contains(at));
            (0..network.layers.len()).filter(|at| !read(at)).count()
        };
        let fused = run(network.clone(), &[] as &[&str]);
        assert_eq!(fused.macs(), network.macs());
        assert_eq!(unread(&fused), unread(&network), "seed {seed}");
        assert!(written(&fused) <= written(&network));
        for (at, layer) in fused.layers.iter().enumerate() {
            assert!(layer.inputs.iter().all(|&input| input < at));
        }
        let kept = |network: &Network| network.layers.iter().filter(|l| l.kept).count();
        assert_eq!(kept(&fused), kept(&network));
    }
}

/// x f(x) and the like behind a convolution: layers by what they read.
fn written_out(functions: &[&[usize]]) -> Network {
    let mut network = chain(&[Op::Conv(CONV)]);
    for (at, inputs) in functions.iter().enumerate() {
        let op = Op::Elementwise {
            operands: inputs.len() as u64,
            inputs: 256 * inputs.len() as u64,
            elements: 256,
            parameters: 0,
        };
        network
            .layers
            .push(Layer::new(format!("part{at}"), op, inputs.to_vec()));
    }
    network
}

#[test]
fn activations_that_are_written_out_are_one_function() {
    // x Sigmoid(x); Mish; GELU: x (1 + Erf(x / c)) / 2; HardSwish by Add, Clip, Mul, Div
    for parts in [
        &[&[0][..], &[0, 1]][..],
        &[&[0], &[1], &[0, 2]],
        &[&[0], &[1], &[2], &[0, 3], &[4]],
        &[&[0], &[1], &[0, 2], &[3]],
    ] {
        let fused = run(written_out(parts), &[] as &[&str]);
        assert_eq!(fused.layers.len(), 1, "{parts:?}");
        assert_eq!(fused.layers[0].fused[0], Op::activation(256));
        assert_eq!(fused.layers[0].writes(), Ok(256));
    }
    // a sum with something else is none, nor is what somebody else reads in between
    let residual = written_out(&[&[0], &[1], &[1, 2]]);
    let mut other = residual.clone();
    other
        .layers
        .insert(0, Layer::new("other", Op::Softmax { elements: 256 }, vec![]));
    for layer in &mut other.layers[1..] {
        layer.inputs = layer.inputs.iter().map(|input| input + 1).collect();
    }
    other.layers[4].inputs = vec![0, 3];
    assert!(run(other, &[] as &[&str]).layers.len() > 2);
    let mut kept = written_out(&[&[0], &[0, 1]]);
    kept.layers[1].kept = true;
    assert_eq!(run(kept, &[] as &[&str]).layers.len(), 3);
    assert_eq!(run(residual, &[] as &[&str]).layers.len(), 1);
}
