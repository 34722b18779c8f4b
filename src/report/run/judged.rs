//! The tables of a judgement.

use crate::error::Error;
use crate::evaluation::{Evaluation, Interval};
use crate::report::number::{count, interval, number, percent, percents, with_unit};
use crate::report::page::table;
use crate::run_folder::{RunError, RunFolder};
use crate::sensitivity::{Sensitivities, Sensitivity};

/// The file in which another command may have left what the judgement depends on.
const SENSITIVITY: &str = "evaluation/sensitivity.json";

/// The numbers of a judgement, each with what it is.
pub(super) fn evaluation(judged: &Evaluation) -> Vec<Vec<String>> {
    let mut rows = Vec::new();
    let mut put = |name: &str, value: Option<String>, what: &str| {
        if let Some(value) = value {
            rows.push(vec![name.to_owned(), value, what.to_owned()]);
        }
    };
    let share = |value: Option<Interval>| value.map(|value| percents(&value));
    put(
        "true success",
        share(judged.success),
        "episodes solved in the true machine, with the policy's mean actions",
    );
    put(
        "success, start design",
        share(judged.success_start_design),
        "the same policy on the design that the run began with",
    );
    put(
        "success, exploring",
        share(judged.success_sampled),
        "with actions drawn as in training: lower wherever precision matters",
    );
    put(
        "success, half the time step",
        share(judged.success_half_step),
        "the physics computed twice as finely: should agree",
    );
    put(
        "return",
        judged.total_return.map(|value| interval(&value)),
        "mean sum of rewards of an episode",
    );
    put(
        "return, half the time step",
        judged.return_half_step.map(|value| interval(&value)),
        "should agree with the return",
    );
    if let Some(gap) = &judged.proxy_gap {
        let error = |rms, quantile| Some(format!("{} (95 % quantile: {})", percent(rms), percent(quantile)));
        put(
            "proxy gap, visited",
            error(gap.visited, gap.visited_p95),
            "error of the proxy, of its effect's own scale, where the policy goes",
        );
        put(
            "proxy gap, uniform",
            error(gap.uniform, gap.uniform_p95),
            "the same over all queries there are",
        );
    }
    if judged.faults > 0 {
        put(
            "faults",
            Some(count(judged.faults as u64)),
            "episodes that the simulation had to give up",
        );
    }
    if let Some(new) = &judged.retrain {
        put(
            "success, new policy",
            share(new.success),
            "a policy trained from scratch on the learnt design",
        );
    }
    put(
        "kept after iteration",
        judged.iteration.map(count),
        "when the judged pair was the best so far",
    );
    rows
}

/// What each parameter is worth, where it has been measured (`tandem evaluate --sensitivity`).
///
/// # Errors
/// A file that is damaged.
pub(super) fn sensitivities(folder: &RunFolder) -> Result<Option<String>, Error> {
    let found: Sensitivities = match folder.read_json(SENSITIVITY) {
        Ok(found) => found,
        Err(RunError::Missing(_)) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let slope = |of: f64, low: f64, high: f64| format!("{} [{}, {}]", number(of), number(low), number(high));
    let row = |p: &Sensitivity| {
        vec![
            with_unit(&p.name, &p.unit),
            number(p.value),
            slope(p.return_slope, p.return_slope_low, p.return_slope_high),
            slope(p.success_slope, p.success_slope_low, p.success_slope_high),
        ]
    };
    let head = [
        "parameter",
        "learnt",
        "slope of the return [95 %]",
        "slope of success [95 %]",
    ];
    let rows: Vec<Vec<String>> = found.parameters.iter().map(row).collect();
    Ok(Some(table(&head, &rows)))
}
