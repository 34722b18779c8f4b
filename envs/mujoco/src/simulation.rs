//! One robot in motion: a compiled model and its state.

use std::sync::Arc;

use mujoco_rs::mujoco_c::{mjtState, mjtWarning};
use mujoco_rs::wrappers::{MjData, MjModel};

use crate::engine::{EngineError, guarded, unwinding};

/// What has to be stored of a simulation so that it goes on to the same bytes: positions, velocities, activations, time, the
/// solver's warm start, controls and forces from outside.
const INTEGRATION: u32 = mjtState::mjSTATE_INTEGRATION as u32;

/// A robot in motion.
///
/// As in MuJoCo and Gymnasium, what is derived from positions (places of bodies, contacts, sensors) belongs to the beginning
/// of the last integration step; positions and velocities of joints belong to its end.
pub struct Simulation {
    model: Arc<MjModel>,
    data: MjData<Arc<MjModel>>,
}

impl Simulation {
    /// The model at rest in its reference pose, with everything derived from it.
    ///
    /// # Errors
    /// Memory that cannot be had, a model that MuJoCo cannot evaluate.
    pub fn new(model: Arc<MjModel>) -> Result<Self, EngineError> {
        crate::engine::install();
        let data = MjData::try_new(model.clone()).map_err(|error| EngineError(error.to_string()))?;
        let mut simulation = Self { model, data };
        simulation.forward()?;
        Ok(simulation)
    }

    /// The compiled model.
    pub fn model(&self) -> &MjModel {
        self.data.model()
    }

    /// The same, to be shared.
    pub fn shared_model(&self) -> Arc<MjModel> {
        self.model.clone()
    }

    /// State and everything derived from it, read only.
    pub fn data(&self) -> &MjData<Arc<MjModel>> {
        &self.data
    }

    /// The same, to be written: positions, velocities, controls, forces from outside.
    pub fn data_mut(&mut self) -> &mut MjData<Arc<MjModel>> {
        &mut self.data
    }

    /// Derives everything from the present state.
    ///
    /// # Errors
    /// MuJoCo's own.
    pub fn forward(&mut self) -> Result<(), EngineError> {
        let (model, data) = self.raw();
        // SAFETY: both pointers belong to this simulation and are valid.
        guarded(|| unsafe { unwinding::mj_forward(model, data) })
    }

    /// Moves on by one integration step.
    ///
    /// # Errors
    /// MuJoCo's own.
    pub fn step(&mut self) -> Result<(), EngineError> {
        let (model, data) = self.raw();
        // SAFETY: as above.
        guarded(|| unsafe { unwinding::mj_step(model, data) })
    }

    /// Derives the places of bodies and their parts from the present positions, and nothing else.
    ///
    /// # Errors
    /// MuJoCo's own.
    pub fn kinematics(&mut self) -> Result<(), EngineError> {
        let (model, data) = self.raw();
        // SAFETY: as above.
        guarded(|| unsafe { unwinding::mj_kinematics(model, data) })
    }

    /// Derives the forces between bodies (`cfrc_ext` and others), which a step leaves out where no sensor asks for them.
    ///
    /// # Errors
    /// MuJoCo's own.
    pub fn forces(&mut self) -> Result<(), EngineError> {
        let (model, data) = self.raw();
        // SAFETY: as above.
        guarded(|| unsafe { unwinding::mj_rnePostConstraint(model, data) })
    }

    /// Whether MuJoCo found numbers that are too large or no numbers at all since the last reset, in which case it has put the
    /// robot back to its reference pose.
    pub fn diverged(&self) -> bool {
        let bad = [
            mjtWarning::mjWARN_BADQPOS,
            mjtWarning::mjWARN_BADQVEL,
            mjtWarning::mjWARN_BADQACC,
        ];
        let counts = &self.data.ffi().warning;
        bad.iter().any(|&kind| counts[kind as usize].number > 0)
    }

    /// The number of values of a stored state.
    pub fn state_len(&self) -> usize {
        self.model().state_size(INTEGRATION)
    }

    /// Writes the state from which [`Simulation::restore`] continues exactly, `[state_len]`.
    pub fn store(&self, out: &mut [f64]) {
        self.data.read_state_into(INTEGRATION, out);
    }

    /// Goes back to a stored state; what is derived from it is not yet computed.
    ///
    /// # Errors
    /// A state of another length.
    pub fn restore(&mut self, state: &[f64]) -> Result<(), EngineError> {
        self.data.reset();
        let set = self.data.set_state(state, INTEGRATION);
        set.map_err(|error| EngineError(error.to_string()))
    }

    fn raw(&mut self) -> (*const mujoco_rs::mujoco_c::mjModel, *mut mujoco_rs::mujoco_c::mjData) {
        let model: *const _ = self.data.model().ffi();
        // SAFETY: the reference is turned into a pointer for one call and nothing of the wrapper is changed.
        let data: *mut _ = unsafe { self.data.ffi_mut() };
        (model, data)
    }
}
