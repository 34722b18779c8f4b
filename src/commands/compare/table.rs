//! The table of results, as plain text and as Markdown from the same cells.

use super::report::Group;
use crate::statistics::{median, median_steps};

const HEAD: [&str; 8] = [
    "method",
    "seeds",
    "true success, IQM [95 %]",
    "solved",
    "steps to success, median [range]",
    "env steps",
    "hardware queries",
    "minutes",
];
const RUN_HEAD: [&str; 7] = [
    "method",
    "seed",
    "true success",
    "steps to success",
    "env steps",
    "hardware queries",
    "minutes",
];
const NOTE: &str = "IQM: interquartile mean over seeds, with its bootstrap interval. Steps to success: environment \
    steps until true success reached 80 % for three evaluations; a seed that never did counts as infinitely slow. \
    Steps, queries and minutes of a method are medians over its seeds.";

/// Lines of cells under a head.
type Cells = Vec<Vec<String>>;

/// The table as aligned text.
pub(super) fn plain(groups: &[Group]) -> String {
    let mut text = String::new();
    for part in experiments(groups) {
        text += &format!("{} ({})\n\n", part[0].experiment, part[0].problem);
        text += &aligned(&summary(part));
        text += "\n";
        text += &aligned(&runs(part));
        text += "\n";
    }
    text
}

/// The table as Markdown.
pub(super) fn markdown(groups: &[Group]) -> String {
    let parts = experiments(groups);
    let mut text = String::new();
    for part in &parts {
        let experiment = &part[0].experiment;
        let picture = if parts.len() == 1 {
            "curves.png".into()
        } else {
            format!("curves-{experiment}.png")
        };
        text += &format!("# {experiment} ({})\n\n{}\n", part[0].problem, piped(&summary(part)));
        text += &format!(
            "{}\n![True success against environment steps]({picture})\n\n",
            piped(&runs(part))
        );
    }
    text + NOTE + "\n"
}

fn experiments(groups: &[Group]) -> Vec<&[Group]> {
    groups.chunk_by(|a, b| a.experiment == b.experiment).collect()
}

/// One line per method.
fn summary(groups: &[Group]) -> Cells {
    let mut cells = vec![HEAD.map(String::from).to_vec()];
    for group in groups {
        let success = group.success().map_or("-".into(), |e| {
            format!("{:.1} % [{:.1}, {:.1}]", 100.0 * e.value, 100.0 * e.low, 100.0 * e.high)
        });
        let middle =
            |of: fn(&super::report::RunResult) -> f64| median(&group.runs.iter().map(of).collect::<Vec<f64>>());
        let failed = group.failed.len();
        let seeds = group.runs.len().to_string();
        cells.push(vec![
            group.method.clone(),
            if failed == 0 {
                seeds
            } else {
                format!("{seeds} ({failed} failed)")
            },
            success,
            format!("{}/{}", group.solved(), group.runs.len()),
            steps(group),
            middle(|run| run.env_steps as f64).map_or("-".into(), short),
            middle(|run| run.hardware_queries as f64).map_or("-".into(), short),
            middle(|run| run.seconds / 60.0).map_or("-".into(), short),
        ]);
    }
    cells
}

/// Median steps to success and their range; seeds that never solved it are infinitely slow.
fn steps(group: &Group) -> String {
    let steps = group.steps();
    let solved = || steps.iter().flatten();
    let Some(first) = solved().min() else {
        return "-".into();
    };
    let last = if solved().count() == steps.len() {
        solved().max()
    } else {
        None
    };
    let text = |steps: Option<f64>| steps.map_or("never".into(), short);
    format!(
        "{} [{}, {}]",
        text(median_steps(&steps)),
        short(*first as f64),
        text(last.map(|&s| s as f64))
    )
}

