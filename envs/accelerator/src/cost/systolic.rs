//! A systolic array as an engine.

use super::{CostModel, TileCost};
use crate::gemm::{Gemm, TooLarge, product, sum};
use crate::systolic::{Dataflow, SystolicArray};

/// An array, with or without overlap of its folds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Systolic {
    array: SystolicArray,
    pipelined: bool,
}

impl Systolic {
    /// An array of at least 1 x 1 cells.
    pub fn new(rows: u64, cols: u64, dataflow: Dataflow, pipelined: bool) -> Self {
        let array = SystolicArray { rows, cols, dataflow };
        Self { array, pipelined }
    }

    /// Cycles when a fold enters while the one before leaves: each takes as long as its stream or the array's skew
    /// R + C - 2, whichever is longer (a held operand is exchanged meanwhile); the first fills the array, the last
    /// drains it.
    fn pipelined_cycles(&self, gemm: &Gemm, folds: u64) -> Result<u64, TooLarge> {
        let SystolicArray { rows, cols, .. } = self.array;
        let (streamed, preload) = match self.array.dataflow {
            Dataflow::OutputStationary => (gemm.k, 0),
            Dataflow::WeightStationary => (gemm.m, rows),
            Dataflow::InputStationary => (gemm.n, rows),
        };
        let skew = (rows - 1) + (cols - 1);
        let streams = product("cycles", &[folds, streamed.max(skew)])?;
        sum("cycles", [streams, preload, skew])
    }
}

impl CostModel for Systolic {
    fn tile(&self, gemm: &Gemm) -> Result<TileCost, TooLarge> {
        let cost = self.array.cost(gemm)?;
        let cycles = match self.pipelined {
            true => self.pipelined_cycles(gemm, cost.folds)?.min(cost.cycles),
            false => cost.cycles,
        };
        // a sum is read back before every write but the first
        let first = product("sums", &[gemm.m, gemm.n])?;
        let again = cost.output_writes - first;
        Ok(TileCost {
            cycles,
            macs: cost.macs,
            input_reads: cost.input_reads,
            weight_reads: cost.weight_reads,
            sum_accesses: sum("sums", [cost.output_writes, again])?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pipelining_hides_all_but_one_fill_and_drain() {
        // 64 x 32 weights on 16 x 8 cells: 4 x 4 folds, each streams 100 rows
        let gemm = Gemm { m: 100, n: 32, k: 64 };
        let cycles = |pipelined| {
            let array = Systolic::new(16, 8, Dataflow::WeightStationary, pipelined);
            array.tile(&gemm).unwrap().cycles
        };
        assert_eq!(cycles(false), 16 * (16 + 100 + 22));
        assert_eq!(cycles(true), 16 * 100 + 16 + 22);
    }

    #[test]
    fn sums_are_read_back_but_once_less_than_written() {
        let array = Systolic::new(16, 8, Dataflow::WeightStationary, false);
        let cost = array.tile(&Gemm { m: 10, n: 8, k: 48 }).unwrap();
        assert_eq!(cost.sum_accesses, 80 * (3 + 2));
    }
}
