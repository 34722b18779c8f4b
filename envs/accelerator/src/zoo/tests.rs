use std::collections::BTreeSet;

use super::*;
use crate::conv::Conv;
use crate::layer::Op;

/// Parameters and 10⁹ multiply-accumulates.
fn counts(name: &str) -> (u64, f64) {
    let network = named(name).unwrap();
    let macs = network.macs().unwrap();
    (network.parameters().unwrap(), 1e-9 * macs as f64)
}

#[track_caller]
fn assert_near(value: f64, published: f64, percent: f64) {
    let error = 100.0 * (value / published - 1.0);
    assert!(error.abs() <= percent, "{value} against {published}: {error} %");
}

#[test]
fn image_networks_have_torchvisions_counts() {
    // torchvision's table of weights: parameters exactly, 10⁹ multiply-accumulates to two decimals
    for (name, parameters, gigamacs) in [
        ("vgg16", 138_357_544, 15.47),
        ("resnet18", 11_689_512, 1.81),
        ("resnet50", 25_557_032, 4.09),
        ("mobilenetv2", 3_504_872, 0.30),
    ] {
        let (ours, macs) = counts(name);
        assert_eq!(ours, parameters, "{name}");
        assert!((macs - gigamacs).abs() < 0.006, "{name}: {macs}");
    }
}

#[test]
fn dilated_vgg_has_vggs_trunk_and_both_heads() {
    // trunk 14.7 M parameters and 203.8 GMAC at 512 x 1024, heads beside it
    let (yk, yk_macs) = counts("dilatedvgg-yk");
    let (fov, fov_macs) = counts("dilatedvgg-fov");
    assert_near(1e-6 * yk as f64, 134.3, 0.05);
    assert_near(1e-6 * fov as f64, 20.5, 0.2);
    assert_near(yk_macs, 1183.7, 0.01);
    assert_near(fov_macs, 251.3, 0.03);
    // the 13 convolutions of VGG-16 with their biases
    let trunk = named("dilatedvgg-yk").unwrap();
    let convs = trunk.layers.iter().filter(|layer| layer.name.starts_with("conv"));
    let parameters: u64 = convs.map(|layer| layer.op.parameters().unwrap()).sum();
    assert_eq!(parameters, 14_714_688);
}

#[test]
fn unet_is_the_papers() {
    let network = named("unet").unwrap();
    let is_conv = |op: &Op| matches!(op, Op::Conv(_) | Op::ConvTranspose(_));
    let convs: Vec<&Op> = network.layers.iter().map(|l| &l.op).filter(|op| is_conv(op)).collect();
    assert_eq!(convs.len(), 23); // "in total the network has 23 convolutional layers"
    assert_eq!(convs[22].outputs(), Ok(2 * 388 * 388)); // figure 1 of the paper
    assert_near(1e-6 * counts("unet").0 as f64, 31.03, 0.02);
}

#[test]
fn layers_are_as_many_and_as_different_as_in_dosa() {
    // DOSA (Hong et al., MICRO 2023) lists ResNet-50 as 54 products of 24 shapes and U-Net as 23 of 23
    for (name, instances, shapes) in [("resnet50", 54, 24), ("unet", 23, 23)] {
        let layers = named(name).unwrap().layers;
        let products = layers.iter().filter(|layer| layer.op.gemm().unwrap().is_some());
        let listed: Vec<String> = products
            .map(|layer| match layer.op {
                Op::Conv(conv) => {
                    let Conv {
                        kernel,
                        channels,
                        filters,
                        stride,
                        ..
                    } = conv;
                    format!("{kernel:?} {:?} {channels} {filters} {stride:?}", conv.output())
                }
                op => format!("{op:?}"),
            })
            .collect();
        assert_eq!(listed.len(), instances, "{name}");
        let different: BTreeSet<&String> = listed.iter().collect();
        assert_eq!(different.len(), shapes, "{name}");
    }
}

