//! The page of a folder with several runs: methods or settings side by side, over seeds.

use std::cmp::Ordering;
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tandem_core::Stream;

use super::number::{count, duration, number, percent, percents};
use super::page::{Page, commands, side_by_side, table};
use super::replay::{Episode, Film, MOST, replay};
use super::run::{quoted, replay_caption};
use super::{charts, parallel, settings};
use crate::error::Error;
use crate::evaluate::Learnt;
use crate::evaluation::{Evaluation, Interval};
use crate::film::record;
use crate::judge::Starts;
use crate::metrics::{self, Row};
use crate::plot::{Axes, Center, Curve, held, intervals, learning_curves};
use crate::run_folder::{FINAL, RunError, RunFolder};
use crate::statistics::{Estimate, RESAMPLES, bootstrap, interquartile_mean, median_steps, steps_to_success};

/// How deep below the folder runs may lie.
const DEPTH: usize = 3;
/// Groups that are shown at work.
const SHOWN: usize = 4;
/// Most curves in a figure, as many as there are colours; most intervals in one.
const CURVES: usize = 8;
const INTERVALS: usize = 24;
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
        let settings = own.collect::<Vec<_>>().join(", ");
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
        let name = method.into_iter().chain(own).collect::<Vec<_>>().join(", ");
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
                "{} solves {} (n = {n})",
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

/// Curves, intervals and table of one experiment.
fn compare(page: &mut Page, of: &str, groups: &[Group]) -> Result<(), Error> {
    let mut best: Vec<&Group> = groups.iter().collect();
    if groups.len() > CURVES {
        best.sort_by(|a, b| b.merit().partial_cmp(&a.merit()).unwrap_or(Ordering::Equal)); // stable
    }
    let draw = |title: &str, y: &str, key: &str, range| {
        let axes = Axes {
            title: title.into(),
            width: charts::WIDTH,
            x: charts::STEPS.into(),
            y: y.into(),
            range,
            ..Axes::default()
        };
        let curves: Vec<Curve> = best.iter().take(CURVES).map(|group| group.curve(key)).collect();
        charts::inline(learning_curves(&axes, &curves, Center::Median))
    };
    let figures = [
        draw(
            "Success",
            "share of episodes solved in the true machine",
            "true_success",
            Some((0.0, 1.0)),
        )?,
        draw("Return", "mean sum of rewards in the true machine", "true_return", None)?,
        draw(
            "Proxy gap",
            "error of the effect (1 = the effect's own scale)",
            "proxy_gap",
            None,
        )?,
    ];
    let curves: Vec<String> = figures.into_iter().flatten().collect();
    let mut caption =
        "Median over the seeds, band between the quartiles. A run that ended early, since it was solved, keeps its last value."
            .to_owned();
    if groups.len() > CURVES {
        caption += &format!(" The best {CURVES} of {} are drawn.", groups.len());
    }
    if !curves.is_empty() {
        page.section(&format!("Learning{of}"), &caption, &side_by_side(&curves));
    }
    let rows: Vec<crate::plot::Row> = groups
        .iter()
        .take(INTERVALS)
        .filter_map(|group| {
            Some(crate::plot::Row {
                name: group.name.clone(),
                estimate: group.success()?,
                seeds: group.successes(),
            })
        })
        .collect();
    let axes = Axes {
        width: Some(560.0),
        x: "share of episodes solved in the true machine".into(),
        range: Some((0.0, 1.0)),
        ..Axes::default()
    };
    let figure = charts::inline(intervals(&axes, &rows))?;
    let caption = "Final judgement of the learnt pairs. Interquartile mean (IQM) over seeds: the mean of the middle half, with a \
                   bootstrap interval of 95 %; small dots are seeds. Steps to success: environment steps until true success \
                   reaches 80 % and stays there for three evaluations.";
    let content = format!(
        "{}{}",
        side_by_side(&figure.into_iter().collect::<Vec<_>>()),
        table(&HEAD, &summary(groups)) + &numbered(groups)
    );
    page.section(&format!("Result{of}"), caption, &content);
    let settings: Vec<_> = groups
        .iter()
        .flat_map(|group| group.finished().filter_map(|run| Some((&run.settings, run.success()?))))
        .collect();
    if let Some(chart) = parallel::chart(&settings) {
        let caption =
            "One line for each run, from its settings to its true success: dark lines are those that solve most.";
        page.section(&format!("Settings{of}"), caption, &chart);
    }
    Ok(())
}

const HEAD: [&str; 7] = [
    "compared",
    "seeds",
    "true success, IQM [95 %]",
    "solved",
    "steps to success, median",
    "environment steps",
    "computing time",
];

