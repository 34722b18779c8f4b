//! The report of a comparison of searchers: table, JSON, convergence plot.

use std::path::Path;

use serde_json::{Value, json};
use tandem_accelerator::space::Rescored;
use tandem_accelerator::space::rescore::Run as Simulated;
use tandem_core::SearchSpace;
use tandem_learning::search::Method;

use super::{Run, Task};
use crate::commands::print_json;
use crate::destination;
use crate::error::Error;
use crate::output::out;
use crate::plot::{Axes, Center, Curve, learning_curves};
use crate::statistics::{median, quantile};

/// The method that the others are held against.
const REFERENCE: &str = "random";

/// One method's costs over the seeds.
struct Row<'a> {
    method: &'a str,
    runs: Vec<&'a Run>,
    median: f64,
    quartiles: [f64; 2],
}

/// Prints the results and writes them to the folder: `search.json` and `search.png`.
///
/// # Errors
/// Files that cannot be written.
pub(super) fn report(
    space: &dyn SearchSpace,
    task: &Task,
    methods: &[&'static Method],
    runs: &[Run],
    folder: &Path,
    as_json: bool,
) -> Result<(), Error> {
    let rows: Vec<Row> = methods.iter().filter_map(|m| row(m.name, runs)).collect();
    let document = document(space, task, &rows);
    let text =
        serde_json::to_string_pretty(&document).map_err(|error| Error::Run(format!("cannot write JSON: {error}")))?;
    let write = |name: &str, bytes: &[u8]| destination::write(&folder.join(name), bytes);
    write("search.json", text.as_bytes())?;
    write("search.png", &picture(task, &rows)?)?;
    if as_json {
        return print_json(&document);
    }
    print(space, task, &rows)?;
    explain(&rows)?;
    out!("details and plot: {}", folder.display())?;
    Ok(())
}

/// How a winner runs on the event simulator.
type Way = fn(&Rescored) -> &Result<Simulated, String>;
const OWN_TILES: Way = |rescored| &rescored.own_tiles;
const MAPPINGS: Way = |rescored| &rescored.mappings;

impl Row<'_> {
    /// Median cost of the winners on the event simulator; `None` where none runs there.
    fn simulated(&self, way: Way) -> Option<f64> {
        let runs = self.runs.iter().filter_map(|run| run.simulated.as_ref());
        let costs = runs.filter_map(|rescored| way(rescored).as_ref().ok().map(|run| run.cost));
        median(&costs.collect::<Vec<f64>>())
    }
}

/// A run on the event simulator, or why there is none.
fn simulated(result: &Result<Simulated, String>) -> Value {
    match result {
        Ok(run) => json!({
            "cost": run.cost,
            "cycles": run.cycles,
            "seconds": run.seconds,
            "energy_j": run.energy_j,
            "other_layers_cycles": run.other_cycles,
        }),
        Err(reason) => json!({"error": reason}),
    }
}

fn row<'a>(method: &'static str, runs: &'a [Run]) -> Option<Row<'a>> {
    let runs: Vec<&Run> = runs.iter().filter(|run| run.method == method).collect();
    let costs: Vec<f64> = runs.iter().map(|run| run.cost).collect();
    Some(Row {
        method,
        median: median(&costs)?,
        quartiles: [quantile(&costs, 0.25)?, quantile(&costs, 0.75)?],
        runs,
    })
}

/// How many times cheaper a method's median is than random search's.
fn ratio(rows: &[Row], row: &Row) -> Option<f64> {
    let reference = rows.iter().find(|row| row.method == REFERENCE)?;
    Some(reference.median / row.median)
}

/// By how much a method's median lies above what no point can fall below, in percent.
fn above(space: &dyn SearchSpace, row: &Row) -> Option<f64> {
    (space.floor() > 0.0).then(|| 100.0 * (row.median / space.floor() - 1.0))
}

