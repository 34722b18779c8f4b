//! Task graphs: what a network becomes on a platform, and in which order.
//!
//! A graph is an arena: tasks are numbered in program order, a task waits only for earlier ones, and edges are stored
//! one after the other. A task may take some of a *pool* (slots of a buffer) when it could otherwise start; it gives
//! them back when all tasks that wait for it have ended.

use thiserror::Error;

/// Number of a task in its graph; also its place in program order.
pub type TaskId = u32;

/// Number of a resource.
pub type ResourceId = u16;

/// Number of a pool.
pub type PoolId = u16;

/// No pool.
pub const NO_POOL: PoolId = PoolId::MAX;

/// What a task does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// Brings a tile of inputs from memory.
    LoadInput,
    /// Brings a tile of weights, or of another right operand, from memory.
    LoadWeight,
    /// Brings a tile of partial sums back from memory.
    LoadSum,
    /// Multiplies tiles, or computes a function of one.
    Compute,
    /// Writes a tile of outputs or partial sums to memory.
    Store,
    /// Brings a tile of outputs to the input buffer.
    Move,
    /// Marks the end of a layer; takes no time and no resource.
    Sync,
}

impl Kind {
    /// The name in traces.
    pub fn name(self) -> &'static str {
        match self {
            Self::LoadInput => "load input",
            Self::LoadWeight => "load weight",
            Self::LoadSum => "load sum",
            Self::Compute => "compute",
            Self::Store => "store",
            Self::Move => "move",
            Self::Sync => "sync",
        }
    }

    /// Whether it goes through bus and memory.
    pub fn is_transfer(self) -> bool {
        !matches!(self, Self::Compute | Self::Move | Self::Sync)
    }
}

/// One task.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Task {
    /// Time on its resource before any byte moves, ps: all of it where no byte does.
    pub fixed_ps: u64,
    /// Bytes that go through bus and memory.
    pub bytes: u64,
    /// Multiply-accumulates.
    pub macs: u64,
    /// Index of the layer it belongs to.
    pub layer: u32,
    /// What it needs.
    pub resource: ResourceId,
    /// What it takes from, or [`NO_POOL`].
    pub pool: PoolId,
    /// How much it takes.
    pub amount: u16,
    /// Among tasks that wait for the same resource, the lowest goes first, then the first in program order.
    pub priority: u8,
    /// What it does.
    pub kind: Kind,
}

const _: () = assert!(size_of::<Task>() <= 64);

/// What cannot be built or simulated.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum GraphError {
    /// A predecessor that comes later, or does not exist.
    #[error("task {task} waits for task {predecessor}, which does not come before it")]
    Order {
        /// The task.
        task: usize,
        /// What it waits for.
        predecessor: TaskId,
    },
    /// More tasks than are ever needed.
    #[error("more than {limit} tasks; larger buffers make fewer and larger tiles")]
    TooMany {
        /// The limit.
        limit: usize,
    },
    /// A resource that there is not, or that has no lane.
    #[error("task {task} needs resource {resource}, which there is not")]
    Resource {
        /// The task.
        task: usize,
        /// What it needs.
        resource: ResourceId,
    },
    /// A pool that there is not, or that is smaller than what a task takes from it.
    #[error("task {task} takes {amount} from pool {pool}, which has {capacity}")]
    Pool {
        /// The task.
        task: usize,
        /// What it takes from.
        pool: PoolId,
        /// How much it takes.
        amount: u16,
        /// How much there is.
        capacity: u32,
    },
    /// Tasks wait for a pool that is never given back.
    #[error("task {task} never starts: its pool is never given back, because the tasks that hold it wait too")]
    Stuck {
        /// The first task that does not start.
        task: usize,
    },
    /// A time beyond 64 bits of picoseconds, 213 days.
    #[error("the simulated time exceeds 213 days")]
    TooLong,
    /// Whoever watches wants it to end.
    #[error("the simulation was stopped")]
    Stopped,
}

/// Most tasks of a graph: some 2 GB with its simulation.
pub const MOST_TASKS: usize = 10_000_000;

/// Tasks and what they wait for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TaskGraph {
    tasks: Vec<Task>,
    /// Predecessors of all tasks, one after the other.
    predecessors: Vec<TaskId>,
    /// Where each task's predecessors end.
    ends: Vec<u32>,
}

/// The tasks that wait for each task: those of task `t` are `list[starts[t]..starts[t + 1]]`.
pub(super) struct Successors {
    starts: Vec<u32>,
    list: Vec<TaskId>,
}

impl Successors {
    pub fn of(&self, task: TaskId) -> &[TaskId] {
        let at = task as usize;
        &self.list[self.starts[at] as usize..self.starts[at + 1] as usize]
    }
}

impl TaskGraph {
    /// Adds a task behind all others. Predecessors that are named twice count once.
    ///
    /// # Errors
    /// A predecessor that does not come before it, or too many tasks.
    pub fn add(&mut self, task: Task, predecessors: &[TaskId]) -> Result<TaskId, GraphError> {
        let id = self.tasks.len();
        let edges = self.predecessors.len() + predecessors.len();
        if id >= MOST_TASKS || edges > u32::MAX as usize {
            return Err(GraphError::TooMany { limit: MOST_TASKS });
        }
        for (at, &predecessor) in predecessors.iter().enumerate() {
            if predecessor as usize >= id {
                return Err(GraphError::Order { task: id, predecessor });
            }
            // lists of stores may be long, but name nothing twice; the others are short
            if at >= 8 || !predecessors[..at].contains(&predecessor) {
                self.predecessors.push(predecessor);
            }
        }
        self.tasks.push(task);
        self.ends.push(self.predecessors.len() as u32);
        Ok(id as TaskId)
    }

    /// The tasks, in program order.
    pub fn tasks(&self) -> &[Task] {
        &self.tasks
    }

    /// What a task waits for.
    pub fn predecessors(&self, task: usize) -> &[TaskId] {
        let start = task.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.predecessors[start as usize..self.ends[task] as usize]
    }

    pub(super) fn successors(&self) -> Successors {
        let mut starts = vec![0_u32; self.tasks.len() + 1];
        for &predecessor in &self.predecessors {
            starts[predecessor as usize + 1] += 1;
        }
        for task in 0..self.tasks.len() {
            starts[task + 1] += starts[task];
        }
        let mut next = starts.clone();
        let mut list = vec![0; self.predecessors.len()];
        for task in 0..self.tasks.len() {
            for &predecessor in self.predecessors(task) {
                let at = &mut next[predecessor as usize];
                list[*at as usize] = task as TaskId;
                *at += 1;
            }
        }
        Successors { starts, list }
    }
}
