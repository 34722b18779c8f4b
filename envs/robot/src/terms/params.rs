//! Reading a term's parameters. What is read is described in the same breath, so that the catalogue lists exactly what the
//! code accepts.

use mujoco_rs::wrappers::MjModel;
use serde::Serialize;
use serde_json::{Map, Value, json};
use tandem_core::check::SettingError;
use tandem_core::spelling::hint;

use super::shared::Shared;

/// A parameter of a term.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ParamDoc {
    /// Key in `params`.
    pub name: &'static str,
    /// Unit; `1` where it has none.
    pub unit: &'static str,
    /// Value where it is not given; `None` where it must be.
    pub default: Option<Value>,
    /// What it is.
    pub doc: &'static str,
}

/// A term that is being built: its parameters, the robot's model, and what the terms of a task share. All parameters are
/// read before the model is asked for, because that is where unknown ones are refused.
pub struct Builder<'a> {
    params: &'a Map<String, Value>,
    model: Option<&'a MjModel>,
    docs: Vec<ParamDoc>,
    /// What the terms of a task share.
    pub shared: &'a mut Shared,
}

/// The error of this parameter.
pub fn wrong(key: &str, reason: impl Into<String>) -> SettingError {
    SettingError::new(key, reason)
}

impl<'a> Builder<'a> {
    /// A term with these parameters; without a model, only its parameters are described.
    pub fn new(params: &'a Map<String, Value>, model: Option<&'a MjModel>, shared: &'a mut Shared) -> Self {
        let docs = Vec::new();
        Self {
            params,
            model,
            docs,
            shared,
        }
    }

    /// The parameters that were read.
    pub fn docs(self) -> Vec<ParamDoc> {
        self.docs
    }

