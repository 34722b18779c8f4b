//! What exists: problems and methods by name. Adding one is a file and a line here.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use tandem_accelerator::codesign;
use tandem_agents::design::{
    Cma, CmaSettings, DesignOptimizer, Fixed, FixedSettings, Gaussian, GaussianSettings,
    HardwareAsPolicy, HardwareAsPolicySettings, MethodError, Morph, MorphConditioned,
    MorphConditionedSettings, MorphSettings, Random, RandomSettings, Setup, TensorHardware,
};
use tandem_attention::recall;
use tandem_core::{Preset, Problem, ProblemError, Share};
use tandem_physics::classic;
use tandem_physics::hand3d::{press, tendon};
use tandem_physics::reach2d;
use tandem_physics::tentacle;

use crate::error::Error;
use crate::experiment::Experiment;
use crate::strict::{ConfigError, Located};
use crate::tensor_hardware::{PlanarArm, TensorAccelerator, TensorTentacle};

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
}

/// A problem that experiments can name.
pub struct ProblemEntry {
    /// Name in experiment files.
    pub name: &'static str,
    /// One line for `tandem list problems`.
    pub about: &'static str,
    /// Builds it from the experiment's `task`.
    pub build: fn(&Value) -> Result<Instance, ProblemError>,
    /// Checks names and types of the settings.
    pub read: Reader,
    /// Names and one-line descriptions of its presets.
    pub variants: fn() -> Vec<(String, String)>,
    /// How its presets' selectivity is measured, where there is a design to select.
    pub selectivity: Option<Selectivity>,
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
    pub build: fn(&Setup) -> Result<Box<dyn DesignOptimizer>, MethodError>,
    /// Checks names and types of the settings.
    pub read: Reader,
}

fn presets(presets: &[Preset]) -> Vec<(String, String)> {
    let row = |p: &Preset| (format!("preset {}", p.name), p.about.into());
    presets.iter().map(row).collect()
}

/// All problems.
pub const PROBLEMS: &[ProblemEntry] = &[
    ProblemEntry {
        name: "reach2d",
        about: "planar arms that reach a goal, among walls; link lengths (and more) are designed",
        build: build_reach2d,
        read: typed::<reach2d::Config>,
        variants: || presets(&reach2d::PRESETS),
        selectivity: Some(Selectivity {
            presets: &reach2d::PRESETS,
            measure: |preset, designs, seed| {
                let config = reach2d::Config {
                    preset: Some(preset.into()),
                    ..reach2d::Config::default()
                };
                reach2d::selectivity(&reach2d::Settings::new(&config)?, designs, seed)
            },
        }),
    },
    ProblemEntry {
        name: "tentacle",
        about: "a tendon-driven tentacle that reaches nine goals; pulleys, pretension and links are designed",
        build: build_tentacle,
        read: typed::<tentacle::Config>,
        variants: || presets(&tentacle::PRESETS),
        selectivity: Some(Selectivity {
            presets: &tentacle::PRESETS,
            measure: |preset, designs, seed| {
                let config = tentacle::Config {
                    preset: Some(preset.into()),
                    ..tentacle::Config::default()
                };
                tentacle::selectivity(&tentacle::Settings::new(&config)?, designs, seed)
            },
        }),
    },
    ProblemEntry {
        name: "accelerator",
        about: "a neural network mapped layer after layer onto a platform of array, buffers, clock and memory, all designed",
        build: build_accelerator,
        read: typed::<codesign::Config>,
        variants: || presets(&codesign::PRESETS),
        selectivity: None,
    },
    ProblemEntry {
        name: "hand3d-press",
        about: "a hand that lifts a long box and presses the button on its end; fingers are placed and sized",
        build: build_press,
        read: typed::<press::Config>,
        variants: || presets(&press::PRESETS),
        selectivity: Some(Selectivity {
            presets: &press::PRESETS,
            measure: |_, designs, seed| {
                press::selectivity(&press::Settings::new(&Default::default())?, designs, seed)
            },
        }),
    },
    ProblemEntry {
        name: "hand3d-tendon",
        about: "a tendon-driven hand that lifts and holds objects; pulleys and springs are designed",
        build: build_tendon,
        read: typed::<tendon::Config>,
        variants: || presets(&tendon::PRESETS),
        selectivity: Some(Selectivity {
            presets: &tendon::PRESETS,
            measure: |_, designs, seed| {
                tendon::selectivity(&tendon::Settings::new(&Default::default())?, designs, seed)
            },
        }),
    },
    ProblemEntry {
        name: "attention",
        about: "an analog attention circuit as the memory of an encoder that learns to use it; bits, window and voltages are designed",
        build: build_attention,
        read: typed::<recall::Config>,
        variants: || {
            let large = "a circuit designed with a transformer trained on text: `tandem train experiments/attention.json`";
            let mut rows = presets(&recall::PRESETS);
            rows.push(("language model".into(), large.into()));
            rows
        },
        selectivity: Some(Selectivity {
            presets: &recall::PRESETS,
            measure: |_, designs, seed| {
                recall::selectivity(&recall::Settings::new(&Default::default())?, designs, seed)
            },
        }),
    },
    ProblemEntry {
        name: "classic",
        about: "cartpole, pendulum, acrobot and others without a design: the proof of PPO",
        build: build_classic,
        read: typed::<ClassicTask>,
        variants: || {
            let names = classic::NAMES.iter();
            names
                .map(|(name, about)| (format!("name {name}"), (*about).into()))
                .collect()
        },
        selectivity: None,
    },
];

