//! The tables of results, as plain text and as Markdown from the same cells.

use super::cells::{Cells, aligned, percent, piped, short, under};
use super::group::Group;
use super::{Summary, middle};
use crate::statistics::{Estimate, median_steps};

const HEAD: [&str; 10] = [
    "method",
    "settings",
    "seeds",
    "true success, IQM [95 %]",
    "solved",
    "steps to success, median [range]",
    "price",
    "env steps",
    "hardware queries",
    "minutes",
];
const RUN_HEAD: [&str; 8] = [
    "method",
    "settings",
    "seed",
    "true success",
    "steps to success",
    "env steps",
    "hardware queries",
    "minutes",
];
const OVERALL_HEAD: [&str; 4] = [
    "method",
    "settings",
    "runs",
    "true success over all experiments, IQM [95 %]",
];
const IMPROVEMENT_HEAD: [&str; 4] = ["experiment", "this", "does better than", "probability [95 %]"];
const NOTE: &str = "IQM: interquartile mean over seeds, with its bootstrap interval (over experiments: stratified by them). Steps \
    to success: environment steps until true success reached 80 % for three evaluations; a seed that never did counts as \
    infinitely slow. Price: these steps by those of control alone on the best design that is known. Steps, queries and minutes \
    of a method are medians over its seeds. Probability of improvement: that of a run of the one to have more true success than a run of the other, ties counted half.";

/// More runs of an experiment than these are listed as CSV only.
const MOST_LISTED: usize = 200;

impl Summary {
    /// The tables as aligned text.
    pub fn plain(&self) -> String {
        let mut text = String::new();
        for (groups, success) in self.experiments() {
            text += &format!("{} ({})\n\n", groups[0].experiment, groups[0].problem);
            text += &(aligned(&summary(groups, success)) + "\n" + &listed(groups, aligned) + "\n");
        }
        for cells in [self.overall_cells(), self.improvement_cells()] {
            if cells.len() > 1 {
                text += &(aligned(&cells) + "\n");
            }
        }
        text
    }

    /// The tables as Markdown.
    pub fn markdown(&self) -> String {
        let parts = self.experiments();
        let mut text = String::new();
        for (groups, success) in &parts {
            let experiment = &groups[0].experiment;
            let picture = if parts.len() == 1 {
                "curves.png".into()
            } else {
                format!("curves-{experiment}.png")
            };
            text += &format!(
                "# {experiment} ({})\n\n{}\n",
                groups[0].problem,
                piped(&summary(groups, success))
            );
            text += &listed(groups, piped);
            if groups.iter().any(|group| !group.runs.is_empty()) {
                text += &format!("\n![True success against environment steps]({picture})\n");
            }
            text += "\n";
        }
        for (title, cells) in [
            ("Over all experiments", self.overall_cells()),
            ("Probability of improvement", self.improvement_cells()),
        ] {
            if cells.len() > 1 {
                text += &format!("# {title}\n\n{}\n", piped(&cells));
            }
        }
        text + NOTE + "\n"
    }

    fn overall_cells(&self) -> Cells {
        let line = |all: &super::Overall| {
            let (entrant, runs) = (&all.entrant, all.runs.to_string());
            vec![
                entrant.method.clone(),
                entrant.settings_text(),
                runs,
                percent(all.success),
            ]
        };
        under(&OVERALL_HEAD, self.overall.iter().map(line).collect())
    }

    fn improvement_cells(&self) -> Cells {
        let line = |improvement: &super::Improvement| {
            let experiment = improvement.experiment.clone().unwrap_or_else(|| "all".into());
            let (x, y) = (improvement.x.label.clone(), improvement.y.label.clone());
            vec![experiment, x, y, percent(Some(improvement.probability))]
        };
        under(&IMPROVEMENT_HEAD, self.improvements.iter().map(line).collect())
    }
}

/// One line per method and combination of settings.
fn summary(groups: &[Group], success: &[Option<Estimate>]) -> Cells {
    let line = |(group, success): (&Group, &Option<Estimate>)| {
        let seeds = group.runs.len().to_string();
        vec![
            group.method.clone(),
            group.settings_text(),
            match group.missing.len() {
                0 => seeds,
                _ => format!("{seeds} ({})", absent(group)),
            },
            percent(*success),
            format!("{}/{}", group.solved(), group.runs.len()),
            steps(group),
            price(group, groups),
            middle(group, |run| run.env_steps as f64).map_or("-".into(), short),
            middle(group, |run| run.hardware_queries as f64).map_or("-".into(), short),
            middle(group, |run| run.seconds / 60.0).map_or("-".into(), short),
        ]
    };
    under(&HEAD, groups.iter().zip(success).map(line).collect())
}

