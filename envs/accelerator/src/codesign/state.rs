//! What changes during an episode of the mapping task.

use serde::{Deserialize, Serialize};

/// What changes during an episode.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct State {
    /// The layers in the order of this episode.
    pub(super) order: Vec<usize>,
    pub(super) step: usize,
    /// Time and energy of the network against the reference's; layers that are not mapped yet count as the reference.
    pub(super) time: f32,
    /// See `time`.
    pub(super) energy: f32,
    /// Logarithm of area over its limit.
    pub(super) area: f32,
    /// Time and energy of each layer against the reference, in the order of the network; 1 before it is mapped.
    pub(super) ratios: Vec<[f32; 2]>,
}

impl State {
    /// The layer to be mapped next.
    pub(super) fn layer(&self) -> usize {
        self.order[self.step % self.order.len()]
    }

    /// How many times better than the reference the network's energy-delay product is, once all is mapped.
    pub(super) fn gain(&self) -> f32 {
        1.0 / (self.time * self.energy).max(1e-12)
    }
}
