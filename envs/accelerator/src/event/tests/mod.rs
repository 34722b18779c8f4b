//! Schedules worked out by hand, and what is no task graph.

mod random;

use super::*;
use crate::task::{GraphError, Kind, NO_POOL, ResourceId, Task, TaskGraph};
use tandem_core::Stream;

const ENGINE: ResourceId = 0;
const OTHER: ResourceId = 1;
const DMA: ResourceId = 2;

/// Two engines and two channels; a byte per nanosecond in all.
fn resources() -> Resources {
    Resources {
        lanes: vec![1, 1, 2],
        pools: vec![2, 2],
        bandwidth: 1_000_000_000,
        channel: u64::MAX,
        sharing: Sharing::Fair,
        dispatch_ps: 0,
    }
}

/// The same with one channel.
fn single() -> Resources {
    Resources {
        lanes: vec![1, 1, 1],
        ..resources()
    }
}

fn compute(resource: ResourceId, fixed_ps: u64) -> Task {
    Task {
        fixed_ps,
        bytes: 0,
        macs: 0,
        layer: 0,
        resource,
        pool: NO_POOL,
        amount: 0,
        priority: 0,
        kind: Kind::Compute,
    }
}

fn load(latency_ps: u64, bytes: u64) -> Task {
    Task {
        bytes,
        kind: Kind::LoadInput,
        ..compute(DMA, latency_ps)
    }
}

fn slot(pool: u16, task: Task) -> Task {
    Task {
        pool,
        amount: 1,
        ..task
    }
}

fn graph(tasks: &[(Task, &[TaskId])]) -> TaskGraph {
    let mut graph = TaskGraph::default();
    for (task, predecessors) in tasks {
        graph.add(*task, predecessors).unwrap();
    }
    graph
}

fn makespan(graph: &TaskGraph, resources: &Resources) -> u64 {
    run(graph, resources).unwrap().makespan()
}

#[test]
fn one_resource_takes_the_sum_of_its_tasks() {
    let tasks: Vec<(Task, &[TaskId])> = (1..=10).map(|t| (compute(ENGINE, t), &[][..])).collect();
    assert_eq!(makespan(&graph(&tasks), &resources()), 55);
}

#[test]
fn two_independent_resources_take_the_maximum() {
    let tasks = [(compute(ENGINE, 70), &[][..]), (compute(OTHER, 30), &[])];
    assert_eq!(makespan(&graph(&tasks), &resources()), 70);
}

#[test]
fn without_computation_the_bytes_over_the_bandwidth_remain() {
    let tasks: Vec<(Task, &[TaskId])> = (0..50).map(|n| (load(0, 8 + n), &[][..])).collect();
    let bytes: u64 = (0..50).map(|n| 8 + n).sum();
    let makespan = makespan(&graph(&tasks), &resources());
    // rounded up to a picosecond whenever a transfer ends
    assert!((1000 * bytes..1000 * bytes + 50).contains(&makespan));
}

/// Tiles of `(bytes in, computation in ps, bytes out)` through buffers of two pools. Each step computes a tile, loads
/// the next one and stores the one before.
fn chain(tiles: &[[u64; 3]]) -> TaskGraph {
    let mut graph = TaskGraph::default();
    let mut loaded = None;
    let mut computed: Option<(TaskId, u64)> = None;
    for at in 0..=tiles.len() {
        let before = computed.take();
        if let (Some(&[_, picoseconds, out]), Some(load)) = (at.checked_sub(1).map(|f| &tiles[f]), loaded) {
            let task = slot(1, compute(ENGINE, picoseconds));
            computed = Some((graph.add(task, &[load]).unwrap(), out));
        }
        if let Some(&[bytes, ..]) = tiles.get(at) {
            loaded = Some(graph.add(slot(0, load(0, bytes)), &[]).unwrap());
        }
        for (compute, out) in before.into_iter().chain(computed.filter(|_| at == tiles.len())) {
            let store = Task {
                kind: Kind::Store,
                ..load(0, out)
            };
            graph.add(store, &[compute]).unwrap();
        }
    }
    graph
}

#[test]
fn a_double_buffered_chain_takes_load_then_the_longer_of_both_then_store() {
    let mut stream = Stream::new(0, "chain", 0);
    for _ in 0..200 {
        let mut draw = || 1 + stream.below(50) as u64;
        let tiles: Vec<[u64; 3]> = (0..20).map(|_| [draw(), 1000 * draw(), draw()]).collect();
        let count = tiles.len();
        let load = |at: usize| tiles.get(at).map_or(0, |tile| 1000 * tile[0]);
        let store = |at: Option<usize>| at.map_or(0, |at| 1000 * tiles[at][2]);
        // T = load_1 + sum over f of max(compute_f, load_f+1 + store_f-1) + store_last
        let steps = (0..count).map(|f| tiles[f][1].max(load(f + 1) + store(f.checked_sub(1))));
        let expected = load(0) + steps.sum::<u64>() + store(count.checked_sub(1));
        assert_eq!(makespan(&chain(&tiles), &single()), expected);
    }
}

#[test]
fn with_single_buffers_nothing_overlaps() {
    let tiles: Vec<[u64; 3]> = (1..20).map(|n| [n, 700 * n, 0]).collect();
    let serial: u64 = tiles.iter().map(|tile| 1000 * tile[0] + tile[1]).sum();
    let small = Resources {
        pools: vec![1, 1],
        ..single()
    };
    assert_eq!(makespan(&chain(&tiles), &small), serial);
}

