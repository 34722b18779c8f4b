//! The tables of a judgement.

use serde_json::Value;

use crate::error::Error;
use crate::evaluation::{Evaluation, Interval};
use crate::report::number::{count, interval, number, percents};
use crate::report::page::table;
use crate::run_folder::RunFolder;

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
        let scale = "error of the proxy's effect, in the effect's own scale";
        put(
            "proxy gap, visited",
            Some(format!("{} (95 %: {})", number(gap.visited), number(gap.visited_p95))),
            scale,
        );
        put(
            "proxy gap, uniform",
            Some(format!("{} (95 %: {})", number(gap.uniform), number(gap.uniform_p95))),
            scale,
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

/// The entries of a list of sensitivities as a table, its columns by the names of its keys.
pub(super) fn sensitivities(folder: &RunFolder) -> Result<Option<String>, Error> {
    let path = folder.file(SENSITIVITY);
    let Ok(text) = std::fs::read_to_string(&path) else {
        return Ok(None); // not measured
    };
    let document: Value =
        serde_json::from_str(&text).map_err(|error| Error::Run(format!("{} is damaged: {error}", path.display())))?;
    let lists = [Some(&document)]
        .into_iter()
        .flatten()
        .chain(document.as_object().into_iter().flat_map(|map| map.values()));
    let list = lists
        .filter_map(Value::as_array)
        .find(|list| list.iter().any(Value::is_object));
    let Some(list) = list else { return Ok(None) };
    let mut columns: Vec<&str> = Vec::new();
    for key in list.iter().filter_map(Value::as_object).flat_map(|entry| entry.keys()) {
        if !columns.contains(&key.as_str()) {
            columns.push(key);
        }
    }
    let cell = |value: Option<&Value>| match value {
        Some(Value::Number(n)) => n.as_f64().map_or_else(String::new, number),
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    };
    let rows: Vec<Vec<String>> = list
        .iter()
        .map(|entry| columns.iter().map(|key| cell(entry.get(key))).collect())
        .collect();
    Ok(Some(table(&columns, &rows)))
}