/// How many runs are missing, and why: `1 failed, 2 waiting`.
fn absent(group: &Group) -> String {
    let mut states: Vec<&str> = group.missing.iter().map(|missing| missing.state).collect();
    states.sort_unstable();
    let counts = states
        .chunk_by(|a, b| a == b)
        .map(|same| format!("{} {}", same.len(), same[0]));
    counts.collect::<Vec<_>>().join(", ")
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

/// The price of not knowing the design, where control alone on a known one is among the groups.
fn price(group: &Group, groups: &[Group]) -> String {
    let known = groups.iter().find(|group| group.is_known());
    let price = known.and_then(|known| group.price(known));
    price.map_or(String::new(), |price| format!("{price:.2}"))
}

/// The table of runs, where a reader would read it.
fn listed(groups: &[Group], format: fn(&Cells) -> String) -> String {
    let count: usize = groups.iter().map(|group| group.runs.len() + group.missing.len()).sum();
    match count <= MOST_LISTED {
        true => format(&runs(groups)),
        false => format!("{count} runs: runs.csv\n"),
    }
}

/// One line per run.
fn runs(groups: &[Group]) -> Cells {
    let mut lines = Vec::new();
    for group in groups {
        for run in &group.runs {
            lines.push(vec![
                group.method.clone(),
                group.settings_text(),
                run.seed.to_string(),
                format!("{:.1} %", 100.0 * run.success),
                run.steps_to_success.map_or("never".into(), |s| short(s as f64)),
                short(run.env_steps as f64),
                short(run.hardware_queries as f64),
                short(run.seconds / 60.0),
            ]);
        }
        for missing in &group.missing {
            let why = format!("{}: {}", missing.state, missing.message);
            let mut line = vec![
                group.method.clone(),
                group.settings_text(),
                missing.seed.to_string(),
                why,
            ];
            line.resize(RUN_HEAD.len(), String::new());
            lines.push(line);
        }
    }
    under(&RUN_HEAD, lines)
}

#[cfg(test)]
mod tests {
    use super::super::group::tests::{failed, group, run};
    use super::*;

    fn groups() -> Vec<Group> {
        let solved = vec![
            run(0, 1.0, Some(400_000)),
            run(1, 1.0, Some(600_000)),
            run(2, 1.0, Some(1_250_000)),
        ];
        let mut cma = group("far", "cma", vec![run(0, 0.0, None), run(1, 0.25, Some(900_000))]);
        cma.missing.push(failed(2, "the disk | is full"));
        vec![group("far", "morph", solved), cma, group("far", "random", Vec::new())]
    }

    #[test]
    fn a_methods_line_gives_interval_counts_and_range() {
        let found = Summary::new(groups());
        let cells = summary(&found.groups, &found.success);
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
    fn not_knowing_the_design_has_a_price_where_it_is_known() {
        let mut known = group(
            "far",
            "fixed",
            vec![run(0, 1.0, Some(300_000)), run(1, 1.0, Some(500_000))],
        );
        known
            .settings
            .insert("methods.fixed.design".into(), serde_json::json!([0.9, 0.8]));
        let mut all = groups();
        all.push(known);
        let found = Summary::new(all);
        let cells = summary(&found.groups, &found.success);
        let column = |title: &str| cells[0].iter().position(|cell| cell == title).unwrap();
        let prices: Vec<&str> = cells[1..].iter().map(|line| line[column("price")].as_str()).collect();
        assert_eq!(
            prices,
            ["1.50", "", "", ""],
            "600 k by 400 k; never solved in half of the seeds; no run; itself"
        );
        assert_eq!(cells[4][column("settings")], "known design");
        let document = found.document();
        assert_eq!(document["rows"][0]["price"], serde_json::json!(1.5));
        assert!(document["rows"][1]["price"].is_null());
    }

    #[test]
    fn settings_are_told_where_they_vary() {
        let mut tuned = groups();
        tuned[1].settings.insert("ppo.rate".into(), 0.1.into());
        let cells = runs(&tuned);
        assert_eq!(cells[0][1], "settings");
        assert_eq!(cells[4][..3], ["cma", "ppo.rate=0.1", "0"]);
        assert_eq!(runs(&groups())[0][1], "seed");
    }

    #[test]
    fn plain_text_is_aligned_and_names_every_run() {
        let text = Summary::new(groups()).plain();
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
        let text = Summary::new(groups()).markdown();
        assert!(text.contains("![True success against environment steps](curves.png)"));
        for line in text.lines().filter(|line| line.starts_with('|')) {
            let cells = line.replace("\\|", "").matches('|').count() - 1;
            assert!(
                [HEAD.len() - 2, RUN_HEAD.len() - 1, IMPROVEMENT_HEAD.len()].contains(&cells),
                "{line}"
            );
        }
        let mut several = groups();
        several.push(group("near", "morph", vec![run(0, 1.0, None)]));
        assert!(Summary::new(several).markdown().contains("](curves-near.png)"));
    }
}
