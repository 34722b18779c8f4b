//! A plan: experiments, methods, settings and seeds, as a file of `experiments/sweeps/` or the command line of
//! `tandem compare` says them, and the runs that they make.
//!
//! ```json
//! {
//!   "title": "...",
//!   "experiments": ["../quickstart.json"],
//!   "methods": ["morph-conditioned", "gaussian"],
//!   "seeds": 5,
//!   "set": {"schedule.env_steps": 200000},
//!   "grid": {"ppo.rate": [0.001, 0.0003], "ppo.epochs": [2, 4]},
//!   "list": [{"rollout.lanes": 64, "rollout.steps": 160}, {"rollout.lanes": 128, "rollout.steps": 80}],
//!   "random": {"draws": 20, "seed": 0, "settings": {"ppo.clip": {"uniform": [0.1, 0.3]}}},
//!   "halving": {"rungs": [25000, 75000], "keep": 0.34}
//! }
//! ```

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::halving::Halving;
use super::settings::{Combination, Given, Random, Varied, of_method};
use super::{Planned, Task};
use crate::atomic;
use crate::error::Error;
use crate::experiment_file::{Checked, refuse_language};
use crate::registry::{self, BundledFile};
use crate::run_folder::default_name;
use crate::strict::{ConfigError, Located};

/// So many combinations are checked at a time, in parallel.
const CHUNK: usize = 256;
/// Most seeds of a plan.
const MOST_SEEDS: u64 = 100_000;

/// A plan as its file has it.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
struct PlanFile {
    /// One line that says what the sweep is for.
    #[serde(default)]
    #[allow(dead_code)] // for its readers
    title: String,
    /// Experiment files; relative paths start at the plan's folder.
    experiments: Vec<PathBuf>,
    /// Methods; none: each experiment's own.
    #[serde(default)]
    methods: Vec<String>,
    /// How many seeds, from the experiment's own upwards, or which.
    #[serde(default = "one")]
    seeds: Value,
    #[serde(default)]
    set: Map<String, Value>,
    #[serde(default)]
    grid: Map<String, Value>,
    #[serde(default)]
    list: Vec<Map<String, Value>>,
    #[serde(default)]
    random: Option<Random>,
    /// Compare combinations at rungs, and go on with the best.
    #[serde(default)]
    halving: Option<Halving>,
}

fn one() -> Value {
    1.into()
}

/// Which seeds a run is made with.
#[derive(Clone, Debug, PartialEq)]
pub enum Seeds {
    /// So many, from the experiment's own upwards.
    Count(u64),
    /// These.
    List(Vec<u64>),
}

/// Everything that is to be run.
#[derive(Debug)]
pub struct Plan {
    /// Experiment files.
    pub experiments: Vec<PathBuf>,
    /// Methods; none: each experiment's own.
    pub methods: Vec<String>,
    /// Seeds of each.
    pub seeds: Seeds,
    /// Settings of all runs.
    pub fixed: Combination,
    /// Settings that are varied; at least one combination, which may be empty.
    pub combinations: Vec<Combination>,
    /// Where runs are compared, and how many go on.
    pub halving: Option<Halving>,
    /// The folder of the runs in that of the sweep.
    pub runs: PathBuf,
    /// The plan's file, for messages that name a line.
    pub file: Option<Located>,
}

impl Plan {
    /// Reads a plan.
    ///
    /// # Errors
    /// What is not right in it, with its line.
    pub fn read(path: &Path) -> Result<Self, Error> {
        let located = Located::read_file(path, &[])?;
        let file: PlanFile = located.read()?;
        if file.experiments.is_empty() {
            return Err(located.fail_at("experiments", "at least one experiment").into());
        }
        if let Some(halving) = &file.halving {
            let refuse = |(key, reason)| located.fail_at(&format!("halving.{key}"), reason);
            halving.check().map_err(refuse)?;
        }
        let varied = Varied {
            set: file.set,
            grid: file.grid,
            list: file.list,
            random: file.random,
        };
        let base = atomic::folder_of(path);
        let beside = |file: PathBuf| if base == Path::new(".") { file } else { base.join(file) };
        Ok(Self {
            experiments: file.experiments.into_iter().map(beside).collect(),
            methods: file.methods,
            seeds: seeds(&file.seeds, &located)?,
            fixed: varied.fixed(),
            combinations: varied.combinations(&located)?,
            halving: file.halving,
            runs: "runs".into(),
            file: Some(located),
        })
    }

