//! `tandem evaluate --simulator mujoco`: the learnt pair in the true machine and in MuJoCo, over the same starts.

use serde_json::Value;
use tandem_core::{InMujoco, Problem};

use super::print_json;
use crate::cli::EvaluateArgs;
use crate::error::Error;
use crate::evaluate::Learnt;
use crate::evaluation::Interval;
use crate::experiment::Experiment;
use crate::judge::Starts;
use crate::output::{note, out};
use crate::registry;
use crate::second_judge::{Pair, SecondJudgement};

/// The experiment's problem in MuJoCo; `None`, with a word on stderr, where MuJoCo moves its machine in any case.
///
/// # Errors
/// A problem without a machine that MuJoCo could move.
pub(super) fn opened(experiment: &Experiment) -> Result<Option<Box<dyn Problem>>, Error> {
    let name = &experiment.problem;
    match registry::problem(experiment)?.problem.in_mujoco() {
        Some(InMujoco::As(other)) => Ok(Some(other)),
        Some(InMujoco::Already) => {
            note!(
                "`{name}` is moved by MuJoCo in any case: --simulator mujoco is the same machine, and changes nothing"
            );
            Ok(None)
        }
        None => Err(Error::Input(format!(
            "--simulator mujoco: problem `{name}` has no mechanism that MuJoCo could move; these have one: {}",
            with_mechanism().join(", ")
        ))),
    }
}

/// Names of the problems that MuJoCo can move, of those that can be built without settings.
fn with_mechanism() -> Vec<&'static str> {
    let entries = registry::problems().iter();
    let movable = entries.filter(|entry| {
        let built = (entry.build)(&Value::Null);
        built.is_ok_and(|instance| instance.problem.in_mujoco().is_some())
    });
    movable.map(|entry| entry.name).collect()
}

/// Judges and prints.
///
/// # Errors
/// A design that cannot be built, output that cannot be written.
pub(super) fn run(learnt: &Learnt, design: &[f64], other: &dyn Problem, args: &EvaluateArgs) -> Result<(), Error> {
    let starts = Starts {
        name: "evaluation",
        seed: args.seed,
        episodes: args.episodes as usize,
    };
    let judged = SecondJudgement::of(learnt, design, other, starts)?;
    match args.json {
        true => print_json(&judged),
        false => print_table(&judged),
    }
}

fn print_table(judged: &SecondJudgement) -> Result<(), Error> {
    out!(
        "{} by {}, seed {}: {} fresh episodes in the true machine and, from the same starts, in {}, mean actions, 95 % intervals",
        judged.problem,
        judged.method,
        judged.seed,
        judged.episodes,
        judged.simulator
    )?;
    for (name, pair) in [("success", &judged.success), ("return", &judged.total_return)] {
        let rows = [
            ("true machine", pair.true_machine),
            ("MuJoCo", pair.simulator),
            ("difference", pair.difference),
        ];
        for (label, interval) in rows {
            if let Some(Interval { mean, low, high }) = interval {
                let label = format!("{name}, {label}");
                out!("{label:<28}{mean:>9.3}  [{low:.3}, {high:.3}]")?;
            }
        }
    }
    let [trajectory, total_return] =
        [judged.same_commands.trajectory, judged.same_commands.total_return].map(|share| 100.0 * share);
    out!("same commands, MuJoCo: observations {trajectory:.2} % of their range off, return {total_return:.2} %")?;
    let Pair {
        true_machine,
        simulator,
        ..
    } = &judged.faults;
    if true_machine + simulator > 0 {
        out!("episodes that were given up: {true_machine} in the true machine, {simulator} in MuJoCo")?;
    }
    Ok(out!("{}", judged.meaning)?)
}
