//! Networks that classify images or their pixels.

use super::Size;
use super::stack::{Place, Stack, Window};
use crate::layer::Network;

/// Convolutions of VGG-16's five stages: how many, how wide (Simonyan and Zisserman 2015, configuration D).
const VGG_STAGES: [(usize, u64); 5] = [(2, 64), (2, 128), (3, 256), (3, 512), (3, 512)];

/// VGG-16 (Simonyan and Zisserman 2015). Images of other sizes than 224 x 224 are averaged to 7 x 7 before the
/// classifier, as torchvision does.
pub(super) fn vgg16(size: Size) -> Network {
    let mut net = Stack::new(size, 3);
    for (stage, (count, width)) in (1..).zip(VGG_STAGES) {
        for at in 1..=count {
            net.conv_relu(&format!("conv{stage}_{at}"), width, Window::same(3, 1));
        }
        net.pool(&format!("pool{stage}"), halve(2));
    }
    if net.top.image != [7, 7] {
        net.mean("avgpool", [7, 7]);
    }
    for (name, width) in [("fc6", 4096), ("fc7", 4096)] {
        net.linear(name, width);
        net.relu(name);
    }
    net.linear("fc8", 1000);
    net.finish("vgg16")
}

/// A pool of stride 2 without padding.
fn halve(kernel: u64) -> Window {
    Window {
        stride: 2,
        ..Window::bare(kernel)
    }
}

/// DilatedVGG's trunk (Yu and Koltun 2016): VGG-16 without the last two pools, its last stage dilated by 2 instead;
/// padded here, so that every layer keeps its size.
fn dilated_trunk(size: Size) -> Stack {
    let mut net = Stack::new(size, 3);
    for (stage, (count, width)) in (1..).zip(VGG_STAGES) {
        let window = match stage {
            5 => Window::dilated(3, 2),
            _ => Window::same(3, 1),
        };
        for at in 1..=count {
            net.conv_relu(&format!("conv{stage}_{at}"), width, window);
        }
        if stage <= 3 {
            net.pool(&format!("pool{stage}"), halve(2));
        }
    }
    net
}

fn dilated_head(mut net: Stack, width: u64, window: Window, name: &str) -> Network {
    net.conv_relu("fc6", width, window);
    net.conv_relu("fc7", width, Window::same(1, 1));
    net.conv("score", 19, Window::same(1, 1));
    net.finish(name)
}

/// The head of the paper: fc6 7 x 7 with dilation 4, 4096 wide; 19 classes of Cityscapes.
pub(super) fn dilated_vgg_yk(size: Size) -> Network {
    let window = Window::dilated(7, 4);
    dilated_head(dilated_trunk(size), 4096, window, "dilatedvgg-yk")
}

/// The head of DeepLab-LargeFOV (Chen et al. 2015): fc6 3 x 3 with dilation 12, 1024 wide.
pub(super) fn dilated_vgg_fov(size: Size) -> Network {
    let window = Window::dilated(3, 12);
    dilated_head(dilated_trunk(size), 1024, window, "dilatedvgg-fov")
}

/// The first layers of all ResNets (He et al. 2016).
fn resnet_stem(size: Size) -> Stack {
    let mut net = Stack::new(size, 3);
    net.conv_norm("conv1", 64, Window::same(7, 2), 1);
    net.relu("conv1");
    net.pool("maxpool", Window::same(3, 2));
    net
}

/// The way past a block where its input and output differ: a 1 x 1 convolution of its own.
fn shortcut(net: &mut Stack, name: &str, width: u64, stride: u64) -> Place {
    let entry = net.top.clone();
    net.conv_norm(&format!("{name}.downsample"), width, Window::same(1, stride), 1);
    std::mem::replace(&mut net.top, entry)
}

