//! The page of a folder with several runs: methods or settings side by side, over seeds.

mod sections;

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tandem_core::Stream;

use super::number::{percent, percents};
use super::page::{Page, commands, table};
use super::{charts, parallel, settings};
use crate::error::Error;
use crate::evaluation::{Evaluation, Interval};
use crate::metrics::{self, Row};
use crate::output::quoted;
use crate::plot::{Curve, held};
use crate::run_folder::{FINAL, RunError, RunFolder};
use crate::statistics::{Estimate, RESAMPLES, bootstrap, interquartile_mean, median_steps, steps_to_success};
use crate::sweep::summary::group::{FIXED, KNOWN_DESIGN};
use sections::{RUN_HEAD, compare, run_rows, watch};

/// How deep below the folder runs may lie.
const DEPTH: usize = 3;
/// Settings by which a group is named.
const NAMED: usize = 2;

/// One run of the folder.
struct Run {
    folder: RunFolder,
    /// What the folder's name says before method and seed.
    experiment: String,
    method: String,
    seed: u64,
    settings: BTreeMap<String, String>,
    rows: Vec<Row>,
    /// `None`: not finished.
    judged: Option<Evaluation>,
}

impl Run {
    fn open(path: &Path) -> Result<Self, Error> {
        let folder = RunFolder::view(path)?;
        let document = folder.experiment()?;
        let text = |key: &str| document[key].as_str().unwrap_or_default().to_owned();
        let (method, seed) = (text("method"), document["seed"].as_u64().unwrap_or(0));
        let name = path
            .file_name()
            .map_or_else(String::new, |name| name.to_string_lossy().into_owned());
        // EXPERIMENT-METHOD-sSEED, as comparisons name them, or EXPERIMENT-METHOD-cSETTING-sSEED, as sweeps do
        let experiment = name
            .strip_suffix(&format!("-s{seed}"))
            .and_then(|stem| stem.find(&format!("-{method}")).map(|end| stem[..end].to_owned()))
            .unwrap_or_else(|| text("problem"));
        let judged = match folder.read_json(FINAL) {
            Ok(judged) => Some(judged),
            Err(RunError::Missing(_)) => None,
            Err(error) => return Err(error.into()),
        };
        let rows = if folder.metrics().exists() {
            metrics::read(&folder.metrics())?
        } else {
            Vec::new()
        };
        Ok(Self {
            settings: settings::flat(&document),
            experiment,
            method,
            seed,
            rows,
            judged,
            folder,
        })
    }

    fn success(&self) -> Option<f64> {
        Some(self.judged.as_ref()?.success?.mean)
    }

    /// Whether this is control alone, on a design that is known.
    fn is_known(&self) -> bool {
        let design = self.settings.get(KNOWN_DESIGN);
        self.method == FIXED && design.is_some_and(|design| design != "null")
    }

    fn steps_to_success(&self) -> Option<u64> {
        let steps = |row: &Row| row.get("env_steps").and_then(Value::as_u64);
        let success = |row: &Row| row.get("true_success").and_then(Value::as_f64);
        let history: Vec<_> = self
            .rows
            .iter()
            .filter_map(|row| Some((steps(row)?, success(row))))
            .collect();
        steps_to_success(&history)
    }
}

/// Runs that differ in their seeds only.
struct Group<'a> {
    name: String,
    /// Its settings that are not the same in all.
    settings: String,
    runs: Vec<&'a Run>,
}

impl Group<'_> {
    fn finished(&self) -> impl Iterator<Item = &Run> {
        self.runs.iter().copied().filter(|run| run.success().is_some())
    }

    fn successes(&self) -> Vec<f64> {
        self.finished().filter_map(Run::success).collect()
    }

    /// Interquartile mean over the seeds with its bootstrap interval.
    fn success(&self) -> Option<Estimate> {
        let scores = self.successes();
        let mut stream = Stream::new(0, "bootstrap", 0);
        bootstrap(&[&scores], interquartile_mean, RESAMPLES, &mut stream)
    }

    /// Median of the steps to success of the finished runs.
    fn median_steps(&self) -> Option<f64> {
        median_steps(&self.finished().map(Run::steps_to_success).collect::<Vec<_>>())
    }

    /// By what groups are ranked: success, then return; what is not finished comes last.
    fn merit(&self) -> (f64, f64) {
        let returns = self
            .finished()
            .filter_map(|run| Some(run.judged.as_ref()?.total_return?.mean));
        let total = interquartile_mean(&returns.collect::<Vec<f64>>());
        (
            self.success().map_or(-1.0, |success| success.value),
            total.unwrap_or(f64::NEG_INFINITY),
        )
    }

    fn curve(&self, key: &str) -> Curve {
        let curves = self
            .runs
            .iter()
            .map(|run| charts::curve(&run.rows, key))
            .filter(|curve| !curve.is_empty());
        Curve {
            name: self.name.clone(),
            seeds: held(curves.collect()),
        }
    }

    /// The finished run that solves most.
    fn best(&self) -> Option<&Run> {
        self.finished()
            .max_by(|a, b| a.success().unwrap_or(0.0).total_cmp(&b.success().unwrap_or(0.0)))
    }
}

/// All run folders below a folder, in order of their paths.
pub fn runs_below(path: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    search(path, DEPTH, &mut found);
    found.sort();
    found
}

fn search(path: &Path, depth: usize, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(path)
        .into_iter()
        .flatten()
        .flatten()
        .map(|entry| entry.path())
    {
        let hidden = entry
            .file_name()
            .is_some_and(|name| name.to_string_lossy().starts_with('.'));
        match entry.is_dir() && !hidden {
            true if entry.join("meta.json").exists() => found.push(entry),
            true if depth > 1 => search(&entry, depth - 1, found),
            _ => {}
        }
    }
}

