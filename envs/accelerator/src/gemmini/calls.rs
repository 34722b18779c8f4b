//! The program that runs a mapped layer on Gemmini: loops in software, each iteration of which has the accelerator
//! multiply one tile, with the loop orders and tile sizes of DOSA's measurements (ucb-bar/gemmini-rocc-tests,
//! `gemmini-data-collection`): loops of DRAM in software, in the mapping's order; all that lies inside is one call.
//!
//! Calls differ at the borders of the image and at the ends of the loops only, so that a layer has a few kinds of
//! calls, each with a number of times.

use std::collections::BTreeMap;

use super::blocks::Blocks;
use super::cache::{Loop, Nest, Region};
use super::dma;
use crate::loopnest::{Dim, Mapping, Shape};

/// Gemmini counts loops in 16 bits.
pub const LONGEST_LOOP: u64 = 65_535;
/// Most positions that are looked at one by one.
const MOST_POSITIONS: u64 = 1_000_000;
/// Bytes by which the convolutions' arrays miss the beginning of a line in the measured program: its arrays are
/// static and not aligned; those of its matrix products are.
const CONV_BASE: u64 = 8;
/// Pixels that a call reads whose tile lies wholly beyond the border of the image: the counter wraps.
const WRAPPED: f64 = 65_536.0;

/// One kind of call.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Call {
    /// How often it happens.
    pub times: f64,
    /// What the array does.
    pub blocks: Blocks,
    /// Rows read: inputs and weights.
    pub rows: [f64; 2],
    /// Bytes of those rows.
    pub bytes: [f64; 2],
    /// Beats of the bus for inputs and weights.
    pub beats: [f64; 2],
    /// Requests that write outputs.
    pub stores: f64,
    /// Pixels that a wrapped counter reads, in rows and columns of the image.
    pub wrapped: [f64; 2],
}

/// A layer as Gemmini runs it.
#[derive(Clone, Debug, PartialEq)]
pub struct Program {
    /// Whether it runs as a matrix product: no kernel, and one row of outputs.
    pub matmul: bool,
    /// Rows and columns of the array.
    pub side: u64,
    /// Input and output channels.
    pub channels: [u64; 2],
    pub(super) calls: Vec<Call>,
    pub(super) nest: Nest,
}

/// A tile that repeats along a loop.
struct Part {
    extent: u64,
    times: u64,
    last: bool,
}

/// Equal tiles along a loop, the last of which may be smaller.
fn parts(size: u64, tile: u64) -> Vec<Part> {
    let tiles = size.div_ceil(tile);
    let end = size - (tiles - 1) * tile;
    let full = Part {
        extent: tile,
        times: tiles - 1,
        last: false,
    };
    let end = Part {
        extent: end,
        times: 1,
        last: true,
    };
    [full, end].into_iter().filter(|part| part.times > 0).collect()
}

impl Program {
    /// The program of a layer under a mapping that makes it up, on an array of `side` x `side`.
    ///
    /// # Errors
    /// Loops that Gemmini cannot count, or too many of them.
    pub fn new(shape: &Shape, mapping: &Mapping, side: u64) -> Result<Self, String> {
        if let Some(size) = shape.sizes.iter().find(|&&size| size > LONGEST_LOOP) {
            return Err(format!(
                "a loop of {size} is too long: Gemmini counts to {LONGEST_LOOP}"
            ));
        }
        if !(1..=LONGEST_LOOP).contains(&side) {
            return Err(format!("an array of side {side}; at most {LONGEST_LOOP}"));
        }
        let size = |dim: Dim| shape.sizes[dim as usize];
        let matmul = [Dim::Q, Dim::R, Dim::S].iter().all(|&dim| size(dim) == 1);
        let mut program = Self {
            matmul,
            side,
            channels: [size(Dim::C), size(Dim::K)],
            calls: Vec::new(),
            nest: Nest {
                loops: Vec::new(),
                regions: Vec::new(),
            },
        };
        let tile = tiles(mapping);
        match matmul {
            true => program.multiply(shape, mapping, &tile),
            false => program.convolve(shape, mapping, &tile)?,
        }
        Ok(program)
    }

