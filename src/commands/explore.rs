//! `tandem explore`: other circuits for a trained language model.

use serde_json::{Value, json};

use super::print_json;
use crate::adaptation;
use crate::cli::ExploreArgs;
use crate::error::Error;
use crate::explore::{Explored, Explorer};
use crate::interrupt;
use tandem_agents::language::Judge;

/// Runs the command.
///
/// # Errors
/// A folder that is no finished run of `tandem adapt`, a picture that cannot be written.
pub fn run(args: &ExploreArgs) -> Result<(), Error> {
    interrupt::install().map_err(|error| Error::Run(format!("no signal handler: {error}")))?;
    if !(args.margin >= 0.0 && args.margin <= 10.0) {
        let text = format!("--margin is {}; it must lie between 0 and 10", args.margin);
        return Err(Error::Input(text));
    }
    let (experiment, chain) = adaptation::view(&args.run)?;
    let base = experiment.language.circuit();
    let mut judge = Judge::new(chain)?;
    let mut documents = Vec::new();
    for seed in args.seed..args.seed.saturating_add(u64::from(args.seeds)) {
        let explorer = Explorer::new(&mut judge, &base, args.margin, seed)?;
        let explored = explorer.run(args.evaluations as usize, seed)?;
        documents.push(show(args, &explored, seed)?);
    }
    if args.json {
        return print_json(&json!({"run": args.run, "searches": documents}));
    }
    Ok(())
}

fn show(args: &ExploreArgs, explored: &Explored, seed: u64) -> Result<Value, Error> {
    let path = args.run.join(format!("evaluation/explore-s{seed}.png"));
    let png = explored
        .figure()?
        .png()
        .map_err(|error| Error::Run(error.to_string()))?;
    crate::atomic::write(&path, &png)
        .map_err(|error| Error::Run(format!("cannot write {}: {error}", path.display())))?;
    if !args.json {
        println!("seed {seed}");
        explored.lines().iter().for_each(|line| println!("{line}"));
        println!("picture {}", path.display());
    }
    Ok(explored.document())
}
