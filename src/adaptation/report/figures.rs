//! The pictures of an adaptation.

use tandem_language::Pipeline;

use super::STAGES;
use crate::error::Error;
use crate::plot::{Axes, Figure, Series, lines};

/// Pictures of a run: validation losses of all stages, and the adaptation where there was one.
///
/// # Errors
/// A picture without a point.
pub fn figures(pipeline: &Pipeline) -> Result<Vec<(&'static str, Figure)>, Error> {
    let draw = |axes: &Axes, series: &[Series]| lines(axes, series).map_err(|error| Error::Run(error.to_string()));
    let curve = |name: &str, points: Vec<(f64, f64)>| Series {
        name: name.to_owned(),
        points,
    };
    let curves: Vec<Series> = STAGES
        .into_iter()
        .filter(|stage| pipeline.curve(*stage).len() > 1)
        .map(|stage| {
            let points = pipeline.curve(stage).into_iter();
            curve(stage.name(), points.map(|(at, loss)| (at as f64, loss)).collect())
        })
        .collect();
    let unit = pipeline.corpus().vocabulary().unit();
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
    if let Some(adapted) = pipeline.adapted() {
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
