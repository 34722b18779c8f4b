//! `tandem report`: a run, or a folder of runs, as one page.

use crate::cli::ReportArgs;
use crate::destination;
use crate::error::Error;
use crate::output::out;
use crate::report;

/// Runs the command.
///
/// # Errors
/// A folder without a run, a run that is damaged beyond reading, a page that cannot be written.
pub fn run(args: &ReportArgs) -> Result<(), Error> {
    let path = args.out.clone().unwrap_or_else(|| args.run.join("report.html"));
    if args.out.is_some() {
        destination::check(&path)?; // before the episodes are played
    }
    let page = report::page(&args.run)?;
    destination::write(&path, page.as_bytes())?;
    if !destination::is_stdout(&path) {
        out!("{}", path.display())?;
    }
    Ok(())
}
