//! Networks that bring several resolutions together.

use super::image::resnet50_trunk;
use super::stack::{Stack, Window};
use crate::accelerator::layer::Network;

/// U-Net (Ronneberger et al. 2015): unpadded 3 x 3 convolutions, 64 to 1024 wide and back.
pub(super) fn unet() -> Network {
    let mut net = Stack::new([572, 572], 1);
    for level in 0..5 {
        if level > 0 {
            let window = Window {
                stride: 2,
                ..Window::bare(2)
            };
            net.pool(&format!("down{level}.pool"), window);
        }
        two_convs(&mut net, &format!("down{level}"), 64 << level);
    }
    for level in (0..4).rev() {
        let width = 64 << level;
        net.double(&format!("up{level}.conv0"), width);
        net.channels = 2 * width; // beside it stands the cropped image of the way down
        two_convs(&mut net, &format!("up{level}"), width);
    }
    net.conv("out", 2, Window::bare(1));
    net.finish("unet")
}

fn two_convs(net: &mut Stack, name: &str, width: u64) {
    for at in 1..=2 {
        net.conv_relu(&format!("{name}.conv{at}"), width, Window::bare(3));
    }
}

/// RetinaNet on ResNet-50 (Lin et al. 2017) as torchvision builds it: a pyramid of five resolutions, 256 channels,
/// and two heads of four convolutions that run on each of them with the same weights; 9 anchors, 91 classes.
pub(super) fn retinanet() -> Network {
    let mut stages = Vec::new();
    let mut net = resnet50_trunk([800, 800], |net| stages.push((net.image, net.channels)));
    let mut levels = Vec::new();
    for (at, &(image, channels)) in stages.iter().enumerate().skip(1) {
        (net.image, net.channels) = (image, channels);
        net.conv(&format!("fpn.inner{at}"), 256, Window::same(1, 1));
        if at < 3 {
            net.add(&format!("fpn.add{at}")); // the coarser level, brought to this size
        }
        net.conv(&format!("fpn.layer{at}"), 256, Window::same(3, 1));
        levels.push(net.image);
    }
    for name in ["fpn.p6", "fpn.p7"] {
        net.conv(name, 256, Window::same(3, 2));
        levels.push(net.image);
    }
    for (head, outputs) in [("classes", 9 * 91), ("boxes", 9 * 4)] {
        for (level, &image) in (3..).zip(&levels) {
            (net.image, net.channels) = (image, 256);
            net.shared = level > 3;
            for at in 0..4 {
                net.conv_relu(
                    &format!("{head}.p{level}.conv{at}"),
                    256,
                    Window::same(3, 1),
                );
            }
            net.conv(&format!("{head}.p{level}.out"), outputs, Window::same(3, 1));
        }
        net.shared = false;
    }
    net.finish("retinanet")
}
