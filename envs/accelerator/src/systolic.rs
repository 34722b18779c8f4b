//! A systolic array: `rows` x `cols` multiply-accumulate cells that pass operands to their neighbours.
//!
//! A [`Gemm`] larger than the array is cut into *folds*, tiles of the two dimensions that the array holds; the third
//! is streamed through. With M x K times K x N on R x C cells:
//!
//! | dataflow | held | folds | streamed | cycles per fold |
//! |---|---|---|---|---|
//! | output stationary | outputs | ⌈M/R⌉ ⌈N/C⌉ | K | K + R + C - 2 |
//! | weight stationary | weights | ⌈K/R⌉ ⌈N/C⌉ | M | R + M + R + C - 2 |
//! | input stationary | inputs | ⌈K/R⌉ ⌈M/C⌉ | N | R + N + R + C - 2 |
//!
//! R + C - 2 cycles are the skew with which operands enter and results leave; the leading R of the last two fills the
//! array with the operand it holds. Folds follow each other without overlap. The formulas are those of SCALE-Sim
//! (Samajdar et al., ISPASS 2020) as its version 3.0.0 works them out cycle by cycle with unlimited memory bandwidth
//! (`CALC`); they give its results exactly, access counts included, for square and other arrays.

use serde::{Deserialize, Serialize};

use super::gemm::{Gemm, TooLarge, product, sum};

/// Which operand stays in the array.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Dataflow {
    /// Each cell gathers one output.
    #[serde(rename = "os")]
    OutputStationary,
    /// Each cell keeps one weight.
    #[serde(rename = "ws")]
    WeightStationary,
    /// Each cell keeps one input.
    #[serde(rename = "is")]
    InputStationary,
}

impl Dataflow {
    /// All dataflows.
    pub const ALL: [Self; 3] = [Self::OutputStationary, Self::WeightStationary, Self::InputStationary];

    /// The short name: `os`, `ws` or `is`.
    pub fn name(self) -> &'static str {
        match self {
            Self::OutputStationary => "os",
            Self::WeightStationary => "ws",
            Self::InputStationary => "is",
        }
    }

    /// The dataflow of a short name, in either case.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|dataflow| dataflow.name().eq_ignore_ascii_case(name))
    }
}

/// An array and its dataflow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SystolicArray {
    /// Cells in a column, at least 1.
    pub rows: u64,
    /// Cells in a row, at least 1.
    pub cols: u64,
    /// Which operand stays.
    pub dataflow: Dataflow,
}

/// What a matrix product costs on an array.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct SystolicCost {
    /// Tiles, one after the other.
    pub folds: u64,
    /// Cycles of all folds.
    pub cycles: u64,
    /// Multiply-accumulate operations.
    pub macs: u64,
    /// Input words read from their buffer.
    pub input_reads: u64,
    /// Weight words read from their buffer.
    pub weight_reads: u64,
    /// Output words, partial sums included, written to their buffer.
    pub output_writes: u64,
    /// Share of the cells that hold an operand, averaged over folds; 1 when every fold fills the array.
    pub mapping_efficiency: f64,
    /// Multiply-accumulates done, of those that the array could have done in these cycles.
    pub utilisation: f64,
}

