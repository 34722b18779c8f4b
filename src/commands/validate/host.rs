//! `tandem validate host`: networks that this machine was not calibrated on, predicted and measured.

use serde_json::{Value, json};
use tandem_accelerator::Accuracy;
use tandem_accelerator::host::{Calibration, Demand, HostModel, ModelError};

use super::{document, print_accuracy};
use crate::cli::ValidateArgs;
use crate::commands::print_json;
use crate::error::Error;
use crate::host::drift::Drift;
use crate::host::network::{Measured, Runnable};
use crate::host::{self, Plan};
use crate::interrupt;
use crate::output::{note, out};

/// How often a network is measured until the machine is as it was when it was calibrated.
const ATTEMPTS: usize = 3;
/// Layers printed per network: those that take longest.
const SHOWN: usize = 8;

/// A network, predicted and measured.
struct Held {
    network: Runnable,
    measured: Measured,
    /// Time of random layers now over that at calibration.
    drift: f64,
    /// Predicted time of each layer, s.
    layers: Vec<f64>,
    /// Predicted time from end to end, s.
    total: f64,
}

/// Runs the command.
///
/// # Errors
/// Networks or a calibration that are not right, a busy machine, a signal.
pub fn run(args: &ValidateArgs) -> Result<(), Error> {
    let networks = args.networks.iter().map(|name| Runnable::named(name));
    let networks: Vec<Runnable> = networks.collect::<Result<_, _>>()?;
    host::with_native_kernels()?;
    let listening = interrupt::install();
    listening.map_err(|error| Error::Run(format!("no signal handlers: {error}")))?;
    host::pin_to_a_core();
    let _guard = tch::no_grad_guard();
    tch::manual_seed(0);
    let calibration = match &args.calibration {
        Some(path) => Calibration::read(path)?,
        None => host::calibrate(&Plan {
            convolutions: host::CONVOLUTIONS as usize,
            seed: 0,
            allow_noise: args.allow_noise,
        })?,
    };
    let model = HostModel::fit(&calibration).map_err(refused)?;
    let drift = Drift::of(&calibration)?;
    let mut held = Vec::new();
    for network in networks {
        let (measured, drift) = measure(&network, &drift, args.allow_noise)?;
        held.push(hold(&model, network, measured, drift)?);
    }
    report(args, &calibration, &held)
}

/// Measures a network, again where the machine was not as it was when it was calibrated; also its drift since then.
///
/// # Errors
/// A machine that stays busy or changed, a signal.
fn measure(network: &Runnable, drift: &Drift, allow_noise: bool) -> Result<(Measured, f64), Error> {
    let mut left = ATTEMPTS;
    loop {
        note!("validate host: {}", network.name);
        let before = drift.measure()?;
        let measured = network.measure()?;
        let now = (before * drift.measure()?).sqrt();
        left -= 1;
        let repeats = host::check_repeat(measured.repeat_percent, allow_noise);
        match repeats.and_then(|()| host::check_drift(now, allow_noise)) {
            Ok(()) => return Ok((measured, now)),
            Err(error) if left == 0 => return Err(error),
            Err(error) => note!("validate host: {error}; measured once more"),
        }
    }
}

fn refused(error: ModelError) -> Error {
    Error::Input(format!("calibration: {error}"))
}

fn hold(model: &HostModel, network: Runnable, measured: Measured, drift: f64) -> Result<Held, Error> {
    let mut layers = Vec::with_capacity(network.steps.len());
    for step in &network.steps {
        let demand = Demand::of(&step.layer.op).map_err(|error| refused(error.into()))?;
        layers.push(model.demanded(&demand).map_err(refused)?);
    }
    let dispatch = model.dispatch_seconds * layers.len() as f64;
    Ok(Held {
        total: layers.iter().sum::<f64>() + dispatch,
        drift,
        network,
        measured,
        layers,
    })
}