/// All methods.
pub const METHODS: &[MethodEntry] = &[
    MethodEntry {
        name: "morph",
        about: "a proxy network is the hardware; CMA-ES draws the design from it (as published)",
        build: |setup| Ok(Box::new(Morph::new(setup)?)),
        read: typed::<MorphSettings>,
    },
    MethodEntry {
        name: "morph-conditioned",
        about: "the proxy sees the design, which moves by the policy gradient through it",
        build: |setup| Ok(Box::new(MorphConditioned::new(setup)?)),
        read: typed::<MorphConditionedSettings>,
    },
    MethodEntry {
        name: "hardware-as-policy",
        about: "exact gradient through the hardware model, where it has a differentiable form",
        build: |setup| Ok(Box::new(HardwareAsPolicy::new(setup)?)),
        read: typed::<HardwareAsPolicySettings>,
    },
    MethodEntry {
        name: "gaussian",
        about: "a Gaussian over designs, one draw per episode, moved by the score function",
        build: |setup| Ok(Box::new(Gaussian::new(setup)?)),
        read: typed::<GaussianSettings>,
    },
    MethodEntry {
        name: "cma",
        about: "CMA-ES over designs, a stretch of PPO for each candidate",
        build: |setup| Ok(Box::new(Cma::new(setup)?)),
        read: typed::<CmaSettings>,
    },
    MethodEntry {
        name: "random",
        about: "random designs, a stretch of PPO each; the best is kept",
        build: |setup| Ok(Box::new(Random::new(setup)?)),
        read: typed::<RandomSettings>,
    },
    MethodEntry {
        name: "fixed",
        about: "the design stays; only the policy learns",
        build: |setup| Ok(Box::new(Fixed::new(setup)?)),
        read: typed::<FixedSettings>,
    },
];

/// The problem of an experiment.
///
/// # Errors
/// A name that is not registered, settings that the problem refuses.
pub fn problem(experiment: &Experiment) -> Result<Instance, Error> {
    let entry = PROBLEMS
        .iter()
        .find(|entry| entry.name == experiment.problem)
        .ok_or_else(|| Error::Input(format!("there is no problem `{}`", experiment.problem)))?;
    Ok((entry.build)(&experiment.task)?)
}

/// The method of an experiment.
///
/// # Errors
/// A name that is not registered, settings that the method refuses.
pub fn method(
    experiment: &Experiment,
    instance: &Instance,
) -> Result<Box<dyn DesignOptimizer>, Error> {
    let entry = METHODS
        .iter()
        .find(|entry| entry.name == experiment.method)
        .ok_or_else(|| Error::Input(format!("there is no method `{}`", experiment.method)))?;
    Ok((entry.build)(&setup(experiment, instance, entry.name))?)
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
        clip: experiment.ppo.clip,
        seed: experiment.seed,
        settings: experiment.settings_of(method),
    }
}

