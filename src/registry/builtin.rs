//! Tandem's own problems and methods.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tandem_accelerator::codesign;
use tandem_attention::recall;
use tandem_core::check::SettingError;
use tandem_core::{Environment, Preset, ProblemError, Share};
use tandem_learning::design::{
    Cma, CmaSettings, DesignOptimizer, Fixed, FixedSettings, Gaussian, GaussianSettings, HardwareAsPolicy,
    HardwareAsPolicySettings, MethodError, MethodSettings, Morph, MorphConditioned, MorphConditionedSettings,
    MorphSettings, Random, RandomSettings, Setup, TensorHardware,
};
use tandem_physics::classic;
use tandem_physics::hand3d::{press, tendon};
use tandem_physics::reach2d;
use tandem_physics::tentacle;

use super::{CheckMethod, Instance, MethodEntry, ProblemEntry, Selectivity, filled, read, to_value, typed};
use crate::schema;
use crate::tensor_hardware::{PlanarArm, TensorAccelerator, TensorRobot, TensorTentacle};

fn presets(presets: &[Preset]) -> Vec<(String, String)> {
    let row = |p: &Preset| (format!("preset {}", p.name), p.about.into());
    presets.iter().map(row).collect()
}

/// A problem whose settings are of type `C`.
fn entry<C: DeserializeOwned + Default + Serialize + JsonSchema + 'static>(
    name: &'static str,
    about: &'static str,
    build: fn(&Value) -> Result<Instance, ProblemError>,
    variants: fn() -> Vec<(String, String)>,
) -> ProblemEntry {
    ProblemEntry {
        name,
        about,
        build: Box::new(build),
        read: typed::<C>,
        variants,
        selectivity: None,
        files: None,
        resolve: Box::new(|task| Ok(filled::<C>(task)?)),
        schema: Some(schema::section::<C>),
    }
}

impl ProblemEntry {
    /// The same with settings that a preset fills in.
    fn resolving<C: DeserializeOwned + Default + Serialize + 'static>(
        self,
        resolve: fn(&C) -> Result<C, ProblemError>,
    ) -> Self {
        Self {
            resolve: Box::new(move |task| Ok(to_value(&resolve(&read(task)?)?)?)),
            ..self
        }
    }

    /// The same with a measure of how many random designs of its presets work.
    fn measured(
        self,
        presets: &'static [Preset],
        measure: fn(&str, usize, u64) -> Result<Share, ProblemError>,
    ) -> Self {
        Self {
            selectivity: Some(Selectivity { presets, measure }),
            ..self
        }
    }
}

/// All problems of Tandem.
pub(super) fn problems() -> Vec<ProblemEntry> {
    vec![
        reach2d(),
        tentacle(),
        accelerator(),
        press(),
        tendon(),
        robot(),
        attention(),
        classic(),
    ]
}

fn reach2d() -> ProblemEntry {
    let about = "planar arms that reach a goal, among walls; link lengths (and more) are designed";
    entry::<reach2d::Config>("reach2d", about, build_reach2d, || presets(&reach2d::PRESETS))
        .resolving(reach2d::Config::resolved)
        .measured(&reach2d::PRESETS, |preset, designs, seed| {
            let config = reach2d::Config {
                preset: Some(preset.into()),
                ..reach2d::Config::default()
            };
            reach2d::selectivity(&reach2d::Settings::new(&config)?, designs, seed)
        })
}

fn tentacle() -> ProblemEntry {
    let about = "a tendon-driven tentacle that reaches nine goals; pulleys, pretension and links are designed";
    entry::<tentacle::Config>("tentacle", about, build_tentacle, || presets(&tentacle::PRESETS))
        .resolving(tentacle::Config::resolved)
        .measured(&tentacle::PRESETS, |preset, designs, seed| {
            let config = tentacle::Config {
                preset: Some(preset.into()),
                ..tentacle::Config::default()
            };
            tentacle::selectivity(&tentacle::Settings::new(&config)?, designs, seed)
        })
}

fn accelerator() -> ProblemEntry {
    let about =
        "a neural network mapped layer after layer onto a platform of array, buffers, clock and memory, all designed";
    entry::<codesign::Config>("accelerator", about, build_accelerator, || presets(&codesign::PRESETS))
        .resolving(codesign::Config::resolved)
}

