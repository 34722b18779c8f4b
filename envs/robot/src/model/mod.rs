//! A robot's file, its design parameters, and the compiled models of designs.
//!
//! A parameter's `edit` names numbers of the file (`geom:*_foot.size[0]`) or bodies whose shape or mass changes
//! (`length(body:*_thigh)`). [`Robot::load`] resolves all of it once and refuses what cannot be done; [`Robot::compile`] then
//! turns a design into a model. The file itself is never changed: [`Robot::xml`] is the edited one.

mod anatomy;
mod bundle;
mod cache;
mod clearance;
mod coefficient;
mod edit;
mod error;
mod field;
mod files;
mod inertia;
mod limits;
mod motor;
mod parts;
mod place;
mod resolve;
mod stretch;
mod survey;
mod survive;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_editing::{MjSpec, MjsBody, MjsGeom, MjsMesh, MjtBuiltin, SpecElement, SpecItem};
use nalgebra::Vector3;
use tandem_core::{Design, DesignSpace};

use crate::Config;
use anatomy::Anatomy;
use cache::Cache;
use clearance::Clearance;
use edit::Kind;
pub use bundle::{RobotFiles, bundle};
pub use error::ModelError;
use error::said;
use motor::Motor;
use resolve::{Action, Change, Knob, Source};
pub use survey::Sample;
use survive::Ties;

/// A robot's file with its design parameters. Designs are compiled and kept by any number of threads at once.
pub struct Robot {
    files: files::Files,
    pristine: Mutex<Pristine>,
    /// Whether copies of the file share parts of it (`<model>`), so that only one may be alive at a time.
    shared: bool,
    anatomy: Anatomy,
    space: DesignSpace,
    knobs: Vec<Knob>,
    motors: Vec<Motor>,
    clearance: Clearance,
    ties: Ties,
    /// The file as it is: same sizes are asked of every design.
    origin: Arc<MjModel>,
    start: Arc<MjModel>,
    warnings: Vec<String>,
    cache: Mutex<Cache>,
}

/// The parsed file. It is never compiled, only copied, so that each copy has its parts in the same order.
struct Pristine(MjSpec);

// SAFETY: the file is only used under a lock. Copies share nothing with it, but for attached files (`<model>`), and with those
// the lock is held for as long as a copy lives.
unsafe impl Send for Pristine {}

impl Robot {
    /// Reads a robot's file, resolves its design parameters, and checks all that can be checked without trying designs other
    /// than the start (see [`Robot::survey`] for those).
    ///
    /// # Errors
    /// A file that cannot be read or that MuJoCo refuses; a parameter that changes nothing, or something that cannot be
    /// changed; a start that cannot be built.
    pub fn load(config: &Config) -> Result<Self, ModelError> {
        crate::engine::install();
        let files = files::Files::of(&config.model)?;
        let refuse = |reason: String| ModelError::File {
            path: config.model.clone(),
            reason,
        };
        let mut spec = MjSpec::from_xml(files.model()).map_err(|error| refuse(hint(said(error))))?;
        limits::check(&spec).map_err(refuse)?;
        settle(&mut spec).map_err(|reason| refuse(hint(reason)))?;
        if let Some(step) = config.time_step {
            if !(step.is_finite() && step > 0.0) {
                return Err(ModelError::setting(
                    "time_step",
                    format!("is {step}; it must be a positive number of seconds"),
                ));
            }
            spec.option_mut().timestep = step;
        }
        let (anatomy, model) = Anatomy::read(copy(&spec).map_err(refuse)?).map_err(refuse)?;
        limits::check_model(&model).map_err(refuse)?;
        let source = Source {
            spec: &spec,
            anatomy: &anatomy,
            model: &model,
        };
        let knobs = resolve::resolve(source, &config.design)?;
        let motors = motor::resolve(&spec, &config.motors)?;
        let parameters = knobs.iter().map(|knob| knob.parameter.clone()).collect();
        let origin = Arc::new(model);
        let clearance = match config.keep_clearance && !knobs.is_empty() {
            true => Clearance::of(&spec, &anatomy, &origin)?,
            false => Clearance::default(),
        };
        let mut robot = Self {
            shared: files.attaches(),
            files,
            anatomy,
            space: DesignSpace::new(parameters)?,
            warnings: warnings(&spec, &knobs, &motors),
            knobs,
            motors,
            clearance,
            ties: Ties::of(&origin)?,
            start: origin.clone(),
            origin,
            pristine: Mutex::new(Pristine(spec)),
            cache: Mutex::default(),
        };
        robot.start = robot
            .build(&robot.knobs, &robot.space.start(), Pictures::Full, |_, model| Ok(model))
            .map_err(|error| error.labelled("the start design"))?;
        robot.check_effects()?;
        Ok(robot)
    }

