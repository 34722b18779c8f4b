//! What a tile costs on an engine: one trait for all kinds of engine.

mod loopnest;
mod roofline;
mod systolic;

use std::collections::HashMap;

use super::gemm::{Gemm, TooLarge};
use super::layer::Layer;
use super::platform::EngineModel;

pub use loopnest::LoopNest;
pub use roofline::Flat;
pub use systolic::Systolic;

/// What a matrix product costs on an engine, its operands in the engine's buffers.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct TileCost {
    /// Clock cycles.
    pub cycles: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Words read from the input buffer.
    pub input_reads: u64,
    /// Words read from the weight buffer.
    pub weight_reads: u64,
    /// Partial sums read from and written to the output buffer.
    pub sum_accesses: u64,
}

/// A kind of engine, as far as its time and accesses are concerned.
pub trait CostModel: Send + Sync {
    /// The cost of a matrix product whose sizes are at least 1.
    ///
    /// # Errors
    /// A count beyond 64 bits.
    fn tile(&self, gemm: &Gemm) -> Result<TileCost, TooLarge>;

    /// The time of a whole layer, s, for models that are calibrated on whole layers and know nothing of tiles. Such a
    /// layer becomes one task, without transfers.
    fn layer(&self, _layer: &Layer) -> Option<f64> {
        None
    }
}

impl EngineModel {
    /// The cost model of this kind of engine.
    pub fn cost_model(&self) -> Box<dyn CostModel> {
        match *self {
            Self::Systolic {
                rows,
                cols,
                dataflow,
                pipelined_folds,
            } => Box::new(Systolic::new(rows, cols, dataflow, pipelined_folds)),
            Self::Roofline { macs_per_cycle } => Box::new(Flat { macs_per_cycle }),
            Self::LoopNest { side } => Box::new(LoopNest { rows: side, cols: side }),
        }
    }
}

/// A cost model that works out each shape once.
pub struct Cached<'a> {
    model: &'a dyn CostModel,
    known: HashMap<Gemm, TileCost>,
}

impl<'a> Cached<'a> {
    /// Remembers what this model says.
    pub fn new(model: &'a dyn CostModel) -> Self {
        Self {
            model,
            known: HashMap::new(),
        }
    }

    /// As [`CostModel::tile`].
    ///
    /// # Errors
    /// A count beyond 64 bits.
    pub fn tile(&mut self, gemm: &Gemm) -> Result<TileCost, TooLarge> {
        if let Some(&cost) = self.known.get(gemm) {
            return Ok(cost);
        }
        let cost = self.model.tile(gemm)?;
        self.known.insert(*gemm, cost);
        Ok(cost)
    }

    /// As [`CostModel::layer`].
    pub fn layer(&self, layer: &Layer) -> Option<f64> {
        self.model.layer(layer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::systolic::Dataflow;
    use tandem_core::Stream;

    fn models() -> Vec<EngineModel> {
        let systolic = |dataflow, pipelined_folds| EngineModel::Systolic {
            rows: 16,
            cols: 8,
            dataflow,
            pipelined_folds,
        };
        let arrays = Dataflow::ALL
            .into_iter()
            .flat_map(|dataflow| [systolic(dataflow, false), systolic(dataflow, true)]);
        let others = [
            EngineModel::Roofline { macs_per_cycle: 128.0 },
            EngineModel::LoopNest { side: 16 },
        ];
        arrays.chain(others).collect()
    }

    #[test]
    fn no_model_beats_its_peak_and_all_count_the_same_macs() {
        let mut stream = Stream::new(0, "tiles", 0);
        for model in models() {
            let costs = model.cost_model();
            for _ in 0..300 {
                let [m, n, k] = [0; 3].map(|_| 1 + stream.below(200) as u64);
                let gemm = Gemm { m, n, k };
                let cost = costs.tile(&gemm).unwrap();
                assert_eq!(cost.macs, m * n * k);
                assert!(
                    cost.cycles as f64 >= cost.macs as f64 / model.peak(),
                    "{model:?} {gemm:?}"
                );
                assert!(
                    cost.input_reads >= m * k && cost.weight_reads >= k * n,
                    "{model:?} {gemm:?}"
                );
                assert!(cost.sum_accesses >= m * n);
            }
        }
    }

    #[test]
    fn a_remembered_cost_is_the_cost() {
        let costs = models()[0].cost_model();
        let mut cached = Cached::new(&*costs);
        let gemm = Gemm { m: 9, n: 9, k: 99 };
        let first = cached.tile(&gemm).unwrap();
        assert_eq!(cached.tile(&gemm), Ok(first));
        assert_eq!(costs.tile(&gemm), Ok(first));
    }

    #[test]
    fn counts_beyond_64_bits_are_errors() {
        let huge = Gemm {
            m: u64::MAX,
            n: 3,
            k: 5,
        };
        for model in models() {
            assert!(model.cost_model().tile(&huge).is_err(), "{model:?}");
        }
    }
}
