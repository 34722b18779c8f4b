//! `tandem list`: problems, methods, experiments, networks, platforms and passes.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};

use serde::Serialize;
use serde_json::{Map, Value, json};
use tandem_accelerator::compile::PASSES;
use tandem_accelerator::platform::PLATFORMS;
use tandem_accelerator::{Platform, TooLarge, zoo};
use tandem_core::spelling::nearest_by;

use super::print_json;
use crate::adaptation::LanguageExperiment;
use crate::cli::{ListArgs, ListWhat};
use crate::error::Error;
use crate::experiment::Experiment;
use crate::output::{self, note, out};
use crate::registry;
use crate::strict::Located;

/// Runs the command.
///
/// # Errors
/// A folder that cannot be read.
pub fn run(args: &ListArgs) -> Result<(), Error> {
    if let (ListWhat::Platforms, Some(name), false) = (args.what, &args.name, args.json)
        && let Some(preset) = PLATFORMS.iter().find(|preset| preset.name == name)
    {
        return Ok(output::text(preset.json)?);
    }
    let mut rows = match args.what {
        ListWhat::Problems => problems(),
        ListWhat::Methods => registry::methods().iter().map(|m| row(m.name, m.about)).collect(),
        ListWhat::Experiments => experiments(&args.folder)?,
        ListWhat::Networks => networks()?,
        ListWhat::Platforms => platforms(),
        ListWhat::Terms => terms(),
        ListWhat::Passes => PASSES.iter().map(|pass| row(pass.name, pass.about)).collect(),
    };
    if let Some(name) = &args.name {
        rows = only(rows, name)?;
    }
    if args.json {
        return print_json(&json!({ "entries": rows }));
    }
    let rows: Vec<Row> = rows
        .into_iter()
        .flat_map(|row| {
            let below = parameters(&row);
            std::iter::once(row.indented()).chain(below)
        })
        .collect();
    if rows.is_empty() {
        note!("there is nothing to list in {}", args.folder.display()); // all other lists are built in
    }
    let width = rows.iter().map(|row| row.name.len()).max().unwrap_or(0);
    for row in &rows {
        out!("{:width$}  {}", row.name, row.about)?;
    }
    Ok(())
}

/// Key of entries that belong to another one: its name.
const PART_OF: &str = "part_of";

/// The entry of this name, with what belongs to it.
fn only(rows: Vec<Row>, name: &str) -> Result<Vec<Row>, Error> {
    let nearest = nearest_by(name, &rows, |row| row.stem());
    let unknown = Error::Input(format!(
        "there is no `{name}` in this list{}",
        nearest.map_or(String::new(), |row| format!("; did you mean `{}`?", row.name))
    ));
    let belongs = |row: &Row| row.name == name || row.details.get(PART_OF).is_some_and(|of| of == name);
    let found: Vec<Row> = rows.into_iter().filter(belongs).collect();
    match found.is_empty() {
        true => Err(unknown),
        false => Ok(found),
    }
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
    /// Its name; of a file, that without folder and extension.
    fn stem(&self) -> &str {
        let stem = Path::new(&self.name).file_stem().and_then(OsStr::to_str);
        stem.unwrap_or(&self.name)
    }

    /// What belongs to another entry is set in under it.
    fn indented(self) -> Self {
        match self.details.contains_key(PART_OF) {
            true => Self {
                name: format!("  {}", self.name),
                ..self
            },
            false => self,
        }
    }

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
        let technology = json!(table.map(|table| &table.source));
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
            rows.push(row(&name, &about).with(PART_OF, problem.name.into()));
        }
    }
    rows
}

/// Experiment files of a folder and of those in it, by name; one that is not right says so.
fn experiments(folder: &Path) -> Result<Vec<Row>, Error> {
    let mut files = Vec::new();
    find(folder, DEPTH, &mut files).map_err(|error| unreadable(folder, &error))?;
    files.sort_by_key(|path| (path.components().count(), path.clone()));
    let rows = files.iter().filter_map(|path| {
        let name = path.display().to_string();
        let title = match LanguageExperiment::is_at(path) {
            true => LanguageExperiment::read(path, &[]).map(|experiment| experiment.title),
            false if !is_meant(path) => return None,
            false => Experiment::read(path, &[]).map(|experiment| experiment.title),
        };
        Some(match title {
            Ok(title) => row(&name, &title),
            Err(error) => row(&name, &format!("{}not right: {error}", stated_title(path))),
        })
    });
    Ok(rows.collect())
}

/// What a file that is not right says it shows.
fn stated_title(path: &Path) -> String {
    let found = Located::read_file(path, &[]).ok();
    let title = found.as_ref().and_then(|found| found.value().get("title")?.as_str());
    title.map_or(String::new(), |title| format!("{title}; "))
}

/// Folders in folders that are searched: `experiments/robots/gymnasium` is the deepest of those that are shipped.
const DEPTH: usize = 2;

fn find(folder: &Path, depth: usize, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        let is_run = || path.join("meta.json").exists();
        if path.is_dir() && depth > 0 && !is_run() {
            find(&path, depth - 1, files)?;
        } else if path.extension().is_some_and(|extension| extension == "json") {
            files.push(path);
        }
    }
    Ok(())
}

/// Whether a file was meant as an experiment: designs and other files may lie beside them.
fn is_meant(path: &Path) -> bool {
    let is_experiment = |value: &Value| value.get("problem").is_some() && value.get("parameters").is_none();
    Located::read_file(path, &[]).map_or(true, |found| is_experiment(found.value()))
}

fn unreadable(folder: &Path, error: &io::Error) -> Error {
    if error.kind() == io::ErrorKind::NotFound {
        return Error::Input(format!(
            "there is no folder {} here; experiments come with Tandem's repository: change into it, or name a folder with \
             --folder DIR",
            folder.display()
        ));
    }
    Error::Input(format!("cannot list {}: {error}", folder.display()))
}
