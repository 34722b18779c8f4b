//! How fast the machine is: a few random convolutions, run now and then among whatever else is measured.
//!
//! What else runs on a shared machine changes its speed within seconds and by more than what a model of it gets wrong. The
//! same layers, timed during the calibration and between the runs of a network, say by how much.

use tch::Tensor;

use super::clock::Timed;
use super::layer::{Runner, rewritten};
use super::random;
use crate::error::Error;

/// Convolutions of a probe, some 30 ms.
const LAYERS: usize = 24;
/// Multiply-accumulates of each at most.
const MOST_MACS: f64 = 1e8;

/// Random convolutions with their weights and inputs, and the times that they have taken.
pub struct Probe {
    layers: Vec<(Runner, Vec<Tensor>)>,
    times: Vec<Timed>,
}

impl Probe {
    /// The probe of calibrations with this seed.
    ///
    /// # Errors
    /// Libtorch refusing a layer.
    pub fn new(seed: u64) -> Result<Self, Error> {
        let layers = random::convolutions(LAYERS, MOST_MACS, seed);
        let runner = |layer| {
            let runner = Runner::new(layer)?;
            let inputs = runner.inputs();
            Ok((runner, inputs))
        };
        Ok(Self {
            layers: layers.iter().map(runner).collect::<Result<_, Error>>()?,
            times: Vec::new(),
        })
    }

    /// Runs all layers once, each with its input just written.
    ///
    /// # Errors
    /// Libtorch refusing a layer.
    pub fn run(&mut self) -> Result<(), Error> {
        let mut sum = Timed::default();
        for (runner, inputs) in &self.layers {
            let inputs: Vec<Tensor> = inputs.iter().map(rewritten).collect();
            let (time, ran) = Timed::of(|| runner.run(&inputs));
            drop(ran?);
            sum.cpu += time.cpu;
            sum.wall += time.wall;
        }
        self.times.push(sum);
        Ok(())
    }

    /// The times of the runs since the last call.
    pub fn take(&mut self) -> Vec<Timed> {
        std::mem::take(&mut self.times)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_run_leaves_a_time() {
        tandem_agents::init_libtorch();
        let mut probe = Probe::new(3).unwrap();
        (0..3).for_each(|_| probe.run().unwrap());
        let times = probe.take();
        assert_eq!(times.len(), 3);
        assert!(times.iter().all(|time| time.cpu > 1e-4), "{times:?}");
        assert!(probe.take().is_empty());
    }
}
