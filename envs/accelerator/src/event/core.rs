//! The loop over events.

use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::ops::ControlFlow;

use super::flow::Flow;
use super::{NO_TASK, Resources, Schedule, Wait};
use crate::task::{GraphError, Kind, NO_POOL, Successors, Task, TaskGraph, TaskId};

/// Tasks between two looks at whoever watches.
const WATCH_EVERY: usize = 1 << 16;

/// Where a task is.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// Waits for predecessors.
    Waiting,
    /// Waits for room in its pool.
    Pooled,
    /// Beyond that.
    Admitted,
}

/// A pool during a run.
struct Pool {
    free: u32,
    /// Tasks that take from it, in program order.
    takers: Vec<TaskId>,
    /// How many of them have taken.
    taken: usize,
}

/// Tasks that wait for something, the next one on top: priority, then program order.
type Queue = BinaryHeap<Reverse<(u8, TaskId)>>;

struct Core<'a> {
    graph: &'a TaskGraph,
    tasks: &'a [Task],
    resources: &'a Resources,
    successors: &'a Successors,
    /// Predecessors that each task still waits for.
    missing: Vec<u32>,
    /// Tasks that still wait for each task, ends included.
    users: Vec<u32>,
    stages: Vec<Stage>,
    pools: Vec<Pool>,
    /// What happens when: time, then order of foreseeing, then task.
    events: BinaryHeap<Reverse<(u64, u64)>>,
    foreseen: u64,
    flow: Flow,
    /// Tasks that wait for the control processor; the one it starts, and when it is done with it.
    control: Queue,
    controlled: TaskId,
    control_done: u64,
    /// Tasks that wait for a lane, by resource.
    queues: Vec<Queue>,
    /// Free lanes, one bit each, by resource.
    free: Vec<u64>,
    /// The task that ended last on each resource.
    last: Vec<TaskId>,
    /// Resources on which something may start now.
    dirty: Vec<usize>,
    /// Tasks that end now.
    ending: Vec<TaskId>,
    ended: usize,
    schedule: Schedule,
}

/// Runs a graph.
///
/// # Errors
/// A time beyond 64 bits; a resource or pool that there is not; a pool that is never given back.
pub fn run(graph: &TaskGraph, resources: &Resources) -> Result<Schedule, GraphError> {
    run_watched(graph, resources, |_| ControlFlow::Continue(()))
}

/// Runs a graph and tells now and then how many tasks have ended.
///
/// # Errors
/// As [`run`], and [`GraphError::Stopped`] when `watch` says so.
pub fn run_watched(
    graph: &TaskGraph,
    resources: &Resources,
    mut watch: impl FnMut(usize) -> ControlFlow<()>,
) -> Result<Schedule, GraphError> {
    check(graph, resources)?;
    let successors = graph.successors();
    let mut core = Core::new(graph, resources, &successors);
    for task in 0..graph.tasks().len() {
        if core.missing[task] == 0 {
            core.ready(0, task as TaskId);
        }
    }
    core.settle(0)?;
    let mut watched = 0;
    while let Some(now) = core.next() {
        core.happen(now)?;
        core.settle(now)?;
        if core.ended - watched >= WATCH_EVERY {
            watched = core.ended;
            if watch(watched).is_break() {
                return Err(GraphError::Stopped);
            }
        }
    }
    core.finish()
}

fn check(graph: &TaskGraph, resources: &Resources) -> Result<(), GraphError> {
    for (task, wanted) in graph.tasks().iter().enumerate() {
        let lanes = resources.lanes.get(usize::from(wanted.resource));
        if wanted.kind != Kind::Sync && lanes.is_none_or(|lanes| !(1..=64).contains(lanes)) {
            let resource = wanted.resource;
            return Err(GraphError::Resource { task, resource });
        }
        let capacity = resources.pools.get(usize::from(wanted.pool)).copied();
        let capacity = capacity.unwrap_or(0);
        if wanted.pool != NO_POOL && u32::from(wanted.amount) > capacity {
            return Err(GraphError::Pool {
                task,
                pool: wanted.pool,
                amount: wanted.amount,
                capacity,
            });
        }
    }
    Ok(())
}

