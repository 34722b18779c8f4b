//! Where a robot is cut into hardware and world.
//!
//! | cut | the hardware is asked | it answers | the world keeps |
//! | --- | --- | --- | --- |
//! | `transition` | state and controls | change of the state over a control step | nothing but the state |
//! | `sites` | joint coordinates after the step | places of the file's sites | the motion of the joints |
//! | `torques` | state and controls | forces of actuators and springs on the joints | all other physics |
//!
//! `transition` suits every robot: whatever is designed acts through it. The other two are cheaper where only places of
//! sites matter to the task, or only actuators, springs and tendons are designed; what a design changes beside their
//! effect is felt by the world but is not credited to the design through the effect.

mod linear;
mod ranges;
mod sites;
mod state_query;
mod torques;
mod transition;

use std::cell::RefCell;
use std::sync::Arc;

use mujoco_rs::wrappers::MjModel;
use tandem_core::check::SettingError;
use tandem_core::{DesignSpace, Hardware, HardwareSpec, Stream};

pub use linear::LinearEffects;
use sites::Sites;
use torques::Torques;
use transition::Transition;

use crate::config::EffectConfig;
use crate::engine::EngineError;
use crate::simulation::Simulation;
use crate::world::Parts;

/// One way to cut.
pub(crate) trait Cut: Send + Sync {
    /// Queries and effects.
    fn spec(&self) -> &HardwareSpec;

    /// The model in which a world under effects moves, made of the design's own.
    fn world_model(&self, model: Arc<MjModel>) -> Arc<MjModel> {
        model
    }

    /// Writes what is asked in this state under these controls, `[query]`.
    fn query(&self, parts: &Parts, robot: &Simulation, controls: &[f64], out: &mut [f32]) -> Result<(), EngineError>;

    /// The true effect, `[effect]`, of a query, in a simulation of the design's model.
    fn respond(
        &self,
        parts: &Parts,
        robot: &mut Simulation,
        query: &[f32],
        effect: &mut [f64],
    ) -> Result<(), EngineError>;

    /// Moves the world by one control step under an effect; controls are set. Everything is derived anew afterwards.
    fn advance(&self, parts: &Parts, robot: &mut Simulation, effect: &[f32]) -> Result<(), EngineError>;

    /// Puts an effect in place of what was derived from the state.
    fn show(&self, _robot: &mut Simulation, _effect: &[f32]) {}

    /// Whether an effect leaves a trace in the state.
    fn lasts(&self) -> bool {
        true
    }

    /// Whether effects are smooth in the design, so that differences give their gradient.
    fn smooth(&self) -> bool {
        true
    }
}

/// The cut of this name.
///
/// # Errors
/// A robot that it does not suit.
pub(crate) fn cut(kind: EffectConfig, parts: &Parts) -> Result<Arc<dyn Cut>, SettingError> {
    Ok(match kind {
        EffectConfig::Transition => Arc::new(Transition::new(parts)?),
        EffectConfig::Sites => Arc::new(Sites::new(parts)?),
        EffectConfig::Torques => Arc::new(Torques::new(parts)?),
    })
}

/// The hardware model of a robot: a cut, asked under designs.
pub(crate) struct RobotHardware {
    pub parts: Arc<Parts>,
    pub cut: Arc<dyn Cut>,
}

impl Hardware for RobotHardware {
    fn space(&self) -> &DesignSpace {
        self.parts.robot.space()
    }

    fn spec(&self) -> &HardwareSpec {
        self.cut.spec()
    }

    fn is_costly(&self) -> bool {
        true
    }

    fn respond(&self, design: &[f64], query: &[f32], effect: &mut [f32]) {
        let mut exact = vec![0.0; effect.len()];
        let asked = |robot: &mut Simulation| self.cut.respond(&self.parts, robot, query, &mut exact);
        if with_simulation(&self.parts, design, asked).is_none() {
            exact.fill(f64::NAN); // the environment ends the episode by its own fault
        }
        effect.iter_mut().zip(&exact).for_each(|(to, &x)| *to = x as f32);
    }
}

/// Simulations that a thread keeps for the designs that it was last asked about.
const KEPT: usize = 4;

type Kept = Vec<(Arc<MjModel>, Simulation)>;

thread_local! {
    static SIMULATIONS: RefCell<Kept> = const { RefCell::new(Vec::new()) };
}

/// Calls `work` with a simulation of this model; one that fails is thrown away.
pub(crate) fn with_kept<T>(
    model: Arc<MjModel>,
    work: impl FnOnce(&mut Simulation) -> Result<T, EngineError>,
) -> Result<T, EngineError> {
    SIMULATIONS.with_borrow_mut(|kept| {
        let place = kept.iter().position(|(of, _)| Arc::ptr_eq(of, &model));
        let (of, mut robot) = match place {
            Some(place) => kept.remove(place),
            None => (model.clone(), Simulation::new(model)?),
        };
        let answer = work(&mut robot)?;
        kept.insert(0, (of, robot));
        kept.truncate(KEPT);
        Ok(answer)
    })
}

/// The same with the model of this design; `None` where it cannot be compiled or MuJoCo gave up.
pub(crate) fn with_simulation<T>(
    parts: &Parts,
    design: &[f64],
    work: impl FnOnce(&mut Simulation) -> Result<T, EngineError>,
) -> Option<T> {
    with_kept(parts.robot.compile(design).ok()?, work).ok()
}

/// What MuJoCo's failure means for a task that is being set up.
fn failed(error: EngineError) -> SettingError {
    SettingError::new("model", format!("does not move under random commands: {error}"))
}

/// Control steps of the start design under random commands from which ranges and sizes are measured, and the steps of one
/// episode of them.
const SAMPLES: usize = 256;
const EPISODE: usize = 32;

/// Moves the start design under random commands; `visit` gets the robot, with its controls set, before each control step.
fn explore(
    parts: &Parts,
    mut visit: impl FnMut(&Simulation, &[f64]) -> Result<(), EngineError>,
) -> Result<(), EngineError> {
    let mut stream = Stream::new(0, "robot/ranges", 0);
    let mut action = vec![0.0; parts.terms.action().len()];
    for _ in 0..SAMPLES / EPISODE {
        let mut robot = Simulation::new(parts.robot.start_model().clone())?;
        let mut memory = parts.terms.memory();
        parts.terms.start(&mut robot, &mut memory, &mut stream)?;
        robot.forward()?;
        parts.terms.begin(&robot, &mut memory);
        for _ in 0..EPISODE {
            for a in &mut action {
                *a = stream.uniform(-1.0, 1.0) as f32;
            }
            parts.terms.before_step(&mut robot, &mut memory, &action);
            let controls = robot.data().ctrl().to_vec();
            visit(&robot, &controls)?;
            for _ in 0..parts.control_steps {
                robot.step()?;
            }
            if robot.diverged() {
                break;
            }
            parts.terms.after_step(&robot, &mut memory);
        }
    }
    Ok(())
}
