//! One run of a sweep, in this process.

use std::path::Path;

use super::attempts::{End, Hold};
use super::slurm;
use super::state::Left;
use super::{Planned, manifest};
use crate::error::Error;
use crate::evaluation::Evaluation;
use crate::experiment::Experiment;
use crate::interrupt;
use crate::output::note;
use crate::run::Run;

/// Runs task `index` of the sweep in `sweep`: `None` where it is finished already, else what it found. A stopped run goes
/// on. `wait`: where another process is at it, wait until that has ended.
///
/// # Errors
/// [`Error::Busy`] where another process is at it; [`Error::Paused`] after a signal, with a checkpoint saved; those of
/// [`Run`].
pub fn task(sweep: &Path, index: usize, wait: bool) -> Result<Option<Evaluation>, Error> {
    let planned = manifest::planned(sweep, index)?;
    let what = format!("task {index} ({})", planned.task.name());
    if let Ok(Left::Nothing) = planned.left(sweep) {
        note!("{what} is finished already");
        return Ok(None);
    }
    let hold = Hold::take(&planned.task.beside(sweep, ".attempts.jsonl"), &what, wait)?;
    let (at_the_end, said) = (hold.clone(), what.clone());
    interrupt::before_the_end(move || {
        // The process ends in any case; what cannot be written then is found as killed.
        let _ = at_the_end.end(End::Stopped, None);
        note!("{}", stopped(&said));
    });
    let result = finish(&planned, sweep, &what);
    match &result {
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

fn finish(planned: &Planned, sweep: &Path, what: &str) -> Result<Option<Evaluation>, Error> {
    let folder = sweep.join(&planned.task.folder);
    let mut run = match planned.left(sweep)? {
        Left::Nothing => {
            note!("{what} is finished already"); // by whom this process waited for
            return Ok(None);
        }
        Left::Rest => Run::resume(&folder)?,
        Left::All => {
            let origin = sweep.join(manifest::FILE).display().to_string();
            let experiment = Experiment::parse(&planned.config.to_string(), &origin)?;
            Run::start(&experiment, Some(&folder), &planned.task.experiment)?
        }
    };
    note!("{what}: {}", folder.display());
    run.complete().map(Some)
}

/// What is said of a run that a signal has stopped, after what is to be done about it.
fn stopped(what: &str) -> String {
    let signal = interrupt::requested().map_or("a signal", interrupt::Signal::name);
    format!("{what}: {signal}, its checkpoint is saved; {}", slurm::after_stop())
}
