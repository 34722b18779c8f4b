//! Networks that bring several resolutions together.

use super::Size;
use super::image::resnet50_trunk;
use super::stack::{Place, Stack, Window};
use crate::layer::Network;

/// U-Net (Ronneberger et al. 2015): unpadded 3 x 3 convolutions, 64 to 1024 wide and back.
pub(super) fn unet(size: Size) -> Network {
    let mut net = Stack::new(size, 1);
    let mut skips = Vec::new();
    for level in 0..5 {
        if level > 0 {
            let window = Window {
                stride: 2,
                ..Window::bare(2)
            };
            skips.push(net.top.clone());
            net.pool(&format!("down{level}.pool"), window);
        }
        two_convs(&mut net, &format!("down{level}"), 64 << level);
    }
    for (level, skip) in skips.iter().enumerate().rev() {
        net.double(&format!("up{level}.conv0"), 64 << level);
        net.beside(skip);
        two_convs(&mut net, &format!("up{level}"), 64 << level);
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
pub(super) fn retinanet(size: Size) -> Network {
    let mut stages = Vec::new();
    let mut net = resnet50_trunk(size, |net| stages.push(net.top.clone()));
    let levels = feature_pyramid(&mut net, &stages[1..]);
    for (head, outputs) in [("classes", 9 * 91), ("boxes", 9 * 4)] {
        for (level, place) in (3..).zip(&levels) {
            net.top = place.clone();
            net.shared = level > 3;
            for at in 0..4 {
                net.conv_relu(&format!("{head}.p{level}.conv{at}"), 256, Window::same(3, 1));
            }
            net.conv(&format!("{head}.p{level}.out"), outputs, Window::same(3, 1));
        }
        net.shared = false;
    }
    net.finish("retinanet")
}

/// From the coarsest stage to the finest: each gets 256 channels and the coarser one, enlarged, added to it (Lin et
/// al. 2017, Feature Pyramid Networks). Two coarser levels follow. Gives the levels from fine to coarse.
fn feature_pyramid(net: &mut Stack, stages: &[Place]) -> Vec<Place> {
    let mut levels = Vec::new();
    let mut coarser: Option<Place> = None;
    for (at, stage) in stages.iter().enumerate().rev() {
        let at = at + 1;
        net.top = stage.clone();
        net.conv(&format!("fpn.inner{at}"), 256, Window::same(1, 1));
        if let Some(coarser) = coarser {
            let inner = std::mem::replace(&mut net.top, coarser);
            net.resize(&format!("fpn.up{at}"), inner.image);
            net.add(&format!("fpn.add{at}"), &inner);
        }
        coarser = Some(net.top.clone());
        net.conv(&format!("fpn.layer{at}"), 256, Window::same(3, 1));
        levels.insert(0, net.top.clone());
    }
    if let Some(coarsest) = levels.last() {
        net.top = coarsest.clone();
    }
    net.conv("fpn.p6", 256, Window::same(3, 2));
    levels.push(net.top.clone());
    net.relu("fpn.p6");
    net.conv("fpn.p7", 256, Window::same(3, 2));
    levels.push(net.top.clone());
    levels
}
