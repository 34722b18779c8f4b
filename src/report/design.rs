//! What became of the design: values inside their bounds, and the way there.

use std::fmt::Write;

use serde_json::Value;
use tandem_core::DesignSpace;
use tandem_core::design::{Parameter, Scale};

use super::number::{count, number, with_unit};
use super::page::escape;
use crate::metrics::Row;

/// Most parameters whose way is drawn.
const MOST: usize = 48;
/// Most points of a way.
const POINTS: usize = 160;
/// Size of the drawing of a way.
const WIDTH: f64 = 260.0;
const HEIGHT: f64 = 92.0;

/// Where a value lies between its bounds: 0 low, 1 high, as the search sees it.
fn share(parameter: &Parameter, value: f64) -> f64 {
    let along = |v: f64| match parameter.scale {
        Scale::Log => v.max(f64::MIN_POSITIVE).ln(),
        _ => v,
    };
    let (low, high) = (along(parameter.low), along(parameter.high));
    match high > low {
        true => ((along(value) - low) / (high - low)).clamp(0.0, 1.0),
        false => 0.5,
    }
}

/// A value as people read it; that of a choice by its name.
fn shown(parameter: &Parameter, value: f64) -> String {
    match &parameter.scale {
        Scale::Choice(names) => {
            let name = names.get(value.round().max(0.0) as usize);
            name.cloned().unwrap_or_else(|| number(value))
        }
        _ => number(value),
    }
}

/// The parameter that was moved the farthest within its bounds, in a sentence.
pub fn moved_farthest(space: &DesignSpace, learnt: &[f64]) -> Option<String> {
    let moved =
        |(parameter, value): &(&Parameter, f64)| (share(parameter, *value) - share(parameter, parameter.start)).abs();
    let pairs = space.parameters.iter().zip(learnt.iter().copied());
    let (parameter, value) = pairs.max_by(|a, b| moved(a).total_cmp(&moved(b)))?;
    if moved(&(parameter, value)) < 0.005 {
        return Some(" The design is where it began.".into());
    }
    let unit = match parameter.unit.as_str() {
        "1" | "" => String::new(),
        unit => format!(" {unit}"),
    };
    Some(format!(
        " Moved the farthest within its bounds: {}, from {} to {}{unit}.",
        parameter.name,
        shown(parameter, parameter.start),
        shown(parameter, value)
    ))
}

/// The parameters with their bounds, start and learnt values.
pub fn table(space: &DesignSpace, learnt: &[f64]) -> String {
    let mut html = String::from(
        "<div class=\"wide\"><table><thead><tr><th scope=\"col\">parameter</th><th scope=\"col\">start</th>\
         <th scope=\"col\">learnt</th><th scope=\"col\">low</th><th scope=\"col\">high</th>\
         <th scope=\"col\" class=\"bar\">from start to learnt, between the bounds</th></tr></thead><tbody>",
    );
    for (parameter, &value) in space.parameters.iter().zip(learnt) {
        let name = with_unit(&parameter.name, &parameter.unit);
        let [start, learnt, low, high] =
            [parameter.start, value, parameter.low, parameter.high].map(|v| shown(parameter, v));
        let _ = write!(
            html,
            "<tr><th scope=\"row\">{}</th><td>{}</td><td><b>{}</b></td><td>{}</td><td>{}</td><td class=\"bar\">{}</td></tr>",
            escape(&name),
            escape(&start),
            escape(&learnt),
            escape(&low),
            escape(&high),
            bar(share(parameter, parameter.start), share(parameter, value))
        );
    }
    html + "</tbody></table></div>"
}

/// The range as a line, the start as a ring, the learnt value as a disc.
fn bar(start: f64, learnt: f64) -> String {
    let [from, to] = [start, learnt].map(|at| 7.0 + 106.0 * at);
    format!(
        "<svg viewBox=\"0 0 120 14\" preserveAspectRatio=\"xMinYMid\" aria-hidden=\"true\"><path d=\"M7 7H113M7 3V11M113 3V11\" stroke=\"var(--line)\" stroke-width=\"2\"/>\
         <path d=\"M{from:.1} 7H{to:.1}\" stroke=\"var(--s0)\" stroke-width=\"3\"/>\
         <circle cx=\"{from:.1}\" cy=\"7\" r=\"3.5\" fill=\"var(--card)\" stroke=\"var(--quiet)\" stroke-width=\"2\"/>\
         <circle cx=\"{to:.1}\" cy=\"7\" r=\"4.5\" fill=\"var(--s0)\"/></svg>"
    )
}

