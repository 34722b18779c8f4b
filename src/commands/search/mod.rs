//! `tandem search`: searchers over a space of machines and mappings, at equal counted budgets.
//!
//! Every finished search is one file in the output folder, so that a stopped comparison goes on where it was.

mod exact;
mod report;
mod seal;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tandem_accelerator::Network;
use tandem_accelerator::space::{Rescored, SPACES, Simulate, SpaceEntry};
use tandem_accelerator::zoo;
use tandem_core::SearchSpace;
use tandem_learning::search::{METHODS, Method, Tracker};

use crate::atomic;
use crate::cli::SearchArgs;
use crate::error::Error;
use crate::interrupt;
use crate::output::note;
use crate::progress::{Progress, Status};

/// What is searched, and with which budget; stored with every result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Task {
    space: String,
    network: String,
    budget: u64,
}

/// One finished search.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Run {
    /// [`seal`].
    crc32: String,
    task: Task,
    method: String,
    seed: u64,
    cost: f64,
    evaluations: f64,
    seconds: f64,
    /// Evaluations spent and lowest cost so far.
    history: Vec<(f64, f64)>,
    /// Name, value and unit of the numbers behind the best point.
    numbers: Vec<(String, f64, String)>,
    /// The best point's genes.
    point: Vec<f64>,
    /// The best point on the event simulator, where its space has a way there.
    #[serde(skip)]
    simulated: Option<Rescored>,
}

/// Runs the command.
///
/// # Errors
/// Names that do not exist, a network that cannot be mapped, a folder that cannot be written; [`Error::Paused`] after
/// Ctrl-C.
pub fn run(args: &SearchArgs) -> Result<(), Error> {
    let entry = named(&SPACES, |entry: &SpaceEntry| entry.name, "space", &args.space)?;
    let network = zoo::named(&args.network).ok_or_else(|| {
        let names: Vec<&str> = zoo::NETWORKS.iter().map(|entry| entry.name).collect();
        let names = names.join(", ");
        Error::Input(format!("there is no network `{}`; there are: {names}", args.network))
    })?;
    let (methods, with_optimum) = methods(entry.name, &args.methods)?;
    let space = (entry.build)(&network).map_err(|error| Error::Input(error.to_string()))?;
    let task = Task {
        space: entry.name.into(),
        network: network.name.clone(),
        budget: args.budget,
    };
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("runs/search-{}-{}-{}", task.space, task.network, task.budget)));
    std::fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
    interrupt::install().map_err(|error| Error::Run(format!("no signal handler: {error}")))?;
    let optimum = if with_optimum {
        let mut optimum = exact::run(&network, &folder)?;
        optimum.simulate(&network)?;
        Some(optimum)
    } else {
        None
    };
    let mut runs = search_all(&*space, &task, &methods, u64::from(args.seeds), &folder)?;
    if let Some(simulate) = entry.simulate {
        for run in &mut runs {
            run.simulated = Some(rescored(simulate, &network, run));
        }
    }
    let report = report::Report {
        space: &*space,
        task: &task,
        optimum: optimum.as_ref(),
        folder: &folder,
    };
    report.write(&methods, &runs, args.json)
}

/// A winner on the event simulator; what cannot run there is reported.
fn rescored(simulate: Simulate, network: &Network, run: &Run) -> Rescored {
    let rescored = simulate(network, &run.point);
    let both = [
        ("tiled by the simulator", &rescored.own_tiles),
        ("by its mappings", &rescored.mappings),
    ];
    for (how, result) in both {
        if let Err(reason) = result {
            let (method, seed) = (&run.method, run.seed);
            note!("{method} seed {seed}: not simulated {how}: {reason}");
        }
    }
    rescored
}

