//! `tandem bench`: what this machine gets out of it.

use crate::cli::BenchArgs;
use crate::error::Error;

/// Runs the command.
///
/// # Errors
/// A measurement that cannot be made.
pub fn run(_args: &BenchArgs) -> Result<(), Error> {
    Ok(())
}