/// Checks everything in an experiment that problems and methods own, also the sections of methods that it
/// does not use.
///
/// # Errors
/// The first name or setting that is not right, with its line.
pub fn check(experiment: &Experiment, located: &Located) -> Result<(), Error> {
    let problems = || PROBLEMS.iter().map(|entry| entry.name);
    let methods = || METHODS.iter().map(|entry| entry.name);
    let Some(entry) = PROBLEMS
        .iter()
        .find(|entry| entry.name == experiment.problem)
    else {
        let reason = unknown("problem", &experiment.problem, problems());
        return Err(located.fail_at("problem", reason).into());
    };
    (entry.read)(located, "task")?;
    let instance = (entry.build)(&experiment.task).map_err(|error| match error {
        ProblemError::Setting { key, reason } => located.fail_at(&join("task", &key), reason),
        other => located.fail_at("task", other.to_string()),
    })?;
    if !methods().any(|name| name == experiment.method) {
        let reason = unknown("method", &experiment.method, methods());
        return Err(located.fail_at("method", reason).into());
    }
    for name in experiment.methods.keys() {
        if !methods().any(|known| known == name) {
            let reason = unknown("method", name, methods());
            return Err(located.fail_at(&format!("methods.{name}"), reason).into());
        }
    }
    for entry in METHODS {
        let used = entry.name == experiment.method;
        let path = format!("methods.{}", entry.name);
        if !used && !experiment.methods.contains_key(entry.name) {
            continue;
        }
        (entry.read)(located, &path)?;
        let setup = setup(experiment, &instance, entry.name);
        match (entry.build)(&setup) {
            Err(MethodError::Setting { key, reason }) => {
                return Err(located.fail_at(&join(&path, &key), reason).into());
            }
            Err(error) if used => return Err(located.fail_at("method", error.to_string()).into()),
            _ => {}
        }
    }
    Ok(())
}

fn join(path: &str, key: &str) -> String {
    if key.is_empty() {
        path.into()
    } else {
        format!("{path}.{key}")
    }
}

/// "There is no such name", with the nearest one and all of them.
fn unknown<'a>(what: &str, name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let nearest = known
        .iter()
        .min_by_key(|candidate| strsim::levenshtein(candidate, name))
        .copied()
        .unwrap_or_default();
    let list = known.join(", ");
    format!("there is no {what} `{name}`; did you mean `{nearest}`? There are: {list}")
}

fn build_reach2d(task: &Value) -> Result<Instance, ProblemError> {
    let config: reach2d::Config = read(task)?;
    let problem = reach2d::make(&config)?;
    let arm = PlanarArm::new(&*problem.hardware());
    Ok(Instance {
        tensor_hardware: arm.map(|arm| Arc::new(arm) as Arc<dyn TensorHardware>),
        problem,
    })
}

fn build_tentacle(task: &Value) -> Result<Instance, ProblemError> {
    let config: tentacle::Config = read(task)?;
    let problem = tentacle::make(&config)?;
    let tensors = TensorTentacle::new(&*problem.hardware());
    Ok(Instance {
        tensor_hardware: Some(Arc::new(tensors)),
        problem,
    })
}

fn build_accelerator(task: &Value) -> Result<Instance, ProblemError> {
    let config: codesign::Config = read(task)?;
    let tensors = TensorAccelerator::new(&codesign::Settings::new(&config)?)?;
    Ok(Instance {
        tensor_hardware: Some(Arc::new(tensors)),
        problem: codesign::make(&config)?,
    })
}

fn build_press(task: &Value) -> Result<Instance, ProblemError> {
    let config: press::Config = read(task)?;
    Ok(Instance {
        problem: press::make(&config)?,
        tensor_hardware: None,
    })
}

fn build_tendon(task: &Value) -> Result<Instance, ProblemError> {
    let config: tendon::Config = read(task)?;
    Ok(Instance {
        problem: tendon::make(&config)?,
        tensor_hardware: None,
    })
}

fn build_attention(task: &Value) -> Result<Instance, ProblemError> {
    let config: recall::Config = read(task)?;
    Ok(Instance {
        problem: recall::make(&config)?,
        tensor_hardware: None,
    })
}

/// The `classic` problem's settings.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct ClassicTask {
    /// Which environment.
    name: String,
}

fn build_classic(task: &Value) -> Result<Instance, ProblemError> {
    let task: ClassicTask = read(task)?;
    let names: Vec<&str> = classic::NAMES.iter().map(|(name, _)| *name).collect();
    let problem = classic::make(&task.name).ok_or_else(|| ProblemError::Setting {
        key: "name".into(),
        reason: format!("`{}` is none of {}", task.name, names.join(", ")),
    })?;
    Ok(Instance {
        problem,
        tensor_hardware: None,
    })
}

/// Reads a problem's settings; an absent section means the defaults.
fn read<T: for<'a> Deserialize<'a> + Default>(task: &Value) -> Result<T, ProblemError> {
    if task.is_null() {
        return Ok(T::default());
    }
    T::deserialize(task).map_err(|error| ProblemError::Setting {
        key: String::new(),
        reason: error.to_string(),
    })
}
