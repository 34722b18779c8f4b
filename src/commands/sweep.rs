//! `tandem sweep`: many runs of one plan ([`crate::sweep`]).

use std::collections::BTreeSet;
use std::fs;

use super::{print_json, train};
use crate::atomic;
use crate::cli::{
    Engine, SweepArgs, SweepCommand, SweepPlanArgs, SweepRunArgs, SweepStatusArgs, SweepSubmitArgs, SweepSummariseArgs,
};
use crate::error::Error;
use crate::interrupt;
use crate::output::{self, note, out, program, quoted};
use crate::sweep::halving::{self, Rule};
use crate::sweep::local::{self, Outcome};
use crate::sweep::plan::Plan;
use crate::sweep::run::{self, Done};
use crate::sweep::slurm::{self, Request, Script};
use crate::sweep::state::State;
use crate::sweep::status::Status;
use crate::sweep::summary::{Summary, group};
use crate::sweep::{Task, manifest};

/// The plan's copy in the sweep's folder.
const PLAN: &str = "plan.json";
/// Tables and plots in the sweep's folder.
const SUMMARY: &str = "summary";
/// Where schedulers say which task of an array a process is.
const INDICES: [&str; 3] = ["SLURM_ARRAY_TASK_ID", "HQ_TASK_ID", "JOB_COMPLETION_INDEX"];

/// Runs the command.
///
/// # Errors
/// Those of its parts.
pub fn run(args: &SweepArgs) -> Result<(), Error> {
    match &args.what {
        SweepCommand::Plan(args) => plan(args),
        SweepCommand::Run(args) => run_tasks(args),
        SweepCommand::Submit(args) => submit(args),
        SweepCommand::Status(args) => status(args),
        SweepCommand::Summarise(args) => summarise(args),
    }
}

fn plan(args: &SweepPlanArgs) -> Result<(), Error> {
    let plan = Plan::read(&args.plan)?;
    let (folder, shown) = (&args.out, args.out.display());
    if manifest::is_at(folder) {
        let count = manifest::compare(&plan, folder)?;
        return Ok(out!("{count} runs are planned in {shown} already")?);
    }
    // what a killed `plan` may leave is written again
    let entries = || fs::read_dir(folder).into_iter().flatten().flatten();
    if folder.is_file() {
        return Err(Error::Input(format!("{shown} is a file; name a folder with --out")));
    }
    if !entries().all(is_left_by_plan) {
        return Err(Error::Input(format!(
            "{shown} is not empty and holds no sweep; name another folder with --out"
        )));
    }
    let cannot = |error| Error::Run(format!("cannot write {shown}: {error}"));
    let was_there = folder.is_dir();
    atomic::create_folders(folder).map_err(cannot)?;
    let count = manifest::write(&plan, folder).inspect_err(|_| {
        if !was_there {
            let _ = fs::remove_dir(folder); // the first error is the one to report
        }
    })?;
    let text = fs::read(&args.plan).map_err(cannot)?;
    atomic::write(&folder.join(PLAN), &text).map_err(cannot)?;
    let program = program();
    out!("{count} runs planned in {shown}")?;
    let typed = quoted(folder);
    out!("here          {program} sweep run {typed} --tasks all")?;
    out!("on a cluster  {program} sweep submit {typed} --engine slurm")?;
    Ok(out!("then          {program} sweep summarise {typed}")?)
}

/// Whether a file or folder is one of those that come before the manifest.
fn is_left_by_plan(entry: fs::DirEntry) -> bool {
    let name = entry.file_name();
    let name = name.to_string_lossy();
    name.starts_with("model-") || name.starts_with('.')
}

