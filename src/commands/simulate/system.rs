//! A network on a whole system, event by event.

use serde_json::{Map, Value, json};
use tandem_accelerator::compile::{PASSES, Passes};
use tandem_accelerator::simulation::{Bound, LayerMetrics, Metrics, Simulation, simulate_with, write_trace};
use tandem_accelerator::{Limits, Network, Options, Platform};

use super::open::Opened;
use super::watch::Watch;
use super::{report, table};
use crate::cli::SimulateArgs;
use crate::commands::print_json;
use crate::destination;
use crate::error::Error;
use crate::output::{note, out};

/// Runs the network and prints what it comes to.
///
/// # Errors
/// A pass that there is not, a network that does not fit, or a file that cannot be written.
pub fn run(args: &SimulateArgs, network: &Network, opened: &Opened) -> Result<(), Error> {
    let Opened { platform, costs, off } = opened;
    let options = options(args, off)?;
    let files = [&args.trace, &args.report, &args.csv];
    let to_stdout = destination::check_all(&files, args.json, "--trace, --report, --csv and --json")?;
    let mut watch = Watch::new();
    let simulation = simulate_with(platform, network, &options, &**costs, |at| watch.update(at));
    watch.finish();
    let simulation = simulation?;
    if let Some(path) = &args.trace {
        destination::write_with(path, |mut file| write_trace(&mut file, platform, &simulation))?;
    }
    if let Some(path) = &args.report {
        destination::write(path, report::page(platform, &simulation).as_bytes())?;
    }
    if let Some(path) = &args.csv {
        destination::write(path, table::csv(platform, &simulation).as_bytes())?;
    }
    if args.json {
        return print_json(&document(platform, &simulation, &options));
    }
    for note in &simulation.network.notes {
        note!("{note}");
    }
    if to_stdout {
        return Ok(()); // a file stands there already
    }
    table::print(platform, &simulation)?;
    for path in files.into_iter().flatten() {
        out!("{}", path.display())?;
    }
    Ok(())
}

pub(super) fn options(args: &SimulateArgs, off: &[&str]) -> Result<Options, Error> {
    let off: Vec<&str> = args
        .no_pass
        .iter()
        .map(String::as_str)
        .chain(off.iter().copied())
        .collect();
    let passes = Passes::without(&off);
    let passes = passes.map_err(|error| Error::Input(format!("--no-pass: {error}")))?;
    Ok(Options {
        passes,
        limits: limits(args.max_area, args.max_power)?,
        ..Options::default()
    })
}

/// The limits of the command line.
///
/// # Errors
/// One that is no number above 0.
pub(in crate::commands) fn limits(area_mm2: Option<f64>, power_w: Option<f64>) -> Result<Limits, Error> {
    let limit = |name: &str, limit: Option<f64>| match limit {
        Some(limit) if !(limit > 0.0 && limit.is_finite()) => {
            Err(Error::Input(format!("{name} {limit}: must be a number above 0")))
        }
        other => Ok(other),
    };
    Ok(Limits {
        area_mm2: limit("--max-area", area_mm2)?,
        power_w: limit("--max-power", power_w)?,
    })
}

/// The document of `--json`.
pub(super) fn document(platform: &Platform, simulation: &Simulation, options: &Options) -> Value {
    let metrics = &simulation.metrics;
    let off = PASSES
        .iter()
        .map(|pass| pass.name)
        .filter(|name| !options.passes.has(name));
    let technology = platform.technology();
    let busy = metrics.busy;
    json!({
        "network": simulation.network.name,
        "platform": platform.name,
        "cycles": metrics.cycles,
        "seconds": metrics.seconds,
        "energy_j": metrics.energy_j,
        "area_mm2": metrics.area_mm2,
        "power_w": metrics.power_w,
        "utilisation": metrics.utilisation,
        "bottleneck": metrics.bottleneck.name(),
        "macs": metrics.macs,
        "parameters": simulation.network.parameters().unwrap_or(u64::MAX),
        "bytes": metrics.bytes,
        "tasks": simulation.compiled.graph.tasks().len(),
        "time_share": time_share(&metrics.shares, metrics.picoseconds),
        "busy": {
            "engines": busy.engines,
            "dma_channels": busy.channels,
            "bandwidth": busy.bandwidth,
            "control": busy.control,
        },
        "energy": energy(&metrics.energy),
        "area": {
            "engines_mm2": metrics.area.engines,
            "buffers_mm2": metrics.area.buffers,
            "interconnect_mm2": metrics.area.interconnect,
            "memory_interface_mm2": metrics.area.memory_interface,
        },
        "feasible": metrics.feasible(),
        "violations": violations(metrics),
        "passes_off": off.collect::<Vec<_>>(),
        "technology": {"name": technology.name, "source": technology.source},
        "settings": platform,
        "notes": simulation.network.notes,
        "layers": layers(simulation),
        "tensors": tensors(simulation),
    })
}

/// The tensors of a file, weights aside.
fn tensors(simulation: &Simulation) -> Vec<Value> {
    let tensors = simulation.network.tensors.iter();
    tensors
        .map(|tensor| json!({"name": tensor.name, "shape": tensor.shape}))
        .collect()
}

fn layers(simulation: &Simulation) -> Vec<Value> {
    let named = simulation.network.layers.iter().zip(&simulation.compiled.layers);
    let rows = named.zip(&simulation.metrics.layers);
    rows.map(|((layer, needs), metrics)| {
        let LayerMetrics { energy: parts, .. } = metrics;
        json!({
            "name": layer.name,
            "op": layer.op.name(),
            "shape": layer.shape,
            "parameters": own_parameters(layer),
            "cycles": metrics.cycles,
            "seconds": 1e-12 * metrics.picoseconds as f64,
            "start_s": 1e-12 * metrics.start_ps as f64,
            "end_s": 1e-12 * metrics.end_ps as f64,
            "macs": metrics.macs,
            "bytes": metrics.bytes,
            "tasks": metrics.tasks,
            "energy_j": parts.total(),
            "energy": energy(parts),
            "bound": metrics.bound.name(),
            "time_share": time_share(&metrics.shares, metrics.picoseconds),
            "utilisation": metrics.utilisation,
            "tile": needs.tiling.map(|tiling| json!({
                "groups": tiling.groups,
                "m": tiling.gemm.m,
                "n": tiling.gemm.n,
                "k": tiling.gemm.k,
                "order": tiling.order.name(),
            })),
        })
    })
    .collect()
}

/// Learnt numbers of a layer; those that belong to a layer before it are counted there.
pub(super) fn own_parameters(layer: &tandem_accelerator::layer::Layer) -> u64 {
    match layer.shared {
        true => 0,
        false => layer.parameters().unwrap_or(u64::MAX),
    }
}

fn energy(energy: &tandem_accelerator::compile::Energy) -> Value {
    json!({
        "compute_j": energy.compute,
        "buffers_j": energy.buffers,
        "memory_j": energy.memory,
        "leakage_j": energy.leakage,
    })
}

fn time_share(shares: &[u64; 5], whole: u64) -> Map<String, Value> {
    let whole = whole.max(1) as f64;
    let parts = Bound::ALL.iter().zip(shares);
    parts
        .map(|(bound, &share)| (bound.name().to_owned(), json!(share as f64 / whole)))
        .collect()
}

fn violations(metrics: &Metrics) -> Vec<Value> {
    let violations = metrics.violations.iter();
    violations
        .map(|v| json!({"constraint": v.constraint, "value": v.value, "limit": v.limit}))
        .collect()
}
