//! The plan of a comparison: every experiment by every method with every seed, each in a folder of its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::cli::CompareArgs;
use crate::error::Error;
use crate::experiment::Experiment;
use crate::registry;
use crate::run_folder::{FINAL, RunError, RunFolder};

/// How a child ended.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Outcome {
    /// The run is complete.
    Finished,
    /// It was asked to stop and saved a checkpoint.
    Stopped,
    /// It failed, with the last line of its log.
    Failed(String),
}

/// One run of the comparison.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Job {
    /// Name of the experiment: its file without folder and ending.
    pub experiment: String,
    /// The experiment file.
    pub file: PathBuf,
    /// Name of the problem.
    pub problem: String,
    /// Name of the method.
    pub method: String,
    /// Seed of the run.
    pub seed: u64,
    /// The run folder.
    pub folder: PathBuf,
    /// Environment steps of the whole run, unless it ends early.
    pub end: u64,
    /// The resolved experiment, as the run folder stores it.
    pub wanted: Value,
}

/// What is left to do for a run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum JobState {
    /// Nothing: it is only read.
    Finished,
    /// It stopped somewhere: it goes on.
    Stopped,
    /// Everything.
    Absent,
}

impl Job {
    /// Name of the run folder.
    pub fn name(&self) -> String {
        format!("{}-{}-s{}", self.experiment, self.method, self.seed)
    }

    /// The log file of the run's messages.
    pub fn log(&self) -> PathBuf {
        let mut path = self.folder.clone().into_os_string();
        path.push(".log");
        path.into()
    }

    /// What is left to do.
    ///
    /// # Errors
    /// A folder that is no run folder, or one that was made from another experiment.
    pub fn state(&self) -> Result<JobState, Error> {
        let is_empty = || fs::read_dir(&self.folder).is_ok_and(|mut e| e.next().is_none());
        if fs::symlink_metadata(&self.folder).is_err() || is_empty() {
            return Ok(JobState::Absent);
        }
        let run = RunFolder::view(&self.folder)?;
        if let Some(difference) = first_difference(&stored(&run)?, &self.wanted, "") {
            return Err(Error::Input(format!(
                "{} holds a run of another experiment: {difference}; name another folder with --out, or remove it",
                self.folder.display()
            )));
        }
        match run.read_json::<Value>(FINAL) {
            Ok(_) => Ok(JobState::Finished),
            // a judgement that is damaged is made again, from the last checkpoint
            Err(RunError::Missing(_) | RunError::Damaged { .. }) => Ok(JobState::Stopped),
            Err(error) => Err(error.into()),
        }
    }
}

/// The experiment of a run with every default filled in, which runs of older versions did not store.
fn stored(run: &RunFolder) -> Result<Value, Error> {
    let whole = Experiment::from_run(run).and_then(|experiment| registry::bundle(&experiment));
    match whole
        .ok()
        .and_then(|(experiment, _)| serde_json::to_value(experiment).ok())
    {
        Some(experiment) => Ok(experiment),
        None => Ok(run.experiment()?),
    }
}

/// All runs, ordered by experiment, method and seed.
///
/// # Errors
/// Experiments that are not right or share a name, methods named twice, seeds beyond the last one there is.
pub(super) fn plan(args: &CompareArgs) -> Result<Vec<Job>, Error> {
    let out = folder(args);
    let mut names = BTreeSet::new();
    let mut jobs = Vec::new();
    for file in &args.experiments {
        let experiment = Experiment::read(file, &args.sets)?;
        let name = stem(file);
        if !names.insert(name.clone()) {
            return Err(Error::Input(format!(
                "two experiments are named `{name}`; rename one of the files"
            )));
        }
        let own = vec![experiment.method.clone()];
        let methods = if args.methods.is_empty() { &own } else { &args.methods };
        let mut seen = BTreeSet::new();
        for method in methods {
            if !seen.insert(method) {
                return Err(Error::Input(format!("--methods names `{method}` twice")));
            }
            for offset in 0..u64::from(args.seeds) {
                let seed = experiment.seed.checked_add(offset).ok_or_else(|| {
                    Error::Input(format!(
                        "{}: seed: there are not {} seeds from {} on",
                        file.display(),
                        args.seeds,
                        experiment.seed
                    ))
                })?;
                jobs.push(job(file, &name, method, seed, &out, &args.sets)?);
            }
        }
    }
    Ok(jobs)
}

fn job(file: &Path, name: &str, method: &str, seed: u64, out: &Path, sets: &[String]) -> Result<Job, Error> {
    let experiment = Experiment::read(file, &with(sets, method, seed))?;
    let (bundled, _) = registry::bundle(&experiment)?;
    let wanted =
        serde_json::to_value(&bundled).map_err(|error| Error::Run(format!("cannot write the experiment: {error}")))?;
    let mut job = Job {
        experiment: name.into(),
        file: file.into(),
        problem: experiment.problem,
        method: method.into(),
        seed,
        folder: PathBuf::new(),
        end: experiment.schedule.env_steps,
        wanted,
    };
    job.folder = out.join(job.name());
    Ok(job)
}

/// The settings of one run: the user's, then method and seed.
pub(super) fn with(sets: &[String], method: &str, seed: u64) -> Vec<String> {
    let mut sets = sets.to_vec();
    sets.push(format!("method={method}"));
    sets.push(format!("seed={seed}"));
    sets
}

/// The folder of the runs, the table and the plot.
pub(super) fn folder(args: &CompareArgs) -> PathBuf {
    let names: Vec<String> = args.experiments.iter().map(|file| stem(file)).collect();
    let default = || Path::new("runs").join(format!("compare-{}", names.join("-")));
    args.out.clone().unwrap_or_else(default)
}