#[test]
fn with_endless_bandwidth_only_computation_remains() {
    let fast = Resources {
        bandwidth: u64::MAX,
        ..resources()
    };
    let tiles: Vec<[u64; 3]> = (1..30).map(|n| [n, 1000 * n, n]).collect();
    let computation: u64 = tiles.iter().map(|tile| tile[1]).sum();
    let makespan = makespan(&chain(&tiles), &fast);
    // a transfer still takes its picosecond
    assert!((computation..computation + 60).contains(&makespan));
}

#[test]
fn transfers_share_the_bandwidth_equally() {
    // two of 10 bytes at half the bandwidth each: both done at 20 ns; a third waits for a channel
    let tasks = [(load(0, 10), &[][..]), (load(0, 10), &[]), (load(0, 5), &[])];
    let schedule = run(&graph(&tasks), &resources()).unwrap();
    assert_eq!(schedule.ends, [20_000, 20_000, 25_000]);
    assert_eq!(schedule.lanes, [0, 1, 0]);
    // 10 bytes beside 4: both at half the bandwidth for 8 ns, then the longer one alone
    let tasks = [(load(0, 10), &[][..]), (load(0, 4), &[])];
    assert_eq!(run(&graph(&tasks), &resources()).unwrap().ends, [14_000, 8_000]);
}

#[test]
fn in_fixed_slots_no_transfer_sees_the_others() {
    let slots = Resources {
        sharing: Sharing::Slots(2),
        ..resources()
    };
    let tasks = [(load(0, 10), &[][..]), (load(0, 4), &[]), (load(3, 1), &[])];
    let schedule = run(&graph(&tasks), &slots).unwrap();
    assert_eq!(schedule.ends, [20_000, 8_000, 10_003]);
}

#[test]
fn one_channel_is_not_faster_than_it_can_be() {
    let slow = Resources {
        channel: 250_000_000,
        ..resources()
    };
    let tasks = [(load(7, 10), &[][..]), (load(7, 10), &[])];
    assert_eq!(makespan(&graph(&tasks), &slow), 7 + 40_000);
}

#[test]
fn the_control_processor_starts_one_task_after_the_other() {
    let slow = Resources {
        dispatch_ps: 100,
        ..resources()
    };
    let tasks = [(compute(ENGINE, 5), &[][..]), (compute(OTHER, 5), &[])];
    let schedule = run(&graph(&tasks), &slow).unwrap();
    assert_eq!(schedule.ends, [105, 205]);
    assert_eq!(schedule.waits[1], Wait::Control);
}

#[test]
fn of_those_that_wait_priority_goes_first_then_program_order() {
    let urgent = Task {
        priority: 0,
        ..compute(ENGINE, 10)
    };
    let other = Task { priority: 1, ..urgent };
    let tasks = [(other, &[][..]), (other, &[]), (urgent, &[])];
    assert_eq!(run(&graph(&tasks), &resources()).unwrap().starts, [10, 20, 0]);
}

#[test]
fn a_pool_serves_in_program_order_and_gets_back_when_all_users_have_ended() {
    // the first load is used twice; the third task may only begin when both uses are over
    let one = Resources {
        pools: vec![1],
        ..resources()
    };
    let tasks = [
        (slot(0, load(0, 10)), &[][..]),
        (compute(ENGINE, 5_000), &[0]),
        (compute(ENGINE, 5_000), &[0]),
        (slot(0, load(0, 1)), &[]),
    ];
    let schedule = run(&graph(&tasks), &one).unwrap();
    assert_eq!(schedule.starts, [0, 10_000, 15_000, 20_000]);
    assert_eq!((schedule.waits[3], schedule.blockers[3]), (Wait::Pool, 2));
}

#[test]
fn what_does_not_belong_together_is_an_error() {
    let mut bad = TaskGraph::default();
    let order = bad.add(compute(0, 1), &[0]);
    assert!(matches!(order, Err(GraphError::Order { .. })));
    bad.add(compute(9, 1), &[]).unwrap();
    let error = run(&bad, &resources()).unwrap_err();
    let expected = GraphError::Resource { task: 0, resource: 9 };
    assert_eq!(error, expected);
    let wide = Task {
        amount: 3,
        ..slot(0, load(0, 1))
    };
    let error = run(&graph(&[(wide, &[])]), &resources()).unwrap_err();
    assert!(error.to_string().contains("takes 3 from pool 0, which has 2"));
}

#[test]
fn a_deadlock_is_an_error_with_the_task_that_waits() {
    // the holder is used by a task that itself waits for a slot of the same pool
    let one = Resources {
        pools: vec![1],
        ..resources()
    };
    let tasks = [(slot(0, load(0, 1)), &[][..]), (slot(0, compute(ENGINE, 1)), &[0])];
    assert_eq!(run(&graph(&tasks), &one), Err(GraphError::Stuck { task: 1 }));
}

#[test]
fn times_beyond_64_bits_are_errors() {
    let long = |fixed_ps| (compute(ENGINE, fixed_ps), &[][..]);
    for tasks in [vec![long(u64::MAX)], vec![long(u64::MAX / 2); 3]] {
        assert_eq!(run(&graph(&tasks), &resources()), Err(GraphError::TooLong));
    }
    for bytes in [u64::MAX, u64::MAX / 1000] {
        let slow = Resources {
            bandwidth: 1,
            ..resources()
        };
        let tasks = [(load(0, bytes), &[][..]), (load(0, bytes), &[])];
        assert_eq!(run(&graph(&tasks), &slow), Err(GraphError::TooLong));
    }
}

#[test]
fn whoever_watches_can_stop_it() {
    let tasks: Vec<(Task, &[TaskId])> = vec![(compute(ENGINE, 1), &[][..]); 200_000];
    let graph = graph(&tasks);
    let stop = |_| std::ops::ControlFlow::Break(());
    assert_eq!(run_watched(&graph, &resources(), stop), Err(GraphError::Stopped));
}
