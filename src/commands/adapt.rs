//! `tandem adapt`: adapts a language model to analog attention.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::print_json;
use crate::adaptation::{AdaptationRun, FINAL, LanguageExperiment, report};
use crate::cli::AdaptArgs;
use crate::error::Error;
use crate::interrupt;
use crate::output::{note, out};
use crate::run_folder::RunFolder;
use crate::sets::split_sets;
use crate::statistics::mean_interval;

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
    let document = run.complete()?;
    if json {
        return print_json(&document);
    }
    report::lines(&document).iter().try_for_each(|line| out!("{line}"))?;
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
    let mut documents = Vec::new();
    for seed in experiment.language.seed..experiment.language.seed.saturating_add(count) {
        let mut own = experiment.clone();
        own.language.seed = seed;
        let path = folder.join(format!("s{seed}"));
        note!("run folder: {}", path.display());
        documents.push(one(&own, &path, name).map_err(|error| match error {
            Error::Paused(_) => Error::Paused("stopped; the same command goes on".into()),
            other => other,
        })?);
    }
    if json {
        return print_json(&json!({"runs": documents, "summary": summary(&documents)}));
    }
    for document in &documents {
        out!("seed {}", document["seed"])?;
        report::lines(document).iter().try_for_each(|line| out!("  {line}"))?;
    }
    summary_lines(&summary(&documents))
        .iter()
        .try_for_each(|line| out!("{line}"))?;
    Ok(())
}

fn one(experiment: &LanguageExperiment, path: &Path, name: &str) -> Result<Value, Error> {
    if !path.exists() {
        return AdaptationRun::start(experiment, Some(path), name)?.complete();
    }
    let stored = LanguageExperiment::read(&path.join("experiment.json"), &[])?;
    if stored != *experiment {
        let text = "holds a run of another experiment; name another folder with --out";
        return Err(Error::Input(format!("{}: {text}", path.display())));
    }
    match RunFolder::view(path)?.read_json(FINAL) {
        Ok(document) => Ok(document),
        Err(_) => AdaptationRun::resume(path)?.complete(),
    }
}

/// Mean, 95 % interval and range over the seeds of the figures that the adaptation is judged by.
fn summary(documents: &[Value]) -> Value {
    let over = |pointer: &str| {
        let all: Vec<f64> = documents.iter().filter_map(|d| d.pointer(pointer)?.as_f64()).collect();
        let mean = mean_interval(&all);
        let least = all.iter().copied().fold(f64::INFINITY, f64::min);
        let most = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        json!({
            "mean": mean.map(|m| m.value), "low": mean.map(|m| m.low), "high": mean.map(|m| m.high),
            "least": least, "most": most, "of": all.len(),
        })
    };
    let rows = SUMMARY.map(|(key, pointer, _, _)| (key.to_owned(), over(pointer)));
    let mut all = serde_json::Map::from_iter(rows);
    all.insert("seeds".into(), documents.len().into());
    Value::Object(all)
}

/// Rows of the summary: key, where it stands in a run's document, name, factor for people.
const SUMMARY: [(&str, &str, &str, f64); 6] = [
    (
        "recovered_after",
        "/adaptation/recovered_after",
        "updates until adapted",
        1.0,
    ),
    (
        "reset_above_linear",
        "/adaptation/reset_above_linear",
        "nat above linear at the reset start",
        1.0,
    ),
    (
        "perplexity_over_control",
        "/perplexity_over_control",
        "% perplexity over the softmax control",
        100.0,
    ),
    (
        "via_linear_minus_direct_equal_nonlinear",
        "/via_linear_minus_direct/equal_nonlinear_iterations",
        "nat, via linear minus direct, equal nonlinear iterations",
        1.0,
    ),
    (
        "via_linear_minus_direct_equal_total",
        "/via_linear_minus_direct/equal_iterations",
        "nat, via linear minus direct, equal iterations in all",
        1.0,
    ),
    ("energy_j", "/hardware/energy_j", "pJ per head and token", 1e12),
];

/// The summary for people.
fn summary_lines(summary: &Value) -> Vec<String> {
    let mut lines = vec![format!("over {} seeds, mean [95 %] (least, most):", summary["seeds"])];
    for (key, _, name, factor) in SUMMARY {
        let row = &summary[key];
        if row["of"] == 0 {
            continue; // a stage that the experiment leaves out
        }
        let part = |part: &str| factor * row[part].as_f64().unwrap_or(f64::NAN);
        lines.push(format!(
            "  {:9.4} [{:.4}, {:.4}] ({:.4}, {:.4}) of {}  {name}",
            part("mean"),
            part("low"),
            part("high"),
            part("least"),
            part("most"),
            row["of"]
        ));
    }
    lines
}
