//! A robot with its task as a [`World`].

use std::path::PathBuf;
use std::sync::Arc;

use mujoco_rs::wrappers::MjModel;
use tandem_core::check::{SettingError, within};
use tandem_core::design::DesignError;
use tandem_core::problem::InMujoco;
use tandem_core::{CommandSpace, Fidelity, Hardware, ModelFile, Outcome, ProblemError, Scene, Spec, Stream, World};

use crate::config::Config;
use crate::effect::{self, Cut, LinearEffects, RobotHardware};
use crate::engine::EngineError;
use crate::episode::Episode;
use crate::model::{self, Robot};
use crate::scene::Camera;
use crate::simulation::Simulation;
use crate::terms::{Memory, Terms};

/// Fault of an episode in which MuJoCo met numbers that are too large or none.
const DIVERGED: &str = "the simulation diverged";
/// Fault of an episode in which MuJoCo met an error that it could not go on from.
const GAVE_UP: &str = "MuJoCo gave up";

/// What world and hardware model share.
pub(crate) struct Parts {
    pub robot: Arc<Robot>,
    pub terms: Terms,
    pub control_steps: usize,
}

impl Parts {
    /// Derives the forces between bodies, where a term reads them.
    fn forces(&self, robot: &mut Simulation) -> Result<(), EngineError> {
        match self.terms.needs_forces() {
            true => robot.forces(),
            false => Ok(()),
        }
    }

    /// What terms can read after a step of MuJoCo.
    fn finish_step(&self, robot: &mut Simulation) -> Result<(), EngineError> {
        robot.step()?;
        self.forces(robot)
    }
}

/// A robot and its task.
pub struct RobotWorld {
    parts: Arc<Parts>,
    cut: Arc<dyn Cut>,
    spec: Spec,
    camera: Camera,
    /// Reward terms of weight 0.
    only_logged: Vec<usize>,
}

impl RobotWorld {
    /// The world of this task.
    ///
    /// # Errors
    /// A file, design or term that is refused.
    pub fn new(config: &Config) -> Result<Self, SettingError> {
        within("horizon", config.horizon, [1, 1_000_000])?;
        within("control_steps", config.control_steps, [1, 10_000])?;
        let robot = Arc::new(Robot::load(config)?);
        let terms = Terms::new(config, robot.start_model())?;
        let spec = Spec {
            name: "robot".into(),
            observation: terms.observation().to_vec(),
            command: CommandSpace::Continuous(terms.action().to_vec()),
            reward_terms: terms.reward().to_vec(),
            horizon: config.horizon,
            control_dt: terms.control_dt(),
        };
        let camera = Camera::new(config.camera.as_deref(), robot.start_model())?;
        let parts = Arc::new(Parts {
            robot,
            terms,
            control_steps: config.control_steps,
        });
        let cut = effect::cut(config.effect, &parts)?;
        let weights = parts.terms.weights().iter().enumerate();
        let only_logged = weights.filter(|(_, weight)| **weight == 0.0).map(|(i, _)| i).collect();
        Ok(Self {
            parts,
            cut,
            spec,
            camera,
            only_logged,
        })
    }

    /// The robot's file and designs.
    pub fn robot(&self) -> &Arc<Robot> {
        &self.parts.robot
    }

    /// The terms.
    pub fn terms(&self) -> &Terms {
        &self.parts.terms
    }

    /// Effects with their derivatives by the design, where they are smooth in it.
    pub fn linear_effects(&self) -> Option<LinearEffects> {
        self.cut.smooth().then(|| LinearEffects {
            parts: self.parts.clone(),
            cut: self.cut.clone(),
        })
    }

    /// Puts the robot of an episode that has just begun into this state, as its start.
    ///
    /// # Errors
    /// Numbers that are too many, too few or not finite.
    pub fn place(&self, state: &mut Episode, qpos: Option<&[f64]>, qvel: Option<&[f64]>) -> Result<(), SettingError> {
        let Some(robot) = &mut state.simulation else {
            return Ok(());
        };
        let data = robot.data_mut();
        for (key, from, to) in [("qpos", qpos, data.qpos().len()), ("qvel", qvel, data.qvel().len())] {
            let Some(from) = from else { continue };
            if from.len() != to || !from.iter().all(|x| x.is_finite()) {
                return Err(SettingError::new(key, format!("must be {to} numbers")));
            }
            match key {
                "qpos" => data.qpos_mut().copy_from_slice(from),
                _ => data.qvel_mut().copy_from_slice(from),
            }
        }
        self.begin(state)
            .map_err(|error| SettingError::new("qpos", error.to_string()))
    }

    /// Derives everything from the state in which an episode begins.
    fn begin(&self, state: &mut Episode) -> Result<(), EngineError> {
        self.settle(state)?;
        if let Some(robot) = &state.simulation {
            self.parts.terms.begin(robot, &mut state.memory);
        }
        Ok(())
    }

