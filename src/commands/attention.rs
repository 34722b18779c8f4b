//! `tandem simulate attention`: one head and one token of analog attention in gain cells.

use std::path::Path;

use serde_json::{Value, json};
use tandem_attention::cost::{self, Cost};
use tandem_attention::gpu::{self, GPUS};
use tandem_attention::{GainCell, QUANTITIES};

use super::print_json;
use crate::cli::SimulateArgs;
use crate::error::Error;
use crate::output::{note, out};
use crate::strict::Located;

/// The network's name on the command line.
pub const NAME: &str = "attention";
/// The published circuit's name.
pub const PUBLISHED: &str = "gain-cell";

/// Runs the command.
///
/// # Errors
/// A platform file that is not right, or a circuit that cannot be built.
pub fn run(args: &SimulateArgs) -> Result<(), Error> {
    let circuit = read(&args.platforms[0])?;
    let cost = cost::cost(&circuit, &circuit.activity);
    if args.json {
        return print_json(&document(&circuit, &cost));
    }
    print_parts(&cost)?;
    print_whole(&circuit, &cost)?;
    note!(
        "activity {} and {} µA per cell; constants marked as assumed are listed by --json",
        circuit.activity.score_ua,
        circuit.activity.output_ua
    );
    Ok(())
}

/// The circuit of this name or file.
///
/// # Errors
/// A file that is not right, or a circuit that cannot be built.
pub fn read(platform: &Path) -> Result<GainCell, Error> {
    if platform.as_os_str() == PUBLISHED {
        return Ok(GainCell::default());
    }
    let located = Located::read_file(platform, &[])?;
    let circuit: GainCell = located.read()?;
    circuit
        .check()
        .map_err(|error| located.fail_at(error.key(), error.reason()))?;
    Ok(circuit)
}

/// The parts of the energy, with their names.
fn energies(cost: &Cost) -> [(&'static str, f64); 4] {
    let parts = &cost.energy;
    [
        ("query-key array and pulses", parts.score()),
        ("pulse-value array and counters", parts.output()),
        ("digital control and routing", parts.digital),
        ("writing (converters, cells)", parts.dac + parts.write),
    ]
}

/// The part that takes most of the energy, and its share.
fn bottleneck(cost: &Cost) -> (&'static str, f64) {
    let most = energies(cost).into_iter().max_by(|a, b| a.1.total_cmp(&b.1));
    let (name, energy) = most.unwrap_or(("none", 0.0));
    (name, energy / cost.energy_j)
}

fn print_parts(cost: &Cost) -> Result<(), Error> {
    for (name, energy) in energies(cost) {
        out!(
            "{name:32} {:>9.1} pJ  {:>5.1} %",
            1e12 * energy,
            100.0 * energy / cost.energy_j
        )?;
    }
    let time = &cost.time;
    let ns = |seconds: f64| 1e9 * seconds;
    out!(
        "{:32} {:.1} write + {:.1} scores + {:.1} outputs + {:.1} count + {:.1} reset + {:.1} add ns",
        "time",
        ns(time.write),
        ns(time.score),
        ns(time.output),
        ns(time.count),
        ns(time.reset),
        ns(time.add)
    )?;
    out!(
        "{:32} {:.4} cells + {:.4} periphery mm²",
        "area",
        1e6 * cost.area.cells,
        1e6 * cost.area.periphery
    )?;
    Ok(())
}

fn print_whole(circuit: &GainCell, cost: &Cost) -> Result<(), Error> {
    out!(
        "per head and token               {:.2} ns, {:.3} nJ, {:.4} mm², {:.1} TOPS/W",
        1e9 * cost.seconds,
        1e9 * cost.energy_j,
        1e6 * cost.area_m2,
        tops_per_watt(circuit, cost)
    )?;
    out!(
        "retention                        {:.3e} s; {:.1} % left after {} tokens, {:.3e} lost per token",
        circuit.retention_s(),
        100.0 * circuit.keep(f64::from(circuit.window)),
        circuit.window,
        circuit.decay()
    )?;
    out!(
        "12 oxide layers, cells only      {:.3e} mm²",
        1e6 * cost::stacked_cells_m2(circuit, 12)
    )?;
    for gpu in GPUS {
        out!(
            "against {:24} {:>8.0} times faster, {:>8.0} times less energy{}",
            gpu.name,
            gpu.latency_ratio(cost.seconds),
            gpu.energy_ratio(cost.energy_j),
            if gpu.measured { "" } else { "  (from printed ratios)" }
        )?;
    }
    Ok(())
}

fn tops_per_watt(circuit: &GainCell, cost: &Cost) -> f64 {
    2e-12 * Cost::macs(circuit) / cost.energy_j
}

/// The document of `--json`: one head and one token.
fn document(circuit: &GainCell, cost: &Cost) -> Value {
    let cycles = |seconds: f64| (seconds * circuit.clock_hz).round();
    let macs = Cost::macs(circuit) / 2.0;
    let capacity = f64::from(circuit.tiles() * circuit.columns);
    let parameters: Vec<Value> = QUANTITIES
        .iter()
        .map(|q| {
            json!({
                "name": q.key, "value": (q.get)(circuit), "unit": q.unit,
                "source": q.source.name(), "meaning": q.meaning,
            })
        })
        .collect();
    let [score, output, digital, write] = energies(cost).map(|(_, energy)| energy);
    json!({
        "network": NAME,
        "cycles": cycles(cost.seconds),
        "seconds": cost.seconds,
        "energy_j": cost.energy_j,
        "area_mm2": 1e6 * cost.area_m2,
        "utilisation": f64::from(circuit.window) / capacity,
        "bottleneck": bottleneck(cost).0,
        "bottleneck_energy_share": bottleneck(cost).1,
        "layers": [
            {"name": "scores", "op": "QK", "cycles": cycles(cost.time.score), "macs": macs, "energy_j": score, "bound": "analog"},
            {"name": "outputs", "op": "PV", "cycles": cycles(cost.time.output + cost.time.count), "macs": macs, "energy_j": output, "bound": "analog"},
            {"name": "digital", "op": "control", "cycles": cycles(cost.time.add + cost.time.reset), "macs": 0, "energy_j": digital, "bound": "digital"},
            {"name": "write", "op": "store", "cycles": cycles(cost.time.write), "macs": 0, "energy_j": write, "bound": "settling"},
        ],
        "breakdown": {
            "seconds": cost.time,
            "energy_j": cost.energy,
            "area_mm2": {"cells": 1e6 * cost.area.cells, "periphery": 1e6 * cost.area.periphery},
        },
        "stacked_cells_mm2": 1e6 * cost::stacked_cells_m2(circuit, 12),
        "tops_per_watt": tops_per_watt(circuit, cost),
        "retention_s": circuit.retention_s(),
        "decay_per_token": circuit.decay(),
        "kept_at_window_end": circuit.keep(f64::from(circuit.window)),
        "refresh_power_w": circuit.refresh_power_w(0.01),
        "activity": circuit.activity,
        "gpu": GPUS.map(|gpu| json!({
            "name": gpu.name, "measured": gpu.measured, "seconds": gpu.seconds, "energy_j": gpu.energy_j,
            "latency_ratio": gpu.latency_ratio(cost.seconds), "energy_ratio": gpu.energy_ratio(cost.energy_j),
        })),
        "gpu_heads": gpu::HEADS,
        "parameters": parameters,
    })
}
