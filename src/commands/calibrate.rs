//! `tandem calibrate`: this machine's own inference, measured on random layers.

use serde_json::json;

use super::{json_text, print_json};
use crate::cli::CalibrateArgs;
use crate::destination;
use crate::error::Error;
use crate::host::{self, Plan};
use crate::interrupt;
use crate::output::out;
use tandem_accelerator::host::{Calibration, HostModel};

/// Runs the command.
///
/// # Errors
/// A machine too busy to be measured, a signal, or a file that cannot be written.
pub fn run(args: &CalibrateArgs) -> Result<(), Error> {
    host::with_native_kernels()?;
    let listening = interrupt::install();
    listening.map_err(|error| Error::Run(format!("no signal handlers: {error}")))?;
    destination::check(&args.out)?;
    host::pin_to_a_core();
    let _guard = tch::no_grad_guard();
    tch::manual_seed(0);
    let plan = Plan {
        convolutions: args.layers as usize,
        seed: args.seed,
        allow_noise: args.allow_noise,
    };
    let calibration = host::calibrate(&plan)?;
    HostModel::fit(&calibration).map_err(|error| Error::Run(error.to_string()))?;
    destination::write(&args.out, (json_text(&calibration)? + "\n").as_bytes())?;
    match destination::is_stdout(&args.out) {
        true => Ok(()),
        false => report(args, &calibration),
    }
}

fn report(args: &CalibrateArgs, calibration: &Calibration) -> Result<(), Error> {
    let file = args.out.display().to_string();
    if args.json {
        return print_json(&json!({
            "file": file,
            "layers": calibration.samples.len(),
            "repeat_percent": calibration.repeat_percent,
            "dispatch_seconds": calibration.dispatch_seconds,
            "processor": calibration.machine.processor,
            "threads": calibration.machine.threads,
        }));
    }
    out!(
        "{} layers measured on {}",
        calibration.samples.len(),
        calibration.machine.processor
    )?;
    out!("a repeated measurement differs by {:.2} %", calibration.repeat_percent)?;
    out!("{file} written; `tandem validate host --calibration {file}` asks it about networks")?;
    Ok(())
}