#[test]
fn retinanet_has_torchvisions_parameters() {
    // torchvision's retinanet_resnet50_fpn: 34 014 999 parameters, frozen norms not counted, and 151.54 GMAC
    let (_, macs) = counts("retinanet");
    let network = named("retinanet").unwrap();
    let norms = network.layers.iter().filter(|l| matches!(l.op, Op::Norm { .. }));
    let norms: u64 = norms.map(|layer| layer.op.parameters().unwrap()).sum();
    assert_eq!(network.parameters().unwrap() - norms, 34_014_999);
    assert_near(macs, 151.54, 0.01);
}

#[test]
fn transformers_have_the_published_counts() {
    // a block of GPT-2 small is 12 width² + 13 width parameters; the model of 124 439 808 has 12 of them
    let (block, _) = counts("gpt2-block");
    assert_eq!(block, 7_087_872);
    assert_eq!(12 * block + (50_257 + 1024 + 2) * 768, 124_439_808);
    // BERT-base uncased: 109 482 240 parameters; 22.5 GFLOP at 128 tokens (Sun et al. 2020, MobileBERT, table 4)
    let (bert, macs) = counts("bert");
    assert_eq!(bert, 109_482_240);
    assert_near(2.0 * macs, 22.5, 1.0);
}

#[test]
fn names_are_unique_and_layers_are_connected() {
    let names: BTreeSet<&str> = NETWORKS.iter().map(|entry| entry.name).collect();
    assert_eq!(names.len(), NETWORKS.len());
    for entry in &NETWORKS {
        let network = entry.build();
        assert_eq!(network.name, entry.name);
        let layers: BTreeSet<&str> = network.layers.iter().map(|l| &*l.name).collect();
        assert_eq!(layers.len(), network.layers.len(), "{}", entry.name);
        for layer in &network.layers {
            assert!(layer.op.outputs().unwrap() > 0, "{} {}", entry.name, layer.name);
            assert!(layer.op.valid_macs().unwrap() <= layer.op.macs().unwrap());
        }
    }
    assert!(named("nonet").is_none());
}

#[test]
fn a_layer_reads_what_its_producers_wrote() {
    for entry in &NETWORKS {
        let layers = entry.build().layers;
        for (at, layer) in layers.iter().enumerate() {
            assert!(layer.inputs.iter().all(|&input| input < at));
            let written: u64 = layer.inputs.iter().map(|&i| layers[i].writes().unwrap()).sum();
            let read = layer.reads().unwrap();
            let holds = match layer.op {
                _ if layer.inputs.is_empty() => true, // the network's input
                Op::Elementwise { operands, .. } if operands > layer.inputs.len() as u64 => true,
                // crops; parts of queries, keys and values; the first of the tokens
                Op::Conv(_) if entry.name == "unet" => read <= written,
                Op::MatMul { .. } => read <= written,
                _ if layer.name == "pooler" => read <= written,
                _ => read == written,
            };
            assert!(holds, "{} {}: {read} of {written}", entry.name, layer.name);
        }
        // nothing is computed in vain: what nobody reads is the result, of RetinaNet one per head and level
        let unread = (0..layers.len()).filter(|at| layers.iter().all(|l| !l.inputs.contains(at)));
        let results = if entry.name == "retinanet" { 10 } else { 1 };
        assert_eq!(unread.count(), results, "{}", entry.name);
    }
}

#[test]
fn residuals_and_skips_lead_to_the_right_layers() {
    let inputs = |network: &str, layer: &str| -> Vec<String> {
        let layers = named(network).unwrap().layers;
        let of = layers.iter().find(|l| l.name == layer).unwrap();
        of.inputs.iter().map(|&i| layers[i].name.clone()).collect()
    };
    for (network, layer, producers) in [
        ("resnet18", "layer1.0.add", ["layer1.0.conv2.bn", "maxpool"]),
        (
            "resnet18",
            "layer2.0.add",
            ["layer2.0.conv2.bn", "layer2.0.downsample.bn"],
        ),
        ("resnet50", "layer1.1.add", ["layer1.1.conv3.bn", "layer1.0.relu"]),
        (
            "mobilenetv2",
            "features.3.add",
            ["features.3.project.bn", "features.2.project.bn"],
        ),
        ("unet", "up3.conv1", ["up3.conv0", "down3.conv2.relu"]),
        ("retinanet", "fpn.add1", ["fpn.up1", "fpn.inner1"]),
        (
            "bert",
            "layer0.attention.values",
            ["layer0.attention.softmax", "layer0.attention.qkv"],
        ),
        ("bert", "layer0.add", ["layer0.down", "layer0.attention.norm"]),
    ] {
        assert_eq!(inputs(network, layer), producers, "{network} {layer}");
    }
    assert_eq!(inputs("retinanet", "fpn.inner3"), ["layer4.2.relu"]);
    assert_eq!(inputs("retinanet", "fpn.p7"), ["fpn.p6.relu"]);
    assert!(inputs("bert", "embeddings.position").is_empty());
}

