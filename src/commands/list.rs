//! `tandem list`: problems, methods, experiments, networks, platforms and passes.

use std::path::Path;

use serde_json::{Value, json};
use tandem_accelerator::compile::PASSES;
use tandem_accelerator::platform::PLATFORMS;
use tandem_accelerator::{Platform, TooLarge, zoo};

use super::print_json;
use crate::adaptation::LanguageExperiment;
use crate::cli::{ListArgs, ListWhat};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::output::out;
use crate::registry;

/// Runs the command.
///
/// # Errors
/// A folder that cannot be read.
pub fn run(args: &ListArgs) -> Result<(), Error> {
    let rows = match args.what {
        ListWhat::Problems => problems(),
        ListWhat::Methods => registry::methods().iter().map(|m| row(m.name, m.about)).collect(),
        ListWhat::Experiments => experiments(&args.folder)?,
        ListWhat::Networks => networks()?,
        ListWhat::Platforms => platforms(),
        ListWhat::Passes => PASSES.iter().map(|pass| row(pass.name, pass.about)).collect(),
    };
    if args.json {
        return print_json(&json!({ "entries": rows }));
    }
    let text = |row: &Value, key: &str| row[key].as_str().unwrap_or_default().to_owned();
    let width = rows.iter().map(|r| text(r, "name").len()).max().unwrap_or(0);
    for entry in &rows {
        out!("{:width$}  {}", text(entry, "name"), text(entry, "about"))?;
    }
    Ok(())
}

fn row(name: &str, about: &str) -> Value {
    json!({"name": name, "about": about})
}

/// Built-in networks with their sizes.
fn networks() -> Result<Vec<Value>, Error> {
    let too_large = |error: TooLarge| Error::Run(error.to_string());
    let mut rows = Vec::new();
    for entry in &zoo::NETWORKS {
        let network = entry.build();
        let parameters = network.parameters().map_err(too_large)?;
        let macs = network.macs().map_err(too_large)?;
        let (millions, billions) = (1e-6 * parameters as f64, 1e-9 * macs as f64);
        let sizes = format!("{millions:.1} M parameters, {billions:.2} GMAC");
        let mut entry = row(entry.name, &format!("{}; {sizes}", entry.about));
        entry["parameters"] = json!(parameters);
        entry["macs"] = json!(macs);
        rows.push(entry);
    }
    Ok(rows)
}

/// Built-in platforms; each with its file and where its energies come from.
fn platforms() -> Vec<Value> {
    let entry = |preset: &tandem_accelerator::platform::Preset| {
        let platform = Platform::preset(preset.name);
        let table = platform.as_ref().map(|platform| platform.technology());
        let area = platform.as_ref().map(|platform| platform.area().total());
        let about = match (table, area) {
            (Some(table), Some(area)) => {
                format!("{}; {area:.1} mm2 by {}", preset.about, table.name)
            }
            _ => preset.about.to_owned(),
        };
        let mut entry = row(preset.name, &about);
        entry["platform"] = json!(platform);
        entry["technology"] = json!(table.map(|table| table.source));
        entry
    };
    PLATFORMS.iter().map(entry).collect()
}

/// Problems, each followed by its presets.
fn problems() -> Vec<Value> {
    let mut rows = Vec::new();
    for problem in registry::problems() {
        rows.push(row(problem.name, problem.about));
        for (name, about) in (problem.variants)() {
            rows.push(row(&format!("  {name}"), &about));
        }
    }
    rows
}

/// Experiment files of a folder, by name; one that is not right says so.
fn experiments(folder: &Path) -> Result<Vec<Value>, Error> {
    let unreadable = |error| Error::Input(format!("cannot list {}: {error}", folder.display()));
    let mut files: Vec<_> = std::fs::read_dir(folder)
        .map_err(unreadable)?
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "json"))
        .collect();
    files.sort();
    Ok(files
        .iter()
        .map(|path| {
            let name = path.display().to_string();
            let title = match LanguageExperiment::is_at(path) {
                true => LanguageExperiment::read(path, &[]).map(|experiment| experiment.title),
                false => Experiment::read(path, &[]).map(|experiment| experiment.title),
            };
            match title {
                Ok(title) => row(&name, &title),
                Err(error) => row(&name, &format!("not right: {error}")),
            }
        })
        .collect())
}
