//! What an experiment file may hold, described: the JSON schema of `tandem schema`, and the settings one by one for
//! `tandem explain`.
//!
//! | what is said of a setting | where it comes from |
//! |---|---|
//! | doc line, type, choices | the type that reads it, by `schemars` |
//! | unit | an attribute beside the field; of a circuit, its table of quantities |
//! | default | the experiment as it acts where the setting is left out ([`registry::resolved`]) |
//! | range | the check that refuses what lies outside (`range`); of a circuit, its table of quantities |

mod range;
mod setting;

use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::adaptation::LanguageExperiment;
use crate::experiment::Experiment;
use crate::registry;
use crate::strict::Located;

pub use setting::{Setting, settings};

/// The dialect of the schema.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// The schema of a type, in one piece.
pub fn section<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    without_title(&mut schema);
    schema
}

/// The names of Rust's types say nothing to the author of a file.
fn without_title(schema: &mut Value) {
    if let Some(members) = schema.as_object_mut() {
        members.remove("title");
    }
}

/// The schema of experiment files: of those with a problem, and of those about a language model.
pub fn document() -> Value {
    json!({
        "$schema": DIALECT,
        "title": "Tandem experiment",
        "if": {"required": ["problem"]},
        "then": experiment(),
        "else": language(),
    })
}

/// Experiments with a problem and a method.
fn experiment() -> Value {
    let mut schema = section::<Experiment>();
    let document = json!({"problem": "reach2d"});
    let whole = Context::new("", &document, &[]);
    let tasks: Vec<Value> = registry::problems().iter().filter_map(task).collect();
    let mut methods = Map::new();
    for entry in registry::methods() {
        let Some(section) = entry.schema else { continue };
        let document = json!({"problem": "reach2d", "method": entry.name});
        let mut section = section();
        Context::new(&format!("methods.{}", entry.name), &document, &[]).annotate(&mut section);
        section["description"] = entry.about.into();
        methods.insert(entry.name.into(), section);
    }
    let names = |names: Vec<&str>| json!(names);
    let members = &mut schema["properties"];
    whole.annotate_members(members);
    members["problem"]["enum"] = names(registry::problems().iter().map(|entry| entry.name).collect());
    members["method"]["enum"] = names(registry::methods().iter().map(|entry| entry.name).collect());
    members["methods"]["properties"] = Value::Object(methods);
    schema["allOf"] = Value::Array(tasks);
    schema
}

/// "Where the problem is this one, the task is that."
fn task(entry: &registry::ProblemEntry) -> Option<Value> {
    let mut section = (entry.schema?)();
    let document = match entry.name {
        "classic" => json!({"problem": entry.name, "task": {"name": "cartpole"}}),
        name => json!({"problem": name}),
    };
    Context::new("task", &document, tandem_attention::QUANTITIES).annotate(&mut section);
    section["description"] = entry.about.into();
    Some(json!({
        "if": {"properties": {"problem": {"const": entry.name}}},
        "then": {"properties": {"task": section}},
    }))
}

/// Experiments about a language model.
fn language() -> Value {
    let mut schema = section::<LanguageExperiment>();
    let document = json!({"language": {}, "codesign": {}});
    Context::new("", &document, tandem_attention::QUANTITIES).annotate(&mut schema);
    schema
}

/// What a section's settings are looked up in.
struct Context<'a> {
    /// Path of the section.
    path: String,
    /// The least experiment that has it.
    document: String,
    /// The same as it acts; null where it does not stand alone (a robot without a file).
    resolved: Value,
    quantities: &'a [tandem_attention::Quantity],
}

impl<'a> Context<'a> {
    fn new(path: &str, document: &Value, quantities: &'a [tandem_attention::Quantity]) -> Self {
        let document = document.to_string();
        Self {
            path: path.to_owned(),
            resolved: resolved(&document).unwrap_or_default(),
            document,
            quantities,
        }
    }

    /// Adds units, defaults and ranges to the schema of the section.
    fn annotate(&self, schema: &mut Value) {
        self.annotate_at(schema, &self.path);
    }

    /// The same for the members of an object.
    fn annotate_members(&self, members: &mut Value) {
        for (name, member) in members.as_object_mut().into_iter().flatten() {
            self.annotate_at(member, &range::join(&self.path, name));
        }
    }

    fn annotate_at(&self, schema: &mut Value, path: &str) {
        let members = schema.as_object_mut().into_iter().flatten();
        for (keyword, part) in members {
            match (keyword.as_str(), part) {
                ("properties", part) => {
                    for (name, member) in part.as_object_mut().into_iter().flatten() {
                        let path = range::join(path, name);
                        self.annotate_at(member, &path);
                        self.describe(member, &path);
                    }
                }
                ("anyOf" | "oneOf", Value::Array(choices)) => choices.iter_mut().for_each(|choice| {
                    without_title(choice);
                    self.annotate_at(choice, path);
                }),
                _ => {}
            }
        }
        without_title(schema);
    }

    /// Unit, default and range of one setting.
    fn describe(&self, schema: &mut Value, path: &str) {
        let quantity = path
            .split_once("circuit.")
            .and_then(|(_, key)| self.quantities.iter().find(|quantity| quantity.key == key));
        if let Some(quantity) = quantity {
            schema["unit"] = quantity.unit.into();
            let [low, high] = quantity.bounds.map(range::number);
            (schema["minimum"], schema["maximum"]) = (low, high);
        }
        let pointer = format!("/{}", path.replace('.', "/"));
        if let Some(default) = self.resolved.pointer(&pointer).filter(|default| !default.is_null()) {
            schema["default"] = default.clone();
        }
        if schema.get("maximum").is_none() || schema.get("minimum").is_none() {
            range::annotate(schema, &self.document, path);
        }
    }
}

/// The least experiment of a section as it acts.
fn resolved(document: &str) -> Option<Value> {
    let located = Located::parse(document, "", &[]).ok()?;
    match located.value().get("problem") {
        Some(_) => {
            let checked = crate::experiment_file::Checked::of(located).ok()?;
            serde_json::to_value(registry::resolved(&checked.experiment, &checked.instance).ok()?).ok()
        }
        None => serde_json::to_value(LanguageExperiment::of(&located).ok()?).ok(),
    }
}