    /// Hands over every run, ordered by experiment, method, settings and seed; each combination of settings is checked
    /// once, for its seeds differ in nothing that can be wrong.
    ///
    /// # Errors
    /// Experiments that are not right or share a name, methods named twice, seeds beyond the last one there is, and what
    /// `emit` says.
    pub fn expand(&self, emit: &mut dyn FnMut(Planned) -> Result<(), Error>) -> Result<(), Error> {
        let mut names = BTreeSet::new();
        let mut numbered = Numbered {
            next: 0,
            folders: BTreeSet::new(),
            emit,
        };
        for file in &self.experiments {
            let source = Source::read(file)?;
            if !names.insert(source.name.clone()) {
                let text = format!("two experiments are named `{}`; rename one of the files", source.name);
                return Err(Error::Input(text));
            }
            let own = Checked::parse(&source.text, &source.origin, &typed(&self.fixed));
            let own = own
                .map_err(|error| self.relocated(error, &self.fixed))?
                .experiment
                .method;
            let methods = if self.methods.is_empty() {
                &vec![own]
            } else {
                &self.methods
            };
            for (at, method) in methods.iter().enumerate() {
                if methods[..at].contains(method) {
                    return Err(self.twice(at, method));
                }
                self.expand_method(&source, (at, method), &mut numbered)?;
            }
        }
        Ok(())
    }

    /// The runs of one experiment with one method.
    fn expand_method(&self, source: &Source, method: (usize, &str), out: &mut Numbered) -> Result<(), Error> {
        let combinations = of_method(&self.combinations, method.1);
        let mut setting = 0;
        for chunk in combinations.chunks(CHUNK) {
            let resolve = |combination| self.resolve(source, method, combination);
            let resolved: Vec<Result<Resolved, Error>> = chunk.par_iter().map(resolve).collect();
            for (resolved, combination) in resolved.into_iter().zip(chunk) {
                let mut resolved = resolved?;
                for seed in self.seeds_from(resolved.seed, source)? {
                    let number = (combinations.len() > 1).then_some(setting);
                    let name = folder_name(&source.name, method.1, number, seed);
                    resolved.config["seed"] = seed.into();
                    out.hand_over(Planned {
                        task: Task {
                            task: out.next,
                            experiment: source.name.clone(),
                            problem: resolved.problem.clone(),
                            method: method.1.to_owned(),
                            setting,
                            settings: combination.iter().map(|g| (g.path.clone(), g.value())).collect(),
                            seed,
                            env_steps: resolved.env_steps,
                            folder: self.runs.join(name),
                            halving: self.halving.clone(),
                        },
                        config: resolved.config.clone(),
                        files: std::mem::take(&mut resolved.files),
                    })?;
                }
                setting += 1;
            }
        }
        Ok(())
    }

    fn resolve(&self, source: &Source, (at, method): (usize, &str), varied: &Combination) -> Result<Resolved, Error> {
        let method = Given {
            path: "method".into(),
            text: Value::from(method).to_string(),
            place: format!("methods[{at}]"),
        };
        let all = [&self.fixed[..], &varied[..], &[method]].concat();
        let checked =
            Checked::parse(&source.text, &source.origin, &typed(&all)).map_err(|error| self.relocated(error, &all))?;
        let (bundled, files) = registry::bundle(&checked.experiment, &checked.instance)?;
        self.check_rungs(bundled.schedule.env_steps)?;
        let config = serde_json::to_value(&bundled);
        Ok(Resolved {
            config: config.map_err(|error| Error::Run(format!("cannot write the experiment: {error}")))?,
            problem: bundled.problem,
            env_steps: bundled.schedule.env_steps,
            seed: bundled.seed,
            files,
        })
    }

    fn check_rungs(&self, env_steps: u64) -> Result<(), Error> {
        let last = self.halving.as_ref().and_then(|halving| halving.rungs.last());
        match (last, &self.file) {
            (Some(last), Some(file)) if *last >= env_steps => {
                let text =
                    format!("{last} is not before the end of the runs, which have {env_steps} environment steps");
                Err(file.fail_at("halving.rungs", text).into())
            }
            _ => Ok(()),
        }
    }

    fn seeds_from(&self, own: u64, source: &Source) -> Result<Vec<u64>, Error> {
        match &self.seeds {
            Seeds::List(seeds) => Ok(seeds.clone()),
            Seeds::Count(count) => {
                let last = own.checked_add(count - 1);
                let last = last.ok_or_else(|| {
                    let text = format!("{}: seed: there are not {count} seeds from {own} on", source.origin);
                    Error::Input(text)
                })?;
                Ok((own..=last).collect())
            }
        }
    }

