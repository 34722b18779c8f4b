//! `tandem list`: problems, methods, experiments, networks, platforms and passes.

use std::path::Path;

use serde::Serialize;
use serde_json::{Map, Value, json};
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
        ListWhat::Terms => terms(),
        ListWhat::Passes => PASSES.iter().map(|pass| row(pass.name, pass.about)).collect(),
    };
    if args.json {
        return print_json(&json!({ "entries": rows }));
    }
    let rows: Vec<Row> = rows
        .into_iter()
        .flat_map(|row| {
            let below = parameters(&row);
            std::iter::once(row).chain(below)
        })
        .collect();
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for row in &rows {
        out!("{:width$}  {}", row.name, row.about)?;
    }
    Ok(())
}

/// An entry of a list; scripts get the details too.
#[derive(Serialize)]
struct Row {
    name: String,
    about: String,
    #[serde(flatten)]
    details: Map<String, Value>,
}

impl Row {
    /// The same with another detail.
    fn with(mut self, key: &str, value: Value) -> Self {
        self.details.insert(key.to_owned(), value);
        self
    }
}

fn row(name: &str, about: &str) -> Row {
    Row {
        name: name.to_owned(),
        about: about.to_owned(),
        details: Map::new(),
    }
}

/// Built-in networks with their sizes.
fn networks() -> Result<Vec<Row>, Error> {
    let too_large = |error: TooLarge| Error::Run(error.to_string());
    let mut rows = Vec::new();
    for entry in &zoo::NETWORKS {
        let network = entry.build();
        let parameters = network.parameters().map_err(too_large)?;
        let macs = network.macs().map_err(too_large)?;
        let (millions, billions) = (1e-6 * parameters as f64, 1e-9 * macs as f64);
        let sizes = format!("{millions:.1} M parameters, {billions:.2} GMAC");
        let row = row(entry.name, &format!("{}; {sizes}", entry.about));
        rows.push(row.with("parameters", json!(parameters)).with("macs", json!(macs)));
    }
    Ok(rows)
}

/// Built-in platforms; each with its file and where its energies come from.
fn platforms() -> Vec<Row> {
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
        let technology = json!(table.map(|table| table.source));
        row(preset.name, &about)
            .with("platform", json!(platform))
            .with("technology", technology)
    };
    PLATFORMS.iter().map(entry).collect()
}

/// Terms of robots, by kind; each followed by its parameters.
fn terms() -> Vec<Row> {
    let mut rows = Vec::new();
    for term in tandem_robot::terms::catalogue() {
        let about = format!("{} [{}] = {}: {}", term.kind, term.unit, term.formula, term.doc);
        let details = [
            ("kind", json!(term.kind)),
            ("unit", json!(term.unit)),
            ("formula", json!(term.formula)),
            ("doc", json!(term.doc)),
            ("params", json!(term.params)),
        ];
        let entry = row(term.name, &about);
        let with = |entry: Row, (key, value): (&str, Value)| entry.with(key, value);
        rows.push(details.into_iter().fold(entry, with));
    }
    rows
}

/// The parameters of a term, a line each.
fn parameters(term: &Row) -> Vec<Row> {
    let params = term.details.get("params").and_then(Value::as_array);
    let text = |param: &Value, key: &str| param[key].as_str().unwrap_or_default().to_owned();
    let line = |param: &Value| {
        let default = match &param["default"] {
            Value::Null => "to be given".to_owned(),
            value => format!("default {value}"),
        };
        let about = format!("[{}] {}; {default}", text(param, "unit"), text(param, "doc"));
        row(&format!("  {}", text(param, "name")), &about)
    };
    params.into_iter().flatten().map(line).collect()
}

/// Problems, each followed by its presets.
fn problems() -> Vec<Row> {
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
fn experiments(folder: &Path) -> Result<Vec<Row>, Error> {
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
