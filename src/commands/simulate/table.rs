//! The layers as a table, on the screen and as CSV, and the totals.

use super::system::own_parameters;
use crate::error::Error;
use crate::output::out;

use std::fmt::Write;

use tandem_accelerator::Platform;
use tandem_accelerator::simulation::{Bound, Simulation};

/// Longest layer name that is printed whole.
const NAME: usize = 40;

/// Prints table and totals.
pub fn print(platform: &Platform, simulation: &Simulation) -> Result<(), Error> {
    print_layers(simulation)?;
    let metrics = &simulation.metrics;
    out!("{} on {}", simulation.network.name, platform.name)?;
    out!(
        "  time         {:.4} ms, {} cycles, {} tasks",
        1e3 * metrics.seconds,
        metrics.cycles,
        simulation.compiled.graph.tasks().len()
    )?;
    let parts = metrics.energy;
    let [all, compute, buffers, memory, leakage] = [
        metrics.energy_j,
        parts.compute,
        parts.buffers,
        parts.memory,
        parts.leakage,
    ]
    .map(|joule| 1e3 * joule);
    out!(
        "  energy       {all:.4} mJ (compute {compute:.4}, buffers {buffers:.4}, memory {memory:.4}, leakage {leakage:.4}), \
         {:.3} W",
        metrics.power_w
    )?;
    let area = metrics.area;
    out!(
        "  area         {:.3} mm2 (engines {:.3}, buffers {:.3}, interconnect {:.3}, memory interface {:.3})",
        metrics.area_mm2,
        area.engines,
        area.buffers,
        area.interconnect,
        area.memory_interface
    )?;
    out!(
        "  utilisation  {:.1} % of {:.1} GMAC/s",
        100.0 * metrics.utilisation,
        1e-9 * platform.peak()
    )?;
    out!(
        "  parameters   {}",
        simulation
            .network
            .parameters()
            .map_or_else(|error| error.to_string(), |count| count.to_string())
    )?;
    let busy = metrics.busy;
    out!(
        "  busy         engines {:.0} %, DMA channels {:.0} %, bandwidth {:.0} %, control {:.0} %",
        100.0 * busy.engines,
        100.0 * busy.channels,
        100.0 * busy.bandwidth,
        100.0 * busy.control
    )?;
    out!(
        "  bottleneck   {} ({})",
        metrics.bottleneck.name(),
        shares(&metrics.shares)
    )?;
    let technology = platform.technology();
    out!("  technology   {}: {}", technology.name, technology.source)?;
    for violation in &metrics.violations {
        out!(
            "  exceeded     {} is {:.4}, may be {}",
            violation.constraint,
            violation.value,
            violation.limit
        )?;
    }
    Ok(())
}

/// Shares of the time that are worth mentioning, largest first.
fn shares(shares: &[u64; 5]) -> String {
    let whole = shares.iter().sum::<u64>().max(1) as f64;
    let mut parts: Vec<(u64, &str)> = shares
        .iter()
        .zip(Bound::ALL)
        .map(|(&share, bound)| (share, bound.name()))
        .filter(|(share, _)| *share > 0)
        .collect();
    parts.sort_by_key(|(share, _)| std::cmp::Reverse(*share));
    let texts: Vec<String> = parts
        .iter()
        .map(|(share, name)| format!("{name} {:.0} %", 100.0 * *share as f64 / whole))
        .collect();
    texts.join(", ")
}

fn print_layers(simulation: &Simulation) -> Result<(), Error> {
    let layers = &simulation.network.layers;
    let names = layers.iter().map(|layer| layer.name.chars().count());
    let width = names.max().unwrap_or(0).clamp("layer".len(), NAME);
    let shapes: Vec<String> = layers.iter().map(|layer| shape(&layer.shape)).collect();
    let wide = shapes.iter().map(String::len).max().unwrap_or(0).max("output".len());
    out!(
        "{:width$} {:14} {:wide$} {:>11} {:>12} {:>12} {:>11} {:>11} {:>12} {:>6}  bound",
        "layer",
        "op",
        "output",
        "parameters",
        "cycles",
        "time, us",
        "MMAC",
        "MB",
        "energy, uJ",
        "use, %"
    )?;
    for ((layer, metrics), shape) in layers.iter().zip(&simulation.metrics.layers).zip(shapes) {
        out!(
            "{:width$} {:14} {shape:wide$} {:>11} {:>12} {:>12.2} {:>11.3} {:>11.4} {:>12.3} {:>6.1}  {}",
            short(&layer.name),
            layer.op.name(),
            own_parameters(layer),
            metrics.cycles,
            1e-6 * metrics.picoseconds as f64,
            1e-6 * metrics.macs as f64,
            1e-6 * metrics.bytes as f64,
            1e6 * metrics.energy.total(),
            100.0 * metrics.utilisation,
            metrics.bound.name()
        )?;
    }
    Ok(())
}

/// Sizes as `1x64x56x56`.
pub fn shape(sizes: &[u64]) -> String {
    let sizes: Vec<String> = sizes.iter().map(u64::to_string).collect();
    match sizes.is_empty() {
        true => "1".into(),
        false => sizes.join("x"),
    }
}

/// A name on one line, its end kept where it is too long.
pub fn short(name: &str) -> String {
    let clean: String = name.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
    let count = clean.chars().count();
    match count > NAME {
        true => format!("...{}", clean.chars().skip(count + 3 - NAME).collect::<String>()),
        false => clean,
    }
}

/// The layers as CSV; times in seconds, energies in joules.
pub fn csv(platform: &Platform, simulation: &Simulation) -> String {
    let mut text =
        String::from("layer,op,output,parameters,macs,bytes,tasks,cycles,seconds,start_s,end_s,engine_busy_s");
    for bound in Bound::ALL {
        let _ = write!(text, ",{}_s", bound.name());
    }
    text += ",energy_j,utilisation,bound\n";
    let engines = f64::from(platform.engine.count);
    for (layer, metrics) in simulation.network.layers.iter().zip(&simulation.metrics.layers) {
        let [own, start, end] = [metrics.picoseconds, metrics.start_ps, metrics.end_ps].map(|ps| 1e-12 * ps as f64);
        let _ = write!(
            text,
            "{},{},{},{},{},{},{},{},{own},{start},{end},{}",
            field(&layer.name),
            layer.op.name(),
            shape(&layer.shape),
            own_parameters(layer),
            metrics.macs,
            metrics.bytes,
            metrics.tasks,
            metrics.cycles,
            1e-12 * metrics.engine_ps as f64 / engines
        );
        for share in metrics.shares {
            let _ = write!(text, ",{}", 1e-12 * share as f64);
        }
        let _ = writeln!(
            text,
            ",{},{},{}",
            metrics.energy.total(),
            metrics.utilisation,
            metrics.bound.name()
        );
    }
    text
}

/// A text as a field of a CSV file; what a spreadsheet might take for a formula is quoted too.
pub fn field(text: &str) -> String {
    match text.contains([',', '"', '\n', '\r']) || text.starts_with(['=', '+', '-', '@']) {
        true => format!("\"{}\"", text.replace('"', "\"\"")),
        false => text.to_owned(),
    }
}
