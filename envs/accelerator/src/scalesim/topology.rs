//! SCALE-Sim's topology: a CSV file with one layer per row, read as the tool reads it.
//!
//! - The first line is the header, whatever it holds.
//! - What follows the last comma of a row is dropped; the tool's rows end in a comma. A row without that comma and
//!   with just the needed fields, on which the tool fails, is taken too.
//! - A convolution has name, input height and width, kernel height and width, channels, filters, stride; a last field
//!   N:M says that N of M weights are kept. Padding is part of the input size.
//! - The output has ⌈(H - kernel + stride) / stride⌉ rows, *rounded up*: the last window may hang over the edge.
//! - `DP` in the name makes a layer depthwise: one single-channel layer *with all the filters* per channel.
//! - A matrix product (`-i gemm`) has name, M, N, K; here the header tells it from a convolution.

use std::path::Path;

use crate::gemm::{Gemm, TooLarge, product};
use crate::input::{InputError, positive, quote, read_text};
use crate::layer::{self as network, Network, Op};

/// Most layers of a topology, channels of depthwise layers counted one by one.
const MOST_LAYERS: u64 = 100_000;

/// The parts of a network that SCALE-Sim runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Topology {
    /// The layers, depthwise ones channel by channel.
    pub layers: Vec<Layer>,
    /// Oddities that the tool passes over, for the user to know.
    pub notes: Vec<String>,
}

/// One layer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// What the file calls for.
    pub kind: Kind,
    /// The matrix product it is lowered to.
    pub gemm: Gemm,
    /// Weights kept, of how many.
    pub sparsity: (u64, u64),
}

/// What a row of the file describes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A convolution.
    Conv,
    /// A matrix product.
    Gemm,
}

impl Kind {
    /// The name in reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::Conv => "conv",
            Self::Gemm => "gemm",
        }
    }

    /// Names of the numbers of a row.
    fn fields(self) -> &'static [&'static str] {
        match self {
            Self::Conv => &[
                "input height",
                "input width",
                "kernel height",
                "kernel width",
                "channels",
                "filters",
                "stride",
            ],
            Self::Gemm => &["M", "N", "K"],
        }
    }
}

impl Layer {
    /// The matrix product with its sums shortened to the weights that are kept: N of every M, from the front.
    pub fn sparse_gemm(&self) -> Gemm {
        let (keep, of) = self.sparsity;
        let whole = self.gemm.k / of * keep;
        Gemm {
            k: whole + keep.min(self.gemm.k % of),
            ..self.gemm
        }
    }
}

