//! Whole networks on libtorch, timed layer by layer and from end to end.

use std::time::Instant;

use tandem_accelerator::layer::PoolKind;
use tandem_accelerator::{Conv, Network, Op, zoo};
use tch::Tensor;

use super::clock::Timed;
use super::layer::{Layer, Runner, pool_padding};
use super::{Countdown, WARM_UP};
use crate::error::Error;

/// Seconds for a network, in which as many runs as fit are made: neighbours on a shared machine are loud for seconds.
const SECONDS: f64 = 40.0;
/// Runs of a network.
const MOST_RUNS: usize = 301;
const LEAST_RUNS: usize = 9;
/// Layers of the chain that shows what lies between two layers.
const CHAIN: usize = 64;

/// One layer of a network.
#[derive(Debug)]
pub struct Step {
    /// Its name.
    pub name: String,
    /// What it does.
    pub layer: Layer,
    /// Layers whose results it takes; the network's input where there are none.
    inputs: Vec<usize>,
}

/// A network that libtorch can run.
#[derive(Debug)]
pub struct Runnable {
    /// Its name.
    pub name: String,
    /// Its layers.
    pub steps: Vec<Step>,
}

/// What a network took.
#[derive(Clone, Debug)]
pub struct Measured {
    /// Each layer: lower quartiles.
    pub layers: Vec<Timed>,
    /// From end to end: lower quartiles of runs in which no layer is timed.
    pub total: Timed,
    /// How far the two halves of the runs are from each other, %.
    pub repeat_percent: f64,
    /// Runs of either kind.
    pub runs: usize,
}

impl Runnable {
    /// A network of the zoo, by `NAME` or, where it takes any size of image, `NAME@SIDE`.
    ///
    /// # Errors
    /// No such network, or one with layers that are not run.
    pub fn named(name: &str) -> Result<Self, Error> {
        let unknown = || {
            Error::Input(format!(
                "no network \"{name}\" that can be measured; `tandem list networks` names them, and \
                 dilatedvgg-fov@256 is one on an image of 256x256"
            ))
        };
        let network = match name.split_once('@') {
            None => zoo::named(name).ok_or_else(unknown)?,
            Some((plain, side)) => {
                let side: u64 = side.parse().map_err(|_| unknown())?;
                let network = zoo::named_with(plain, Some(&[side, side]), 1).ok_or_else(unknown)?;
                network.map_err(|error| Error::Input(error.to_string()))?
            }
        };
        Self::new(name, &network)
    }

    fn new(name: &str, network: &Network) -> Result<Self, Error> {
        let mut shapes: Vec<[u64; 3]> = Vec::with_capacity(network.layers.len());
        let mut steps = Vec::with_capacity(network.layers.len());
        for layer in &network.layers {
            let cannot = || {
                let at = &layer.name;
                Error::Input(format!("{name}: layer \"{at}\" cannot be run on the host"))
            };
            let before = layer.inputs.first().map_or(Some([0; 3]), |&at| shapes.get(at).copied());
            let (input, output) = shapes_of(&layer.op, before.ok_or_else(cannot)?).ok_or_else(cannot)?;
            let values: u64 = output.iter().product();
            if layer.op.outputs().ok() != Some(values) {
                return Err(cannot());
            }
            steps.push(Step {
                name: layer.name.clone(),
                layer: Layer { op: layer.op, input },
                inputs: layer.inputs.clone(),
            });
            shapes.push(output);
        }
        Ok(Self {
            name: name.to_owned(),
            steps,
        })
    }

    /// Measures it; in a long network the number of runs gives way.
    ///
    /// # Errors
    /// A signal, or libtorch refusing a layer.
    pub fn measure(&self) -> Result<Measured, Error> {
        let chain = Chain::new(&self.steps)?;
        let mut countdown = Countdown::new("validate host: runs", MOST_RUNS);
        let start = Instant::now();
        let (mut single, mut whole): (Vec<Vec<Timed>>, Vec<Timed>) = (Vec::new(), Vec::new());
        for run in 0..WARM_UP + MOST_RUNS {
            let spent = start.elapsed().as_secs_f64() / SECONDS;
            let due = (spent * MOST_RUNS as f64) as usize;
            countdown.at(run.saturating_sub(WARM_UP).max(due.min(MOST_RUNS)))?;
            if run >= WARM_UP + LEAST_RUNS && spent > 1.0 {
                break;
            }
            let times = chain.pass(true)?;
            let (time, times_again) = Timed::of(|| chain.pass(false));
            times_again?;
            if run >= WARM_UP {
                single.push(times);
                whole.push(time);
            }
        }
        let layers = (0..self.steps.len())
            .map(|layer| Timed::quartile(&single.iter().map(|times| times[layer]).collect::<Vec<_>>()))
            .collect();
        let half = |offset: usize| -> Vec<Timed> { whole.iter().skip(offset).step_by(2).copied().collect() };
        let [even, odd] = [0, 1].map(|offset| Timed::quartile(&half(offset)).cpu);
        Ok(Measured {
            layers,
            total: Timed::quartile(&whole),
            repeat_percent: 100.0 * (odd / even - 1.0).abs(),
            runs: whole.len(),
        })
    }
}

