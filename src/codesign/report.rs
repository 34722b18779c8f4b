//! The results of a co-design as JSON document, text and plots.

use serde_json::{Map, Value, json};
use tandem_core::DesignSpace;
use tandem_language::codesign::{Codesign, Outcome, Point, Reverted, Round};

use crate::adaptation::LanguageExperiment;
use crate::error::Error;
use crate::plot::{Axes, Better, Figure, Series, scatter};
use crate::statistics::{Estimate, mean_interval};

/// A round in one line.
pub fn round(round: &Round) -> String {
    let gap = round.proxy_gap.map_or(String::new(), |[energy, loss]| {
        format!(
            "; proxy off by {:.0} % in energy, {loss:.2} in compressed loss",
            100.0 * energy
        )
    });
    format!(
        "round {:2}: {} circuits judged; best {:.1} pJ at {:+.2} % perplexity{gap}",
        round.round,
        round.judged,
        1e12 * round.best.cost.energy_j,
        100.0 * round.best.excess.exp_m1()
    )
}

fn parameters(space: &DesignSpace, point: &Point) -> Value {
    let pairs = space.parameters.iter().zip(&point.design);
    let map: Map<String, Value> = pairs
        .map(|(parameter, value)| (parameter.name.clone(), json!(value)))
        .collect();
    Value::Object(map)
}

fn point(space: &DesignSpace, point: &Point) -> Value {
    json!({
        "perplexity": point.loss.exp(), "perplexity_over_control": point.excess.exp_m1(),
        "energy_j": point.cost.energy_j, "seconds": point.cost.seconds, "area_mm2": 1e6 * point.cost.area_m2,
        "proposed_by": point.origin, "parameters": parameters(space, point),
    })
}

/// Mean over chips of the winner's perplexity over the control's, minus 1; `None` without chips.
fn on_chips(outcome: &Outcome) -> Option<f64> {
    let gaps = outcome.chips.iter().map(|[control, winner]| winner - control);
    let count = outcome.chips.len();
    (count > 0).then(|| (gaps.sum::<f64>() / count as f64).exp_m1())
}

/// `evaluation/final.json`.
pub fn document(experiment: &LanguageExperiment, codesign: &Codesign, outcome: &Outcome) -> Value {
    let space = codesign.space();
    let winner = &outcome.winner;
    let reverted = |one: &Reverted| match &one.point {
        Ok(point) => json!({
            "parameter": one.parameter, "published": one.values[0], "found": one.values[1], "with": one.with,
            "energy_factor": point.cost.energy_j / winner.cost.energy_j,
            "seconds_factor": point.cost.seconds / winner.cost.seconds,
            "area_factor": point.cost.area_m2 / winner.cost.area_m2,
            "perplexity_factor": (point.loss - winner.loss).exp(),
        }),
        Err(reason) => json!({
            "parameter": one.parameter, "published": one.values[0], "found": one.values[1],
            "cannot_be_built": reason,
        }),
    };
    let front: Vec<Value> = outcome.front.iter().map(|p| point(space, p)).collect();
    let control = &outcome.control;
    json!({
        "problem": "attention",
        "title": experiment.title,
        "model_seed": experiment.language.seed,
        "judged": codesign.rounds().last().map_or(0, |r| r.judged),
        "energy_saving": control.cost.energy_j / winner.cost.energy_j,
        "time_saving": control.cost.seconds / winner.cost.seconds,
        "area_saving": control.cost.area_m2 / winner.cost.area_m2,
        "perplexity_over_control": winner.excess.exp_m1(),
        "perplexity_over_control_on_noisy_chips": on_chips(outcome),
        "control": point(space, control),
        "winner": point(space, winner),
        "winner_circuit": outcome.circuit,
        "chips": outcome.chips.iter().map(|[a, b]| json!({"control": a.exp(), "winner": b.exp()})).collect::<Vec<_>>(),
        "reverted": outcome.reverted.iter().map(reverted).collect::<Vec<_>>(),
        "front": front,
        "rounds": codesign.rounds().iter().map(|r| json!({
            "round": r.round, "judged": r.judged, "proxy_gap": r.proxy_gap, "energy_j": r.best.cost.energy_j,
            "perplexity_over_control": r.best.excess.exp_m1(),
        })).collect::<Vec<_>>(),
    })
}

