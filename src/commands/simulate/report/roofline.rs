//! The roofline: what each layer achieves against what it could.

use tandem_accelerator::Platform;
use tandem_accelerator::simulation::{Bound, Simulation};

use super::BOUNDS;
use super::svg::{LEFT, Svg, WIDTH, seconds};

const TOP: f64 = 20.0;
const HEIGHT: f64 = 380.0;

/// Logarithmic axes: operations per byte, operations per second.
struct Axes {
    x: [f64; 2],
    y: [f64; 2],
}

impl Axes {
    fn place(&self, [x, y]: [f64; 2]) -> [f64; 2] {
        let share = |value: f64, [low, high]: [f64; 2]| ((value.log10() - low) / (high - low)).clamp(0.0, 1.0);
        [
            LEFT + (WIDTH - LEFT - 20.0) * share(x, self.x),
            TOP + HEIGHT * (1.0 - share(y, self.y)),
        ]
    }
}

/// A layer's place.
struct Point {
    intensity: f64,
    rate: f64,
    title: String,
    bound: Bound,
    share: f64,
}

/// The chart; layers without multiplications have no place in it.
pub fn chart(platform: &Platform, simulation: &Simulation) -> String {
    let points = points(simulation);
    let peak = 2.0 * platform.peak();
    let bandwidth = platform.rates().shared() as f64;
    let ridge = peak / bandwidth;
    let range = |values: Vec<f64>| {
        let low = values.iter().copied().fold(f64::INFINITY, f64::min);
        let high = values.iter().copied().fold(0.0, f64::max);
        [low.log10().floor(), high.log10().ceil()]
    };
    let intensities = points.iter().map(|point| point.intensity);
    let rates = points.iter().map(|point| point.rate.max(peak * 1e-5));
    let axes = Axes {
        x: range(intensities.chain([ridge / 2.0, ridge * 4.0]).collect()),
        y: range(rates.chain([peak / 20.0, peak * 1.01]).collect()),
    };
    let mut svg = Svg::new(TOP + HEIGHT + 44.0);
    grid(&mut svg, &axes);
    let (left, right) = (10_f64.powf(axes.x[0]), 10_f64.powf(axes.x[1]));
    let slope = left.max(10_f64.powf(axes.y[0]) / bandwidth);
    svg.line(
        axes.place([slope, slope * bandwidth]),
        axes.place([ridge, peak]),
        "#1f2937",
        2.0,
    );
    svg.line(axes.place([ridge, peak]), axes.place([right, peak]), "#1f2937", 2.0);
    let [x, y] = axes.place([right, peak]);
    svg.text([x - 4.0, y - 6.0], "end", "", &format!("{:.1} Gop/s", 1e-9 * peak));
    let [x, y] = axes.place([slope * 2.0, slope * 2.0 * bandwidth]);
    svg.text(
        [x + 10.0, y + 4.0],
        "start",
        "",
        &format!("{:.2} GB/s", 1e-9 * bandwidth),
    );
    for point in &points {
        let at = axes.place([point.intensity, point.rate]);
        let radius = 3.5 + 14.0 * point.share.sqrt();
        svg.dot(at, radius, BOUNDS[point.bound as usize], &point.title);
    }
    svg.finish()
}

fn points(simulation: &Simulation) -> Vec<Point> {
    let whole = simulation.metrics.picoseconds.max(1) as f64;
    let layers = simulation.network.layers.iter().zip(&simulation.metrics.layers);
    let placed = layers.filter(|(_, metrics)| metrics.macs > 0 && metrics.bytes > 0 && metrics.picoseconds > 0);
    placed
        .map(|(layer, metrics)| {
            let time = 1e-12 * metrics.picoseconds as f64;
            let operations = 2.0 * metrics.macs as f64;
            let (intensity, rate) = (operations / metrics.bytes as f64, operations / time);
            Point {
                intensity,
                rate,
                title: format!(
                    "{}: {}, {intensity:.1} op/byte, {:.1} Gop/s, bound by {}",
                    layer.name,
                    seconds(time),
                    1e-9 * rate,
                    metrics.bound.name()
                ),
                bound: metrics.bound,
                share: metrics.picoseconds as f64 / whole,
            }
        })
        .collect()
}

fn grid(svg: &mut Svg, axes: &Axes) {
    let power = |exponent: f64| 10_f64.powf(exponent);
    for exponent in axes.x[0] as i32..=axes.x[1] as i32 {
        let value = power(exponent.into());
        let [x, _] = axes.place([value, power(axes.y[0])]);
        svg.line([x, TOP], [x, TOP + HEIGHT], "#e2e8f0", 1.0);
        svg.text([x, TOP + HEIGHT + 16.0], "middle", "quiet", &plain(value));
    }
    for exponent in axes.y[0] as i32..=axes.y[1] as i32 {
        let value = power(exponent.into());
        let [_, y] = axes.place([power(axes.x[0]), value]);
        svg.line([LEFT, y], [WIDTH - 20.0, y], "#e2e8f0", 1.0);
        let label = format!("{} Gop/s", plain(1e-9 * value));
        svg.text([LEFT - 8.0, y + 4.0], "end", "quiet", &label);
    }
    let middle = f64::midpoint(LEFT, WIDTH);
    svg.text(
        [middle, TOP + HEIGHT + 36.0],
        "middle",
        "quiet",
        "operations per byte from and to memory",
    );
}

/// A power of ten as people write it.
fn plain(value: f64) -> String {
    match value {
        v if v >= 1.0 => format!("{v:.0}"),
        v => format!("{v:.4}").trim_end_matches('0').to_owned(),
    }
}
