//! The results of an adaptation as JSON document, text and plots.

use serde_json::{Value, json};
use tandem_attention::cost;
use tandem_language::pipeline::Adapted;
use tandem_language::{Pipeline, Stage};

use super::LanguageExperiment;
use crate::error::Error;
use crate::plot::{Axes, Center, Curve, Figure, learning_curves};

/// How near to the linear model's loss counts as recovered, nat.
pub const MARGIN: f64 = 0.02;

const STAGES: [Stage; 6] = [
    Stage::Softmax,
    Stage::Linear,
    Stage::Adapt,
    Stage::Nonlinear,
    Stage::Control,
    Stage::Direct,
];

/// The published curve's form: a line per pass.
pub fn passes(adapted: &Adapted) -> Vec<String> {
    let mut lines = vec![format!(
        "adaptation: linear hardware {:.4} nat; nonlinear with the same scalers {:.4}",
        adapted.linear_loss, adapted.carried_loss
    )];
    for (number, pass) in adapted.passes.iter().enumerate() {
        lines.push(format!(
            "  after {number:2} updates  loss {:.4}  worst mean {:.1e}  worst deviation {:.1e}",
            pass.loss, pass.mean_error, pass.deviation_error
        ));
    }
    lines
}

/// `evaluation/final.json`.
pub fn document(experiment: &LanguageExperiment, chain: &Pipeline) -> Value {
    let stages: Vec<Value> = STAGES
        .into_iter()
        .filter_map(|stage| {
            let curve = chain.curve(stage);
            let &(iterations, loss) = curve.last()?;
            Some(json!({
                "stage": stage.name(), "attention": stage.mode().name(), "iterations": iterations,
                "validation_loss": loss, "perplexity": loss.exp(), "curve": curve,
            }))
        })
        .collect();
    let adaptation = chain.adapted().map(|a| {
        json!({
            "linear_loss": a.linear_loss, "carried_loss": a.carried_loss, "passes": a.passes,
            "recovered_after": a.recovered_after(MARGIN), "margin": MARGIN,
            "reset_above_linear": a.passes.first().map(|first| first.loss - a.linear_loss),
        })
    });
    json!({
        "title": experiment.title,
        "seed": experiment.language.seed,
        "characters": chain.corpus().lengths(), "unit": chain.corpus().vocabulary().unit(),
        "weights": chain.model().parameters(),
        "stages": stages,
        "adaptation": adaptation,
        "perplexity_over_control": over_control(chain),
        "via_linear_minus_direct": via_linear_minus_direct(experiment, chain),
        "perplexity_on_noisy_chip": chain.on_chip().map(f64::exp),
        "hardware": hardware(experiment, chain),
    })
}

fn last(chain: &Pipeline, stage: Stage) -> Option<f64> {
    chain.curve(stage).last().map(|point| point.1)
}

/// Perplexity of nonlinear hardware over that of the softmax control, minus 1.
fn over_control(chain: &Pipeline) -> Option<f64> {
    let gap = last(chain, Stage::Nonlinear)? - last(chain, Stage::Control)?;
    Some(gap.exp_m1())
}

/// Loss of nonlinear hardware minus that of the direct way: at as many nonlinear iterations, and at as many in all.
fn via_linear_minus_direct(experiment: &LanguageExperiment, chain: &Pipeline) -> Option<Value> {
    let own = last(chain, Stage::Nonlinear)?;
    let direct = chain.curve(Stage::Direct);
    let total = direct.last()?.1;
    let nonlinear = experiment.language.stages.nonlinear;
    let early = direct.iter().find(|point| point.0 >= nonlinear)?.1;
    Some(json!({"equal_nonlinear_iterations": own - early, "equal_iterations": own - total}))
}

/// Cost of a head and token with the activity of this model's own data.
fn hardware(experiment: &LanguageExperiment, chain: &Pipeline) -> Option<Value> {
    let activity = chain.activity()?;
    let circuit = experiment.language.circuit();
    let cost = cost::cost(&circuit, &activity);
    Some(json!({
        "activity": activity, "seconds": cost.seconds, "energy_j": cost.energy_j, "area_mm2": 1e6 * cost.area_m2,
        "decay_per_token": circuit.decay(), "kept_at_window_end": circuit.keep(f64::from(circuit.window)),
    }))
}

