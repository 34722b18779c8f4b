//! From layers to tasks.
//!
//! - A layer reads its inputs once the layers that produce them are done; its weights may come earlier.
//! - A layer's tiles go to the engines in turn; the sums of one tile of outputs stay on one engine.
//! - Each tile takes a slot of the input, the weight and the output buffer; a buffer has two slots (one without
//!   double buffering). A tile that the step before has loaded already is used again.
//! - Layers that use the same weights one after the other, as steps of a recurrence do, load them once where they fit the
//!   buffer.
//! - What is fused into a layer happens to its results on their way out of the array: it costs energy and no time.
//! - Layers without a matrix product run on the engines' vector lanes.

use std::ops::ControlFlow;

use super::emit::Emitter;
use super::error::{CompileError, Trouble};
use super::mapped::{self, Mappings};
use super::needs::Needs;
use super::pass::Passes;
use super::products::Products;
use super::tile::{Order, Room, Tiler, Tiling, counts};
use super::work::Step;
use crate::cost::{Cached, CostModel};
use crate::event::Resources;
use crate::gemm::{Gemm, TooLarge, product};
use crate::layer::{Layer, Network, Op};
use crate::platform::Platform;
use crate::task::{GraphError, MOST_TASKS, TaskGraph, TaskId};

/// A network as tasks of a platform.
#[derive(Clone, Debug)]
pub struct Compiled {
    /// The tasks.
    pub graph: TaskGraph,
    /// What they run on.
    pub resources: Resources,
    /// What each layer needs.
    pub layers: Vec<Needs>,
}

/// Compiles a network for a platform that can be ([`Platform::check`]); `costs` says how long a tile takes there; layers
/// in `mappings` follow those instead of tiles of the compiler's own; `watch` is told how many layers are done.
///
/// # Errors
/// A layer that does not fit the buffers or is too large; [`GraphError::Stopped`] when `watch` says so.
pub fn compile(
    network: &Network,
    platform: &Platform,
    passes: &Passes,
    mappings: &Mappings,
    costs: &dyn CostModel,
    watch: impl FnMut(usize) -> ControlFlow<()>,
) -> Result<Compiled, CompileError> {
    compile_for(network, platform, passes, mappings, costs, platform.engine.count, watch)
}

/// The same for at most so many of the platform's engines: more of them are not always of use, since each loads its
/// operands for itself.
///
/// # Errors
/// As [`compile`].
pub fn compile_for(
    network: &Network,
    platform: &Platform,
    passes: &Passes,
    mappings: &Mappings,
    costs: &dyn CostModel,
    engines: u16,
    mut watch: impl FnMut(usize) -> ControlFlow<()>,
) -> Result<Compiled, CompileError> {
    let emitter = Emitter::new(platform, passes, engines)?;
    let mut lowering = Lowering {
        network,
        platform,
        passes,
        mappings,
        costs,
        cached: Cached::new(costs),
        emitter,
        tilings: Vec::new(),
        repeated: repeated(network)?,
        readers: readers(network),
        ends: Vec::new(),
    };
    let mut layers = Vec::new();
    for (at, layer) in network.layers.iter().enumerate() {
        if watch(at).is_break() {
            return Err(GraphError::Stopped.into());
        }
        let needs = lowering.layer(at).map_err(|cause| cause.of(layer))?;
        lowering.ends.push(needs.end);
        layers.push(needs);
    }
    let (graph, resources) = lowering.emitter.finish();
    Ok(Compiled {
        graph,
        resources,
        layers,
    })
}

/// Products in a room, whether their weights stay there, and the tiling that was found for them.
type Known = (Products, Room, bool, Option<Tiling>);

struct Lowering<'a> {
    network: &'a Network,
    platform: &'a Platform,
    passes: &'a Passes,
    mappings: &'a Mappings,
    costs: &'a dyn CostModel,
    cached: Cached<'a>,
    emitter: Emitter<'a>,
    /// What has been found for products of the same kind in the same room.
    tilings: Vec<Known>,
    /// Whether the layer with products before or after each uses the same weights.
    repeated: Vec<bool>,
    /// How many layers read the outputs of each.
    readers: Vec<u32>,
    /// The end of each layer so far.
    ends: Vec<TaskId>,
}