/// The page.
///
/// # Errors
/// No run that can be read.
pub fn page(path: &Path, folders: &[PathBuf]) -> Result<String, Error> {
    let (mut runs, mut failures) = (Vec::new(), Vec::new());
    for folder in folders {
        match Run::open(folder) {
            Ok(run) => runs.push(run),
            Err(error) => failures.push(error),
        }
    }
    if runs.is_empty() {
        return Err(failures.swap_remove(0));
    }
    let shown = path.display().to_string();
    let experiments: BTreeSet<&str> = runs.iter().map(|run| run.experiment.as_str()).collect();
    let title = experiments.iter().copied().collect::<Vec<_>>().join(", ");
    let facts = [format!("{} runs", runs.len()), shown.clone()];
    let parts: Vec<(&str, Vec<Group>)> = experiments.iter().map(|name| (*name, groups(&runs, name))).collect();
    let mut page = Page::new(&format!("Comparison: {title}"), &facts, &lead(&parts));
    failures
        .iter()
        .for_each(|error| page.notice(&format!("One run is left out: {error}.")));
    let open = runs.iter().filter(|run| run.judged.is_none()).count();
    if open > 0 {
        page.notice(&format!(
            "{open} of {} runs are not finished; their curves end where they are.",
            runs.len()
        ));
    }
    for (name, groups) in &parts {
        let of = if parts.len() > 1 {
            format!(" of {name}")
        } else {
            String::new()
        };
        compare(&mut page, &of, groups)?;
    }
    if parts.len() == 1 {
        watch(&mut page, &parts[0].1)?;
    }
    page.section("Runs", "Seed by seed.", &table(&RUN_HEAD, &run_rows(&parts)));
    page.section("Reproduce", "", &commands(&reproduce(&runs, &shown)));
    Ok(page.finish())
}

/// The groups of one experiment: by method, and by settings that are not the same in all. Few settings are named, many are
/// numbered and listed in the table of results.
fn groups<'a>(runs: &'a [Run], experiment: &str) -> Vec<Group<'a>> {
    let runs: Vec<&Run> = runs.iter().filter(|run| run.experiment == experiment).collect();
    let mut differing = parallel::differing(&runs.iter().map(|run| &run.settings).collect::<Vec<_>>());
    differing.retain(|key| key != "method");
    let several = runs.iter().any(|run| run.method != runs[0].method);
    let mut groups: Vec<Group> = Vec::new();
    for &run in &runs {
        let own = differing
            .iter()
            .filter_map(|key| Some(format!("{key} {}", run.settings.get(key)?)));
        let known = run.is_known().then(|| "known design".to_owned());
        let settings = known.clone().into_iter().chain(own).collect::<Vec<_>>().join(", ");
        let same = |group: &&mut Group| group.settings == settings && group.runs[0].method == run.method;
        if let Some(group) = groups.iter_mut().find(same) {
            group.runs.push(run);
            continue;
        }
        let short = |key: &String| Some(format!("{} {}", key.rsplit('.').next()?, run.settings.get(key)?));
        let own = match differing.len() {
            0 => None,
            1..=NAMED => Some(differing.iter().filter_map(short).collect::<Vec<_>>().join(", ")),
            _ => Some(format!("settings {}", groups.len() + 1)),
        };
        let method = (several || own.is_none()).then(|| run.method.clone());
        let name = method
            .into_iter()
            .chain(known)
            .chain(own)
            .collect::<Vec<_>>()
            .join(", ");
        groups.push(Group {
            name,
            settings,
            runs: vec![run],
        });
    }
    for group in &mut groups {
        group.runs.sort_by_key(|run| run.seed);
    }
    groups
}

/// What the groups reached, in a sentence; of many the best and the last.
fn lead(parts: &[(&str, Vec<Group>)]) -> String {
    let sentence = |(name, groups): &(&str, Vec<Group>)| {
        let mut ranked: Vec<(&Group, Estimate)> = groups
            .iter()
            .filter_map(|group| Some((group, group.success()?)))
            .collect();
        ranked.sort_by(|a, b| b.0.merit().partial_cmp(&a.0.merit()).unwrap_or(Ordering::Equal));
        let said = |(group, success): &(&Group, Estimate)| {
            let n = group.successes().len();
            format!(
                "{} solves {} (n\u{a0}=\u{a0}{n})",
                group.name,
                percents(&Interval::from(*success))
            )
        };
        let found = match &ranked[..] {
            [] => return format!("{name}: no run is finished yet."),
            [first, .., last] if ranked.len() > 3 && first.1.value == last.1.value => {
                format!(
                    "all {} solve {}; by return, the best is {}",
                    ranked.len(),
                    percent(first.1.value),
                    first.0.name
                )
            }
            [first, .., last] if ranked.len() > 3 => {
                format!("best of {}, {}; last, {}", ranked.len(), said(first), said(last))
            }
            few => few.iter().map(said).collect::<Vec<_>>().join("; "),
        };
        format!("{name}: {found}.")
    };
    let mut sentences: Vec<String> = parts.iter().map(sentence).collect();
    sentences
        .push("Numbers are the interquartile mean of true success over n seeds, with its interval of 95 %.".into());
    sentences.join(" ")
}

fn reproduce(runs: &[Run], path: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec!["# each run has its settings and its seed in its folder; for example".into()];
    lines.extend(
        runs.iter()
            .take(3)
            .map(|run| format!("tandem train {}", quoted(run.folder.file("experiment.json")))),
    );
    lines.push("# this page again".into());
    lines.push(format!("tandem report {}", quoted(path)));
    lines
}
