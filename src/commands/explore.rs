//! `tandem explore`: designs circuits together with an adapted language model.

use std::path::{Path, PathBuf};

use serde_json::json;
use tandem_language::CodesignSettings;

use super::print_json;
use crate::adaptation::LanguageExperiment;
use crate::cli::ExploreArgs;
use crate::codesign::report::{CodesignReport, Summary};
use crate::codesign::{complete, folder_of};
use crate::error::Error;
use crate::interrupt;
use crate::output::out;

/// Runs the command.
///
/// # Errors
/// A folder that is no finished run of `tandem adapt`, a picture that cannot be written, a signal.
pub fn run(args: &ExploreArgs) -> Result<(), Error> {
    interrupt::install().map_err(|error| Error::Run(format!("no signal handler: {error}")))?;
    let command = command(args);
    let (mut folders, mut reports) = (Vec::new(), Vec::new());
    for run in &args.runs {
        let own = settings(run, args)?;
        for seed in own.seed..own.seed.saturating_add(u64::from(args.seeds)) {
            let settings = CodesignSettings { seed, ..own.clone() };
            reports.push(complete(run, &settings, &command)?);
            folders.push(folder_of(run, seed));
        }
    }
    show(&folders, &reports, args.json)
}

/// Prints co-designs, and what they have in common where there are several.
///
/// # Errors
/// A value that cannot be written.
pub fn show(folders: &[PathBuf], reports: &[CodesignReport], json: bool) -> Result<(), Error> {
    let summary = Summary::new(reports);
    if json {
        return print_json(&json!({"codesigns": reports, "summary": summary}));
    }
    for (folder, report) in folders.iter().zip(reports) {
        out!("{}", folder.display())?;
        report.lines().iter().try_for_each(|line| out!("{line}"))?;
        out!("pictures {}/pareto-*.png", folder.display())?;
    }
    if reports.len() > 1 {
        summary.lines().iter().try_for_each(|line| out!("{line}"))?;
    }
    Ok(())
}

/// The run's own settings, with what the command line changes.
fn settings(run: &Path, args: &ExploreArgs) -> Result<CodesignSettings, Error> {
    let experiment = LanguageExperiment::read(&run.join("experiment.json"), &[])?;
    let own = experiment.codesign.unwrap_or_default();
    Ok(CodesignSettings {
        rounds: args.rounds.unwrap_or(own.rounds),
        candidates: args.candidates.map_or(own.candidates, |n| n as usize),
        training: args.training.unwrap_or(own.training),
        margin: args.margin.unwrap_or(own.margin),
        seed: args.seed.unwrap_or(own.seed),
        ..own
    })
}

/// The command line that goes on after a signal.
fn command(args: &ExploreArgs) -> String {
    let mut text = "tandem explore".to_owned();
    args.runs.iter().for_each(|run| text += &format!(" {}", run.display()));
    let options = [
        ("rounds", args.rounds.map(|x| x.to_string())),
        ("candidates", args.candidates.map(|x| x.to_string())),
        ("training", args.training.map(|x| x.to_string())),
        ("margin", args.margin.map(|x| x.to_string())),
        ("seed", args.seed.map(|x| x.to_string())),
        ("seeds", (args.seeds > 1).then(|| args.seeds.to_string())),
    ];
    for (name, value) in options {
        if let Some(value) = value {
            text += &format!(" --{name} {value}");
        }
    }
    text
}
