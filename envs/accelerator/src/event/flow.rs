//! Transfers that share the bandwidth of bus and memory as a fluid does.
//!
//! With n transfers under way each moves at `rate(n)` bytes per second, so what they have moved grows alike. That
//! common growth is the *level*; a transfer of b bytes that begins at level v ends at level v + b, whatever begins or
//! ends meanwhile. So the transfers under way are a heap of goals, and a beginning or an end costs a logarithm.
//! Levels are integers (bytes times 10¹²), an end is rounded up to the next picosecond.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Resources;
use crate::task::{GraphError, TaskId};

/// Units of a level per byte: picoseconds per second.
const PER_BYTE: u128 = 1_000_000_000_000;

/// How transfers under way share the bandwidth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sharing {
    /// Equal shares for those under way.
    Fair,
    /// This many fixed shares, one for each transfer, whether the others are used or not.
    Slots(u16),
}

/// Transfers under way.
pub(super) struct Flow {
    /// The level up to `at`.
    level: u128,
    at: u64,
    /// Level at which each transfer ends.
    goals: BinaryHeap<Reverse<(u128, TaskId)>>,
    /// When the first of them ends.
    next: u64,
    bandwidth: u64,
    channel: u64,
    sharing: Sharing,
}

impl Flow {
    pub fn new(resources: &Resources) -> Self {
        Self {
            level: 0,
            at: 0,
            goals: BinaryHeap::new(),
            next: u64::MAX,
            bandwidth: resources.bandwidth,
            channel: resources.channel,
            sharing: resources.sharing,
        }
    }

    /// When the next transfer ends; `u64::MAX` for never.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Bytes per second of each transfer under way.
    fn rate(&self) -> u64 {
        let shares = match self.sharing {
            Sharing::Fair => self.goals.len() as u64,
            Sharing::Slots(slots) => u64::from(slots),
        };
        (self.bandwidth / shares.max(1)).min(self.channel).max(1)
    }

    fn advance(&mut self, now: u64) -> Result<(), GraphError> {
        if !self.goals.is_empty() {
            let grown = u128::from(now - self.at) * u128::from(self.rate());
            self.level = self.level.checked_add(grown).ok_or(GraphError::TooLong)?;
        }
        self.at = now;
        Ok(())
    }

    fn foresee(&mut self) -> Result<(), GraphError> {
        let Some(&Reverse((goal, _))) = self.goals.peek() else {
            self.next = u64::MAX;
            return Ok(());
        };
        let left = goal.saturating_sub(self.level);
        let rate = self.rate();
        // nearly all transfers fit 64 bits, whose division is many times faster
        let wait = match u64::try_from(left) {
            Ok(left) => left.div_ceil(rate),
            Err(_) => u64::try_from(left.div_ceil(u128::from(rate))).map_err(|_| GraphError::TooLong)?,
        };
        let next = self.at.checked_add(wait).filter(|&next| next < u64::MAX);
        self.next = next.ok_or(GraphError::TooLong)?;
        Ok(())
    }

    /// A transfer begins.
    pub fn begin(&mut self, now: u64, task: TaskId, bytes: u64) -> Result<(), GraphError> {
        self.advance(now)?;
        let goal = self.level.checked_add(u128::from(bytes) * PER_BYTE);
        self.goals.push(Reverse((goal.ok_or(GraphError::TooLong)?, task)));
        self.foresee()
    }

    /// The transfer that ends at [`Flow::next`].
    pub fn end(&mut self, now: u64) -> Result<Option<TaskId>, GraphError> {
        self.advance(now)?;
        let done = self.goals.pop();
        self.foresee()?;
        Ok(done.map(|Reverse((_, task))| task))
    }
}
