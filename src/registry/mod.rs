//! The registry of problems and methods by name. Tandem's own are in `builtin`; a program of one's own adds others
//! with [`crate::App`], and then has the whole command line for them.

mod builtin;
mod files;
mod robot_files;

use std::sync::{Arc, OnceLock};

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use tandem_core::check::{SettingError, read};
use tandem_core::spelling::nearest;
use tandem_core::{Preset, Problem, ProblemError, Share};
use tandem_learning::design::{DesignOptimizer, MethodError, Setup, TensorHardware};
use tandem_robot::model::Robot;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::strict::{ConfigError, Located};

pub use files::{Bundle, BundledFile, Files, bundle, resolved};
pub(crate) use robot_files::robot;

/// Reads the part of an experiment at a path, so that typing errors in it are named with their line.
pub type Reader = fn(&Located, &str) -> Result<(), ConfigError>;

fn typed<T: DeserializeOwned>(located: &Located, path: &str) -> Result<(), ConfigError> {
    located.read_at::<T>(path).map(drop)
}

/// A problem with, where it exists, the differentiable form of its hardware.
pub struct Instance {
    /// The environment all others are made from.
    pub problem: Box<dyn Problem>,
    /// The exact gradient's source.
    pub tensor_hardware: Option<Arc<dyn TensorHardware>>,
    /// The robot of a problem that has one, whose designs can be tried before they are trained.
    pub robot: Option<Arc<Robot>>,
}

impl Instance {
    /// A problem of which there is nothing else to say.
    pub fn new(problem: Box<dyn Problem>) -> Self {
        Self {
            problem,
            tensor_hardware: None,
            robot: None,
        }
    }
}

/// Builds a problem from the experiment's `task`.
pub type BuildProblem = dyn Fn(&Value) -> Result<Instance, ProblemError> + Send + Sync;

/// Builds a method from the experiment's `methods.NAME`.
pub type BuildMethod = dyn Fn(&Setup) -> Result<Box<dyn DesignOptimizer>, MethodError> + Send + Sync;

/// Checks the settings of a method without building it.
pub type CheckMethod = fn(&Setup) -> Result<(), MethodError>;

/// Fills in every default of an experiment's `task`.
pub type ResolveTask = dyn Fn(&Value) -> Result<Value, ProblemError> + Send + Sync;

/// Fills in every default of an experiment's `methods.NAME`.
pub type ResolveMethod = dyn Fn(&Setup) -> Result<Value, MethodError> + Send + Sync;

/// The JSON schema of a section, whose descriptions are the doc comments of the type that reads it.
pub type SectionSchema = fn() -> Value;

/// Settings as their type understands them: with every default that it has.
fn filled<T: DeserializeOwned + Default + Serialize>(settings: &Value) -> Result<Value, SettingError> {
    to_value(&read::<T>(settings)?)
}

/// Settings as they stand in an experiment.
fn to_value(settings: &impl Serialize) -> Result<Value, SettingError> {
    serde_json::to_value(settings).map_err(|error| SettingError::new("", error.to_string()))
}

/// What stands in an experiment, where nothing is known of its defaults.
fn as_written(settings: &Value) -> Value {
    match settings {
        Value::Null => Value::Object(Map::new()),
        settings => settings.clone(),
    }
}

/// A problem that experiments can name.
pub struct ProblemEntry {
    /// Name in experiment files.
    pub name: &'static str,
    /// One line for `tandem list problems`.
    pub about: &'static str,
    /// Builds it from the experiment's `task`.
    pub build: Box<BuildProblem>,
    /// Checks names and types of the settings.
    pub read: Reader,
    /// Names and one-line descriptions of its presets.
    pub variants: fn() -> Vec<(String, String)>,
    /// How its presets' selectivity is measured, where there is a design to select.
    pub selectivity: Option<Selectivity>,
    /// What its settings name in the file system, where they do: a robot's model, say.
    pub files: Option<Files>,
    /// Fills in the defaults of its settings.
    pub resolve: Box<ResolveTask>,
    /// Describes its settings for `tandem explain` and `tandem schema`.
    pub schema: Option<SectionSchema>,
}

/// How hard a problem's presets are: the share of random designs that work.
pub struct Selectivity {
    /// The presets.
    pub presets: &'static [Preset],
    /// Draws so many designs of a preset, from a seed, and counts those that work.
    pub measure: fn(&str, usize, u64) -> Result<Share, ProblemError>,
}

