//! SCALE-Sim's files, in the tool's own terms.

use serde_json::{Value, json};
use tandem_accelerator::scalesim::{self, Config, LayerCost, Topology};

use crate::cli::SimulateArgs;
use crate::commands::print_json;
use crate::error::Error;
use crate::output::{note, out};

/// Runs the command.
///
/// # Errors
/// A file that is not right, or a layer that is too large.
pub(super) fn run(args: &SimulateArgs) -> Result<(), Error> {
    super::without_a_system(args, "a SCALE-Sim configuration")?;
    let config = Config::read(&args.platforms[0])?;
    let topology = Topology::read(&args.network)?;
    let costs = scalesim::run(&config, &topology)?;
    let notes: Vec<&String> = config.notes.iter().chain(&topology.notes).collect();
    let too_large = || Error::Input(format!("{}: too large in total", args.network.display()));
    let totals = Totals::of(&config, &costs).ok_or_else(too_large)?;
    if args.json {
        let mut document = totals.document(&config, &topology, &costs);
        document["notes"] = json!(notes);
        return print_json(&document);
    }
    for note in notes {
        note!("{note}");
    }
    print_table(&config, &topology, &costs, &totals)?;
    Ok(())
}

/// Sums over the layers.
struct Totals {
    total_cycles: u64,
    macs: u64,
    /// Share of the array's multiply-accumulates that are used.
    utilisation: f64,
}

impl Totals {
    /// The sums; `None` beyond 64 bits.
    fn of(config: &Config, costs: &[LayerCost]) -> Option<Self> {
        let sum = |of: fn(&LayerCost) -> u64| costs.iter().try_fold(0_u64, |sum, cost| sum.checked_add(of(cost)));
        let macs = sum(|cost| cost.array.macs)?;
        let busy = sum(|cost| cost.array.cycles)?;
        let cells = config.array.cells().ok()?;
        Some(Self {
            total_cycles: sum(|cost| cost.total_cycles)?,
            macs,
            utilisation: macs as f64 / (busy as f64 * cells as f64),
        })
    }

    /// The document of `--json`. SCALE-Sim's files name no clock and no technology, so there is no time, energy or
    /// area to give.
    fn document(&self, config: &Config, topology: &Topology, costs: &[LayerCost]) -> Value {
        let layers: Vec<Value> = topology
            .layers
            .iter()
            .zip(costs)
            .map(|(layer, cost)| {
                json!({
                    "name": layer.name,
                    "op": layer.kind.name(),
                    "cycles": cost.total_cycles,
                    "total_cycles": cost.total_cycles,
                    "macs": cost.array.macs,
                    "energy_j": null,
                    "bound": "compute",
                    "m": cost.gemm.m,
                    "n": cost.gemm.n,
                    "k": cost.gemm.k,
                    "folds": cost.array.folds,
                    "mapping_efficiency": cost.array.mapping_efficiency,
                    "utilisation": cost.array.utilisation,
                    "input_reads": cost.array.input_reads,
                    "weight_reads": cost.array.weight_reads,
                    "output_writes": cost.array.output_writes,
                })
            })
            .collect();
        json!({
            "platform": config.name,
            "array": config.array,
            "cycles": self.total_cycles,
            "total_cycles": self.total_cycles,
            "seconds": null,
            "energy_j": null,
            "area_mm2": null,
            "macs": self.macs,
            "utilisation": self.utilisation,
            "bottleneck": "compute",
            "layers": layers,
        })
    }
}

fn print_table(config: &Config, topology: &Topology, costs: &[LayerCost], totals: &Totals) -> Result<(), Error> {
    let array = config.array;
    out!(
        "{}: {} x {} cells, {}; cycles as SCALE-Sim counts them, without memory stalls",
        config.name,
        array.rows,
        array.cols,
        array.dataflow.name()
    )?;
    let names = topology.layers.iter().map(|layer| layer.name.chars().count());
    let width = names.max().unwrap_or(0).max("layer".len());
    out!(
        "{:width$} {:>9} {:>9} {:>9} {:>14} {:>16} {:>11}",
        "layer",
        "M",
        "N",
        "K",
        "total_cycles",
        "MACs",
        "utilisation"
    )?;
    for (layer, cost) in topology.layers.iter().zip(costs) {
        out!(
            "{:width$} {:>9} {:>9} {:>9} {:>14} {:>16} {:>10.1}%",
            layer.name,
            cost.gemm.m,
            cost.gemm.n,
            cost.gemm.k,
            cost.total_cycles,
            cost.array.macs,
            100.0 * cost.array.utilisation
        )?;
    }
    out!(
        "{:width$} {:>9} {:>9} {:>9} {:>14} {:>16} {:>10.1}%",
        "total",
        "",
        "",
        "",
        totals.total_cycles,
        totals.macs,
        100.0 * totals.utilisation
    )?;
    Ok(())
}
