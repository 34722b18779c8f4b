//! The terms by name. Each is one entry of a table: name, unit, formula, a line of docs and the function that builds it, whose
//! parameters describe themselves.

use serde::Serialize;
use serde_json::{Map, Value};
use tandem_core::check::SettingError;
use tandem_core::spelling::hint;

use super::params::{Builder, ParamDoc, wrong};
use super::shared::Shared;
use super::{action, command, event, observation, reward, success, termination};

/// A term's entry in the table of its kind.
pub struct Entry<T> {
    /// Name, as in an experiment.
    pub name: &'static str,
    unit: &'static str,
    formula: &'static str,
    doc: &'static str,
    /// Reads its parameters and binds it to a model.
    pub build: fn(&mut Builder) -> Result<T, SettingError>,
}

impl<T> Entry<T> {
    /// A term.
    pub const fn new(
        name: &'static str,
        unit: &'static str,
        formula: &'static str,
        doc: &'static str,
        build: fn(&mut Builder) -> Result<T, SettingError>,
    ) -> Self {
        Self {
            name,
            unit,
            formula,
            doc,
            build,
        }
    }
}

/// The entry of this name.
///
/// # Errors
/// There is none; which was probably meant.
pub fn find<T>(table: &'static [Entry<T>], name: &str) -> Result<&'static Entry<T>, SettingError> {
    table.iter().find(|entry| entry.name == name).ok_or_else(|| {
        let known: Vec<&str> = table.iter().map(|entry| entry.name).collect();
        wrong(
            "term",
            format!("there is no term `{name}` of this kind; {}", hint(name, &known)),
        )
    })
}

/// What there is to know about a term.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct TermDoc {
    /// Where it is listed in a task: `observation`, `action`, `reward`, `termination`, `events`, `command`, `success`.
    pub kind: &'static str,
    /// Its name.
    pub name: &'static str,
    /// Unit of its value.
    pub unit: &'static str,
    /// How it is computed.
    pub formula: &'static str,
    /// A sentence about it.
    pub doc: &'static str,
    /// Its parameters.
    pub params: Vec<ParamDoc>,
}

fn describe<T>(kind: &'static str, table: &'static [Entry<T>], out: &mut Vec<TermDoc>) {
    for entry in table {
        let (none, mut shared) = (Map::<String, Value>::new(), Shared::default());
        let mut builder = Builder::new(&none, None, &mut shared);
        // Without a model it ends in an error, after all parameters have been read.
        let _ = (entry.build)(&mut builder);
        out.push(TermDoc {
            kind,
            name: entry.name,
            unit: entry.unit,
            formula: entry.formula,
            doc: entry.doc,
            params: builder.docs(),
        });
    }
}

/// All terms, with their parameters.
pub fn catalogue() -> Vec<TermDoc> {
    let mut out = Vec::new();
    describe("observation", observation::TABLE, &mut out);
    describe("action", action::TABLE, &mut out);
    describe("reward", reward::TABLE, &mut out);
    describe("termination", termination::TABLE, &mut out);
    describe("events", event::TABLE, &mut out);
    describe("command", command::TABLE, &mut out);
    describe("success", success::TABLE, &mut out);
    out
}
