//! Tables of reference data: CSV with a header, columns found by name.

use super::input::{InputError, quote};

/// A table, held as the text it came in.
pub(super) struct Table<'a> {
    origin: &'a str,
    header: Vec<&'a str>,
    rows: Vec<(usize, &'a str)>,
}

/// One row, split into its fields.
pub(super) struct Row<'a> {
    table: &'a Table<'a>,
    line: usize,
    fields: Vec<&'a str>,
}

impl<'a> Table<'a> {
    /// Splits a text into lines; blank lines are passed over. Fields may be quoted, but hold no quotes or line ends.
    ///
    /// # Errors
    /// A quoted field that does not end, or no row.
    pub(super) fn parse(text: &'a str, origin: &'a str) -> Result<Self, InputError> {
        if let Some(at) = text.lines().position(|line| fields(line).is_none()) {
            let reason = "a quoted field must end on its line and hold no quotes itself";
            return Err(InputError::line(origin, at + 1, reason));
        }
        let mut lines = text
            .lines()
            .enumerate()
            .map(|(at, line)| (at + 1, line))
            .filter(|(_, line)| !line.trim().is_empty());
        let header = lines.next().map_or("", |(_, line)| line);
        let table = Self {
            origin,
            header: fields(header).unwrap_or_default(),
            rows: lines.collect(),
        };
        if table.rows.is_empty() {
            return Err(InputError::file(
                origin,
                "has no rows; expected a header and one row per line",
            ));
        }
        Ok(table)
    }

    /// Whether there are columns of all these names.
    pub(super) fn has(&self, columns: &[&str]) -> bool {
        columns.iter().all(|name| self.header.contains(name))
    }

    /// The numbers of these columns.
    ///
    /// # Errors
    /// A column that is absent.
    pub(super) fn columns<const N: usize>(&self, names: [&str; N]) -> Result<[usize; N], InputError> {
        let mut columns = [0; N];
        for (column, name) in columns.iter_mut().zip(names) {
            *column = self
                .header
                .iter()
                .position(|n| *n == name)
                .ok_or_else(|| InputError::file(self.origin, format!("has no column {}", quote(name))))?;
        }
        Ok(columns)
    }

    /// The rows, each split into as many fields as the header has.
    pub(super) fn rows(&self) -> impl Iterator<Item = Result<Row<'_>, InputError>> {
        self.rows.iter().map(|&(line, text)| {
            let fields = fields(text).unwrap_or_default();
            if fields.len() != self.header.len() {
                let reason = format!("has {} fields, the header has {}", fields.len(), self.header.len());
                return Err(InputError::line(self.origin, line, reason));
            }
            Ok(Row {
                table: self,
                line,
                fields,
            })
        })
    }
}

/// The fields of a line; `None` where quotes are not as they should be.
fn fields(line: &str) -> Option<Vec<&str>> {
    let mut fields = Vec::new();
    let mut rest = line;
    loop {
        let (field, after) = match rest.trim_start().strip_prefix('"') {
            Some(quoted) => {
                let (field, after) = quoted.split_once('"')?;
                let after = after.trim_start();
                (
                    field,
                    if after.is_empty() {
                        None
                    } else {
                        Some(after.strip_prefix(',')?)
                    },
                )
            }
            None => rest
                .split_once(',')
                .map_or((rest, None), |(field, after)| (field, Some(after))),
        };
        fields.push(field.trim());
        match after {
            Some(after) => rest = after,
            None => return Some(fields),
        }
    }
}

impl Row<'_> {
    /// The text of a column.
    pub(super) fn text(&self, column: usize) -> &str {
        self.fields[column]
    }

    /// The whole number of a column; some tables write them with a decimal point, `1024.0`.
    ///
    /// # Errors
    /// A value that is no whole number of at least 1 and at most 2⁵³.
    pub(super) fn count(&self, column: usize) -> Result<u64, InputError> {
        let text = self.text(column);
        let whole = text.trim_end_matches('0').strip_suffix('.');
        match whole.unwrap_or(text).parse::<u64>() {
            Ok(value) if (1..=1 << 53).contains(&value) => Ok(value),
            _ => Err(self.wrong(column, "a whole number from 1")),
        }
    }

    /// The positive number of a column.
    ///
    /// # Errors
    /// A value that is not a number above 0.
    pub(super) fn positive(&self, column: usize) -> Result<f64, InputError> {
        match self.text(column).parse::<f64>() {
            Ok(value) if value > 0.0 && value.is_finite() => Ok(value),
            _ => Err(self.wrong(column, "a number above 0")),
        }
    }

    /// An error about this row.
    pub(super) fn fail(&self, reason: impl Into<String>) -> InputError {
        InputError::line(self.table.origin, self.line, reason)
    }

    fn wrong(&self, column: usize, expected: &str) -> InputError {
        let name = self.table.header[column];
        let value = quote(self.text(column));
        self.fail(format!("`{name}` must be {expected}, not {value}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_found_by_name_and_numbers_are_checked() {
        let table = Table::parse("a, b,c\n\n1,x,1024.0\n0,y,2.5\n", "t.csv").unwrap();
        let [c, a] = table.columns(["c", "a"]).unwrap();
        let rows: Vec<Row> = table.rows().collect::<Result<_, _>>().unwrap();
        assert_eq!(rows[0].count(c).unwrap(), 1024);
        assert_eq!(rows[1].positive(c).unwrap(), 2.5);
        let error = rows[1].count(a).unwrap_err();
        assert_eq!(
            error.to_string(),
            "t.csv:4: `a` must be a whole number from 1, not \"0\""
        );
        assert!(rows[1].count(c).is_err());
        assert!(table.columns(["d"]).unwrap_err().to_string().contains("\"d\""));
    }

    #[test]
    fn ragged_and_empty_tables_are_refused() {
        let table = Table::parse("a,b\n1\n", "t").unwrap();
        assert!(table.rows().next().unwrap().is_err());
        assert!(Table::parse("a,b\n", "t").is_err());
    }

    #[test]
    fn quoted_fields_may_hold_commas() {
        let table = Table::parse("a,\"b, c\",d\n\"1\",\"x,y\" ,2\n", "t").unwrap();
        let [b, a, d] = table.columns(["b, c", "a", "d"]).unwrap();
        let row = table.rows().next().unwrap().unwrap();
        assert_eq!((row.text(b), row.count(a), row.count(d)), ("x,y", Ok(1), Ok(2)));
        for wrong in ["a\n\"1\n", "a\n\"1\"2\n", "a\n\"\"\"\"\n"] {
            assert!(Table::parse(wrong, "t").is_err(), "{wrong}");
        }
    }
}
