//! Winners on the event simulator: the machine that a search found, with tasks, DMA and overlap instead of closed forms.
//!
//! The simulator's own compiler tiles the layers for the machine's buffers (it cannot follow the winner's mappings), and
//! DMA setup, latency and dispatch are those of the preset `gemmini`. So its numbers are not the search's, but they show
//! whether the machine holds what it promises where overlap is not perfect.

use crate::accelerator::layer::Network;
use crate::accelerator::loopnest::Machine;
use crate::accelerator::platform::{EngineModel, Platform};
use crate::accelerator::simulation::{Metrics, Options, SimulationError, evaluate};

/// Simulates a network on a machine of these sizes; buffers are rounded up to whole kB, the scratchpad is halved
/// between inputs and weights.
///
/// # Errors
/// A machine on which a layer does not fit.
pub fn simulate(machine: &Machine, network: &Network) -> Result<Option<Metrics>, SimulationError> {
    let Some(mut platform) = Platform::preset("gemmini") else {
        return Ok(None);
    };
    platform.engine.model = EngineModel::LoopNest { side: machine.side };
    let half = (0.5 * machine.scratchpad_kb).ceil().max(1.0) as u64;
    platform.buffers.input_kib = half;
    platform.buffers.weight_kib = half;
    platform.buffers.output_kib = machine.accumulator_kb.ceil().max(1.0) as u64;
    evaluate(&platform, network, &Options::default()).map(Some)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::accelerator::zoo;

    #[test]
    fn a_larger_machine_is_faster_and_larger() {
        let network = zoo::named("resnet18").unwrap();
        let run = |side: u64, kb: f64| {
            let machine = Machine {
                side,
                accumulator_kb: kb,
                scratchpad_kb: kb,
            };
            simulate(&machine, &network).unwrap().unwrap()
        };
        let (small, large) = (run(8, 64.0), run(64, 512.0));
        assert!(large.cycles < small.cycles && large.area_mm2 > small.area_mm2);
    }
}
