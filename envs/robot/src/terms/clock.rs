//! What happens at intervals that are drawn: new commands, pushes.

use tandem_core::Stream;

use super::Memory;
use super::shared::Shared;

/// Runs down during an episode and rings.
pub struct Clock {
    /// Slot of the time that is left, s.
    slot: usize,
    interval: [f64; 2],
    control_dt: f64,
}

impl Clock {
    /// A clock that runs for a time out of this interval, s; one of `[0, 0]` never rings.
    pub fn new(shared: &mut Shared, interval: [f64; 2]) -> Self {
        Self {
            slot: shared.keep(1).start,
            interval,
            control_dt: shared.control_dt,
        }
    }

    /// Draws how long it runs from now on.
    pub fn wind(&self, memory: &mut Memory, stream: &mut Stream) {
        memory.kept[self.slot] = stream.uniform(self.interval[0], self.interval[1]);
    }

    /// Whether it has run down with this control step.
    pub fn rings(&self, memory: &mut Memory) -> bool {
        if self.interval[1] <= 0.0 {
            return false;
        }
        memory.kept[self.slot] -= self.control_dt;
        memory.kept[self.slot] < 0.5 * self.control_dt
    }
}
