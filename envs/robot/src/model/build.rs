//! From a design to its edited file and compiled model.

use std::sync::{Arc, PoisonError};

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_editing::{MjSpec, MjsBody, MjsGeom, MjsMesh, MjtBuiltin};
use nalgebra::Vector3;
use rayon::prelude::*;
use tandem_core::Design;

use super::edit::Kind;
use super::error::{ModelError, said};
use super::resolve::{Action, Change, Knob};
use super::{Robot, coefficient, field, inertia, motor, parts};

impl Robot {
    /// Edits and compiles a copy of the file, and hands both over.
    pub(super) fn build<T>(
        &self,
        knobs: &[Knob],
        design: &[f64],
        pictures: Pictures,
        take: impl FnOnce(&MjSpec, Arc<MjModel>) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let guard = self.pristine.lock().unwrap_or_else(PoisonError::into_inner);
        let mut spec = copy(&guard.0).map_err(|reason| self.blame(design, reason))?;
        if pictures != Pictures::Full {
            drop_pictures(&mut spec);
        }
        let guard = self.shared.then_some(guard); // else other threads go on while this one compiles
        let built = self
            .edit(&mut spec, knobs, design)
            .and_then(|()| match pictures {
                Pictures::Bare => self.bare.strip(&mut spec),
                _ => Ok(()),
            })
            .and_then(|()| self.finish(&mut spec, knobs, design));
        let built = built.map_err(|reason| self.blame(design, reason));
        let built = built.and_then(|(whole, model)| take(whole.as_ref().unwrap_or(&spec), model));
        drop(spec);
        drop(guard);
        built
    }

    /// All edits but those that need a compiled model.
    fn edit(&self, spec: &mut MjSpec, knobs: &[Knob], design: &[f64]) -> Result<(), String> {
        for (Change { factor, action, .. }, value) in changes(knobs, design) {
            if !(factor * value).is_finite() {
                return Err(format!("{factor} times {value} is no finite number"));
            }
            if let Action::Number {
                kind,
                element,
                field,
                index,
            } = action
            {
                field::write(spec, *kind, *element, field, *index, factor * value);
            }
        }
        for (Change { factor, action, .. }, value) in changes(knobs, design) {
            match action {
                Action::Stretch(stretch) => match ratio(factor * value, stretch.own) {
                    1.0 => {}
                    ratio => stretch.apply(spec, &self.anatomy, ratio)?,
                },
                Action::Mesh { mesh, axes, own } => {
                    let ratio = ratio(factor * value, *own);
                    let mesh = parts::nth::<MjsMesh>(spec, *mesh).ok_or("a mesh got lost")?;
                    let scale = mesh.scale_mut().iter_mut().zip(axes);
                    scale
                        .filter(|(_, wanted)| **wanted)
                        .for_each(|(scale, _)| *scale *= ratio);
                }
                _ => {}
            }
        }
        motor::apply(spec, &self.motors);
        Ok(())
    }

    /// Masses, clearance and coefficients, and the model; the file anew where it had to be written and read again.
    fn finish(
        &self,
        spec: &mut MjSpec,
        knobs: &[Knob],
        design: &[f64],
    ) -> Result<(Option<MjSpec>, Arc<MjModel>), String> {
        self.weigh_and_lift(spec, knobs, design)?;
        let coefficients: Vec<(String, String, f64)> = changes(knobs, design)
            .filter_map(|(change, value)| match &change.action {
                Action::Coefficient { tendon, joint } => Some((tendon.clone(), joint.clone(), change.factor * value)),
                _ => None,
            })
            .collect();
        let mut model = compile(spec)?;
        let mut whole = None;
        if !coefficients.is_empty() {
            let mut anew = coefficient::rewrite(spec, self.files.folder(), &coefficients)?;
            model = compile(&mut anew)?;
            whole = Some(anew);
        }
        self.same_sizes(&model)?;
        let model = Arc::new(model);
        let carried = |body, point| self.carried(knobs, design, body, point);
        self.ties
            .survive(&model, |tendon| self.tendon_is_designed(tendon), carried)?;
        Ok((whole, model))
    }

