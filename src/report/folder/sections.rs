//! The sections of a folder's page.

use std::cmp::Ordering;

use super::{Group, Run};
use crate::error::Error;
use crate::evaluate::Learnt;
use crate::evaluation::{Evaluation, Interval};
use crate::film::record;
use crate::judge::Starts;
use crate::plot::{Axes, Center, Curve, intervals, learning_curves};
use crate::report::number::{count, duration, number, percent, percents};
use crate::report::page::{Page, side_by_side, table};
use crate::report::replay::{Episode, Film, MOST, replay};
use crate::report::run::about_replay;
use crate::report::{charts, parallel};

/// Groups that are shown at work.
const SHOWN: usize = 4;
/// Most curves in a figure, as many as there are colours; most intervals in one.
const CURVES: usize = 8;
const INTERVALS: usize = 24;

/// Curves, intervals and table of one experiment.
pub(super) fn compare(page: &mut Page, of: &str, groups: &[Group]) -> Result<(), Error> {
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
        summary(groups) + &numbered(groups)
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

/// The table of results; with the price of not knowing the design, where control alone on a known one is among the groups.
fn summary(groups: &[Group]) -> String {
    let known = groups.iter().find(|group| group.runs[0].is_known());
    let known_steps = known.and_then(Group::median_steps);
    let price = |group: &Group| match group.runs[0].is_known() {
        true => None,
        false => Some(format!("{:.2}", group.median_steps()? / known_steps?)),
    };
    let line = |group: &Group| {
        let steps: Vec<Option<u64>> = group.finished().map(Run::steps_to_success).collect();
        let mean = |of: fn(&Evaluation) -> f64| {
            let values: Vec<f64> = group.finished().filter_map(|run| run.judged.as_ref().map(of)).collect();
            crate::statistics::mean(&values)
        };
        let mut cells = vec![
            group.name.clone(),
            format!("{} of {}", group.finished().count(), group.runs.len()),
            group
                .success()
                .map_or("-".into(), |success| percents(&Interval::from(success))),
            format!("{} of {}", steps.iter().flatten().count(), steps.len()),
            match group.median_steps() {
                Some(steps) => count(steps as u64),
                None if steps.is_empty() => "-".into(),
                None => "never".into(),
            },
            mean(|judged| judged.env_steps as f64).map_or("-".into(), |steps| count(steps as u64)),
            mean(|judged| judged.seconds).map_or("-".into(), duration),
        ];
        if known.is_some() {
            cells.push(price(group).unwrap_or("-".into()));
        }
        cells
    };
    let mut head = HEAD.to_vec();
    if known.is_some() {
        head.push("price of not knowing the design");
    }
    table(&head, &groups.iter().map(line).collect::<Vec<_>>())
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

pub(super) const RUN_HEAD: [&str; 8] = [
    "run",
    "compared",
    "seed",
    "true success",
    "return",
    "steps to success",
    "environment steps",
    "computing time",
];

pub(super) fn run_rows(parts: &[(&str, Vec<Group>)]) -> Vec<Vec<String>> {
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
                    None if judged.is_some() => "never".into(),
                    None => "-".into(),
                },
                judged.map_or("-".into(), |judged| count(judged.env_steps)),
                judged.map_or("-".into(), |judged| duration(judged.seconds)),
            ]);
        }
    }
    rows
}

/// The best run of each group at work, side by side.
pub(super) fn watch(page: &mut Page, groups: &[Group]) -> Result<(), Error> {
    let (mut films, mut shown) = (Vec::new(), None);
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
        let design = learnt.design();
        shown.get_or_insert_with(|| {
            (
                learnt.experiment.problem.clone(),
                learnt.instance.problem.spec().control_dt,
            )
        });
        let played = record(&mut *learnt.instance.problem, &learnt.policy, &design, starts, 0)?;
        let solved = if played.success { "solved" } else { "not solved" };
        films.push(Film {
            title: format!("{}, seed {}", group.name, run.seed),
            outcome: format!("{solved}, return {}", number(played.total_return)),
            scenes: played.scenes,
        });
    }
    let Some((problem, dt)) = shown else {
        return Ok(());
    };
    let episode = Episode {
        label: "1".into(),
        films,
    };
    if let Some(found) = replay(&[episode], dt, MOST) {
        let about = about_replay(&problem, &found, 1);
        let caption =
            format!("The best run of each, in the first episode of the final judgement, in the true machine.{about}");
        page.replay(&caption, &found.data, "");
    }
    Ok(())
}
