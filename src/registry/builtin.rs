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

use super::{CheckMethod, Instance, MethodEntry, ProblemEntry, Selectivity, read, typed};
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
    resolve: fn(&C) -> Result<C, ProblemError>,
) -> ProblemEntry {
    let resolve = move |task: &Value| {
        let failed = |error: serde_json::Error| SettingError::new("", error.to_string());
        Ok(serde_json::to_value(resolve(&read(task)?)?).map_err(failed)?)
    };
    ProblemEntry {
        name,
        about,
        build: Box::new(build),
        read: typed::<C>,
        variants,
        selectivity: None,
        files: None,
        resolve: Box::new(resolve),
        schema: Some(schema::section::<C>),
    }
}

/// The same with a measure of how many random designs of its presets work.
fn measured(
    entry: ProblemEntry,
    presets: &'static [Preset],
    measure: fn(&str, usize, u64) -> Result<Share, ProblemError>,
) -> ProblemEntry {
    ProblemEntry {
        selectivity: Some(Selectivity { presets, measure }),
        ..entry
    }
}

/// All problems of Tandem.
pub(super) fn problems() -> Vec<ProblemEntry> {
    vec![
        measured(
            entry::<reach2d::Config>(
                "reach2d",
                "planar arms that reach a goal, among walls; link lengths (and more) are designed",
                build_reach2d,
                || presets(&reach2d::PRESETS),
                reach2d::Config::resolved,
            ),
            &reach2d::PRESETS,
            |preset, designs, seed| {
                let preset = Some(preset.into());
                let config = reach2d::Config {
                    preset,
                    ..reach2d::Config::default()
                };
                reach2d::selectivity(&reach2d::Settings::new(&config)?, designs, seed)
            },
        ),
        measured(
            entry::<tentacle::Config>(
                "tentacle",
                "a tendon-driven tentacle that reaches nine goals; pulleys, pretension and links are designed",
                build_tentacle,
                || presets(&tentacle::PRESETS),
                tentacle::Config::resolved,
            ),
            &tentacle::PRESETS,
            |preset, designs, seed| {
                let preset = Some(preset.into());
                let config = tentacle::Config {
                    preset,
                    ..tentacle::Config::default()
                };
                tentacle::selectivity(&tentacle::Settings::new(&config)?, designs, seed)
            },
        ),
        entry::<codesign::Config>(
            "accelerator",
            "a neural network mapped layer after layer onto a platform of array, buffers, clock and memory, all designed",
            build_accelerator,
            || presets(&codesign::PRESETS),
            codesign::Config::resolved,
        ),
        press(),
        tendon(),
        robot(),
        attention(),
        entry::<ClassicTask>(
            "classic",
            "cartpole, pendulum, acrobot and others without a design: the proof of PPO",
            build_classic,
            || {
                let row = |(name, about): &(&str, &str)| (format!("name {name}"), (*about).into());
                classic::NAMES.iter().map(row).collect()
            },
            |task| Ok(task.clone()),
        ),
    ]
}

fn press() -> ProblemEntry {
    let about = "a hand that lifts a long box and presses the button on its end; fingers are placed and sized";
    measured(
        entry(
            "hand3d-press",
            about,
            build_press,
            || presets(&press::PRESETS),
            press::Config::resolved,
        ),
        &press::PRESETS,
        |_, designs, seed| press::selectivity(&press::Settings::new(&Default::default())?, designs, seed),
    )
}

fn tendon() -> ProblemEntry {
    let about = "a tendon-driven hand that lifts and holds objects; pulleys and springs are designed";
    measured(
        entry(
            "hand3d-tendon",
            about,
            build_tendon,
            || presets(&tendon::PRESETS),
            tendon::Config::resolved,
        ),
        &tendon::PRESETS,
        |_, designs, seed| tendon::selectivity(&tendon::Settings::new(&Default::default())?, designs, seed),
    )
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
    measured(
        entry("attention", about, build_attention, variants, recall::Config::resolved),
        &recall::PRESETS,
        |_, designs, seed| recall::selectivity(&recall::Settings::new(&Default::default())?, designs, seed),
    )
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
    let failed = |error: serde_json::Error| SettingError::new("", error.to_string());
    let settings: S = read(setup.settings)?;
    Ok(serde_json::to_value(settings.resolved(setup)).map_err(failed)?)
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
    let config: press::Config = read(task)?;
    Ok(Instance::new(press::make(&config)?))
}

fn build_tendon(task: &Value) -> Result<Instance, ProblemError> {
    let config: tendon::Config = read(task)?;
    Ok(Instance::new(tendon::make(&config)?))
}

fn build_robot(task: &Value) -> Result<Instance, ProblemError> {
    // no defaults: a robot without a file is none
    let config = tandem_robot::Config::deserialize(task).map_err(|e| SettingError::new("", e.to_string()))?;
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
    let failed = |error: serde_json::Error| SettingError::new("", error.to_string());
    let config = tandem_robot::Config::deserialize(task).map_err(failed)?;
    let mut task = serde_json::to_value(config).map_err(failed)?;
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
    let config: recall::Config = read(task)?;
    Ok(Instance::new(recall::make(&config)?))
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
