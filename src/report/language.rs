//! The page of a run of `tandem adapt`, or of a co-design of circuit and language model.

use serde_json::Value;

use super::number::number;
use super::page::{Page, commands, picture, table};
use super::settings;
use crate::adaptation::LanguageExperiment;
use crate::error::Error;
use crate::output::quoted;
use crate::run_folder::{FINAL, RunError, RunFolder};

/// Whether a run is about a language model.
///
/// # Errors
/// An experiment that cannot be read.
pub fn is_about(run: &RunFolder) -> Result<bool, Error> {
    Ok(LanguageExperiment::is_at(&run.file("experiment.json")))
}

/// The page: the figures of its judgement, its pictures, its settings.
///
/// # Errors
/// Files of the run that are damaged.
pub fn page(run: &RunFolder) -> Result<String, Error> {
    let experiment = run.experiment()?;
    let meta = run.meta()?;
    let path = run.path().display().to_string();
    let judged: Option<Value> = match run.read_json(FINAL) {
        Ok(judged) => Some(judged),
        Err(RunError::Missing(_)) => None,
        Err(error) => return Err(error.into()),
    };
    let title = experiment["title"].as_str().filter(|title| !title.is_empty());
    let lead = judged
        .as_ref()
        .map_or_else(|| "It has not been judged yet.".into(), lead);
    let facts = [
        "a language model on analog attention".into(),
        path.clone(),
        format!("Tandem {}", meta.tandem),
    ];
    let mut page = Page::new(title.unwrap_or("Analog attention"), &facts, &lead);
    match &judged {
        None => page.notice(&format!(
            "This run is not finished: `tandem adapt --resume {}` goes on with it.",
            quoted(&path)
        )),
        Some(judged) => {
            let stages = stages(judged);
            if !stages.is_empty() {
                let head = ["stage", "attention", "iterations", "loss (nat per token)", "perplexity"];
                page.section(
                    "Stages",
                    "Each on the text held back, in order.",
                    &table(&head, &stages),
                );
            }
            page.section("Judgement", "", &table(&["number", "value"], &figures(judged)));
        }
    }
    for (file, name) in [
        ("curves.png", "Learning"),
        ("adaptation.png", "Adaptation"),
        ("pareto-energy.png", "Energy"),
        ("pareto-latency.png", "Time"),
        ("pareto-area.png", "Area"),
    ] {
        if let Ok(png) = std::fs::read(run.file(file)) {
            page.section(name, "", &picture(&png, name));
        }
    }
    page.section("Configuration", "", &settings::plain(&experiment));
    let began: Vec<String> = meta.command.iter().map(quoted).collect();
    let again = format!("tandem generate {} --prompt \"Once upon\"", quoted(&path));
    page.section(
        "Reproduce",
        &format!("Started {}.", meta.started),
        &commands(&[began.join(" "), again]),
    );
    Ok(page.finish())
}

fn lead(judged: &Value) -> String {
    let over = judged["perplexity_over_control"].as_f64();
    let weights = judged["weights"]
        .as_f64()
        .map_or_else(String::new, |n| format!(" of {} weights", number(n)));
    match over {
        Some(over) => format!(
            "On nonlinear analog hardware the model{weights} has a perplexity {} % {} that of its softmax control.",
            number((1000.0 * over.abs()).round() / 10.0),
            if over < 0.0 { "below" } else { "above" }
        ),
        None => format!("A language model{weights}, brought onto analog attention."),
    }
}

fn stages(judged: &Value) -> Vec<Vec<String>> {
    let stages = judged["stages"].as_array().into_iter().flatten();
    let text = |value: &Value| match value {
        Value::String(text) => text.clone(),
        other => other.as_f64().map_or_else(|| "-".into(), number),
    };
    let keys = ["stage", "attention", "iterations", "validation_loss", "perplexity"];
    stages
        .map(|stage| keys.iter().map(|key| text(&stage[*key])).collect())
        .collect()
}

/// Numbers of a judgement, by their path, in words with units.
const FIGURES: [(&str, &str); 15] = [
    (
        "perplexity_over_control",
        "perplexity over that of the softmax control, minus 1",
    ),
    (
        "perplexity_on_noisy_chip",
        "perplexity on a chip with noise and mismatch",
    ),
    ("weights", "weights of the model"),
    ("adaptation.linear_loss", "loss of the linear model (nat per token)"),
    (
        "adaptation.carried_loss",
        "loss of nonlinear hardware with its scalers (nat per token)",
    ),
    (
        "adaptation.reset_above_linear",
        "loss at the reset start above the linear model's (nat)",
    ),
    ("adaptation.recovered_after", "updates until adapted"),
    (
        "via_linear_minus_direct.equal_iterations",
        "via the linear stage minus direct, at equal iterations (nat)",
    ),
    (
        "via_linear_minus_direct.equal_nonlinear_iterations",
        "the same at equal nonlinear iterations (nat)",
    ),
    ("hardware.seconds", "time of a token and layer (s)"),
    ("hardware.energy_j", "energy of a head and token (J)"),
    ("hardware.area_mm2", "area of a head (mm\u{b2})"),
    (
        "hardware.decay_per_token",
        "share of a stored value that is lost per token",
    ),
    (
        "hardware.kept_at_window_end",
        "share of it that is left at the window's end",
    ),
    ("seed", "seed"),
];

fn figures(judged: &Value) -> Vec<Vec<String>> {
    let flat = settings::flat(judged);
    let shown = |(path, name): &(&str, &str)| {
        let value: f64 = flat.get(*path)?.parse().ok()?;
        Some(vec![(*name).to_owned(), number(value)])
    };
    FIGURES.iter().filter_map(shown).collect()
}
