//! From a parameter's edits, as text, to the numbers and bodies of the file that they change.

use std::collections::HashMap;

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_editing::{MjSpec, MjsActuator, MjsTendon, MjtActuator, SpecElement};
use mujoco_rs::wrappers::mj_model::{MjtBias, MjtGain, MjtWrap};
use tandem_core::{Parameter, Scale};

use super::anatomy::Anatomy;
use super::claims::{Claim, claim};
use super::edit::{Edit, Kind, Target, Verb, parse};
use super::error::{ModelError, unknown};
use super::meshes::meshes;
use super::start::start;
use super::stretch::Stretch;
use super::{field, parts};
use crate::config::{ParameterConfig, ScaleConfig};
use crate::pattern::fits;

/// What a parameter's value does to one thing of the file.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// A number becomes `factor` times the value.
    Number {
        kind: Kind,
        element: usize,
        field: String,
        index: usize,
    },
    /// So does the coefficient of a joint in a fixed tendon.
    Coefficient { tendon: String, joint: String },
    /// A body is stretched so that its measure becomes that.
    Stretch(Stretch),
    /// A mesh is scaled along these axes of its file, to that over `own`.
    Mesh { mesh: usize, axes: [bool; 3], own: f64 },
    /// A body's mass becomes that, kg.
    Mass { body: usize },
}

/// An action of an edit.
#[derive(Clone, Debug)]
pub(super) struct Change {
    /// Which edit of its parameter it belongs to.
    pub(super) edit: usize,
    pub(super) factor: f64,
    pub(super) action: Action,
    /// What the file says; NaN where it says nothing.
    pub(super) own: f64,
    pub(super) title: String,
}

/// A design parameter and all that it changes.
#[derive(Clone, Debug)]
pub(super) struct Knob {
    pub(super) parameter: Parameter,
    pub(super) changes: Vec<Change>,
}

impl Knob {
    /// Whether it could move a part of the robot in some pose: what drives the robot and what it weighs cannot.
    pub(super) fn moves(&self) -> bool {
        let still = |action: &Action| match action {
            Action::Number { kind, .. } => {
                matches!(kind, Kind::Actuator | Kind::Tendon | Kind::Equality | Kind::Option)
            }
            Action::Coefficient { .. } | Action::Mass { .. } => true,
            Action::Stretch(_) | Action::Mesh { .. } => false,
        };
        !self.changes.iter().all(|change| still(&change.action))
    }
}

/// The file that edits are resolved in, and what is known of it.
#[derive(Clone, Copy)]
pub(super) struct Source<'a> {
    pub(super) spec: &'a MjSpec,
    pub(super) anatomy: &'a Anatomy,
    pub(super) model: &'a MjModel,
}

/// Finds what the parameters change.
///
/// # Errors
/// The first edit that cannot be read, names nothing, or changes what another one changes; a start that cannot be told.
pub(super) fn resolve(source: Source, parameters: &[ParameterConfig]) -> Result<Vec<Knob>, ModelError> {
    let mut claims = HashMap::new();
    let mut knobs: Vec<Knob> = Vec::new();
    for (i, config) in parameters.iter().enumerate() {
        let key = format!("design[{i}]");
        if config.name.is_empty() {
            return Err(ModelError::setting(format!("{key}.name"), "a parameter needs a name"));
        }
        if knobs.iter().any(|knob| knob.parameter.name == config.name) {
            let reason = format!("there are two parameters `{}`", config.name);
            return Err(ModelError::setting(format!("{key}.name"), reason));
        }
        knobs.push(knob(source, config, &key, &mut claims)?);
    }
    Ok(knobs)
}

fn knob(
    source: Source,
    config: &ParameterConfig,
    key: &str,
    claims: &mut HashMap<Claim, String>,
) -> Result<Knob, ModelError> {
    if config.edit.is_empty() {
        return Err(ModelError::setting(
            format!("{key}.edit"),
            "it changes nothing; name at least one number of the file",
        ));
    }
    let mut changes = changes(source, config, key, claims)?;
    let start = start(config, key, &mut changes)?;
    let meshes = meshes(source, &changes)
        .map_err(|(edit, reason)| ModelError::setting(format!("{key}.edit[{edit}]"), reason))?;
    changes.extend(meshes);
    let parameter = Parameter {
        name: config.name.clone(),
        unit: config.unit.clone(),
        low: config.low,
        high: config.high,
        start,
        scale: match config.scale {
            ScaleConfig::Linear => Scale::Linear,
            ScaleConfig::Log => Scale::Log,
        },
    };
    tandem_core::DesignSpace::new(vec![parameter.clone()]).map_err(|error| {
        let outside = config.low < config.high && config.start.is_some_and(|s| s < config.low || s > config.high);
        let key = if outside { format!("{key}.start") } else { key.into() };
        ModelError::setting(key, error.to_string())
    })?;
    Ok(Knob { parameter, changes })
}