#[test]
fn size_and_batch_can_be_chosen() {
    let macs = |name, input: Option<&[u64]>, batch| {
        let network = named_with(name, input, batch).unwrap().unwrap();
        1e-9 * network.macs().unwrap() as f64
    };
    // the table of sizes of DilatedVGG
    assert_near(macs("dilatedvgg-fov", Some(&[256, 512]), 1), 62.8, 0.1);
    assert_near(macs("dilatedvgg-yk", Some(&[128, 128]), 1), 37.0, 0.1);
    // a batch multiplies work and not parameters
    for entry in &NETWORKS {
        let (one, four) = (entry.build(), entry.build_with(None, 4).unwrap());
        assert_eq!(four.macs().unwrap(), 4 * one.macs().unwrap(), "{}", entry.name);
        assert_eq!(four.parameters(), one.parameters(), "{}", entry.name);
        assert_eq!(entry.build_with(None, 1).unwrap(), one);
    }
    let small = named_with("vgg16", Some(&[64, 96]), 1).unwrap().unwrap();
    assert_eq!(small.parameters(), named("vgg16").unwrap().parameters());
}

#[test]
fn sizes_that_cannot_be_are_refused() {
    let refused = |name, input: &[u64], batch| {
        let error = named_with(name, Some(input), batch).unwrap().unwrap_err();
        error.to_string()
    };
    assert!(refused("vgg16", &[16, 224], 1).contains("pool5 has no output"));
    assert!(refused("unet", &[100, 100], 1).contains("too small"));
    assert!(refused("resnet18", &[128], 1).contains("height x width"));
    assert!(refused("bert", &[128, 128], 1).contains("number of tokens"));
    assert!(refused("bert", &[513], 1).contains("at most 512 tokens"));
    assert!(refused("bert", &[128], 0).contains("the batch"));
    for (name, input) in [
        ("vgg16", vec![0, 4]),
        ("vgg16", vec![4, u64::MAX]),
        ("bert", vec![u64::MAX]),
    ] {
        assert!(refused(name, &input, 1).contains("between 1 and 65536"));
    }
    for entry in &NETWORKS {
        let largest: &[u64] = match entry.input {
            Input::Image(_) => &[LARGEST, LARGEST],
            Input::Tokens(_) => &[512],
        };
        let network = entry.build_with(Some(largest), LARGEST).unwrap();
        let _too_large_or_a_number = network.macs();
    }
}

#[test]
fn every_tensor_has_its_shape() {
    for entry in super::NETWORKS {
        let network = named(entry.name).unwrap();
        for layer in &network.layers {
            let values: u64 = layer.shape.iter().product();
            assert_eq!(Ok(values), layer.op.outputs(), "{} {}", entry.name, layer.name);
            assert!(
                layer.shape.len() > 1,
                "{} {}: {:?}",
                entry.name,
                layer.name,
                layer.shape
            );
        }
    }
    let resnet = named("resnet18").unwrap();
    let shape = |name: &str| &resnet.layers.iter().find(|layer| layer.name == name).unwrap().shape;
    assert_eq!(shape("layer1.0.add"), &[1, 64, 56, 56]);
    assert_eq!(shape("avgpool"), &[1, 512, 1, 1]);
    assert_eq!(shape("fc"), &[1, 1000]);
}
