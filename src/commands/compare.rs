//! `tandem compare`: methods and seeds side by side: a sweep that the command line plans ([`crate::sweep`]).
//!
//! ```text
//! DIR/EXPERIMENT-METHOD-sSEED/         the run folders
//! DIR/EXPERIMENT-METHOD-sSEED.log      each run's messages
//! DIR/manifest.jsonl                   the runs; the next comparison in this folder writes its own
//! DIR/table.md, compare.json, *.csv    the tables
//! DIR/curves.png, profiles.png         true success against environment steps, and the share of runs above each success
//! ```
//!
//! Finished runs are read, stopped ones go on, so the same command may be typed again at any time.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::print_json;
use crate::atomic;
use crate::cli::CompareArgs;
use crate::design_file::DesignFile;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::interrupt;
use crate::output::{self, out};
use crate::sets::split_sets;
use crate::sweep::local::{self, Outcome};
use crate::sweep::plan::{Plan, Seeds, stem};
use crate::sweep::settings::Given;
use crate::sweep::summary::group::{FIXED, KNOWN_DESIGN};
use crate::sweep::summary::{Summary, group};
use crate::sweep::{Task, manifest};

/// Runs the command.
///
/// # Errors
/// Experiments that are not right; a folder that holds another experiment's run; [`Error::Paused`] after a
/// signal; at the end, runs that failed.
pub fn run(args: &CompareArgs) -> Result<(), Error> {
    interrupt::install().map_err(|error| Error::Run(format!("no signal handler: {error}")))?;
    let folder = folder(args);
    let plan = plan(args)?;
    // Runs of another experiment are found before anything is written.
    plan.expand(&mut |planned| planned.left(&folder).map(drop))?;
    atomic::create_folders(&folder)
        .map_err(|error| Error::Run(format!("cannot make {}: {error}", folder.display())))?;
    manifest::write(&plan, &folder)?;
    let tasks = manifest::tasks(&folder)?;
    let outcomes = local::run(&folder, &tasks, args.jobs)?;
    if interrupt::requested().is_some() {
        return Err(paused(&outcomes, &folder));
    }
    let summary = Summary::new(collect(&folder, &tasks, &outcomes));
    let paths = summary.write(&folder, "compare.json")?;
    if args.json {
        print_json(&summary.document())?;
    } else {
        output::text(summary.plain())?;
        paths.iter().try_for_each(|path| out!("{}", path.display()))?;
    }
    all_good(&summary)
}

fn plan(args: &CompareArgs) -> Result<Plan, Error> {
    let given = |(path, text)| Given {
        path,
        text,
        place: String::new(),
    };
    let mut methods = args.methods.clone();
    let mut combination = Vec::new();
    if let Some(path) = &args.known {
        let experiment = known_of(args)?;
        let values = DesignFile::read(path)?.values(path, &experiment)?;
        if methods.is_empty() {
            methods.push(experiment.method);
        }
        methods.push(FIXED.into());
        combination.push(given((KNOWN_DESIGN.into(), json!(values).to_string())));
    }
    Ok(Plan {
        experiments: args.experiments.clone(),
        methods,
        seeds: Seeds::Count(args.seeds.into()),
        fixed: split_sets(&args.sets)?.into_iter().map(given).collect(),
        combinations: vec![combination],
        halving: None,
        runs: PathBuf::new(),
        file: None,
    })
}

/// The experiment whose best known design is given.
fn known_of(args: &CompareArgs) -> Result<Experiment, Error> {
    let [file] = &args.experiments[..] else {
        let text = "--known: a design belongs to one experiment; compare one at a time";
        return Err(Error::Input(text.into()));
    };
    if args.methods.iter().any(|method| method == FIXED) {
        let text = "--known: `fixed` runs on the known design here; leave it out of --methods";
        return Err(Error::Input(text.into()));
    }
    Experiment::read(file, &args.sets)
}

/// The folder of the runs, the tables and the plots.
fn folder(args: &CompareArgs) -> PathBuf {
    let names: Vec<String> = args.experiments.iter().map(|file| stem(file)).collect();
    let default = || Path::new("runs").join(format!("compare-{}", names.join("-")));
    args.out.clone().unwrap_or_else(default)
}

/// The runs' results; of those that have none, what the engine has seen of them.
fn collect(folder: &Path, tasks: &[Task], outcomes: &[Option<Outcome>]) -> Vec<group::Group> {
    group::collect(folder, tasks, |task| match outcomes.get(task)?.as_ref()? {
        Outcome::Failed(message) => Some(message.clone()),
        Outcome::Busy(who) => Some(format!("being run by {who}")),
        Outcome::Finished | Outcome::Stopped | Outcome::Paused => None,
    })
}

fn paused(outcomes: &[Option<Outcome>], folder: &Path) -> Error {
    let done = outcomes.iter().filter(|o| **o == Some(Outcome::Finished)).count();
    Error::Paused(format!(
        "stopped with {done} of {} runs finished in {}; the same command goes on",
        outcomes.len(),
        folder.display()
    ))
}