    /// The observation in double precision, `[observation]`.
    pub fn observe_exactly(&self, state: &Episode, out: &mut [f64]) {
        self.read(state, out.iter_mut(), |slot, value| *slot = value);
    }

    /// Reads the observation into `slots`, number by number.
    fn read<T>(&self, state: &Episode, slots: impl Iterator<Item = T>, put: impl Fn(T, f64)) {
        let terms = &self.parts.terms;
        if let Some(robot) = &state.simulation {
            let numbers = terms.observed(terms.context(robot, &state.memory));
            slots.zip(numbers).for_each(|(slot, value)| put(slot, value));
        }
    }

    /// A simulation of this design, in reference pose, changed as was drawn for the episode.
    fn build(&self, design: &[f64], fidelity: Fidelity, memory: &Memory) -> Result<Simulation, ProblemError> {
        let cannot = |reason: String| {
            ProblemError::from(DesignError::Bounds {
                name: "all of them".into(),
                reason,
            })
        };
        let mut model = self
            .parts
            .robot
            .compile(design)
            .map_err(|error| cannot(error.to_string()))?;
        if self.parts.terms.changes_model() {
            let mut own = MjModel::clone(&model);
            let changed = self.parts.terms.randomise(&mut own, memory);
            changed.map_err(|error| cannot(error.to_string()))?;
            model = Arc::new(own);
        }
        if fidelity == Fidelity::Effect {
            model = self.cut.world_model(model);
        }
        Simulation::new(model).map_err(|error| cannot(error.to_string()))
    }

    /// Moves the true machine by a control step.
    fn integrate(&self, state: &mut Episode) -> Result<(), EngineError> {
        let Some(robot) = &mut state.simulation else {
            return Ok(());
        };
        for _ in 1..self.parts.control_steps {
            robot.step()?;
        }
        robot.store(&mut state.origin);
        state.stepped = true;
        self.parts.finish_step(robot)
    }

    /// Moves the world under an effect by a control step.
    fn follow(&self, state: &mut Episode, effect: &[f32]) -> Result<(), EngineError> {
        let Some(robot) = &mut state.simulation else {
            return Ok(());
        };
        self.cut.advance(&self.parts, robot, effect)?;
        state.effect.clear();
        state.effect.extend_from_slice(effect);
        self.settle(state)
    }

    /// Derives everything from the state as it is, which is where a restored episode goes on.
    fn settle(&self, state: &mut Episode) -> Result<(), EngineError> {
        let Some(robot) = &mut state.simulation else {
            return Ok(());
        };
        robot.store(&mut state.origin);
        state.stepped = false;
        self.derive(robot, &state.effect)
    }

    fn derive(&self, robot: &mut Simulation, effect: &[f32]) -> Result<(), EngineError> {
        robot.forward()?;
        self.parts.forces(robot)?;
        self.cut.show(robot, effect);
        Ok(())
    }

    /// A control step: the command, the motion, then what the terms make of it.
    fn step(
        &self,
        state: &mut Episode,
        command: &[f32],
        out: &mut [f32],
        motion: impl FnOnce(&Self, &mut Episode) -> Result<(), EngineError>,
    ) -> Outcome {
        let terms = &self.parts.terms;
        let Some(robot) = &mut state.simulation else {
            return Outcome::fault(GAVE_UP);
        };
        terms.before_step(robot, &mut state.memory, command);
        if motion(self, state).is_err() {
            return Outcome::fault(GAVE_UP);
        }
        let outcome = self.account(state, out);
        let Some(robot) = &mut state.simulation else {
            return Outcome::fault(GAVE_UP);
        };
        let moved = terms.events(robot, &mut state.memory, &mut state.stream);
        match moved && self.settle(state).is_err() {
            true => Outcome::fault(GAVE_UP),
            false => outcome,
        }
    }

    /// What the terms make of the step that has been taken.
    fn account(&self, state: &mut Episode, out: &mut [f32]) -> Outcome {
        let terms = &self.parts.terms;
        let Some(robot) = &state.simulation else {
            return Outcome::fault(GAVE_UP);
        };
        if robot.diverged() {
            return Outcome::fault(DIVERGED);
        }
        terms.after_step(robot, &mut state.memory);
        let context = terms.context(robot, &state.memory);
        terms.measure(context, &mut state.rewards);
        if let Some(fault) = terms.fault(&state.rewards).or(terms.formula_fault(context)) {
            return Outcome::fault(fault);
        }
        // a term of weight 0 is logged as it is and left out of the reward
        let all = state.rewards.iter_mut().zip(terms.weights()).zip(out);
        for ((value, &weight), out) in all {
            *out = (if weight == 0.0 { *value } else { *value * weight }) as f32;
            *value *= weight;
        }
        Outcome {
            success: terms.success(context),
            terminated: terms.terminated(context),
            fault: None,
        }
    }
}

impl World for RobotWorld {
    type State = Episode;

