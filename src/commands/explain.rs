//! `tandem explain`: what a setting of an experiment file is.

use serde_json::{Value, json};
use tandem_core::spelling::nearest_by;

use super::print_json;
use crate::cli::ExplainArgs;
use crate::error::Error;
use crate::output::out;
use crate::schema::{Setting, settings};

/// Runs the command.
///
/// # Errors
/// A key that there is not.
pub fn run(args: &ExplainArgs) -> Result<(), Error> {
    let all = settings();
    let Some(key) = args.key.as_deref().map(|key| key.trim_end_matches('.')) else {
        return match args.json {
            true => print_json(&json!({ "entries": all })),
            false => sections(&all),
        };
    };
    let found = find(&all, key);
    if found.is_empty() {
        return Err(unknown(&all, key));
    }
    if args.json {
        return print_json(&json!({ "entries": found }));
    }
    for (at, setting) in found.iter().enumerate() {
        if at > 0 {
            out!("")?;
        }
        explain(setting)?;
        let below: Vec<&Setting> = all.iter().filter(|other| is_member(other, setting)).collect();
        table(&below)?;
    }
    Ok(())
}

/// The settings with this key; where there is none, those whose last part it is.
fn find<'a>(all: &'a [Setting], key: &str) -> Vec<&'a Setting> {
    let exact: Vec<&Setting> = all.iter().filter(|setting| setting.key == key).collect();
    match exact.is_empty() {
        false => exact,
        true => all.iter().filter(|setting| last(&setting.key) == key).collect(),
    }
}

fn last(key: &str) -> &str {
    key.rsplit('.').next().unwrap_or(key)
}

/// Whether a setting stands right below another one.
fn is_member(setting: &Setting, section: &Setting) -> bool {
    let below = setting.key.strip_prefix(&section.key).and_then(|rest| {
        let rest = rest.strip_prefix("[]").unwrap_or(rest);
        rest.strip_prefix('.')
    });
    let same = section.problem.is_none() || setting.problem == section.problem;
    same && below.is_some_and(|rest| !rest.contains('.') && !rest.contains('['))
}

fn unknown(all: &[Setting], key: &str) -> Error {
    let nearest = nearest_by(key, all, |setting| &setting.key)
        .or_else(|| nearest_by(last(key), all, |setting| last(&setting.key)));
    let guess = nearest.map_or(";".into(), |setting| format!("; did you mean `{}`?", setting.key));
    Error::Input(format!(
        "there is no setting `{key}`{guess} `tandem explain` alone lists the sections"
    ))
}

/// Everything about one setting.
fn explain(setting: &Setting) -> Result<(), Error> {
    match &setting.problem {
        Some(problem) => out!("{}  (problem {problem})", setting.key)?,
        None => out!("{}", setting.key)?,
    }
    if !setting.doc.is_empty() {
        out!("  {}", setting.doc)?;
    }
    out!("  type     {}", setting.kind)?;
    for (name, doc) in &setting.choices {
        out!("             {name:<12} {doc}")?;
    }
    if let Some(unit) = &setting.unit {
        out!("  unit     {unit}")?;
    }
    if let Some(range) = range(setting) {
        out!("  range    {range}")?;
    }
    Ok(out!("  default  {}", default(setting))?)
}

fn range(setting: &Setting) -> Option<String> {
    match &setting.range {
        [Some(low), Some(high)] => Some(format!("{low} to {high}")),
        [Some(low), None] => Some(format!("at least {low}")),
        [None, Some(high)] => Some(format!("at most {high}")),
        [None, None] => None,
    }
}

fn default(setting: &Setting) -> String {
    match (&setting.default, setting.required) {
        (Some(Value::Object(members)), _) if members.len() > 3 => "that of each key below".into(),
        (Some(default), _) => default.to_string(),
        (None, true) => "none; it must be given".into(),
        (None, false) => "none; it may be left out".into(),
    }
}

/// A line for each.
fn table(settings: &[&Setting]) -> Result<(), Error> {
    let width = settings.iter().map(|setting| setting.key.len()).max().unwrap_or(0);
    for setting in settings {
        let problem = setting
            .problem
            .as_ref()
            .map_or(String::new(), |name| format!("{name}: "));
        out!("  {:width$}  {problem}{}", setting.key, first_sentence(&setting.doc))?;
    }
    Ok(())
}

/// A doc line up to its first full stop that is followed by a new sentence.
fn first_sentence(doc: &str) -> &str {
    let ends = doc.match_indices(". ").map(|(at, _)| at);
    let mut ends = ends.filter(|&at| doc[at + 2..].starts_with(|c: char| c.is_uppercase()));
    doc[..ends.next().unwrap_or(doc.len())].trim_end_matches('.')
}

/// The sections, each with what it is.
fn sections(all: &[Setting]) -> Result<(), Error> {
    let sections: Vec<&Setting> = all
        .iter()
        .filter(|setting| {
            let has_members = all.iter().any(|other| is_member(other, setting));
            has_members && !setting.key.contains('[') && !setting.key.contains('*')
        })
        .collect();
    out!(
        "Sections of an experiment file; `tandem explain SECTION` lists its keys, `tandem explain KEY` explains one:"
    )?;
    table(&sections)?;
    let plain: Vec<&Setting> = all
        .iter()
        .filter(|setting| !setting.key.contains('.') && !sections.iter().any(|section| section.key == setting.key))
        .collect();
    out!("Keys outside of them:")?;
    table(&plain)
}
