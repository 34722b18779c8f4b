//! `tandem compare`: methods and seeds side by side.
//!
//! ```text
//! DIR/EXPERIMENT-METHOD-sSEED/      the run folders
//! DIR/EXPERIMENT-METHOD-sSEED.log   each run's messages
//! DIR/table.md, compare.json        the table
//! DIR/curves.png                    true success against environment steps
//! ```
//!
//! Finished runs are read, stopped ones go on, so the same command may be typed again at any time.

mod live;
mod plan;
mod pool;
mod report;
mod table;

use std::path::{Path, PathBuf};

use super::print_json;
use crate::cli::CompareArgs;
use crate::destination;
use crate::error::Error;
use crate::interrupt;
use crate::output::{self, out};
use crate::plot::{Axes, Center, Curve, held, learning_curves};
use live::Live;
use plan::{Job, JobState, Outcome};
use pool::Pool;
use report::Group;

/// Runs the command.
///
/// # Errors
/// Experiments that are not right; a folder that holds another experiment's run; [`Error::Paused`] after a
/// signal; at the end, runs that failed.
pub fn run(args: &CompareArgs) -> Result<(), Error> {
    interrupt::install().map_err(|error| Error::Run(format!("no signal handler: {error}")))?;
    let folder = plan::folder(args);
    let jobs = plan::plan(args)?;
    let states: Vec<JobState> = jobs.iter().map(Job::state).collect::<Result<_, _>>()?;
    std::fs::create_dir_all(&folder)
        .map_err(|error| Error::Run(format!("cannot make {}: {error}", folder.display())))?;

    let outcomes = train(args, &jobs, &states)?;
    if interrupt::requested().is_some() {
        return Err(paused(&outcomes, &folder));
    }
    let groups = report::collect(&jobs, &outcomes)?;
    write(&folder.join("table.md"), table::markdown(&groups).as_bytes())?;
    let document = report::document(&groups);
    let text =
        serde_json::to_string_pretty(&document).map_err(|error| Error::Run(format!("cannot write JSON: {error}")))?;
    write(&folder.join("compare.json"), format!("{text}\n").as_bytes())?;
    let pictures = draw(&groups, &folder)?;
    if args.json {
        print_json(&document)?;
    } else {
        output::text(table::plain(&groups))?;
        for path in [&folder.join("table.md"), &folder.join("compare.json")]
            .into_iter()
            .chain(&pictures)
        {
            out!("{}", path.display())?;
        }
    }
    all_good(&groups)
}

/// Announces and trains the runs that are not finished.
fn train(args: &CompareArgs, jobs: &[Job], states: &[JobState]) -> Result<Vec<Option<Outcome>>, Error> {
    let count = |state| states.iter().filter(|s| **s == state).count();
    let cores = rayon::current_num_threads();
    let left = jobs.len() - count(JobState::Finished);
    let at_a_time = args.jobs.map_or(cores, usize::from).min(left).max(1);
    let pool = Pool {
        program: std::env::current_exe().map_err(|error| Error::Run(format!("cannot find this program: {error}")))?,
        sets: &args.sets,
        at_a_time,
        threads: (cores / at_a_time).max(1),
    };
    let mut live = Live::new(jobs, states);
    if left > 0 {
        live.say(&format!(
            "{} runs: {} finished, {} to go on with, {} to start; {at_a_time} at a time, threads for each: {}",
            jobs.len(),
            count(JobState::Finished),
            count(JobState::Stopped),
            count(JobState::Absent),
            pool.threads
        ));
    }
    Ok(pool.run(jobs, states, &mut live))
}

fn paused(outcomes: &[Option<Outcome>], folder: &Path) -> Error {
    let done = outcomes.iter().filter(|o| **o == Some(Outcome::Finished)).count();
    Error::Paused(format!(
        "stopped with {done} of {} runs finished in {}; the same command goes on",
        outcomes.len(),
        folder.display()
    ))
}

/// Draws the learning curves of each experiment.
fn draw(groups: &[Group], folder: &Path) -> Result<Vec<PathBuf>, Error> {
    let mut paths = Vec::new();
    let parts: Vec<&[Group]> = groups.chunk_by(|a, b| a.experiment == b.experiment).collect();
    for part in &parts {
        let curves: Vec<Curve> = part
            .iter()
            .filter(|group| !group.runs.is_empty())
            .map(|group| Curve {
                name: group.method.clone(),
                seeds: held(group.runs.iter().map(|run| run.curve.clone()).collect()),
            })
            .collect();
        if curves.is_empty() {
            continue;
        }
        let experiment = &part[0].experiment;
        let axes = Axes {
            title: format!("{experiment}: median over seeds, band between quartiles"),
            x: "environment steps".into(),
            y: "true success".into(),
            range: Some((0.0, 1.0)),
            ..Axes::default()
        };
        let failed = |error| Error::Run(format!("cannot draw the learning curves: {error}"));
        let figure = learning_curves(&axes, &curves, Center::Median).map_err(failed)?;
        let name = if parts.len() == 1 {
            "curves.png".into()
        } else {
            format!("curves-{experiment}.png")
        };
        let path = folder.join(name);
        figure.save(&path)?;
        paths.push(path);
    }
    Ok(paths)
}

fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    destination::write(path, bytes)
}

fn all_good(groups: &[Group]) -> Result<(), Error> {
    let failed: usize = groups.iter().map(|group| group.failed.len()).sum();
    let all = failed + groups.iter().map(|group| group.runs.len()).sum::<usize>();
    if failed == 0 {
        return Ok(());
    }
    Err(Error::Run(format!(
        "{failed} of {all} runs failed; the same command tries them again"
    )))
}
