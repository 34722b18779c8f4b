//! The order of an engine's tasks.
//!
//! With the `schedule` pass the tasks of steps are interleaved: the loads of a step come before the computation of the
//! step before, and that before the store of the one before that, so that no store delays a load that is needed
//! first. Without it the tasks of a step follow each other.

use super::work::Place;
use crate::task::{GraphError, Task, TaskGraph, TaskId};

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
    /// The last tile of inputs, and the task that loads it.
    pub inputs: Option<(Place, TaskId)>,
    /// The last tiles of weights with their words: one, or all of a layer whose weights stay.
    pub weights: Vec<(Place, u64, TaskId)>,
    /// The task that holds the slot of the sums at hand, then the computations that have added to them.
    sums: Vec<TaskId>,
    pending: Option<Pending>,
    /// A store that waits to be added, what it waits for, and which sums it stores.
    store: Option<(Task, Vec<TaskId>, u64)>,
    /// The last store of each tile of partial sums.
    spilled: Vec<Option<TaskId>>,
}

/// The task graph as it grows, and what of each engine waits to be added to it.
pub(super) struct Sequence {
    graph: TaskGraph,
    engines: Vec<Engine>,
    interleaved: bool,
    /// Stores of this layer.
    stores: Vec<TaskId>,
    /// Tasks of this layer.
    tasks: u64,
}

impl Sequence {
    /// An empty graph for so many engines.
    pub fn new(engines: usize, interleaved: bool) -> Self {
        Self {
            graph: TaskGraph::default(),
            engines: (0..engines).map(|_| Engine::default()).collect(),
            interleaved,
            stores: Vec::new(),
            tasks: 0,
        }
    }

    /// Engines in use.
    pub fn engines(&self) -> usize {
        self.engines.len()
    }

    /// An engine's state.
    pub fn engine(&mut self, engine: usize) -> &mut Engine {
        &mut self.engines[engine]
    }

    /// Whether the tasks of steps are interleaved.
    pub fn interleaved(&self) -> bool {
        self.interleaved
    }

    /// Forgets what the layer before has loaded, stored and counted.
    pub fn begin_layer(&mut self) {
        self.tasks = 0;
        for engine in &mut self.engines {
            engine.inputs = None;
            engine.spilled.clear();
        }
    }

    /// Forgets which weights are loaded.
    pub fn forget_weights(&mut self) {
        for engine in &mut self.engines {
            engine.weights.clear();
        }
    }

    /// Adds what is still pending and then `end`, which waits for the layer's stores, or for `barrier` where it has
    /// none; returns the end and how many tasks came before it.
    pub fn end_layer(&mut self, end: Task, barrier: &[TaskId]) -> Result<(TaskId, u64), GraphError> {
        for engine in 0..self.engines.len() {
            self.flush(engine)?;
        }
        let mut waits = std::mem::take(&mut self.stores);
        if waits.is_empty() {
            waits.extend(barrier);
        }
        Ok((self.graph.add(end, &waits)?, self.tasks))
    }

    /// The finished graph.
    pub fn finish(self) -> TaskGraph {
        self.graph
    }

    /// Adds a task at once.
    pub fn add(&mut self, task: Task, waits: &[TaskId]) -> Result<TaskId, GraphError> {
        self.tasks += 1;
        self.graph.add(task, waits)
    }

    /// Adds a task at once, as one that the layer's end waits for.
    pub fn add_last(&mut self, task: Task, waits: &[TaskId]) -> Result<TaskId, GraphError> {
        let task = self.add(task, waits)?;
        self.stores.push(task);
        Ok(task)
    }

    /// A computation whose loads are added: the one before it may be added now, and the store before that.
    pub fn push(&mut self, engine: usize, pending: Pending) -> Result<(), GraphError> {
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
    fn advance(&mut self, engine: usize, pending: Pending) -> Result<(), GraphError> {
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

    fn flush(&mut self, engine: usize) -> Result<(), GraphError> {
        if let Some(pending) = self.engines[engine].pending.take() {
            self.advance(engine, pending)?;
        }
        self.store(engine)
    }

    fn compute(&mut self, engine: usize, mut pending: Pending) -> Result<(), GraphError> {
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

    fn store(&mut self, engine: usize) -> Result<(), GraphError> {
        match self.engines[engine].store.take() {
            Some((task, waits, spill)) => self.add_store(engine, task, &waits, spill),
            None => Ok(()),
        }
    }

    fn add_store(&mut self, engine: usize, task: Task, waits: &[TaskId], spill: u64) -> Result<(), GraphError> {
        let task = self.add_last(task, waits)?;
        let (at, spilled) = (spill as usize, &mut self.engines[engine].spilled);
        if spilled.len() <= at {
            spilled.resize(at + 1, None);
        }
        spilled[at] = Some(task);
        Ok(())
    }
}