impl<'a> Core<'a> {
    fn new(graph: &'a TaskGraph, resources: &'a Resources, successors: &'a Successors) -> Self {
        let tasks = graph.tasks();
        let count = tasks.len();
        let dispatched = match resources.dispatch_ps {
            0 => Vec::new(),
            _ => vec![0; count],
        };
        Self {
            graph,
            tasks,
            resources,
            missing: (0..count).map(|task| graph.predecessors(task).len() as u32).collect(),
            users: (0..count)
                .map(|task| successors.of(task as TaskId).len() as u32)
                .collect(),
            successors,
            stages: vec![Stage::Waiting; count],
            pools: pools(tasks, resources),
            events: BinaryHeap::new(),
            foreseen: 0,
            flow: Flow::new(resources),
            control: Queue::new(),
            controlled: NO_TASK,
            control_done: u64::MAX,
            queues: vec![Queue::new(); resources.lanes.len()],
            free: resources
                .lanes
                .iter()
                .map(|&lanes| u64::MAX >> (64 - u32::from(lanes.clamp(1, 64))))
                .collect(),
            last: vec![NO_TASK; resources.lanes.len()],
            dirty: Vec::new(),
            ending: Vec::new(),
            ended: 0,
            schedule: Schedule {
                starts: vec![0; count],
                ends: vec![0; count],
                dispatched,
                lanes: vec![0; count],
                waits: vec![Wait::Nothing; count],
                blockers: vec![NO_TASK; count],
            },
        }
    }

    /// When something happens next.
    fn next(&self) -> Option<u64> {
        let event = self.events.peek().map_or(u64::MAX, |&Reverse((time, _))| time);
        let next = event.min(self.flow.next()).min(self.control_done);
        Some(next).filter(|&time| time < u64::MAX)
    }

    fn foresee(&mut self, now: u64, wait: u64, task: TaskId) -> Result<(), GraphError> {
        let time = now.checked_add(wait).filter(|&time| time < u64::MAX);
        let key = self.foreseen << 32 | u64::from(task);
        self.events.push(Reverse((time.ok_or(GraphError::TooLong)?, key)));
        self.foreseen += 1; // at most two per task, so it never leaves its 32 bits
        Ok(())
    }

    /// Everything that happens at this time.
    fn happen(&mut self, now: u64) -> Result<(), GraphError> {
        while self.flow.next() == now {
            let done = self.flow.end(now)?;
            self.ending.extend(done);
        }
        if self.control_done == now {
            self.control_done = u64::MAX;
            self.schedule.dispatched[self.controlled as usize] = now;
            self.queue(now, self.controlled);
        }
        while let Some(&Reverse((time, key))) = self.events.peek()
            && time == now
        {
            self.events.pop();
            let task = key as TaskId;
            if self.tasks[task as usize].bytes > 0 {
                self.flow.begin(now, task, self.tasks[task as usize].bytes)?;
            } else {
                self.ending.push(task);
            }
        }
        Ok(())
    }

    /// Ends what ends, then starts what can start.
    fn settle(&mut self, now: u64) -> Result<(), GraphError> {
        while let Some(task) = self.ending.pop() {
            self.end(now, task);
        }
        if self.control_done == u64::MAX
            && let Some(Reverse((_, task))) = self.control.pop()
        {
            if self.schedule.starts[task as usize] < now {
                self.schedule.waits[task as usize] = Wait::Control;
            }
            self.controlled = task;
            let done = now.checked_add(self.resources.dispatch_ps);
            let done = done.filter(|&done| done < u64::MAX);
            self.control_done = done.ok_or(GraphError::TooLong)?;
        }
        while let Some(resource) = self.dirty.pop() {
            self.fill(now, resource)?;
        }
        Ok(())
    }

    /// A task's predecessors have ended.
    fn ready(&mut self, now: u64, task: TaskId) {
        let wanted = &self.tasks[task as usize];
        if wanted.pool == NO_POOL {
            return self.admit(now, task);
        }
        self.stages[task as usize] = Stage::Pooled;
        let blocker = self.schedule.blockers[task as usize];
        self.take(now, usize::from(wanted.pool), blocker);
    }

