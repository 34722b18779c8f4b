//! Comparison with results of the tool.
//!
//! A data folder holds result tables (`*.csv`, one row per layer and run) and the topologies they were made from
//! (`topologies/NETWORK.csv`). Where a network's topology is there, its layer is read from it and its matrix product
//! must be that of the row; otherwise the row's own M, K and N are taken.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{LayerCost, Topology};
use crate::accuracy::Accuracy;
use crate::gemm::Gemm;
use crate::input::{InputError, quote, read_text};
use crate::systolic::{Dataflow, SystolicArray};
use crate::table::{Row, Table};

/// Columns that make a table one of results.
const COLUMNS: [&str; 9] = [
    "network",
    "layer",
    "M",
    "K",
    "N",
    "array_rows",
    "array_cols",
    "dataflow",
    "total_cycles",
];

/// How the model compares with the tool.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Errors of `total_cycles`.
    pub accuracy: Accuracy,
    /// Rows whose `total_cycles` are equal.
    pub exact: usize,
    /// Rows that are not.
    pub mismatches: Vec<Mismatch>,
    /// Rows left out: made with limited bandwidth (`USER`), where the tool counts stalls twice.
    pub user_rows: usize,
}

/// A row with other cycles than the model's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mismatch {
    /// Network, layer, array and dataflow.
    pub row: String,
    /// The model's cycles.
    pub ours: u64,
    /// The tool's cycles.
    pub theirs: u64,
}

/// Compares with all result tables of a folder, or with one table.
///
/// # Errors
/// No table, a table or topology that is broken, or a row that does not belong to its topology.
pub fn compare(data: &Path) -> Result<Comparison, InputError> {
    let (folder, files) = match data.is_dir() {
        true => (data, tables_of(data)?),
        false => (data.parent().unwrap_or(Path::new("")), vec![data.to_path_buf()]),
    };
    let mut gathered = Gathered {
        folder,
        topologies: BTreeMap::new(),
        pairs: Vec::new(),
        mismatches: Vec::new(),
        user_rows: 0,
    };
    for file in &files {
        let origin = file.display().to_string();
        let text = read_text(file)?;
        let table = Table::parse(&text, &origin)?;
        if table.has(&COLUMNS) {
            gathered.add(&table)?;
        } else if !data.is_dir() {
            table.columns(COLUMNS)?; // names the column that is absent
        }
    }
    let accuracy = Accuracy::of(&gathered.pairs).ok_or_else(|| {
        let reason = format!(
            "no rows to compare with; expected tables (*.csv) with the columns {}",
            COLUMNS.join(", ")
        );
        InputError::file(&data.display().to_string(), reason)
    })?;
    Ok(Comparison {
        accuracy,
        exact: gathered.pairs.len() - gathered.mismatches.len(),
        mismatches: gathered.mismatches,
        user_rows: gathered.user_rows,
    })
}

/// The CSV files of a folder, by name.
fn tables_of(folder: &Path) -> Result<Vec<PathBuf>, InputError> {
    let unreadable =
        |error: std::io::Error| InputError::file(&folder.display().to_string(), format!("cannot be listed: {error}"));
    let mut files = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let path = entry.map_err(unreadable)?.path();
        if path.is_file() && path.extension().is_some_and(|extension| extension == "csv") {
            files.push(path);
        }
    }
    files.sort();
    Ok(files)
}

/// What has been compared so far.
struct Gathered<'a> {
    folder: &'a Path,
    /// Topologies by network; `None` where the folder has none.
    topologies: BTreeMap<String, Option<Topology>>,
    pairs: Vec<(f64, f64)>,
    mismatches: Vec<Mismatch>,
    user_rows: usize,
}

impl Gathered<'_> {
    fn add(&mut self, table: &Table) -> Result<(), InputError> {
        let columns = table.columns(COLUMNS)?;
        let mode = match table.has(&["mode"]) {
            true => Some(table.columns(["mode"])?[0]),
            false => None,
        };
        for row in table.rows() {
            let row = row?;
            match mode.map(|column| row.text(column)) {
                None | Some("CALC") => self.add_row(&row, columns)?,
                Some("USER") => self.user_rows += 1,
                Some(other) => {
                    let reason = format!("`mode` must be CALC or USER, not {}", quote(other));
                    return Err(row.fail(reason));
                }
            }
        }
        Ok(())
    }

    fn add_row(&mut self, row: &Row, columns: [usize; 9]) -> Result<(), InputError> {
        let [network, layer, m, k, n, rows, cols, dataflow, total] = columns;
        let name = row.text(dataflow);
        let array = SystolicArray {
            rows: row.count(rows)?,
            cols: row.count(cols)?,
            dataflow: Dataflow::named(name)
                .ok_or_else(|| row.fail(format!("`dataflow` must be os, ws or is, not {}", quote(name))))?,
        };
        let gemm = Gemm {
            m: row.count(m)?,
            n: row.count(n)?,
            k: row.count(k)?,
        };
        self.check_layer(row, row.text(network), row.text(layer), gemm)?;
        let cost = LayerCost::new(&array, gemm).map_err(|error| row.fail(error.to_string()))?;
        let theirs = row.count(total)?;
        self.pairs.push((cost.total_cycles as f64, theirs as f64));
        if cost.total_cycles != theirs {
            self.mismatches.push(Mismatch {
                row: format!(
                    "{} {} {}x{} {name}",
                    row.text(network),
                    row.text(layer),
                    array.rows,
                    array.cols
                ),
                ours: cost.total_cycles,
                theirs,
            });
        }
        Ok(())
    }

    /// Checks that the topology of the network, if the folder has it, calls for this product.
    fn check_layer(&mut self, row: &Row, network: &str, layer: &str, gemm: Gemm) -> Result<(), InputError> {
        if network.is_empty() || network.contains(['/', '\\']) {
            return Err(row.fail(format!("`network` is no name: {}", quote(network))));
        }
        if !self.topologies.contains_key(network) {
            let path = self.folder.join("topologies").join(format!("{network}.csv"));
            let topology = match path.exists() {
                true => Some(Topology::read(&path)?),
                false => None,
            };
            self.topologies.insert(network.to_owned(), topology);
        }
        let Some(Some(topology)) = self.topologies.get(network) else {
            return Ok(());
        };
        let named = topology.layers.iter().filter(|l| l.name == layer);
        let mut products = named.map(|l| [l.gemm, l.sparse_gemm()]);
        if products.any(|products| products.contains(&gemm)) {
            return Ok(());
        }
        Err(row.fail(format!(
            "topology {network} has no layer {} with M {}, K {}, N {}",
            quote(layer),
            gemm.m,
            gemm.k,
            gemm.n
        )))
    }
}