/// ResNet-18 (He et al. 2016).
pub(super) fn resnet18(size: Size) -> Network {
    let mut net = resnet_stem(size);
    for (stage, width) in (1..).zip([64, 128, 256, 512]) {
        for at in 0..2 {
            let name = format!("layer{stage}.{at}");
            let stride = if stage > 1 && at == 0 { 2 } else { 1 };
            let past = match stride {
                2 => shortcut(&mut net, &name, width, stride),
                _ => net.top.clone(),
            };
            net.conv_norm(&format!("{name}.conv1"), width, Window::same(3, stride), 1);
            net.relu(&format!("{name}.conv1"));
            net.conv_norm(&format!("{name}.conv2"), width, Window::same(3, 1), 1);
            net.add(&format!("{name}.add"), &past);
            net.relu(&name);
        }
    }
    net.mean("avgpool", [1, 1]);
    net.linear("fc", 1000);
    net.finish("resnet18")
}

/// One stage of bottleneck blocks, as torchvision builds it: the stride is in the 3 x 3 convolution.
fn bottlenecks(net: &mut Stack, stage: usize, blocks: usize, width: u64) {
    for at in 0..blocks {
        let name = format!("layer{stage}.{at}");
        let stride = if stage > 1 && at == 0 { 2 } else { 1 };
        let past = match at {
            0 => shortcut(net, &name, 4 * width, stride),
            _ => net.top.clone(),
        };
        net.conv_norm(&format!("{name}.conv1"), width, Window::same(1, 1), 1);
        net.relu(&format!("{name}.conv1"));
        net.conv_norm(&format!("{name}.conv2"), width, Window::same(3, stride), 1);
        net.relu(&format!("{name}.conv2"));
        net.conv_norm(&format!("{name}.conv3"), 4 * width, Window::same(1, 1), 1);
        net.add(&format!("{name}.add"), &past);
        net.relu(&name);
    }
}

/// Blocks and width of ResNet-50's stages.
pub(super) const RESNET50_STAGES: [(usize, u64); 4] = [(3, 64), (4, 128), (6, 256), (3, 512)];

/// ResNet-50's stages on an image; `after` sees the network after each.
pub(super) fn resnet50_trunk(size: Size, mut after: impl FnMut(&Stack)) -> Stack {
    let mut net = resnet_stem(size);
    for (stage, (blocks, width)) in (1..).zip(RESNET50_STAGES) {
        bottlenecks(&mut net, stage, blocks, width);
        after(&net);
    }
    net
}

/// ResNet-50 (He et al. 2016), version 1.5.
pub(super) fn resnet50(size: Size) -> Network {
    let mut net = resnet50_trunk(size, |_| ());
    net.mean("avgpool", [1, 1]);
    net.linear("fc", 1000);
    net.finish("resnet50")
}

/// Expansion, width, blocks and first stride of MobileNetV2's stages (Sandler et al. 2018, table 2).
const MOBILENET_STAGES: [(u64, u64, usize, u64); 7] = [
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
];

/// MobileNetV2 (Sandler et al. 2018).
pub(super) fn mobilenet_v2(size: Size) -> Network {
    let mut net = Stack::new(size, 3);
    net.conv_norm("features.0", 32, Window::same(3, 2), 1);
    net.relu("features.0");
    let mut block = 1;
    for (expansion, width, count, first) in MOBILENET_STAGES {
        for at in 0..count {
            let stride = if at == 0 { first } else { 1 };
            inverted_residual(&mut net, &format!("features.{block}"), expansion, width, stride);
            block += 1;
        }
    }
    net.conv_norm("features.18", 1280, Window::same(1, 1), 1);
    net.relu("features.18");
    net.mean("avgpool", [1, 1]);
    net.linear("classifier", 1000);
    net.finish("mobilenetv2")
}

fn inverted_residual(net: &mut Stack, name: &str, expansion: u64, width: u64, stride: u64) {
    let entry = net.top.clone();
    let hidden = entry.channels * expansion;
    if expansion > 1 {
        net.conv_norm(&format!("{name}.expand"), hidden, Window::same(1, 1), 1);
        net.relu(&format!("{name}.expand"));
    }
    let depthwise = format!("{name}.depthwise");
    net.conv_norm(&depthwise, hidden, Window::same(3, stride), hidden);
    net.relu(&depthwise);
    net.conv_norm(&format!("{name}.project"), width, Window::same(1, 1), 1);
    if stride == 1 && entry.channels == width {
        net.add(&format!("{name}.add"), &entry);
    }
}
