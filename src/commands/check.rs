//! `tandem check`: is this experiment right? Nothing is run, nothing is written.

use serde_json::json;

use super::print_json;
use crate::cli::CheckArgs;
use crate::error::Error;
use crate::experiment::Experiment;

/// Runs the command.
///
/// # Errors
/// The first file that is not right.
pub fn run(args: &CheckArgs) -> Result<(), Error> {
    let mut resolved = Vec::new();
    for path in &args.experiments {
        let experiment = Experiment::read(path, &args.sets)?;
        if !args.json {
            println!(
                "{}: good ({} by {}, {} environment steps)",
                path.display(),
                experiment.problem,
                experiment.method,
                experiment.schedule.env_steps
            );
        }
        resolved.push(json!({"file": path, "experiment": experiment}));
    }
    if args.json {
        print_json(&json!({ "experiments": resolved }))?;
    }
    Ok(())
}
