//! Layers whose mapping is given: a loop nest ([`loopnest`](crate::loopnest)) instead of the compiler's own
//! tiles.
//!
//! The loops in time outside the accumulator become tasks, in their order, on the first engine: a tile of weights or
//! inputs is loaded when a loop over DRAM moves to another one, sums leave the accumulator when another tile of outputs
//! comes. What happens inside the accumulator's tile takes the nest's own cycles.
//!
//! Traffic is the nest's closed form, with three differences: a tile of inputs brings what the one before does not hold
//! (Timeloop compares tiles likewise, but gives up on some moves), partial sums travel in their full width, and
//! transfers are whole bursts.

use std::collections::BTreeMap;

use super::emit::Emitter;
use super::error::Trouble;
use super::products::Products;
use super::tile::{DoesNotFit, Room};
use super::work::{Operand, Sums, SumsAfter, Work};
use crate::cost::TileCost;
use crate::gemm::{TooLarge, product};
use crate::layer::Layer;
use crate::loopnest::{Accesses, Dim, Machine, Mapping, Shape};
use crate::platform::{EngineModel, Platform};
use crate::task::{GraphError, MOST_TASKS};

/// A layer's loops and how they are split.
#[derive(Clone, Debug, PartialEq)]
pub struct LayerMapping {
    /// The loops.
    pub shape: Shape,
    /// Their parts at each level.
    pub mapping: Mapping,
}

/// Mappings that are given, by the names of the layers after the graph passes.
pub type Mappings = BTreeMap<String, LayerMapping>;

/// Loops over a kernel and input channels: the sums.
const REDUCED: [Dim; 3] = [Dim::R, Dim::S, Dim::C];

/// A loop in time outside the accumulator.
#[derive(Clone, Copy, Debug)]
struct Part {
    dim: Dim,
    factor: u64,
    /// At DRAM, or else at the scratchpad.
    dram: bool,
    /// Where it stands.
    at: u64,
}

/// A walk through the tasks of a nest.
struct Walk<'a> {
    shape: &'a Shape,
    /// Outer loops first.
    loops: Vec<Part>,
    /// How much of each loop the scratchpad's tile covers.
    tile: [u64; 7],
    /// How much of each loop one computation covers.
    inner: [u64; 7],
}

/// A part of the input: where it begins and how long it is, in width, height, channels and batch.
type Box4 = [[u64; 2]; 4];

impl LayerMapping {
    /// Whether a platform can follow it.
    ///
    /// # Errors
    /// Why not, in words.
    pub(super) fn check(&self, layer: &Layer, platform: &Platform) -> Result<(), String> {
        let own = Shape::of(&layer.op).map_err(|error| error.to_string())?;
        if own.is_none_or(|(shape, _)| shape != self.shape) {
            return Err("it belongs to a layer of other loops".into());
        }
        let EngineModel::LoopNest { side } = platform.engine.model else {
            return Err("only an engine of the kind `loop-nest` follows mappings".into());
        };
        let checked = self.mapping.check(&self.shape, side);
        checked.map_err(|error| error.to_string())
    }

