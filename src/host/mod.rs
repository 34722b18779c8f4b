//! Measuring this machine: libtorch runs layers and networks, a clock counts the thread's own time.
//!
//! All on one thread that stays on one core. Processor time is the basis, so that a busy machine costs patience more
//! than accuracy; what it costs nevertheless (shared caches and memory) is held against [`REPEAT_PERCENT`].

mod clock;
pub mod drift;
mod layer;
pub mod network;
mod random;

use std::collections::VecDeque;
use std::time::Instant;

use tandem_accelerator::host::{Calibration, Demand, FORMAT, Machine, Sample, WORD_BYTES};

pub use clock::{Timed, pin_to_a_core};
pub use layer::{Layer, Runner};

use crate::error::Error;
use crate::interrupt;
use crate::output::note;

/// How far a repeated measurement may be from the first, %.
pub const REPEAT_PERCENT: f64 = 2.0;
/// How far the machine's speed may be from that at calibration, %.
pub const DRIFT_PERCENT: f64 = 10.0;
/// Random convolutions of a calibration, where nothing else is asked for: four to five minutes.
pub const CONVOLUTIONS: u32 = 1000;
/// Rounds over all layers, and the most of which the quietest are taken.
const ROUNDS: usize = 3;
const MOST_ROUNDS: usize = 6;
/// Runs per layer and round: as many as fit the time, in these bounds; 21 in all, fewer of long layers. More layers tell more
/// than more runs of each: a layer is met to a few percent, its neighbours in size to 20.
const MOST_RUNS: usize = 7;
const LEAST_RUNS: usize = 4;
const SECONDS_PER_LAYER: f64 = 0.05;
/// Results that live on, as in a network: their memory is not that of the next one, and is given back within its time.
const ALIVE: usize = 2;
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
            return Err(Error::Run(format!("stopped by {name}; nothing was written")));
        }
        let elapsed = self.start.elapsed().as_secs_f64();
        if done > 0 && (elapsed - self.said > PAUSE || done == self.total) {
            self.said = elapsed;
            let left = elapsed / done as f64 * (self.total - done.min(self.total)) as f64;
            note!("{}  {done}/{}  {elapsed:.0} s, ETA {left:.0} s", self.what, self.total);
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

/// Measures random layers, in rounds over all of them, so that a busy minute falls on no layer alone.
///
/// # Errors
/// Rounds that differ too much, a signal, or libtorch refusing a layer.
pub fn calibrate(plan: &Plan) -> Result<Calibration, Error> {
    let layers = random::layers(plan.convolutions, plan.seed);
    let (rounds, repeat_percent) = quiet_rounds(&layers, plan.allow_noise)?;
    check_repeat(repeat_percent, plan.allow_noise)?;
    let sample = |(at, layer): (usize, &Layer)| {
        let times: Vec<Timed> = rounds.iter().flat_map(|round| round[at].clone()).collect();
        let quartile = Timed::quartile(&times);
        let too_large = |error| Error::Run(format!("{}: {error}", layer.text()));
        Ok(Sample {
            layer: layer.text(),
            demand: Demand::of(&layer.op).map_err(too_large)?,
            cpu_seconds: quartile.cpu,
            wall_seconds: quartile.wall,
            runs: times.len(),
        })
    };
    let samples: Result<Vec<Sample>, Error> = layers.iter().enumerate().map(sample).collect();
    Ok(Calibration {
        format: FORMAT.to_owned(),
        machine: machine(),
        seed: plan.seed,
        repeat_percent,
        dispatch_seconds: network::dispatch_seconds()?,
        samples: samples?,
    })
}

/// The runs of each layer in one round.
type Round = Vec<Vec<Timed>>;

/// Measures until [`ROUNDS`] rounds agree, or there are [`MOST_ROUNDS`]; the quietest of them, and how far they are
/// from each other, %. What else runs on a machine only ever adds to a time. Where noise is allowed, the first do.
fn quiet_rounds(layers: &[Layer], allow_noise: bool) -> Result<(Vec<Round>, f64), Error> {
    let total = ROUNDS * layers.len();
    let mut countdown = Countdown::new("calibrate host: layers", total);
    let mut rounds: Vec<Round> = Vec::with_capacity(ROUNDS);
    for again in 0..MOST_ROUNDS {
        if again >= ROUNDS {
            note!("calibrate host: the machine was not quiet, one more round");
        }
        let done = again.min(ROUNDS - 1) * layers.len();
        let mut times = Vec::with_capacity(layers.len());
        for (at, layer) in layers.iter().enumerate() {
            countdown.at(done + at)?;
            times.push(runs(layer)?);
        }
        rounds.push(times);
        if rounds.len() < ROUNDS {
            continue;
        }
        rounds.sort_by(|a, b| seconds(a).total_cmp(&seconds(b)));
        if allow_noise || spread(&rounds[..ROUNDS]) <= REPEAT_PERCENT {
            break;
        }
    }
    countdown.at(total)?;
    rounds.truncate(ROUNDS);
    let percent = spread(&rounds);
    Ok((rounds, percent))
}

/// A round's sum over all layers, s.
fn seconds(round: &Round) -> f64 {
    round.iter().map(|times| Timed::quartile(times).cpu).sum()
}

/// How far rounds, quietest first, are from each other: the longest above the shortest, %.
fn spread(rounds: &[Round]) -> f64 {
    match rounds {
        [first, .., last] => 100.0 * (seconds(last) / seconds(first) - 1.0),
        _ => 0.0,
    }
}

/// Refuses a machine whose second measurement is not its first.
///
/// # Errors
/// [`Error::Run`], unless noise is allowed.
pub fn check_repeat(percent: f64, allow_noise: bool) -> Result<(), Error> {
    if percent <= REPEAT_PERCENT {
        return Ok(());
    }
    let measured = format!("a repeated measurement differs by {percent:.1} %, {REPEAT_PERCENT} % are allowed");
    if allow_noise {
        note!("note: {measured}; going on, as --allow-noise says");
        return Ok(());
    }
    Err(Error::Run(format!(
        "the machine is too busy to be measured: {measured}; try again when it is quiet, or with --allow-noise"
    )))
}

/// Refuses a machine whose speed is no longer that of its calibration; `drift` is what random layers take now, over then.
///
/// # Errors
/// [`Error::Run`], unless noise is allowed.
pub fn check_drift(drift: f64, allow_noise: bool) -> Result<(), Error> {
    if (drift - 1.0).abs() <= 1e-2 * DRIFT_PERCENT {
        return Ok(());
    }
    let measured =
        format!("random layers take {drift:.2} of their time at calibration, {DRIFT_PERCENT} % off are allowed");
    if allow_noise {
        note!("note: {measured}; going on, as --allow-noise says");
        return Ok(());
    }
    Err(Error::Run(format!(
        "the machine is not as fast as it was: {measured}; try again when it is quiet, calibrate it again, or use --allow-noise"
    )))
}

/// The runs of a layer in one round.
fn runs(layer: &Layer) -> Result<Vec<Timed>, Error> {
    let too_large = |error| Error::Run(format!("{}: {error}", layer.text()));
    let bytes = WORD_BYTES as u64 * layer.op.parameters().map_err(too_large)?;
    let turns = TURNS_BYTES.checked_div(bytes).unwrap_or(1).clamp(1, MOST_TURNS);
    let runners: Result<Vec<Runner>, Error> = (0..turns).map(|_| Runner::new(layer)).collect();
    let runners = runners?;
    let inputs = runners.first().map(Runner::inputs).unwrap_or_default();
    let mut times = Vec::new();
    let mut results = VecDeque::with_capacity(ALIVE);
    let (mut most, mut done) = (LEAST_RUNS + WARM_UP, 0);
    for runner in runners.iter().cycle() {
        if done == most {
            break;
        }
        let inputs: Vec<_> = inputs.iter().map(layer::rewritten).collect();
        let (time, ran) = Timed::of(|| {
            if results.len() == ALIVE {
                results.pop_front();
            }
            runner.run(&inputs).map(|result| results.push_back(result))
        });
        ran?;
        done += 1;
        if done > WARM_UP {
            times.push(time);
        }
        if done == WARM_UP {
            let fitting = (SECONDS_PER_LAYER / time.cpu.max(1e-9)) as usize;
            most = WARM_UP + fitting.clamp(LEAST_RUNS, MOST_RUNS);
        }
    }
    Ok(times)
}

fn machine() -> Machine {
    Machine {
        processor: crate::machine::processor(),
        threads: 1,
    }
}

/// Starts this command again with libtorch's own kernels, unless they are in use: what is measured here is what the
/// processor can do, not what all processors can.
///
/// # Errors
/// A program that cannot be started.
pub fn with_native_kernels() -> Result<(), Error> {
    use std::os::unix::process::CommandExt;
    use tandem_learning::libtorch::{CHOICE, ENVIRONMENT, NATIVE};
    if std::env::var_os(CHOICE).is_some_and(|choice| choice == NATIVE) {
        return Ok(());
    }
    let cannot = |error| Error::Run(format!("cannot start again with native kernels: {error}"));
    let mut command = std::process::Command::new(std::env::current_exe().map_err(cannot)?);
    command.args(std::env::args_os().skip(1)).env(CHOICE, NATIVE);
    for (name, _) in ENVIRONMENT {
        command.env_remove(name);
    }
    Err(cannot(command.exec()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn round(times: [f64; 2]) -> Round {
        let timed = |cpu| vec![Timed { cpu, wall: cpu }];
        times.map(timed).to_vec()
    }

    #[test]
    fn rounds_are_apart_by_their_sums() {
        let rounds = [round([1.0, 1.0]), round([0.5, 1.6])];
        assert!((spread(&rounds) - 5.0).abs() < 1e-9);
        assert_eq!(spread(&rounds[..1]), 0.0);
    }

    #[test]
    fn a_machine_that_has_changed_is_refused_unless_noise_is_allowed() {
        assert!(check_drift(1.09, false).is_ok() && check_drift(0.91, false).is_ok());
        let refused = check_drift(1.29, false).unwrap_err().to_string();
        assert!(refused.contains("1.29"), "{refused}");
        assert!(check_drift(0.5, true).is_ok());
    }

    #[test]
    fn noise_is_refused_unless_it_is_allowed() {
        assert!(check_repeat(REPEAT_PERCENT, false).is_ok());
        let refused = check_repeat(2.5, false).unwrap_err().to_string();
        assert!(refused.contains("2.5 %"), "{refused}");
        assert!(check_repeat(2.5, true).is_ok());
    }
}