/// The table and figures of a finished run, for people.
pub fn lines(document: &Value) -> Vec<String> {
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let mut lines = vec![format!(
        "{:10} {:>10} {:>10} {:>16} {:>11}",
        "stage", "attention", "iterations", "validation, nat", "perplexity"
    )];
    for stage in document["stages"].as_array().into_iter().flatten() {
        lines.push(format!(
            "{:10} {:>10} {:>10} {:>16.4} {:>11.4}",
            stage["stage"].as_str().unwrap_or(""),
            stage["attention"].as_str().unwrap_or(""),
            stage["iterations"].as_u64().unwrap_or(0),
            number(&stage["validation_loss"]),
            number(&stage["perplexity"])
        ));
    }
    let adaptation = &document["adaptation"];
    if adaptation.is_object() {
        lines.push(match adaptation["recovered_after"].as_u64() {
            Some(updates) => format!("adaptation   within {MARGIN} nat of the linear model after {updates} updates"),
            None => format!("adaptation   never came within {MARGIN} nat of the linear model"),
        });
    }
    if let Some(over) = document["perplexity_over_control"].as_f64() {
        lines.push(format!(
            "nonlinear    {:+.2} % perplexity against the softmax control",
            100.0 * over
        ));
    }
    let way = &document["via_linear_minus_direct"];
    if way.is_object() {
        lines.push(format!(
            "via linear   {:+.4} nat against direct at equal nonlinear iterations, {:+.4} at equal iterations in all",
            number(&way["equal_nonlinear_iterations"]),
            number(&way["equal_iterations"])
        ));
    }
    if let Some(perplexity) = document["perplexity_on_noisy_chip"].as_f64() {
        lines.push(format!(
            "on a chip    perplexity {perplexity:.4}, cell for cell with the circuit's noise and mismatch"
        ));
    }
    let hardware = &document["hardware"];
    if hardware.is_object() {
        lines.push(format!(
            "hardware     {:.1} ns, {:.1} pJ and {:.4} mm² per head and token, with this text's activity",
            1e9 * number(&hardware["seconds"]),
            1e12 * number(&hardware["energy_j"]),
            number(&hardware["area_mm2"])
        ));
    }
    lines
}

/// Pictures of a run: validation losses of all stages, and the adaptation where there was one.
///
/// # Errors
/// A picture without a point.
pub fn figures(chain: &Pipeline) -> Result<Vec<(&'static str, Figure)>, Error> {
    let draw = |axes: &Axes, curves: &[Curve]| {
        learning_curves(axes, curves, Center::Median).map_err(|error| Error::Run(error.to_string()))
    };
    let curve = |name: &str, points: Vec<(f64, f64)>| Curve {
        name: name.to_owned(),
        seeds: vec![points],
    };
    let curves: Vec<Curve> = STAGES
        .into_iter()
        .filter(|stage| chain.curve(*stage).len() > 1)
        .map(|stage| {
            let points = chain.curve(stage).into_iter();
            curve(stage.name(), points.map(|(at, loss)| (at as f64, loss)).collect())
        })
        .collect();
    let unit = chain.corpus().vocabulary().unit();
    let axes = |title: &str, x: &str| Axes {
        title: title.into(),
        x: x.into(),
        y: format!("cross-entropy (nat per {unit})"),
        ..Axes::default()
    };
    let mut figures = vec![(
        "curves.png",
        draw(&axes("Validation loss", "iterations of the stage"), &curves)?,
    )];
    if let Some(adapted) = chain.adapted() {
        let end = adapted.passes.len().saturating_sub(1) as f64;
        let numbered = adapted.passes.iter().enumerate();
        let curves = [
            curve(
                "nonlinear hardware",
                numbered.map(|(i, p)| (i as f64, p.loss)).collect(),
            ),
            curve("linear hardware", [0.0, end].map(|x| (x, adapted.linear_loss)).to_vec()),
        ];
        figures.push((
            "adaptation.png",
            draw(&axes("Adaptation of the scalers", "updates"), &curves)?,
        ));
    }
    Ok(figures)
}