fn press() -> ProblemEntry {
    let about = "a hand that lifts a long box and presses the button on its end; fingers are placed and sized";
    entry::<press::Settings>("hand3d-press", about, build_press, || presets(&press::PRESETS))
        .measured(&press::PRESETS, |_, designs, seed| {
            press::selectivity(&press::Settings::default(), designs, seed)
        })
}

fn tendon() -> ProblemEntry {
    let about = "a tendon-driven hand that lifts and holds objects; pulleys and springs are designed";
    entry::<tendon::Settings>("hand3d-tendon", about, build_tendon, || presets(&tendon::PRESETS))
        .measured(&tendon::PRESETS, |_, designs, seed| {
            tendon::selectivity(&tendon::Settings::default(), designs, seed)
        })
}

fn attention() -> ProblemEntry {
    let about = "an analog attention circuit as the memory of an encoder that learns to use it; bits, window and voltages are \
                 designed";
    let variants = || {
        let large = "a circuit designed with a transformer trained on text: `tandem train experiments/attention.json`";
        let mut rows = presets(&recall::PRESETS);
        rows.push(("language model".into(), large.into()));
        rows
    };
    entry::<recall::Settings>("attention", about, build_attention, variants)
        .measured(&recall::PRESETS, |_, designs, seed| {
            recall::selectivity(&recall::Settings::default(), designs, seed)
        })
}

fn classic() -> ProblemEntry {
    let about = "cartpole, pendulum, acrobot and others without a design: the proof of PPO";
    entry::<ClassicTask>("classic", about, build_classic, || {
        let row = |(name, about): &(&str, &str)| (format!("name {name}"), (*about).into());
        classic::NAMES.iter().map(row).collect()
    })
}

fn robot() -> ProblemEntry {
    let about =
        "a robot of your own: an MJCF or URDF file in MuJoCo, parameters of it that are designed, and a task of terms";
    ProblemEntry {
        name: "robot",
        about,
        build: Box::new(build_robot),
        read: typed::<tandem_robot::Config>,
        variants: || {
            let terms = "what can be observed, commanded, rewarded: `tandem list terms`";
            vec![("terms".into(), terms.into())]
        },
        selectivity: None,
        files: Some(super::robot_files::FILES),
        resolve: Box::new(resolve_robot),
        schema: Some(schema::section::<tandem_robot::Config>),
    }
}

/// A method whose settings are of type `S`.
fn method<S: DeserializeOwned + Default + Serialize + MethodSettings + JsonSchema>(
    name: &'static str,
    about: &'static str,
    build: fn(&Setup) -> Result<Box<dyn DesignOptimizer>, MethodError>,
    check: Option<CheckMethod>,
) -> MethodEntry {
    MethodEntry {
        name,
        about,
        build: Box::new(build),
        read: typed::<S>,
        check,
        resolve: Box::new(|setup| resolve_method::<S>(setup)),
        schema: Some(schema::section::<S>),
    }
}

/// All methods of Tandem.
pub(super) fn methods() -> Vec<MethodEntry> {
    vec![
        method::<MorphSettings>(
            "morph",
            "a proxy network is the hardware; CMA-ES draws the design from it (as published)",
            |setup| Ok(Box::new(Morph::new(setup)?)),
            Some(|setup| Morph::check(setup).map(drop)),
        ),
        method::<MorphConditionedSettings>(
            "morph-conditioned",
            "the proxy sees the design, which moves by the policy gradient through it",
            |setup| Ok(Box::new(MorphConditioned::new(setup)?)),
            Some(|setup| MorphConditioned::check(setup).map(drop)),
        ),
        method::<HardwareAsPolicySettings>(
            "hardware-as-policy",
            "exact gradient through the hardware model, where it has a differentiable form",
            |setup| Ok(Box::new(HardwareAsPolicy::new(setup)?)),
            None,
        ),
        method::<GaussianSettings>(
            "gaussian",
            "a Gaussian over designs, one draw per episode, moved by the score function",
            |setup| Ok(Box::new(Gaussian::new(setup)?)),
            None,
        ),
        method::<CmaSettings>(
            "cma",
            "CMA-ES over designs, a stretch of PPO for each candidate",
            |setup| Ok(Box::new(Cma::new(setup)?)),
            None,
        ),
        method::<RandomSettings>(
            "random",
            "random designs, a stretch of PPO each; the best is kept",
            |setup| Ok(Box::new(Random::new(setup)?)),
            None,
        ),
        method::<FixedSettings>(
            "fixed",
            "the design stays; only the policy learns",
            |setup| Ok(Box::new(Fixed::new(setup)?)),
            None,
        ),
    ]
}

