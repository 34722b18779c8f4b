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

    /// Parts of the array that a product may be computed on: its folds, or more of them than there must be, spread evenly
    /// over as few rows and columns as hold them, so that operands and sums need not pass through cells that have nothing
    /// to do.
    fn parts(&self, gemm: &Gemm) -> Vec<SystolicArray> {
        let SystolicArray { rows, cols, dataflow } = self.array;
        let (down, across, streamed) = match dataflow {
            Dataflow::OutputStationary => (gemm.m, gemm.n, gemm.k),
            Dataflow::WeightStationary => (gemm.k, gemm.n, gemm.m),
            Dataflow::InputStationary => (gemm.k, gemm.m, gemm.n),
        };
        // more folds than needed only pay where filling the array takes longer than using it
        let short = streamed < rows.saturating_add(cols);
        let sides = |size: u64, side: u64| {
            let least = size.div_ceil(side).max(1);
            let near = (0..4).map(|more| least.saturating_add(more));
            let far = [2, 3, 4, 6, 8].map(|times| least.saturating_mul(times));
            let mut sides: Vec<u64> = near.chain(far).map(|folds| size.div_ceil(folds).max(1)).collect();
            sides.truncate(if short { sides.len() } else { 1 });
            sides.dedup();
            sides
        };
        let columns = sides(across, cols);
        let part = |rows: u64, cols: u64| SystolicArray { rows, cols, dataflow };
        let down = sides(down, rows).into_iter();
        down.flat_map(|rows| columns.iter().map(move |&cols| part(rows, cols)))
            .collect()
    }

    /// The cost on a part of the array.
    fn on(&self, array: SystolicArray, gemm: &Gemm) -> Result<TileCost, TooLarge> {
        let cost = array.cost(gemm)?;
        let cycles = match self.pipelined {
            true => Self::pipelined_cycles(array, gemm, cost.folds)?.min(cost.cycles),
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

    /// Cycles when a fold enters while the one before leaves: each takes as long as its stream or the array's skew
    /// R + C - 2, whichever is longer (a held operand is exchanged meanwhile); the first fills the array, the last
    /// drains it.
    fn pipelined_cycles(array: SystolicArray, gemm: &Gemm, folds: u64) -> Result<u64, TooLarge> {
        let SystolicArray { rows, cols, .. } = array;
        let (streamed, preload) = match array.dataflow {
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
        let mut best: Option<TileCost> = None;
        for part in self.parts(gemm) {
            let cost = self.on(part, gemm)?;
            if best.is_none_or(|best| cost.cycles < best.cycles) {
                best = Some(cost);
            }
        }
        best.map_or_else(|| self.on(self.array, gemm), Ok)
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
    fn a_wider_array_is_never_slower() {
        let mut stream = tandem_core::Stream::new(0, "arrays", 0);
        for _ in 0..2000 {
            let mut draw = |most: usize| 1 + stream.below(most) as u64;
            let gemm = Gemm {
                m: draw(300),
                n: draw(600),
                k: draw(600),
            };
            let (rows, cols, more) = (8 * draw(8), 8 * draw(16), 8 * draw(8));
            for dataflow in Dataflow::ALL {
                let cycles = |rows, cols| Systolic::new(rows, cols, dataflow, true).tile(&gemm).unwrap().cycles as f64;
                let base = cycles(rows, cols);
                // what is not spread evenly may cost a few cycles of each fold
                assert!(
                    cycles(rows, cols + more) <= 1.1 * base,
                    "{gemm:?} {rows} x {cols} and {more} {dataflow:?}"
                );
                assert!(
                    cycles(rows + more, cols) <= 1.1 * base,
                    "{gemm:?} {rows} x {cols} and {more} {dataflow:?}"
                );
            }
        }
        // 64 columns of weights on 96 take as long as on 64
        let gemm = Gemm { m: 49, n: 64, k: 576 };
        let on = |cols| {
            Systolic::new(16, cols, Dataflow::WeightStationary, true)
                .tile(&gemm)
                .unwrap()
        };
        assert_eq!(on(96), on(64));
    }

    #[test]
    fn sums_are_read_back_but_once_less_than_written() {
        let array = Systolic::new(16, 8, Dataflow::WeightStationary, false);
        let cost = array.tile(&Gemm { m: 10, n: 8, k: 48 }).unwrap();
        assert_eq!(cost.sum_accesses, 80 * (3 + 2));
    }
}