fn number(value: &Value) -> f64 {
    value.as_f64().unwrap_or(f64::NAN)
}

fn row(name: &str, point: &Value) -> String {
    format!(
        "{name:16} {:>10.4} {:>10.1} {:>8.1} {:>9.5}",
        number(&point["perplexity"]),
        1e12 * number(&point["energy_j"]),
        1e9 * number(&point["seconds"]),
        number(&point["area_mm2"])
    )
}

/// A document for people.
pub fn lines(document: &Value) -> Vec<String> {
    let mut lines = vec![format!(
        "{:16} {:>10} {:>10} {:>8} {:>9}",
        "", "perplexity", "pJ", "ns", "mm²"
    )];
    lines.push(row("as published", &document["control"]));
    lines.push(row("found", &document["winner"]));
    lines.push(format!(
        "{:.2} times less energy, {:.2} times faster, {:.2} times smaller, at {:+.2} % perplexity",
        number(&document["energy_saving"]),
        number(&document["time_saving"]),
        number(&document["area_saving"]),
        100.0 * number(&document["perplexity_over_control"])
    ));
    if let Some(over) = document["perplexity_over_control_on_noisy_chips"].as_f64() {
        lines.push(format!(
            "cell for cell, with the circuit's noise and mismatch: {:+.2} % perplexity",
            100.0 * over
        ));
    }
    lines.push("put back to its published value, a parameter alone changes".into());
    for one in document["reverted"].as_array().into_iter().flatten() {
        lines.push(reverted_line(one));
    }
    let front = document["front"].as_array();
    lines.push("circuits that none beats in perplexity, energy, time and area:".into());
    lines.extend(front.into_iter().flatten().map(|p| row("", p)));
    lines
}

fn reverted_line(one: &Value) -> String {
    let name = one["parameter"].as_str().unwrap_or("");
    let values = format!(
        "{} -> {}",
        short(number(&one["found"])),
        short(number(&one["published"]))
    );
    if let Some(reason) = one["cannot_be_built"].as_str() {
        return format!("  {name:18} {values:22} cannot be built: {reason}");
    }
    let with: Vec<&str> = (one["with"].as_array().into_iter().flatten())
        .filter_map(Value::as_str)
        .collect();
    let with = match with.is_empty() {
        true => String::new(),
        false => format!("  (with {})", with.join(", ")),
    };
    format!(
        "  {name:18} {values:22} energy x {:.2}  time x {:.2}  area x {:.2}  perplexity x {:.4}{with}",
        number(&one["energy_factor"]),
        number(&one["seconds_factor"]),
        number(&one["area_factor"]),
        number(&one["perplexity_factor"])
    )
}

fn short(value: f64) -> String {
    match value == 0.0 || (1e-3..1e4).contains(&value.abs()) {
        true => format!("{:.4}", value)
            .trim_end_matches('0')
            .trim_end_matches('.')
            .to_owned(),
        false => format!("{value:.2e}"),
    }
}

/// Mean and 95 % interval over co-designs of the figures that they are judged by.
pub fn summary(documents: &[Value]) -> Value {
    let over = |key: &str| -> Option<Estimate> {
        let all: Vec<f64> = documents.iter().filter_map(|d| d[key].as_f64()).collect();
        mean_interval(&all)
    };
    json!({
        "codesigns": documents.len(),
        "energy_saving": over("energy_saving"),
        "time_saving": over("time_saving"),
        "area_saving": over("area_saving"),
        "perplexity_over_control": over("perplexity_over_control"),
        "perplexity_over_control_on_noisy_chips": over("perplexity_over_control_on_noisy_chips"),
        "reverted": reverted_summary(documents),
    })
}

