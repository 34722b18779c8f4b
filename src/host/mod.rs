//! Measuring this machine: libtorch runs layers and networks, a clock counts the thread's own time.
//!
//! All on one thread that stays on one core. Processor time is the basis, so that a busy machine costs patience more
//! than accuracy; what it costs nevertheless (shared caches and memory) is held against [`REPEAT_PERCENT`].

mod clock;
mod layer;
pub mod network;
mod random;

use std::time::Instant;

use tandem_envs::accelerator::host::{Calibration, Demand, FORMAT, Machine, Sample, WORD_BYTES};

pub use clock::{Timed, pin_to_a_core};
pub use layer::{Layer, Runner};

use crate::error::Error;
use crate::interrupt;

/// How far a repeated measurement may be from the first, %.
pub const REPEAT_PERCENT: f64 = 2.0;
/// Layers that are measured twice.
const PROBES: usize = 8;
/// Runs per layer: as many as fit the time, in these bounds; medians of many, fewer for long ones.
const MOST_RUNS: usize = 31;
const LEAST_RUNS: usize = 9;
const SECONDS_PER_LAYER: f64 = 0.25;
/// Runs before those that count.
const WARM_UP: usize = 2;
/// Bytes of weights that runs of a layer take turns with, so that they find them out of the caches, as in a network
/// whose layers all have weights of their own; and most copies for that. Code stays in the caches, as it does there.
const TURNS_BYTES: u64 = 48 << 20;
const MOST_TURNS: u64 = 24;
/// Pause between two lines of progress, s.
const PAUSE: f64 = 2.0;

/// Progress of a known number of steps, on stderr.
pub struct Countdown {
    what: &'static str,
    total: usize,
    start: Instant,
    said: f64,
}

impl Countdown {
    /// Begins.
    pub fn new(what: &'static str, total: usize) -> Self {
        Self {
            what,
            total,
            start: Instant::now(),
            said: 0.0,
        }
    }

    /// `done` steps are done; says so now and then.
    ///
    /// # Errors
    /// A signal asks to stop.
    pub fn at(&mut self, done: usize) -> Result<(), Error> {
        if let Some(signal) = interrupt::requested() {
            let name = signal.name();
            return Err(Error::Run(format!(
                "stopped by {name}; nothing was written"
            )));
        }
        let elapsed = self.start.elapsed().as_secs_f64();
        if done > 0 && (elapsed - self.said > PAUSE || done == self.total) {
            self.said = elapsed;
            let left = elapsed / done as f64 * (self.total - done.min(self.total)) as f64;
            eprintln!(
                "{}  {done}/{}  {elapsed:.0} s, ETA {left:.0} s",
                self.what, self.total
            );
        }
        Ok(())
    }
}

/// What a calibration is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Plan {
    /// Random convolutions; other operators in proportion.
    pub convolutions: usize,
    /// Seed of the random layers.
    pub seed: u64,
    /// Whether to go on where a repeated measurement differs too much.
    pub allow_noise: bool,
}

/// Measures random layers.
///
/// # Errors
/// A repeated measurement that differs too much, a signal, or libtorch refusing a layer.
pub fn calibrate(plan: &Plan) -> Result<Calibration, Error> {
    let layers = random::layers(plan.convolutions, plan.seed);
    let mut countdown = Countdown::new("calibrate host: layers", layers.len() + PROBES);
    let mut samples = Vec::with_capacity(layers.len());
    for (at, layer) in layers.iter().enumerate() {
        countdown.at(at)?;
        samples.push(sample(layer)?);
    }
    let mut times = [0.0; 2];
    for (at, layer) in layers.iter().take(PROBES).enumerate() {
        countdown.at(layers.len() + at)?;
        times[0] += samples[at].cpu_seconds;
        times[1] += sample(layer)?.cpu_seconds;
    }
    let repeat_percent = 100.0 * (times[1] / times[0] - 1.0).abs();
    check_repeat(repeat_percent, plan.allow_noise)?;
    Ok(Calibration {
        format: FORMAT.to_owned(),
        machine: machine(),
        seed: plan.seed,
        repeat_percent,
        dispatch_seconds: network::dispatch_seconds()?,
        samples,
    })
}

/// Refuses a machine whose second measurement is not its first.
///
/// # Errors
/// [`Error::Run`], unless noise is allowed.
pub fn check_repeat(percent: f64, allow_noise: bool) -> Result<(), Error> {
    if percent <= REPEAT_PERCENT {
        return Ok(());
    }
    let measured =
        format!("a repeated measurement differs by {percent:.1} %, {REPEAT_PERCENT} % are allowed");
    if allow_noise {
        eprintln!("note: {measured}; going on, as --allow-noise says");
        return Ok(());
    }
    Err(Error::Run(format!(
        "the machine is too busy to be measured: {measured}; try again when it is quiet, or with --allow-noise"
    )))
}

fn sample(layer: &Layer) -> Result<Sample, Error> {
    let too_large = |error| Error::Run(format!("{}: {error}", layer.text()));
    let demand = Demand::of(&layer.op).map_err(too_large)?;
    let bytes = WORD_BYTES as u64 * layer.op.parameters().map_err(too_large)?;
    let turns = TURNS_BYTES
        .checked_div(bytes)
        .unwrap_or(1)
        .clamp(1, MOST_TURNS);
    let runners: Result<Vec<Runner>, Error> = (0..turns).map(|_| Runner::new(layer)).collect();
    let runners = runners?;
    let inputs = runners.first().map(Runner::inputs).unwrap_or_default();
    let mut turn = runners.iter().cycle();
    let mut times = Vec::new();
    let (mut runs, mut done) = (LEAST_RUNS + WARM_UP, 0);
    while done < runs {
        let Some(runner) = turn.next() else { break };
        let inputs: Vec<_> = inputs.iter().map(layer::rewritten).collect();
        let (time, output) = Timed::of(|| runner.run(&inputs));
        drop(output?);
        done += 1;
        if done > WARM_UP {
            times.push(time);
        }
        if done == WARM_UP {
            let fitting = (SECONDS_PER_LAYER / time.cpu.max(1e-9)) as usize;
            runs = WARM_UP + fitting.clamp(LEAST_RUNS, MOST_RUNS);
        }
    }
    let median = Timed::median(&times);
    Ok(Sample {
        layer: layer.text(),
        demand,
        cpu_seconds: median.cpu,
        wall_seconds: median.wall,
        runs: times.len(),
    })
}

fn machine() -> Machine {
    let text = std::fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let name = text
        .lines()
        .find_map(|line| line.strip_prefix("model name"));
    let processor = name.map_or("unknown", |rest| rest.trim_start_matches([' ', '\t', ':']));
    Machine {
        processor: processor.to_owned(),
        threads: 1,
    }
}