impl Lowering<'_> {
    fn layer(&mut self, at: usize) -> Result<Needs, Trouble> {
        let layer = &self.network.layers[at];
        let producers = layer.inputs.iter();
        let barrier: Vec<TaskId> = producers.filter_map(|&at| self.ends.get(at).copied()).collect();
        let keeps = [at > 0 && self.stays_on_chip(at - 1)?, self.stays_on_chip(at)?];
        self.emitter.begin_layer(at as u32, barrier, keeps);
        let macs = layer.op.macs()?;
        let mut tiling = None;
        if let Some(seconds) = self.cached.layer(layer) {
            self.emitter.whole(layer, seconds)?;
        } else if let Some(products) = Products::new(layer)? {
            if let Some(given) = self.mappings.get(&layer.name) {
                given.check(layer, self.platform).map_err(Trouble::Mapping)?;
                given.fits(&layer.name, self.platform, &self.room(keeps))?;
                self.emitter.begin_weights(None);
                mapped::emit(&mut self.emitter, self.platform, &products, given)?;
                return self.finish(layer, macs, None);
            }
            let stays = self.weights_stay(at, &products);
            let tiles = self.tiling(&layer.name, &products, keeps, stays)?;
            let [_, cols, parts] = counts(&products, tiles.gemm);
            let stays = stays && products.groups == 1 && cols * parts <= self.emitter.slots();
            self.emitter.begin_weights(layer.weights.filter(|_| stays));
            tiling = Some(tiles);
            self.products(&products, &tiles)?;
        } else {
            self.vector(layer)?;
        }
        self.finish(layer, macs, tiling)
    }

    /// Charges what is fused into a layer and closes it.
    fn finish(&mut self, layer: &Layer, macs: u64, tiling: Option<Tiling>) -> Result<Needs, Trouble> {
        for fused in &layer.fused {
            self.emitter.fused(fused.inputs()?);
        }
        let needs = self.emitter.end_layer()?;
        Ok(Needs { macs, tiling, ..needs })
    }

    /// Whether the outputs of a layer stay in the input buffer: they are all that the next layer reads, only that
    /// reads them, and they fit half the buffer.
    fn stays_on_chip(&self, at: usize) -> Result<bool, TooLarge> {
        let Some(next) = self.network.layers.get(at + 1) else {
            return Ok(false);
        };
        if !self.passes.has("place") || self.emitter.engines() > 1 {
            return Ok(false);
        }
        let layer = &self.network.layers[at];
        let given = |layer: &Layer| self.mappings.contains_key(&layer.name);
        if given(layer) || given(next) {
            return Ok(false); // mappings read from memory and write to it
        }
        if self.costs.layer(next).is_some() || self.costs.layer(layer).is_some() {
            return Ok(false);
        }
        let outputs = layer.writes()?;
        let only = next.inputs == [at] && self.readers[at] == 1 && next.reads()? == outputs;
        let simple = !matches!(next.op, Op::MatMul { .. } | Op::Embedding { .. });
        let room = 1024 * self.platform.buffers.input_kib / 2;
        let bytes = outputs.saturating_mul(self.platform.number_format.word_bytes());
        Ok(only && simple && bytes <= room)
    }

    /// Bytes of a slot of each buffer. Tensors that stay on the chip take one half of the input buffer each.
    fn room(&self, [inputs_kept, outputs_kept]: [bool; 2]) -> Room {
        let slots = self.emitter.slots();
        let bytes = |kib: u64| 1024 * kib / slots;
        let input = bytes(self.platform.buffers.input_kib);
        let kept = inputs_kept || outputs_kept;
        Room {
            inputs: if kept { input / 2 } else { input },
            weights: bytes(self.platform.buffers.weight_kib),
            sums: bytes(self.platform.buffers.output_kib),
        }
    }

    /// Whether the weights of a layer are to stay in their buffer for the next, or from the one before.
    fn weights_stay(&self, at: usize, products: &Products) -> bool {
        let word = self.platform.number_format.word_bytes();
        let weights = products.weight_words(1, products.gemm.k, products.gemm.n);
        let room = 1024 * self.platform.buffers.weight_kib;
        self.repeated[at] && products.groups == 1 && weights.saturating_mul(word) <= room
    }

    fn tiling(&mut self, layer: &str, products: &Products, keeps: [bool; 2], stays: bool) -> Result<Tiling, Trouble> {
        let room = self.room(keeps);
        // of layers whose inputs are kept, no two tiles of inputs compete for room
        let room = Room {
            inputs: if keeps[0] { u64::MAX } else { room.inputs },
            ..room
        };
        let mut known = self.tilings.iter();
        let known = known.find(|(p, r, stay, _)| p == products && *r == room && *stay == stays);
        let tiling = match known {
            Some(&(_, _, _, tiling)) => tiling,
            None => {
                let mut tiling = None;
                if stays {
                    tiling = self.search(products, room, keeps[0], Some(self.emitter.slots()))?;
                }
                if tiling.is_none() {
                    tiling = self.search(products, room, keeps[0], None)?;
                }
                self.tilings.push((*products, room, stays, tiling));
                tiling
            }
        };
        tiling.ok_or_else(|| {
            let tiler = self.tiler(room, keeps[0], None);
            Trouble::DoesNotFit(tiler.explain(layer, products))
        })
    }

    fn tiler(&self, room: Room, inputs_kept: bool, resident: Option<u64>) -> Tiler<'_> {
        let scheduled = self.passes.has("schedule");
        let dataflow = self.platform.engine.model.dataflow();
        Tiler {
            platform: self.platform,
            costs: self.costs,
            room,
            inputs_kept,
            double: self.emitter.slots() == 2,
            engines: self.emitter.engines() as u64,
            order: (!scheduled).then(|| Order::of(dataflow)),
            narrow: scheduled && self.passes.has("tile"),
            resident,
        }
    }

    fn search(
        &self,
        products: &Products,
        room: Room,
        inputs_kept: bool,
        resident: Option<u64>,
    ) -> Result<Option<Tiling>, TooLarge> {
        let tiler = self.tiler(room, inputs_kept, resident);
        if self.passes.has("tile") {
            tiler.best(products)
        } else {
            Ok(tiler.smallest(products))
        }
    }

    /// All steps of a layer of matrix products.
    fn products(&mut self, products: &Products, tiling: &Tiling) -> Result<(), Trouble> {
        let [rows, cols, parts] = counts(products, tiling.gemm);
        let passes = products.groups.div_ceil(tiling.groups);
        let tiles = product("tiles", &[passes, rows, cols, parts])?;
        if tiles > MOST_TASKS as u64 {
            // said now, not after minutes
            return Err(GraphError::TooMany { limit: MOST_TASKS }.into());
        }
        let mut group = 0;
        let mut pass = 0;
        while group < products.groups {
            let groups = tiling.groups.min(products.groups - group);
            let mut visit = |row: u64, col: u64, part: u64| {
                let tile = (pass * rows + row) * cols + col;
                let step = Step {
                    engine: (tile % self.emitter.engines() as u64) as usize,
                    group,
                    groups,
                    row,
                    col,
                    part,
                    gemm: part_of(products.gemm, tiling.gemm, [row, col, part]),
                    first: part == 0,
                    last: part + 1 == parts,
                    spills: tiling.order.spills(),
                    spill: match tiling.order {
                        Order::WeightsStay => row,
                        Order::InputsStay => col,
                        _ => 0,
                    },
                };
                let cost = self.cached.tile(&step.gemm)?;
                self.emitter.step(products, &step, &cost)
            };
            each_tile(tiling.order, [rows, cols, parts], &mut visit)?;
            group += groups;
            pass += 1;
        }
        Ok(())
    }

    /// A layer without products: pieces that fit the buffers, a few of them so that transfers and work overlap.
    fn vector(&mut self, layer: &Layer) -> Result<(), Trouble> {
        let (inputs, outputs) = (layer.reads()?, layer.writes()?);
        let room = self.room(self.emitter.keeps());
        let word = self.platform.number_format.word_bytes();
        let sum = self.platform.number_format.sum_bytes();
        let needed = inputs
            .div_ceil((room.inputs / word).max(1))
            .max(outputs.div_ceil((room.sums / sum).max(1)));
        let bursts = inputs.max(outputs).saturating_mul(word) / self.platform.dma.burst_bytes;
        let pieces = needed.max(bursts.min(4)).max(1);
        for piece in 0..pieces {
            let part = |all: u64| all / pieces + u64::from(piece < all % pieces);
            self.emitter.piece(piece, part(inputs), part(outputs))?;
        }
        Ok(())
    }
}

