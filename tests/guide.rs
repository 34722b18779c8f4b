//! The guide (`docs/SUMMARY.md`) and the README against the program: pages, links, commands, settings, metrics. What stands in blocks
//! of `sh run` is typed here, in short form.
//!
//! `TANDEM_WRITE=1 cargo test --release --test guide` writes the page of settings anew.

mod common;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use common::{Said, tandem, tiny, write};
use serde_json::{Value, json};

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The README and all pages of the guide, in order.
fn pages() -> Vec<PathBuf> {
    let docs = repository().join("docs");
    let summary = fs::read_to_string(docs.join("SUMMARY.md")).unwrap();
    let inside = links(&summary).into_iter().map(|link| docs.join(link));
    std::iter::once(repository().join("README.md")).chain(inside).collect()
}

/// Targets of links and pictures.
fn links(text: &str) -> Vec<String> {
    let ends = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
    ends.map(str::to_owned).collect()
}

/// Lines within blocks that begin with this line.
fn blocks(text: &str, fence: &str) -> Vec<String> {
    let (mut inside, mut lines) = (false, Vec::new());
    for line in text.lines() {
        match line.starts_with("```") {
            true => inside = line == fence,
            false if inside => lines.push(line.split(" #").next().unwrap_or(line).trim().to_owned()),
            false => {}
        }
    }
    lines
        .into_iter()
        .filter(|line| !line.is_empty() && !line.starts_with('#'))
        .collect()
}

/// First cells of the tables of a page, without their marks.
fn entries(page: &str) -> BTreeSet<String> {
    let text = fs::read_to_string(repository().join("docs/guide").join(page)).unwrap();
    let cells = text
        .lines()
        .filter_map(|line| line.strip_prefix("| `")?.split('`').next());
    cells.map(str::to_owned).collect()
}

fn words(line: &str) -> Vec<String> {
    // quotes hold blanks together; nothing more of a shell is needed here
    let parts = line.split(['"', '\'']).enumerate();
    let all = parts.flat_map(|(i, part)| match i % 2 {
        0 => part.split_whitespace().map(str::to_owned).collect(),
        _ => vec![part.to_owned()],
    });
    all.collect()
}

/// Where the links of a page may lead: a page of the guide knows nothing beyond the book.
fn within(page: &Path) -> PathBuf {
    let docs = repository().join("docs");
    let folder = if page.starts_with(&docs) {
        docs
    } else {
        repository().into()
    };
    folder.canonicalize().unwrap()
}

#[test]
fn every_page_is_there_and_every_link_leads_somewhere() {
    let mut dead = Vec::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap_or_else(|error| panic!("{}: {error}", page.display()));
        for link in links(&text) {
            let (path, _) = link.split_once('#').unwrap_or((&link, ""));
            if path.is_empty() || path.contains("://") {
                continue;
            }
            let to = page.parent().unwrap().join(path);
            // what lies outside docs is not in the book
            let inside = to.canonicalize().is_ok_and(|to| to.starts_with(within(&page)));
            if !inside {
                dead.push(format!("{}: {link}", page.display()));
            }
        }
    }
    assert!(dead.is_empty(), "{dead:#?}");
}