    /// A matrix product: tiles are counted in blocks of the array's side, sixteen rows of the mapping to one of them.
    fn multiply(&mut self, shape: &Shape, mapping: &Mapping, tile: &[u64; 7]) {
        let size = |dim: Dim| shape.sizes[dim as usize];
        let side = self.side;
        let step = |dim: Dim| (tile[dim as usize] / 16).max(1) * side;
        let batch = size(Dim::N);
        for i in parts(size(Dim::P), step(Dim::P)) {
            for j in parts(size(Dim::K), step(Dim::K)) {
                for k in parts(size(Dim::C), step(Dim::C)) {
                    let sets = j.extent.div_ceil(side) * k.extent.div_ceil(side);
                    let input = dma::row(k.extent, size(Dim::C), 0);
                    let weight = dma::row(j.extent, size(Dim::K), 0);
                    let store = if k.last { i.extent as f64 } else { 0.0 };
                    self.calls.push(Call {
                        times: (batch * i.times * j.times * k.times) as f64,
                        blocks: Blocks::new(sets as f64, 1.0, i.extent, side),
                        rows: [i.extent as f64, k.extent as f64],
                        bytes: [i.extent * k.extent, k.extent * j.extent].map(|n| n as f64),
                        beats: [i.extent as f64 * input.beats, k.extent as f64 * weight.beats],
                        stores: store * weight.requests,
                        wrapped: [0.0; 2],
                    });
                }
            }
        }
        let mut sizes = shape.sizes;
        sizes[Dim::N as usize] = batch;
        let steps = Dim::ALL.map(|dim| match dim {
            Dim::P | Dim::K | Dim::C => step(dim).min(size(dim)),
            _ => 1,
        });
        self.nest = nest(mapping, &sizes, &steps, |extent| {
            let [rows, inputs, outputs] = [Dim::P, Dim::C, Dim::K].map(|d| extent[d as usize]);
            let rows = (rows * extent[Dim::N as usize]) as f64;
            [
                Region::new(inputs as f64, outputs, size(Dim::K)),
                Region::new(rows, inputs, size(Dim::C)),
                Region::new(rows, outputs, size(Dim::K)),
            ]
        });
    }

    /// A convolution. The measured program takes the image for square, with the padding that keeps an odd kernel's
    /// output as large as its input.
    fn convolve(&mut self, shape: &Shape, mapping: &Mapping, tile: &[u64; 7]) -> Result<(), String> {
        let size = |dim: Dim| shape.sizes[dim as usize];
        let (kernel, stride) = (size(Dim::R), shape.stride[0]);
        if stride > LONGEST_LOOP || size(Dim::P).saturating_mul(stride) > LONGEST_LOOP {
            return Err(format!("an image of more than {LONGEST_LOOP} pixels a side"));
        }
        let image = Image::new(size(Dim::P), kernel, stride);
        let side = |outputs: Dim, taps: Dim| image.spans(tile[outputs as usize], tile[taps as usize]);
        let (rows, columns) = (side(Dim::Q, Dim::S)?, side(Dim::P, Dim::R)?);
        let [channels, filters] = self.channels;
        for k in parts(filters, tile[Dim::K as usize]) {
            for c in parts(channels, tile[Dim::C as usize]) {
                for (row, &row_times) in &rows {
                    for (column, &column_times) in &columns {
                        let mut call = self.conv_call(row, column, c.extent, k.extent, c.last);
                        let times = k.times * c.times * size(Dim::N);
                        call.times = times as f64 * row_times as f64 * column_times as f64;
                        self.calls.push(call);
                    }
                }
            }
        }
        let mut sizes = shape.sizes;
        for (dim, size) in [
            (Dim::P, image.outputs),
            (Dim::Q, image.outputs),
            (Dim::R, kernel),
            (Dim::S, kernel),
        ] {
            sizes[dim as usize] = size;
        }
        let steps = Dim::ALL.map(|dim| match dim {
            Dim::N => 1,
            _ => tile[dim as usize].min(sizes[dim as usize]),
        });
        self.nest = nest(mapping, &sizes, &steps, |extent| {
            let at = |dim: Dim| extent[dim as usize];
            let window = |outputs: u64, taps: u64| ((outputs - 1) * stride + taps).min(image.size);
            let pixels = window(at(Dim::Q), at(Dim::S)) * window(at(Dim::P), at(Dim::R));
            let taps = (at(Dim::S) * at(Dim::R) * at(Dim::C)) as f64;
            let batch = at(Dim::N) as f64;
            [
                Region::new(taps, at(Dim::K), filters),
                Region::new(pixels as f64 * batch, at(Dim::C), channels),
                Region::new((at(Dim::P) * at(Dim::Q)) as f64 * batch, at(Dim::K), filters),
            ]
        });
        Ok(())
    }

