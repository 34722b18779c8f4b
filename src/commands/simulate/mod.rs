//! `tandem simulate`: a neural network on a virtual accelerator.

pub(super) mod open;
mod report;
mod scalesim;
pub(super) mod system;
pub(super) mod table;
mod variants;
mod watch;

use std::path::Path;

use super::attention;
use crate::cli::SimulateArgs;
use crate::error::Error;

/// Runs the command.
///
/// # Errors
/// A name or file that is not right, a network that does not fit, or a file that cannot be written.
pub fn run(args: &SimulateArgs) -> Result<(), Error> {
    if args.network.as_os_str() == attention::NAME {
        without_a_system(args, "analog attention")?;
        return attention::run(args);
    }
    let first = &args.platforms[0];
    if has_extension(first, "cfg") && args.platforms.len() == 1 {
        return scalesim::run(args);
    }
    if args.platforms.len() > 1 || args.sweep.is_some() {
        return variants::run(args, &open::network(args)?);
    }
    let opened = open::platform(args, first, &[])?;
    let network = open::network(args)?;
    system::run(args, &network, &opened)
}

/// Refuses options that only a network on a whole system has: nothing that is typed is ignored.
fn without_a_system(args: &SimulateArgs, what: &str) -> Result<(), Error> {
    let given = [
        ("--input", args.sizes.input.is_some()),
        ("--batch", args.sizes.batch.is_some()),
        ("--dim", !args.sizes.dims.is_empty()),
        ("--branch", !args.sizes.branches.is_empty()),
        ("--trips", !args.sizes.trips.is_empty()),
        ("--set", !args.sets.is_empty()),
        ("--sweep", args.sweep.is_some()),
        ("a second platform", args.platforms.len() > 1),
        ("--no-pass", !args.no_pass.is_empty()),
        ("--trace", args.trace.is_some()),
        ("--report", args.report.is_some()),
        ("--csv", args.csv.is_some()),
        ("--max-area", args.max_area.is_some()),
        ("--max-power", args.max_power.is_some()),
    ];
    match given.iter().find(|(_, given)| *given) {
        Some((option, _)) => Err(Error::Input(format!(
            "{option} does not go with {what}; it is for networks on platforms (`tandem list platforms`)"
        ))),
        None => Ok(()),
    }
}

/// Whether a file's name ends like this, in either case.
pub(super) fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(extension))
}
