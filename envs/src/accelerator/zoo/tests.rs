use std::collections::BTreeSet;

use super::*;
use crate::accelerator::layer::Op;

/// Parameters and 10⁹ multiply-accumulates.
fn counts(name: &str) -> (u64, f64) {
    let network = named(name).unwrap();
    let macs = network.macs().unwrap();
    (network.parameters().unwrap(), 1e-9 * macs as f64)
}

#[track_caller]
fn assert_near(value: f64, published: f64, percent: f64) {
    let error = 100.0 * (value / published - 1.0);
    assert!(
        error.abs() <= percent,
        "{value} against {published}: {error} %"
    );
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
    let convs = trunk
        .layers
        .iter()
        .filter(|layer| layer.name.starts_with("conv"));
    let parameters: u64 = convs.map(|layer| layer.op.parameters().unwrap()).sum();
    assert_eq!(parameters, 14_714_688);
}

#[test]
fn unet_is_the_papers() {
    let network = named("unet").unwrap();
    let is_conv = |op: &Op| matches!(op, Op::Conv(_) | Op::ConvTranspose(_));
    let convs: Vec<&Op> = network
        .layers
        .iter()
        .map(|l| &l.op)
        .filter(|op| is_conv(op))
        .collect();
    assert_eq!(convs.len(), 23); // "in total the network has 23 convolutional layers"
    assert_eq!(convs[22].outputs(), Ok(2 * 388 * 388)); // figure 1 of the paper
    assert_near(1e-6 * counts("unet").0 as f64, 31.03, 0.02);
}

#[test]
fn retinanet_has_torchvisions_parameters() {
    // torchvision's retinanet_resnet50_fpn: 34 014 999 parameters, frozen norms not counted, and 151.54 GMAC
    let (_, macs) = counts("retinanet");
    let network = named("retinanet").unwrap();
    let norms = network
        .layers
        .iter()
        .filter(|l| matches!(l.op, Op::Norm { .. }));
    let norms: u64 = norms.map(|layer| layer.op.parameters().unwrap()).sum();
    assert_eq!(network.parameters().unwrap() - norms, 34_014_999);
    assert_near(macs, 151.54, 1.0);
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
        let network = (entry.build)();
        assert_eq!(network.name, entry.name);
        let layers: BTreeSet<&str> = network.layers.iter().map(|l| &*l.name).collect();
        assert_eq!(layers.len(), network.layers.len(), "{}", entry.name);
        for layer in &network.layers {
            assert!(
                layer.op.outputs().unwrap() > 0,
                "{} {}",
                entry.name,
                layer.name
            );
            assert!(layer.op.valid_macs().unwrap() <= layer.op.macs().unwrap());
        }
    }
    assert!(named("nonet").is_none());
}
