//! Parallel coordinates: runs as lines from their settings to their success.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;

use super::number::number;
use super::page::escape;

/// Settings of a run, by path.
type Settings = BTreeMap<String, String>;

/// What says nothing about how a run was set up.
const IGNORED: [&str; 3] = ["seed", "title", "checkpoint.every_seconds"];
/// Most settings that are drawn.
const MOST: usize = 9;
/// Measures of the chart.
const WIDTH: f64 = 1040.0;
const HEIGHT: f64 = 330.0;
const TOP: f64 = 64.0;
const BOTTOM: f64 = 300.0;
const SIDE: f64 = 90.0;

/// The settings that all these have and that are not the same in all, the seed aside.
pub fn differing(all: &[&Settings]) -> Vec<String> {
    let Some(first) = all.first() else {
        return Vec::new();
    };
    let differs = |key: &&String| {
        let everywhere = all.iter().all(|settings| settings.contains_key(*key));
        everywhere && all.iter().any(|settings| settings.get(*key) != first.get(*key))
    };
    first
        .keys()
        .filter(differs)
        .filter(|key| !IGNORED.contains(&key.as_str()))
        .cloned()
        .collect()
}

/// An axis: numbers by size, names in order.
struct Axis {
    name: String,
    values: Vec<String>,
    numbers: Option<(f64, f64, bool)>,
}

impl Axis {
    fn new(name: &str, values: impl Iterator<Item = String>) -> Self {
        let values: BTreeSet<String> = values.collect();
        let numbers: Option<Vec<f64>> = values
            .iter()
            .map(|text| text.parse().ok().filter(|v: &f64| v.is_finite()))
            .collect();
        let numbers = numbers.filter(|all| !all.is_empty()).map(|all| {
            let low = all.iter().copied().fold(f64::INFINITY, f64::min);
            let high = all.iter().copied().fold(f64::NEG_INFINITY, f64::max);
            (low, high, low > 0.0 && high / low >= 20.0) // even ratios where sizes differ much
        });
        Self {
            name: name.into(),
            values: values.into_iter().collect(),
            numbers,
        }
    }

    /// Height of a value: 0 at the lower end, 1 at the upper.
    fn share(&self, text: &str) -> f64 {
        let (at, low, high) = match self.numbers {
            Some((low, high, log)) => {
                let along = |v: f64| if log { v.ln() } else { v };
                (along(text.parse().unwrap_or(low)), along(low), along(high))
            }
            None => {
                let at = self.values.iter().position(|value| value == text).unwrap_or(0);
                (at as f64, 0.0, self.values.len().saturating_sub(1) as f64)
            }
        };
        if high > low { (at - low) / (high - low) } else { 0.5 }
    }

    /// Values that are written at the axis.
    fn ticks(&self) -> Vec<(f64, String)> {
        let shown = |text: &str| match text.parse() {
            Ok(value) if text.len() > 8 => number(value),
            _ => text.to_owned(),
        };
        let place = |text: &String| (self.share(text), shown(text));
        match self.numbers {
            Some((low, high, _)) if self.values.len() > 8 => vec![(0.0, number(low)), (1.0, number(high))],
            _ => self.values.iter().map(place).collect(),
        }
    }
}

/// The chart; `None` where nothing but seed and method differs, since curves say that better.
pub fn chart(runs: &[(&Settings, f64)]) -> Option<String> {
    let all: Vec<&Settings> = runs.iter().map(|(settings, _)| *settings).collect();
    let keys = differing(&all);
    if keys.iter().all(|key| key == "method") {
        return None;
    }
    let mut axes: Vec<Axis> = keys
        .iter()
        .take(MOST)
        .map(|key| Axis::new(key, all.iter().filter_map(|settings| settings.get(key).cloned())))
        .collect();
    axes.push(Axis {
        name: "true success".into(),
        values: ["0", "0.5", "1"].map(String::from).into(),
        numbers: Some((0.0, 1.0, false)),
    });
    let x = |i: usize| SIDE + (WIDTH - 2.0 * SIDE) * i as f64 / (axes.len() - 1) as f64;
    let y = |share: f64| BOTTOM - (BOTTOM - TOP) * share;
    let mut svg = format!(
        "<div class=\"wide\"><svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" style=\"min-width:{}px\" role=\"img\" \
         aria-label=\"Settings of each run against its true success\" font-size=\"12\" \
         font-family=\"system-ui, sans-serif\" fill=\"var(--quiet)\">",
        150 * axes.len()
    );
    let mut ordered: Vec<&(&Settings, f64)> = runs.iter().collect();
    ordered.sort_by(|a, b| a.1.total_cmp(&b.1)); // the best on top
    for (settings, success) in ordered {
        let value = |axis: &Axis| settings.get(&axis.name).cloned().unwrap_or_else(|| success.to_string());
        let points: Vec<String> = axes
            .iter()
            .enumerate()
            .map(|(i, axis)| format!("{:.1},{:.1}", x(i), y(axis.share(&value(axis)))))
            .collect();
        let _ = write!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"var(--s0)\" stroke-width=\"2\" stroke-opacity=\"{:.2}\"><title>success {}</title></polyline>",
            points.join(" "),
            0.12 + 0.78 * success,
            number(*success)
        );
    }
    for (i, axis) in axes.iter().enumerate() {
        let at = x(i);
        // names of neighbours stand at two heights, so that long ones do not meet
        let head = if i % 2 == 0 { TOP - 18.0 } else { TOP - 38.0 };
        let _ = write!(
            svg,
            "<path d=\"M{at:.1} {TOP}V{BOTTOM}\" stroke=\"var(--quiet)\"/><text x=\"{at:.1}\" y=\"{head}\" text-anchor=\"middle\" \
             fill=\"var(--ink)\" font-weight=\"600\">{}</text>",
            escape(&axis.name)
        );
        for (share, text) in axis.ticks() {
            let _ = write!(
                svg,
                "<text x=\"{:.1}\" y=\"{:.1}\" stroke=\"var(--card)\" stroke-width=\"4\" paint-order=\"stroke\">{}</text>",
                at + 6.0,
                y(share) + 4.0,
                escape(&text)
            );
        }
    }
    Some(svg + "</svg></div>")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn settings(rate: &str, seed: &str) -> Settings {
        let pairs = [("method", "fixed"), ("ppo.rate", rate), ("seed", seed)];
        pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into()
    }

    #[test]
    fn settings_that_differ_become_axes_and_seeds_do_not() {
        let all = [settings("0.001", "0"), settings("0.1", "1")];
        assert_eq!(differing(&[&all[0], &all[1]]), ["ppo.rate"]);
        let chart = chart(&[(&all[0], 0.25), (&all[1], 1.0)]).unwrap();
        assert_eq!(chart.matches("<polyline").count(), 2);
        assert!(chart.contains("ppo.rate") && chart.contains("true success"), "{chart}");
        assert!(super::chart(&[(&all[0], 0.5), (&settings("0.001", "3"), 0.5)]).is_none());
    }
}
