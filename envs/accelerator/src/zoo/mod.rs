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

impl Input {
    /// Height and width, as in [`Size`].
    fn sides(self) -> [u64; 2] {
        match self {
            Self::Image(sides) => sides,
            Self::Tokens(tokens) => [tokens, 1],
        }
    }
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
    Entry::image(
        "dilatedvgg-yk",
        "DilatedVGG with Yu and Koltun's head (7x7 dilation 4, 4096 wide), 512x1024, 19 classes",
        [512, 1024],
        image::dilated_vgg_yk,
    ),
    Entry::image(
        "dilatedvgg-fov",
        "DilatedVGG with DeepLab's large-field-of-view head (3x3 dilation 12, 1024 wide), 512x1024, 19 classes",
        [512, 1024],
        image::dilated_vgg_fov,
    ),
    Entry::image("vgg16", "VGG-16, 224x224, 1000 classes", [224, 224], image::vgg16),
    Entry::image(
        "resnet18",
        "ResNet-18, 224x224, 1000 classes",
        [224, 224],
        image::resnet18,
    ),
    Entry::image(
        "resnet50",
        "ResNet-50 (stride in the 3x3 convolution), 224x224, 1000 classes",
        [224, 224],
        image::resnet50,
    ),
    Entry::image(
        "mobilenetv2",
        "MobileNetV2, 224x224, 1000 classes",
        [224, 224],
        image::mobilenet_v2,
    ),
    Entry::image(
        "unet",
        "U-Net as published: 572x572 grey image, unpadded, 2 classes",
        [572, 572],
        pyramid::unet,
    ),
    Entry::image(
        "retinanet",
        "RetinaNet on ResNet-50 with a feature pyramid, 800x800, 91 classes",
        [800, 800],
        pyramid::retinanet,
    ),
    Entry::text(
        "gpt2-block",
        "one block of GPT-2 small, 1024 tokens",
        1024,
        text::gpt2_block,
    ),
    Entry::text("bert", "BERT-base, 128 tokens", 128, text::bert),
    Entry::text("bert-512", "BERT-base, 512 tokens", 512, text::bert),
];

impl Entry {
    /// A network that sees images, by default of this height and width.
    const fn image(name: &'static str, about: &'static str, size: [u64; 2], make: fn(Size) -> Network) -> Self {
        Self {
            name,
            about,
            input: Input::Image(size),
            make,
        }
    }

    /// A network that sees texts, by default of so many tokens.
    const fn text(name: &'static str, about: &'static str, tokens: u64, make: fn(Size) -> Network) -> Self {
        Self {
            name,
            about,
            input: Input::Tokens(tokens),
            make,
        }
    }

    /// The network at the size that its description names, one image or text at a time.
    pub fn build(&self) -> Network {
        let input = self.input.sides();
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
            (own, None) => own.sides(),
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
pub fn named_with(name: &str, input: Option<&[u64]>, batch: u64) -> Option<Result<Network, SizeError>> {
    entry(name).map(|entry| entry.build_with(input, batch))
}