/// What each parameter bought: geometric means over the co-designs that moved it.
fn reverted_summary(documents: &[Value]) -> Value {
    let rows = || documents.iter().flat_map(|d| d["reverted"].as_array()).flatten();
    let mut names: Vec<&str> = Vec::new();
    for name in rows().filter_map(|row| row["parameter"].as_str()) {
        if !names.contains(&name) {
            names.push(name);
        }
    }
    let all = names.into_iter().map(|name| {
        let own: Vec<&Value> = rows().filter(|row| row["parameter"] == name).collect();
        let factor = |key: &str| {
            let logs: Vec<f64> = own.iter().filter_map(|r| r[key].as_f64()).map(f64::ln).collect();
            crate::statistics::mean(&logs).map(f64::exp)
        };
        json!({
            "parameter": name, "moved_in": own.len(),
            "found": own.iter().map(|r| r["found"].clone()).collect::<Vec<_>>(),
            "energy_factor": factor("energy_factor"), "seconds_factor": factor("seconds_factor"),
            "area_factor": factor("area_factor"), "perplexity_factor": factor("perplexity_factor"),
        })
    });
    Value::Array(all.collect())
}

/// The summary for people.
pub fn summary_lines(summary: &Value) -> Vec<String> {
    let mut lines = vec![format!("over {} co-designs, mean [95 %]:", summary["codesigns"])];
    for (key, name, scale, unit) in [
        ("energy_saving", "less energy", 1.0, "times"),
        ("time_saving", "faster", 1.0, "times"),
        ("area_saving", "smaller", 1.0, "times"),
        ("perplexity_over_control", "perplexity", 100.0, "%"),
        ("perplexity_over_control_on_noisy_chips", "on noisy chips", 100.0, "%"),
    ] {
        let part = |end: &str| scale * number(&summary[key][end]);
        if summary[key].is_object() {
            lines.push(format!(
                "  {name:16} {:.2} [{:.2}, {:.2}] {unit}",
                part("value"),
                part("low"),
                part("high")
            ));
        }
    }
    lines.push("  put back to its published value, a parameter alone changes".into());
    for one in summary["reverted"].as_array().into_iter().flatten() {
        let (name, moved) = (one["parameter"].as_str().unwrap_or(""), &one["moved_in"]);
        if one["energy_factor"].is_null() {
            lines.push(format!("  {name:18} in {moved}  cannot be built alone"));
            continue;
        }
        lines.push(format!(
            "  {name:18} in {moved}  energy x {:.2}  time x {:.2}  area x {:.2}  perplexity x {:.4}",
            number(&one["energy_factor"]),
            number(&one["seconds_factor"]),
            number(&one["area_factor"]),
            number(&one["perplexity_factor"])
        ));
    }
    lines
}

/// Perplexity against energy, time and area: the front, the published circuit, the one found.
///
/// # Errors
/// A picture that cannot be drawn.
pub fn figures(outcome: &Outcome) -> Result<Vec<(&'static str, Figure)>, Error> {
    let energy: fn(&Point) -> f64 = |p| 1e12 * p.cost.energy_j;
    let time: fn(&Point) -> f64 = |p| 1e9 * p.cost.seconds;
    let area: fn(&Point) -> f64 = |p| 1e6 * p.cost.area_m2;
    [
        ("pareto-energy.png", "energy per head and token (pJ)", energy),
        ("pareto-latency.png", "time per token and layer (ns)", time),
        ("pareto-area.png", "area of a head (mm²)", area),
    ]
    .into_iter()
    .map(|(name, x, value)| Ok((name, figure(outcome, x, value)?)))
    .collect()
}

/// Circuits with a higher perplexity than this many times the control's are left out of the pictures.
const SHOWN: f64 = 1.5;

fn figure(outcome: &Outcome, x: &str, value: fn(&Point) -> f64) -> Result<Figure, Error> {
    let at = |points: &[Point]| -> Vec<(f64, f64)> {
        let shown = points.iter().filter(|p| p.excess <= SHOWN.ln());
        shown.map(|p| (value(p), p.loss.exp())).collect()
    };
    let series = |name: &str, points: &[Point]| Series {
        name: name.into(),
        points: at(points),
    };
    let axes = Axes {
        title: "Circuits designed with their language model".into(),
        x: x.into(),
        y: "perplexity".into(),
        log_x: true,
        ..Axes::default()
    };
    let all = [
        series("unbeaten in four goals", &outcome.front),
        series("published circuit", std::slice::from_ref(&outcome.control)),
        series("found", std::slice::from_ref(&outcome.winner)),
    ];
    scatter(&axes, &all, Some((Better::Lower, Better::Lower))).map_err(|error| Error::Run(error.to_string()))
}
