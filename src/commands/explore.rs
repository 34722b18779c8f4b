//! `tandem explore`: designs circuits together with an adapted language model.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tandem_language::CodesignSettings;

use super::print_json;
use crate::adaptation::LanguageExperiment;
use crate::cli::ExploreArgs;
use crate::codesign::{complete, folder_of, report};
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
    let mut found = Vec::new();
    for run in &args.runs {
        let own = settings(run, args)?;
        for seed in own.seed..own.seed.saturating_add(u64::from(args.seeds)) {
            let settings = CodesignSettings { seed, ..own.clone() };
            let document = complete(run, &settings, &command)?;
            found.push((folder_of(run, seed), document));
        }
    }
    show(&found, args.json)
}

/// Prints co-designs, and what they have in common where there are several.
///
/// # Errors
/// A value that cannot be written.
pub fn show(found: &[(PathBuf, Value)], json: bool) -> Result<(), Error> {
    let documents: Vec<Value> = found.iter().map(|(_, document)| document.clone()).collect();
    let summary = report::summary(&documents);
    if json {
        return print_json(&json!({"codesigns": documents, "summary": summary}));
    }
    for (folder, document) in found {
        out!("{}", folder.display())?;
        report::lines(document).iter().try_for_each(|line| out!("{line}"))?;
        out!("pictures {}/pareto-*.png", folder.display())?;
    }
    if documents.len() > 1 {
        report::summary_lines(&summary)
            .iter()
            .try_for_each(|line| out!("{line}"))?;
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
