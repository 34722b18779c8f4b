//! A robot's file, its design parameters, and the compiled models of designs.
//!
//! A parameter's `edit` names numbers of the file or bodies whose shape or mass changes; `*` and `?` stand for any characters
//! and for one, and `0.5 * ` before an edit halves what the number becomes:
//!
//! | edit | the parameter's value is |
//! |---|---|
//! | `geom:*_foot.size[0]`, `actuator:knee.gear[0]`, `joint:hip.damping`, `option.gravity[2]` | that number, in the file's own unit (degrees, if the file has degrees) |
//! | `actuator:knee.kp`, `.kv` | the gain of a position or velocity servo |
//! | `tendon:flexor.coef[joint_2]` | how far a fixed tendon moves with a joint, m/rad |
//! | `mesh:bone.scale[0]` | scale of a mesh along an axis of its file |
//! | `length(body:*_thigh)` | length of the body's main shape along its axis, without the caps of a capsule, m |
//! | `thickness(body:shin)` | radius of the main shape, or the least half side of a box, m |
//! | `scale(body:head)` | factor of all lengths, 1 in the file |
//! | `mass(body:torso)` | mass, kg, whatever else is designed of the body; `mass_range` may scale it afterwards, with all others |
//!
//! A body without a name goes by one of its joints or geoms: `length(joint:ankle_1)`; with a geom, that is the main shape. An
//! actuator without a name goes by what it moves. What a body's shape does to all that hangs on it stands in `stretch`.
//!
//! The value of the start is what the file says. Where the numbers that a parameter changes differ in the file, `start` must be
//! given, and each keeps its ratio to it: number = its own in the file times value over `start`.
//!
//! [`Robot::load`] resolves all of it once and refuses what cannot be done; [`Robot::compile`] then turns a design into a
//! model. The file itself is never changed: [`Robot::xml`] is the edited one.

mod anatomy;
mod bare;
mod build;
mod bundle;
mod cache;
mod claims;
mod clearance;
mod coefficient;
mod copies;
mod edit;
mod error;
mod field;
mod files;
mod inertia;
mod limits;
mod mentions;
mod meshes;
mod motor;
mod parts;
mod place;
mod resolve;
mod shape;
mod start;
mod stretch;
mod survey;
mod survive;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use mujoco_rs::wrappers::MjModel;
use mujoco_rs::wrappers::mj_editing::{MjSpec, SpecElement, SpecItem};
use tandem_core::{Design, DesignSpace};

use crate::Config;
use anatomy::Anatomy;
use bare::Bare;
use build::{Pictures, copy};
pub use bundle::{RobotFiles, bundle};
use cache::Cache;
use clearance::Clearance;
use edit::Kind;
pub use error::ModelError;
use error::said;
pub(crate) use error::unknown;
use motor::Motor;
use resolve::{Action, Knob, Source};
pub use survey::Sample;
use survive::Ties;

