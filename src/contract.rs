//! The contract of problems and methods, checked by `tandem check FILE --contract` and by Tandem's tests.
//!
//! A problem fulfils [`tandem_core::contract`]; a method saves its whole state, so that a resumed run computes the
//! same numbers as one that was not interrupted.

use serde_json::{Map, Value};
use tandem_core::contract::check_problem;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::registry;
use crate::trainer::Trainer;

/// Holds an experiment's problem to the contract, and its method to [`check_resume`] on [`small`].
///
/// # Errors
/// The first breach.
pub fn check(experiment: &Experiment) -> Result<(), Error> {
    let instance = registry::problem(experiment)?;
    check_problem(&*instance.problem).map_err(|breach| Error::Run(breach.to_string()))?;
    check_resume(&small(experiment))
}

/// The same experiment with a budget of seconds: seven short iterations through all phases.
pub fn small(experiment: &Experiment) -> Experiment {
    let mut small = experiment.clone();
    small.rollout.lanes = experiment.rollout.lanes.min(8);
    small.rollout.steps = experiment.rollout.steps.min(16);
    small.ppo.minibatches = 1;
    small.ppo.epochs = 1;
    small.evaluation.every = 3;
    small.evaluation.episodes = experiment.evaluation.episodes.min(4);
    small.schedule.env_steps = 7 * (small.rollout.lanes * small.rollout.steps) as u64;
    small
}

/// Trains an experiment to its end twice, the second time with a new trainer after every second iteration, which goes
/// on from what the one before has saved; both must log the same rows. Give it an experiment of a second.
///
/// # Errors
/// The first row that differs, with both versions; what the runs themselves refuse.
pub fn check_resume(experiment: &Experiment) -> Result<(), Error> {
    let whole = rows(experiment, usize::MAX)?;
    let stopped = rows(experiment, 2)?;
    let pairs = whole.iter().zip(&stopped).enumerate();
    for (iteration, (whole, stopped)) in pairs {
        if whole != stopped {
            let text = format!(
                "method `{}` on problem `{}`: after a stop, row {} is {}, without one {}; does `save` store the whole \
                 state?",
                experiment.method,
                experiment.problem,
                iteration + 1,
                Value::from(stopped.clone()),
                Value::from(whole.clone())
            );
            return Err(Error::Run(text));
        }
    }
    match whole.len() == stopped.len() {
        true => Ok(()),
        false => Err(Error::Run(format!(
            "method `{}`: {} iterations without a stop, {} with stops",
            experiment.method,
            whole.len(),
            stopped.len()
        ))),
    }
}

/// The rows of a run that is stopped and resumed after so many iterations each time, without what the clock says.
fn rows(experiment: &Experiment, every: usize) -> Result<Vec<Map<String, Value>>, Error> {
    let instance = registry::problem(experiment)?;
    let (hardware, spec) = (instance.problem.hardware(), instance.problem.spec());
    let mut trainer = Trainer::new(experiment)?;
    trainer.prepare(&|| false)?;
    let mut rows = Vec::new();
    while let Some(record) = trainer.iterate()? {
        let mut row = record.row(hardware.space(), spec);
        row.retain(|key, _| !key.contains("seconds"));
        rows.push(row);
        if rows.len().is_multiple_of(every) {
            let archive = trainer.save()?;
            trainer = Trainer::new(experiment)?;
            trainer.load(&archive)?;
        }
    }
    Ok(rows)
}
