//! Computations before they are tasks: what each works on and where its sums come from and go.

use super::products::Products;
use crate::cost::TileCost;
use crate::gemm::{Gemm, TooLarge, product};

/// Which tile of an operand: group, index along its own side, part of the sums.
pub(super) type Place = [u64; 3];

/// A tile of an operand.
pub(super) struct Operand {
    /// Which one: a tile that was there at the step before is not loaded again.
    pub place: Place,
    /// Words to load.
    pub words: u64,
}

/// Where the sums of a computation come from.
pub(super) enum Sums {
    /// They begin.
    New,
    /// The step before has them.
    AtHand,
    /// They were stored.
    FromMemory,
}

/// Where they go.
pub(super) enum SumsAfter {
    /// The next step adds to them.
    Stay,
    /// They are stored, to be brought back.
    ToMemory,
    /// They are complete: so many words of outputs.
    Done(u64),
}

/// One computation, its operands and its sums.
pub(super) struct Work {
    pub engine: usize,
    pub weights: Operand,
    pub inputs: Operand,
    pub macs: u64,
    pub cycles: u64,
    /// Sums that it adds to.
    pub sums: u64,
    pub begin: Sums,
    pub end: SumsAfter,
    /// Which of the sums that come from and go to memory.
    pub spill: u64,
}

/// One matrix product of a layer.
#[derive(Clone, Copy, Debug)]
pub(super) struct Step {
    /// Engine that computes it.
    pub engine: usize,
    /// First group, and how many.
    pub group: u64,
    pub groups: u64,
    /// Row, column and part of the sums, in tiles.
    pub row: u64,
    pub col: u64,
    pub part: u64,
    /// Sizes.
    pub gemm: Gemm,
    /// Whether sums begin here, and whether they are complete after.
    pub first: bool,
    pub last: bool,
    /// Whether partial sums go to memory between steps, and which of those under way these are.
    pub spills: bool,
    pub spill: u64,
}

impl Step {
    /// The computation of this product, each group of which costs `cost`.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn work(&self, products: &Products, cost: &TileCost) -> Result<Work, TooLarge> {
        let gemm = self.gemm;
        Ok(Work {
            engine: self.engine,
            weights: Operand {
                place: [self.group, self.col, self.part],
                words: products.weight_words(self.groups, gemm.k, gemm.n),
            },
            inputs: Operand {
                place: [self.group, self.row, self.part],
                words: products.input_words(self.groups, gemm.m, gemm.k),
            },
            macs: product("multiply-accumulates of a tile", &[cost.macs, self.groups])?,
            cycles: product("cycles of a tile", &[cost.cycles, self.groups])?,
            sums: product("sums", &[self.groups, gemm.m, gemm.n])?,
            begin: match self.first {
                true => Sums::New,
                false if self.spills => Sums::FromMemory,
                false => Sums::AtHand,
            },
            end: match self.last {
                true => SumsAfter::Done(products.output_words(self.groups, gemm.m, gemm.n)),
                false if self.spills => SumsAfter::ToMemory,
                false => SumsAfter::Stay,
            },
            spill: self.spill,
        })
    }
}
