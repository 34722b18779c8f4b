//! The identities that every system obeys, on random graphs.

use super::*;

/// A random graph over all resources and both pools. What takes from a pool is used by one task that waits for
/// nothing else, so that the pool is always given back.
fn random(stream: &mut Stream) -> TaskGraph {
    let mut graph = TaskGraph::default();
    let mut plain: Vec<TaskId> = Vec::new();
    for _ in 0..60 {
        let mut task = match stream.below(3) {
            0 => compute(ENGINE, 1000 * stream.below(50) as u64),
            1 => compute(OTHER, 1000 * stream.below(50) as u64),
            _ => load(stream.below(3000) as u64, 1 + stream.below(60) as u64),
        };
        task.priority = stream.below(3) as u8;
        let count = if plain.is_empty() { 0 } else { stream.below(3) };
        let before: Vec<TaskId> = (0..count).map(|_| plain[stream.below(plain.len())]).collect();
        plain.push(match stream.below(3) as u16 {
            pool @ 0..2 => {
                let holder = slot(pool, load(0, 1 + stream.below(9) as u64));
                let holder = graph.add(holder, &before).unwrap();
                graph.add(task, &[holder]).unwrap()
            }
            _ => graph.add(task, &before).unwrap(),
        });
    }
    graph
}

#[test]
fn no_schedule_beats_its_critical_path_or_its_busiest_resource() {
    let mut stream = Stream::new(0, "graphs", 0);
    for round in 0..300 {
        let graph = random(&mut stream);
        let resources = Resources {
            dispatch_ps: round % 3 * 500,
            ..resources()
        };
        let schedule = run(&graph, &resources).unwrap();
        let shortest = |task: &Task| resources.dispatch_ps + task.fixed_ps + 1000 * task.bytes;
        let mut path: Vec<u64> = Vec::new();
        for (at, task) in graph.tasks().iter().enumerate() {
            let before = graph.predecessors(at).iter().map(|&p| path[p as usize]);
            path.push(before.max().unwrap_or(0) + shortest(task));
            for &p in graph.predecessors(at) {
                assert!(schedule.starts[at] >= schedule.ends[p as usize]);
            }
        }
        let busy = |resource| {
            let own = graph.tasks().iter().filter(move |task| task.resource == resource);
            own.map(|task| task.fixed_ps).sum::<u64>()
        };
        let bytes: u64 = graph.tasks().iter().map(|task| 1000 * task.bytes).sum();
        let control = resources.dispatch_ps * graph.tasks().len() as u64;
        let longest = path.into_iter().max().unwrap();
        for bound in [longest, busy(ENGINE), busy(OTHER), bytes, control] {
            assert!(schedule.makespan() >= bound);
        }
        assert_eq!(run(&graph, &resources).unwrap(), schedule, "and the same again");
    }
}

#[test]
fn engines_run_one_task_at_a_time_and_channels_no_more_than_there_are() {
    let mut stream = Stream::new(1, "graphs", 0);
    for _ in 0..100 {
        let graph = random(&mut stream);
        let schedule = run(&graph, &resources()).unwrap();
        let lane = |at: usize| (graph.tasks()[at].resource, schedule.lanes[at]);
        for a in 0..graph.tasks().len() {
            for b in (0..a).filter(|&b| lane(b) == lane(a)) {
                let apart = schedule.ends[a] <= schedule.starts[b] || schedule.ends[b] <= schedule.starts[a];
                assert!(apart, "{a} and {b} overlap");
            }
        }
    }
}

#[test]
fn the_critical_path_leaves_no_gap() {
    let mut stream = Stream::new(2, "graphs", 0);
    for _ in 0..200 {
        let graph = random(&mut stream);
        let schedule = run(&graph, &resources()).unwrap();
        let mut end = schedule.makespan();
        for task in schedule.critical_path() {
            assert_eq!(schedule.ends[task as usize], end);
            end = schedule.starts[task as usize];
        }
        assert_eq!(end, 0);
    }
}
