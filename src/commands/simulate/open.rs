//! Networks and platforms as they are named on the command line.

use std::path::Path;

use tandem_accelerator::cost::CostModel;
use tandem_accelerator::host::{Calibration, HostCosts, HostModel, NOT_DONE};
use tandem_accelerator::onnx::Unsupported;
use tandem_accelerator::platform::PLATFORMS;
use tandem_accelerator::scalesim::Topology;
use tandem_accelerator::{InputError, Network, Platform, network, zoo};
use tandem_core::spelling::nearest;

use super::has_extension;
use crate::cli::{NetworkArgs, OnUnsupported, SimulateArgs};
use crate::error::Error;
use crate::sets;
use crate::strict::Located;

/// A platform, and what tiles or layers cost on its engines.
pub struct Opened {
    pub platform: Platform,
    pub costs: Box<dyn CostModel>,
    /// Passes that are off whatever the command says: the costs are those of layers without them.
    pub off: &'static [&'static str],
}

/// A preset or a JSON file, with the settings of `--set`, then those of a sweep.
///
/// # Errors
/// A name that there is not, or a file or setting that is not right.
pub fn platform(args: &SimulateArgs, path: &Path, swept: &[(String, String)]) -> Result<Opened, Error> {
    let name = path.display().to_string();
    let mut sets = args
        .sets
        .iter()
        .map(|set| sets::split(set))
        .collect::<Result<Vec<_>, _>>()?;
    sets.extend_from_slice(swept);
    let preset = PLATFORMS.iter().find(|preset| preset.name == name);
    let located = match preset {
        Some(preset) => Located::parse(preset.json, preset.name, &sets)?,
        None if path.exists() => Located::read_file(path, &sets)?,
        None => {
            let names: Vec<&str> = PLATFORMS.iter().map(|preset| preset.name).collect();
            let file = "a JSON file or a SCALE-Sim configuration (.cfg)";
            return Err(absent(&name, "platform", &names, file));
        }
    };
    if located.value().get("samples").is_some() {
        return calibrated(path, !sets.is_empty());
    }
    let platform: Platform = located.read()?;
    if let Err(fault) = platform.check() {
        return Err(located.fail_at(fault.path, fault.reason).into());
    }
    let costs = platform.engine.model.cost_model();
    Ok(Opened {
        platform,
        costs,
        off: &[],
    })
}

/// What `tandem calibrate host` wrote: the preset `cpu` with measured layers.
fn calibrated(path: &Path, changed: bool) -> Result<Opened, Error> {
    let file = path.display().to_string();
    if changed {
        let reason = "is a calibration, which --set cannot change, nor --sweep; calibrate again instead";
        return Err(InputError::file(&file, reason).into());
    }
    let calibration = Calibration::read(path)?;
    let model = HostModel::fit(&calibration);
    let model = model.map_err(|error| InputError::file(&file, error.to_string()))?;
    let mut platform = Platform::preset("cpu").ok_or_else(|| Error::Run("the preset `cpu` is missing".into()))?;
    let costs = HostCosts::of(model, &mut platform);
    Ok(Opened {
        platform,
        costs: Box::new(costs),
        off: &NOT_DONE,
    })
}

/// A built-in network at the size that is asked for, an ONNX file, or a SCALE-Sim topology.
///
/// # Errors
/// A name that there is not, a size that it cannot have, or a file that is not right.
pub fn network(args: &SimulateArgs) -> Result<Network, Error> {
    if has_extension(&args.network, "csv") {
        return topology(args, &args.network);
    }
    let unsupported = match args.unsupported {
        OnUnsupported::Error => Unsupported::Error,
        OnUnsupported::Elementwise => Unsupported::Elementwise,
    };
    let file = "an ONNX file (.onnx) or a SCALE-Sim topology (.csv)";
    named_or_onnx(&args.network, &args.sizes, unsupported, file)
}

