//! What `tandem map` is asked: machine and layers.

use std::path::Path;

use tandem_accelerator::loopnest::Machine;
use tandem_accelerator::network::{self, NetworkError};
use tandem_accelerator::onnx::Unsupported;
use tandem_accelerator::space::{Work, workload};
use tandem_accelerator::{mapper, zoo};

use crate::cli::MapArgs;
use crate::commands::simulate::{has_extension, open};
use crate::error::Error;
use crate::strict::Located;

/// The machine where nothing else is said: DOSA's default Gemmini.
const MACHINE: Machine = Machine {
    side: 16,
    accumulator_kb: 64.0,
    scratchpad_kb: 256.0,
};
/// Longest side, largest buffer (kB): beyond any chip.
const LONGEST_SIDE: u64 = 1 << 16;
const LARGEST_KB: f64 = 1e9;

/// The machine of `--machine`.
///
/// # Errors
/// A text or file that is no machine, or sizes that no machine has.
pub fn machine(text: &str) -> Result<Machine, Error> {
    let path = Path::new(text);
    if !text.contains('=') || has_extension(path, "json") {
        let located = Located::read_file(path, &[])?;
        let machine = located.read()?;
        return match fault(&machine) {
            Some((key, reason)) => Err(located.fail_at(key, reason).into()),
            None => Ok(machine),
        };
    }
    let mut machine = MACHINE;
    for part in text.split(',') {
        set(&mut machine, part).map_err(|reason| Error::Input(format!("--machine {text}: {reason}")))?;
    }
    match fault(&machine) {
        Some((key, reason)) => Err(Error::Input(format!("--machine {text}: {key} {reason}"))),
        None => Ok(machine),
    }
}

/// Reads `KEY=NUMBER`.
fn set(machine: &mut Machine, part: &str) -> Result<(), String> {
    let form = "expected side=N,accumulator_kb=X,scratchpad_kb=X";
    let (key, value) = part.split_once('=').ok_or(form)?;
    let (key, value) = (key.trim(), value.trim());
    let number = |value: &str| {
        value
            .parse::<f64>()
            .map_err(|_| format!("`{key}` must be a number, not `{value}`"))
    };
    match key {
        "side" => {
            let whole = value.parse();
            machine.side = whole.map_err(|_| format!("`side` must be a whole number, not `{value}`"))?;
        }
        "accumulator_kb" => machine.accumulator_kb = number(value)?,
        "scratchpad_kb" => machine.scratchpad_kb = number(value)?,
        other => return Err(format!("there is no `{other}`; {form}")),
    }
    Ok(())
}

/// The first size that no machine has.
fn fault(machine: &Machine) -> Option<(&'static str, String)> {
    let buffers = [
        ("accumulator_kb", machine.accumulator_kb),
        ("scratchpad_kb", machine.scratchpad_kb),
    ];
    if !(1..=LONGEST_SIDE).contains(&machine.side) {
        let reason = format!("must be from 1 to {LONGEST_SIDE}, not {}", machine.side);
        return Some(("side", reason));
    }
    let wrong = buffers.into_iter().find(|(_, kb)| !(*kb > 0.0 && *kb <= LARGEST_KB));
    wrong.map(|(key, kb)| (key, format!("must be above 0 and at most {LARGEST_KB:e}, not {kb}")))
}

/// The layers to map and the network's name.
///
/// # Errors
/// A name that there is not, a file that is not right, or a network with nothing to map.
pub fn layers(args: &MapArgs) -> Result<(String, Vec<Work>), Error> {
    let name = args.network.display().to_string();
    if has_extension(&args.network, "csv") {
        open::refuse_sizes(&args.sizes, "a table of layers")?;
        return Ok((name, mapper::read_layers(&args.network)?));
    }
    let options = open::options(&args.sizes, Unsupported::Error)?;
    let network = network::open(&name, &options).map_err(|error| match error {
        NetworkError::Unknown { .. } => {
            let names: Vec<&str> = zoo::NETWORKS.iter().map(|entry| entry.name).collect();
            open::absent(
                &name,
                "network",
                &names,
                "an ONNX file (.onnx) or a table of layers (.csv)",
            )
        }
        error => error.into(),
    })?;
    let works = workload(&network).map_err(|error| Error::Input(error.to_string()))?;
    Ok((network.name, works))
}