    /// Masses and heights, which are told by a model that is compiled for them.
    fn weigh_and_lift(&self, spec: &mut MjSpec, knobs: &[Knob], design: &[f64]) -> Result<(), String> {
        let masses: Vec<(usize, f64)> = changes(knobs, design)
            .filter_map(|(change, value)| match change.action {
                Action::Mass { body } => Some((body, change.factor * value)),
                _ => None,
            })
            .collect();
        if masses.is_empty() && self.clearance.is_empty() && self.mass_range.is_none() {
            return Ok(());
        }
        let mut light = copy(spec)?;
        self.bare.strip(&mut light)?;
        let model = Arc::new(compile(&mut light)?);
        drop(light);
        let mut whole: f64 = model.body_mass().iter().sum();
        for (body, mass) in masses {
            let before = model.body_mass()[self.anatomy.bodies[body].id];
            self.weigh(spec, body, ratio(mass, before))?;
            whole += mass - before;
        }
        self.keep_mass(spec, &model, whole)?;
        self.clearance.keep(spec, &model).map_err(said)
    }

    /// Scales all masses alike where the robot's whole mass, kg, has left its range.
    fn keep_mass(&self, spec: &mut MjSpec, model: &MjModel, whole: f64) -> Result<(), String> {
        let Some([low, high]) = self.mass_range else {
            return Ok(());
        };
        let share = whole.clamp(low, high) / whole;
        if share == 1.0 {
            return Ok(());
        }
        for body in 0..self.anatomy.bodies.len() {
            if model.body_mass()[self.anatomy.bodies[body].id] > 0.0 {
                self.weigh(spec, body, share)?;
            }
        }
        Ok(())
    }

    /// Multiplies a body's mass: its own, where the file says it, else those of its geoms.
    fn weigh(&self, spec: &mut MjSpec, body: usize, ratio: f64) -> Result<(), String> {
        if !(ratio.is_finite() && ratio > 0.0) {
            return Err(format!(
                "{} has no mass that could be changed",
                self.anatomy.title(body)
            ));
        }
        if parts::all::<MjsBody>(spec)
            .get(body)
            .is_some_and(|body| inertia::explicit(spec, body))
        {
            parts::nth::<MjsBody>(spec, body)
                .into_iter()
                .for_each(|body| inertia::multiply(body, ratio));
            return Ok(());
        }
        for &geom in &self.anatomy.bodies[body].geoms {
            let geom = parts::nth::<MjsGeom>(spec, geom).ok_or("a geom got lost")?;
            geom.set_mass(geom.mass() * ratio); // NaN, where the file says none, stays NaN
            geom.set_density(geom.density() * ratio);
        }
        Ok(())
    }

    /// Where a point of a body, by its number in the compiled model, comes to lie in its axes, m.
    fn carried(&self, knobs: &[Knob], design: &[f64], body: usize, point: Vector3<f64>) -> Vector3<f64> {
        changes(knobs, design).fold(point, |point, (change, value)| match &change.action {
            Action::Stretch(stretch) if self.anatomy.bodies[stretch.body].id == body => {
                stretch.carried(ratio(change.factor * value, stretch.own), point)
            }
            _ => point,
        })
    }

    /// Policies and stored states fit one shape of robot only.
    fn same_sizes(&self, model: &MjModel) -> Result<(), String> {
        let sizes = |model: &MjModel| {
            let m = model.ffi();
            let sizes = [
                m.nq,
                m.nv,
                m.nu,
                m.na,
                m.nbody,
                m.njnt,
                m.ngeom,
                m.nsite,
                m.ntendon,
                m.neq,
                m.nsensor,
                m.nsensordata,
            ];
            sizes.map(i64::from)
        };
        match sizes(model) == sizes(&self.origin) {
            true => Ok(()),
            false => {
                Err("the robot has other parts than in the file: a designed number must not add or remove any".into())
            }
        }
    }

    fn tendon_is_designed(&self, tendon: usize) -> bool {
        let length = |change: &Change| match &change.action {
            Action::Number {
                kind, element, field, ..
            } => *kind == Kind::Tendon && *element == tendon && matches!(field.as_str(), "range" | "springlength"),
            _ => false,
        };
        self.knobs.iter().any(|knob| knob.changes.iter().any(length))
    }