/// How many models with all meshes are kept: pictures show two designs side by side.
const PICTURED: usize = 2;

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
    /// Bounds of the whole mass, kg.
    mass_range: Option<[f64; 2]>,
    ties: Ties,
    /// Meshes that models which move can do without.
    bare: Bare,
    /// The file as it is: same sizes are asked of every design.
    origin: Arc<MjModel>,
    start: Arc<MjModel>,
    warnings: Vec<String>,
    cache: Mutex<Cache>,
    /// Models with all meshes, of designs that were drawn lately.
    pictured: Mutex<Vec<(Design, Arc<MjModel>)>>,
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
        let mut spec = parse(&files).map_err(refuse)?;
        if let Some(step) = config.time_step {
            if !(step.is_finite() && step > 0.0) {
                let reason = format!("is {step}; it must be a positive number of seconds");
                return Err(ModelError::setting("time_step", reason));
            }
            spec.option_mut().timestep = step;
        }
        let (spec, anatomy, model) = read(spec, config).map_err(refuse)?;
        limits::check_model(&model).map_err(refuse)?;
        let source = Source {
            spec: &spec,
            anatomy: &anatomy,
            model: &model,
        };
        let knobs = resolve::resolve(source, &config.design)?;
        let motors = motor::resolve(&spec, &config.motors)?;
        let parameters = knobs.iter().map(|knob| knob.parameter.clone()).collect();
        let mass_range = mass_range(config, &model)?;
        let origin = Arc::new(model);
        let clearance = match config.keep_clearance && knobs.iter().any(Knob::moves) {
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
            mass_range,
            ties: Ties::of(&spec, &origin)?,
            start: origin.clone(),
            origin,
            pristine: Mutex::new(Pristine(spec)),
            bare: Bare::default(),
            cache: Mutex::default(),
            pictured: Mutex::default(),
        };
        robot.start = robot
            .build(&robot.knobs, &robot.space.start(), Pictures::Full, |_, model| Ok(model))
            .map_err(|error| error.labelled("the start design"))?;
        robot.undress();
        robot.check_effects()?;
        Ok(robot)
    }

    /// Finds the meshes that models which move can do without, if the start design moves alike without them.
    fn undress(&mut self) {
        if self.shared || !self.clearance.touches(&self.origin) {
            return;
        }
        let pristine = self.pristine.get_mut().unwrap_or_else(PoisonError::into_inner);
        self.bare = Bare::of(&pristine.0, &self.anatomy, &self.origin);
        let start = self.build(&self.knobs, &self.space.start(), Pictures::Bare, |_, model| Ok(model));
        if !start.is_ok_and(|start| bare::alike(&start, &self.start)) {
            self.bare = Bare::default();
        }
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

    /// The file, and every file that it includes or refers to, by absolute paths.
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

    /// The compiled model of a design, out of the cache where it has been compiled before. It has what moves: textures are of one
    /// colour, and meshes that only show something are points.
    ///
    /// # Errors
    /// A design outside its space, one that MuJoCo refuses or that breaks a loop or tendon of the robot.
    pub fn compile(&self, design: &[f64]) -> Result<Arc<MjModel>, ModelError> {
        self.space.check(design)?;
        let kept = |cache: &Mutex<Cache>| cache.lock().unwrap_or_else(PoisonError::into_inner).get(design);
        if let Some(model) = kept(&self.cache) {
            return Ok(model);
        }
        let model = self.build(&self.knobs, design, Pictures::Bare, |_, model| Ok(model))?;
        self.cache
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .put(design, &model);
        Ok(model)
    }

    /// The same with all meshes, to be looked at; none where [`Robot::compile`] leaves none out.
    ///
    /// # Errors
    /// As for [`Robot::compile`].
    pub fn pictured(&self, design: &[f64]) -> Result<Option<Arc<MjModel>>, ModelError> {
        if self.bare.is_empty() {
            return Ok(None);
        }
        self.space.check(design)?;
        let mut kept = self.pictured.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((_, model)) = kept.iter().find(|(of, _)| of == design) {
            return Ok(Some(model.clone()));
        }
        let model = self.build(&self.knobs, design, Pictures::Shapes, |_, model| Ok(model))?;
        kept.insert(0, (design.to_vec(), model.clone()));
        kept.truncate(PICTURED);
        Ok(Some(model))
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
}

/// Reads a file, and refuses what MuJoCo would take at its word.
fn parse(files: &files::Files) -> Result<MjSpec, String> {
    // its path is absolute: where it is not, MuJoCo looks for what an included file names in the wrong place
    let mut spec = MjSpec::from_xml(files.model()).map_err(|error| hint(said(error)))?;
    limits::check(&spec)?;
    refers(files.model()).map_err(hint)?;
    settle(&mut spec).map_err(hint)?;
    Ok(spec)
}

/// Bounds of the whole mass, kg.
fn mass_range(config: &Config, model: &MjModel) -> Result<Option<[f64; 2]>, ModelError> {
    let Some([low, high]) = config.mass_range else {
        return Ok(None);
    };
    if !(low > 0.0 && low <= 1.0 && high >= 1.0 && high.is_finite()) {
        let reason = format!("is [{low}, {high}]; it must be two shares, the first in (0, 1], the second 1 or more");
        return Err(ModelError::setting("mass_range", reason));
    }
    let own: f64 = model.body_mass().iter().sum();
    Ok(Some([low * own, high * own]))
}

/// Compiles a file, in which stretched bodies have meshes of their own where that can be done.
fn read(spec: MjSpec, config: &Config) -> Result<(MjSpec, Anatomy, MjModel), String> {
    let mut parted = copy(&spec)?;
    if copies::give(&mut parted, &config.design)? {
        // a file that another one attaches may look for its meshes elsewhere than the copies do
        if let Ok((anatomy, model)) = Anatomy::read(copy(&parted)?) {
            return Ok((parted, anatomy, model));
        }
    }
    drop(parted);
    let (anatomy, model) = Anatomy::read(copy(&spec)?)?;
    Ok((spec, anatomy, model))
}

/// Compiles the file as it is. Copies, which all else is made of, leave out what refers to a part that is not there (a motor on a
/// misspelt joint), so that it would not be refused.
fn refers(path: &Path) -> Result<(), String> {
    let mut spec = MjSpec::from_xml(path).map_err(said)?;
    spec.compile().map(|_| ()).map_err(said)
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
    let taken: Vec<String> = spec.key_iter().map(|key| key.name().into()).collect();
    let mut free = (0..).map(|i| format!("key_{i}")).filter(|name| !taken.contains(name));
    for key in spec.key_iter_mut().filter(|key| key.name().is_empty()) {
        key.set_name(&free.next().unwrap_or_default()).map_err(said)?;
    }
    Ok(())
}

/// Gears that an optimiser would only ever raise.
fn warnings(spec: &MjSpec, knobs: &[Knob], motors: &[Motor]) -> Vec<String> {
    let names = field::elements(spec, Kind::Actuator);
    let free = |action: &Action| match action {
        Action::Number {
            kind: Kind::Actuator,
            element,
            field,
            ..
        } if field == "gear" => {
            let line = motors.iter().any(|motor| motor.actuator == *element);
            (!line).then(|| format!("`{}`", names[*element]))
        }
        _ => None,
    };
    let warn = |knob: &Knob| {
        let motors: Vec<String> = knob.changes.iter().filter_map(|change| free(&change.action)).collect();
        let name = &knob.parameter.name;
        (!motors.is_empty()).then(|| {
            format!(
                "parameter `{name}` designs the gear of {}, whose torque does not fall with speed, so that a higher gear costs \
                 nothing; give a `no_load_speed` in `motors`",
                motors.join(", ")
            )
        })
    };
    knobs.iter().filter_map(warn).collect()
}