/// Whether each layer uses the weights of the layer with products before or after it.
fn repeated(network: &Network) -> Result<Vec<bool>, CompileError> {
    let mut repeated = vec![false; network.layers.len()];
    let mut before: Option<(usize, Option<usize>)> = None;
    for (at, layer) in network.layers.iter().enumerate() {
        let products = Products::new(layer).map_err(|cause| Trouble::TooLarge(cause).of(layer))?;
        if products.is_none() {
            continue;
        }
        if let Some((other, weights)) = before
            && weights.is_some()
            && weights == layer.weights
        {
            (repeated[other], repeated[at]) = (true, true);
        }
        before = Some((at, layer.weights));
    }
    Ok(repeated)
}

/// How many layers read the outputs of each layer.
fn readers(network: &Network) -> Vec<u32> {
    let mut readers = vec![0; network.layers.len()];
    for &producer in network.layers.iter().flat_map(|layer| &layer.inputs) {
        if let Some(readers) = readers.get_mut(producer) {
            *readers += 1;
        }
    }
    readers
}

/// The tile at a row, column and part of the sums: a whole one, or what is left of the product at its ends.
fn part_of(whole: Gemm, tile: Gemm, [row, col, part]: [u64; 3]) -> Gemm {
    let left = |whole: u64, size: u64, at: u64| size.min(whole - at * size);
    Gemm {
        m: left(whole.m, tile.m, row),
        n: left(whole.n, tile.n, col),
        k: left(whole.k, tile.k, part),
    }
}

/// Calls `visit` with row, column and part of every tile, in this order.
fn each_tile(
    order: Order,
    [rows, cols, parts]: [u64; 3],
    visit: &mut impl FnMut(u64, u64, u64) -> Result<(), Trouble>,
) -> Result<(), Trouble> {
    let [outer, middle, inner] = match order {
        Order::OutputsByRows => [rows, cols, parts],
        Order::OutputsByColumns => [cols, rows, parts],
        Order::WeightsStay => [cols, parts, rows],
        Order::InputsStay => [rows, parts, cols],
    };
    for a in 0..outer {
        for b in 0..middle {
            for c in 0..inner {
                match order {
                    Order::OutputsByRows => visit(a, b, c)?,
                    Order::OutputsByColumns => visit(b, a, c)?,
                    Order::WeightsStay => visit(c, a, b)?,
                    Order::InputsStay => visit(a, c, b)?,
                }
            }
        }
    }
    Ok(())
}
