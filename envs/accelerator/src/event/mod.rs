//! The event core: runs a task graph on timed resources, in integer picoseconds.
//!
//! A task passes through these stages, each of which it may have to wait for:
//!
//! 1. its predecessors have ended;
//! 2. its pool has room (a pool serves its takers in program order, so that none can starve or deadlock an earlier
//!    one);
//! 3. the control processor has started it, one task after the other;
//! 4. its resource has a free lane; it keeps the lane until it ends;
//! 5. its fixed time is over; a task without bytes ends here;
//! 6. its bytes have moved, in competition with other transfers ([`Sharing`]).
//!
//! Everything that happens at one time happens before anything is started at that time; of the tasks that wait for
//! the control processor or for a resource, the one with the lowest priority goes first, then program order. Events
//! at the same time are taken in the order in which they were foreseen. So the same graph on the same resources gives
//! the same schedule.

mod core;
mod flow;
#[cfg(test)]
mod tests;

pub use self::core::{run, run_watched};
pub use flow::Sharing;

use super::task::TaskId;

/// The resources that tasks run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Resources {
    /// Lanes of each resource: how many tasks it runs at a time, 1 to 64.
    pub lanes: Vec<u8>,
    /// Size of each pool.
    pub pools: Vec<u32>,
    /// What all transfers together get, byte/s.
    pub bandwidth: u64,
    /// What one transfer gets at most, byte/s.
    pub channel: u64,
    /// How transfers share the bandwidth.
    pub sharing: Sharing,
    /// Time that the control processor needs to start a task, ps.
    pub dispatch_ps: u64,
}

/// What a task waited for last.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u8)]
pub enum Wait {
    /// Nothing: it started at once.
    #[default]
    Nothing,
    /// A predecessor.
    Predecessor,
    /// Room in its pool.
    Pool,
    /// The control processor.
    Control,
    /// A lane of its resource.
    Resource,
}

/// No task.
pub const NO_TASK: TaskId = TaskId::MAX;

/// When each task ran.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Schedule {
    /// Start of each task on its resource, ps.
    pub starts: Vec<u64>,
    /// End of each task, ps.
    pub ends: Vec<u64>,
    /// When the control processor was done with each task, ps; empty where that takes no time.
    pub dispatched: Vec<u64>,
    /// Lane of its resource that each task ran on.
    pub lanes: Vec<u8>,
    /// What each task waited for last.
    pub waits: Vec<Wait>,
    /// The task whose end let each task start; [`NO_TASK`] for none.
    pub blockers: Vec<TaskId>,
}

impl Schedule {
    /// When the last task ended, ps.
    pub fn makespan(&self) -> u64 {
        self.ends.iter().copied().max().unwrap_or(0)
    }

    /// The chain of tasks that sets the makespan, last one first: each was let start by the next in the chain. There
    /// is no time between them but the control processor's.
    pub fn critical_path(&self) -> impl Iterator<Item = TaskId> + '_ {
        let makespan = self.makespan();
        let last = self.ends.iter().position(|&end| end == makespan);
        let next = |&task: &TaskId| {
            let blocker = self.blockers[task as usize];
            (blocker != NO_TASK).then_some(blocker)
        };
        std::iter::successors(last.map(|task| task as TaskId), next)
    }
}
