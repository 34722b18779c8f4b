//! One run of a sweep, in this process.

use std::path::Path;

use super::attempts::{End, Hold};
use super::halving::{self, Rule, Standing};
use super::score::Score;
use super::slurm;
use super::state::Left;
use super::{Planned, Task, manifest};
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::experiment::Experiment;
use crate::interrupt;
use crate::output::note;
use crate::run::{Reached, Run};

/// How a task ended.
pub enum Done {
    /// The run is finished, and what it found.
    Finished(Box<Evaluation>),
    /// It was finished before, or has to wait at its rung.
    Nothing,
    /// It pauses at a rung.
    Paused,
}

/// Runs task `index` of the sweep in `sweep`, to its end or to its next rung; a stopped run goes on. `wait`: where another
/// process is at it, wait until that has ended.
///
/// # Errors
/// [`Error::Busy`] where another process is at it; [`Error::Paused`] after a signal, with a checkpoint saved; those of
/// [`Run`].
pub fn task(sweep: &Path, index: usize, wait: bool) -> Result<Done, Error> {
    let planned = manifest::planned(sweep, index)?;
    let what = format!("task {index} ({})", planned.task.name());
    if let Ok(Left::Nothing) = planned.left(sweep) {
        note!("{what} is finished already");
        return Ok(Done::Nothing);
    }
    let reached = || Standing::of(&planned.task, sweep).reached();
    let before = reached();
    if !may_go_on(sweep, &planned.task)? {
        note!("{what} stays at its rung: others have more success there, or are still on their way");
        return Ok(Done::Nothing);
    }
    let hold = Hold::take(&planned.task.attempts(sweep), &what, wait)?;
    if reached() != before {
        note!("{what} has come to its next rung in another process");
        return Ok(Done::Nothing);
    }
    hold.begin()?;
    let (at_the_end, said) = (hold.clone(), what.clone());
    interrupt::before_the_end(move || {
        // The process ends in any case; what cannot be written then is found as killed.
        let _ = at_the_end.end(End::Stopped, None);
        note!("{}", stopped(&said));
    });
    let result = advance(&planned, sweep, &what, &hold);
    match &result {
        Ok(Done::Paused) => {}
        Ok(_) => hold.end(End::Finished, None)?,
        Err(Error::Stopped(_)) => hold.end(End::Stopped, None)?,
        // The first error is the one to report.
        Err(error) => drop(hold.end(End::Failed, Some(error.to_string()))),
    }
    match result {
        Err(Error::Stopped(_)) => Err(Error::Paused(stopped(&what))),
        other => other,
    }
}

/// Goes on with runs that have earned their next rung and that nobody is at, until there is none.
///
/// # Errors
/// As [`task`], but for runs that fail: they are noted, and their combination is out.
pub fn onward(sweep: &Path) -> Result<(), Error> {
    let tasks = manifest::tasks(sweep)?;
    loop {
        let began = |task: &Task| Standing::of(task, sweep).reached() > 0;
        let allowed = halving::allowed(sweep, &tasks, Rule::AtOnce);
        let Some(next) = allowed.into_iter().find(|&index| began(&tasks[index])) else {
            return Ok(());
        };
        match task(sweep, tasks[next].task, false) {
            Err(error @ Error::Paused(_)) => return Err(error),
            Err(Error::Busy(_)) | Ok(_) => {} // who is at it holds it, so that it is not allowed again
            Err(error) => note!("{error}"),
        }
    }
}

fn may_go_on(sweep: &Path, task: &Task) -> Result<bool, Error> {
    if task.halving.is_none() || Standing::of(task, sweep).reached() == 0 {
        return Ok(true);
    }
    let tasks = manifest::tasks(sweep)?;
    // Who is at it in this moment says so; here only the standing counts.
    let allowed = halving::allowed(sweep, &tasks, Rule::AtOnce);
    Ok(allowed.contains(&task.task) || super::attempts::is_held(&task.attempts(sweep)))
}

fn advance(planned: &Planned, sweep: &Path, what: &str, hold: &Hold) -> Result<Done, Error> {
    let folder = sweep.join(&planned.task.folder);
    let mut run = match planned.left(sweep)? {
        Left::Nothing => {
            note!("{what} is finished already"); // by whom this process waited for
            return Ok(Done::Nothing);
        }
        Left::Rest => Run::resume(&folder, &[])?,
        Left::All => {
            let origin = sweep.join(manifest::FILE).display().to_string();
            let experiment = Experiment::parse(&planned.config.to_string(), &origin)?;
            Run::start(&experiment, Some(&folder), &planned.task.experiment, None)?
        }
    };
    note!("{what}: {}", folder.display());
    let rungs = planned.task.halving.as_ref().map_or(&[][..], |halving| &halving.rungs);
    let ahead = &rungs[Standing::of(&planned.task, sweep).reached().min(rungs.len())..];
    let Some(next) = ahead.first() else {
        return run.complete().map(Box::new).map(Done::Finished);
    };
    match run.advance(*next)? {
        Reached::Steps(env_steps) => {
            let score = Score::of(&folder)?;
            let percent = 100.0 * score.success;
            note!("{what} pauses at a rung: {env_steps} environment steps, true success {percent:.1} %");
            hold.reach(env_steps, score, 1)?;
            Ok(Done::Paused)
        }
        Reached::End(judged) => {
            // it ended early, and counts at the rungs that it did not need
            hold.reach(judged.env_steps, Score::of(&folder)?, ahead.len())?;
            Ok(Done::Finished(judged))
        }
    }
}

/// What is said of a run that a signal has stopped, after what is to be done about it.
fn stopped(what: &str) -> String {
    let signal = interrupt::requested().map_or("a signal", interrupt::Signal::name);
    format!("{what}: {signal}, its checkpoint is saved; {}", slurm::after_stop())
}