/// A method's settings with every default, also those that follow from the problem.
fn resolve_method<S>(setup: &Setup) -> Result<Value, MethodError>
where
    S: DeserializeOwned + Default + Serialize + MethodSettings,
{
    let settings: S = read(setup.settings)?;
    Ok(to_value(&settings.resolved(setup))?)
}

fn build_reach2d(task: &Value) -> Result<Instance, ProblemError> {
    let config: reach2d::Config = read(task)?;
    let problem = reach2d::make(&config)?;
    let arm = PlanarArm::new(&*problem.hardware());
    Ok(Instance {
        tensor_hardware: arm.map(|arm| Arc::new(arm) as Arc<dyn TensorHardware>),
        ..Instance::new(problem)
    })
}

fn build_tentacle(task: &Value) -> Result<Instance, ProblemError> {
    let config: tentacle::Config = read(task)?;
    let problem = tentacle::make(&config)?;
    let tensors = TensorTentacle::new(&*problem.hardware());
    Ok(Instance {
        tensor_hardware: Some(Arc::new(tensors)),
        ..Instance::new(problem)
    })
}

fn build_accelerator(task: &Value) -> Result<Instance, ProblemError> {
    let config: codesign::Config = read(task)?;
    let tensors = TensorAccelerator::new(&codesign::Settings::new(&config)?)?;
    Ok(Instance {
        tensor_hardware: Some(Arc::new(tensors)),
        ..Instance::new(codesign::make(&config)?)
    })
}

fn build_press(task: &Value) -> Result<Instance, ProblemError> {
    Ok(Instance::new(press::make(read(task)?)?))
}

fn build_tendon(task: &Value) -> Result<Instance, ProblemError> {
    Ok(Instance::new(tendon::make(read(task)?)?))
}

/// A robot's settings. There are no defaults: a robot without a file is none.
fn robot_config(task: &Value) -> Result<tandem_robot::Config, SettingError> {
    tandem_robot::Config::deserialize(task).map_err(|error| SettingError::new("", error.to_string()))
}

fn build_robot(task: &Value) -> Result<Instance, ProblemError> {
    let config = robot_config(task)?;
    let world = tandem_robot::RobotWorld::new(&config)?;
    let effects = world.linear_effects();
    Ok(Instance {
        tensor_hardware: effects.map(|effects| Arc::new(TensorRobot::new(effects)) as Arc<dyn TensorHardware>),
        robot: Some(world.robot().clone()),
        problem: Box::new(Environment::new(world)),
    })
}

/// A robot's settings with every default; what only the model's file says stays open.
fn resolve_robot(task: &Value) -> Result<Value, ProblemError> {
    let mut task = to_value(&robot_config(task)?)?;
    drop_nulls(&mut task);
    Ok(task)
}

/// Removes members that say nothing, with which terms of a robot would be full.
fn drop_nulls(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|_, member| !member.is_null());
            members.values_mut().for_each(drop_nulls);
        }
        Value::Array(items) => items.iter_mut().for_each(drop_nulls),
        _ => {}
    }
}

fn build_attention(task: &Value) -> Result<Instance, ProblemError> {
    Ok(Instance::new(recall::make(read(task)?)?))
}

/// The `classic` problem's settings.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
struct ClassicTask {
    /// Which environment.
    name: String,
}

fn build_classic(task: &Value) -> Result<Instance, ProblemError> {
    let task: ClassicTask = read(task)?;
    let names: Vec<&str> = classic::NAMES.iter().map(|(name, _)| *name).collect();
    let unknown = || SettingError::new("name", format!("`{}` is none of {}", task.name, names.join(", ")));
    let problem = classic::make(&task.name).ok_or_else(unknown)?;
    Ok(Instance::new(problem))
}
