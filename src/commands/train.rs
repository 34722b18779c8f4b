//! `tandem train`: starts a run, or resumes it.

use std::path::Path;

use super::explore;
use crate::adaptation::{AdaptationRun, LanguageExperiment};
use crate::cli::TrainArgs;
use crate::codesign;
use crate::error::Error;
use crate::evaluation::{Evaluation, Interval};
use crate::experiment::Experiment;
use crate::fork::Fork;
use crate::interrupt;
use crate::output::{note, out, program, quoted};
use crate::run::Run;
use crate::run_folder::RunFolder;
use crate::sets::split_sets;

/// Runs the command.
///
/// # Errors
/// Those of [`Run`].
pub fn run(args: &TrainArgs) -> Result<(), Error> {
    interrupt::install().map_err(|error| Error::Run(format!("no signal handler: {error}")))?;
    let mut run = match (&args.resume, &args.experiment, &args.from) {
        (Some(folder), ..) if LanguageExperiment::is_at(&folder.join("experiment.json")) => {
            if !args.sets.is_empty() {
                let text = "is a run of a language model, whose stages are fixed; --set does not go with it";
                return Err(Error::Input(format!("{}: {text}", folder.display())));
            }
            return language(AdaptationRun::resume(folder)?);
        }
        (Some(folder), ..) => Run::resume(folder, &args.sets)?,
        (None, Some(path), _) if LanguageExperiment::is_at(path) => {
            if args.from.is_some() {
                let text = "is about a language model; --from is for runs with a policy and a design";
                return Err(Error::Input(format!("{}: {text}", path.display())));
            }
            return language(begin_language(path, args)?);
        }
        (None, Some(path), _) => begin(path, &name_of(path), args)?,
        (None, None, Some(from)) => fork(from, args)?,
        (None, None, None) => {
            return Err(Error::Input("name an experiment file or --resume RUN".into()));
        }
    };
    note!("run folder: {}", run.path().display());
    let judged = run.complete()?;
    summarise(&run.path(), &judged)
}

/// A run of the experiment of the one that it begins from.
fn fork(from: &Path, args: &TrainArgs) -> Result<Run, Error> {
    RunFolder::view(from)?;
    let name = from.file_name().unwrap_or_default().to_string_lossy();
    begin(&from.join("experiment.json"), &format!("{name}-from"), args)
}

fn begin(path: &Path, name: &str, args: &TrainArgs) -> Result<Run, Error> {
    let mut sets = args.sets.clone();
    if let Some(seed) = args.seed {
        sets.push(format!("seed={seed}"));
    }
    let experiment = Experiment::read(path, &sets)?;
    let fork = args.from.as_deref().map(Fork::of).transpose()?;
    Run::start(&experiment, args.out.as_deref(), name, fork.as_ref())
}

fn name_of(path: &Path) -> String {
    path.file_stem()
        .map_or("run".into(), |s| s.to_string_lossy().into_owned())
}

/// The adaptation that a co-design of circuit and language model begins with.
fn begin_language(path: &Path, args: &TrainArgs) -> Result<AdaptationRun, Error> {
    let mut sets = split_sets(&args.sets)?;
    for key in ["language.seed", "codesign.seed"] {
        sets.extend(args.seed.map(|seed| (key.to_owned(), seed.to_string())));
    }
    let experiment = LanguageExperiment::read(path, &sets)?;
    if experiment.codesign.is_none() {
        let text = format!(
            "{0}: has no section `codesign`; `tandem adapt {0}` adapts its language model",
            path.display()
        );
        return Err(Error::Input(text));
    }
    AdaptationRun::start(&experiment, args.out.as_deref(), &name_of(path))
}

/// The adaptation, then the co-design.
fn language(mut run: AdaptationRun) -> Result<(), Error> {
    let path = run.path();
    let Some(settings) = run.codesign().cloned() else {
        let text = format!(
            "{0}: was made by `tandem adapt`; `tandem adapt --resume {0}` goes on",
            path.display()
        );
        return Err(Error::Input(text));
    };
    let command = format!("tandem train --resume {}", quoted(&path));
    note!("run folder: {}", path.display());
    note!("{}", run.about());
    let adapted = run.complete().map_err(|error| match error {
        Error::Paused(_) => Error::Paused(format!("stopped; `{command}` goes on")),
        other => other,
    })?;
    drop(run); // its lock goes
    adapted.lines().iter().try_for_each(|line| out!("{line}"))?;
    let report = codesign::complete(&path, &settings, &command)?;
    let folder = codesign::folder_of(&path, settings.seed);
    explore::show(&[folder], &[report], false)
}

/// Prints what was learnt and where its files are.
///
/// # Errors
/// Standard output that cannot be written.
pub fn summarise(folder: &Path, judged: &Evaluation) -> Result<(), Error> {
    let percent = |share: Interval| {
        let [mean, low, high] = [share.mean, share.low, share.high].map(|x| 100.0 * x);
        format!("{mean:.1} % [{low:.1}, {high:.1}]")
    };
    let (run, program) = (quoted(folder), program());
    let kept = judged
        .iteration
        .map_or(String::new(), |iteration| format!(", kept after iteration {iteration}"));
    out!(
        "judged           the best checkpoint{kept}: {} fresh episodes in the true machine, 95 % intervals",
        judged.episodes
    )?;
    if let Some(success) = judged.success {
        out!("true success     {}  of episodes are solved", percent(success))?;
    }
    if let Some(start) = judged.success_start_design.filter(|_| judged.method != "fixed") {
        out!(
            "  start design   {}  by the same policy on the design it began with",
            percent(start)
        )?;
    }
    if let Some(total) = judged.total_return {
        let Interval { mean, low, high } = total;
        out!("return           {mean:.2} [{low:.2}, {high:.2}]  sum of an episode's rewards")?;
    }
    if let Some(gap) = &judged.proxy_gap {
        let visited = 100.0 * gap.visited;
        out!(
            "proxy error      {visited:.1} %  of an effect's usual size, where the policy goes; designs are not judged by it"
        )?;
    }
    out!("design           {run}/design.json")?;
    out!("picture          {run}/design.png")?;
    out!("curves           tensorboard --logdir {run}")?;
    out!("judge again      {program} evaluate {run} --episodes 512")?;
    out!("show it          {program} report {run}   (one page, with episodes to replay)")?;
    Ok(out!("watch it move    {program} render {run} --out {run}/motion.gif")?)
}
