//! `tandem evaluate --sensitivity`: what each design parameter is worth around the learnt design.

use super::print_json;
use crate::cli::EvaluateArgs;
use crate::error::Error;
use crate::evaluate::Learnt;
use crate::judge::Starts;
use crate::output::{note, out};
use crate::plot::{Axes, Row, bars};
use crate::run_folder::RunFolder;
use crate::sensitivity::{STEP, Sensitivities, Sensitivity};
use crate::statistics::Estimate;

/// The document in a run folder.
const DOCUMENT: &str = "evaluation/sensitivity.json";
/// The bar chart beside it.
const CHART: &str = "evaluation/sensitivity.png";

/// Measures, prints, and stores the measurement where the target is a run's folder.
///
/// # Errors
/// Nothing to design, a design that cannot be built, output that cannot be written.
pub(super) fn run(learnt: &Learnt, design: &[f64], args: &EvaluateArgs) -> Result<(), Error> {
    let starts = Starts {
        name: "evaluation",
        seed: args.seed,
        episodes: args.episodes as usize,
    };
    let found = Sensitivities::of(learnt, design, starts)?;
    match args.json {
        true => print_json(&found)?,
        false => print_table(&found)?,
    }
    // what was measured has been said, should the folder be somebody else's
    if args.target.is_dir() {
        store(&found, &RunFolder::view(&args.target)?)?;
    }
    Ok(())
}

/// Stores document and chart in a run's folder.
fn store(found: &Sensitivities, folder: &RunFolder) -> Result<(), Error> {
    folder.write_json(DOCUMENT, found)?;
    folder.write(CHART, &chart(found)?)?;
    let [document, chart] = [DOCUMENT, CHART].map(|name| folder.file(name).display().to_string());
    note!("{document} and {chart} written");
    Ok(())
}

/// The slopes of the return with their intervals, the largest first.
fn chart(found: &Sensitivities) -> Result<Vec<u8>, Error> {
    let axes = Axes {
        title: "What each design parameter is worth".into(),
        x: "change of the return per range of the parameter".into(),
        ..Axes::default()
    };
    let mut sorted: Vec<_> = found.parameters.iter().collect();
    sorted.sort_by(|a, b| b.return_slope.abs().total_cmp(&a.return_slope.abs()));
    let row = |parameter: &&Sensitivity| Row {
        name: parameter.name.clone(),
        estimate: Estimate {
            value: parameter.return_slope,
            low: parameter.return_slope_low,
            high: parameter.return_slope_high,
        },
        seeds: Vec::new(),
    };
    let rows: Vec<Row> = sorted.iter().map(row).collect();
    let drawn = bars(&axes, &rows).and_then(|figure| figure.png());
    drawn.map_err(|error| Error::Run(error.to_string()))
}

fn print_table(found: &Sensitivities) -> Result<(), Error> {
    out!(
        "{} by {}, seed {}: {} episodes from the same starts on each design, mean actions, 95 % intervals",
        found.problem,
        found.method,
        found.seed,
        found.episodes
    )?;
    out!(
        "each parameter {:.0} % of its range lower and higher; slopes are changes from its lower to its upper bound",
        100.0 * STEP
    )?;
    let width = found.parameters.iter().map(|p| p.name.len()).max().unwrap_or(0).max(9);
    out!(
        "{:<width$}  {:>10} {:<6}  {:>29}  {:>24}  {:>8}",
        "parameter",
        "value",
        "",
        "return per range",
        "success per range",
        "critic"
    )?;
    for p in &found.parameters {
        out!(
            "{:<width$}  {:>10.4} {:<6}  {:>9.2} [{:>8.2}, {:>8.2}]  {:>8.2} [{:>6.2}, {:>5.2}]  {:>8.2}",
            p.name,
            p.value,
            p.unit,
            p.return_slope,
            p.return_slope_low,
            p.return_slope_high,
            p.success_slope,
            p.success_slope_low,
            p.success_slope_high,
            p.critic_slope
        )?;
    }
    let clear = |p: &&Sensitivity| p.return_slope_low > 0.0 || p.return_slope_high < 0.0;
    let strongest = found.parameters.iter().filter(clear);
    let strongest = strongest.max_by(|a, b| a.return_slope.abs().total_cmp(&b.return_slope.abs()));
    match strongest {
        Some(p) => {
            let way = if p.return_slope > 0.0 { "larger" } else { "smaller" };
            out!("{} matters most: the return wants it {way}", p.name)?;
        }
        None => out!("no parameter changes the return beyond chance: nothing in the design holds this policy back")?,
    }
    Ok(())
}
