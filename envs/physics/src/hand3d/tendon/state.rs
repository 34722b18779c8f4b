//! What changes during an episode of the lifting task.

use serde::{Deserialize, Serialize};

use super::hand::MOST_TENSION;
use super::machine::{Machine, SLIDE_LIMITS};
use super::object::Object;
use super::task::Hold;

/// What a command of 1 adds in a control step: tension, N, and height of the palm, m.
pub(super) const STEP: [f32; 2] = [3.0, 0.004];

/// What changes during an episode.
#[derive(Serialize, Deserialize)]
pub struct State {
    pub(super) object: Object,
    /// Direction of the push, rad.
    pub(super) heading: f64,
    /// N.
    pub(super) tension: f32,
    /// m.
    pub(super) slide: f32,
    pub(super) step: usize,
    pub(super) hold: Hold,
    /// `None` where it could not be built.
    pub(super) machine: Option<Machine>,
}

impl State {
    /// The machine and its object.
    pub fn machine(&self) -> Option<(&Machine, &Object)> {
        Some((self.machine.as_ref()?, &self.object))
    }

    /// The machine, for the benchmark.
    pub(super) fn machine_mut(&mut self) -> Option<&mut Machine> {
        self.machine.as_mut()
    }

    /// Tension, N, and slide, m, after a command.
    pub(super) fn next(&self, command: &[f32]) -> (f32, f32) {
        let unit = |i: usize| STEP[i] * command.get(i).copied().unwrap_or(0.0).clamp(-1.0, 1.0);
        let [low, high] = SLIDE_LIMITS.map(|l| l as f32);
        (
            (self.tension + unit(0)).clamp(0.0, MOST_TENSION as f32),
            (self.slide + unit(1)).clamp(low, high),
        )
    }
}