impl SystolicArray {
    /// Number of multiply-accumulate cells.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn cells(&self) -> Result<u64, TooLarge> {
        product("the number of cells", &[self.rows, self.cols])
    }

    /// The cost of a matrix product; all its sizes must be at least 1.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn cost(&self, gemm: &Gemm) -> Result<SystolicCost, TooLarge> {
        let Gemm { m, n, k } = *gemm;
        // extent held along the rows and along the columns, extent streamed
        let (held_rows, held_cols, streamed) = match self.dataflow {
            Dataflow::OutputStationary => (m, n, k),
            Dataflow::WeightStationary => (k, n, m),
            Dataflow::InputStationary => (k, m, n),
        };
        let row_folds = held_rows.div_ceil(self.rows);
        let col_folds = held_cols.div_ceil(self.cols);
        let folds = product("the number of folds", &[row_folds, col_folds])?;
        let cycles = product("cycles", &[folds, self.fold_cycles(streamed)?])?;
        let macs = gemm.macs()?;
        let reads = |folds: u64, rows: u64, cols: u64| product("the number of buffer accesses", &[rows, cols, folds]);
        // an operand is read again for every fold along the dimension that it does not have
        let (input, weight, output) = match self.dataflow {
            Dataflow::OutputStationary => (col_folds, row_folds, 1),
            Dataflow::WeightStationary => (col_folds, 1, row_folds),
            Dataflow::InputStationary => (1, col_folds, row_folds),
        };
        let cells = self.cells()? as f64;
        Ok(SystolicCost {
            folds,
            cycles,
            macs,
            input_reads: reads(input, m, k)?,
            weight_reads: reads(weight, k, n)?,
            output_writes: reads(output, m, n)?,
            mapping_efficiency: macs as f64 / (folds as f64 * cells * streamed as f64),
            utilisation: macs as f64 / (cycles as f64 * cells),
        })
    }

    /// Cycles of one fold.
    fn fold_cycles(&self, streamed: u64) -> Result<u64, TooLarge> {
        let preload = match self.dataflow {
            Dataflow::OutputStationary => 0,
            Dataflow::WeightStationary | Dataflow::InputStationary => self.rows,
        };
        // R - 1 and C - 1 apart, so that no 1 x 1 array goes below zero
        let skew = [self.rows - 1, self.cols - 1];
        sum("cycles", [preload, streamed].into_iter().chain(skew))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn array(rows: u64, cols: u64, dataflow: Dataflow) -> SystolicArray {
        SystolicArray { rows, cols, dataflow }
    }

    #[test]
    fn one_cell_takes_one_cycle_per_product_and_reloads_what_it_holds() {
        let gemm = Gemm { m: 3, n: 5, k: 7 };
        let cost = |dataflow| array(1, 1, dataflow).cost(&gemm).unwrap();
        assert_eq!(cost(Dataflow::OutputStationary).cycles, 105);
        assert_eq!(cost(Dataflow::OutputStationary).utilisation, 1.0);
        // 35 weights or 21 inputs are loaded, one cycle each
        assert_eq!(cost(Dataflow::WeightStationary).cycles, 105 + 35);
        assert_eq!(cost(Dataflow::InputStationary).cycles, 105 + 21);
    }

    #[test]
    fn a_product_that_fills_the_array_uses_every_cell() {
        for dataflow in Dataflow::ALL {
            let gemm = Gemm { m: 64, n: 64, k: 64 };
            let cost = array(8, 16, dataflow).cost(&gemm).unwrap();
            assert_eq!((cost.folds, cost.mapping_efficiency), (32, 1.0));
        }
    }

    #[test]
    fn an_array_is_never_faster_than_its_cells_allow() {
        let mut stream = tandem_core::Stream::new(0, "systolic", 0);
        for _ in 0..2000 {
            let mut draw = |n: usize| 1 + stream.below(n) as u64;
            let gemm = Gemm {
                m: draw(300),
                n: draw(300),
                k: draw(300),
            };
            let (rows, cols) = (draw(40), draw(40));
            for dataflow in Dataflow::ALL {
                let cost = array(rows, cols, dataflow).cost(&gemm).unwrap();
                assert!(cost.utilisation > 0.0 && cost.utilisation <= 1.0);
                assert!(cost.mapping_efficiency >= cost.utilisation);
                // nothing is read or written less than once
                assert!(cost.input_reads >= gemm.m * gemm.k);
                assert!(cost.weight_reads >= gemm.k * gemm.n);
                assert!(cost.output_writes >= gemm.m * gemm.n);
            }
        }
    }

    #[test]
    fn sizes_beyond_64_bits_are_an_error() {
        let gemm = Gemm {
            m: u64::MAX,
            n: 3,
            k: u64::MAX,
        };
        for dataflow in Dataflow::ALL {
            assert!(array(2, 2, dataflow).cost(&gemm).is_err());
            let long = Gemm { m: 1, n: 1, k: 1 };
            assert!(array(u64::MAX, u64::MAX, dataflow).cost(&long).is_err());
        }
    }

    #[test]
    fn dataflows_are_named_in_either_case() {
        assert_eq!(Dataflow::named("WS"), Some(Dataflow::WeightStationary));
        assert_eq!(Dataflow::named("rs"), None);
    }
}
