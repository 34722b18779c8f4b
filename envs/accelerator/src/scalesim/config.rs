//! SCALE-Sim's configuration: an INI file, read as Python's `configparser` reads it.

use std::collections::BTreeMap;
use std::path::Path;

use crate::input::{InputError, positive, quote, read_text};
use crate::systolic::{Dataflow, SystolicArray};

/// What SCALE-Sim's cycle counts depend on.
#[derive(Clone, Debug, PartialEq)]
pub struct Config {
    /// `run_name`, or the file's name.
    pub name: String,
    /// `ArrayHeight`, `ArrayWidth` and `Dataflow`.
    pub array: SystolicArray,
    /// `SparsitySupport`: the topology's N:M column counts.
    pub sparse: bool,
    /// What the file asks for and this model leaves out, for the user to know.
    pub notes: Vec<String>,
}

/// One option and the line it stands on.
struct Entry {
    value: String,
    line: usize,
    indent: usize,
}

/// Options by section and name, both in lower case.
type Entries = BTreeMap<(String, String), Entry>;

/// Lines, and the file they come from.
struct Ini<'a> {
    origin: &'a str,
    entries: Entries,
}

impl Config {
    /// Reads a configuration file.
    ///
    /// # Errors
    /// A file that cannot be read, is no INI file, lacks the array, or asks for what no formula gives.
    pub fn read(path: &Path) -> Result<Self, InputError> {
        Self::parse(&read_text(path)?, &path.display().to_string())
    }

    /// Reads a configuration from text; `origin` is its name in messages.
    ///
    /// # Errors
    /// As [`Config::read`].
    pub fn parse(text: &str, origin: &str) -> Result<Self, InputError> {
        let ini = Ini::parse(text, origin)?;
        let section = "architecture_presets";
        let array = SystolicArray {
            rows: ini.size(section, "ArrayHeight")?,
            cols: ini.size(section, "ArrayWidth")?,
            dataflow: ini.dataflow(section)?,
        };
        let sparse = ini.flag("sparsity", "SparsitySupport")?;
        if sparse && ini.flag("sparsity", "OptimizedMapping")? {
            let (_, line) = ini.required("sparsity", "OptimizedMapping")?;
            let reason = "OptimizedMapping draws random sparsity, which is not reproduced; \
                          set it to false for the layers' own N:M";
            return Err(InputError::line(origin, line, reason));
        }
        Ok(Self {
            name: ini
                .get("general", "run_name")
                .map_or(origin.to_owned(), |entry| entry.value.clone()),
            array,
            sparse,
            notes: ini.notes()?,
        })
    }
}

impl<'a> Ini<'a> {
    fn parse(text: &str, origin: &'a str) -> Result<Self, InputError> {
        let mut ini = Self {
            origin,
            entries: Entries::new(),
        };
        let mut section: Option<String> = None;
        let mut last: Option<(String, String)> = None;
        for (at, raw) in text.lines().enumerate() {
            let line = at + 1;
            let trimmed = raw.trim();
            if trimmed.is_empty() || trimmed.starts_with(['#', ';']) {
                continue;
            }
            let indent = raw.len() - raw.trim_start().len();
            if let Some(entry) = last.as_ref().and_then(|key| ini.entries.get_mut(key))
                && indent > entry.indent
            {
                entry.value += &format!("\n{trimmed}"); // a longer indent goes on with the value above
                continue;
            }
            let fail = |reason: String| InputError::line(origin, line, reason);
            if let Some(rest) = trimmed.strip_prefix('[') {
                let name = rest
                    .strip_suffix(']')
                    .ok_or_else(|| fail(format!("section {} lacks its \"]\"", quote(trimmed))))?;
                section = Some(name.trim().to_lowercase());
                last = None;
                continue;
            }
            let Some(section) = &section else {
                return Err(fail(format!(
                    "expected a section like \"[general]\", got {}; is this a SCALE-Sim configuration?",
                    quote(trimmed)
                )));
            };
            let Some((name, value)) = trimmed.split_once([':', '=']) else {
                return Err(fail(format!("expected \"name: value\", got {}", quote(trimmed))));
            };
            let key = (section.clone(), name.trim().to_lowercase());
            let entry = Entry {
                value: value.trim().to_owned(),
                line,
                indent,
            };
            if let Some(first) = ini.entries.insert(key.clone(), entry) {
                return Err(fail(format!(
                    "{} stands on line {} too",
                    quote(name.trim()),
                    first.line
                )));
            }
            last = Some(key);
        }
        Ok(ini)
    }

    fn get(&self, section: &str, name: &str) -> Option<&Entry> {
        self.entries.get(&(section.to_owned(), name.to_lowercase()))
    }

