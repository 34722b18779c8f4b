//! The range of a setting, as the check says it that refuses what lies outside: an experiment with a number that no setting
//! can have is read, and the refusal names the bounds. So there is no second list of them.

use serde_json::{Value, json};

use crate::adaptation::LanguageExperiment;
use crate::error::Error;
use crate::experiment_file::Checked;
use crate::strict::Located;

/// Numbers that are outside, for reals and for whole numbers of any width.
const REALS: [&str; 2] = ["1e300", "-1e300"];
const WHOLES: [&str; 3] = ["18446744073709551615", "4294967295", "65535"];
/// Bounds beyond this mean none.
const BOUNDLESS: f64 = 1e100;

/// `parent.child`.
pub(super) fn join(parent: &str, child: &str) -> String {
    match parent {
        "" => child.to_owned(),
        parent => format!("{parent}.{child}"),
    }
}

/// Writes the range of the numbers at `path` into their schema, where a check says it; `document` is an experiment that may
/// have them.
pub(super) fn annotate(schema: &mut Value, document: &str, path: &str) {
    let Some(shape) = shape(schema) else { return };
    let probes: &[&str] = if shape.whole { &WHOLES } else { &REALS };
    let found = probes
        .iter()
        .find_map(|number| refused(document, path, &shape.text.replace('#', number)));
    let Some([low, high]) = found else { return };
    let place = place(schema);
    place["minimum"] = low;
    match high.as_f64().is_some_and(|high| high < BOUNDLESS) {
        true => place["maximum"] = high,
        false => drop(place.as_object_mut().and_then(|members| members.remove("maximum"))),
    }
}

/// A number or a list of numbers: as JSON with `#` for each.
struct Shape {
    text: String,
    whole: bool,
}

fn shape(schema: &Value) -> Option<Shape> {
    let is = |name: &str| match &schema["type"] {
        Value::String(kind) => kind == name,
        Value::Array(kinds) => kinds.iter().any(|kind| kind == name),
        _ => false,
    };
    if is("number") || is("integer") {
        return Some(Shape {
            text: "#".into(),
            whole: is("integer"),
        });
    }
    let item = shape(schema.get("items")?)?;
    let count = schema["minItems"].as_u64().unwrap_or(1).max(1) as usize;
    Some(Shape {
        text: format!("[{}]", vec![item.text; count].join(", ")),
        whole: item.whole,
    })
}

/// Where the schema says what each number may be.
fn place(schema: &mut Value) -> &mut Value {
    match schema.get("items").is_some() {
        true => place(&mut schema["items"]),
        false => schema,
    }
}

/// The bounds that a refusal of this value names.
fn refused(document: &str, path: &str, value: &str) -> Option<[Value; 2]> {
    let set = [(path.to_owned(), value.to_owned())];
    let located = Located::parse(document, "", &set).ok()?;
    let refused = match located.value().get("problem") {
        Some(_) => Checked::of(located).err()?,
        None => LanguageExperiment::of(&located).err()?,
    };
    match refused {
        Error::Config(error) if error.path.starts_with(path) => bounds(&error.reason),
        _ => None,
    }
}

/// The numbers of "it must lie between LOW and HIGH".
fn bounds(reason: &str) -> Option<[Value; 2]> {
    let (_, range) = reason.split_once("must lie between ")?;
    let (low, high) = range.split_once(" and ")?;
    let read = |text: &str| {
        let text = text.split_whitespace().next()?.trim_end_matches([',', ';']);
        text.parse().ok().map(number)
    };
    Some([read(low)?, read(high)?])
}

/// A bound, whole where it is.
pub(super) fn number(value: f64) -> Value {
    match value.fract() == 0.0 && value.abs() < 1e15 {
        true => json!(value as i64),
        false => json!(value),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bounds_are_read_from_refusals() {
        let reason = "is 2; it must lie between 0 and 1.5";
        assert_eq!(bounds(reason), Some([json!(0), json!(1.5)]));
        assert_eq!(
            bounds("is 0 V; it must lie between 0.1 and 0.9"),
            Some([json!(0.1), json!(0.9)])
        );
        assert_eq!(bounds("is wrong"), None);
    }

    #[test]
    fn lists_are_probed_by_lists() {
        let pair = json!({"type": ["array", "null"], "items": {"type": "number"}, "minItems": 2});
        let text = shape(&pair).map(|shape| shape.text);
        assert_eq!(text.as_deref(), Some("[#, #]"));
        assert!(shape(&json!({"type": "string"})).is_none());
    }
}
