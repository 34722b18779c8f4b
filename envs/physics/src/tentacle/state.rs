//! What changes during an episode of the reaching task.

use serde::{Deserialize, Serialize};

use super::config::{FAR, JOINTS, MAX_TENDONS};
use super::hardware::within_stops;
use super::mujoco::MujocoTentacle;

/// What changes during an episode.
#[derive(Serialize, Deserialize)]
pub struct State {
    /// Winch angles, rad; the first `tendons` count.
    pub(super) winches: [f32; MAX_TENDONS],
    /// Joint angles, rad.
    pub(super) angles: [f32; JOINTS],
    /// Place of the tip, m.
    pub(super) tip: [f32; 2],
    /// Place of the goal, m.
    pub(super) goal: [f32; 2],
    pub(super) step: usize,
    pub(super) held: usize,
    /// The tip's places, oldest first.
    pub(super) trace: Vec<[f32; 2]>,
    /// The machine in MuJoCo, where that moves it.
    pub(super) machine: Option<MujocoTentacle>,
}

impl State {
    /// Distance between tip and goal, m.
    pub fn goal_distance(&self) -> f32 {
        let [x, y] = self.to_goal();
        x.hypot(y)
    }

    pub(super) fn to_goal(&self) -> [f32; 2] {
        [self.goal[0] - self.tip[0], self.goal[1] - self.tip[1]]
    }

    /// Lets the machine follow its winches: takes an effect, true or proxied, as its state.
    pub(super) fn follow(&mut self, effect: &[f32]) {
        let far = FAR as f32;
        self.tip = [effect[0], effect[1]].map(|x| x.clamp(-far, far));
        for (angle, &value) in self.angles.iter_mut().zip(&effect[2..]) {
            *angle = within_stops(value);
        }
    }
}