    /// Lets the next takers of a pool have their share, now that `blocker` has ended.
    fn take(&mut self, now: u64, pool: usize, blocker: TaskId) {
        loop {
            let state = &mut self.pools[pool];
            let Some(&task) = state.takers.get(state.taken) else {
                return;
            };
            let amount = u32::from(self.tasks[task as usize].amount);
            if self.stages[task as usize] != Stage::Pooled || amount > state.free {
                return;
            }
            state.free -= amount;
            state.taken += 1;
            if self.schedule.blockers[task as usize] != blocker {
                self.schedule.waits[task as usize] = Wait::Pool;
                self.schedule.blockers[task as usize] = blocker;
            }
            self.admit(now, task);
        }
    }

    /// A task goes to the control processor, or to its resource where that takes no time.
    fn admit(&mut self, now: u64, task: TaskId) {
        self.stages[task as usize] = Stage::Admitted;
        let wanted = &self.tasks[task as usize];
        if wanted.kind == Kind::Sync {
            self.schedule.starts[task as usize] = now;
            self.ending.push(task);
        } else if self.resources.dispatch_ps == 0 {
            self.queue(now, task);
        } else {
            self.schedule.starts[task as usize] = now; // for now: since when it waits
            self.control.push(Reverse((wanted.priority, task)));
        }
    }

    fn queue(&mut self, now: u64, task: TaskId) {
        let wanted = &self.tasks[task as usize];
        let resource = usize::from(wanted.resource);
        self.schedule.starts[task as usize] = now; // for now: since when it waits
        self.queues[resource].push(Reverse((wanted.priority, task)));
        self.dirty.push(resource);
    }

    /// Starts what waits for a resource, as long as it has free lanes.
    fn fill(&mut self, now: u64, resource: usize) -> Result<(), GraphError> {
        while self.free[resource] != 0
            && let Some(Reverse((_, task))) = self.queues[resource].pop()
        {
            let at = task as usize;
            let lane = self.free[resource].trailing_zeros();
            self.free[resource] &= !(1 << lane);
            if self.schedule.starts[at] < now {
                self.schedule.waits[at] = Wait::Resource;
                self.schedule.blockers[at] = self.last[resource];
            }
            self.schedule.starts[at] = now;
            self.schedule.lanes[at] = lane as u8;
            self.foresee(now, self.tasks[at].fixed_ps, task)?;
        }
        Ok(())
    }

    fn end(&mut self, now: u64, task: TaskId) {
        let at = task as usize;
        let ended = &self.tasks[at];
        self.schedule.ends[at] = now;
        self.ended += 1;
        if ended.kind != Kind::Sync {
            let resource = usize::from(ended.resource);
            self.free[resource] |= 1 << self.schedule.lanes[at];
            self.last[resource] = task;
            self.dirty.push(resource);
        }
        if self.users[at] == 0 {
            self.give_back(now, task, task);
        }
        let graph = self.graph;
        for &predecessor in graph.predecessors(at) {
            let users = &mut self.users[predecessor as usize];
            *users -= 1;
            if *users == 0 {
                self.give_back(now, predecessor, task);
            }
        }
        let successors = self.successors;
        for &next in successors.of(task) {
            let missing = &mut self.missing[next as usize];
            *missing -= 1;
            if *missing == 0 {
                self.schedule.waits[next as usize] = Wait::Predecessor;
                self.schedule.blockers[next as usize] = task;
                self.ready(now, next);
            }
        }
    }

    /// A task that holds some of a pool is no longer needed, because of the end of `blocker`.
    fn give_back(&mut self, now: u64, holder: TaskId, blocker: TaskId) {
        let Task { pool, amount, .. } = self.tasks[holder as usize];
        if pool != NO_POOL {
            self.pools[usize::from(pool)].free += u32::from(amount);
            self.take(now, usize::from(pool), blocker);
        }
    }

    fn finish(self) -> Result<Schedule, GraphError> {
        if self.ended == self.tasks.len() {
            return Ok(self.schedule);
        }
        let stuck = self.stages.iter().position(|&stage| stage == Stage::Pooled);
        Err(GraphError::Stuck {
            task: stuck.unwrap_or(0),
        })
    }
}

fn pools(tasks: &[Task], resources: &Resources) -> Vec<Pool> {
    let empty = |&free: &u32| Pool {
        free,
        takers: Vec::new(),
        taken: 0,
    };
    let mut pools: Vec<Pool> = resources.pools.iter().map(empty).collect();
    for (task, wanted) in tasks.iter().enumerate() {
        if wanted.pool != NO_POOL {
            pools[usize::from(wanted.pool)].takers.push(task as TaskId);
        }
    }
    pools
}