impl Topology {
    /// Reads a topology file.
    ///
    /// # Errors
    /// A file that cannot be read, or a row that is no layer.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        Self::parse(&read_text(path)?, &path.display().to_string())
    }

    /// Reads a topology from text; `origin` is its name in messages.
    ///
    /// # Errors
    /// As [`Topology::read`].
    pub fn parse(text: &str, origin: &str) -> Result<Self, InputError> {
        let mut lines = text.lines().enumerate();
        let header = lines.next().map_or("", |(_, line)| line);
        let second = header.split(',').nth(1).unwrap_or_default().trim();
        let kind = if second.eq_ignore_ascii_case("m") {
            Kind::Gemm
        } else {
            Kind::Conv
        };
        let mut topology = Self {
            layers: Vec::new(),
            notes: Vec::new(),
        };
        if second.parse::<u64>().is_ok() {
            topology.notes.push(format!(
                "{origin}:1: looks like a layer; it is skipped, as SCALE-Sim skips the first line"
            ));
        }
        for (at, line) in lines {
            if !line.trim().is_empty() {
                topology
                    .add(kind, line.trim())
                    .map_err(|reason| InputError::line(origin, at + 1, reason))?;
            }
        }
        if topology.layers.is_empty() {
            return Err(InputError::file(
                origin,
                "has no layers; expected a header and one layer per line",
            ));
        }
        Ok(topology)
    }

    /// The layers as matrix products with weights, one after the other, for other models than the tool's.
    pub fn network(&self, name: &str) -> Network {
        let layer = |(at, layer): (usize, &Layer)| {
            let op = Op::Linear {
                rows: layer.gemm.m,
                inputs: layer.gemm.k,
                outputs: layer.gemm.n,
                bias: false,
            };
            // names need not be unique in the tool's files
            let before = at.checked_sub(1).into_iter().collect();
            network::Layer::new(format!("{at} {}", layer.name), op, before)
        };
        Network {
            name: name.to_owned(),
            layers: self.layers.iter().enumerate().map(layer).collect(),
            notes: vec![
                "a topology's convolutions run as the matrix products they are lowered to: windows that overlap are \
                 loaded once for each"
                    .into(),
            ],
            ..Network::default()
        }
    }

    /// Adds a row's layer, or layers.
    fn add(&mut self, kind: Kind, line: &str) -> Result<(), String> {
        let names = kind.fields();
        let mut fields: Vec<&str> = line.split(',').map(str::trim).collect();
        if fields.len() > 1 + names.len() {
            fields.pop();
        }
        if !(1 + names.len()..=2 + names.len()).contains(&fields.len()) {
            return Err(format!(
                "expected a name, then {}, and at most a sparsity N:M; got {} fields",
                names.join(", "),
                fields.len()
            ));
        }
        let mut numbers = [0; 7];
        for (number, (field, name)) in numbers.iter_mut().zip(fields[1..].iter().zip(names)) {
            *number = positive(field, name)?;
        }
        let sparsity = match fields.get(1 + names.len()) {
            Some(ratio) => parse_ratio(ratio)?,
            None => (1, 1),
        };
        let name = fields[0];
        match kind {
            Kind::Gemm => {
                let [m, n, k, ..] = numbers;
                self.room(1)?;
                self.push(name.to_owned(), kind, Gemm { m, n, k }, sparsity);
                Ok(())
            }
            Kind::Conv if name.contains("DP") => {
                let channels = std::mem::replace(&mut numbers[4], 1);
                self.room(channels)?;
                let gemm = lower(&numbers)?;
                for channel in 0..channels {
                    self.push(format!("{name}Channel_{channel}"), kind, gemm, sparsity);
                }
                Ok(())
            }
            Kind::Conv => {
                self.room(1)?;
                self.push(name.to_owned(), kind, lower(&numbers)?, sparsity);
                Ok(())
            }
        }
    }

    /// Whether so many layers may be added.
    fn room(&self, layers: u64) -> Result<(), String> {
        if layers <= MOST_LAYERS - self.layers.len() as u64 {
            return Ok(());
        }
        Err(format!(
            "more than {MOST_LAYERS} layers, channels of depthwise layers counted one by one"
        ))
    }

    fn push(&mut self, name: String, kind: Kind, gemm: Gemm, sparsity: (u64, u64)) {
        self.layers.push(Layer {
            name,
            kind,
            gemm,
            sparsity,
        });
    }
}

/// The matrix product of a convolution, with the tool's output size.
fn lower(numbers: &[u64; 7]) -> Result<Gemm, String> {
    let [height, width, kernel_height, kernel_width, channels, filters, stride] = *numbers;
    for (side, kernel, size) in [("height", kernel_height, height), ("width", kernel_width, width)] {
        if kernel > size {
            return Err(format!("kernel {side} {kernel} is larger than input {side} {size}"));
        }
    }
    // ⌈(H - kernel + stride) / stride⌉ without the sum that could overflow
    let out = |size: u64, kernel: u64| (size - kernel).div_ceil(stride) + 1;
    let pixels = [out(height, kernel_height), out(width, kernel_width)];
    let window = [kernel_height, kernel_width, channels];
    let too_large = |error: TooLarge| error.to_string();
    Ok(Gemm {
        m: product("the number of output pixels", &pixels).map_err(too_large)?,
        n: filters,
        k: product("the window", &window).map_err(too_large)?,
    })
}

