//! `tandem check`: validates experiments and describes the machine. Nothing is written; nothing is run but, with
//! `--contract`, a short test of problem and method.

use std::path::Path;

use serde_json::{Value, json};

use super::print_json;
use crate::adaptation::LanguageExperiment;
use crate::cli::CheckArgs;
use crate::contract;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::machine::Machine;
use crate::output::{self, out};
use crate::sets::split_sets;

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
        let experiment = Experiment::read(path, &args.sets)?;
        if args.contract {
            contract::check(&experiment)?;
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
        resolved.push(json!({"file": path, "experiment": experiment}));
    }
    if args.json {
        let mut document = json!({ "experiments": resolved });
        if let Some(machine) = machine {
            document["machine"] = json!(machine);
        }
        print_json(&document)?;
    }
    Ok(())
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