/// Channels, height and width that a layer takes and gives, after a layer that gives `before`.
fn shapes_of(op: &Op, before: [u64; 3]) -> Option<([u64; 3], [u64; 3])> {
    let [channels, height, width] = before;
    Some(match op {
        Op::Conv(conv) => {
            let [rows, columns] = conv.output();
            let input = [conv.channels, conv.input[0], conv.input[1]];
            (input, [conv.filters, rows, columns])
        }
        &Op::Linear {
            rows: 1,
            inputs,
            outputs,
            ..
        } => ([inputs, 1, 1], [outputs, 1, 1]),
        Op::Pool {
            kind, kernel, stride, ..
        } => {
            let along = |axis: usize, side: u64| {
                let (kernel, stride) = (kernel[axis].max(1), stride[axis].max(1));
                match kind {
                    PoolKind::Mean => side.div_ceil(kernel),
                    PoolKind::Max => {
                        let padded = side + 2 * pool_padding(kernel, stride);
                        padded.saturating_sub(kernel) / stride + 1
                    }
                }
            };
            (before, [channels, along(0, height), along(1, width)])
        }
        Op::Norm { .. } | Op::Elementwise { .. } => (before, before),
        _ => return None,
    })
}

/// Layers with their weights, and an image to run them on.
struct Chain<'a> {
    steps: &'a [Step],
    runners: Vec<Runner>,
    image: Vec<Tensor>,
    /// The last layer that takes each result: in its time the memory is given back.
    last: Vec<usize>,
}

impl<'a> Chain<'a> {
    fn new(steps: &'a [Step]) -> Result<Self, Error> {
        let runners: Result<Vec<Runner>, Error> = steps.iter().map(|step| Runner::new(&step.layer)).collect();
        let runners = runners?;
        let mut last = vec![0; steps.len()];
        for (at, step) in steps.iter().enumerate() {
            for &input in &step.inputs {
                last[input] = at;
            }
        }
        Ok(Self {
            steps,
            image: runners.first().map(Runner::inputs).unwrap_or_default(),
            runners,
            last,
        })
    }

    /// One run; the times of the layers where they are asked for.
    fn pass(&self, timed: bool) -> Result<Vec<Timed>, Error> {
        let mut results: Vec<Option<Tensor>> = Vec::with_capacity(self.steps.len());
        let mut times = Vec::with_capacity(if timed { self.steps.len() } else { 0 });
        for (at, (step, runner)) in self.steps.iter().zip(&self.runners).enumerate() {
            let inputs: Vec<Tensor> = match step.inputs.is_empty() {
                true => self.image.iter().map(Tensor::shallow_clone).collect(),
                false => {
                    let taken = step.inputs.iter().filter_map(|&input| results[input].as_ref());
                    taken.map(Tensor::shallow_clone).collect()
                }
            };
            let run = || -> Result<(), Error> {
                let output = runner.run(&inputs)?;
                drop(inputs);
                results.push(Some(output));
                for &input in step.inputs.iter().filter(|&&input| self.last[input] == at) {
                    results[input] = None;
                }
                Ok(())
            };
            match timed {
                false => run()?,
                true => {
                    let (time, ran) = Timed::of(run);
                    times.push(time);
                    ran?;
                }
            }
        }
        Ok(times)
    }
}

/// Time between two layers: a chain of small ones, timed as a whole and one by one.
///
/// # Errors
/// libtorch refusing a layer.
pub fn dispatch_seconds() -> Result<f64, Error> {
    let steps: Vec<Step> = (0..CHAIN)
        .map(|at| Step {
            name: String::new(),
            layer: Layer {
                op: Op::Conv(Conv::same(16, 16, [14, 14], 3)),
                input: [16, 14, 14],
            },
            inputs: at.checked_sub(1).into_iter().collect(),
        })
        .collect();
    let chain = Chain::new(&steps)?;
    let mut between = Vec::new();
    for _ in 0..WARM_UP + MOST_RUNS {
        let layers: f64 = chain.pass(true)?.iter().map(|time| time.cpu).sum();
        let (whole, run) = Timed::of(|| chain.pass(false));
        run?;
        between.push((whole.cpu - layers) / CHAIN as f64);
    }
    between.sort_by(f64::total_cmp);
    Ok(between[between.len() / 2].max(0.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_zoos_images_run_from_end_to_end() {
        for name in ["resnet18", "mobilenetv2", "dilatedvgg-fov@64"] {
            let network = Runnable::named(name).unwrap();
            let chain = Chain::new(&network.steps).unwrap();
            assert_eq!(chain.pass(true).unwrap().len(), network.steps.len(), "{name}");
        }
    }

    #[test]
    fn names_that_mean_nothing_are_refused() {
        for name in ["vgg", "resnet18@0", "dilatedvgg-fov@x", "bert"] {
            assert!(Runnable::named(name).is_err(), "{name}");
        }
    }
}
