//! A Gemmini-like array as an engine: the tiled loop nest of [`crate::loopnest`] inside its buffers.

use super::{CostModel, TileCost};
use crate::gemm::{Gemm, TooLarge};
use crate::loopnest::{Accesses, Dim, Loop, Machine, Mapping, Shape};

/// An array with an accumulator bank per column and a scratchpad.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LoopNest {
    /// Cells in a column: input channels at once.
    pub rows: u64,
    /// Cells in a row: output channels at once.
    pub cols: u64,
}

impl LoopNest {
    /// Weights stay in the registers while all rows stream past; sums stay in the accumulator. Sides that are no
    /// multiple of the array's are padded.
    fn nest(&self, gemm: &Gemm) -> (Shape, Mapping) {
        let (rows, cols) = (gemm.k.min(self.rows), gemm.n.min(self.cols));
        let [deep, wide] = [gemm.k.div_ceil(rows), gemm.n.div_ceil(cols)];
        let part = |dim, factor, spatial| Loop { dim, factor, spatial };
        let levels = [
            vec![part(Dim::P, gemm.m, false)],
            vec![part(Dim::C, deep, false), part(Dim::C, rows, true)],
            vec![part(Dim::K, wide, false), part(Dim::K, cols, true)],
            Vec::new(),
        ];
        let mut sizes = [1; 7];
        sizes[Dim::P as usize] = gemm.m;
        sizes[Dim::C as usize] = deep * rows;
        sizes[Dim::K as usize] = wide * cols;
        let shape = Shape {
            sizes,
            stride: [1, 1],
            dilation: [1, 1],
        };
        (shape, Mapping { levels })
    }
}

impl CostModel for LoopNest {
    fn tile(&self, gemm: &Gemm) -> Result<TileCost, TooLarge> {
        let macs = gemm.macs()?;
        let (shape, mapping) = self.nest(gemm);
        let accesses = Accesses::new(&shape, &mapping);
        let machine = Machine {
            side: self.cols,     // the scratchpad's port is as wide as a row
            accumulator_kb: 0.0, // sizes matter to energy only
            scratchpad_kb: 0.0,
        };
        let columns = mapping.spatial(2) as f64;
        let whole = |count: f64, what| match count < u64::MAX as f64 {
            true => Ok(count.ceil() as u64),
            false => Err(TooLarge { what }),
        };
        Ok(TileCost {
            cycles: whole(machine.on_chip_cycles(&mapping, &accesses), "cycles")?,
            macs,
            input_reads: whole(accesses.macs / columns, "input reads")?,
            weight_reads: whole(accesses.registers - accesses.macs, "weight reads")?,
            sum_accesses: whole(accesses.accumulator, "sums")?,
        })
    }
}
