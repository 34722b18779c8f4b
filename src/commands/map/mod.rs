//! `tandem map`: the optimal mapping of every layer on a Gemmini-like machine, with proof.

mod open;
mod report;

use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use rayon::prelude::*;
use tandem_accelerator::loopnest::{Counting, Machine};
use tandem_accelerator::mapper::{self, Answer, MapError, Mapped};
use tandem_accelerator::space::Work;

use crate::cli::MapArgs;
use crate::destination;
use crate::error::Error;
use crate::interrupt;
use crate::progress::{Progress, Status};

/// A layer with its best mapping, or all that none beats.
struct Layer {
    work: Work,
    found: Vec<Mapped>,
    proved: bool,
    opened: u64,
    seconds: f64,
}

/// What was asked, and what came of it.
struct Outcome<'a> {
    args: &'a MapArgs,
    network: String,
    machine: Machine,
    layers: Vec<Layer>,
    seconds: f64,
}

/// Runs the command.
///
/// # Errors
/// A network, machine or table that is not right, a layer that no mapping fits, a file that cannot be written;
/// [`Error::Paused`] where Ctrl-C ended the search before all was proven.
pub fn run(args: &MapArgs) -> Result<(), Error> {
    let to_stdout = destination::check_all(&[&args.csv], args.json, "--csv and --json")?;
    let machine = open::machine(&args.machine)?;
    let (network, works) = open::layers(args)?;
    interrupt::install().map_err(|error| Error::Run(format!("no signal handler: {error}")))?;
    let start = Instant::now();
    let mut layers = map_all(args, &machine, works)?;
    if args.whole {
        choose(&mut layers);
    }
    let outcome = Outcome {
        args,
        network,
        machine,
        layers,
        seconds: start.elapsed().as_secs_f64(),
    };
    if let Some(path) = &args.csv {
        destination::write(path, report::csv(&outcome).as_bytes())?;
    }
    if !to_stdout {
        report::report(&outcome)?;
    }
    let open = outcome.layers.iter().filter(|layer| !layer.proved).count();
    if open > 0 {
        return Err(Error::Paused(format!(
            "stopped; {open} of {} layers have the best mapping so far, which is not proven",
            outcome.layers.len()
        )));
    }
    Ok(())
}

/// All layers, several at a time.
fn map_all(args: &MapArgs, machine: &Machine, works: Vec<Work>) -> Result<Vec<Layer>, Error> {
    let all = works.len() as u64;
    let (progress, done) = (Mutex::new(Progress::new("map", 0)), AtomicU64::new(0));
    let stop = || {
        // whoever holds the lock tells already
        if let Ok(mut progress) = progress.try_lock() {
            progress.update(&Status {
                phase: "layers",
                env_steps: done.load(Ordering::Relaxed),
                end: all,
                ..Status::default()
            });
        }
        interrupt::requested().is_some()
    };
    let layers = works.into_par_iter().map(|work| {
        let layer = map(args, machine, work, &stop);
        done.fetch_add(1, Ordering::Relaxed);
        layer
    });
    let layers: Vec<Result<Layer, Error>> = layers.collect();
    if let Ok(mut progress) = progress.lock() {
        progress.update(&Status {
            phase: "done",
            env_steps: done.load(Ordering::Relaxed),
            end: all,
            ..Status::default()
        });
    }
    layers.into_iter().collect()
}

fn map(args: &MapArgs, machine: &Machine, work: Work, stop: mapper::Stop) -> Result<Layer, Error> {
    let start = Instant::now();
    let counting = Counting::new(args.rule.into(), f64::from(args.dram_blocks));
    let answer: Result<Answer<Vec<Mapped>>, MapError> = if args.front || args.whole {
        mapper::front(&work.shape, machine, &counting, stop)
    } else {
        let best = mapper::optimum(&work.shape, machine, &counting, args.metric.into(), stop);
        best.map(|answer| Answer {
            found: vec![answer.found],
            proved: answer.proved,
            opened: answer.opened,
        })
    };
    let answer = answer.map_err(|error| Error::Input(format!("layer {}: {error}", work.name)))?;
    Ok(Layer {
        work,
        found: answer.found,
        proved: answer.proved,
        opened: answer.opened,
        seconds: start.elapsed().as_secs_f64(),
    })
}

/// Leaves each layer the mapping that makes the product of the network's sums least.
fn choose(layers: &mut [Layer]) {
    let fronts = layers.iter().map(|layer| (layer.work.count, layer.found.clone()));
    let fronts: Vec<(u64, Vec<Mapped>)> = fronts.collect();
    for (layer, at) in layers.iter_mut().zip(mapper::least_product(&fronts)) {
        layer.found.truncate(at + 1);
        layer.found.drain(..at);
    }
}
