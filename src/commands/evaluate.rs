//! `tandem evaluate`: judges the learnt pair, or a design, in the true machine.

use std::path::{Path, PathBuf};

use serde_json::json;
use tandem_learning::archive::Archive;

use super::{print_json, second_judge, sensitivity};
use crate::atomic;
use crate::cli::{EvaluateArgs, Simulator};
use crate::convergence::Deviation;
use crate::design_file::DesignFile;
use crate::error::Error;
use crate::evaluate::Learnt;
use crate::evaluation::{Evaluation, Interval, Retrained};
use crate::experiment::Experiment;
use crate::interrupt::{self, Watch};
use crate::output::{note, out};
use crate::progress::{Progress, Status};
use crate::registry;
use crate::run_folder::{RunError, RunFolder};
use crate::session::NO_PATIENCE;
use crate::trainer::Trainer;

/// A run's own design.
const DESIGN: &str = "design.json";
/// Environment steps of a new policy for a design that comes without one.
const RETRAIN_STEPS: u64 = 1_000_000;

/// Runs the command.
///
/// # Errors
/// A target that is missing, damaged or does not fit.
pub fn run(args: &EvaluateArgs) -> Result<(), Error> {
    let episodes = args.episodes as usize;
    let target = Target::open(args)?;
    check_episodes(&target.experiment, episodes)?;
    if let Some(Simulator::Mujoco) = args.simulator
        && let Some(other) = second_judge::opened(&target.experiment)?
    {
        let retrained;
        let learnt = match &target.learnt {
            Some(learnt) => learnt,
            None => {
                say_alone(args);
                retrained = retrain(&target, RETRAIN_STEPS)?;
                &retrained
            }
        };
        return second_judge::run(learnt, &target.design, &*other, args);
    }
    if args.sensitivity {
        let learnt = target.learnt.as_ref().ok_or_else(|| {
            let target = args.target.display();
            Error::Input(format!(
                "--sensitivity: {target} comes without a policy; give the run folder it was learnt in"
            ))
        })?;
        return sensitivity::run(learnt, &target.design, args);
    }
    let judge = |learnt: &Learnt| at_work("judging", || learnt.evaluate(&target.design, episodes, args.seed));
    let learnt = target.learnt.as_ref().map(judge).transpose()?;
    let alone = learnt.is_none();
    if alone {
        say_alone(args);
    }
    let steps = args.retrain.or_else(|| alone.then_some(RETRAIN_STEPS));
    let retrained = steps.map(|steps| judge(&retrain(&target, steps)?)).transpose()?;
    let Some(mut judged) = learnt.or_else(|| retrained.clone()) else {
        return Err(Error::Run("nothing was judged".into()));
    };
    judged.retrain = retrained.map(Retrained::from);
    match args.json {
        true => print_json(&judged),
        false => print_table(&judged, alone.then_some(&args.target)),
    }
}

/// Does `work`, which reports no steps, and tells that it goes on where it takes long.
fn at_work<T>(what: &str, work: impl FnOnce() -> T) -> T {
    let progress = Progress::new(what, 0);
    let watch = Watch {
        at_work: &|seconds| progress.at_work(what, seconds),
        patience: NO_PATIENCE,
        last_word: "stopped; nothing was judged",
        say: &|text| note!("{text}"),
    };
    let done = interrupt::during(&watch, work);
    progress.finish();
    done
}

/// Says that a design without a policy takes a while.
fn say_alone(args: &EvaluateArgs) {
    let steps = args.retrain.unwrap_or(RETRAIN_STEPS);
    note!(
        "{} comes without a policy: one is trained for it from scratch first, {steps} environment steps (--retrain N for \
         another number)",
        args.target.display()
    );
}

/// Refuses more episodes than fit into memory.
fn check_episodes(experiment: &Experiment, episodes: usize) -> Result<(), Error> {
    let problem = registry::problem(experiment)?.problem;
    let mut asked = experiment.clone();
    asked.evaluation.episodes = episodes;
    let checked = asked.check_sizes(problem.spec(), &*problem.hardware());
    checked.map_err(|error| Error::Input(format!("--episodes {episodes}: {}", error.reason)))
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
            let run = RunFolder::view(&args.target)?;
            check_design(run.path(), &run.file(DESIGN))?;
            let learnt = Learnt::open(&run)?;
            return Ok(Self {
                experiment: learnt.experiment.clone(),
                design: learnt.design(),
                learnt: Some(learnt),
            });
        }
        let folder = atomic::folder_of(&args.target);
        check_design(folder, &args.target)?;
        let file = DesignFile::read(&args.target)?;
        let beside = RunFolder::view(folder).and_then(|run| run.best().map(|best| (run, best)));
        let learnt = match (&args.experiment, beside) {
            (None, Ok((run, Some(_)))) => Some(Learnt::open(&run)?),
            _ => None,
        };
        let experiment = match (&learnt, &args.experiment) {
            (Some(learnt), _) => learnt.experiment.clone(),
            (None, Some(path)) => Experiment::read(path, &[])?,
            (None, None) => Experiment::for_design(&file, &args.target.display().to_string())?,
        };
        let design = file.values(&args.target, &experiment)?;
        Ok(Self {
            experiment,
            learnt,
            design,
        })
    }
}

