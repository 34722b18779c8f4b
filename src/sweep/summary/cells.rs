//! Cells of tables: numbers in them, and lines of them as aligned text or as Markdown.

use crate::statistics::Estimate;

/// Lines of cells under a head.
pub type Cells = Vec<Vec<String>>;

/// The lines under their head, without settings and price where there are none.
pub fn under(head: &[&str], mut lines: Cells) -> Cells {
    lines.insert(0, head.iter().map(|&title| title.to_owned()).collect());
    let empty = |lines: &Cells, at: usize| lines[1..].iter().all(|line| line[at].is_empty());
    for optional in ["price", "settings"] {
        let column = head.iter().position(|&title| title == optional);
        if let Some(at) = column.filter(|&at| empty(&lines, at)) {
            lines.iter_mut().for_each(|line| drop(line.remove(at)));
        }
    }
    lines
}

/// A share with its interval in per cent; `-` where there is none.
pub fn percent(found: Option<Estimate>) -> String {
    found.map_or("-".into(), |e| {
        format!("{:.1} % [{:.1}, {:.1}]", 100.0 * e.value, 100.0 * e.low, 100.0 * e.high)
    })
}

/// A number in three digits, with a unit of thousands.
pub fn short(value: f64) -> String {
    let (scaled, unit) = match value.abs() {
        v if v >= 1e9 => (value / 1e9, " G"),
        v if v >= 1e6 => (value / 1e6, " M"),
        v if v >= 1e3 => (value / 1e3, " k"),
        v if v < 0.01 && v > 0.0 => return format!("{value:.1e}"),
        _ => (value, ""),
    };
    let digits = match scaled.abs() {
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{scaled:.digits$}{unit}")
}

/// Columns of text.
pub fn aligned(cells: &Cells) -> String {
    let columns = cells.first().map_or(0, Vec::len);
    // a message may be long: it is followed by empty cells only
    let is_message = |line: &[String], column: usize| {
        let rest = &line[column + 1..];
        !rest.is_empty() && rest.iter().all(String::is_empty)
    };
    let width = |column: usize| {
        let lines = cells.iter().filter(|line| !is_message(line, column));
        lines.map(|line| line[column].chars().count()).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..columns).map(width).collect();
    let mut text = String::new();
    for line in cells {
        let padded: Vec<String> = line
            .iter()
            .zip(&widths)
            .map(|(cell, &width)| format!("{cell:width$}"))
            .collect();
        text += padded.join("  ").trim_end();
        text += "\n";
    }
    text
}

/// A Markdown table.
pub fn piped(cells: &Cells) -> String {
    let mut text = String::new();
    for (i, line) in cells.iter().enumerate() {
        let safe: Vec<String> = line.iter().map(|cell| cell.replace('|', "\\|")).collect();
        text += &format!("| {} |\n", safe.join(" | "));
        if i == 0 {
            text += &format!("|{}\n", "---|".repeat(line.len()));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_three_digits() {
        let cases = [
            (0.0, "0"),
            (0.05, "0.05"),
            (0.0021, "2.1e-3"),
            (-13.625, "-13.6"),
            (90.0, "90.0"),
            (3200.0, "3.20 k"),
            (250_000.0, "250 k"),
            (2.5e9, "2.50 G"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }
}
