//! Curves of a run.

use serde_json::Value;

use crate::error::Error;
use crate::metrics::Row;
use crate::plot::{Axes, Figure, PlotError, Series, lines};

/// What every curve is drawn over.
pub const STEPS: &str = "environment steps";
/// Width of a figure, two of which stand side by side.
pub const WIDTH: Option<f32> = Some(460.0);

/// A figure within the page, where there is something to draw.
///
/// # Errors
/// A figure that cannot be drawn for another reason.
pub fn inline(figure: Result<Figure, PlotError>) -> Result<Option<String>, Error> {
    match figure {
        Ok(figure) => Ok(Some(figure.inline())),
        Err(PlotError::Empty(_)) => Ok(None),
        Err(error) => Err(Error::Run(error.to_string())),
    }
}

/// Values of a key against environment steps, where a row has them.
pub fn curve(rows: &[Row], key: &str) -> Vec<(f64, f64)> {
    let number = |row: &Row, key: &str| row.get(key).and_then(Value::as_f64);
    rows.iter()
        .filter_map(|row| Some((number(row, "env_steps")?, number(row, key)?)))
        .collect()
}

/// Success and return: of training episodes, and judged in the true machine.
///
/// # Errors
/// A figure that cannot be drawn.
pub fn learning(rows: &[Row]) -> Result<Vec<String>, Error> {
    let phases = phases(rows);
    let draw = |title: &str, y: &str, keys: [(&str, &str); 2], range| {
        let series = keys.map(|(name, key)| Series {
            name: name.into(),
            points: curve(rows, key),
        });
        let axes = Axes {
            title: title.into(),
            width: WIDTH,
            x: STEPS.into(),
            y: y.into(),
            range,
            marks: phases.clone(),
            ..Axes::default()
        };
        inline(lines(&axes, &series))
    };
    let success = [
        ("in the true machine", "true_success"),
        ("in training", "train_success"),
    ];
    let total_return = [("in the true machine", "true_return"), ("in training", "return")];
    let figures = [
        draw("Success", "share of episodes solved", success, Some((0.0, 1.0)))?,
        draw("Return", "mean sum of rewards of an episode", total_return, None)?,
    ];
    Ok(figures.into_iter().flatten().collect())
}

/// How far the proxy is from the hardware, where there is one.
///
/// # Errors
/// A figure that cannot be drawn.
pub fn proxy_gap(rows: &[Row]) -> Result<Option<String>, Error> {
    let keys = [
        ("queries that episodes visit, RMS error", "proxy_gap"),
        ("the same, 95 % quantile", "proxy_gap_p95"),
        ("queries drawn uniformly, RMS error", "proxy_gap_uniform"),
    ];
    let series = keys.map(|(name, key)| Series {
        name: name.into(),
        points: curve(rows, key),
    });
    let axes = Axes {
        title: "Proxy gap".into(),
        width: WIDTH,
        x: STEPS.into(),
        y: "error of the effect (1 = the effect's own scale)".into(),
        marks: phases(rows),
        ..Axes::default()
    };
    inline(lines(&axes, &series))
}

/// Where another phase begins.
fn phases(rows: &[Row]) -> Vec<(f64, String)> {
    let phase = |row: &Row| row.get("phase").and_then(Value::as_str).map(str::to_owned);
    let steps = |row: &Row| row.get("env_steps").and_then(Value::as_f64);
    let changes = rows.windows(2).filter(|pair| phase(&pair[0]) != phase(&pair[1]));
    changes
        .filter_map(|pair| Some((steps(&pair[0])?, phase(&pair[1])?)))
        .collect()
}
