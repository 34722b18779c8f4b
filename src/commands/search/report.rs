//! The report of a comparison of searchers: table, JSON, convergence plot.

use std::path::Path;

use serde_json::{Value, json};
use tandem_accelerator::space::Rescored;
use tandem_accelerator::space::rescore::Run as Simulated;
use tandem_core::SearchSpace;
use tandem_learning::search::Method;

use super::exact::{self, Optimum};
use super::{Run, Task};
use crate::commands::{json_text, print_json};
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

/// What a report is about.
pub(super) struct Report<'a> {
    pub space: &'a dyn SearchSpace,
    pub task: &'a Task,
    /// The best there is, where that was asked.
    pub optimum: Option<&'a Optimum>,
    pub folder: &'a Path,
}

impl Report<'_> {
    /// Prints the results and writes them to the folder: `search.json` and `search.png`.
    ///
    /// # Errors
    /// Files that cannot be written.
    pub(super) fn write(
        &self,
        methods: &[&'static Method],
        runs: &[Run],
        winner: Option<&Path>,
        as_json: bool,
    ) -> Result<(), Error> {
        let rows: Vec<Row> = methods.iter().filter_map(|m| row(m.name, runs)).collect();
        let mut document = self.document(&rows);
        document["platform_file"] = json!(winner);
        let write = |name: &str, bytes: &[u8]| destination::write(&self.folder.join(name), bytes);
        write("search.json", json_text(&document)?.as_bytes())?;
        if !rows.is_empty() {
            write("search.png", &picture(self.task, &rows)?)?;
        }
        if as_json {
            return print_json(&document);
        }
        self.print(&rows)?;
        explain(&rows)?;
        if let Some(path) = winner {
            out!("the best machine as a platform: {}", path.display())?;
        }
        out!("details and plot: {}", self.folder.display())?;
        Ok(())
    }

    /// What costs are held against: the optimum, or a bound below it.
    fn floor(&self) -> f64 {
        self.optimum.map_or(self.space.floor(), |optimum| optimum.floor)
    }

    /// By how much a cost lies above the floor, in percent.
    fn above(&self, cost: f64) -> Option<f64> {
        above(self.floor(), cost)
    }
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

/// A winner on the event simulator, both ways.
pub(super) fn both_ways(rescored: &Rescored) -> Value {
    json!({
        "own_tiles": simulated(&rescored.own_tiles),
        "mappings": simulated(&rescored.mappings),
    })
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

/// How many times cheaper a cost is than random search's median.
fn ratio(rows: &[Row], cost: f64) -> Option<f64> {
    let reference = rows.iter().find(|row| row.method == REFERENCE)?;
    Some(reference.median / cost)
}

/// By how much a cost lies above a floor, in percent.
fn above(floor: f64, cost: f64) -> Option<f64> {
    (floor > 0.0).then(|| 100.0 * (cost / floor - 1.0))
}

impl Report<'_> {
    fn document(&self, rows: &[Row]) -> Value {
        let (space, task) = (self.space, self.task);
        let run = |run: &&Run| {
            let numbers = run
                .numbers
                .iter()
                .map(|(name, value, unit)| json!({"name": name, "value": value, "unit": unit}));
            json!({
                "seed": run.seed,
                "cost": run.cost,
                "simulated": run.simulated.as_ref().map(both_ways),
                "evaluations": run.evaluations,
                "seconds": run.seconds,
                "numbers": numbers.collect::<Vec<Value>>(),
            })
        };
        let row = |row: &Row| {
            json!({
                "method": row.method,
                "cost": {"median": row.median, "low": row.quartiles[0], "high": row.quartiles[1]},
                "ratio_to_random": ratio(rows, row.median),
                "above_floor_percent": above(space.floor(), row.median),
                "above_optimum_percent": self.optimum.and_then(|optimum| above(optimum.floor, row.median)),
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
            "optimum": self.optimum.map(|optimum| optimum.document(ratio(rows, optimum.cost))),
            "rows": rows.iter().map(row).collect::<Vec<Value>>(),
        })
    }

    fn print(&self, rows: &[Row]) -> Result<(), Error> {
        let (space, task) = (self.space, self.task);
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
            let simulated = [MAPPINGS, OWN_TILES].map(|way| row.simulated(way));
            let costs = [row.median, row.quartiles[0], row.quartiles[1]];
            let seconds = median(&seconds).unwrap_or(f64::NAN);
            self.line(
                row.method,
                row.runs.len(),
                costs,
                ratio(rows, row.median),
                simulated,
                seconds,
            )?;
        }
        if let Some(optimum) = self.optimum {
            let costs = [optimum.cost; 3];
            let simulated = [MAPPINGS, OWN_TILES].map(|way| {
                let rescored = optimum.simulated.as_ref()?;
                way(rescored).as_ref().ok().map(|run| run.cost)
            });
            let ratio = ratio(rows, optimum.cost);
            self.line(exact::NAME, 1, costs, ratio, simulated, optimum.seconds)?;
        }
        self.say_floor()
    }

    fn line(
        &self,
        method: &str,
        seeds: usize,
        [median, low, high]: [f64; 3],
        ratio: Option<f64>,
        simulated: [Option<f64>; 2],
        seconds: f64,
    ) -> Result<(), Error> {
        let ratio = ratio.map_or("-".into(), |ratio| format!("{ratio:.2}"));
        let above = self.above(median).map_or("-".into(), |above| format!("{above:.2} %"));
        let [mappings, own] = simulated.map(|cost| cost.map_or("-".into(), |cost| format!("{cost:.4e}")));
        Ok(out!(
            "{method:18} {seeds:>5} {median:>11.4e} {low:>11.4e} {high:>11.4e} {ratio:>9} {above:>9} {mappings:>11} \
             {own:>11} {seconds:>9.1}"
        )?)
    }

    /// What the column `above` is held against.
    fn say_floor(&self) -> Result<(), Error> {
        let Some(optimum) = self.optimum else {
            if self.floor() > 0.0 {
                out!("above: over {:.4e}, which no point can fall below", self.floor())?;
            }
            return Ok(());
        };
        let machine = optimum.machine();
        out!(
            "exact: side {}, accumulator {} kB, scratchpad {} kB; above: over {:.4e}, {}",
            machine.side,
            machine.accumulator_kb,
            machine.scratchpad_kb,
            optimum.floor,
            match optimum.proved() {
                true => "the proven optimum".to_owned(),
                false => format!(
                    "which no point can fall below; proven to {:.3} %",
                    optimum.gap_percent()
                ),
            }
        )?;
        Ok(())
    }
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
        y: "lowest cost so far (in the space's own unit)".into(),
        log_x: true,
        log_y: true,
        steps: true,
        ..Axes::default()
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