fn stem(file: &Path) -> String {
    file.file_stem()
        .map_or("run".into(), |stem| stem.to_string_lossy().into_owned())
}

/// The first path at which two experiments differ, with what stands there; `None` where they agree.
pub(super) fn first_difference(there: &Value, now: &Value, path: &str) -> Option<String> {
    let below = |key: &str| {
        if path.is_empty() {
            key.to_owned()
        } else {
            format!("{path}.{key}")
        }
    };
    match (there, now) {
        (Value::Object(a), Value::Object(b)) => {
            let extra = a.keys().filter(|key| !b.contains_key(*key));
            b.keys().chain(extra).find_map(|key| {
                let side = |map: &serde_json::Map<String, Value>| map.get(key).cloned();
                match (side(a), side(b)) {
                    (Some(x), Some(y)) => first_difference(&x, &y, &below(key)),
                    (x, y) => Some(differ(&below(key), x.as_ref(), y.as_ref())),
                }
            })
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            let mut pairs = a.iter().zip(b).enumerate();
            pairs.find_map(|(i, (x, y))| first_difference(x, y, &format!("{path}[{i}]")))
        }
        _ if there == now => None,
        _ => Some(differ(path, Some(there), Some(now))),
    }
}

fn differ(path: &str, there: Option<&Value>, now: Option<&Value>) -> String {
    let text = |value: Option<&Value>| value.map_or("absent".to_owned(), Value::to_string);
    format!("{path} is {} there and {} now", text(there), text(now))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn args(experiments: Vec<PathBuf>, out: &Path) -> CompareArgs {
        CompareArgs {
            experiments,
            methods: vec!["morph".into(), "cma".into()],
            seeds: 2,
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

    #[test]
    fn every_method_runs_with_every_seed_from_the_experiments_own_upwards() {
        let root = tempfile::tempdir().unwrap();
        let jobs = plan(&args(vec![experiment(root.path(), "near.json")], root.path())).unwrap();
        let names: Vec<String> = jobs.iter().map(Job::name).collect();
        assert_eq!(names, ["near-morph-s7", "near-morph-s8", "near-cma-s7", "near-cma-s8"]);
        assert_eq!(jobs[3].folder, root.path().join("near-cma-s8"));
        assert_eq!(jobs[3].log(), root.path().join("near-cma-s8.log"));
        assert_eq!(
            (jobs[3].end, &jobs[3].wanted["method"], &jobs[3].wanted["seed"]),
            (4000, &json!("cma"), &json!(8))
        );
    }

    #[test]
    fn names_that_would_share_a_folder_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let file = experiment(root.path(), "near.json");
        let twice = plan(&args(vec![file.clone(), file.clone()], root.path())).unwrap_err();
        assert!(twice.to_string().contains("`near`"), "{twice}");
        let mut same = args(vec![file.clone()], root.path());
        same.methods.push("morph".into());
        assert!(plan(&same).unwrap_err().to_string().contains("`morph` twice"));
        let mut last = args(vec![file], root.path());
        last.sets.push(format!("seed={}", u64::MAX));
        assert!(plan(&last).unwrap_err().to_string().contains("seeds"));
    }

    #[test]
    fn a_folder_is_started_resumed_read_or_refused() {
        let root = tempfile::tempdir().unwrap();
        let jobs = plan(&args(vec![experiment(root.path(), "near.json")], root.path())).unwrap();
        let job = &jobs[0];
        assert_eq!(job.state().unwrap(), JobState::Absent);
        let meta = crate::run_folder::Meta::collect();
        let run = RunFolder::create(&job.folder, &job.wanted, &[], &meta).unwrap();
        assert_eq!(job.state().unwrap(), JobState::Stopped);
        run.write_json(FINAL, &json!({})).unwrap();
        assert_eq!(job.state().unwrap(), JobState::Finished);

        let mut other = job.clone();
        other.wanted["ppo"]["rate"] = json!(0.5);
        let message = other.state().unwrap_err().to_string();
        assert!(
            message.contains("near-morph-s7") && message.contains("ppo.rate"),
            "{message}"
        );
        fs::create_dir_all(jobs[1].folder.join("thesis")).unwrap();
        assert!(jobs[1].state().unwrap_err().to_string().contains("no run folder"));
    }

    #[test]
    fn the_first_difference_is_named_with_both_values() {
        let a = json!({"ppo": {"rate": 0.1, "hidden": [64, 64]}, "task": null});
        assert_eq!(first_difference(&a, &a.clone(), ""), None);
        let cases = [
            (
                json!({"ppo": {"rate": 0.2, "hidden": [64, 64]}, "task": null}),
                "ppo.rate is 0.1 there and 0.2 now",
            ),
            (
                json!({"ppo": {"rate": 0.1, "hidden": [64, 32]}, "task": null}),
                "ppo.hidden[1] is 64 there and 32 now",
            ),
            (
                json!({"ppo": {"rate": 0.1, "hidden": [64]}, "task": null}),
                "ppo.hidden is [64,64] there and [64] now",
            ),
            (
                json!({"ppo": {"rate": 0.1, "hidden": [64, 64]}}),
                "task is null there and absent now",
            ),
            (
                json!({"x": 1, "ppo": {"rate": 0.1, "hidden": [64, 64]}, "task": null}),
                "x is absent there and 1 now",
            ),
        ];
        for (b, text) in cases {
            assert_eq!(first_difference(&a, &b, "").as_deref(), Some(text));
        }
    }
}