/// All searches in turn; those that are on the disk are read.
fn search_all(
    space: &dyn SearchSpace,
    task: &Task,
    methods: &[&'static Method],
    seeds: u64,
    folder: &Path,
) -> Result<Vec<Run>, Error> {
    let all = methods.len() as u64 * seeds * task.budget;
    let (mut runs, mut done) = (Vec::new(), 0);
    if methods.is_empty() {
        return Ok(runs);
    }
    let mut progress = Progress::new("search", 0, all);
    for &method in methods {
        for seed in 0..seeds {
            let path = folder.join(format!("{}-s{seed}.json", method.name));
            let run = match read(&path, task)? {
                Some(run) => run,
                None => search(space, task, method, seed, &mut |spent| {
                    progress.update(&Status {
                        phase: method.name,
                        env_steps: done + spent as u64,
                        end: all,
                        ..Status::default()
                    });
                })
                .ok_or_else(|| {
                    let folder = folder.display();
                    Error::Paused(format!(
                        "stopped; the same command goes on, finished searches are in {folder}"
                    ))
                })?,
            };
            write(&path, &run)?;
            runs.push(run);
            done += task.budget;
        }
    }
    progress.update(&Status {
        phase: "done",
        env_steps: all,
        end: all,
        ..Status::default()
    });
    progress.finish();
    Ok(runs)
}

/// One search; `None` if it was interrupted.
fn search(space: &dyn SearchSpace, task: &Task, method: &Method, seed: u64, tell: &mut dyn FnMut(f64)) -> Option<Run> {
    let start = Instant::now();
    let mut watch = |spent: f64, _best: f64| {
        tell(spent);
        interrupt::requested().is_none()
    };
    let mut tracker = Tracker::new(space, task.budget, &mut watch);
    (method.search)(&mut tracker, seed);
    if tracker.stopped() {
        return None;
    }
    let evaluations = tracker.spent();
    let outcome = tracker.finish();
    let numbers = if outcome.point.is_empty() {
        Vec::new()
    } else {
        space.describe(&outcome.point)
    };
    Some(Run {
        crc32: seal::NO_SUM.into(),
        task: task.clone(),
        method: method.name.into(),
        seed,
        cost: outcome.cost,
        evaluations,
        seconds: start.elapsed().as_secs_f64(),
        history: outcome.history,
        numbers: numbers
            .into_iter()
            .map(|(name, value, unit)| (name, value, unit.to_owned()))
            .collect(),
        point: outcome.point,
        simulated: None,
    })
}

/// The searchers that are named, and whether the optimum is, too; all where none is named.
fn methods(space: &str, names: &[String]) -> Result<(Vec<&'static Method>, bool), Error> {
    let known = space == exact::SPACE;
    if names.is_empty() {
        return Ok((METHODS.iter().collect(), known));
    }
    let (optimum, searchers): (Vec<&String>, Vec<&String>) = names.iter().partition(|name| *name == exact::NAME);
    if !optimum.is_empty() && !known {
        let reason = format!(
            "method `{}` is for the space {}; {space} has none",
            exact::NAME,
            exact::SPACE
        );
        return Err(Error::Input(reason));
    }
    let find = |name: &String| named(&METHODS, |method| method.name, "method", name);
    let found: Result<Vec<&'static Method>, Error> = searchers.into_iter().map(find).collect();
    Ok((found?, !optimum.is_empty()))
}

fn named<'a, T>(all: &'a [T], name_of: impl Fn(&T) -> &'static str, what: &str, name: &str) -> Result<&'a T, Error> {
    all.iter().find(|one| name_of(one) == name).ok_or_else(|| {
        let names: Vec<&str> = all.iter().map(&name_of).collect();
        let names = names.join(", ");
        Error::Input(format!("there is no {what} `{name}`; there are: {names}"))
    })
}

/// A finished search; `None` if there is none.
fn read(path: &Path, task: &Task) -> Result<Option<Run>, Error> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("read", path, &error)),
    };
    let place = path.display();
    let run: Run = serde_json::from_str(&text)
        .map_err(|error| Error::Input(format!("{place} is no result of a search: {error}")))?;
    seal::check(path, &text, &run.crc32)?;
    if run.task != *task {
        let Task { space, network, budget } = &run.task;
        return Err(Error::Input(format!(
            "{place} belongs to space {space}, network {network}, budget {budget}; give another --out"
        )));
    }
    Ok(Some(run))
}

fn write(path: &Path, run: &Run) -> Result<(), Error> {
    let unsealed = Run {
        crc32: seal::NO_SUM.into(),
        ..run.clone()
    };
    let text = serde_json::to_string(&unsealed).map_err(|error| Error::Run(format!("cannot write JSON: {error}")))?;
    atomic::write(path, seal::sealed(&text).as_bytes()).map_err(|error| cannot("write", path, &error))
}

fn cannot(what: &str, path: &Path, error: &std::io::Error) -> Error {
    Error::Run(format!("cannot {what} {}: {error}", path.display()))
}
