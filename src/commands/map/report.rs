//! The mappings as a table, as CSV and as JSON.

use std::fmt::Write;

use serde_json::{Map, Value, json};
use tandem_accelerator::loopnest::Dim;
use tandem_accelerator::mapper::Mapped;
use tandem_accelerator::space::Work;

use super::{Layer, Outcome};
use crate::commands::print_json;
use crate::commands::simulate::table::{field, short};
use crate::error::Error;
use crate::output::out;

/// Prints the mappings, or all as one document.
///
/// # Errors
/// Standard output cannot be written.
pub fn report(outcome: &Outcome) -> Result<(), Error> {
    if outcome.args.json {
        print_json(&document(outcome))
    } else {
        print(outcome)
    }
}

/// Every mapping with its layer.
fn rows<'a>(outcome: &'a Outcome) -> impl Iterator<Item = (&'a Layer, &'a Mapped)> {
    let layers = outcome.layers.iter();
    layers.flat_map(|layer| layer.found.iter().map(move |mapped| (layer, mapped)))
}

/// Energy (pJ) and cycles of the whole network; `None` where layers have several mappings.
fn total(outcome: &Outcome) -> Option<(f64, f64)> {
    let sum = |of: fn(&Mapped) -> f64| -> f64 {
        let each = rows(outcome).map(|(layer, mapped)| layer.work.count as f64 * of(mapped));
        each.sum()
    };
    (!outcome.args.front).then(|| (sum(|mapped| mapped.picojoules), sum(|mapped| mapped.cycles)))
}

/// What was least.
fn metric(outcome: &Outcome) -> &'static str {
    use crate::cli::MapMetric;
    match (outcome.args.front, outcome.args.whole, outcome.args.metric) {
        (true, ..) => "front",
        (_, true, _) => "edp of the whole network",
        (.., MapMetric::Energy) => "energy",
        (.., MapMetric::Cycles) => "cycles",
        (.., MapMetric::Edp) => "edp",
    }
}

fn rule(outcome: &Outcome) -> &'static str {
    use crate::cli::MapRule;
    match outcome.args.rule {
        MapRule::Timeloop => "timeloop",
        MapRule::Hierarchy => "hierarchy",
    }
}

/// A layer's loops by their letters, with steps in width and height.
fn loops(work: &Work) -> Value {
    let letters = Dim::ALL.iter().zip(work.shape.sizes);
    let letters = letters.map(|(dim, size)| (format!("{dim:?}").to_lowercase(), json!(size)));
    let mut loops: Map<String, Value> = letters.collect();
    loops.insert("stride".into(), json!(work.shape.stride));
    loops.insert("dilation".into(), json!(work.shape.dilation));
    Value::Object(loops)
}

fn document(outcome: &Outcome) -> Value {
    let row = |(layer, mapped): (&Layer, &Mapped)| {
        json!({
            "layer": layer.work.name,
            "energy_pj": mapped.picojoules,
            "cycles": mapped.cycles,
            "edp": mapped.picojoules * mapped.cycles,
            "mapping": mapped.mapping.to_string(),
            "proved": layer.proved,
            "opened": layer.opened,
            "seconds": layer.seconds,
            "count": layer.work.count,
            "loops": loops(&layer.work),
        })
    };
    json!({
        "network": outcome.network,
        "machine": outcome.machine,
        "metric": metric(outcome),
        "rule": rule(outcome),
        "dram_blocks": outcome.args.dram_blocks,
        "rows": rows(outcome).map(row).collect::<Vec<Value>>(),
        "total": total(outcome).map(|(picojoules, cycles)| json!({
            "energy_pj": picojoules,
            "cycles": cycles,
            "edp": picojoules * cycles,
        })),
        "proved": outcome.layers.iter().all(|layer| layer.proved),
        "seconds": outcome.seconds,
    })
}

/// The rows as CSV, numbers to the last bit.
pub fn csv(outcome: &Outcome) -> String {
    let mut text = String::from("layer,energy_pj,cycles,edp,mapping,proved,opened,seconds,count\n");
    for (layer, mapped) in rows(outcome) {
        let _ = writeln!(
            text,
            "{},{},{},{},{},{},{},{},{}",
            field(&layer.work.name),
            mapped.picojoules,
            mapped.cycles,
            mapped.picojoules * mapped.cycles,
            mapped.mapping,
            layer.proved,
            layer.opened,
            layer.seconds,
            layer.work.count
        );
    }
    text
}

fn print(outcome: &Outcome) -> Result<(), Error> {
    let machine = outcome.machine;
    out!(
        "{} on side {}, accumulator {} kB, scratchpad {} kB; least {}, rule {}, DRAM words in blocks of {}",
        outcome.network,
        machine.side,
        machine.accumulator_kb,
        machine.scratchpad_kb,
        metric(outcome),
        rule(outcome),
        outcome.args.dram_blocks
    )?;
    out!(
        "{:24} {:>5} {:>12} {:>12} {:>11} {:>8} {:>8}  mapping",
        "layer",
        "count",
        "energy, uJ",
        "cycles",
        "pJ cycles",
        "opened",
        "seconds"
    )?;
    for (layer, mapped) in rows(outcome) {
        let doubt = if layer.proved { "" } else { "  (not proven)" };
        out!(
            "{:24} {:>5} {:>12.4} {:>12} {:>11.4e} {:>8} {:>8.4}  {}{doubt}",
            short(&layer.work.name),
            layer.work.count,
            1e-6 * mapped.picojoules,
            mapped.cycles,
            mapped.picojoules * mapped.cycles,
            layer.opened,
            layer.seconds,
            mapped.mapping
        )?;
    }
    if let Some((picojoules, cycles)) = total(outcome) {
        out!(
            "network: {:.4} uJ, {cycles} cycles, product {:.6e} J cycles",
            1e-6 * picojoules,
            1e-12 * picojoules * cycles
        )?;
    }
    let proved = outcome.layers.iter().filter(|layer| layer.proved).count();
    out!(
        "{proved} of {} layers proven optimal in {:.3} s",
        outcome.layers.len(),
        outcome.seconds
    )?;
    Ok(())
}