/// A built-in network or an ONNX file; `file` names the files that the command reads.
///
/// # Errors
/// As of [`network`].
pub fn named_or_onnx(path: &Path, sizes: &NetworkArgs, unsupported: Unsupported, file: &str) -> Result<Network, Error> {
    let name = path.display().to_string();
    if zoo::entry(&name).is_none() && !has_extension(path, "onnx") {
        let names: Vec<&str> = zoo::NETWORKS.iter().map(|entry| entry.name).collect();
        return Err(absent(&name, "network", &names, file));
    }
    let options = options(sizes, unsupported)?;
    Ok(network::open(&name, &options)?)
}

/// How a network is to be read.
pub fn options(args: &NetworkArgs, unsupported: Unsupported) -> Result<network::Options, Error> {
    Ok(network::Options {
        input: args.input.as_deref().map(size).transpose()?,
        batch: args.batch,
        dims: args.dims.iter().map(|dim| named_size(dim)).collect::<Result<_, _>>()?,
        unsupported,
        branches: args
            .branches
            .iter()
            .map(|branch| named_branch(branch))
            .collect::<Result<_, _>>()?,
        trips: args
            .trips
            .iter()
            .map(|trips| named_trips(trips))
            .collect::<Result<_, _>>()?,
    })
}

/// Refuses arguments about sizes for a file that leaves none open.
pub fn refuse_sizes(args: &NetworkArgs, file: &str) -> Result<(), Error> {
    let lists = [&args.dims, &args.branches, &args.trips];
    if args.input.is_none() && args.batch.is_none() && lists.iter().all(|list| list.is_empty()) {
        return Ok(());
    }
    Err(Error::Input(format!(
        "--input, --batch, --dim, --branch and --trips do not go with {file}, which names its own sizes"
    )))
}

fn topology(args: &SimulateArgs, path: &Path) -> Result<Network, Error> {
    refuse_sizes(&args.sizes, "a topology")?;
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    Ok(Topology::read(path)?.network(&stem))
}

/// `512x1024`, or a number of tokens.
pub fn size(text: &str) -> Result<Vec<u64>, Error> {
    let sides: Result<Vec<u64>, _> = text.split(['x', 'X']).map(str::parse).collect();
    match sides {
        Ok(sides) if sides.len() <= 2 => Ok(sides),
        _ => Err(Error::Input(format!(
            "--input {text}: expected HEIGHTxWIDTH like 512x1024, or a number of tokens"
        ))),
    }
}

/// `then`, or `If_3=else`; whether it is `then`.
fn named_branch(text: &str) -> Result<(String, bool), Error> {
    let (name, branch) = text.rsplit_once('=').unwrap_or(("", text));
    match branch {
        "then" | "else" => Ok((name.to_owned(), branch == "then")),
        _ => Err(Error::Input(format!(
            "--branch {text}: expected then, else, or NODE=then like If_3=then"
        ))),
    }
}

/// `10`, or `Loop_3=10`.
fn named_trips(text: &str) -> Result<(String, u64), Error> {
    let (name, count) = text.rsplit_once('=').unwrap_or(("", text));
    match count.parse() {
        Ok(count) => Ok((name.to_owned(), count)),
        Err(_) => Err(Error::Input(format!(
            "--trips {text}: expected N or NODE=N like Loop_3=10"
        ))),
    }
}

/// `seq=128`.
pub fn named_size(text: &str) -> Result<(String, u64), Error> {
    let parts = text.split_once('=');
    match parts.map(|(name, size)| (name, size.parse())) {
        Some((name, Ok(size))) if !name.is_empty() => Ok((name.to_owned(), size)),
        _ => Err(Error::Input(format!("--dim {text}: expected NAME=N like seq=128"))),
    }
}

/// A name that is neither built in nor a file.
pub fn absent(name: &str, what: &str, names: &[&str], file: &str) -> Error {
    let near = nearest(name, names.iter().copied());
    let hint = near.map_or(String::new(), |near| format!("; did you mean {near}?"));
    let reason = format!(
        "there is no such {what}{hint} (built in are {}; or name {file})",
        names.join(", ")
    );
    InputError::file(name, reason).into()
}