impl Held {
    fn pairs(&self) -> Vec<(f64, f64)> {
        let measured = self.measured.layers.iter().map(|time| time.cpu);
        self.layers.iter().copied().zip(measured).collect()
    }

    /// From end to end, in percent.
    fn accuracy(&self) -> f64 {
        accuracy_percent(self.total, self.measured.total.cpu)
    }
}

fn accuracy_percent(predicted: f64, measured: f64) -> f64 {
    100.0 - 100.0 * (predicted - measured).abs() / measured
}

fn report(args: &ValidateArgs, calibration: &Calibration, held: &[Held]) -> Result<(), Error> {
    let pairs: Vec<(f64, f64)> = held.iter().flat_map(Held::pairs).collect();
    let totals: Vec<(f64, f64)> = held.iter().map(|held| (held.total, held.measured.total.cpu)).collect();
    let (Some(layers), Some(whole)) = (Accuracy::of(&pairs), Accuracy::of(&totals)) else {
        return Err(Error::Input("no networks; name some with --networks".into()));
    };
    if args.json {
        let mut document = document(&layers);
        document["total_accuracy_percent"] = json!(whole.total_accuracy_percent);
        document["processor"] = json!(calibration.machine.processor);
        document["threads"] = json!(calibration.machine.threads);
        document["networks"] = held.iter().map(network_document).collect();
        return print_json(&document);
    }
    for held in held {
        print_network(held)?;
    }
    print_accuracy("layers", &layers)?;
    out!("whole networks, together: {:.1} %", whole.total_accuracy_percent)?;
    Ok(())
}

fn network_document(held: &Held) -> Value {
    let layers = held.network.steps.iter().zip(held.pairs()).zip(&held.measured.layers);
    let layers: Vec<Value> = layers
        .map(|((step, (predicted, measured)), time)| {
            json!({
                "name": step.name,
                "op": step.layer.op.name(),
                "predicted_seconds": predicted,
                "measured_seconds": measured,
                "measured_wall_seconds": time.wall,
                "accuracy_percent": accuracy_percent(predicted, measured),
            })
        })
        .collect();
    let of_layers = Accuracy::of(&held.pairs());
    json!({
        "name": held.network.name,
        "total_accuracy_percent": held.accuracy(),
        "drift": held.drift,
        "predicted_seconds": held.total,
        "measured_seconds": held.measured.total.cpu,
        "measured_wall_seconds": held.measured.total.wall,
        "sum_of_layers_accuracy_percent": of_layers.map(|it| it.total_accuracy_percent),
        "layer_mean_abs_error_percent": of_layers.map(|it| it.mean_abs_error_percent),
        "repeat_percent": held.measured.repeat_percent,
        "runs": held.measured.runs,
        "layers": layers,
    })
}

fn print_network(held: &Held) -> Result<(), Error> {
    let total = held.measured.total;
    out!(
        "{}: accuracy {:.1} %, predicted {:.2} ms, measured {:.2} ms ({:.2} on the wall, {} runs, halves differ by {:.1} %)",
        held.network.name,
        held.accuracy(),
        1e3 * held.total,
        1e3 * total.cpu,
        1e3 * total.wall,
        held.measured.runs,
        held.measured.repeat_percent
    )?;
    out!(
        "  random layers, measured again before and after, take {:.2} of their time at calibration",
        held.drift
    )?;
    let mut order: Vec<usize> = (0..held.layers.len()).collect();
    let pairs = held.pairs();
    order.sort_by(|&a, &b| pairs[b].1.total_cmp(&pairs[a].1));
    for &at in order.iter().take(SHOWN) {
        let (step, (predicted, measured)) = (&held.network.steps[at], pairs[at]);
        out!(
            "  {:28} {:11} {:8.3} ms predicted {:8.3} measured  {:5.1} %",
            step.name,
            step.layer.op.name(),
            1e3 * predicted,
            1e3 * measured,
            accuracy_percent(predicted, measured)
        )?;
    }
    Ok(())
}
