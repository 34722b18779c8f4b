//! Networks that come with Tandem, each held against published counts of parameters and multiply-accumulates.

mod image;
mod pyramid;
mod stack;
#[cfg(test)]
mod tests;
mod text;

use super::layer::Network;

/// A network that comes with Tandem.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it is, and of which size.
    pub about: &'static str,
    /// Makes it.
    pub build: fn() -> Network,
}

/// The networks.
pub const NETWORKS: [Entry; 11] = [
    Entry {
        name: "dilatedvgg-yk",
        about: "DilatedVGG with Yu and Koltun's head (7x7 dilation 4, 4096 wide), 512x1024, 19 classes",
        build: || image::dilated_vgg_yk([512, 1024]),
    },
    Entry {
        name: "dilatedvgg-fov",
        about: "DilatedVGG with DeepLab's large-field-of-view head (3x3 dilation 12, 1024 wide), 512x1024, 19 classes",
        build: || image::dilated_vgg_fov([512, 1024]),
    },
    Entry {
        name: "vgg16",
        about: "VGG-16, 224x224, 1000 classes",
        build: image::vgg16,
    },
    Entry {
        name: "resnet18",
        about: "ResNet-18, 224x224, 1000 classes",
        build: image::resnet18,
    },
    Entry {
        name: "resnet50",
        about: "ResNet-50 (stride in the 3x3 convolution), 224x224, 1000 classes",
        build: image::resnet50,
    },
    Entry {
        name: "mobilenetv2",
        about: "MobileNetV2, 224x224, 1000 classes",
        build: image::mobilenet_v2,
    },
    Entry {
        name: "unet",
        about: "U-Net as published: 572x572 grey image, unpadded, 2 classes",
        build: pyramid::unet,
    },
    Entry {
        name: "retinanet",
        about: "RetinaNet on ResNet-50 with a feature pyramid, 800x800, 91 classes",
        build: pyramid::retinanet,
    },
    Entry {
        name: "gpt2-block",
        about: "one block of GPT-2 small, 1024 tokens",
        build: || text::gpt2_block(1024),
    },
    Entry {
        name: "bert",
        about: "BERT-base, 128 tokens",
        build: || text::bert(128),
    },
    Entry {
        name: "bert-512",
        about: "BERT-base, 512 tokens",
        build: || text::bert(512),
    },
];

/// The network of a name.
pub fn named(name: &str) -> Option<Network> {
    let entry = NETWORKS.iter().find(|entry| entry.name == name)?;
    Some((entry.build)())
}

/// The same on a square image of `side` pixels; `None` for those that take one size only, or no such name.
pub fn sized(name: &str, side: u64) -> Option<Network> {
    match name {
        "dilatedvgg-yk" => Some(image::dilated_vgg_yk([side; 2])),
        "dilatedvgg-fov" => Some(image::dilated_vgg_fov([side; 2])),
        _ => None,
    }
}