    /// The robot's model, once all parameters have been read.
    ///
    /// # Errors
    /// A parameter that the term does not have. (No model: its parameters are being described.)
    pub fn model(&mut self) -> Result<&'a MjModel, SettingError> {
        let known: Vec<&str> = self.docs.iter().map(|doc| doc.name).collect();
        if let Some(key) = self.params.keys().find(|key| !known.contains(&key.as_str())) {
            return Err(wrong(
                key,
                format!("is no parameter of this term; {}", hint(key, &known)),
            ));
        }
        self.model.ok_or_else(|| wrong("", "described without a model"))
    }

    /// The parameter's value if it is given; notes that the term has it.
    fn get(
        &mut self,
        name: &'static str,
        unit: &'static str,
        default: Option<Value>,
        doc: &'static str,
    ) -> Result<Option<&'a Value>, SettingError> {
        let required = default.is_none();
        self.docs.push(ParamDoc {
            name,
            unit,
            default,
            doc,
        });
        match self.params.get(name) {
            None if required && self.model.is_some() => {
                Err(wrong(name, format!("is missing{}: {doc}", self.instead())))
            }
            given => Ok(given),
        }
    }

    /// What is given and has not been asked for: a name that was misspelt, probably.
    fn instead(&self) -> String {
        let asked = |key: &str| self.docs.iter().any(|doc| doc.name == key);
        let others: Vec<&str> = self
            .params
            .keys()
            .map(String::as_str)
            .filter(|key| !asked(key))
            .collect();
        match others.is_empty() {
            true => String::new(),
            false => format!("; there is `{}`", others.join("`, `")),
        }
    }

    /// A finite number.
    ///
    /// # Errors
    /// Something else.
    pub fn number(
        &mut self,
        name: &'static str,
        unit: &'static str,
        default: f64,
        doc: &'static str,
    ) -> Result<f64, SettingError> {
        match self.get(name, unit, Some(json!(default)), doc)? {
            None => Ok(default),
            Some(value) => value
                .as_f64()
                .ok_or_else(|| wrong(name, format!("is {value}; a number is expected"))),
        }
    }

    /// A number above 0.
    ///
    /// # Errors
    /// Something else.
    pub fn positive(
        &mut self,
        name: &'static str,
        unit: &'static str,
        default: f64,
        doc: &'static str,
    ) -> Result<f64, SettingError> {
        let x = self.number(name, unit, default, doc)?;
        must(name, x, x > 0.0, "be above 0")
    }

    /// A number from 0 on.
    ///
    /// # Errors
    /// Something else.
    pub fn magnitude(
        &mut self,
        name: &'static str,
        unit: &'static str,
        default: f64,
        doc: &'static str,
    ) -> Result<f64, SettingError> {
        let x = self.number(name, unit, default, doc)?;
        must(name, x, x >= 0.0, "not be below 0")
    }

    /// A whole number between these, inclusive.
    ///
    /// # Errors
    /// Something else.
    pub fn whole(
        &mut self,
        name: &'static str,
        default: usize,
        [low, high]: [usize; 2],
        doc: &'static str,
    ) -> Result<usize, SettingError> {
        let Some(value) = self.get(name, "1", Some(json!(default)), doc)? else {
            return Ok(default);
        };
        let whole = value.as_u64().and_then(|x| usize::try_from(x).ok());
        let reason = || format!("is {value}; a whole number between {low} and {high} is expected");
        whole
            .filter(|x| (low..=high).contains(x))
            .ok_or_else(|| wrong(name, reason()))
    }

    /// Yes or no.
    ///
    /// # Errors
    /// Something else.
    pub fn flag(&mut self, name: &'static str, default: bool, doc: &'static str) -> Result<bool, SettingError> {
        match self.get(name, "1", Some(json!(default)), doc)? {
            None => Ok(default),
            Some(value) => value
                .as_bool()
                .ok_or_else(|| wrong(name, format!("is {value}; true or false is expected"))),
        }
    }

    /// A text; `None` as default means that it has to be given.
    ///
    /// # Errors
    /// Something else.
    pub fn text(
        &mut self,
        name: &'static str,
        default: Option<&'static str>,
        doc: &'static str,
    ) -> Result<String, SettingError> {
        match self.get(name, "1", default.map(|text| json!(text)), doc)? {
            None => Ok(default.unwrap_or_default().into()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(value) => Err(wrong(name, format!("is {value}; a text is expected"))),
        }
    }

    /// One of these words, by position.
    ///
    /// # Errors
    /// Another one.
    pub fn choice(
        &mut self,
        name: &'static str,
        words: &'static [&'static str],
        doc: &'static str,
    ) -> Result<usize, SettingError> {
        let word = self.text(name, Some(words[0]), doc)?;
        let position = words.iter().position(|w| *w == word);
        position.ok_or_else(|| wrong(name, format!("is `{word}`; {}", hint(&word, words))))
    }

    /// Patterns of names: one text or a list of them.
    ///
    /// # Errors
    /// Something else.
    pub fn patterns(
        &mut self,
        name: &'static str,
        default: Option<&'static str>,
        doc: &'static str,
    ) -> Result<Vec<String>, SettingError> {
        let texts = |values: &[Value]| {
            values
                .iter()
                .map(|v| v.as_str().map(String::from))
                .collect::<Option<Vec<_>>>()
        };
        match self.get(name, "1", default.map(|text| json!(text)), doc)? {
            None => Ok(default
                .filter(|text| !text.is_empty())
                .map(String::from)
                .into_iter()
                .collect()),
            Some(Value::String(text)) => Ok(vec![text.clone()]),
            Some(value) => (value.as_array().and_then(|values| texts(values)))
                .ok_or_else(|| wrong(name, format!("is {value}; a name or a list of names is expected"))),
        }
    }

    /// `[low, high]` with low not above high; a single number stands for both.
    ///
    /// # Errors
    /// Something else.
    pub fn range(
        &mut self,
        name: &'static str,
        unit: &'static str,
        default: [f64; 2],
        doc: &'static str,
    ) -> Result<[f64; 2], SettingError> {
        let Some(value) = self.get(name, unit, Some(json!(default)), doc)? else {
            return Ok(default);
        };
        let [low, high] = match value.as_f64() {
            Some(x) => [x, x],
            None => numbers(value).ok_or_else(|| wrong(name, format!("is {value}; [low, high] is expected")))?,
        };
        match low <= high {
            true => Ok([low, high]),
            false => Err(wrong(name, format!("is {value}; low must not be above high"))),
        }
    }

    /// A point or direction, `[x, y, z]`.
    ///
    /// # Errors
    /// Something else.
    pub fn vector(
        &mut self,
        name: &'static str,
        unit: &'static str,
        default: [f64; 3],
        doc: &'static str,
    ) -> Result<[f64; 3], SettingError> {
        match self.get(name, unit, Some(json!(default)), doc)? {
            None => Ok(default),
            Some(value) => numbers(value).ok_or_else(|| wrong(name, format!("is {value}; [x, y, z] is expected"))),
        }
    }

    /// Axes as letters, `xz`, by number.
    ///
    /// # Errors
    /// Something else.
    pub fn axes(&mut self, default: &'static str) -> Result<Vec<usize>, SettingError> {
        let text = self.text("axes", Some(default), "which axes, out of x, y and z")?;
        let axes: Option<Vec<usize>> = text.chars().map(|c| "xyz".find(c)).collect();
        let reason = || format!("is `{text}`; letters out of `xyz` are expected");
        axes.filter(|axes| !axes.is_empty() && axes.len() <= 3)
            .ok_or_else(|| wrong("axes", reason()))
    }

    /// A list of sections, at least one.
    ///
    /// # Errors
    /// Something else.
    pub fn sections(&mut self, name: &'static str, doc: &'static str) -> Result<&'a [Value], SettingError> {
        match self.get(name, "1", None, doc)? {
            None => Ok(&[]),
            Some(Value::Array(values)) if !values.is_empty() => Ok(values),
            Some(value) => Err(wrong(name, format!("is {value}; a list is expected"))),
        }
    }
}

/// The number, where what it must be holds.
fn must(name: &str, x: f64, holds: bool, what: &str) -> Result<f64, SettingError> {
    match holds {
        true => Ok(x),
        false => Err(wrong(name, format!("is {x}; it must {what}"))),
    }
}

/// So many finite numbers.
fn numbers<const N: usize>(value: &Value) -> Option<[f64; N]> {
    let values: Option<Vec<f64>> = value.as_array()?.iter().map(Value::as_f64).collect();
    values?.try_into().ok()
}
