//! Times of a piece of work: on the processor and on the wall.

use std::time::Instant;

use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use rustix::time::{ClockId, clock_gettime};

/// What a piece of work took, s.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Timed {
    /// Time of this thread on a processor.
    pub cpu: f64,
    /// Time on the wall.
    pub wall: f64,
}

impl Timed {
    /// Does the work and times it.
    pub fn of<T>(work: impl FnOnce() -> T) -> (Self, T) {
        let (start, cpu) = (Instant::now(), thread_seconds());
        let result = work();
        let cpu = (thread_seconds() - cpu).max(1e-9);
        let wall = start.elapsed().as_secs_f64();
        (Self { cpu, wall }, result)
    }

    /// Lower quartiles of both times; zero of none. What else runs on a machine only ever adds to a time, so that a
    /// low one is nearer to that of the work alone than the median is; on a quiet machine they are the same.
    pub fn quartile(times: &[Self]) -> Self {
        let quarter = |of: fn(&Self) -> f64| {
            let mut values: Vec<f64> = times.iter().map(of).collect();
            values.sort_by(f64::total_cmp);
            values.get(values.len() / 4).copied().unwrap_or(0.0)
        };
        Self {
            cpu: quarter(|time| time.cpu),
            wall: quarter(|time| time.wall),
        }
    }
}

/// Time that this thread has spent on a processor, s.
fn thread_seconds() -> f64 {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    time.tv_sec as f64 + 1e-9 * time.tv_nsec as f64
}

/// Keeps this thread on one core, the last it may use, so that its caches stay its own; where that is not allowed,
/// nothing changes.
pub fn pin_to_a_core() {
    let Ok(allowed) = sched_getaffinity(None) else {
        return;
    };
    let last = (0..CpuSet::MAX_CPU).rev().find(|&core| allowed.is_set(core));
    if let Some(core) = last {
        let mut one = CpuSet::new();
        one.set(core);
        // a refusal leaves the thread where the system puts it
        let _ = sched_setaffinity(None, &one);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sleep_takes_time_on_the_wall_only() {
        let pause = std::time::Duration::from_millis(30);
        let (time, ()) = Timed::of(|| std::thread::sleep(pause));
        assert!(time.wall >= 0.03 && time.cpu < 0.02, "{time:?}");
    }

    #[test]
    fn quartiles_are_taken_of_each_time() {
        let time = |cpu, wall| Timed { cpu, wall };
        let times = [time(1.0, 9.0), time(4.0, 6.0), time(2.0, 8.0), time(3.0, 7.0)];
        assert_eq!(Timed::quartile(&times), time(2.0, 7.0));
        assert_eq!(Timed::quartile(&[]), Timed::default());
    }
}