    fn spec(&self) -> Spec {
        self.spec.clone()
    }

    fn hardware(&self) -> Arc<dyn Hardware> {
        Arc::new(RobotHardware {
            parts: self.parts.clone(),
            cut: self.cut.clone(),
        })
    }

    fn effects_last(&self) -> bool {
        self.cut.lasts()
    }

    fn start(&self, design: &[f64], fidelity: Fidelity, stream: &mut Stream) -> Result<Episode, ProblemError> {
        let mut memory = self.parts.terms.memory();
        let mut stream = Stream::new(stream.bits(), "robot/episode", 0);
        self.parts.terms.draw(&mut memory, &mut stream);
        let mut simulation = self.build(design, fidelity, &memory)?;
        let started = self.parts.terms.start(&mut simulation, &mut memory, &mut stream);
        started.map_err(|error| SettingError::new("events", error.to_string()))?;
        let mut state = Episode {
            origin: vec![0.0; simulation.state_len()],
            simulation: Some(simulation),
            stepped: false,
            effect: Vec::new(),
            memory,
            rewards: vec![0.0; self.spec.reward_terms.len()],
            stream,
        };
        let begun = self.begin(&mut state);
        begun.map_err(|error| SettingError::new("model", error.to_string()))?;
        Ok(state)
    }

    fn observe(&self, state: &Episode, _design: &[f64], out: &mut [f32]) {
        self.read(state, out.iter_mut(), |slot, value| *slot = value as f32);
    }

    fn query(&self, state: &Episode, command: &[f32], out: &mut [f32]) {
        let Some(robot) = &state.simulation else {
            return out.fill(0.0);
        };
        let mut controls = robot.data().ctrl().to_vec();
        self.parts.terms.controls(robot, &state.memory, command, &mut controls);
        if self.cut.query(&self.parts, robot, &controls, out).is_err() {
            out.fill(0.0); // MuJoCo gave up; so it will in the step itself, which ends the episode
        }
    }

    fn advance(&self, state: &mut Episode, command: &[f32], effect: &[f32], terms: &mut [f32]) -> Outcome {
        self.step(state, command, terms, |world, state| world.follow(state, effect))
    }

    fn reward(&self, state: &Episode, _terms: &[f32]) -> f32 {
        state.rewards.iter().sum::<f64>() as f32
    }

    fn only_logged(&self) -> &[usize] {
        &self.only_logged
    }

    fn advance_full(&self, state: &mut Episode, _: &[f64], command: &[f32], terms: &mut [f32]) -> Option<Outcome> {
        Some(self.step(state, command, terms, Self::integrate))
    }

    fn in_mujoco(&self) -> Option<InMujoco<Self>> {
        Some(InMujoco::Already)
    }

    fn scene(&self, state: &Episode, design: &[f64]) -> Scene {
        let Some(robot) = &state.simulation else {
            return Scene::empty("the episode was not restored");
        };
        let Ok(Some(pictured)) = self.parts.robot.pictured(design) else {
            return self.camera.scene(robot);
        };
        // the same state of a model with all meshes
        let mut now = vec![0.0; robot.state_len()];
        robot.store(&mut now);
        let dressed = effect::with_kept(pictured, |dressed| {
            dressed.restore(&now)?;
            self.derive(dressed, &state.effect)?;
            Ok(self.camera.scene(dressed))
        });
        dressed.unwrap_or_else(|_| self.camera.scene(robot))
    }

    fn model_file(&self, design: &[f64]) -> Result<Option<ModelFile>, ProblemError> {
        let robot = &self.parts.robot;
        let xml = robot.xml(design).map_err(SettingError::from)?;
        let bundle = model::bundle(&robot.files()[0]).map_err(SettingError::from)?;
        let beside = |(path, _): &(PathBuf, _)| path.extension().is_none_or(|end| end != "xml" && end != "urdf");
        Ok(Some(ModelFile {
            path: bundle.model.with_extension("xml"),
            xml,
            files: bundle.files.into_iter().filter(beside).collect(),
        }))
    }

    fn restore(&self, state: &mut Episode, design: &[f64], fidelity: Fidelity) -> Result<(), String> {
        let built = self.build(design, fidelity, &state.memory);
        let mut robot = built.map_err(|error| error.to_string())?;
        let fits = state.origin.len() == robot.state_len()
            && state.rewards.len() == self.spec.reward_terms.len()
            && self.parts.terms.fits(&state.memory);
        if !fits || !state.origin.iter().all(|x| x.is_finite()) {
            return Err("its state is not this robot's".into());
        }
        let again = |robot: &mut Simulation| {
            robot.restore(&state.origin)?;
            match state.stepped {
                false => self.derive(robot, &state.effect),
                true => self.parts.finish_step(robot),
            }
        };
        again(&mut robot).map_err(|error| error.to_string())?;
        state.simulation = Some(robot);
        Ok(())
    }
}
