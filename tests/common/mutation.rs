//! Experiments, mangled: what a typo, a slip of the hand or a broken disk makes of them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tandem_core::Stream;

/// One step into a document.
#[derive(Clone, Debug)]
enum Step {
    Key(String),
    Index(usize),
}

/// What is done to one value of an experiment.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Mutation {
    Misspell,
    Retype,
    Huge,
    Negative,
    Tiny,
    Null,
    NotANumber,
    Cut,
    Duplicate,
    Nest,
    Flip,
    Nudge,
}

/// All of them.
pub const ALL: [Mutation; 12] = [
    Mutation::Misspell,
    Mutation::Retype,
    Mutation::Huge,
    Mutation::Negative,
    Mutation::Tiny,
    Mutation::Null,
    Mutation::NotANumber,
    Mutation::Cut,
    Mutation::Duplicate,
    Mutation::Nest,
    Mutation::Flip,
    Mutation::Nudge,
];

/// A mutated text, and what its refusal has to say; `None` where it may also be accepted.
pub struct Mutant {
    /// The experiment.
    pub text: String,
    /// What its refusal has to say.
    pub must_say: Option<String>,
}

fn paths(value: &Value, path: &[Step], out: &mut Vec<Vec<Step>>) {
    let mut visit = |step: Step, inner: &Value| {
        let below = [path, &[step]].concat();
        out.push(below.clone());
        paths(inner, &below, out);
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(key, inner)| visit(Step::Key(key.clone()), inner)),
        Value::Array(list) => list
            .iter()
            .enumerate()
            .for_each(|(i, inner)| visit(Step::Index(i), inner)),
        _ => {}
    }
}

fn at<'a>(value: &'a mut Value, path: &[Step]) -> &'a mut Value {
    path.iter().fold(value, |value, step| match step {
        Step::Key(key) => &mut value[key.as_str()],
        Step::Index(index) => &mut value[*index],
    })
}

/// A value of another type than this one, which no setting takes in its place.
fn of_another_type(value: &Value) -> Value {
    match value {
        Value::Object(_) => json!(3),
        _ => json!({"a": 1}),
    }
}

/// A number somewhat smaller or larger, whole where it was; all else as it is.
fn nudged(value: &Value, factor: f64) -> Value {
    match (value.as_u64(), value.as_f64()) {
        (Some(n), _) => json!((n as f64 * factor).ceil() as u64),
        (None, Some(x)) => json!(x * factor),
        _ => value.clone(),
    }
}

/// The experiment with one value changed.
pub fn mutate(source: &Value, mutation: Mutation, stream: &mut Stream) -> Mutant {
    let mut all = Vec::new();
    paths(source, &[], &mut all);
    let path = all[stream.below(all.len())].clone();
    let mut document = source.clone();
    let target = at(&mut document, &path);
    let old = target.clone();
    let name = match &path[path.len() - 1] {
        Step::Key(key) => key.clone(),
        Step::Index(_) => String::new(),
    };
    let mut must_say = None;
    *target = match mutation {
        Mutation::Retype => {
            must_say = Some(name.clone());
            of_another_type(&old)
        }
        Mutation::Huge => json!([1e300, 1e18, 4e9][stream.below(3)]),
        Mutation::Negative => json!(-7),
        Mutation::Tiny => json!([0.0, 1e-300, 1.0][stream.below(3)]),
        Mutation::Null => Value::Null,
        Mutation::NotANumber => json!("@@"),
        Mutation::Nest => (0..100).fold(old.clone(), |inner, _| json!([inner])),
        Mutation::Flip => json!(["", "\u{0}", "\u{1f980}", "near", true, [], {}])[stream.below(7)].clone(),
        Mutation::Nudge => nudged(&old, [0.1, 0.5, 1.1, 2.0, 8.0][stream.below(5)]),
        Mutation::Misspell | Mutation::Cut | Mutation::Duplicate => old.clone(),
    };
    match mutation {
        Mutation::Misspell if !name.is_empty() => {
            must_say = Some(format!("{name}x"));
            let parent = at(&mut document, &path[..path.len() - 1]).as_object_mut().unwrap();
            *parent = parent
                .iter()
                .map(|(k, v)| (if *k == name { format!("{k}x") } else { k.clone() }, v.clone()))
                .collect();
        }
        Mutation::Duplicate if !name.is_empty() => {
            must_say = Some(name.clone());
            let text = document.to_string();
            let member = format!("{}:{old}", json!(name));
            return Mutant {
                text: text.replacen(&member, &format!("{member},{member}"), 1),
                must_say,
            };
        }
        Mutation::NotANumber => {
            let bad = ["NaN", "-Infinity", "1e999", "01", "+1", "0x10", "1."][stream.below(7)];
            return Mutant {
                text: document.to_string().replacen("\"@@\"", bad, 1),
                must_say: Some("e.json:1:".into()),
            };
        }
        Mutation::Cut => {
            let text: Vec<char> = document.to_string().chars().collect();
            let kept = stream.below(text.len());
            return Mutant {
                text: text[..kept].iter().collect(),
                must_say: Some("e.json:".into()),
            };
        }
        _ => {}
    }
    Mutant {
        text: document.to_string(),
        must_say,
    }
}

/// Every experiment file of the repository, folders below included, in order.
pub fn shipped() -> Vec<PathBuf> {
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("experiments")];
    let mut files = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true if path.ends_with("gymnasium") => {} // their robots have to be fetched first
                true if path.ends_with("known") || path.ends_with("sweeps") => {} // designs and plans
                true => folders.push(path),
                false => files.push(path),
            }
        }
    }
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json")); // robots' files lie beside them
    files.sort();
    files
}
