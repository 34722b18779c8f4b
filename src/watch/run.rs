//! The picture of one run: how far it is, its curves, its design.

use std::path::Path;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::chart::{bar, curve, slider};
use crate::error::Error;
use crate::metrics;
use crate::progress;
use crate::run_folder::{FINAL, RunFolder};
use crate::sweep::attempts::is_held;
use crate::sweep::summary::cells::short;

/// The speed is that of so many rows.
const RECENT: usize = 20;
const CURVE_ROWS: usize = 7;
const SLIDER: usize = 24;

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
struct Row {
    phase: Option<String>,
    env_steps: Option<u64>,
    seconds: Option<f64>,
    #[serde(rename = "return")]
    mean_return: Option<f64>,
    true_success: Option<f64>,
    design: Map<String, Value>,
}

/// A parameter as `design.json` has it.
#[derive(Clone, Debug, Deserialize)]
struct Parameter {
    name: String,
    #[serde(default)]
    unit: String,
    low: f64,
    high: f64,
}

/// Lines that show the run in `folder`, at most `width` characters wide; whether it is over.
///
/// # Errors
/// A folder that is no run folder, or metrics that are damaged.
pub fn picture(folder: &Path, width: usize) -> Result<(Vec<String>, bool), Error> {
    let run = RunFolder::view(folder)?;
    let experiment = run.experiment()?;
    let rows: Vec<Row> = match run.metrics().exists() {
        true => metrics::read_as(&run.metrics())?,
        false => Vec::new(),
    };
    let text = |key: &str| experiment[key].as_str().unwrap_or("?").to_owned();
    let is_over = folder.join(FINAL).exists();
    let mut lines = vec![format!(
        "{}  {}, {}, seed {}",
        folder.display(),
        text("problem"),
        text("method"),
        experiment["seed"]
    )];
    let end = experiment["schedule"]["env_steps"].as_u64().unwrap_or(0);
    let state = match (is_over, is_held(&folder.join(".lock"))) {
        (true, _) => "finished",
        (false, true) => "running",
        (false, false) => "nobody is at it",
    };
    lines.push(progress(&rows, end, state));
    let points = |of: fn(&Row) -> Option<f64>| -> Vec<(f64, f64)> {
        rows.iter()
            .filter_map(|row| Some((row.env_steps? as f64, of(row)?)))
            .collect()
    };
    for (name, points, range) in [
        ("true success", points(|row| row.true_success), Some((0.0, 1.0))),
        ("return", points(|row| row.mean_return), None),
    ] {
        if let Some((_, last)) = points.last() {
            lines.push(format!("{name}  {}", short(*last)));
            lines.extend(curve(&points, range, width.min(100), CURVE_ROWS));
        }
    }
    if let Some(row) = rows.last() {
        lines.extend(design(&run, &row.design));
    }
    Ok((lines, is_over))
}

fn progress(rows: &[Row], end: u64, state: &str) -> String {
    let Some(last) = rows.last() else {
        return format!("{state}, no iteration yet");
    };
    let steps = last.env_steps.unwrap_or(0);
    let share = (steps as f64 / end.max(1) as f64).min(1.0); // the last iteration may go beyond
    let phase = last.phase.as_deref().unwrap_or("");
    let mut line = format!(
        "{state}  {phase}  {} {:.0} %  {}/{} steps",
        bar(share, 20),
        100.0 * share,
        steps,
        end
    );
    let recent = &rows[rows.len().saturating_sub(RECENT)..];
    let passed = |of: fn(&Row) -> Option<f64>| Some(of(recent.last()?)? - of(recent.first()?)?);
    let speed = passed(|row| row.env_steps.map(|n| n as f64)).zip(passed(|row| row.seconds));
    if let Some((steps_passed, seconds)) = speed.filter(|(steps, seconds)| *steps > 0.0 && *seconds > 0.0) {
        let speed = steps_passed / seconds;
        line += &format!("  {} steps/s", short(speed));
        if state == "running" {
            line += &format!("  ETA {}", progress::short(end.saturating_sub(steps) as f64 / speed));
        }
    }
    line
}

/// The present design within its bounds.
fn design(run: &RunFolder, values: &Map<String, Value>) -> Vec<String> {
    let file: Option<Value> = run.read_json("design.json").ok();
    let parameters = file.and_then(|file| serde_json::from_value::<Vec<Parameter>>(file["parameters"].clone()).ok());
    let parameters = parameters.unwrap_or_default();
    let width = parameters.iter().map(|p| p.name.chars().count()).max().unwrap_or(0);
    let line = |p: &Parameter| {
        let value = values.get(&p.name)?.as_f64()?;
        let (low, high) = (short(p.low), short(p.high));
        let slider = slider(value, p.low, p.high, SLIDER);
        Some(format!(
            "{:width$}  {low:>8} {slider} {high:<8}  {} {}",
            p.name,
            short(value),
            p.unit
        ))
    };
    parameters.iter().filter_map(line).collect()
}