/// A method that experiments can name.
pub struct MethodEntry {
    /// Name in experiment files.
    pub name: &'static str,
    /// One line for `tandem list methods`.
    pub about: &'static str,
    /// Builds it from the experiment's `methods.NAME`.
    pub build: Box<BuildMethod>,
    /// Checks names and types of the settings.
    pub read: Reader,
    /// Checks the settings where building it takes long; `None`: building it checks them.
    pub check: Option<CheckMethod>,
    /// Fills in the defaults of its settings.
    pub resolve: Box<ResolveMethod>,
    /// Describes its settings for `tandem explain` and `tandem schema`.
    pub schema: Option<SectionSchema>,
}

impl ProblemEntry {
    /// A problem with settings of type `C`, which stand in the experiment's `task`; an absent section means the
    /// defaults.
    pub fn new<C, P>(
        name: &'static str,
        about: &'static str,
        make: impl Fn(C) -> Result<P, ProblemError> + Send + Sync + 'static,
    ) -> Self
    where
        C: DeserializeOwned + Default,
        P: Problem + 'static,
    {
        Self {
            name,
            about,
            build: Box::new(move |task| Ok(Instance::new(Box::new(make(read(task)?)?)))),
            read: typed::<C>,
            variants: Vec::new,
            selectivity: None,
            files: None,
            resolve: Box::new(|task| Ok(as_written(task))),
            schema: None,
        }
    }

    /// The same with settings of type `C` that can be explained: runs store them with every default filled in, and
    /// `tandem explain` and `tandem schema` know them.
    #[must_use]
    pub fn described<C: DeserializeOwned + Default + Serialize + JsonSchema>(self) -> Self {
        Self {
            resolve: Box::new(|task| Ok(filled::<C>(task)?)),
            schema: Some(crate::schema::section::<C>),
            ..self
        }
    }
}

impl MethodEntry {
    /// A method with settings of type `S`, which stand in the experiment's `methods.NAME`; an absent section means
    /// the defaults.
    pub fn new<S, M>(
        name: &'static str,
        about: &'static str,
        make: impl Fn(&Setup, S) -> Result<M, MethodError> + Send + Sync + 'static,
    ) -> Self
    where
        S: DeserializeOwned + Default,
        M: DesignOptimizer + 'static,
    {
        Self {
            name,
            about,
            build: Box::new(move |setup| Ok(Box::new(make(setup, read(setup.settings)?)?))),
            read: typed::<S>,
            check: None,
            resolve: Box::new(|setup| Ok(as_written(setup.settings))),
            schema: None,
        }
    }

    /// The same with settings of type `S` that can be explained, as [`ProblemEntry::described`].
    #[must_use]
    pub fn described<S: DeserializeOwned + Default + Serialize + JsonSchema>(self) -> Self {
        Self {
            resolve: Box::new(|setup| Ok(filled::<S>(setup.settings)?)),
            schema: Some(crate::schema::section::<S>),
            ..self
        }
    }
}

/// All problems and methods of this process.
struct Registry {
    problems: Vec<ProblemEntry>,
    methods: Vec<MethodEntry>,
}

static REGISTRY: OnceLock<Registry> = OnceLock::new();

fn registry() -> &'static Registry {
    REGISTRY.get_or_init(|| Registry {
        problems: builtin::problems(),
        methods: builtin::methods(),
    })
}

/// Adds these to Tandem's own, once and before the first look-up.
///
/// # Errors
/// A name that is there already, or a call that comes too late.
pub fn register(problems: Vec<ProblemEntry>, methods: Vec<MethodEntry>) -> Result<(), Error> {
    let mut all = Registry {
        problems: builtin::problems(),
        methods: builtin::methods(),
    };
    all.problems.extend(problems);
    all.methods.extend(methods);
    let names = |kind: &str, mut names: Vec<&'static str>| {
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(Error::Input(format!("there are two {kind}s `{}`", pair[0]))),
            None => Ok(()),
        }
    };
    names("problem", all.problems.iter().map(|p| p.name).collect())?;
    names("method", all.methods.iter().map(|m| m.name).collect())?;
    let late = "problems and methods are registered once, before anything is looked up";
    REGISTRY.set(all).map_err(|_| Error::Input(late.into()))
}

/// All problems.
pub fn problems() -> &'static [ProblemEntry] {
    &registry().problems
}

/// All methods.
pub fn methods() -> &'static [MethodEntry] {
    &registry().methods
}

/// The problem of an experiment.
///
/// # Errors
/// A name that is not registered, settings that the problem refuses.
pub fn problem(experiment: &Experiment) -> Result<Instance, Error> {
    let entry = problem_entry(experiment)?;
    Ok((entry.build)(&entry.located(experiment))?)
}