fn all_good(summary: &Summary) -> Result<(), Error> {
    let (finished, all) = summary.counts();
    if finished == all {
        return Ok(());
    }
    let failed = all - finished;
    Err(Error::Run(format!(
        "{failed} of {all} runs failed; the same command tries them again"
    )))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run_folder::{FINAL, Meta, RunFolder};
    use crate::sweep::Planned;
    use crate::sweep::state::Left;
    use std::fs;

    fn args(experiments: Vec<PathBuf>, out: &Path) -> CompareArgs {
        CompareArgs {
            experiments,
            methods: vec!["morph".into(), "cma".into()],
            seeds: 2,
            known: None,
            out: Some(out.into()),
            sets: vec!["schedule.env_steps=4000".into()],
            jobs: None,
            json: false,
        }
    }

    fn experiment(folder: &Path, name: &str) -> PathBuf {
        let path = folder.join(name);
        fs::write(
            &path,
            r#"{"problem": "reach2d", "task": {"preset": "near"}, "seed": 7}"#,
        )
        .unwrap();
        path
    }

    fn planned(args: &CompareArgs) -> Result<Vec<Planned>, Error> {
        let mut all = Vec::new();
        plan(args)?.expand(&mut |planned| {
            all.push(planned);
            Ok(())
        })?;
        Ok(all)
    }

    #[test]
    fn every_method_runs_with_every_seed_from_the_experiments_own_upwards() {
        let root = tempfile::tempdir().unwrap();
        let all = planned(&args(vec![experiment(root.path(), "near.json")], root.path())).unwrap();
        let names: Vec<String> = all.iter().map(|planned| planned.task.name()).collect();
        assert_eq!(names, ["near-morph-s7", "near-morph-s8", "near-cma-s7", "near-cma-s8"]);
        assert_eq!(all[3].task.log(root.path()), root.path().join("near-cma-s8.log"));
        let config = &all[3].config;
        assert_eq!(
            (all[3].task.env_steps, &config["method"], &config["seed"]),
            (4000, &json!("cma"), &json!(8))
        );
    }

    #[test]
    fn a_known_design_is_one_more_entrant_that_only_learns_control() {
        let root = tempfile::tempdir().unwrap();
        let known = root.path().join("known.json");
        let parameters: Vec<_> = (1..=5)
            .map(|i| json!({"name": format!("link_{i}_length"), "value": 0.7}))
            .collect();
        fs::write(&known, json!({ "parameters": parameters }).to_string()).unwrap();
        let mut asked = args(vec![experiment(root.path(), "near.json")], root.path());
        asked.methods.truncate(1);
        asked.known = Some(known);
        let all = planned(&asked).unwrap();
        let names: Vec<String> = all.iter().map(|planned| planned.task.name()).collect();
        assert_eq!(
            names,
            ["near-morph-s7", "near-morph-s8", "near-fixed-s7", "near-fixed-s8"]
        );
        assert!(all[0].task.settings.is_empty());
        assert_eq!(
            all[2].config["methods"]["fixed"]["design"],
            json!([0.7, 0.7, 0.7, 0.7, 0.7])
        );
        asked.methods.push("fixed".into());
        assert!(planned(&asked).unwrap_err().to_string().contains("leave it out"));
    }

    #[test]
    fn names_that_would_share_a_folder_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let file = experiment(root.path(), "near.json");
        let twice = planned(&args(vec![file.clone(), file.clone()], root.path())).unwrap_err();
        assert!(twice.to_string().contains("`near`"), "{twice}");
        let mut same = args(vec![file.clone()], root.path());
        same.methods.push("morph".into());
        assert!(planned(&same).unwrap_err().to_string().contains("`morph` twice"));
        let mut last = args(vec![file], root.path());
        last.sets.push(format!("seed={}", u64::MAX));
        assert!(planned(&last).unwrap_err().to_string().contains("seeds"));
    }

    #[test]
    fn a_folder_is_started_resumed_read_or_refused() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        let all = planned(&args(vec![experiment(root, "near.json")], root)).unwrap();
        let one = &all[0];
        let folder = root.join(&one.task.folder);
        assert_eq!(one.left(root).unwrap(), Left::All);
        let run = RunFolder::create(&folder, &one.config, &[], &Meta::collect()).unwrap();
        assert_eq!(one.left(root).unwrap(), Left::Rest);
        run.write_json(FINAL, &json!({})).unwrap();
        assert_eq!(one.left(root).unwrap(), Left::Nothing);

        let mut other = one.clone();
        other.config["ppo"]["rate"] = json!(0.5);
        let message = other.left(root).unwrap_err().to_string();
        assert!(
            message.contains("near-morph-s7") && message.contains("ppo.rate"),
            "{message}"
        );
        fs::create_dir_all(root.join(&all[1].task.folder).join("thesis")).unwrap();
        assert!(all[1].left(root).unwrap_err().to_string().contains("no run folder"));
    }
}