    /// The design parameters, in the order of the task's `design`.
    pub fn space(&self) -> &DesignSpace {
        &self.space
    }

    /// The model of the start design, with the file's textures.
    pub fn start_model(&self) -> &Arc<MjModel> {
        &self.start
    }

    /// What the user should know of and is no error.
    pub fn warnings(&self) -> &[String] {
        &self.warnings
    }

    /// The file, and every file that it includes or refers to.
    pub fn files(&self) -> &[PathBuf] {
        self.files.all()
    }

    /// Copies all of them to a folder, each in the same place relative to the others, and returns where the robot's file is.
    ///
    /// # Errors
    /// A file that cannot be copied.
    pub fn copy_files(&self, folder: &Path) -> std::io::Result<PathBuf> {
        self.files.copy_to(folder)
    }

    /// The compiled model of a design, out of the cache where it has been compiled before. Its textures are of one colour: no
    /// physics is in them, and they can be most of a model's size and of the time it takes to make one.
    ///
    /// # Errors
    /// A design outside its space, one that MuJoCo refuses or that breaks a loop or tendon of the robot.
    pub fn compile(&self, design: &[f64]) -> Result<Arc<MjModel>, ModelError> {
        self.space.check(design)?;
        let kept = |cache: &Mutex<Cache>| cache.lock().unwrap_or_else(PoisonError::into_inner).get(design);
        if let Some(model) = kept(&self.cache) {
            return Ok(model);
        }
        let model = self.build(&self.knobs, design, Pictures::None, |_, model| Ok(model))?;
        self.cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(design, &model);
        Ok(model)
    }

    /// The edited file of a design as MJCF, with every number in full. It belongs where the robot's file is, as meshes are
    /// found relative to that.
    ///
    /// # Errors
    /// As for [`Robot::compile`].
    pub fn xml(&self, design: &[f64]) -> Result<String, ModelError> {
        self.space.check(design)?;
        self.build(&self.knobs, design, Pictures::Full, |spec, _| {
            coefficient::save(spec).map_err(|reason| self.blame(design, reason))
        })
    }