/// Refuses a run's own design where it is not what the run has written.
fn check_design(folder: &Path, path: &Path) -> Result<(), Error> {
    let own = path.file_name().is_some_and(|name| name == DESIGN) && folder.join("meta.json").exists();
    match RunFolder::view(folder).and_then(|run| run.read(DESIGN)) {
        Err(error @ RunError::Damaged { .. }) if own => {
            let hint = "a design that you have edited is judged where it lies outside the run folder";
            Err(Error::Run(format!("{error}; {hint}")))
        }
        _ => Ok(()),
    }
}

/// A new policy from scratch on the design: separates the body's merit from the brain's.
fn retrain(target: &Target, steps: u64) -> Result<Learnt, Error> {
    let mut experiment = target.experiment.clone();
    experiment.method = "fixed".into();
    experiment
        .methods
        .insert("fixed".into(), json!({ "design": target.design }));
    experiment.schedule.env_steps = steps;
    experiment.schedule.freeze_at = None;
    experiment.schedule.stop_at = None;
    let mut trainer = Trainer::new(&experiment)?;
    trainer.prepare(&|| false)?; // nothing is saved here, so that a signal may end the process at once
    let mut progress = Progress::new("retraining", 0);
    let iteration = (experiment.rollout.lanes * experiment.rollout.steps) as u64;
    while let Some(record) = trainer.iterate()? {
        progress.update(&Status {
            phase: record.phase.name(),
            env_steps: record.counters.env_steps,
            end: steps.next_multiple_of(iteration),
            mean_return: record.mean_return,
            success: record.evaluation.as_ref().map(|evaluation| evaluation.success),
            ..Status::default()
        });
    }
    progress.finish();
    let counters = trainer.counters().clone();
    let empty = Archive::default();
    let archive = trainer.best().map_or(&empty, |(_, archive)| archive);
    Learnt::new(experiment, archive, counters)
}

/// Deviations from half the step beyond this are warned about.
const STEP_WARNING: f64 = 0.05;

fn print_deviation(deviation: &Deviation) -> Result<(), Error> {
    let [trajectory, total_return] = [deviation.trajectory, deviation.total_return].map(|share| 100.0 * share);
    out!(
        "same commands, half the step: observations {trajectory:.2} % of their range off, return {total_return:.2} %"
    )?;
    if deviation.trajectory.max(deviation.total_return) > STEP_WARNING {
        note!(
            "warning: the physical machine has not converged at its step: under the same commands at half the step `{}` is up to \
             {:.0} % of its range off, the return {total_return:.1} % (bound: {:.0} %); give the task more `substeps`",
            deviation.channel,
            100.0 * deviation.worst,
            100.0 * STEP_WARNING
        );
    }
    Ok(())
}

/// The figures; `alone` is a design that came without a policy.
fn print_table(judged: &Evaluation, alone: Option<&PathBuf>) -> Result<(), Error> {
    let line = |label: &str, interval: Option<Interval>| match interval {
        Some(Interval { mean, low, high }) => {
            out!("{label:<28}{mean:>9.3}  [{low:.3}, {high:.3}]")
        }
        None => Ok(()),
    };
    out!(
        "{} by {}, seed {}: {} fresh episodes in the true machine, 95 % intervals",
        judged.problem,
        judged.method,
        judged.seed,
        judged.episodes
    )?;
    if let Some(design) = alone {
        let (design, steps) = (design.display(), judged.env_steps);
        out!("judged: the design of {design} under a policy trained for it from scratch, {steps} environment steps")?;
    } else if let Some(iteration) = judged.iteration {
        let steps = judged.env_steps;
        out!("judged: the best checkpoint, kept after iteration {iteration} of a run of {steps} environment steps")?;
    }
    line("true success, mean actions", judged.success)?;
    line("start design, same policy", judged.success_start_design)?;
    line("true success, half the step", judged.success_half_step)?;
    line("return", judged.total_return)?;
    line("return, half the step", judged.return_half_step)?;
    if let Some(deviation) = &judged.half_step_deviation {
        print_deviation(deviation)?;
    }
    if let Some(gap) = &judged.proxy_gap {
        out!(
            "{:<28}{:>9.4}  of an effect's usual size, where the policy goes",
            "proxy error",
            gap.visited
        )?;
        out!("{:<28}{:>9.4}  over all queries there are", "proxy error", gap.uniform)?;
    }
    if let Some(retrained) = judged.retrain.as_ref().filter(|_| alone.is_none()) {
        let steps = retrained.env_steps;
        out!("a new policy from scratch, {steps} environment steps:")?;
        line("  true success", retrained.success)?;
        line("  return", retrained.total_return)?;
    }
    Ok(out!(
        "used: {} environment steps, {} hardware queries, {:.0} s",
        judged.env_steps,
        judged.hardware_queries,
        judged.seconds
    )?)
}
