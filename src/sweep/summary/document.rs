//! The documents for scripts: one JSON document, and each table as CSV.

use serde_json::{Map, Value, json};

use super::{Entrant, Group, Improvement, Overall, Profile, Summary};
use crate::statistics::{Estimate, median_steps};

impl Summary {
    /// The document of `compare --json` and `sweep summarise --json`; `problem` and `experiment` at its top are null where
    /// there are several experiments, and stand in each row in any case.
    pub fn document(&self) -> Value {
        let alone = |of: fn(&Group) -> &String| {
            let first = self.groups.first().map(of);
            first.filter(|name| self.groups.iter().all(|group| of(group) == *name))
        };
        let rows = self.experiments().into_iter().flat_map(|(groups, success)| {
            let known = groups.iter().find(|group| group.is_known());
            groups.iter().zip(success).map(move |entry| row(entry, known))
        });
        json!({
            "problem": alone(|group| &group.problem),
            "experiment": alone(|group| &group.experiment),
            "rows": rows.collect::<Vec<_>>(),
            "overall": self.overall.iter().map(overall).collect::<Vec<_>>(),
            "improvement": self.improvements.iter().map(improved).collect::<Vec<_>>(),
            "profiles": self.profiles.iter().map(profile).collect::<Vec<_>>(),
        })
    }

    /// The tables as CSV, by the name of their file; empty cells where there is no number.
    pub fn csv(&self) -> Vec<(&'static str, String)> {
        vec![
            ("groups.csv", self.groups_csv()),
            ("runs.csv", self.runs_csv()),
            ("overall.csv", self.overall_csv()),
            ("improvement.csv", self.improvement_csv()),
            ("profiles.csv", self.profiles_csv()),
        ]
    }

    /// One line for each group.
    pub fn groups_csv(&self) -> String {
        let head = "experiment,problem,method,setting,settings,runs,missing,success_iqm,success_low,success_high,solved,\
                    steps_to_success_median";
        let lines = self.groups.iter().zip(&self.success).map(|(group, success)| {
            let mut cells = vec![word(&group.experiment), word(&group.problem)];
            cells.extend(named(&group.method, group.setting, &group.settings));
            cells.extend([group.runs.len().to_string(), group.missing.len().to_string()]);
            cells.extend(estimate_cells(*success));
            cells.extend([group.solved().to_string(), cell(median_steps(&group.steps()))]);
            cells
        });
        table(head, lines)
    }

    fn runs_csv(&self) -> String {
        let head = "task,experiment,problem,method,setting,settings,seed,state,success,steps_to_success,env_steps,\
                    hardware_queries,seconds,message";
        let lines = self.groups.iter().flat_map(|group| {
            let begin = |task: usize, seed: u64, state: &str| {
                let mut cells = vec![task.to_string(), word(&group.experiment), word(&group.problem)];
                cells.extend(named(&group.method, group.setting, &group.settings));
                cells.extend([seed.to_string(), state.to_owned()]);
                cells
            };
            let finished = group.runs.iter().map(move |run| {
                let mut cells = begin(run.task, run.seed, "finished");
                cells.extend([
                    run.success.to_string(),
                    run.steps_to_success.map_or(String::new(), |s| s.to_string()),
                ]);
                cells.extend([run.env_steps.to_string(), run.hardware_queries.to_string()]);
                cells.extend([run.seconds.to_string(), String::new()]);
                cells
            });
            let missing = group.missing.iter().map(move |run| {
                let mut cells = begin(run.task, run.seed, run.state);
                cells.resize(13, String::new());
                cells.push(word(&run.message));
                cells
            });
            finished.chain(missing)
        });
        table(head, lines)
    }

    fn overall_csv(&self) -> String {
        let lines = self.overall.iter().map(|all| {
            let mut cells = all.entrant.cells().to_vec();
            cells.push(all.runs.to_string());
            cells.extend(estimate_cells(all.success));
            cells
        });
        table(
            "method,setting,settings,runs,success_iqm,success_low,success_high",
            lines,
        )
    }

