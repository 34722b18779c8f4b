//! A simulation as one page that opens without a network: numbers, Gantt charts, roofline, time and energy per layer.

mod bars;
mod gantt;
mod roofline;
mod svg;

use std::fmt::Write;

use tandem_accelerator::Platform;
use tandem_accelerator::simulation::{Bound, Simulation};

use super::system::own_parameters;
use super::table;
use svg::escape;

/// Colours of the parts of a platform, in the order of [`Bound::ALL`].
const BOUNDS: [&str; 5] = ["#0072b2", "#d55e00", "#cc79a7", "#b58900", "#6b7280"];

const STYLE: &str = "\
body{font:15px/1.5 system-ui,sans-serif;color:#1f2937;background:#eef1f5;margin:0}\
main{max-width:1160px;margin:0 auto;padding:24px}\
h1{font-size:24px;margin:0 0 4px}h2{font-size:18px;margin:0 0 8px}p{margin:4px 0 12px;color:#475569}\
section{background:#fff;border-radius:8px;padding:18px 20px;margin:16px 0;box-shadow:0 1px 2px #0002;overflow-x:auto}\
.cards{display:flex;flex-wrap:wrap;gap:12px}\
.card{background:#fff;border-radius:8px;padding:12px 16px;box-shadow:0 1px 2px #0002;flex:1 1 110px}\
.card b{display:block;font-size:20px}.card span{color:#64748b;font-size:13px}\
svg{display:block;width:100%;height:auto}svg text{font:12px system-ui,sans-serif;fill:#1f2937}\
svg .quiet{fill:#64748b}table{border-collapse:collapse;font-size:13px;width:100%}\
td,th{padding:3px 8px;text-align:right;border-bottom:1px solid #e9edf2;white-space:nowrap}\
td:first-child,th:first-child,td:nth-child(2),th:nth-child(2),td:last-child,th:last-child{text-align:left}\
.key{display:inline-block;width:11px;height:11px;border-radius:2px;margin:0 5px 0 14px;vertical-align:-1px}";

/// The page.
pub fn page(platform: &Platform, simulation: &Simulation) -> String {
    let title = format!("{} on {}", simulation.network.name, platform.name);
    let mut html = format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{0}</title><style>{STYLE}</style></head>\n\
         <body><main><h1>{0}</h1>",
        escape(&title)
    );
    html += &subtitle(platform, simulation);
    html += &cards(simulation);
    section(
        &mut html,
        "The whole run",
        "One row per resource; a bar is a task, or several too short to be told apart. Hover for names.",
        &gantt::overview(platform, simulation),
    );
    section(
        &mut html,
        "A closer look",
        &gantt::closer_caption(simulation),
        &gantt::closer(platform, simulation),
    );
    section(
        &mut html,
        "Time per layer",
        &format!("What the time on the critical path is spent on. {}", legend()),
        &bars::time(simulation),
    );
    section(
        &mut html,
        "Roofline",
        "Each layer by the bytes it really moves; below the roof by what dispatch, latency and poor fit cost.",
        &roofline::chart(platform, simulation),
    );
    section(
        &mut html,
        "Energy per layer",
        &bars::energy_legend(),
        &bars::energy(simulation),
    );
    section(&mut html, "Layers", "", &layers(simulation));
    if !simulation.network.tensors.is_empty() {
        section(
            &mut html,
            "Tensors",
            "What the file's graph passes from node to node, weights aside.",
            &tensors(simulation),
        );
    }
    html += "</main></body></html>\n";
    html
}

fn section(html: &mut String, title: &str, caption: &str, content: &str) {
    let caption = match caption.is_empty() {
        true => String::new(),
        false => format!("<p>{caption}</p>"),
    };
    let _ = writeln!(html, "<section><h2>{title}</h2>{caption}{content}</section>");
}

fn subtitle(platform: &Platform, simulation: &Simulation) -> String {
    let rates = platform.rates();
    let [rows, cols] = platform.engine.model.shape();
    format!(
        "<p>{} engine(s) of {rows} x {cols} at {} MHz, {:.1} GMAC/s; memory {:.2} GB/s, bus {:.2} GB/s; {} tasks; energy and \
         area: {}</p>",
        platform.engine.count,
        platform.clock_mhz,
        1e-9 * platform.peak(),
        1e-9 * rates.memory as f64,
        1e-9 * rates.bus as f64,
        simulation.compiled.graph.tasks().len(),
        escape(&platform.technology().source)
    )
}

fn cards(simulation: &Simulation) -> String {
    let metrics = &simulation.metrics;
    let cards = [
        ("time", svg::seconds(metrics.seconds)),
        ("energy", format!("{:.3} mJ", 1e3 * metrics.energy_j)),
        ("mean power", format!("{:.3} W", metrics.power_w)),
        ("area", format!("{:.2} mm²", metrics.area_mm2)),
        (
            "parameters",
            simulation
                .network
                .parameters()
                .map_or_else(|error| error.to_string(), |count| count.to_string()),
        ),
        (
            "of the multipliers used",
            format!("{:.1} %", 100.0 * metrics.utilisation),
        ),
        ("bottleneck", metrics.bottleneck.name().to_owned()),
    ];
    let cards: String = cards
        .iter()
        .map(|(name, value)| format!("<div class=\"card\"><b>{value}</b><span>{name}</span></div>"))
        .collect();
    format!("<div class=\"cards\">{cards}</div>")
}

fn legend() -> String {
    Bound::ALL
        .iter()
        .zip(BOUNDS)
        .map(|(bound, color)| {
            format!(
                "<span class=\"key\" style=\"background:{color}\"></span>{}",
                bound.name()
            )
        })
        .collect()
}

fn tensors(simulation: &Simulation) -> String {
    let mut html = String::from("<table><tr><th>tensor</th><th>shape</th></tr>");
    for tensor in &simulation.network.tensors {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td></tr>",
            escape(&tensor.name),
            table::shape(&tensor.shape)
        );
    }
    html + "</table>"
}

fn layers(simulation: &Simulation) -> String {
    let mut html = String::from(
        "<table><tr><th>layer</th><th>op</th><th>output</th><th>parameters</th><th>time, us</th><th>cycles</th><th>MMAC</th><th>MB</th><th>energy, uJ</th>\
         <th>use, %</th><th>tasks</th><th>bound</th></tr>",
    );
    for (layer, metrics) in simulation.network.layers.iter().zip(&simulation.metrics.layers) {
        let _ = write!(
            html,
            "<tr><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{:.2}</td><td>{}</td><td>{:.3}</td><td>{:.4}</td><td>{:.3}</td>\
             <td>{:.1}</td><td>{}</td><td>{}</td></tr>",
            escape(&layer.name),
            layer.op.name(),
            table::shape(&layer.shape),
            own_parameters(layer),
            1e-6 * metrics.picoseconds as f64,
            metrics.cycles,
            1e-6 * metrics.macs as f64,
            1e-6 * metrics.bytes as f64,
            1e6 * metrics.energy.total(),
            100.0 * metrics.utilisation,
            metrics.tasks,
            metrics.bound.name()
        );
    }
    html + "</table>"
}