    /// Words of the tiles of inputs, weights and outputs that the buffers have to hold.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn words(&self) -> Result<[u64; 3], TooLarge> {
        let walk = Walk::new(self);
        let [r, s, _, _, c, k, _] = walk.tile;
        let inputs: Vec<u64> = walk.box_at().iter().map(|side| side[1]).collect();
        let [_, _, p, q, _, wide, n] = walk.inner;
        Ok([
            product("inputs of a tile", &inputs)?,
            product("weights of a tile", &[r, s, c, k])?,
            product("outputs of a tile", &[p, q, wide, n])?,
        ])
    }

    /// Whether the tiles fit the buffers.
    pub(super) fn fits(&self, layer: &str, platform: &Platform, room: &Room) -> Result<(), Trouble> {
        let [inputs, weights, outputs] = self.words()?;
        let (word, sum) = (platform.number_format.word_bytes(), platform.number_format.sum_bytes());
        for (tensor, words, bytes, buffer, has) in [
            ("inputs", inputs, word, "buffers.input_kib", room.inputs),
            ("weights", weights, word, "buffers.weight_kib", room.weights),
            ("partial sums", outputs, sum, "buffers.output_kib", room.sums),
        ] {
            let needs = product("bytes of a tile", &[words, bytes])?;
            if needs > has {
                return Err(Trouble::DoesNotFit(DoesNotFit {
                    layer: layer.to_owned(),
                    tensor,
                    needs,
                    buffer,
                    has,
                }));
            }
        }
        Ok(())
    }

    /// What one run of the layer costs on an array of this side, transfers aside.
    fn cost(&self, side: u64) -> TileCost {
        let accesses = Accesses::new(&self.shape, &self.mapping);
        let machine = Machine {
            side,
            accumulator_kb: 0.0, // sizes matter to energy only
            scratchpad_kb: 0.0,
        };
        let [rows, columns] = [1, 2].map(|level| self.mapping.spatial(level) as f64);
        TileCost {
            cycles: machine.on_chip_cycles(&self.mapping, &accesses) as u64,
            macs: accesses.macs as u64,
            input_reads: (accesses.macs / columns) as u64,
            weight_reads: (accesses.registers - accesses.macs) as u64,
            sum_accesses: (2.0 * accesses.macs / rows) as u64,
        }
    }
}

/// Adds the tasks of a layer.
pub(super) fn emit(
    emitter: &mut Emitter,
    platform: &Platform,
    products: &Products,
    given: &LayerMapping,
) -> Result<(), Trouble> {
    let cost = given.cost(platform.engine.model.shape()[0]);
    let mut walk = Walk::new(given);
    let steps = walk.steps(products.groups)?;
    let [_, _, p, q, _, k, n] = walk.inner;
    // cycles are shared out so that they add up
    let until = |step: u64| u128::from(cost.cycles) * u128::from(step) / u128::from(steps);
    emitter.computes(&cost, products.groups);
    for group in 0..products.groups {
        let mut held = None;
        let mut before = None;
        for step in 0..steps {
            let output = walk.output();
            let begin = walk.begin(before == Some(output));
            let (weights, inputs) = (walk.weights(group), walk.inputs(group, &mut held));
            let outputs = products.output_words(1, p * q * n, k);
            let end = walk.leave(outputs, step + 1 < steps);
            before = Some(output);
            let work = Work {
                engine: 0,
                weights,
                inputs,
                macs: cost.macs / steps,
                cycles: (until(step + 1) - until(step)) as u64,
                sums: p * q * k * n,
                begin,
                end,
                spill: output,
            };
            emitter.work(products, work)?;
        }
    }
    Ok(())
}

impl<'a> Walk<'a> {
    fn new(given: &'a LayerMapping) -> Self {
        let mapping = &given.mapping;
        let mut inner = mapping.extents(1);
        inner[Dim::K as usize] *= mapping.spatial(2);
        let mut loops = Vec::new();
        for (level, dram) in [(3, true), (2, false)] {
            for part in &mapping.levels[level] {
                if !part.spatial && part.factor > 1 {
                    loops.push(Part {
                        dim: part.dim,
                        factor: part.factor,
                        dram,
                        at: 0,
                    });
                }
            }
        }
        // what the scratchpad adds to the same sums one after the other is one computation
        while let Some(part) = loops.pop_if(|part| !part.dram && REDUCED.contains(&part.dim)) {
            inner[part.dim as usize] *= part.factor;
        }
        Self {
            shape: &given.shape,
            loops,
            tile: mapping.extents(2),
            inner,
        }
    }

    /// Computations of one run.
    fn steps(&self, groups: u64) -> Result<u64, Trouble> {
        let factors: Vec<u64> = self.loops.iter().map(|part| part.factor).collect();
        let steps = product("tasks", &factors)?;
        if product("tasks", &[steps, groups])? > MOST_TASKS as u64 {
            return Err(GraphError::TooMany { limit: MOST_TASKS }.into());
        }
        Ok(steps)
    }

