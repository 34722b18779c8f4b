//! What changes during an episode of a robot.

use serde::{Deserialize, Serialize};
use tandem_core::Stream;

use crate::simulation::Simulation;
use crate::terms::Memory;

/// An episode.
#[derive(Serialize, Deserialize)]
pub struct Episode {
    /// Made again from `origin` when an episode is restored.
    #[serde(skip)]
    pub(crate) simulation: Option<Simulation>,
    /// The state from which the present one follows: by one integration step where the robot has `stepped`, else by
    /// deriving everything from it. So what belongs to the beginning of the last integration step is restored too.
    pub(crate) origin: Vec<f64>,
    pub(crate) stepped: bool,
    pub(crate) memory: Memory,
    /// The effect of the last step, where there was one.
    pub(crate) effect: Vec<f32>,
    /// The terms of the last step's reward in double precision, `[reward]`.
    pub(crate) rewards: Vec<f64>,
    /// The episode's own randomness: pushes, new commands.
    pub(crate) stream: Stream,
}

impl Episode {
    /// The robot in motion.
    pub fn simulation(&self) -> Option<&Simulation> {
        self.simulation.as_ref()
    }

    /// The terms of the last step's reward, `[reward]`.
    pub fn rewards(&self) -> &[f64] {
        &self.rewards
    }

    /// What terms remember of the episode.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }
}
