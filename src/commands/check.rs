//! `tandem check`: validates experiments and describes the machine. Nothing is written; nothing is run but a moment of
//! a robot's designs and, with `--contract`, a short test of problem and method.

use std::path::Path;

use serde_json::{Map, Value, json};
use tandem_core::{Fidelity, Problem, Stream};
use tandem_robot::model::{Robot, Sample};

use super::print_json;
use crate::adaptation::LanguageExperiment;
use crate::cli::CheckArgs;
use crate::contract;
use crate::error::Error;
use crate::experiment_file::Checked;
use crate::machine::Machine;
use crate::output::{self, out};
use crate::registry;
use crate::sets::split_sets;

/// How many random designs of a robot are tried beside the start and both ends of its design box.
const DESIGNS: usize = 32;

/// Episodes of random commands at a robot's start design, and the most control steps of each.
const EPISODES: u64 = 8;
const STEPS: usize = 50;

/// Runs the command.
///
/// # Errors
/// The first file that is not right.
pub fn run(args: &CheckArgs) -> Result<(), Error> {
    let machine = args.machine.then(Machine::here);
    if let Some(machine) = machine.as_ref().filter(|_| !args.json) {
        output::text(machine)?;
    }
    let mut resolved = Vec::new();
    for path in &args.experiments {
        if LanguageExperiment::is_at(path) {
            if args.contract {
                let text = "is about a language model; --contract is for experiments with a problem and a method";
                return Err(Error::Input(format!("{}: {text}", path.display())));
            }
            resolved.push(check_language(path, args)?);
            continue;
        }
        let checked = Checked::read(path, &args.sets)?;
        let experiment = &checked.experiment;
        if args.contract {
            contract::check(experiment)?;
        }
        let mut entry = json!({"file": path, "experiment": registry::resolved(experiment, &checked.instance)?});
        let robot = checked.instance.robot.as_ref();
        let mut warnings = robot.map_or(Vec::new(), |robot| robot.warnings().to_vec());
        let samples = robot.map_or(Ok(Vec::new()), |robot| robot.survey(experiment.seed, DESIGNS));
        let samples = samples.map_err(|error| checked.located.refuse("task", error.into()))?;
        if robot.is_some() {
            warnings.extend(unstable(&*checked.instance.problem, experiment.seed)?);
        }
        if !args.json {
            out!(
                "{}: good ({} by {}, {} environment steps)",
                path.display(),
                experiment.problem,
                experiment.method,
                experiment.schedule.env_steps
            )?;
        }
        if let Some(robot) = robot {
            match args.json {
                true => {
                    entry["designs"] = samples.iter().map(|sample| design(robot, sample)).collect();
                    entry["warnings"] = json!(warnings);
                }
                false => tell(&samples, &warnings)?,
            }
        }
        resolved.push(entry);
    }
    if args.json {
        let mut document = json!({ "experiments": resolved });
        if let [only] = &resolved[..] {
            document["experiment"] = only["experiment"].clone(); // what most scripts want
        }
        if let Some(machine) = machine {
            document["machine"] = json!(machine);
        }
        print_json(&document)?;
    }
    Ok(())
}

/// A design that was tried, for scripts.
fn design(robot: &Robot, sample: &Sample) -> Value {
    let pairs = robot.space().parameters.iter().zip(&sample.design);
    let values: Map<String, Value> = pairs.map(|(p, value)| (p.name.clone(), json!(value))).collect();
    json!({"label": sample.label, "design": values, "mass": sample.mass, "extent": sample.extent})
}

/// Mass and extent of the designs that were tried, of the random ones from the least to the most, then the warnings.
fn tell(samples: &[Sample], warnings: &[String]) -> Result<(), Error> {
    let (random, named): (Vec<&Sample>, Vec<&Sample>) = samples.iter().partition(|s| s.label.starts_with("random"));
    out!("  {:<18} {:>19}  extent x, y, z in m", "design", "mass in kg")?;
    for sample in named {
        let [x, y, z] = sample.extent.map(short);
        out!("  {:<18} {:>19}  {x}, {y}, {z}", sample.label, short(sample.mass))?;
    }
    if !random.is_empty() {
        let range = |of: &dyn Fn(&Sample) -> f64| {
            let values = || random.iter().map(|sample| of(sample));
            let (least, most) = (values().fold(f64::MAX, f64::min), values().fold(f64::MIN, f64::max));
            match (short(least), short(most)) {
                (least, most) if least == most => least,
                (least, most) => format!("{least} to {most}"),
            }
        };
        let label = format!("{} at random", random.len());
        let [x, y, z] = [0, 1, 2].map(|axis| range(&|sample: &Sample| sample.extent[axis]));
        out!("  {label:<18} {:>19}  {x}, {y}, {z}", range(&|sample| sample.mass))?;
    }
    for warning in warnings {
        out!("  warning: {warning}")?;
    }
    Ok(())
}

/// Warns of a start design that random commands drive out of the numbers, as they do at the start of learning.
fn unstable(problem: &dyn Problem, seed: u64) -> Result<Option<String>, Error> {
    let (design, spec) = (problem.hardware().space().start(), problem.spec());
    let mut problem = problem.fresh();
    let mut faults = Vec::new();
    for episode in 0..EPISODES {
        let mut stream = Stream::new(seed, "check", episode);
        problem.reset(&design, Fidelity::Full, &mut stream)?;
        for step in 1..=spec.horizon.min(STEPS) {
            let command: Vec<f32> = (0..spec.command.len())
                .map(|_| stream.uniform(-1.0, 1.0) as f32)
                .collect();
            let taken = problem.full_step(&command);
            faults.extend(taken.fault.map(|fault| (fault, step)));
            if taken.terminated || taken.truncated || taken.fault.is_some() {
                break;
            }
        }
    }
    Ok(faults.first().map(|(fault, step)| {
        format!(
            "under random commands {} of {EPISODES} episodes end by a fault (`{fault}`, after {step} control steps): are the \
             commands too strong (`ctrlrange` and `gear` of the actuators), or the time step too long?",
            faults.len()
        )
    }))
}

/// A number in three significant digits.
fn short(value: f64) -> String {
    if value == 0.0 {
        return "0".into();
    }
    let whole = value.abs().log10().floor().clamp(-6.0, 3.0);
    format!("{value:.*}", (2.0 - whole).max(0.0) as usize)
}

fn check_language(path: &Path, args: &CheckArgs) -> Result<Value, Error> {
    let experiment = LanguageExperiment::read(path, &split_sets(&args.sets)?)?;
    if !args.json {
        let stages = &experiment.language.stages;
        out!(
            "{}: good (a language model; {} iterations of softmax, {} of linear and {} of nonlinear hardware{})",
            path.display(),
            stages.softmax,
            stages.linear,
            stages.nonlinear,
            experiment.codesign.as_ref().map_or(String::new(), |codesign| {
                format!("; {} rounds of co-design", codesign.rounds)
            })
        )?;
    }
    Ok(json!({"file": path, "experiment": experiment}))
}