    fn advance(&mut self) {
        for part in self.loops.iter_mut().rev() {
            part.at += 1;
            if part.at < part.factor {
                return;
            }
            part.at = 0;
        }
    }

    /// Where the sums of the computation here come from, which the one before has `at_hand` or not.
    fn begin(&self, at_hand: bool) -> Sums {
        match (self.reduced(0), at_hand) {
            (true, _) => Sums::New,
            (false, true) => Sums::AtHand,
            (false, false) => Sums::FromMemory,
        }
    }

    /// Moves on to the next computation; where the sums of this one go, so many `outputs` once they are complete.
    fn leave(&mut self, outputs: u64, more: bool) -> SumsAfter {
        let (output, last) = (self.output(), self.reduced(1));
        self.advance();
        let stays = more && self.output() == output;
        match (last, stays) {
            (true, _) => SumsAfter::Done(outputs),
            (false, true) => SumsAfter::Stay,
            (false, false) => SumsAfter::ToMemory,
        }
    }

    /// A number for where these loops stand.
    fn number(&self, of: impl Fn(&Part) -> bool) -> u64 {
        let loops = self.loops.iter().filter(|part| of(part));
        loops.fold(0, |number, part| number * part.factor + part.at)
    }

    /// A number for the tile of outputs.
    fn output(&self) -> u64 {
        self.number(|part| !REDUCED.contains(&part.dim))
    }

    /// The scratchpad's tile of weights.
    fn weights(&self, group: u64) -> Operand {
        let moves = |part: &Part| part.dram && (REDUCED.contains(&part.dim) || part.dim == Dim::K);
        let [r, s, _, _, c, k, _] = self.tile;
        Operand {
            place: [group, self.number(moves), 0],
            words: r * s * c * k,
        }
    }

    /// The scratchpad's tile of inputs, of which it loads what the tile that it has `held` before does not have.
    fn inputs(&self, group: u64, held: &mut Option<(u64, Box4)>) -> Operand {
        let tile = self.number(|part| part.dram && part.dim != Dim::K);
        let wanted = self.box_at();
        let words = match held.replace((tile, wanted)) {
            Some((before, _)) if before == tile => 0, // it is not loaded again
            Some((_, before)) => new_words(&before, &wanted),
            None => words_of(&wanted),
        };
        Operand {
            place: [group, tile, 0],
            words,
        }
    }

    /// Whether all loops over sums are at their beginning (0) or at their end (1).
    fn reduced(&self, end: u64) -> bool {
        let mut loops = self.loops.iter();
        loops.all(|part| !REDUCED.contains(&part.dim) || part.at == end * (part.factor - 1))
    }

    /// The part of the input that the scratchpad holds now.
    fn box_at(&self) -> Box4 {
        let start = |dim: Dim| {
            let loops = self.loops.iter().filter(|part| part.dram && part.dim == dim);
            loops.fold(0, |at, part| at * part.factor + part.at) * self.tile[dim as usize]
        };
        let extent = |dim: Dim| self.tile[dim as usize];
        let side = |out: Dim, tap: Dim, axis: usize| {
            let (stride, dilation) = (self.shape.stride[axis], self.shape.dilation[axis]);
            [
                start(out) * stride + start(tap) * dilation,
                (extent(out) - 1) * stride + (extent(tap) - 1) * dilation + 1,
            ]
        };
        [
            side(Dim::P, Dim::R, 0),
            side(Dim::Q, Dim::S, 1),
            [start(Dim::C), extent(Dim::C)],
            [start(Dim::N), extent(Dim::N)],
        ]
    }
}

fn words_of(part: &Box4) -> u64 {
    part.iter().map(|side| side[1]).product()
}

/// Words of a box that another one does not hold.
fn new_words(held: &Box4, wanted: &Box4) -> u64 {
    let common = held.iter().zip(wanted).map(|(&[a, m], &[b, n])| {
        let end = (a + m).min(b + n);
        end.saturating_sub(a.max(b))
    });
    words_of(wanted) - common.product::<u64>()
}