fn parse_ratio(text: &str) -> Result<(u64, u64), String> {
    let fail = || {
        format!(
            "sparsity must be N:M, weights kept of how many, like 2:4, not {}",
            quote(text)
        )
    };
    let (keep, of) = text.split_once(':').ok_or_else(fail)?;
    let ratio = (
        positive(keep, "sparsity").map_err(|_| fail())?,
        positive(of, "sparsity").map_err(|_| fail())?,
    );
    if ratio.0 > ratio.1 {
        return Err(fail());
    }
    Ok(ratio)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: &str = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, \
                          Num Filter, Strides,\n";

    fn parse(rows: &str) -> Result<Topology, InputError> {
        Topology::parse(&format!("{HEADER}{rows}"), "net.csv")
    }

    #[test]
    fn a_convolution_becomes_pixels_times_window_times_filters() {
        let net = parse("conv1, 70, 70, 7, 7, 3, 64, 2,\n").unwrap();
        // (70 - 7 + 2) / 2 = 32.5, rounded up to 33
        let gemm = Gemm {
            m: 33 * 33,
            n: 64,
            k: 147,
        };
        assert_eq!(net.layers[0].gemm, gemm);
        assert_eq!(net.layers[0].name, "conv1");
    }

    #[test]
    fn blank_lines_and_a_missing_last_comma_do_no_harm() {
        let net = parse("\n a,4,4,1,1,2,3,1\r\n\n b, 4, 4, 3, 3, 2, 3, 1 ,\n").unwrap();
        assert_eq!(net.layers.len(), 2);
        assert_eq!(net.layers[1].gemm, Gemm { m: 4, n: 3, k: 18 });
    }

    #[test]
    fn depthwise_layers_come_channel_by_channel_with_all_filters() {
        let net = parse("DPconv, 8, 8, 3, 3, 3, 16, 1,\n").unwrap();
        let names: Vec<&str> = net.layers.iter().map(|layer| &*layer.name).collect();
        assert_eq!(names, ["DPconvChannel_0", "DPconvChannel_1", "DPconvChannel_2"]);
        assert!(net.layers.iter().all(|l| l.gemm == Gemm { m: 36, n: 16, k: 9 }));
    }

    #[test]
    fn matrix_products_are_told_by_their_header() {
        let net = Topology::parse("Layer, M, N, K,\nG1,3,5,7,\nG2,3,5,8,2:4,\n", "g").unwrap();
        assert_eq!(net.layers[0].gemm, Gemm { m: 3, n: 5, k: 7 });
        assert_eq!(net.layers[1].sparse_gemm(), Gemm { m: 3, n: 5, k: 4 });
    }

    #[test]
    fn sparsity_keeps_the_first_weights_of_every_block() {
        let net = parse("a, 1, 1, 1, 1, 11, 3, 1, 3:4,\n").unwrap();
        // blocks of 4, 4 and 3 weights: three kept of each
        assert_eq!(net.layers[0].sparse_gemm().k, 9);
        assert_eq!(net.layers[0].gemm.k, 11);
    }

    #[test]
    fn a_first_line_that_is_a_layer_is_skipped_with_a_word() {
        let net = Topology::parse("a,4,4,1,1,2,3,1,\nb,4,4,1,1,2,3,1,\n", "n").unwrap();
        assert_eq!((net.layers.len(), net.notes.len()), (1, 1));
        assert_eq!(net.layers[0].name, "b");
    }

    #[test]
    fn broken_rows_are_named_with_their_line() {
        for (row, word) in [
            ("a, 4, 4, 5, 1, 2, 3, 1,", "kernel height 5 is larger"),
            ("a, 4, 4, 1, 1, 2, 3, 0,", "stride"),
            ("a, 4, 4, 1, 1, x, 3, 1,", "channels"),
            ("a, 4, 4, 1, 1, -2, 3, 1,", "channels"),
            ("a, 4, 4, 1, 1, 2,", "got 7 fields"),
            ("a, 4, 4, 1, 1, 2, 3, 1, 5:4,", "N:M"),
            ("a, 4, 4, 1, 1, 2, 3, 1, 1, 1, 1,", "got 11 fields"),
            ("DP, 4, 4, 1, 1, 99999999999, 3, 1,", "layers"),
            ("a, 9999999999, 9999999999, 1, 1, 2, 3, 1,", "64 bits"),
        ] {
            let error = parse(row).unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
            assert_eq!(error.line, Some(2));
        }
        assert!(Topology::parse("", "n").unwrap_err().to_string().contains("no layers"));
    }

    #[test]
    fn layers_become_matrix_products_for_other_models() {
        let header = "Layer name, IFMAP Height, ...\n";
        let text = format!("{header}conv1, 70, 70, 7, 7, 3, 64, 2,\nconv1, 8, 8, 1, 1, 64, 10, 1,\n");
        let net = Topology::parse(&text, "net.csv").unwrap().network("net");
        assert_eq!(net.layers[1].name, "1 conv1");
        assert_eq!(net.layers[1].inputs, [0]);
        assert_eq!(net.macs(), Ok(1089 * 147 * 64 + 64 * 64 * 10));
    }
}