fn method_entry(experiment: &Experiment) -> Result<&'static MethodEntry, Error> {
    let found = methods().iter().find(|entry| entry.name == experiment.method);
    found.ok_or_else(|| Error::Input(format!("there is no method `{}`", experiment.method)))
}

fn problem_entry(experiment: &Experiment) -> Result<&'static ProblemEntry, Error> {
    let found = problems().iter().find(|entry| entry.name == experiment.problem);
    found.ok_or_else(|| Error::Input(format!("there is no problem `{}`", experiment.problem)))
}

/// The method of an experiment.
///
/// # Errors
/// A name that is not registered, settings that the method refuses.
pub fn method(experiment: &Experiment, instance: &Instance) -> Result<Box<dyn DesignOptimizer>, Error> {
    method_at(experiment, instance, None)
}

/// The same, going out from these logits of the design instead of the start design's.
///
/// # Errors
/// As [`method`].
pub fn method_at(
    experiment: &Experiment,
    instance: &Instance,
    start: Option<Vec<f64>>,
) -> Result<Box<dyn DesignOptimizer>, Error> {
    let entry = method_entry(experiment)?;
    let mut setup = setup(experiment, instance, entry.name);
    setup.start = start.unwrap_or(setup.start);
    Ok((entry.build)(&setup)?)
}

/// What a method is built from.
pub fn setup<'a>(experiment: &'a Experiment, instance: &Instance, method: &str) -> Setup<'a> {
    let hardware = instance.problem.hardware();
    let spec = instance.problem.spec();
    Setup {
        start: hardware.space().logits(&hardware.space().start()),
        observations: spec.observation.len(),
        commands: spec.command.len(),
        hardware,
        tensor_hardware: instance.tensor_hardware.clone(),
        effects_last: instance.problem.effects_last(),
        horizon: spec.horizon,
        rollout_steps: experiment.rollout.steps,
        clip: experiment.ppo.clip,
        seed: experiment.seed,
        settings: experiment.settings_of(method),
    }
}

/// Checks everything in an experiment that problems and methods own, also the sections of methods that it
/// does not use, and hands over the problem that was built for it.
///
/// # Errors
/// The first name or setting that is not right, with its line.
pub fn check(experiment: &Experiment, located: &Located) -> Result<Instance, Error> {
    let problem_names = || problems().iter().map(|entry| entry.name);
    let method_names = || methods().iter().map(|entry| entry.name);
    let Some(entry) = problems().iter().find(|entry| entry.name == experiment.problem) else {
        let reason = unknown("problem", &experiment.problem, problem_names());
        return Err(located.fail_at("problem", reason).into());
    };
    (entry.read)(located, "task")?;
    let instance = (entry.build)(&entry.located(experiment)).map_err(|error| match error {
        ProblemError::Setting(error) => located.refuse("task", error),
        other => located.fail_at("task", other.to_string()),
    })?;
    experiment
        .check_sizes(instance.problem.spec(), &*instance.problem.hardware())
        .map_err(|error| located.refuse("", error))?;
    if experiment.method.eq_ignore_ascii_case("ppo") {
        let names: Vec<&str> = method_names().collect();
        let reason = format!(
            "PPO is no method, it always teaches the policy; a method says how the design moves, `fixed` that it does \
             not. There are: {}",
            names.join(", ")
        );
        return Err(located.fail_at("method", reason).into());
    }
    if !method_names().any(|name| name == experiment.method) {
        let reason = unknown("method", &experiment.method, method_names());
        return Err(located.fail_at("method", reason).into());
    }
    for name in experiment.methods.keys() {
        if !method_names().any(|known| known == name) {
            let reason = unknown("method", name, method_names());
            return Err(located.fail_at(&format!("methods.{name}"), reason).into());
        }
    }
    for entry in methods() {
        let used = entry.name == experiment.method;
        let path = format!("methods.{}", entry.name);
        if !used && !experiment.methods.contains_key(entry.name) {
            continue;
        }
        (entry.read)(located, &path)?;
        let setup = setup(experiment, &instance, entry.name);
        let checked = match entry.check {
            Some(check) => check(&setup),
            None => (entry.build)(&setup).map(drop),
        };
        match checked {
            Err(MethodError::Setting(error)) => return Err(located.refuse(&path, error).into()),
            Err(error) if used => return Err(located.fail_at("method", error.to_string()).into()),
            _ => {}
        }
    }
    Ok(instance)
}

/// "There is no such name", with the nearest one and all of them.
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let guess = nearest(name, known.iter().copied()).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
    let stop = if guess.is_empty() { "." } else { "" };
    format!(
        "there is no {what} `{name}`{guess}{stop} There are: {}",
        known.join(", ")
    )
}
