//! One bar per layer.

use tandem_accelerator::simulation::{Bound, Simulation};

use super::BOUNDS;
use super::svg::{Svg, WIDTH, seconds, short};

const ROW: f64 = 18.0;
/// Room for names on the left and values on the right.
const NAMES: f64 = 210.0;
const VALUES: f64 = 100.0;

/// Colours of the parts of the energy: multipliers, buffers, memory, leakage.
const ENERGY: [(&str, &str); 4] = [
    ("compute", "#0072b2"),
    ("buffers", "#009e73"),
    ("memory", "#d55e00"),
    ("leakage", "#6b7280"),
];

/// Time on the critical path, by what it is spent on.
pub fn time(simulation: &Simulation) -> String {
    let layers = simulation.metrics.layers.iter().map(|layer| {
        let parts = layer.shares.iter().zip(Bound::ALL).zip(BOUNDS);
        parts
            .map(|((&share, bound), color)| (1e-12 * share as f64, bound.name(), color))
            .collect()
    });
    bars(simulation, layers.collect(), seconds)
}

/// Energy by where it goes.
pub fn energy(simulation: &Simulation) -> String {
    let layers = simulation.metrics.layers.iter().map(|layer| {
        let energy = &layer.energy;
        let values = [energy.compute, energy.buffers, energy.memory, energy.leakage];
        let parts = values.into_iter().zip(ENERGY);
        parts.map(|(value, (name, color))| (value, name, color)).collect()
    });
    bars(simulation, layers.collect(), |joule| match joule {
        j if j >= 1e-3 => format!("{:.3} mJ", 1e3 * j),
        j => format!("{:.3} uJ", 1e6 * j),
    })
}

pub fn energy_legend() -> String {
    ENERGY
        .iter()
        .map(|(name, color)| format!("<span class=\"key\" style=\"background:{color}\"></span>{name}"))
        .collect()
}

/// Value, name and colour of a part of a bar.
type Part = (f64, &'static str, &'static str);

fn bars(simulation: &Simulation, layers: Vec<Vec<Part>>, unit: impl Fn(f64) -> String) -> String {
    let total = |parts: &Vec<Part>| parts.iter().map(|part| part.0).sum::<f64>();
    let largest = layers.iter().map(total).fold(0.0, f64::max);
    let scale = (WIDTH - NAMES - VALUES) / largest.max(f64::MIN_POSITIVE);
    let mut svg = Svg::new(ROW * layers.len() as f64 + 4.0);
    for (line, parts) in layers.iter().enumerate() {
        let y = ROW * line as f64 + 2.0;
        let name = &simulation.network.layers[line].name;
        svg.text([NAMES - 8.0, y + 12.0], "end", "", &short(name, 30));
        let mut x = NAMES;
        for &(value, part, color) in parts.iter().filter(|part| part.0 > 0.0) {
            let title = format!("{name}: {part} {}", unit(value));
            svg.rect([x, y], [value * scale, ROW - 4.0], color, &title);
            x += value * scale;
        }
        svg.text([x + 6.0, y + 12.0], "start", "quiet", &unit(total(parts)));
    }
    svg.finish()
}
