//! `tandem evaluate`: judges the learnt pair, or a design, in the true machine.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};
use tandem_agents::archive::Archive;

use super::print_json;
use crate::cli::EvaluateArgs;
use crate::error::Error;
use crate::evaluate::Learnt;
use crate::experiment::Experiment;
use crate::interrupt;
use crate::output::{note, out};
use crate::run_folder::RunFolder;
use crate::trainer::Trainer;

/// Environment steps of a new policy for a design that comes without one.
const RETRAIN_STEPS: u64 = 1_000_000;

/// Runs the command.
///
/// # Errors
/// A target that is missing, damaged or does not fit.
pub fn run(args: &EvaluateArgs) -> Result<(), Error> {
    let episodes = args.episodes as usize;
    let target = Target::open(args)?;
    let mut document = match &target.learnt {
        Some(learnt) => learnt.document(&target.design, episodes, args.seed)?,
        None => json!({}),
    };
    let steps = match (&target.learnt, args.retrain) {
        (_, Some(steps)) => Some(steps),
        (None, None) => Some(RETRAIN_STEPS),
        (Some(_), None) => None,
    };
    if let Some(steps) = steps {
        let retrained = retrain(&target, steps)?;
        let judged = retrained.document(&target.design, episodes, args.seed)?;
        if target.learnt.is_none() {
            document = judged.clone();
        }
        document["retrain"] = json!({
            "env_steps": judged["env_steps"],
            "success": judged["success"],
            "success_sampled": judged["success_sampled"],
            "return": judged["return"],
        });
    }
    if args.json {
        return print_json(&document);
    }
    print_table(&document)?;
    Ok(())
}

/// What is judged.
struct Target {
    experiment: Experiment,
    learnt: Option<Learnt>,
    design: Vec<f64>,
}

impl Target {
    fn open(args: &EvaluateArgs) -> Result<Self, Error> {
        if args.target.is_dir() {
            let learnt = Learnt::open(&RunFolder::view(&args.target)?)?;
            return Ok(Self {
                experiment: learnt.experiment.clone(),
                design: learnt.design(),
                learnt: Some(learnt),
            });
        }
        let document = read_design(&args.target)?;
        let folder = args
            .target
            .parent()
            .map(Path::to_path_buf)
            .unwrap_or_default();
        let beside = RunFolder::view(&folder).and_then(|run| run.best().map(|best| (run, best)));
        let learnt = match (&args.experiment, beside) {
            (None, Ok((run, Some(_)))) => Some(Learnt::open(&run)?),
            _ => None,
        };
        let experiment = match (&learnt, &args.experiment) {
            (Some(learnt), _) => learnt.experiment.clone(),
            (None, Some(path)) => Experiment::read(path, &[])?,
            (None, None) => Experiment::for_design(&document, &args.target.display().to_string())?,
        };
        let design = values(&args.target, &document, &experiment)?;
        Ok(Self {
            experiment,
            learnt,
            design,
        })
    }
}

fn read_design(path: &PathBuf) -> Result<Value, Error> {
    let text = std::fs::read_to_string(path).map_err(|error| {
        Error::Input(format!(
            "{}: {error}; name a run folder or a design.json",
            path.display()
        ))
    })?;
    serde_json::from_str(&text)
        .map_err(|error| Error::Input(format!("{}: {error}", path.display())))
}

/// The design's values in the order of the problem's parameters, checked against their bounds.
fn values(path: &Path, document: &Value, experiment: &Experiment) -> Result<Vec<f64>, Error> {
    let fail = |reason: String| Error::Input(format!("{}: {reason}", path.display()));
    let instance = crate::registry::problem(experiment)?;
    let hardware = instance.problem.hardware();
    let listed = document["parameters"]
        .as_array()
        .ok_or_else(|| fail("`parameters` must be a list of {name, value}".into()))?;
    let mut design = Vec::new();
    for parameter in &hardware.space().parameters {
        let entry = listed
            .iter()
            .find(|entry| entry["name"] == parameter.name.as_str());
        let value = entry
            .and_then(|entry| entry["value"].as_f64())
            .ok_or_else(|| fail(format!("parameter `{}` has no value", parameter.name)))?;
        design.push(value);
    }
    hardware
        .space()
        .check(&design)
        .map_err(|error| fail(error.to_string()))?;
    Ok(design)
}

/// A new policy from scratch on the design: separates the body's merit from the brain's.
fn retrain(target: &Target, steps: u64) -> Result<Learnt, Error> {
    interrupt::install().map_err(|error| Error::Run(format!("no signal handler: {error}")))?;
    let mut experiment = target.experiment.clone();
    experiment.method = "fixed".into();
    experiment
        .methods
        .insert("fixed".into(), json!({ "design": target.design }));
    experiment.schedule.env_steps = steps;
    experiment.schedule.freeze_at = None;
    experiment.schedule.stop_at = None;
    let mut trainer = Trainer::new(&experiment)?;
    trainer.prepare(&|| interrupt::requested().is_some())?;
    while let Some(record) = trainer.iterate()? {
        if let Some(evaluation) = &record.evaluation {
            note!(
                "retraining: {} of {steps} steps, true success {:.2}",
                record.counters.env_steps,
                evaluation.success
            );
        }
        if interrupt::requested().is_some() {
            return Err(Error::Run(
                "stopped while retraining; nothing was changed".into(),
            ));
        }
    }
    let counters = trainer.counters().clone();
    let empty = Archive::default();
    let archive = trainer.best().map_or(&empty, |(_, archive)| archive);
    Learnt::new(experiment, archive, counters)
}

fn print_table(document: &Value) -> Result<(), Error> {
    let line = |label: &str, value: &Value| {
        let part = |name: &str| value[name].as_f64().unwrap_or(f64::NAN);
        out!(
            "{label:<28}{:>9.3}  [{:.3}, {:.3}]",
            part("mean"),
            part("low"),
            part("high")
        )
    };
    out!(
        "{} by {}, seed {}: {} fresh episodes, 95 % intervals",
        document["problem"].as_str().unwrap_or("?"),
        document["method"].as_str().unwrap_or("?"),
        document["seed"],
        document["episodes"]
    )?;
    line("true success, mean actions", &document["success"])?;
    line("true success, sampled", &document["success_sampled"])?;
    line(
        "start design, same policy",
        &document["success_start_design"],
    )?;
    if document["success_half_step"].is_object() {
        let label = "true success, half the step";
        line(label, &document["success_half_step"])?;
    }
    line("return", &document["return"])?;
    if let Some(gap) = document["proxy_gap"].as_object() {
        for (name, value) in gap {
            out!(
                "proxy gap, {name:<17}{:>9.4}",
                value.as_f64().unwrap_or(f64::NAN)
            )?;
        }
    }
    if document["retrain"].is_object() {
        out!(
            "a new policy from scratch, {} environment steps:",
            document["retrain"]["env_steps"]
        )?;
        line("  true success", &document["retrain"]["success"])?;
        line("  return", &document["retrain"]["return"])?;
    }
    out!(
        "used: {} environment steps, {} hardware queries, {:.0} s",
        document["env_steps"],
        document["hardware_queries"],
        document["seconds"].as_f64().unwrap_or(f64::NAN)
    )?;
    Ok(())
}
