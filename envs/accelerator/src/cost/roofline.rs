//! An engine that multiplies at one rate, whatever the shape: the flat part of a roofline. The slope is what the
//! platform's bus and memory make of it.

use super::{CostModel, TileCost};
use crate::gemm::{Gemm, TooLarge, product};

/// An engine without shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flat {
    /// Multiply-accumulates per cycle.
    pub macs_per_cycle: f64,
}

impl CostModel for Flat {
    fn tile(&self, gemm: &Gemm) -> Result<TileCost, TooLarge> {
        let macs = gemm.macs()?;
        let cycles = (macs as f64 / self.macs_per_cycle).ceil();
        if cycles >= u64::MAX as f64 {
            return Err(TooLarge { what: "cycles" });
        }
        Ok(TileCost {
            cycles: cycles as u64,
            macs,
            input_reads: product("inputs", &[gemm.m, gemm.k])?,
            weight_reads: product("weights", &[gemm.k, gemm.n])?,
            sum_accesses: product("outputs", &[gemm.m, gemm.n])?,
        })
    }
}