fn run_tasks(args: &SweepRunArgs) -> Result<(), Error> {
    interrupt::install().map_err(|error| Error::Run(format!("no signal handler: {error}")))?;
    if let Some(list) = &args.tasks {
        return run_here(args, list);
    }
    let index = match args.task {
        Some(index) => index,
        None => index_from_scheduler()?,
    };
    let planned = manifest::planned(&args.sweep, index)?;
    let own = match run::task(&args.sweep, index, args.wait) {
        Ok(Done::Finished(judged)) => train::summarise(&args.sweep.join(&planned.task.folder), &judged),
        Ok(Done::Nothing | Done::Paused) => Ok(()),
        Err(error @ Error::Paused(_)) => return Err(error),
        Err(Error::Busy(who)) if args.onward => {
            note!("{who}"); // another task of the array, which goes on with it
            Ok(())
        }
        Err(error) => Err(error),
    };
    match args.onward {
        // even where its own run failed: that may be what others waited for at their rung
        true => run::onward(&args.sweep).and(own),
        false => own,
    }
}

fn index_from_scheduler() -> Result<usize, Error> {
    let found = INDICES.iter().find_map(|name| Some((name, std::env::var(name).ok()?)));
    let Some((name, text)) = found else {
        let text = format!(
            "name a task with --task or --tasks; none of {} is set",
            INDICES.join(", ")
        );
        return Err(Error::Input(text));
    };
    text.trim()
        .parse()
        .map_err(|_| Error::Input(format!("{name} is `{text}`, which is no number of a task")))
}

/// Whether runs are compared on the way.
fn pauses(tasks: &[Task]) -> bool {
    tasks.iter().any(|task| task.halving.is_some())
}

/// Runs several tasks on this machine.
fn run_here(args: &SweepRunArgs, list: &str) -> Result<(), Error> {
    let all = manifest::tasks(&args.sweep)?;
    let chosen: Vec<usize> = match list.trim() {
        "all" => (0..all.len()).collect(),
        list => numbers(list, all.len())?,
    };
    let tasks: Vec<Task> = chosen.iter().map(|&index| all[index].clone()).collect();
    let pauses = pauses(&tasks);
    let outcomes = match pauses {
        true => local::run_rounds(&args.sweep, &all, &chosen, args.jobs)?,
        false => local::run(&args.sweep, &tasks, args.jobs)?,
    };
    let states = State::all(&tasks, &args.sweep);
    let done = states.iter().filter(|state| **state == State::Finished).count();
    let counts = format!("{done} of {} runs finished in {}", tasks.len(), args.sweep.display());
    if interrupt::requested().is_some() {
        return Err(Error::Paused(format!("stopped with {counts}; {}", slurm::after_stop())));
    }
    let now = outcomes.iter().filter(|o| matches!(o, Some(Outcome::Failed(_))));
    // with rungs, what failed in an earlier call is not tried again
    let ever = states.iter().filter(|state| matches!(state, State::Failed(_)));
    let failed = now.count().max(ever.count());
    if failed > 0 {
        let then = match pauses {
            true => "failed for good; `sweep status` says why",
            false => "failed; the same command tries them again",
        };
        return Err(Error::Run(format!("{counts}, {failed} {then}")));
    }
    let paused = states
        .iter()
        .filter(|state| matches!(state, State::Paused { .. }))
        .count();
    match done + paused == tasks.len() {
        true if pauses => Ok(out!("{counts}, {paused} stopped at a rung")?),
        true => Ok(out!("{counts}")?),
        false => Err(Error::Busy(format!("{counts}; other processes are at the rest"))),
    }
}

/// The numbers that `0-7,9` means, sorted, each once.
fn numbers(list: &str, count: usize) -> Result<Vec<usize>, Error> {
    let wrong = |part: &str, why: String| Error::Input(format!("--tasks {list}: `{part}` {why}"));
    let mut found = BTreeSet::new();
    for part in list.split(',').map(str::trim) {
        let (first, last) = part.split_once('-').unwrap_or((part, part));
        let (Ok(first), Ok(last)) = (first.trim().parse::<usize>(), last.trim().parse::<usize>()) else {
            return Err(wrong(part, "is no number and no range; write `all` or 0-7,9".into()));
        };
        if first > last || last >= count {
            return Err(wrong(part, format!("is not within 0 to {}", count.saturating_sub(1))));
        }
        found.extend(first..=last);
    }
    Ok(found.into_iter().collect())
}

