//! `--methods exact`: the best machine of the space `gemmini`, with proof, beside the searches.
//!
//! The search is kept in `exact.json` of the output folder, also while it runs, so that a stopped one goes on where it was.

use std::path::Path;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tandem_accelerator::Network;
use tandem_accelerator::loopnest::{Counting, Machine, Mapping};
use tandem_accelerator::mapper::{MachineSearch, Open};
use tandem_accelerator::space::{Rescored, Solution, Work, rescore, workload};

use super::{cannot, report, seal};
use crate::atomic;
use crate::error::Error;
use crate::interrupt;
use crate::output::note;

/// The method's name.
pub(super) const NAME: &str = "exact";
/// The space that it knows.
pub(super) const SPACE: &str = "gemmini";
/// Time between two saved states, and between two lines about how it gets on.
const PAUSE: Duration = Duration::from_secs(10);

/// A layer's mapping on the best machine.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Row {
    layer: String,
    count: u64,
    energy_pj: f64,
    cycles: f64,
    mapping: String,
}

/// The best machine, and how sure that is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Optimum {
    /// [`seal`].
    crc32: String,
    network: String,
    /// The layers, as they were mapped: a file of other layers is not gone on with.
    layers: Vec<String>,
    machine: Machine,
    /// J cycles.
    pub cost: f64,
    /// No machine costs less, J cycles: `cost` where it is proven.
    pub floor: f64,
    cycles: f64,
    energy_j: f64,
    boxes: u64,
    pub seconds: f64,
    rows: Vec<Row>,
    /// Machines that are still to be looked at; none where all is proven.
    open: Vec<Open>,
    /// The machine on the event simulator.
    #[serde(skip)]
    pub simulated: Option<Rescored>,
}

impl Optimum {
    pub(super) fn proved(&self) -> bool {
        self.open.is_empty()
    }

    /// By how much the machine found may lie above the optimum, in percent.
    pub(super) fn gap_percent(&self) -> f64 {
        100.0 * (self.cost / self.floor - 1.0)
    }

    pub(super) fn machine(&self) -> &Machine {
        &self.machine
    }

    /// Runs the machine on the event simulator, following its mappings and with the simulator's own tiles.
    pub(super) fn simulate(&mut self, network: &Network) -> Result<(), Error> {
        let works = workload(network).map_err(|error| Error::Input(error.to_string()))?;
        let mappings = works.into_iter().zip(&self.rows).map(|(work, row)| {
            let mapping = Mapping::parse(&row.mapping).map_err(|error| Error::Input(format!("exact.json: {error}")))?;
            Ok((work, mapping))
        });
        let solution = Solution {
            machine: self.machine,
            mappings: mappings.collect::<Result<_, Error>>()?,
            cycles: self.cycles,
            energy_j: self.energy_j,
        };
        self.simulated = Some(rescore::of_solution(network, &solution));
        Ok(())
    }

    /// The keys that scripts read.
    pub(super) fn document(&self, ratio_to_random: Option<f64>) -> Value {
        json!({
            "cost": self.cost,
            "floor": self.floor,
            "gap_percent": self.gap_percent(),
            "proved": self.proved(),
            "ratio_to_random": ratio_to_random,
            "machine": self.machine,
            "cycles": self.cycles,
            "energy_j": self.energy_j,
            "boxes": self.boxes,
            "seconds": self.seconds,
            "simulated": self.simulated.as_ref().map(report::both_ways),
            "rows": self.rows,
        })
    }
}

/// The optimum for a network: as it is on the disk, or searched.
///
/// # Errors
/// A network that cannot be mapped, a file that is no such result or cannot be written; [`Error::Paused`] after Ctrl-C.
pub(super) fn run(network: &Network, folder: &Path) -> Result<Optimum, Error> {
    let input = |error: &dyn std::fmt::Display| Error::Input(error.to_string());
    let works = workload(network).map_err(|error| input(&error))?;
    let path = folder.join("exact.json");
    let mut search = MachineSearch::new(&works, Counting::default()).map_err(|error| input(&error))?;
    let mut before = 0.0;
    if let Some(kept) = read(&path, network, &works)? {
        if kept.proved() {
            return Ok(kept);
        }
        before = kept.seconds;
        let resumed = search.resume(kept.open, &kept.machine, kept.boxes);
        resumed.map_err(|error| Error::Input(format!("{}: {error}", path.display())))?;
    }
    let (start, mut saved) = (Instant::now(), Instant::now());
    loop {
        let goes_on = search.step().map_err(|error| Error::Run(error.to_string()))?;
        let stop = interrupt::requested().is_some();
        if goes_on && !stop && saved.elapsed() < PAUSE {
            continue;
        }
        saved = Instant::now();
        let seconds = before + start.elapsed().as_secs_f64();
        let found = optimum(network, &works, &search, seconds)?;
        write(&path, &found)?;
        let gap = found.gap_percent();
        if !goes_on {
            return Ok(found);
        }
        if stop {
            return Err(Error::Paused(format!(
                "stopped; the best machine so far is proven to {gap:.3} %, the same command goes on"
            )));
        }
        note!(
            "exact: {} boxes, {} open, proven to {gap:.3} %",
            search.bounded,
            found.open.len()
        );
    }
}

/// How layers are told apart.
fn names(works: &[Work]) -> Vec<String> {
    let name = |work: &Work| format!("{} x {:?}", work.count, work.shape);
    works.iter().map(name).collect()
}

fn optimum(network: &Network, works: &[Work], search: &MachineSearch, seconds: f64) -> Result<Optimum, Error> {
    let best = search
        .best()
        .ok_or_else(|| Error::Run("no machine was looked at".into()))?;
    let rows = works.iter().zip(&best.mappings).map(|(work, mapped)| Row {
        layer: work.name.clone(),
        count: work.count,
        energy_pj: mapped.picojoules,
        cycles: mapped.cycles,
        mapping: mapped.mapping.to_string(),
    });
    Ok(Optimum {
        crc32: seal::NO_SUM.into(),
        network: network.name.clone(),
        layers: names(works),
        machine: best.machine,
        cost: best.cost,
        floor: search.floor(),
        cycles: best.cycles,
        energy_j: 1e-12 * best.picojoules,
        boxes: search.bounded,
        seconds,
        rows: rows.collect(),
        open: search.open().to_vec(),
        simulated: None,
    })
}

/// What an earlier call has found; `None` if there is nothing.
fn read(path: &Path, network: &Network, works: &[Work]) -> Result<Option<Optimum>, Error> {
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(cannot("read", path, &error)),
    };
    let place = path.display();
    let found: Optimum = serde_json::from_str(&text)
        .map_err(|error| Error::Input(format!("{place} is no optimum of a search: {error}")))?;
    seal::check(path, &text, &found.crc32)?;
    if found.network != network.name || found.layers != names(works) {
        let other = &found.network;
        return Err(Error::Input(format!(
            "{place} belongs to other layers, of the network {other}; give another --out"
        )));
    }
    Ok(Some(found))
}

/// Writes what was found just now, which has no checksum yet.
fn write(path: &Path, found: &Optimum) -> Result<(), Error> {
    let text = serde_json::to_string(found).map_err(|error| Error::Run(format!("cannot write JSON: {error}")))?;
    atomic::write(path, seal::sealed(&text).as_bytes()).map_err(|error| cannot("write", path, &error))
}