fn document(space: &dyn SearchSpace, task: &Task, rows: &[Row]) -> Value {
    let run = |run: &&Run| {
        let numbers = run
            .numbers
            .iter()
            .map(|(name, value, unit)| json!({"name": name, "value": value, "unit": unit}));
        json!({
            "seed": run.seed,
            "cost": run.cost,
            "simulated": run.simulated.as_ref().map(|rescored| json!({
                "own_tiles": simulated(&rescored.own_tiles),
                "mappings": simulated(&rescored.mappings),
            })),
            "evaluations": run.evaluations,
            "seconds": run.seconds,
            "numbers": numbers.collect::<Vec<Value>>(),
        })
    };
    let row = |row: &Row| {
        json!({
            "method": row.method,
            "cost": {"median": row.median, "low": row.quartiles[0], "high": row.quartiles[1]},
            "ratio_to_random": ratio(rows, row),
            "above_floor_percent": above(space, row),
            "simulated_cost_median": {
                "own_tiles": row.simulated(OWN_TILES),
                "mappings": row.simulated(MAPPINGS),
            },
            "runs": row.runs.iter().map(run).collect::<Vec<Value>>(),
        })
    };
    json!({
        "space": task.space,
        "network": task.network,
        "budget": task.budget,
        "layers": space.layers(),
        "genes": space.dimensions(),
        "unit": space.unit(),
        "floor": space.floor(),
        "rows": rows.iter().map(row).collect::<Vec<Value>>(),
    })
}

fn print(space: &dyn SearchSpace, task: &Task, rows: &[Row]) -> Result<(), Error> {
    out!(
        "{} on {}: {} layers, {} genes, {} evaluations of the whole network per search; cost in {}",
        task.space,
        task.network,
        space.layers(),
        space.dimensions(),
        task.budget,
        space.unit(),
    )?;
    out!(
        "{:18} {:>5} {:>11} {:>11} {:>11} {:>9} {:>9} {:>11} {:>11} {:>9}",
        "method",
        "seeds",
        "median",
        "25 %",
        "75 %",
        "x random",
        "above",
        "mappings",
        "own tiles",
        "seconds"
    )?;
    for row in rows {
        let seconds: Vec<f64> = row.runs.iter().map(|run| run.seconds).collect();
        let ratio = ratio(rows, row).map_or("-".into(), |ratio| format!("{ratio:.2}"));
        let above = above(space, row).map_or("-".into(), |above| format!("{above:.2} %"));
        let [mappings, own] = [MAPPINGS, OWN_TILES].map(|way| {
            let cost = row.simulated(way);
            cost.map_or("-".into(), |cost| format!("{cost:.4e}"))
        });
        out!(
            "{:18} {:>5} {:>11.4e} {:>11.4e} {:>11.4e} {ratio:>9} {above:>9} {mappings:>11} {own:>11} {:>9.1}",
            row.method,
            row.runs.len(),
            row.median,
            row.quartiles[0],
            row.quartiles[1],
            median(&seconds).unwrap_or(f64::NAN),
        )?;
    }
    if space.floor() > 0.0 {
        out!("above: over {:.4e}, which no point can fall below", space.floor())?;
    }
    Ok(())
}

/// What the columns of the event simulator mean, where there are any.
fn explain(rows: &[Row]) -> Result<(), Error> {
    if rows
        .iter()
        .any(|row| row.runs.iter().any(|run| run.simulated.is_some()))
    {
        out!(
            "mappings, own tiles: the winners on the event simulator, following their mappings or with its own tiles, \
             layers without products included"
        )?;
    }
    Ok(())
}

fn picture(task: &Task, rows: &[Row]) -> Result<Vec<u8>, Error> {
    let axes = Axes {
        title: format!("{} on {}", task.network, task.space),
        x: "evaluations of the whole network".into(),
        y: "lowest cost".into(),
        log_x: true,
        log_y: true,
        range: None,
    };
    let curves: Vec<Curve> = rows
        .iter()
        .map(|row| Curve {
            name: row.method.into(),
            seeds: row.runs.iter().map(|run| run.history.clone()).collect(),
        })
        .collect();
    learning_curves(&axes, &curves, Center::Median)
        .and_then(|figure| figure.png())
        .map_err(|error| Error::Run(format!("plot: {error}")))
}