    fn improvement_csv(&self) -> String {
        let head = "experiment,x_method,x_setting,x_settings,y_method,y_setting,y_settings,probability,low,high";
        let lines = self.improvements.iter().map(|improvement| {
            let mut cells = vec![word(improvement.experiment.as_deref().unwrap_or_default())];
            cells.extend(improvement.x.cells());
            cells.extend(improvement.y.cells());
            cells.extend(estimate_cells(Some(improvement.probability)));
            cells
        });
        table(head, lines)
    }

    fn profiles_csv(&self) -> String {
        let lines = self.profiles.iter().flat_map(|profile| {
            profile.points.iter().map(move |(score, share)| {
                let mut cells = vec![word(profile.experiment.as_deref().unwrap_or_default())];
                cells.extend(profile.entrant.cells());
                cells.push(score.to_string());
                cells.extend(estimate_cells(Some(*share)));
                cells
            })
        });
        table("experiment,method,setting,settings,success,share,low,high", lines)
    }
}

impl Entrant {
    fn cells(&self) -> [String; 3] {
        named(&self.method, self.setting, &self.settings)
    }

    fn json(&self) -> Value {
        json!({"method": self.method, "setting": self.setting, "settings": self.settings})
    }
}

fn row((group, success): (&Group, &Option<Estimate>), known: Option<&Group>) -> Value {
    let runs = group.runs.iter().map(|run| {
        json!({
            "seed": run.seed,
            "success": run.success,
            "steps_to_success": run.steps_to_success,
            "env_steps": run.env_steps,
            "hardware_queries": run.hardware_queries,
            "seconds": run.seconds,
        })
    });
    let failed = group
        .missing
        .iter()
        .map(|run| json!({"seed": run.seed, "state": run.state, "message": run.message}));
    let mut row = json!({
        "experiment": group.experiment,
        "problem": group.problem,
        "method": group.method,
        "setting": group.setting,
        "settings": group.settings,
        "success": estimate(*success, "iqm"),
        "steps_to_success": {
            "median": median_steps(&group.steps()), "solved": group.solved(), "of": group.runs.len(),
        },
        "runs": runs.collect::<Vec<_>>(),
        "failed": failed.collect::<Vec<_>>(),
    });
    if let Some(known) = known {
        row["price"] = json!(group.price(known)); // of not knowing the design
    }
    row
}

fn overall(all: &Overall) -> Value {
    let mut document = all.entrant.json();
    document["runs"] = all.runs.into();
    document["success"] = estimate(all.success, "iqm");
    document
}

fn improved(improvement: &Improvement) -> Value {
    let mut document = json!({
        "experiment": improvement.experiment, "x": improvement.x.json(), "y": improvement.y.json(),
    });
    document["probability"] = estimate(Some(improvement.probability), "value");
    document
}

fn profile(profile: &Profile) -> Value {
    let mut document = profile.entrant.json();
    document["experiment"] = profile.experiment.clone().into();
    let points = profile
        .points
        .iter()
        .map(|(score, share)| json!({"success": score, "share": share.value, "low": share.low, "high": share.high}));
    document["points"] = points.collect();
    document
}

fn estimate(found: Option<Estimate>, name: &str) -> Value {
    let mut document = Map::new();
    document.insert(name.into(), found.map(|e| e.value).into());
    document.insert("low".into(), found.map(|e| e.low).into());
    document.insert("high".into(), found.map(|e| e.high).into());
    document.into()
}

fn estimate_cells(found: Option<Estimate>) -> [String; 3] {
    [
        cell(found.map(|e| e.value)),
        cell(found.map(|e| e.low)),
        cell(found.map(|e| e.high)),
    ]
}

fn named(method: &str, setting: usize, settings: &Map<String, Value>) -> [String; 3] {
    let settings = match settings.is_empty() {
        true => String::new(),
        false => word(&Value::Object(settings.clone()).to_string()),
    };
    [word(method), setting.to_string(), settings]
}