/// The way of each parameter over the environment steps, between its bounds; a word where there are too many.
pub fn ways(space: &DesignSpace, rows: &[Row]) -> String {
    let cells: String = space
        .parameters
        .iter()
        .take(MOST)
        .filter_map(|parameter| way(parameter, rows))
        .map(|svg| format!("<figure>{svg}</figure>"))
        .collect();
    if cells.is_empty() {
        return String::new();
    }
    let rest = match space.parameters.len() {
        all if all > MOST => format!("<p class=\"caption\">The first {MOST} of {all} parameters.</p>"),
        _ => String::new(),
    };
    let last = rows
        .iter()
        .rev()
        .find_map(|row| row.get("env_steps")?.as_u64())
        .unwrap_or(0);
    let span = format!(
        "<p class=\"caption\">Across: from 0 to {} environment steps.</p>",
        count(last)
    );
    format!("<h3>The way of each parameter</h3>{span}{rest}<div class=\"figures small\">{cells}</div>")
}

fn way(parameter: &Parameter, rows: &[Row]) -> Option<String> {
    let point = |row: &Row| {
        let steps = row.get("env_steps")?.as_f64()?;
        let value = row.get("design")?.get(&parameter.name).and_then(Value::as_f64)?;
        Some((steps, value))
    };
    let all: Vec<(f64, f64)> = rows.iter().filter_map(point).collect();
    let (&(_, last), end) = (all.last()?, all.last()?.0.max(1.0));
    let every = all.len().div_ceil(POINTS);
    let kept = all
        .iter()
        .enumerate()
        .filter(|(i, _)| i % every == 0 || i + 1 == all.len());
    let (left, right, top, bottom) = (6.0, WIDTH - 6.0, 22.0, HEIGHT - 20.0);
    let place = |steps: f64, value: f64| {
        let x = left + (right - left) * steps / end;
        (x, bottom - (bottom - top) * share(parameter, value))
    };
    let (x, y) = place(0.0, parameter.start);
    let mut path = format!("M{x:.1} {y:.1}");
    for (_, &(steps, value)) in kept {
        let (x, y) = place(steps, value);
        let _ = write!(path, "L{x:.1} {y:.1}");
    }
    let (x, y) = place(end, last);
    let text = |v: f64| escape(&shown(parameter, v));
    let name = escape(&with_unit(&parameter.name, &parameter.unit));
    Some(format!(
        "<svg viewBox=\"0 0 {WIDTH} {HEIGHT}\" role=\"img\" aria-label=\"{name}: from {} to {}, between {} and {}\" \
         font-size=\"11\" font-family=\"system-ui, sans-serif\" fill=\"var(--quiet)\">\
         <text x=\"{left}\" y=\"12\" fill=\"var(--ink)\" font-weight=\"600\">{name}</text>\
         <rect x=\"{left}\" y=\"{top}\" width=\"{}\" height=\"{}\" fill=\"var(--sheet)\" stroke=\"var(--line)\"/>\
         <path d=\"{path}\" fill=\"none\" stroke=\"var(--s0)\" stroke-width=\"1.8\" stroke-linejoin=\"round\"/>\
         <circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"3.2\" fill=\"var(--s0)\"/>\
         <text x=\"{left}\" y=\"{}\">range {} to {}</text><text x=\"{right}\" y=\"{}\" text-anchor=\"end\">start {}, now {}</text></svg>",
        text(parameter.start),
        text(last),
        text(parameter.low),
        text(parameter.high),
        right - left,
        bottom - top,
        HEIGHT - 5.0,
        text(parameter.low),
        text(parameter.high),
        HEIGHT - 5.0,
        text(parameter.start),
        text(last),
    ))
}
