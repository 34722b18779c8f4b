//! Comparison with Timeloop's results: DOSA's table of layers, mappings and machines.

use std::io::Read;
use std::path::Path;

use super::cost::Machine;
use super::mapping::{Mapping, Shape};
use crate::accuracy::Accuracy;
use crate::input::{InputError, LONGEST_TEXT, read_bytes, utf8};
use crate::table::{Row, Table};

/// How the model compares with Timeloop.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Errors of cycles.
    pub latency: Accuracy,
    /// Errors of energy.
    pub energy: Accuracy,
    /// Errors of area.
    pub area: Accuracy,
    /// Rows whose cycles are equal.
    pub exact: usize,
}

/// Columns of layer and mapping, which DOSA's tables have in common.
pub(crate) struct Columns {
    mapping: usize,
    sizes: [usize; 7],
    stride: [usize; 2],
    dilation: [usize; 2],
}

impl Columns {
    /// Finds the columns.
    ///
    /// # Errors
    /// One that is absent.
    pub(crate) fn of(table: &Table) -> Result<Self, InputError> {
        let [mapping] = table.columns(["mapping.mapping"])?;
        Ok(Self {
            mapping,
            sizes: table.columns(["prob.R", "prob.S", "prob.P", "prob.Q", "prob.C", "prob.K", "prob.N"])?,
            stride: table.columns(["prob.Wstride", "prob.Hstride"])?,
            dilation: table.columns(["prob.Wdilation", "prob.Hdilation"])?,
        })
    }

    /// The layer of a row.
    ///
    /// # Errors
    /// A size that is no count.
    pub(crate) fn shape(&self, row: &Row) -> Result<Shape, InputError> {
        let mut shape = Shape {
            sizes: [1; 7],
            stride: [1; 2],
            dilation: [1; 2],
        };
        let columns = self.sizes.iter().chain(&self.stride).chain(&self.dilation);
        let values = shape
            .sizes
            .iter_mut()
            .chain(&mut shape.stride)
            .chain(&mut shape.dilation);
        for (value, &column) in values.zip(columns) {
            *value = row.count(column)?;
        }
        Ok(shape)
    }

    /// The mapping of a row.
    ///
    /// # Errors
    /// A text that is no mapping.
    pub(crate) fn mapping(&self, row: &Row) -> Result<Mapping, InputError> {
        Mapping::parse(row.text(self.mapping)).map_err(|error| row.fail(error.to_string()))
    }
}

/// Compares with a table, as it is (CSV) or packed (`.csv.gz`, `.tar.gz`).
///
/// # Errors
/// A file that cannot be read or unpacked, an absent column, a row that is no layer.
pub fn compare(data: &Path) -> Result<Comparison, InputError> {
    let origin = data.display().to_string();
    let text = read_table(data)?;
    let table = Table::parse(&text, &origin)?;
    let columns = Columns::of(&table)?;
    let results = table.columns(["target.cycle", "target.energy", "target.area"])?;
    let sizes = table.columns([
        "arch.meshX",
        "arch.mem1_entries",
        "arch.mem1_instances",
        "arch.mem2_entries",
    ])?;
    let mut pairs: [Vec<(f64, f64)>; 3] = Default::default();
    for row in table.rows() {
        let row = row?;
        let [side, entries, banks, words] = sizes;
        let bytes = 4.0 * row.positive(entries)? * row.positive(banks)?;
        let machine = Machine {
            side: row.count(side)?,
            accumulator_kb: bytes / 1024.0,
            scratchpad_kb: row.positive(words)? / 1024.0,
        };
        let cost = machine
            .cost(&columns.shape(&row)?, &columns.mapping(&row)?)
            .map_err(|error| row.fail(error.to_string()))?;
        let microjoules = 1e6 * cost.energy_j;
        let ours = [cost.cycles, microjoules, machine.area_mm2()];
        for (pairs, (ours, column)) in pairs.iter_mut().zip(ours.into_iter().zip(results)) {
            pairs.push((ours, row.positive(column)?));
        }
    }
    let none = || InputError::file(&origin, "has no rows");
    let accuracy = |pairs: &[(f64, f64)]| Accuracy::of(pairs).ok_or_else(none);
    let [latency, energy, area] = &pairs;
    Ok(Comparison {
        latency: accuracy(latency)?,
        energy: accuracy(energy)?,
        area: accuracy(area)?,
        exact: latency.iter().filter(|(ours, theirs)| ours == theirs).count(),
    })
}

/// The text of a table, unpacked where it is packed. Of an archive, the first file counts.
///
/// # Errors
/// A file that cannot be read, is damaged, holds no text or more than is ever needed.
pub(crate) fn read_table(path: &Path) -> Result<String, InputError> {
    let origin = path.display().to_string();
    let bytes = read_bytes(path)?;
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return utf8(bytes, &origin);
    }
    let damaged = |error| InputError::file(&origin, format!("cannot be unpacked: {error}"));
    let mut unpacked = Vec::new();
    flate2::read::GzDecoder::new(&bytes[..])
        .take(LONGEST_TEXT + 1)
        .read_to_end(&mut unpacked)
        .map_err(damaged)?;
    if unpacked.len() as u64 > LONGEST_TEXT {
        let reason = format!("unpacks to more than {LONGEST_TEXT} bytes");
        return Err(InputError::file(&origin, reason));
    }
    if unpacked.get(257..262) != Some(b"ustar") {
        return utf8(unpacked, &origin);
    }
    let mut archive = tar::Archive::new(&unpacked[..]);
    for entry in archive.entries().map_err(damaged)? {
        let mut entry = entry.map_err(damaged)?;
        if entry.header().entry_type().is_file() {
            let mut text = Vec::new();
            entry.read_to_end(&mut text).map_err(damaged)?;
            return utf8(text, &origin);
        }
    }
    Err(InputError::file(&origin, "the archive holds no file"))
}