fn cell(number: Option<f64>) -> String {
    number.map_or(String::new(), |number| number.to_string())
}

/// A cell of text, in quotes where it needs them (RFC 4180).
fn word(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}

fn table(head: &str, lines: impl Iterator<Item = Vec<String>>) -> String {
    lines.fold(format!("{head}\n"), |text, cells| text + &cells.join(",") + "\n")
}

#[cfg(test)]
mod tests {
    use super::super::group::tests::{failed, group, run};
    use super::*;

    fn morph() -> Group {
        let runs = vec![
            run(0, 1.0, Some(400_000)),
            run(1, 0.9, Some(600_000)),
            run(2, 0.2, None),
        ];
        let mut morph = group("far", "morph", runs);
        morph.missing.push(failed(3, "no space, \"sorry\""));
        morph
    }

    #[test]
    fn the_document_has_the_keys_that_scripts_rely_on() {
        let document = Summary::new(vec![morph()]).document();
        assert_eq!(
            (&document["problem"], &document["experiment"]),
            (&json!("reach2d"), &json!("far"))
        );
        let row = &document["rows"][0];
        assert_eq!(row["method"], "morph");
        assert_eq!(row["success"]["iqm"], json!((1.0 + 0.9 + 0.2) / 3.0));
        assert!(row["success"]["low"].as_f64() < row["success"]["high"].as_f64());
        assert_eq!(
            row["steps_to_success"],
            json!({"median": 600_000.0, "solved": 2, "of": 3})
        );
        assert_eq!(
            row["runs"][2],
            json!({
                "seed": 2, "success": 0.2, "steps_to_success": null, "env_steps": 2_002_000,
                "hardware_queries": 1_500_000, "seconds": 90.0,
            })
        );
        let message = "no space, \"sorry\"";
        assert_eq!(
            row["failed"],
            json!([{"seed": 3, "state": "failed", "message": message}])
        );
        let points = document["profiles"][0]["points"].as_array().unwrap();
        assert_eq!(points.len(), 51);
        assert_eq!((&points[0]["share"], &points[50]["share"]), (&json!(1.0), &json!(0.0)));

        let several = Summary::new(vec![morph(), group("near", "morph", Vec::new())]).document();
        assert_eq!(several["experiment"], Value::Null);
        assert_eq!(several["rows"][1]["experiment"], "near");
        assert_eq!(several["rows"][1]["success"]["iqm"], Value::Null, "no run, no number");
        assert_eq!(several["overall"], json!([]), "one of the two experiments has no run");
    }

    #[test]
    fn tables_have_as_many_cells_in_every_line() {
        let mut tuned = group("far", "cma", vec![run(0, 0.5, None)]);
        tuned.settings.insert("ppo.rate".into(), json!(0.1));
        let summary = Summary::new(vec![morph(), tuned, group("near", "morph", vec![run(0, 1.0, None)])]);
        for (name, text) in summary.csv() {
            let quoted = text.replace("\"\"", "").replace(", sorry", "");
            let outside = |line: &str| {
                line.split('"')
                    .step_by(2)
                    .map(|part| part.matches(',').count())
                    .sum::<usize>()
            };
            let commas = outside(quoted.lines().next().unwrap());
            assert!(quoted.lines().count() > 1, "{name}: {text}");
            assert!(quoted.lines().all(|line| outside(line) == commas), "{name}: {text}");
        }
        let groups = summary.groups_csv();
        assert!(
            groups.contains("far,reach2d,cma,0,\"{\"\"ppo.rate\"\":0.1}\",1,0,0.5,"),
            "{groups}"
        );
        assert!(
            summary
                .runs_csv()
                .contains("3,far,reach2d,morph,0,,3,failed,,,,,,\"no space, \"\"sorry\"\"\"")
        );
    }
}
