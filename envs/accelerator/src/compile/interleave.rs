//! The order of an engine's tasks.
//!
//! With the `schedule` pass the tasks of steps are interleaved: the loads of a step come before the computation of the
//! step before, and that before the store of the one before that, so that no store delays a load that is needed
//! first. Without it the tasks of a step follow each other.

use super::emit::Emitter;
use super::error::Trouble;
use crate::task::{Task, TaskId};

/// Which tile of an operand: group, index along its own side, part of the sums.
pub(super) type Place = [u64; 3];

/// A computation that waits to be added.
pub(super) struct Pending {
    pub waits: Vec<TaskId>,
    pub compute: Task,
    /// What happens to its results.
    pub after: After,
    /// Which of the sums that come from and go to memory.
    pub spill: u64,
    /// Sums to bring back first.
    pub sums: Option<Task>,
}

/// What happens to the results of a computation.
#[derive(Clone, Copy)]
pub(super) enum After {
    /// More sums are added by the next step.
    Stay,
    /// They go to memory, or to the input buffer.
    Leave(Task),
}

/// The state of an engine while tasks are added.
#[derive(Default)]
pub(super) struct Engine {
    /// The last tile of inputs and of weights, and the task that loads it.
    pub inputs: Option<(Place, TaskId)>,
    pub weights: Option<(Place, TaskId)>,
    /// The task that holds the slot of the sums at hand, then the computations that have added to them.
    pub sums: Vec<TaskId>,
    pub pending: Option<Pending>,
    /// A store that waits to be added, what it waits for, and which sums it stores.
    pub store: Option<(Task, Vec<TaskId>, u64)>,
    /// The last store of each tile of partial sums.
    pub spilled: Vec<Option<TaskId>>,
}

impl Emitter<'_> {
    /// A computation whose loads are added: the one before it may be added now, and the store before that.
    pub(super) fn push(&mut self, engine: usize, pending: Pending) -> Result<(), Trouble> {
        if !self.interleaved {
            self.compute(engine, pending)?;
            return self.store(engine);
        }
        let before = self.engines[engine].pending.replace(pending);
        match before {
            Some(before) => self.advance(engine, before),
            None => Ok(()),
        }
    }

    /// Adds a computation and the store of the one before it: that comes second, unless its sums are needed at once.
    fn advance(&mut self, engine: usize, pending: Pending) -> Result<(), Trouble> {
        let store = self.engines[engine].store.take();
        let needed = pending.sums.map(|_| pending.spill);
        match store {
            Some((task, waits, spill)) if needed == Some(spill) => {
                self.add_store(engine, task, &waits, spill)?;
                self.compute(engine, pending)
            }
            Some((task, waits, spill)) => {
                self.compute(engine, pending)?;
                self.add_store(engine, task, &waits, spill)
            }
            None => self.compute(engine, pending),
        }
    }

    pub(super) fn flush(&mut self, engine: usize) -> Result<(), Trouble> {
        if let Some(pending) = self.engines[engine].pending.take() {
            self.advance(engine, pending)?;
        }
        self.store(engine)
    }

    fn compute(&mut self, engine: usize, mut pending: Pending) -> Result<(), Trouble> {
        if let Some(task) = pending.sums {
            let stored = self.engines[engine].spilled.get_mut(pending.spill as usize);
            let waits: Vec<TaskId> = stored.and_then(Option::take).into_iter().collect();
            let loaded = self.add(task, &waits)?;
            self.engines[engine].sums = vec![loaded];
        }
        pending.waits.extend(self.engines[engine].sums.first());
        let compute = self.add(pending.compute, &pending.waits)?;
        self.engines[engine].sums.push(compute);
        if let After::Leave(task) = pending.after {
            let waits = std::mem::take(&mut self.engines[engine].sums);
            self.engines[engine].store = Some((task, waits, pending.spill));
        }
        Ok(())
    }

    fn store(&mut self, engine: usize) -> Result<(), Trouble> {
        match self.engines[engine].store.take() {
            Some((task, waits, spill)) => self.add_store(engine, task, &waits, spill),
            None => Ok(()),
        }
    }

    fn add_store(
        &mut self,
        engine: usize,
        task: Task,
        waits: &[TaskId],
        spill: u64,
    ) -> Result<(), Trouble> {
        let task = self.add(task, waits)?;
        self.stores.push(task);
        let (at, spilled) = (spill as usize, &mut self.engines[engine].spilled);
        if spilled.len() <= at {
            spilled.resize(at + 1, None);
        }
        spilled[at] = Some(task);
        Ok(())
    }
}
