//! `tandem train`: a run from its beginning, or from where it stopped.

use std::path::Path;

use serde_json::Value;

use crate::adaptation::LanguageExperiment;
use crate::cli::TrainArgs;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::interrupt;
use crate::run::Run;

/// Runs the command.
///
/// # Errors
/// Those of [`Run`].
pub fn run(args: &TrainArgs) -> Result<(), Error> {
    interrupt::install().map_err(|error| Error::Run(format!("no signal handler: {error}")))?;
    let mut run = match (&args.resume, &args.experiment) {
        (Some(folder), _) => Run::resume(folder)?,
        (None, Some(path)) => begin(path, args)?,
        (None, None) => {
            return Err(Error::Input(
                "name an experiment file or --resume RUN".into(),
            ));
        }
    };
    eprintln!("run folder: {}", run.path().display());
    let document = run.complete()?;
    summarise(&run.path(), &document);
    Ok(())
}

fn begin(path: &Path, args: &TrainArgs) -> Result<Run, Error> {
    let mut sets = args.sets.clone();
    if let Some(seed) = args.seed {
        sets.push(format!("seed={seed}"));
    }
    if LanguageExperiment::is_at(path) {
        let text = format!(
            "{0}: is a language model's experiment; `tandem adapt {0}` runs it",
            path.display()
        );
        return Err(Error::Input(text));
    }
    let experiment = Experiment::read(path, &sets)?;
    let name = path
        .file_stem()
        .map_or("run".into(), |s| s.to_string_lossy());
    Run::start(&experiment, args.out.as_deref(), &name)
}

/// What was learnt and where to look.
fn summarise(folder: &Path, document: &Value) {
    let percent = |key: &str| {
        let part = |name: &str| 100.0 * document[key][name].as_f64().unwrap_or(f64::NAN);
        format!(
            "{:.1} % [{:.1}, {:.1}]",
            part("mean"),
            part("low"),
            part("high")
        )
    };
    let run = folder.display();
    println!(
        "true success     {}  (mean actions, {} fresh episodes)",
        percent("success"),
        document["episodes"]
    );
    println!("  sampled        {}", percent("success_sampled"));
    println!(
        "  start design   {}  (the same policy)",
        percent("success_start_design")
    );
    if let Some(gap) = document["proxy_gap"]["visited"].as_f64() {
        println!(
            "proxy gap        {gap:.4} visited, {:.4} uniform (effect scales)",
            document["proxy_gap"]["uniform"]
                .as_f64()
                .unwrap_or(f64::NAN)
        );
    }
    println!("design           {run}/design.json");
    println!("picture          {run}/design.png");
    println!("curves           tensorboard --logdir {run}");
    println!("judge again      tandem evaluate {run} --episodes 512");
    println!("watch it move    tandem render {run} --out {run}/motion.gif");
}
