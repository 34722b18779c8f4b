//! The settings of experiment files, one by one.

use serde::Serialize;
use serde_json::Value;

use super::range::join;

/// One key of an experiment file.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Setting {
    /// Its path: `ppo.clip`, `task.goal`; of the items of a list `task.design[].low`, of any name `*`.
    pub key: String,
    /// The problem whose `task` has it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub problem: Option<String>,
    /// What stands there: a number, a text, an object, one of several names.
    pub kind: String,
    /// Unit of the value; `1` for numbers without one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Lowest and highest value, where there are bounds.
    pub range: [Option<Value>; 2],
    /// What acts where the key is left out; absent where it must be given or where leaving it out says something of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Whether an experiment must have it.
    pub required: bool,
    /// What it is.
    pub doc: String,
    /// Names to choose from, with what each means.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub choices: Vec<(String, String)>,
}

/// All settings of [`super::document`], sections before what is in them.
pub fn settings() -> Vec<Setting> {
    let document = super::document();
    let mut all = Vec::new();
    collect(&document["then"], "", None, &mut all);
    for rule in document["then"]["allOf"].as_array().into_iter().flatten() {
        let problem = rule["if"]["properties"]["problem"]["const"].as_str();
        collect(&rule["then"]["properties"]["task"], "task", problem, &mut all);
    }
    let known: Vec<String> = all.iter().map(|setting| setting.key.clone()).collect();
    let mut language = Vec::new();
    collect(&document["else"], "", None, &mut language);
    all.extend(language.into_iter().filter(|setting| !known.contains(&setting.key)));
    all
}

fn collect(schema: &Value, path: &str, problem: Option<&str>, out: &mut Vec<Setting>) {
    let required = |name: &str| {
        schema["required"]
            .as_array()
            .is_some_and(|names| names.iter().any(|n| n == name))
    };
    for (name, member) in schema["properties"].as_object().into_iter().flatten() {
        let path = join(path, name);
        out.push(setting(member, &path, problem, required(name)));
        collect(member, &path, problem, out);
    }
    for part in schema["anyOf"].as_array().into_iter().flatten() {
        collect(part, path, problem, out);
    }
    for choice in schema["oneOf"].as_array().into_iter().flatten() {
        // a choice that has settings of its own says what it is, not its only member
        let mut choice = choice.clone();
        let doc = choice["description"].take();
        for member in choice["properties"]
            .as_object_mut()
            .into_iter()
            .flatten()
            .map(|(_, member)| member)
        {
            member["description"] = doc.clone();
        }
        collect(&choice, path, problem, out);
    }
    if schema["items"].is_object() {
        collect(&schema["items"], &format!("{path}[]"), problem, out);
    }
    if schema["additionalProperties"].is_object() {
        collect(&schema["additionalProperties"], &join(path, "*"), problem, out);
    }
}

fn setting(schema: &Value, key: &str, problem: Option<&str>, required: bool) -> Setting {
    let choices = choices(schema);
    let kind = kind(schema);
    let numbers = innermost(schema);
    let bound = |name: &str| numbers.get(name).cloned();
    let unit = schema.get("unit").and_then(Value::as_str).map(str::to_owned);
    let default = schema.get("default").filter(|default| !default.is_null()).cloned();
    Setting {
        key: key.to_owned(),
        problem: problem.map(str::to_owned),
        unit: unit.or_else(|| kind.contains("number").then(|| "1".to_owned())),
        range: [bound("minimum"), bound("maximum")],
        default,
        required,
        doc: plain(schema["description"].as_str().unwrap_or_default()),
        kind: match choices.is_empty() {
            true => kind,
            false => "one of several names".into(),
        },
        choices,
    }
}

/// The schema of each number of a list, of a list of lists.
fn innermost(schema: &Value) -> &Value {
    match &schema["items"] {
        Value::Null => schema,
        items => innermost(items),
    }
}

/// What stands there, in words.
fn kind(schema: &Value) -> String {
    let name = match &schema["type"] {
        Value::String(name) => name.as_str(),
        Value::Array(names) => names
            .iter()
            .filter_map(Value::as_str)
            .find(|name| *name != "null")
            .unwrap_or(""),
        _ => "",
    };
    match name {
        "integer" => "whole number".into(),
        "number" => "number".into(),
        "boolean" => "true or false".into(),
        "string" => "text".into(),
        "object" => "object".into(),
        "array" => {
            let item = kind(&schema["items"]);
            match (schema["minItems"].as_u64(), schema["maxItems"].as_u64()) {
                (Some(low), Some(high)) if low == high => format!("list of {low}: {item}"),
                _ => format!("list: {item}"),
            }
        }
        _ => {
            let parts = schema["anyOf"].as_array().into_iter().flatten();
            parts
                .map(kind)
                .find(|kind| kind != "null")
                .unwrap_or_else(|| "object".into())
        }
    }
}

/// The names that an enumeration has, with their docs.
fn choices(schema: &Value) -> Vec<(String, String)> {
    let parts = |keyword: &str| schema[keyword].as_array().cloned().unwrap_or_default();
    let mut found: Vec<(String, String)> = parts("enum")
        .iter()
        .filter_map(|name| Some((name.as_str()?.to_owned(), String::new())))
        .collect();
    for part in parts("oneOf") {
        let doc = plain(part["description"].as_str().unwrap_or_default());
        match (&part["const"], part["properties"].as_object()) {
            (Value::String(name), _) => found.push((name.clone(), doc)),
            (_, Some(members)) => {
                found.extend(members.keys().map(|name| (format!("{{{name}: {{...}}}}"), doc.clone())))
            }
            _ => found.extend(choices(&part)),
        }
    }
    for part in parts("anyOf") {
        found.extend(choices(&part));
    }
    found
}

/// A doc comment as plain text: on one line, links as their names.
fn plain(doc: &str) -> String {
    let mut text = String::new();
    let mut rest = doc;
    while let Some(at) = rest.find("[`") {
        text += &rest[..at];
        rest = &rest[at + 1..];
        let end = rest.find("`]").map_or(rest.len(), |end| end + 1);
        text += &rest[..end];
        rest = rest.get(end + 1..).unwrap_or_default();
        if rest.starts_with('(') {
            rest = rest.find(')').map_or("", |close| &rest[close + 1..]);
        }
    }
    text += rest;
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_of_doc_comments_become_their_names() {
        let doc = "Number of links, 1 to [`MAX_LINKS`]; see\n[`Problem::last`](core::Problem::last), in [0, 1].";
        assert_eq!(
            plain(doc),
            "Number of links, 1 to `MAX_LINKS`; see `Problem::last`, in [0, 1]."
        );
    }
}