/// One line per run.
fn runs(groups: &[Group]) -> Cells {
    let mut cells = vec![RUN_HEAD.map(String::from).to_vec()];
    for group in groups {
        for run in &group.runs {
            cells.push(vec![
                group.method.clone(),
                run.seed.to_string(),
                format!("{:.1} %", 100.0 * run.success),
                run.steps_to_success.map_or("never".into(), |s| short(s as f64)),
                short(run.env_steps as f64),
                short(run.hardware_queries as f64),
                short(run.seconds / 60.0),
            ]);
        }
        for (seed, message) in &group.failed {
            let mut line = vec![group.method.clone(), seed.to_string(), format!("failed: {message}")];
            line.resize(RUN_HEAD.len(), String::new());
            cells.push(line);
        }
    }
    cells
}

/// Three digits with a unit of thousands.
fn short(value: f64) -> String {
    let (scaled, unit) = match value {
        v if v >= 1e9 => (v / 1e9, " G"),
        v if v >= 1e6 => (v / 1e6, " M"),
        v if v >= 1e3 => (v / 1e3, " k"),
        v => (v, ""),
    };
    let digits = match scaled {
        v if v >= 100.0 || v == 0.0 => 0,
        v if v >= 10.0 => 1,
        _ => 2,
    };
    format!("{scaled:.digits$}{unit}")
}

fn aligned(cells: &Cells) -> String {
    let columns = cells.first().map_or(0, Vec::len);
    let is_message = |line: &[String]| line.iter().skip(1).any(|cell| cell.starts_with("failed: "));
    let width = |column: usize| {
        let lines = cells.iter().filter(|line| !is_message(line));
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

fn piped(cells: &Cells) -> String {
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
    use super::super::report::tests::{group, run};
    use super::*;

    fn groups() -> Vec<Group> {
        let solved = vec![
            run(0, 1.0, Some(400_000)),
            run(1, 1.0, Some(600_000)),
            run(2, 1.0, Some(1_250_000)),
        ];
        let mut cma = group("far", "cma", vec![run(0, 0.0, None), run(1, 0.25, Some(900_000))]);
        cma.failed.push((2, "the disk | is full".into()));
        vec![group("far", "morph", solved), cma, group("far", "random", Vec::new())]
    }

    #[test]
    fn a_methods_line_gives_interval_counts_and_range() {
        let cells = summary(&groups());
        let line = |i: usize| cells[i].join(" ; ");
        assert_eq!(
            line(1),
            "morph ; 3 ; 100.0 % [100.0, 100.0] ; 3/3 ; 600 k [400 k, 1.25 M] ; 2.00 M ; 1.50 M ; 1.50"
        );
        assert_eq!(
            line(2),
            "cma ; 2 (1 failed) ; 12.5 % [0.0, 25.0] ; 1/2 ; never [900 k, never] ; 2.00 M ; 1.50 M ; 1.50"
        );
        assert_eq!(line(3), "random ; 0 ; - ; 0/0 ; - ; - ; - ; -");
    }

    #[test]
    fn numbers_have_three_digits() {
        let cases = [
            (0.0, "0"),
            (0.05, "0.05"),
            (90.0, "90.0"),
            (3200.0, "3.20 k"),
            (250_000.0, "250 k"),
            (2.5e9, "2.50 G"),
        ];
        for (value, text) in cases {
            assert_eq!(short(value), text);
        }
    }

    #[test]
    fn plain_text_is_aligned_and_names_every_run() {
        let text = plain(&groups());
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "far (reach2d)");
        let column = |line: &str, word: &str| line.find(word);
        assert_eq!(column(lines[2], "true success"), column(lines[3], "100.0 %"));
        assert!(text.contains("cma     2     failed: the disk | is full\n"), "{text}");
        assert_eq!(lines.iter().filter(|line| line.starts_with("morph ")).count(), 1 + 3);
        assert!(lines.iter().all(|line| !line.ends_with(' ')));
    }

    #[test]
    fn markdown_has_as_many_cells_in_every_line() {
        let text = markdown(&groups());
        assert!(text.contains("![True success against environment steps](curves.png)"));
        for line in text.lines().filter(|line| line.starts_with('|')) {
            let cells = line.replace("\\|", "").matches('|').count() - 1;
            assert!(cells == HEAD.len() || cells == RUN_HEAD.len(), "{line}");
        }
        let mut several = groups();
        several.push(group("near", "morph", vec![run(0, 1.0, None)]));
        assert!(markdown(&several).contains("](curves-near.png)"));
    }
}