fn summary(groups: &[Group]) -> Vec<Vec<String>> {
    let line = |group: &Group| {
        let steps: Vec<Option<u64>> = group.finished().map(Run::steps_to_success).collect();
        let mean = |of: fn(&Evaluation) -> f64| {
            let values: Vec<f64> = group.finished().filter_map(|run| run.judged.as_ref().map(of)).collect();
            crate::statistics::mean(&values)
        };
        vec![
            group.name.clone(),
            format!("{} of {}", group.finished().count(), group.runs.len()),
            group
                .success()
                .map_or("-".into(), |success| percents(&Interval::from(success))),
            format!("{} of {}", steps.iter().flatten().count(), steps.len()),
            match median_steps(&steps) {
                Some(steps) => count(steps as u64),
                None if steps.is_empty() => "-".into(),
                None => "never".into(),
            },
            mean(|judged| judged.env_steps as f64).map_or("-".into(), |steps| count(steps as u64)),
            mean(|judged| judged.seconds).map_or("-".into(), duration),
        ]
    };
    groups.iter().map(line).collect()
}

/// What numbered groups are.
fn numbered(groups: &[Group]) -> String {
    let rows: Vec<Vec<String>> = groups
        .iter()
        .filter(|group| !group.settings.is_empty() && !group.name.contains(&group.settings))
        .map(|group| vec![group.name.clone(), group.settings.clone()])
        .collect();
    match rows.is_empty() {
        true => String::new(),
        false => format!(
            "<h3>Settings that differ</h3>{}",
            table(&["compared", "settings"], &rows)
        ),
    }
}

const RUN_HEAD: [&str; 8] = [
    "run",
    "compared",
    "seed",
    "true success",
    "return",
    "steps to success",
    "environment steps",
    "computing time",
];

fn run_rows(parts: &[(&str, Vec<Group>)]) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    for group in parts.iter().flat_map(|(_, groups)| groups) {
        for run in &group.runs {
            let judged = run.judged.as_ref();
            let name = run
                .folder
                .path()
                .file_name()
                .unwrap_or_default()
                .to_string_lossy()
                .into_owned();
            rows.push(vec![
                name,
                group.name.clone(),
                run.seed.to_string(),
                run.success().map_or("not finished".into(), percent),
                judged
                    .and_then(|judged| judged.total_return)
                    .map_or("-".into(), |value| number(value.mean)),
                match run.steps_to_success() {
                    Some(steps) => count(steps),
                    None => {
                        if judged.is_some() {
                            "never".into()
                        } else {
                            "-".into()
                        }
                    }
                },
                judged.map_or("-".into(), |judged| count(judged.env_steps)),
                judged.map_or("-".into(), |judged| duration(judged.seconds)),
            ]);
        }
    }
    rows
}

/// The best run of each group at work, side by side.
fn watch(page: &mut Page, groups: &[Group]) -> Result<(), Error> {
    let mut films = Vec::new();
    let mut ranked: Vec<&Group> = groups.iter().collect();
    if groups.len() > SHOWN {
        ranked.sort_by(|a, b| b.merit().partial_cmp(&a.merit()).unwrap_or(Ordering::Equal)); // stable
    }
    for (group, run) in ranked
        .into_iter()
        .filter_map(|group| Some((group, group.best()?)))
        .take(SHOWN)
    {
        let Ok(mut learnt) = Learnt::open(&run.folder) else {
            continue; // its numbers are shown all the same
        };
        let starts = Starts {
            name: "evaluation",
            seed: learnt.experiment.seed,
            episodes: 1,
        };
        let (design, dt) = (learnt.design(), learnt.instance.problem.spec().control_dt);
        let played = record(&mut *learnt.instance.problem, &learnt.policy, &design, starts, 0)?;
        let solved = if played.success { "solved" } else { "not solved" };
        let film = Film {
            title: format!("{}, seed {}", group.name, run.seed),
            outcome: format!("{solved}, return {}", number(played.total_return)),
            scenes: played.scenes,
        };
        films.push((film, dt));
    }
    let Some(dt) = films.first().map(|(_, dt)| *dt) else {
        return Ok(());
    };
    let episode = Episode {
        label: "1".into(),
        films: films.into_iter().map(|(film, _)| film).collect(),
    };
    if let Some(found) = replay(&[episode], dt, MOST) {
        let caption = format!(
            "The best run of each, in one episode. {}",
            replay_caption(found.stride, 1, 1)
        );
        page.replay("Replay", &caption, &found.data);
    }
    Ok(())
}

fn reproduce(runs: &[Run], path: &str) -> Vec<String> {
    let mut lines: Vec<String> = vec!["# each run has its settings and its seed in its folder; for example".into()];
    lines.extend(runs.iter().take(3).map(|run| {
        format!(
            "tandem train {}",
            quoted(&run.folder.file("experiment.json").display().to_string())
        )
    }));
    lines.push("# this page again".into());
    lines.push(format!("tandem report {}", quoted(path)));
    lines
}