/// What a parameter's edits change, but for the meshes that bodies wear.
fn changes(
    source: Source,
    config: &ParameterConfig,
    key: &str,
    claims: &mut HashMap<Claim, String>,
) -> Result<Vec<Change>, ModelError> {
    let mut changes = Vec::new();
    for (j, text) in config.edit.iter().enumerate() {
        let place = format!("{key}.edit[{j}]");
        let refuse = |reason: String| ModelError::setting(&place, reason);
        let Edit { factor, target } = parse(text).map_err(refuse)?;
        let found = match &target {
            Target::Number {
                kind,
                pattern,
                field,
                index,
            } => numbers(source, *kind, pattern, field, *index),
            Target::Coefficient { tendon, joint } => coefficients(source, tendon, joint),
            Target::Verb { verb, holder, pattern } => bodies(source, config, *verb, *holder, pattern),
        };
        for Found {
            factor: sign,
            action,
            own,
            title,
        } in found.map_err(refuse)?
        {
            claim(&action, source, &place, claims).map_err(refuse)?;
            if !matches!(action, Action::Number { .. } | Action::Coefficient { .. }) && factor * config.low <= 0.0 {
                let reason = format!("{title}: the value must be above 0, and `low` is {}", config.low);
                return Err(ModelError::setting(format!("{key}.low"), reason));
            }
            changes.push(Change {
                edit: j,
                factor: factor * sign,
                action,
                own,
                title,
            });
        }
    }
    Ok(changes)
}

/// Something that an edit names.
struct Found {
    factor: f64,
    action: Action,
    own: f64,
    title: String,
}

/// Places of the elements whose name fits.
fn matching(spec: &MjSpec, kind: Kind, pattern: &str) -> Result<Vec<(usize, String)>, String> {
    if kind == Kind::Option {
        return Ok(vec![(0, String::new())]);
    }
    let names = field::elements(spec, kind);
    let world = usize::from(kind == Kind::Body); // the world is no body that could be changed
    let fit: Vec<_> = names
        .iter()
        .cloned()
        .enumerate()
        .skip(world)
        .filter(|(_, name)| fits(pattern, name))
        .collect();
    match fit.is_empty() {
        true => Err(unknown(
            kind.name(),
            pattern,
            names.iter().skip(world).map(String::as_str),
        )),
        false => Ok(fit),
    }
}

fn numbers(source: Source, kind: Kind, pattern: &str, field: &str, index: Option<usize>) -> Result<Vec<Found>, String> {
    let mut found = Vec::new();
    for (element, name) in matching(source.spec, kind, pattern)? {
        let title = match name.as_str() {
            "" if kind == Kind::Option => format!("`option.{field}`"),
            "" => format!("{} number {element} ({field})", kind.name()),
            name => format!("`{}:{name}.{field}`", kind.name()),
        };
        for (field, index, factor) in raw(source.spec, kind, element, field, index)? {
            let numbers = field::read(source.spec, kind, element, &field);
            let own = numbers
                .and_then(|numbers| numbers.get(index).copied())
                .unwrap_or(f64::NAN);
            let action = Action::Number {
                kind,
                element,
                field,
                index,
            };
            found.push(Found {
                factor,
                action,
                own,
                title: title.clone(),
            });
        }
    }
    Ok(found)
}

/// The raw numbers behind a field: itself, or those that a servo's gain stands for.
fn raw(
    spec: &MjSpec,
    kind: Kind,
    element: usize,
    field: &str,
    index: Option<usize>,
) -> Result<Vec<(String, usize, f64)>, String> {
    if let Some(gain) = servo(spec, kind, element, field).filter(|_| index.is_none()) {
        return Ok(gain
            .iter()
            .map(|&(field, index, factor)| (field.to_string(), index, factor))
            .collect());
    }
    if kind == Kind::Actuator && matches!(field, "kp" | "kv") {
        return Err(match index {
            Some(_) => format!("`{field}` is one number; write it without an index"),
            None => format!(
                "it is no servo with a `{field}`: `kp` is of position servos, `kv` of these and of velocity servos; other \
                 actuators have `gear`, `gainprm` and `biasprm`"
            ),
        });
    }
    let Some(numbers) = field::read(spec, kind, element, field) else {
        let mut names = field::names(kind);
        names.extend((kind == Kind::Tendon).then_some("coef"));
        names.extend((kind == Kind::Actuator).then_some(["kp", "kv"]).into_iter().flatten());
        return Err(unknown("field", field, names));
    };
    let count = numbers.len();
    let scalar = count == 1 || matches!(field, "stiffness" | "damping");
    match index {
        Some(index) if index < count => Ok(vec![(field.into(), index, 1.0)]),
        Some(index) => Err(format!(
            "`{field}` has {count} numbers, [0] to [{}], and no [{index}]",
            count - 1
        )),
        None if scalar => Ok(vec![(field.into(), 0, 1.0)]),
        None => Err(format!(
            "`{field}` has {count} numbers; say which: `{field}[0]` to `{field}[{}]`",
            count - 1
        )),
    }
}