    fn conv_call(&self, row: &Span, column: &Span, c: u64, k: u64, last: bool) -> Call {
        let [channels, filters] = self.channels;
        let image = row.inside.max(0) as f64 * column.inside.max(0) as f64;
        let taps = (row.taps * column.taps) as f64;
        let input = dma::row(c, channels, CONV_BASE);
        let weight = dma::row(k, filters, CONV_BASE);
        let outputs = row.outputs as f64 * column.outputs as f64;
        let leaves = last && row.last && column.last;
        let sets = taps * (c.div_ceil(self.side) * k.div_ceil(self.side)) as f64;
        let lines = c.div_ceil(dma::LINE) as f64;
        let runaway = |beyond: &Span, other: &Span| match beyond.inside < 0 {
            true => WRAPPED * other.window as f64 * lines,
            false => 0.0,
        };
        Call {
            times: 0.0,
            blocks: Blocks::new(sets, row.outputs as f64, column.outputs, self.side),
            rows: [image, taps * c as f64],
            bytes: [image * c as f64, taps * (c * k) as f64],
            beats: [image * input.beats, taps * c as f64 * weight.beats],
            stores: if leaves { outputs * weight.requests } else { 0.0 },
            wrapped: [runaway(row, column), runaway(column, row)],
        }
    }
}

/// The tile of a call along each loop: what lies inside the software's loops, accumulator and registers.
fn tiles(mapping: &Mapping) -> [u64; 7] {
    let mut tile = [1_u64; 7];
    let held = mapping.levels.iter().enumerate().flat_map(|(level, loops)| {
        loops
            .iter()
            .filter(move |part| level < 2 || (level == 2 && part.spatial))
    });
    for part in held {
        let extent = &mut tile[part.dim as usize];
        *extent = extent.saturating_mul(part.factor).min(LONGEST_LOOP);
    }
    tile
}

/// The software's loops, inner ones first: those of the mapping, then the rest in the program's own order.
fn nest(mapping: &Mapping, sizes: &[u64; 7], steps: &[u64; 7], regions: impl Fn(&[u64; 7]) -> [Region; 3]) -> Nest {
    let rest = [Dim::C, Dim::R, Dim::S, Dim::K, Dim::P, Dim::Q, Dim::N];
    let mut order: Vec<Dim> = Vec::new();
    for dim in mapping.levels[3].iter().rev().map(|part| part.dim).chain(rest) {
        if !order.contains(&dim) {
            order.push(dim);
        }
    }
    let mut extent = *steps;
    let mut nest = Nest {
        loops: Vec::new(),
        regions: vec![regions(&extent)],
    };
    for dim in order {
        let trips = sizes[dim as usize].div_ceil(steps[dim as usize]);
        if trips > 1 {
            extent[dim as usize] = sizes[dim as usize];
            nest.loops.push(Loop {
                trips: trips as f64,
                reduces: matches!(dim, Dim::C | Dim::R | Dim::S),
            });
            nest.regions.push(regions(&extent));
        }
    }
    nest
}

/// A square image with its padding.
struct Image {
    size: u64,
    padding: u64,
    outputs: u64,
    kernel: u64,
    stride: u64,
}

/// One side of a tile of a convolution.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Span {
    /// Outputs and taps of the kernel.
    outputs: u64,
    taps: u64,
    /// Pixels under them, padding included.
    window: u64,
    /// Pixels of the image among them; below 0 where the tile lies wholly in the padding.
    inside: i64,
    /// Whether the taps end here, so that outputs are complete.
    last: bool,
}

impl Image {
    fn new(outputs: u64, kernel: u64, stride: u64) -> Self {
        let (size, padding) = (outputs * stride, kernel / 2);
        Self {
            size,
            padding,
            outputs: (size + 2 * padding - kernel) / stride + 1,
            kernel,
            stride,
        }
    }

    /// The spans along a side, with their numbers.
    fn spans(&self, outputs: u64, taps: u64) -> Result<BTreeMap<Span, u64>, String> {
        let positions = self.outputs.div_ceil(outputs) * self.kernel.div_ceil(taps);
        if positions > MOST_POSITIONS {
            return Err(format!("{positions} tiles along a side; at most {MOST_POSITIONS}"));
        }
        let mut spans = BTreeMap::new();
        for output in (0..self.outputs).step_by(outputs as usize) {
            for tap in (0..self.kernel).step_by(taps as usize) {
                let wide = outputs.min(self.outputs - output);
                let deep = taps.min(self.kernel - tap);
                let first = (output * self.stride + tap) as i64 - self.padding as i64;
                let window = wide * self.stride + deep - 1;
                let beyond = (first + window as i64 - self.size as i64).max(0);
                let span = Span {
                    outputs: wide,
                    taps: deep,
                    window,
                    inside: window as i64 - (-first).max(0) - beyond,
                    last: tap + taps >= self.kernel,
                };
                *spans.entry(span).or_insert(0) += 1;
            }
        }
        Ok(spans)
    }
}