#[test]
fn every_command_has_its_line_and_every_line_its_command() {
    let help = tandem(repository(), &["--help"]).ended(0).out;
    let list = help.split("Commands:\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let names = list
        .lines()
        .filter_map(|line| line.strip_prefix("  ")?.split_whitespace().next());
    let names: BTreeSet<String> = names.filter(|name| *name != "help").map(str::to_owned).collect();
    assert!(names.contains("train"), "{list}");
    assert_eq!(entries("commands.md"), names);
}

#[test]
fn commands_that_are_shown_have_the_options_that_there_are() {
    let mut wrong = Vec::new();
    let mut helps: BTreeMap<Vec<String>, Said> = BTreeMap::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for line in blocks(&text, "```sh").into_iter().chain(blocks(&text, "```sh run")) {
            let words = words(&line);
            if words.first().is_none_or(|word| word != "tandem") || words[1].starts_with('-') {
                continue;
            }
            let parts = if words[1] == "sweep" { 2 } else { 1 };
            let command = words[1..=parts].to_vec();
            let help = helps.entry(command).or_insert_with_key(|command| {
                let typed: Vec<&str> = command.iter().map(String::as_str).chain(["--help"]).collect();
                tandem(repository(), &typed)
            });
            let own = words.iter().take_while(|word| *word != "--"); // what follows is for others
            let options = own.filter(|word| word.starts_with("--"));
            let unknown: Vec<&String> = options.filter(|option| !help.out.contains(option.as_str())).collect();
            if help.code != Some(0) || !unknown.is_empty() {
                wrong.push(format!("{}: {line}: {unknown:?}", page.display()));
            }
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

/// What makes a training short.
const SHORT: [&str; 6] = [
    "--set",
    "schedule.env_steps=1000",
    "--set",
    "evaluation.episodes=4",
    "--set",
    "methods.morph-conditioned.proxy.steps=30",
];

/// Types a command in short form: training for a few thousand steps, judging a few episodes.
fn short(folder: &Path, line: &str) -> Said {
    let (line, file) = line
        .split_once(" > ")
        .map_or((line, None), |(line, file)| (line, Some(file)));
    let mut words = words(line);
    assert_eq!(words.remove(0), "tandem", "{line}");
    let extra: &[&str] = match words[0].as_str() {
        "train" | "compare" => &SHORT,
        "evaluate" => &["--episodes", "4"],
        _ => &[],
    };
    if words[0] == "evaluate" {
        let own = words.iter().position(|word| word == "--episodes");
        own.into_iter().for_each(|at| drop(words.drain(at..at + 2)));
    }
    words.extend(extra.iter().map(|word| (*word).to_owned()));
    let said = tandem(folder, &words.iter().map(String::as_str).collect::<Vec<_>>());
    if let Some(file) = file {
        fs::write(folder.join(file), &said.out).unwrap();
    }
    said
}

#[test]
fn blocks_that_can_be_run_run() {
    let folder = tempfile::tempdir().unwrap();
    symlink(repository().join("experiments"), folder.path().join("experiments")).unwrap();
    let mut typed = BTreeSet::new();
    for page in pages() {
        let text = fs::read_to_string(&page).unwrap();
        for line in blocks(&text, "```sh run") {
            if !typed.insert(line.clone()) {
                continue; // another page shows it too
            }
            let said = short(folder.path(), &line);
            assert_eq!(said.code, Some(0), "{}: {line}\n{}", page.display(), said.err);
        }
    }
}

#[test]
fn the_page_of_settings_is_that_of_the_program() {
    let described = tandem(repository(), &["explain", "--json"]).ended(0).json();
    let page = repository().join("docs/guide/settings.md");
    let wanted = settings(described["entries"].as_array().unwrap());
    if std::env::var_os("TANDEM_WRITE").is_some() {
        fs::write(&page, &wanted).unwrap();
    }
    let same = fs::read_to_string(&page).unwrap() == wanted;
    assert!(
        same,
        "docs/guide/settings.md is old; TANDEM_WRITE=1 cargo test --release --test guide writes it anew"
    );
}

/// The page of settings: a table for each section.
fn settings(entries: &[Value]) -> String {
    let mut page = "# Settings\n\nEvery key of an experiment file, as `tandem explain` says it; `tandem schema` prints the same for editors. \
                    `--set PATH=VALUE` changes one for one call. This page is generated (`tests/guide.rs`).\n"
        .to_owned();
    let mut open = String::new();
    for entry in entries {
        let text = |name: &str| entry[name].as_str().unwrap_or_default();
        let section = match (text("problem"), text("key").split('.').next().unwrap_or_default()) {
            ("", first) if text("key").contains('.') => first.to_owned(),
            ("", _) => "top level".to_owned(),
            (problem, _) => format!("task of {problem}"),
        };
        if section != open {
            let _ = write!(
                page,
                "\n## {section}\n\n| key | unit | range | default | what it is |\n| --- | --- | --- | --- | --- |\n"
            );
            open = section;
        }
        let end = |i: usize| entry["range"][i].as_f64().map_or(String::new(), |end| end.to_string());
        let range = match (end(0), end(1)) {
            (low, high) if low.is_empty() && high.is_empty() => String::new(),
            (low, high) if high.is_empty() => format!("from {low}"),
            (low, high) if low.is_empty() => format!("up to {high}"),
            (low, high) => format!("{low} to {high}"),
        };
        let default = match &entry["default"] {
            Value::Null if entry["required"] == json!(true) => "must be given".to_owned(),
            Value::Null | Value::Object(_) => String::new(),
            value => format!("`{value}`"),
        };
        let choices = entry["choices"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|choice| choice[0].as_str());
        let choices: Vec<String> = choices.map(|name| format!("`{name}`")).collect();
        let doc = match choices.is_empty() {
            true => text("doc").to_owned(),
            false => format!("{} One of {}.", text("doc"), choices.join(", ")),
        };
        let cells = [
            format!("`{}`", text("key")),
            text("unit").to_owned(),
            range,
            default,
            doc,
        ];
        let safe: Vec<String> = cells
            .iter()
            .map(|cell| cell.replace('|', "\\|").replace('\n', " "))
            .collect();
        let _ = writeln!(page, "| {} |", safe.join(" | "));
    }
    page
}

#[test]
fn every_metric_has_its_line_and_every_line_its_metric() {
    let folder = tempfile::tempdir().unwrap();
    let mut keys: BTreeSet<String> = BTreeSet::new();
    for method in [
        "morph",
        "morph-conditioned",
        "hardware-as-policy",
        "gaussian",
        "cma",
        "random",
        "fixed",
    ] {
        let mut experiment = tiny(method);
        experiment["schedule"] = json!({"env_steps": 1000});
        write(&folder.path().join("e.json"), &experiment);
        tandem(folder.path(), &["train", "e.json", "--out", method]).ended(0);
        let rows = fs::read_to_string(folder.path().join(method).join("metrics.jsonl")).unwrap();
        let row: Value = serde_json::from_str(rows.lines().last().unwrap()).unwrap();
        keys.extend(row.as_object().unwrap().keys().cloned());
        let judged = fs::read_to_string(folder.path().join(method).join("evaluation/final.json")).unwrap();
        let judged: Value = serde_json::from_str(&judged).unwrap();
        let named = [
            "success",
            "success_sampled",
            "success_start_design",
            "success_half_step",
            "return",
            "proxy_gap",
        ];
        assert!(named.iter().all(|key| judged.get(key).is_some()), "{judged}");
        keys.extend(named.map(str::to_owned));
    }
    assert_eq!(entries("metrics.md"), keys);
}