/// `kp` and `kv` of MuJoCo's servos: force = kp (ctrl - q) - kv q', or kv (ctrl - q').
fn servo(spec: &MjSpec, kind: Kind, element: usize, field: &str) -> Option<&'static [(&'static str, usize, f64)]> {
    if kind != Kind::Actuator {
        return None;
    }
    let actuators = parts::all::<MjsActuator>(spec);
    let actuator = actuators.get(element)?;
    // a `general` with the numbers of a servo is one
    let affine = actuator.gaintype() == MjtGain::mjGAIN_FIXED && actuator.biastype() == MjtBias::mjBIAS_AFFINE;
    let (gain, bias) = (actuator.gainprm()[0], actuator.biasprm());
    let opposed = |number: f64| affine && gain != 0.0 && number == -gain;
    let position = actuator.type_() == MjtActuator::mjACTUATOR_POSITION || opposed(bias[1]);
    let velocity = actuator.type_() == MjtActuator::mjACTUATOR_VELOCITY || (bias[1] == 0.0 && opposed(bias[2]));
    match field {
        "kp" if position => Some(&[("gainprm", 0, 1.0), ("biasprm", 1, -1.0)]),
        "kv" if position => Some(&[("biasprm", 2, -1.0)]),
        "kv" if velocity => Some(&[("gainprm", 0, 1.0), ("biasprm", 2, -1.0)]),
        _ => None,
    }
}

fn coefficients(source: Source, tendon: &str, joint: &str) -> Result<Vec<Found>, String> {
    let mut found = Vec::new();
    let tendons = parts::all::<MjsTendon>(source.spec);
    for (element, name) in matching(source.spec, Kind::Tendon, tendon)? {
        let wraps = (0..tendons[element].wrap_num()).filter_map(|i| tendons[element].try_wrap(i).ok());
        let joints: Vec<_> = wraps.filter(|wrap| wrap.type_() == MjtWrap::mjWRAP_JOINT).collect();
        if joints.is_empty() || name.is_empty() {
            return Err(format!(
                "tendon `{name}` is not fixed to joints; only `<fixed>` tendons with a name have coefficients"
            ));
        }
        let fitting = joints.iter().filter(|wrap| fits(joint, wrap.name()));
        let before = found.len();
        found.extend(fitting.map(|wrap| Found {
            factor: 1.0,
            own: wrap.coef(),
            title: format!("`tendon:{name}.coef[{}]`", wrap.name()),
            action: Action::Coefficient {
                tendon: name.clone(),
                joint: wrap.name().into(),
            },
        }));
        if found.len() == before {
            return Err(unknown("joint", joint, joints.iter().map(|wrap| wrap.name())));
        }
    }
    Ok(found)
}

fn bodies(
    source: Source,
    config: &ParameterConfig,
    verb: Verb,
    holder: Kind,
    pattern: &str,
) -> Result<Vec<Found>, String> {
    let Source { spec, anatomy, model } = source;
    let mut found: Vec<Found> = Vec::new();
    let mut seen = Vec::new();
    for (element, _) in matching(spec, holder, pattern)? {
        let body = match holder {
            Kind::Geom => anatomy.body_of_geom(element),
            Kind::Joint => anatomy.body_of_joint(element),
            _ => Some(element),
        };
        let body = body.ok_or("it is on no body")?;
        if seen.contains(&body) {
            continue;
        }
        seen.push(body);
        let title = format!("`{}` of {}", verb.name(), anatomy.title(body));
        let (action, own) = if verb == Verb::Mass {
            if spec.compiler().settotalmass() > 0.0 {
                return Err("the file's `<compiler settotalmass>` would undo it".into());
            }
            (Action::Mass { body }, model.body_mass()[anatomy.bodies[body].id])
        } else {
            let named = (holder == Kind::Geom).then_some(element);
            let stretch = Stretch::plan((spec, anatomy, model), verb, body, named, config.inertial)?;
            let own = stretch.own;
            (Action::Stretch(stretch), own)
        };
        if own <= 0.0 {
            return Err(format!("{title} is {own} in the file"));
        }
        found.push(Found {
            factor: 1.0,
            action,
            own,
            title,
        });
    }
    Ok(found)
}