    /// Edits and compiles a copy of the file, and hands both over.
    fn build<T>(
        &self,
        knobs: &[Knob],
        design: &[f64],
        pictures: Pictures,
        take: impl FnOnce(&MjSpec, Arc<MjModel>) -> Result<T, ModelError>,
    ) -> Result<T, ModelError> {
        let guard = self.pristine.lock().unwrap_or_else(PoisonError::into_inner);
        let mut spec = copy(&guard.0).map_err(|reason| self.blame(design, reason))?;
        if pictures == Pictures::None {
            drop_pictures(&mut spec);
        }
        let guard = self.shared.then_some(guard); // else other threads go on while this one compiles
        let built = self
            .edit(&mut spec, knobs, design)
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
        let masses: Vec<(usize, f64)> = changes(knobs, design)
            .filter_map(|(change, value)| match change.action {
                Action::Mass { body } => Some((body, change.factor * value)),
                _ => None,
            })
            .collect();
        if !masses.is_empty() || !self.clearance.is_empty() {
            let model = Arc::new(compile(&mut copy(spec)?)?);
            for (body, mass) in masses {
                self.weigh(spec, body, ratio(mass, model.body_mass()[self.anatomy.bodies[body].id]))?;
            }
            self.clearance.keep(spec, &model).map_err(said)?;
        }
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
    fn check_effects(&self) -> Result<(), ModelError> {
        let start = self.space.start();
        for (i, knob) in self.knobs.iter().enumerate() {
            let edits = knob
                .changes
                .iter()
                .map(|change| change.edit)
                .max()
                .map_or(0, |last| last + 1);
            for edit in 0..edits {
                let mut alone = self.knobs.clone();
                alone[i].changes.retain(|change| change.edit == edit);
                let p = &knob.parameter;
                let mut moved: Design = start.clone();
                moved[i] = if p.high - p.start > p.start - p.low {
                    p.high
                } else {
                    p.low
                };
                let model = |design: &[f64]| self.build(&alone, design, Pictures::None, |_, model| Ok(bytes(&model)));
                let (Ok(before), Ok(after)) = (model(&start), model(&moved)) else {
                    continue; // a bound that cannot be built is told by the survey
                };
                if before == after {
                    let reason = "it changes nothing of the robot; perhaps the file says the same in another way (`euler` \
                                  instead of `quat`, `fromto` instead of `pos` and `size[1]`, `mass` instead of `density`)";
                    return Err(ModelError::setting(format!("design[{i}].edit[{edit}]"), reason));
                }
            }
        }
        Ok(())
    }

    /// How a design that cannot be built is told.
    fn blame(&self, design: &[f64], reason: String) -> ModelError {
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

/// Whether a model has the file's textures.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Pictures {
    Full,
    None,
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

/// MuJoCo's complaint about a URDF's meshes, with the cure.
fn hint(reason: String) -> String {
    match reason.contains("package:") {
        true => format!(
            "{reason}; MuJoCo does not look for ROS packages: put `<mujoco><compiler strippath=\"true\" \
             meshdir=\"FOLDER\"/></mujoco>` into the file's `<robot>`"
        ),
        false => reason,
    }
}

/// Does once what would take parts away at each compilation: static bodies that are fused, visual geoms that are discarded.
fn settle(spec: &mut MjSpec) -> Result<(), String> {
    if spec.compiler().fusestatic() {
        spec.fuse_static().map_err(said)?;
        spec.compiler_mut().set_fusestatic(false);
    }
    if spec.compiler().discardvisual() {
        spec.discard_visual().map_err(said)?;
        spec.compiler_mut().set_discardvisual(false);
    }
    // MuJoCo writes no key frame that is the reference pose and has no name, and those after it would move up.
    for (i, key) in spec.key_iter_mut().enumerate().filter(|(_, key)| key.name().is_empty()) {
        key.set_name(&format!("key_{i}")).map_err(said)?;
    }
    Ok(())
}

fn copy(spec: &MjSpec) -> Result<MjSpec, String> {
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

/// Gears that an optimiser would only ever raise.
fn warnings(spec: &MjSpec, knobs: &[Knob], motors: &[Motor]) -> Vec<String> {
    let names = field::elements(spec, Kind::Actuator);
    let mut warnings = Vec::new();
    for knob in knobs {
        for change in &knob.changes {
            if let Action::Number {
                kind: Kind::Actuator,
                element,
                field,
                ..
            } = &change.action
                && field == "gear"
                && !motors.iter().any(|motor| motor.actuator == *element)
            {
                warnings.push(format!(
                    "parameter `{}` designs the gear of actuator `{}`, whose torque does not fall with speed, so that a higher \
                     gear costs nothing; give the motor a `no_load_speed` in `motors`",
                    knob.parameter.name, names[*element]
                ));
            }
        }
    }
    warnings
}