    /// Each edit must change something of the compiled model, or it was meant otherwise.
    pub(super) fn check_effects(&self) -> Result<(), ModelError> {
        let last = |knob: &Knob| knob.changes.iter().map(|change| change.edit).max();
        let edits = |(i, knob): (usize, &Knob)| (0..last(knob).map_or(0, |last| last + 1)).map(move |edit| (i, edit));
        let edits: Vec<(usize, usize)> = self.knobs.iter().enumerate().flat_map(edits).collect();
        match edits.into_par_iter().find_first(|&(i, edit)| self.is_idle(i, edit)) {
            None => Ok(()),
            Some((i, edit)) => {
                let reason = "it changes nothing of the robot; perhaps the file says the same in another way (`euler` instead of \
                              `quat`, `fromto` instead of `pos` and `size[1]`, `mass` instead of `density`)";
                Err(ModelError::setting(format!("design[{i}].edit[{edit}]"), reason))
            }
        }
    }

    /// Whether an edit, alone of its parameter, changes no byte of the model from the start to the farther bound.
    fn is_idle(&self, i: usize, edit: usize) -> bool {
        let mut alone = self.knobs.clone();
        alone[i].changes.retain(|change| change.edit == edit);
        let p = &self.knobs[i].parameter;
        let start = self.space.start();
        let mut moved: Design = start.clone();
        moved[i] = if p.high - p.start > p.start - p.low {
            p.high
        } else {
            p.low
        };
        // most edits change what moves, and that is built in a fraction of the time where there are meshes
        let same = |pictures| {
            let model = |design: &[f64]| self.build(&alone, design, pictures, |_, model| Ok(bytes(&model)));
            match (model(&start), model(&moved)) {
                (Ok(before), Ok(after)) => before == after,
                _ => false, // a bound that cannot be built is told by the survey
            }
        };
        same(Pictures::Bare) && (self.bare.is_empty() || same(Pictures::Shapes))
    }

    /// How a design that cannot be built is told.
    pub(super) fn blame(&self, design: &[f64], reason: String) -> ModelError {
        let value = |(p, v): (&tandem_core::Parameter, &f64)| format!("{} = {v}", p.name);
        let values: Vec<String> = self.space.parameters.iter().zip(design).map(value).collect();
        let design = match values.is_empty() {
            true => "the robot".into(),
            false => format!("the design {}", values.join(", ")),
        };
        ModelError::Design { design, reason }
    }
}

/// The new value over the file's; 1 where they differ by a rounding error, so that the start is the file to the last bit.
fn ratio(value: f64, own: f64) -> f64 {
    let ratio = value / own;
    if (ratio - 1.0).abs() < 1e-12 { 1.0 } else { ratio }
}

/// What a model has of the file that is only there to be looked at.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Pictures {
    /// All of it.
    Full,
    /// Meshes, but no textures.
    Shapes,
    /// Nothing.
    Bare,
}

/// Makes all textures as small as they can be.
fn drop_pictures(spec: &mut MjSpec) {
    for texture in spec.texture_iter_mut() {
        texture.set_builtin(MjtBuiltin::mjBUILTIN_FLAT);
        texture.set_file("");
        texture.set_width(1);
        texture.set_height(1);
    }
}

/// All changes of a design, each with its parameter's value.
fn changes<'a>(knobs: &'a [Knob], design: &'a [f64]) -> impl Iterator<Item = (&'a Change, f64)> {
    let pairs = knobs.iter().zip(design);
    pairs.flat_map(|(knob, &value)| knob.changes.iter().map(move |change| (change, value)))
}

/// A copy of a file, not compiled.
pub(super) fn copy(spec: &MjSpec) -> Result<MjSpec, String> {
    spec.try_clone().map_err(said)
}

fn compile(spec: &mut MjSpec) -> Result<MjModel, String> {
    spec.compile().map_err(said)
}

/// A model as MuJoCo stores it.
fn bytes(model: &MjModel) -> Vec<u8> {
    let mut bytes = vec![0; model.size()];
    match model.save_to_buffer(&mut bytes) {
        Ok(()) => bytes,
        Err(_) => Vec::new(),
    }
}
