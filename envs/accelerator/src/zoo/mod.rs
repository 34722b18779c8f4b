//! Networks that come with Tandem, each held against published counts of parameters and multiply-accumulates.

mod image;
mod pyramid;
mod stack;
#[cfg(test)]
mod tests;
mod text;

use thiserror::Error;

use super::layer::Network;

/// A network that comes with Tandem.
pub struct Entry {
    /// Its name.
    pub name: &'static str,
    /// What it is.
    pub about: &'static str,
    /// What it sees.
    pub input: Input,
    make: fn(Size) -> Network,
}

/// What a network sees, with the size it has where none is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Input {
    /// An image: height and width.
    Image([u64; 2]),
    /// A text: number of tokens.
    Tokens(u64),
}

/// The size of what a network sees.
#[derive(Clone, Copy)]
struct Size {
    /// Height and width; a text is as high as it has tokens and 1 wide.
    input: [u64; 2],
    /// Images or texts at a time.
    batch: u64,
}

/// A network cannot be had at a size.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum SizeError {
    /// Zero or beyond what is sensible, which keeps all counts within 64 bits.
    #[error("{what} must be between 1 and {LARGEST}, not {value}")]
    Range {
        /// Which size.
        what: &'static str,
        /// What was asked for.
        value: u64,
    },
    /// Not as many numbers as the input has directions.
    #[error("{network} takes {expected}")]
    Kind {
        /// The network.
        network: &'static str,
        /// What it takes.
        expected: &'static str,
    },
    /// A layer of which nothing is left.
    #[error("{network}: the input is too small: layer {layer} has no output")]
    Small {
        /// The network.
        network: &'static str,
        /// The layer.
        layer: String,
    },
    /// A text longer than the table of positions.
    #[error("{network} takes at most {longest} tokens, not {tokens}")]
    Long {
        /// The network.
        network: &'static str,
        /// The longest text.
        longest: u64,
        /// What was asked for.
        tokens: u64,
    },
}

/// The largest side of an image, number of tokens, and batch.
pub const LARGEST: u64 = 1 << 16;

/// The networks.
pub const NETWORKS: [Entry; 11] = [
    Entry {
        name: "dilatedvgg-yk",
        about: "DilatedVGG with Yu and Koltun's head (7x7 dilation 4, 4096 wide), 512x1024, 19 classes",
        input: Input::Image([512, 1024]),
        make: image::dilated_vgg_yk,
    },
    Entry {
        name: "dilatedvgg-fov",
        about: "DilatedVGG with DeepLab's large-field-of-view head (3x3 dilation 12, 1024 wide), 512x1024, 19 classes",
        input: Input::Image([512, 1024]),
        make: image::dilated_vgg_fov,
    },
    Entry {
        name: "vgg16",
        about: "VGG-16, 224x224, 1000 classes",
        input: Input::Image([224, 224]),
        make: image::vgg16,
    },
    Entry {
        name: "resnet18",
        about: "ResNet-18, 224x224, 1000 classes",
        input: Input::Image([224, 224]),
        make: image::resnet18,
    },
    Entry {
        name: "resnet50",
        about: "ResNet-50 (stride in the 3x3 convolution), 224x224, 1000 classes",
        input: Input::Image([224, 224]),
        make: image::resnet50,
    },
    Entry {
        name: "mobilenetv2",
        about: "MobileNetV2, 224x224, 1000 classes",
        input: Input::Image([224, 224]),
        make: image::mobilenet_v2,
    },
    Entry {
        name: "unet",
        about: "U-Net as published: 572x572 grey image, unpadded, 2 classes",
        input: Input::Image([572, 572]),
        make: pyramid::unet,
    },
    Entry {
        name: "retinanet",
        about: "RetinaNet on ResNet-50 with a feature pyramid, 800x800, 91 classes",
        input: Input::Image([800, 800]),
        make: pyramid::retinanet,
    },
    Entry {
        name: "gpt2-block",
        about: "one block of GPT-2 small, 1024 tokens",
        input: Input::Tokens(1024),
        make: text::gpt2_block,
    },
    Entry {
        name: "bert",
        about: "BERT-base, 128 tokens",
        input: Input::Tokens(128),
        make: text::bert,
    },
    Entry {
        name: "bert-512",
        about: "BERT-base, 512 tokens",
        input: Input::Tokens(512),
        make: text::bert,
    },
];

impl Entry {
    /// The network at the size that its description names, one image or text at a time.
    pub fn build(&self) -> Network {
        let input = match self.input {
            Input::Image(image) => image,
            Input::Tokens(tokens) => [tokens, 1],
        };
        self.make(Size { input, batch: 1 })
    }

    /// The network at another size: height and width of an image, or the number of tokens; `batch` of them at a time.
    ///
    /// # Errors
    /// A size of 0, beyond [`LARGEST`], of the wrong kind, or too small for one of the layers.
    pub fn build_with(&self, input: Option<&[u64]>, batch: u64) -> Result<Network, SizeError> {
        let network = self.name;
        let kind = |expected| Err(SizeError::Kind { network, expected });
        let input = match (self.input, input) {
            (Input::Image(image), None) => image,
            (Input::Tokens(tokens), None) => [tokens, 1],
            (Input::Image(_), Some(&[height, width])) => [height, width],
            (Input::Tokens(_), Some(&[tokens])) => [tokens, 1],
            (Input::Image(_), Some(_)) => return kind("an image, height x width"),
            (Input::Tokens(_), Some(_)) => return kind("a text, a number of tokens"),
        };
        let bert = network.starts_with("bert");
        if bert && (text::BERT_POSITIONS + 1..=LARGEST).contains(&input[0]) {
            return Err(SizeError::Long {
                network,
                longest: text::BERT_POSITIONS,
                tokens: input[0],
            });
        }
        let sides = input.map(|side| ("the size of the input", side));
        for (what, value) in sides.into_iter().chain([("the batch", batch)]) {
            if !(1..=LARGEST).contains(&value) {
                return Err(SizeError::Range { what, value });
            }
        }
        let built = self.make(Size { input, batch });
        let empty = |op: &super::Op| op.outputs() == Ok(0) || op.inputs() == Ok(0);
        match built.layers.iter().find(|layer| empty(&layer.op)) {
            Some(layer) => Err(SizeError::Small {
                network,
                layer: layer.name.clone(),
            }),
            None => Ok(built),
        }
    }

    fn make(&self, size: Size) -> Network {
        let name = self.name.to_owned();
        Network {
            name,
            ..(self.make)(size)
        }
    }
}

/// The entry of a name.
pub fn entry(name: &str) -> Option<&'static Entry> {
    NETWORKS.iter().find(|entry| entry.name == name)
}

/// The network of a name, at the size that its description names.
pub fn named(name: &str) -> Option<Network> {
    entry(name).map(Entry::build)
}

/// The network of a name at another size ([`Entry::build_with`]).
///
/// # Errors
/// A size that it cannot have.
pub fn named_with(
    name: &str,
    input: Option<&[u64]>,
    batch: u64,
) -> Option<Result<Network, SizeError>> {
    entry(name).map(|entry| entry.build_with(input, batch))
}
