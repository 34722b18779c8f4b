//! `tandem adapt`: adapts a language model to analog attention.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::print_json;
use crate::adaptation::report::{AdaptationReport, Summary};
use crate::adaptation::{AdaptationRun, LanguageExperiment};
use crate::cli::AdaptArgs;
use crate::error::Error;
use crate::interrupt;
use crate::output::{note, out};
use crate::run_folder::{FINAL, RunFolder};
use crate::sets::split_sets;

/// Runs the command.
///
/// # Errors
/// Those of [`AdaptationRun`].
pub fn run(args: &AdaptArgs) -> Result<(), Error> {
    interrupt::install().map_err(|error| Error::Run(format!("no signal handler: {error}")))?;
    let Some(path) = &args.experiment else {
        let folder = args.resume.as_deref().unwrap_or(Path::new(""));
        return finish(&mut AdaptationRun::resume(folder)?, args.json);
    };
    let mut sets = split_sets(&args.sets)?;
    sets.extend(args.seed.map(|seed| ("language.seed".to_owned(), seed.to_string())));
    let experiment = LanguageExperiment::read(path, &sets)?;
    let name = path.file_stem().map_or("run".into(), |s| s.to_string_lossy());
    match args.seeds {
        None => {
            let mut run = AdaptationRun::start(&experiment, args.out.as_deref(), &name)?;
            finish(&mut run, args.json)
        }
        Some(count) => {
            let default = PathBuf::from(format!("runs/{name}-seeds"));
            let folder = args.out.clone().unwrap_or(default);
            seeds(&experiment, &folder, &name, u64::from(count), args.json)
        }
    }
}

fn finish(run: &mut AdaptationRun, json: bool) -> Result<(), Error> {
    note!("run folder: {}", run.path().display());
    note!("{}", run.about());
    let report = run.complete()?;
    if json {
        return print_json(&report);
    }
    report.lines().iter().try_for_each(|line| out!("{line}"))?;
    let folder = run.path();
    out!("pictures     {0}/adaptation.png, {0}/curves.png", folder.display())?;
    out!(
        "let it write tandem generate {} --prompt \"Ada went to\"",
        folder.display()
    )?;
    Ok(())
}

/// One run per seed; what is finished is read, what was stopped goes on.
fn seeds(experiment: &LanguageExperiment, folder: &Path, name: &str, count: u64, json: bool) -> Result<(), Error> {
    let mut reports = Vec::new();
    for seed in experiment.language.seed..experiment.language.seed.saturating_add(count) {
        let mut own = experiment.clone();
        own.language.seed = seed;
        let path = folder.join(format!("s{seed}"));
        note!("run folder: {}", path.display());
        reports.push(one(&own, &path, name).map_err(|error| match error {
            Error::Paused(_) => Error::Paused("stopped; the same command goes on".into()),
            other => other,
        })?);
    }
    let summary = Summary::new(&reports);
    if json {
        return print_json(&json!({"runs": reports, "summary": summary}));
    }
    for report in &reports {
        out!("seed {}", report.seed)?;
        report.lines().iter().try_for_each(|line| out!("  {line}"))?;
    }
    summary.lines().iter().try_for_each(|line| out!("{line}"))?;
    Ok(())
}

fn one(experiment: &LanguageExperiment, path: &Path, name: &str) -> Result<AdaptationReport, Error> {
    if !path.exists() {
        return AdaptationRun::start(experiment, Some(path), name)?.complete();
    }
    let stored = LanguageExperiment::read(&path.join("experiment.json"), &[])?;
    if stored != *experiment {
        let text = "holds a run of another experiment; name another folder with --out";
        return Err(Error::Input(format!("{}: {text}", path.display())));
    }
    match RunFolder::view(path)?.read_json(FINAL) {
        Ok(report) => Ok(report),
        Err(_) => AdaptationRun::resume(path)?.complete(),
    }
}