fn submit(args: &SweepSubmitArgs) -> Result<(), Error> {
    let Engine::Slurm = args.engine;
    let tasks = manifest::tasks(&args.sweep)?;
    let left = left_to_submit(args, &tasks)?;
    if left.is_empty() {
        return Ok(out!("nothing to submit")?);
    }
    let request = Request {
        sweep: &args.sweep,
        max_parallel: args.max_parallel,
        time: args.time.as_deref(),
        extra: &args.extra,
        onward: pauses(&tasks),
    };
    let (arrays, summary) = (request.scripts(&left)?, request.summary()?);
    if args.dry_run {
        return show(&request, &arrays, &summary);
    }
    let mut jobs = Vec::new();
    for script in &arrays {
        let job = request.submit(script, &[])?;
        out!(
            "array     job {job}, indices {} ({})",
            script.array,
            request.path(script).display()
        )?;
        jobs.push(job);
    }
    let job = request.submit(&summary, &jobs)?;
    Ok(out!(
        "summary   job {job}, when these have ended ({})",
        request.path(&summary).display()
    )?)
}

/// The tasks that may go on and are not in the queue, ascending; says how many there are of each kind.
fn left_to_submit(args: &SweepSubmitArgs, tasks: &[Task]) -> Result<Vec<usize>, Error> {
    let queued = match slurm::queued(&args.sweep) {
        Err(_) if args.dry_run => Default::default(), // may be typed where there is no SLURM
        queued => queued?,
    };
    let states = State::all(tasks, &args.sweep);
    let count = |of: &dyn Fn(&State) -> bool| states.iter().filter(|state| of(state)).count();
    let is_failed = |state: &State| matches!(state, State::Failed(_));
    let mut left = halving::allowed(&args.sweep, tasks, Rule::AtOnce);
    left.retain(|task| (args.failed || !is_failed(&states[*task])) && !queued.contains(task));
    left.sort_unstable();
    let (finished, failed) = (count(&|state| *state == State::Finished), count(&is_failed));
    note!(
        "{} runs: {finished} finished, {} in the queue, {failed} failed, {} to submit",
        tasks.len(),
        queued.len(),
        left.len()
    );
    if failed > 0 && !args.failed && !pauses(tasks) {
        note!("failed runs are left out: `sweep status` says why, --failed submits them again");
    }
    Ok(left)
}

fn show(request: &Request, arrays: &[Script], summary: &Script) -> Result<(), Error> {
    for script in arrays.iter().chain([summary]) {
        out!("# {}\n{}", request.path(script).display(), script.text)?;
    }
    let typed = |words: Vec<String>| {
        let words: Vec<String> = words.iter().map(quoted).collect();
        out!("sbatch {}", words.join(" "))
    };
    for script in arrays {
        typed(request.words(script, &[]))?;
    }
    Ok(typed(request.words(summary, &["JOB".into()]))?)
}

fn status(args: &SweepStatusArgs) -> Result<(), Error> {
    let tasks = manifest::tasks(&args.sweep)?;
    let status = Status::of(&args.sweep, &tasks, &State::all(&tasks, &args.sweep));
    match args.json {
        true => print_json(&status),
        false => Ok(output::text(status.text())?),
    }
}

fn summarise(args: &SweepSummariseArgs) -> Result<(), Error> {
    let tasks = manifest::tasks(&args.sweep)?;
    let summary = Summary::new(group::collect(&args.sweep, &tasks, |_| None));
    let folder = args.sweep.join(SUMMARY);
    atomic::create_folders(&folder)
        .map_err(|error| Error::Run(format!("cannot make {}: {error}", folder.display())))?;
    let paths = summary.write(&folder, "summary.json")?;
    let (finished, all) = summary.counts();
    if args.json {
        print_json(&summary.document())?;
    } else if args.csv {
        output::text(summary.groups_csv())?;
    } else {
        output::text(summary.plain())?;
        paths.iter().try_for_each(|path| out!("{}", path.display()))?;
    }
    if finished < all {
        note!("{} of {all} runs have no result; they are marked", all - finished);
    }
    Ok(())
}
