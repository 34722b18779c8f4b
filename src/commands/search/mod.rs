//! `tandem search`: searchers over a space of machines and mappings, at equal counted budgets.
//!
//! Every finished search is one file in the output folder, so that a stopped comparison goes on where it was.

mod exact;
mod report;
mod seal;

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde::{Deserialize, Serialize};
use tandem_accelerator::onnx::Unsupported;
use tandem_accelerator::space::{Rescored, SPACES, Simulate, SpaceEntry};
use tandem_accelerator::{Limits, Network, zoo};
use tandem_core::SearchSpace;
use tandem_core::spelling::hint;
use tandem_learning::search::{METHODS, Method, Tracker};

use crate::atomic;
use crate::cli::SearchArgs;
use crate::commands::json_text;
use crate::commands::simulate::{open, system};
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
    /// Largest area, mm2, and mean power, W, where they were given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limits: Option<[Option<f64>; 2]>,
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
    let network = open::named_or_onnx(&args.network, &args.sizes, Unsupported::Error, "an ONNX file (.onnx)")?;
    let limits = limits(args, entry)?;
    let (methods, with_optimum) = methods(entry.name, &args.methods)?;
    let space = (entry.build)(&network, &limits).map_err(|error| Error::Input(error.to_string()))?;
    let task = Task {
        space: entry.name.into(),
        network: label(args, &network),
        budget: args.budget,
        limits: (limits != Limits::default()).then_some([limits.area_mm2, limits.power_w]),
    };
    let folder = args
        .out
        .clone()
        .unwrap_or_else(|| PathBuf::from(format!("runs/search-{}-{}-{}", task.space, task.network, task.budget)));
    std::fs::create_dir_all(&folder).map_err(|error| cannot("make", &folder, &error))?;
    let _lock = atomic::take_part(&folder).map_err(|error| cannot("lock", &folder, &error))?;
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
    let winner = winner(entry, &network, &runs, &folder)?;
    report.write(&methods, &runs, winner.as_deref(), args.json)
}

/// The limits that were given, where the space heeds any.
fn limits(args: &SearchArgs, entry: &SpaceEntry) -> Result<Limits, Error> {
    let limits = system::limits(args.max_area, args.max_power)?;
    if limits != Limits::default() && !entry.limited {
        let limited = SPACES.iter().filter(|entry| entry.limited).map(|entry| entry.name);
        let names = limited.collect::<Vec<_>>().join(", ");
        let text = format!(
            "--max-area and --max-power are for the space {names}; {} has none",
            entry.name
        );
        return Err(Error::Input(text));
    }
    Ok(limits)
}

/// Name of the network in results: that of a built-in one at its own size, of others with a checksum of what they are.
fn label(args: &SearchArgs, network: &Network) -> String {
    if zoo::named(&args.network.display().to_string()).is_some_and(|own| own == *network) {
        return network.name.clone();
    }
    let stem = args.network.file_stem().unwrap_or_default().to_string_lossy();
    format!(
        "{stem}-{:08x}",
        crc32fast::hash(format!("{:?}", network.layers).as_bytes())
    )
}

/// Writes the cheapest machine of all searches as a platform file, where its space has a way there.
fn winner(entry: &SpaceEntry, network: &Network, runs: &[Run], folder: &Path) -> Result<Option<PathBuf>, Error> {
    let best = runs
        .iter()
        .filter(|run| !run.point.is_empty())
        .min_by(|a, b| a.cost.total_cmp(&b.cost));
    let (Some(as_platform), Some(best)) = (entry.platform, best) else {
        return Ok(None);
    };
    let mut platform = as_platform(network, &best.point).map_err(Error::Run)?;
    platform.name = format!("{} found by {} for {}", entry.name, best.method, best.task.network);
    let path = folder.join("platform.json");
    atomic::write(&path, (json_text(&platform)? + "\n").as_bytes()).map_err(|error| cannot("write", &path, &error))?;
    Ok(Some(path))
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
    let mut progress = Progress::new("search", 0);
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
        Error::Input(format!("there is no {what} `{name}`; {}", hint(name, &names)))
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
        let Task {
            space,
            network,
            budget,
            limits,
        } = &run.task;
        let others = if *limits == task.limits { "" } else { ", other limits" };
        return Err(Error::Input(format!(
            "{place} belongs to space {space}, network {network}, budget {budget}{others}; give another --out"
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
