//! The pictures of a co-design.

use tandem_language::codesign::{Outcome, Point};

use crate::error::Error;
use crate::plot::{Axes, Better, Figure, Series, scatter};

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