    fn required(&self, section: &str, name: &str) -> Result<(&str, usize), InputError> {
        match self.get(section, name) {
            Some(entry) => Ok((&entry.value, entry.line)),
            None => Err(InputError::file(
                self.origin,
                format!("`{name}` is missing from section [{section}]"),
            )),
        }
    }

    fn size(&self, section: &str, name: &str) -> Result<u64, InputError> {
        let (value, line) = self.required(section, name)?;
        positive(value, name).map_err(|reason| InputError::line(self.origin, line, reason))
    }

    fn dataflow(&self, section: &str) -> Result<Dataflow, InputError> {
        let (value, line) = self.required(section, "Dataflow")?;
        Dataflow::named(value).ok_or_else(|| {
            let reason = format!("Dataflow must be os, ws or is, not {}", quote(value));
            InputError::line(self.origin, line, reason)
        })
    }

    /// An option that is off where it is absent: older versions of the tool do not know it.
    fn flag(&self, section: &str, name: &str) -> Result<bool, InputError> {
        let Some(entry) = self.get(section, name) else {
            return Ok(false);
        };
        match entry.value.to_lowercase().as_str() {
            "true" => Ok(true),
            "false" => Ok(false),
            _ => Err(InputError::line(
                self.origin,
                entry.line,
                format!("{name} must be true or false, not {}", quote(&entry.value)),
            )),
        }
    }

    /// What is left out: stalls, which the tool counts twice (its versions 2.0.2 and 3.0.0 differ on every layer that
    /// stalls, and its last commit takes the second count out).
    fn notes(&self) -> Result<Vec<String>, InputError> {
        let Some(entry) = self.get("run_presets", "InterfaceBandwidth") else {
            return Ok(Vec::new());
        };
        match entry.value.as_str() {
            "CALC" => Ok(Vec::new()),
            "USER" => Ok(vec![
                "InterfaceBandwidth is USER: total_cycles are without memory stalls, as with CALC".into(),
            ]),
            other => Err(InputError::line(
                self.origin,
                entry.line,
                format!("InterfaceBandwidth must be CALC or USER, not {}", quote(other)),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "[general]\nrun_name = small\n\n[architecture_presets]\nArrayHeight:    16\n\
                         ArrayWidth = 8\nDataflow : ws\n\n[run_presets]\nInterfaceBandwidth: CALC\n";

    #[test]
    fn both_separators_and_any_case_are_read() {
        let config = Config::parse(&SMALL.replace("ArrayHeight", "arrayheight"), "c").unwrap();
        let array = SystolicArray {
            rows: 16,
            cols: 8,
            dataflow: Dataflow::WeightStationary,
        };
        assert_eq!((config.array, config.sparse), (array, false));
        assert_eq!(config.name, "small");
        assert!(config.notes.is_empty());
    }

    #[test]
    fn comments_and_indented_lines_are_read_as_configparser_does() {
        let text = SMALL.replace("run_name = small", "; a word\nrun_name = small\n  and more");
        assert_eq!(Config::parse(&text, "c").unwrap().name, "small\nand more");
    }

    #[test]
    fn stalls_are_left_out_and_the_user_is_told() {
        let config = Config::parse(&SMALL.replace("CALC", "USER"), "c").unwrap();
        assert!(config.notes[0].contains("without memory stalls"));
    }

    #[test]
    fn what_is_broken_is_named_with_its_line() {
        for (from, to, word) in [
            ("ArrayHeight:    16", "ArrayHeight: -4", "c:5: ArrayHeight"),
            ("ArrayHeight:    16", "", "`ArrayHeight` is missing"),
            ("Dataflow : ws", "Dataflow : rs", "os, ws or is"),
            ("ArrayWidth = 8", "ArrayWidth 8", "c:6: expected \"name"),
            ("ArrayWidth = 8", "ArrayHeight = 8", "line 5 too"),
            ("[general]", "general", "c:1: expected a section"),
            ("[general]", "[general", "lacks its"),
            ("CALC", "MAYBE", "CALC or USER"),
        ] {
            let error = Config::parse(&SMALL.replace(from, to), "c").unwrap_err();
            assert!(error.to_string().contains(word), "{error}");
        }
    }

    #[test]
    fn random_sparsity_is_refused_and_own_ratios_are_taken() {
        let sparse = format!("{SMALL}[sparsity]\nSparsitySupport: true\n");
        assert!(Config::parse(&sparse, "c").unwrap().sparse);
        let random = format!("{sparse}OptimizedMapping: true\n");
        let error = Config::parse(&random, "c").unwrap_err();
        assert!(error.to_string().contains("random"), "{error}");
    }
}