    /// An error about a setting, at its line in the plan.
    fn relocated(&self, error: Error, given: &[Given]) -> Error {
        let (Some(file), Error::Config(config)) = (&self.file, &error) else {
            return error;
        };
        let place = given
            .iter()
            .find(|given| config.origin == origin_of(given, &config.origin));
        match place {
            Some(given) => file.fail_at(&given.place, said(config)).into(),
            None => error,
        }
    }

    fn twice(&self, at: usize, method: &str) -> Error {
        match &self.file {
            Some(file) => file
                .fail_at(&format!("methods[{at}]"), format!("`{method}` stands twice"))
                .into(),
            None => Error::Input(format!("--methods names `{method}` twice")),
        }
    }
}

/// Numbers the runs and sees to it that no two share a folder.
struct Numbered<'a> {
    next: usize,
    folders: BTreeSet<PathBuf>,
    emit: &'a mut dyn FnMut(Planned) -> Result<(), Error>,
}

impl Numbered<'_> {
    fn hand_over(&mut self, planned: Planned) -> Result<(), Error> {
        if !self.folders.insert(planned.task.folder.clone()) {
            let folder = planned.task.folder.display();
            return Err(Error::Input(format!(
                "two runs would be named {folder}; rename an experiment"
            )));
        }
        self.next += 1;
        (self.emit)(planned)
    }
}

/// Name of a run's folder; the combination of settings has a number where there are several.
fn folder_name(experiment: &str, method: &str, setting: Option<usize>, seed: u64) -> String {
    let method = setting.map_or(method.to_owned(), |setting| format!("{method}-c{setting}"));
    default_name(experiment, &method, seed)
}

/// What an error's origin is where it is about this setting: paths are printed with brackets, whatever was given.
fn origin_of(given: &Given, like: &str) -> String {
    let plain = |path: &str| path.replace('[', ".").replace(']', "");
    let printed = like.strip_prefix("--set ").and_then(|set| set.split_once('='));
    match printed {
        Some((path, _)) if plain(path) == plain(&given.path) => format!("--set {path}={}", given.text),
        _ => format!("--set {}={}", given.path, given.text),
    }
}

fn said(error: &ConfigError) -> String {
    match error.path.is_empty() {
        true => error.reason.clone(),
        false => format!("{}: {}", error.path, error.reason),
    }
}

fn typed(given: &[Given]) -> Vec<(String, String)> {
    given
        .iter()
        .map(|given| (given.path.clone(), given.text.clone()))
        .collect()
}

/// An experiment with one combination of settings.
struct Resolved {
    config: Value,
    problem: String,
    env_steps: u64,
    seed: u64,
    files: Vec<BundledFile>,
}

/// An experiment's file.
struct Source {
    name: String,
    origin: String,
    text: String,
}

impl Source {
    fn read(file: &Path) -> Result<Self, Error> {
        refuse_language(file)?;
        Located::read_file(file, &[])?; // it says what is wrong with a file that cannot be read
        let origin = file.display().to_string();
        let text = std::fs::read_to_string(file);
        Ok(Self {
            name: stem(file),
            text: text.map_err(|error| Error::Run(format!("cannot read {origin}: {error}")))?,
            origin,
        })
    }
}

/// A file's name without folder and ending.
pub fn stem(file: &Path) -> String {
    let stem = file.file_stem();
    stem.map_or("run".into(), |stem| stem.to_string_lossy().into_owned())
}

fn seeds(value: &Value, plan: &Located) -> Result<Seeds, ConfigError> {
    let wish = format!("a number of seeds from 1 to {MOST_SEEDS}, or a list of different seeds: [0, 1, 2]");
    let wrong = || plan.fail_at("seeds", wish.clone());
    match value {
        Value::Array(seeds) => {
            let seeds: Option<Vec<u64>> = seeds.iter().map(Value::as_u64).collect();
            let seeds = seeds.ok_or_else(wrong)?;
            let different: BTreeSet<&u64> = seeds.iter().collect();
            match !seeds.is_empty() && different.len() == seeds.len() {
                true => Ok(Seeds::List(seeds)),
                false => Err(wrong()),
            }
        }
        count => {
            let count = count.as_u64().filter(|count| (1..=MOST_SEEDS).contains(count));
            count.map(Seeds::Count).ok_or_else(wrong)
        }
    }
}
