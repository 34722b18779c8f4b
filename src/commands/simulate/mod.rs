//! `tandem simulate`: a neural network on a virtual accelerator.

mod open;
mod report;
mod scalesim;
mod system;
mod table;
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
        return attention::run(args);
    }
    if has_extension(&args.platform, "cfg") {
        return scalesim::run(args);
    }
    let opened = open::platform(args)?;
    let network = open::network(args)?;
    system::run(args, &network, &opened)
}

/// Whether a file's name ends like this, in either case.
fn has_extension(path: &Path, extension: &str) -> bool {
    path.extension()
        .is_some_and(|found| found.eq_ignore_ascii_case(extension))
}
