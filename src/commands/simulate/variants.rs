//! Several platforms side by side, and one setting of a platform over a range (`--sweep engine.model.rows=8:64:8`).

use std::path::Path;

use serde_json::{Value, json};
use tandem_accelerator::Network;
use tandem_accelerator::simulation::{Metrics, simulate_with};

use super::open::{self, Opened};
use super::system;
use super::watch::Watch;
use crate::cli::SimulateArgs;
use crate::commands::print_json;
use crate::destination;
use crate::error::Error;
use crate::output::{note, out};
use crate::plot::{Axes, Figure, Series, lines};

/// Most steps of a sweep.
const MOST_STEPS: usize = 1000;
/// What a sweep's plot shows, each relative to the first step.
type Quantity = (&'static str, fn(&Metrics) -> f64);
const QUANTITIES: [Quantity; 4] = [
    ("time", |metrics| metrics.seconds),
    ("energy", |metrics| metrics.energy_j),
    ("area", |metrics| metrics.area_mm2),
    ("energy x time", |metrics| metrics.energy_j * metrics.seconds),
];

/// One platform and what the network comes to on it.
struct Variant {
    /// Name of the platform, or value of the setting.
    label: String,
    /// The setting's value, of a sweep.
    value: Option<f64>,
    metrics: Metrics,
    document: Value,
}

/// Runs the network on every platform, or on every step of the sweep.
///
/// # Errors
/// A platform, setting or range that is not right, a network that does not fit, a file that cannot be written.
pub(super) fn run(args: &SimulateArgs, network: &Network) -> Result<(), Error> {
    check(args)?;
    let sweep = args.sweep.as_deref().map(Sweep::parse).transpose()?;
    let mut variants = Vec::new();
    match &sweep {
        None => {
            for name in &args.platforms {
                let label = name.display().to_string();
                variants.push(variant(args, network, &open::platform(args, name, &[])?, label, None)?);
            }
        }
        Some(sweep) => {
            for value in &sweep.values {
                let set = [(sweep.path.clone(), value.to_string())];
                let opened = open::platform(args, &args.platforms[0], &set)?;
                variants.push(variant(args, network, &opened, value.to_string(), Some(*value))?);
            }
        }
    }
    write(args, sweep.as_ref(), network, &variants)
}

/// Refuses what is about one simulation.
fn check(args: &SimulateArgs) -> Result<(), Error> {
    let single = [("--trace", &args.trace), ("--report", &args.report)];
    if let Some((option, _)) = single.iter().find(|(_, file)| file.is_some()) {
        let text = format!("{option} shows one simulation; name one platform, and no --sweep");
        return Err(Error::Input(text));
    }
    if args.sweep.is_some() && args.platforms.len() > 1 {
        return Err(Error::Input("--sweep changes one platform; name only one".into()));
    }
    let files = [&args.csv, &args.plot];
    destination::check_all(&files, args.json, "--csv, --plot and --json").map(drop)
}

fn variant(
    args: &SimulateArgs,
    network: &Network,
    opened: &Opened,
    label: String,
    value: Option<f64>,
) -> Result<Variant, Error> {
    let Opened { platform, costs, off } = opened;
    let options = system::options(args, off)?;
    let mut watch = Watch::new();
    let simulation = simulate_with(platform, network, &options, &**costs, |at| watch.update(at));
    watch.finish();
    let simulation = simulation.map_err(|error| Error::Input(format!("{label}: {error}")))?;
    let mut document = system::document(platform, &simulation, &options);
    if let Some(value) = value {
        document["value"] = json!(value);
    }
    Ok(Variant {
        label,
        value,
        document,
        metrics: simulation.metrics,
    })
}

fn write(args: &SimulateArgs, sweep: Option<&Sweep>, network: &Network, variants: &[Variant]) -> Result<(), Error> {
    let head = sweep.map_or("platform", |sweep| &sweep.path);
    if let Some(path) = &args.csv {
        destination::write(path, csv(head, variants).as_bytes())?;
    }
    if let (Some(path), Some(sweep)) = (&args.plot, sweep) {
        destination::write(
            path,
            &picture(path, &figure(sweep, network, &args.platforms[0].display(), variants)?)?,
        )?;
    }
    if args.json {
        let rows: Vec<&Value> = variants.iter().map(|variant| &variant.document).collect();
        let parameter = sweep.map(|sweep| &sweep.path);
        return print_json(&json!({"network": network.name, "parameter": parameter, "rows": rows}));
    }
    for note in &network.notes {
        note!("{note}");
    }
    table(head, variants)?;
    for path in [&args.csv, &args.plot].into_iter().flatten() {
        out!("{}", path.display())?;
    }
    Ok(())
}

fn table(head: &str, variants: &[Variant]) -> Result<(), Error> {
    let labels = variants.iter().map(|variant| variant.label.chars().count());
    let width = labels.max().unwrap_or(0).max(head.len());
    out!(
        "{head:width$} {:>12} {:>14} {:>12} {:>10} {:>10} {:>7}  bottleneck",
        "time, ms",
        "cycles",
        "energy, mJ",
        "power, W",
        "area, mm2",
        "use, %"
    )?;
    for Variant { label, metrics, .. } in variants {
        out!(
            "{label:width$} {:>12.4} {:>14} {:>12.4} {:>10.3} {:>10.3} {:>7.1}  {}{}",
            1e3 * metrics.seconds,
            metrics.cycles,
            1e3 * metrics.energy_j,
            metrics.power_w,
            metrics.area_mm2,
            100.0 * metrics.utilisation,
            metrics.bottleneck.name(),
            if metrics.feasible() { "" } else { ", limit exceeded" }
        )?;
    }
    Ok(())
}

fn csv(head: &str, variants: &[Variant]) -> String {
    let mut text = format!("{head},seconds,cycles,energy_j,power_w,area_mm2,utilisation,bottleneck\n");
    for Variant { label, metrics, .. } in variants {
        text += &format!(
            "{},{},{},{},{},{},{},{}\n",
            super::table::field(label),
            metrics.seconds,
            metrics.cycles,
            metrics.energy_j,
            metrics.power_w,
            metrics.area_mm2,
            metrics.utilisation,
            metrics.bottleneck.name()
        );
    }
    text
}

fn figure(
    sweep: &Sweep,
    network: &Network,
    platform: &dyn std::fmt::Display,
    variants: &[Variant],
) -> Result<Figure, Error> {
    let axes = Axes {
        title: format!("{} on {platform}", network.name),
        x: sweep.path.clone(),
        y: format!("relative to {} = {}", sweep.path, sweep.values[0]),
        ..Axes::default()
    };
    let point = |of: &dyn Fn(&Metrics) -> f64, variant: &Variant| {
        let value = variant.value.unwrap_or(0.0);
        (value, of(&variant.metrics) / of(&variants[0].metrics))
    };
    let series = QUANTITIES.iter().map(|(name, of)| Series {
        name: (*name).into(),
        points: variants.iter().map(|variant| point(of, variant)).collect(),
    });
    lines(&axes, &series.collect::<Vec<_>>()).map_err(|error| Error::Run(format!("plot: {error}")))
}

/// The figure in the format that the file's name asks for.
fn picture(path: &Path, figure: &Figure) -> Result<Vec<u8>, Error> {
    match super::has_extension(path, "svg") {
        true => Ok(figure.svg().into_bytes()),
        false => figure.png().map_err(|error| Error::Run(format!("plot: {error}"))),
    }
}

/// One setting of a platform over a range.
struct Sweep {
    path: String,
    values: Vec<f64>,
}

impl Sweep {
    /// `PATH=LOW:HIGH:STEP`, both ends included where the steps meet them.
    fn parse(text: &str) -> Result<Self, Error> {
        let wrong = |why: &str| {
            Error::Input(format!(
                "--sweep {text}: {why}; write PATH=LOW:HIGH:STEP, for example engine.model.rows=8:64:8"
            ))
        };
        let (path, range) = text.split_once('=').ok_or_else(|| wrong("has no `=`"))?;
        let numbers: Result<Vec<f64>, _> = range.split(':').map(str::parse).collect();
        let numbers = numbers
            .ok()
            .filter(|numbers| numbers.iter().all(|number| number.is_finite()));
        let Some([low, high, step]) = numbers.and_then(|numbers| <[f64; 3]>::try_from(numbers).ok()) else {
            return Err(wrong("is no range of three numbers"));
        };
        if !(low <= high && step > 0.0) {
            return Err(wrong(
                "the range goes from the lower to the higher end, by a step above 0",
            ));
        }
        let count = ((high - low) / step * (1.0 + 1e-12)).floor();
        if count >= MOST_STEPS as f64 {
            return Err(wrong(&format!("more than {MOST_STEPS} steps")));
        }
        // a step that is written in decimals leaves no trace of its binary form
        let digits = 10_f64.powi(9);
        let value = |at: usize| ((low + at as f64 * step) * digits).round() / digits;
        Ok(Self {
            path: path.trim().to_owned(),
            values: (0..=count as usize).map(value).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_include_their_ends() {
        let values = |text: &str| Sweep::parse(text).map(|sweep| sweep.values).ok();
        assert_eq!(values("a.b=8:32:8"), Some(vec![8.0, 16.0, 24.0, 32.0]));
        assert_eq!(values("a=0.1:0.3:0.1"), Some(vec![0.1, 0.2, 0.3]));
        assert_eq!(values("a=5:5:1"), Some(vec![5.0]));
        for wrong in ["a", "a=1:2", "a=2:1:1", "a=1:2:0", "a=1:nan:1", "a=0:1e9:1"] {
            assert!(values(wrong).is_none(), "{wrong}");
        }
    }
}
