//! Curves, bars and sparklines of characters: two dots across and four down for each character of a curve (Braille).

use crate::sweep::summary::cells::short;

/// A curve of points (x, y), `width` by `height` characters, with the range of y at its left and that of x below.
/// Values that are not finite are left out; no points, no lines.
pub fn curve(points: &[(f64, f64)], range: Option<(f64, f64)>, width: usize, height: usize) -> Vec<String> {
    let points: Vec<(f64, f64)> = points
        .iter()
        .copied()
        .filter(|(x, y)| x.is_finite() && y.is_finite())
        .collect();
    let label = 9;
    if points.is_empty() || width < label + 4 || height == 0 {
        return Vec::new();
    }
    let (columns, rows) = (2 * (width - label), 4 * height);
    let ends = |of: fn(&(f64, f64)) -> f64| {
        let values = points.iter().map(of);
        values.fold((f64::INFINITY, f64::NEG_INFINITY), |(low, high), v| {
            (low.min(v), high.max(v))
        })
    };
    let (first, last) = ends(|p| p.0);
    let (low, high) = range.unwrap_or_else(|| ends(|p| p.1));
    let place = |value: f64, (low, high): (f64, f64), cells: usize| {
        let share = if high > low { (value - low) / (high - low) } else { 0.5 };
        ((share * (cells - 1) as f64).round().max(0.0) as usize).min(cells - 1)
    };
    let mut dots = vec![vec![0u8; width - label]; height];
    let mut before: Option<usize> = None;
    let mut column_before = 0;
    for &(x, y) in &points {
        let (column, row) = (place(x, (first, last), columns), rows - 1 - place(y, (low, high), rows));
        let from = before.unwrap_or(row);
        for step in column_before.min(column)..=column {
            let share = if column > column_before {
                (step - column_before) as f64 / (column - column_before) as f64
            } else {
                1.0
            };
            let at = from as f64 + share * (row as f64 - from as f64);
            dot(&mut dots, step, at.round() as usize);
        }
        (before, column_before) = (Some(row), column);
    }
    let mut lines: Vec<String> = Vec::with_capacity(height + 1);
    for (i, row) in dots.iter().enumerate() {
        let end = match i {
            0 => short(high),
            _ if i + 1 == height => short(low),
            _ => String::new(),
        };
        let text: String = row
            .iter()
            .map(|&bits| char::from_u32(0x2800 + u32::from(bits)).unwrap_or(' '))
            .collect();
        lines.push(format!("{end:>7} │{text}"));
    }
    let (first, last) = (short(first), short(last));
    let gap = (width - label).saturating_sub(first.chars().count());
    lines.push(format!("{:>9}{first}{last:>gap$}", ""));
    lines
}

/// Sets the dot in this column and row.
fn dot(dots: &mut [Vec<u8>], column: usize, row: usize) {
    const BITS: [[u8; 4]; 2] = [[0x01, 0x02, 0x04, 0x40], [0x08, 0x10, 0x20, 0x80]];
    if let Some(cell) = dots.get_mut(row / 4).and_then(|line| line.get_mut(column / 2)) {
        *cell |= BITS[column % 2][row % 4];
    }
}

/// A bar of `width` characters, filled to this share.
pub fn bar(share: f64, width: usize) -> String {
    let filled = (share.clamp(0.0, 1.0) * width as f64).round() as usize;
    "█".repeat(filled) + &"░".repeat(width - filled)
}

/// Where a value lies between two bounds.
pub fn slider(value: f64, low: f64, high: f64, width: usize) -> String {
    let share = if high > low { (value - low) / (high - low) } else { 0.5 };
    let at = (share.clamp(0.0, 1.0) * (width - 1) as f64).round() as usize;
    "─".repeat(at) + "●" + &"─".repeat(width - 1 - at)
}

/// Values in [0, 1], one character each.
pub fn sparkline(values: &[f64]) -> String {
    const STEPS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let step = |value: &f64| STEPS[(value.clamp(0.0, 1.0) * 7.0).round() as usize];
    values.iter().map(step).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_rises_from_left_to_right() {
        let lines = curve(&[(0.0, 0.0), (50.0, 0.5), (100.0, 1.0)], Some((0.0, 1.0)), 19, 3);
        assert_eq!(lines.len(), 4);
        assert!(lines.iter().all(|line| line.chars().count() <= 19), "{lines:?}");
        let first = |line: &str| line.chars().skip(9).position(|c| c != '\u{2800}');
        let starts: Vec<Option<usize>> = lines[..3].iter().map(|line| first(line)).collect();
        assert!(
            starts[0] > starts[1] && starts[1] > starts[2] && starts[2] == Some(0),
            "{lines:?}"
        );
        assert!(
            lines[0].contains("1.00 │") && lines[2].contains("0 │") && lines[3].ends_with("100"),
            "{lines:?}"
        );
        assert!(curve(&[(0.0, f64::NAN)], None, 40, 4).is_empty());
        assert_eq!(curve(&[(5.0, 2.0)], None, 40, 4).len(), 5, "one point is a curve, too");
    }

    #[test]
    fn bars_and_sliders_have_their_width() {
        assert_eq!((bar(0.5, 4), bar(2.0, 2)), ("██░░".into(), "██".into()));
        assert_eq!(
            (slider(0.0, 0.0, 1.0, 3), slider(9.0, 0.0, 1.0, 3)),
            ("●──".into(), "──●".into())
        );
        assert_eq!(sparkline(&[0.0, 0.5, 1.0]), "▁▅█");
    }
}
