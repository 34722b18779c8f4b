//! Physics steps per second, beside a loop of the bare machine over the same scene.

use tandem_core::ProblemError;
use tandem_physics::PhysicsRate;
use tandem_physics::hand3d::{press, tendon};
use tandem_physics::reach2d;

use super::Entry;
use crate::error::Error;
use crate::statistics::median;

/// A scene to measure: its name, and what runs so many control steps per thread on so many threads.
#[derive(Clone, Copy)]
pub struct Case {
    /// Name of the scene.
    pub name: &'static str,
    run: fn(&str, usize, usize) -> Result<PhysicsRate, ProblemError>,
}

/// The scenes: five links without walls, with walls, fifteen links; two hands at work.
pub const CASES: [Case; 5] = [
    arm("far"),
    arm("passage"),
    arm("far-15"),
    Case {
        name: "press",
        run: |_, steps, threads| {
            let settings = press::Settings::default();
            press::physics_bench(&settings, steps, threads)
        },
    },
    Case {
        name: "tendon",
        run: |_, steps, threads| {
            let settings = tendon::Settings::default();
            tendon::physics_bench(&settings, steps, threads)
        },
    },
];

/// The scene of an arm's preset.
const fn arm(name: &'static str) -> Case {
    let run = |name: &str, steps, threads| {
        let config = reach2d::Config {
            preset: Some(name.to_owned()),
            ..reach2d::Config::default()
        };
        reach2d::physics_bench(&reach2d::Settings::new(&config)?, steps, threads)
    };
    Case { name, run }
}

/// Control steps of each loop per thread and round.
const STEPS: usize = 1000;
/// Rounds; the medians count, because other programs disturb some of them.
const ROUNDS: usize = 11;

/// One scene on one and on all threads.
pub struct Scene {
    /// Its name.
    pub name: &'static str,
    /// On one thread.
    pub one: PhysicsRate,
    /// On all threads.
    pub all: PhysicsRate,
    /// All threads to one: the median over rounds, in which both are measured one after the other.
    pub scaling: f64,
}

impl Scene {
    /// Measures a scene on 1 and on `threads` threads.
    ///
    /// # Errors
    /// Settings that make no problem.
    pub fn measure(case: Case, threads: usize) -> Result<Self, Error> {
        let (mut one, mut all) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            one.push((case.run)(case.name, STEPS, 1)?);
            all.push((case.run)(case.name, STEPS, threads)?);
        }
        Ok(Self {
            name: case.name,
            one: middle(&one, 1),
            all: middle(&all, threads),
            scaling: scaling(&one, &all),
        })
    }

    /// `NAME_full_THREADS`, `NAME_substeps_THREADS` (physics steps of those) and `NAME_bare_THREADS` in control steps per second, `NAME_ratio_THREADS` (full to
    /// bare), `NAME_raw_THREADS` (physics steps of the bare loop), and `NAME_scaling` (all threads to one).
    pub fn entries(&self) -> Vec<Entry> {
        let mut rates = vec![self.one];
        rates.extend((self.all.threads > 1).then_some(self.all));
        let mut entries = Vec::new();
        for rate in rates {
            let name = |what: &str| format!("{}_{what}_{}", self.name, rate.threads);
            entries.push(Entry::new(name("full"), rate.full, "control steps/s"));
            let substeps = rate.full * rate.substeps as f64;
            entries.push(Entry::new(name("substeps"), substeps, "physics steps/s"));
            entries.push(Entry::new(name("bare"), rate.bare, "control steps/s"));
            entries.push(Entry::new(name("ratio"), rate.full / rate.bare, "full to bare"));
            let raw = rate.bare * rate.substeps as f64;
            entries.push(Entry::new(name("raw"), raw, "physics steps/s"));
        }
        entries.push(Entry::new(
            format!("{}_scaling", self.name),
            self.scaling,
            "all threads to one",
        ));
        entries
    }
}

/// Median over the rounds of what all threads do to what one does.
fn scaling(one: &[PhysicsRate], all: &[PhysicsRate]) -> f64 {
    let ratios = one.iter().zip(all).map(|(one, all)| all.full / one.full);
    median(&ratios.collect::<Vec<f64>>()).unwrap_or(f64::NAN)
}

/// Medians over the rounds.
fn middle(rounds: &[PhysicsRate], threads: usize) -> PhysicsRate {
    let over = |of: fn(&PhysicsRate) -> f64| {
        let rates: Vec<f64> = rounds.iter().map(of).collect();
        median(&rates).unwrap_or(f64::NAN)
    };
    PhysicsRate {
        threads,
        full: over(|rate| rate.full),
        bare: over(|rate| rate.bare),
        substeps: rounds.first().map_or(0, |rate| rate.substeps),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_carry_thread_counts_ratio_and_scaling() {
        let rate = |threads, full, bare| PhysicsRate {
            threads,
            full,
            bare,
            substeps: 4,
        };
        let scene = Scene {
            name: "far",
            one: rate(1, 80.0, 100.0),
            all: rate(2, 120.0, 150.0),
            scaling: scaling(&[rate(1, 80.0, 100.0)], &[rate(2, 120.0, 150.0)]),
        };
        let entries = scene.entries();
        let value = |name: &str| entries.iter().find(|e| e.name == name).unwrap().value;
        assert_eq!((value("far_full_1"), value("far_bare_2")), (80.0, 150.0));
        assert_eq!(value("far_raw_2"), 600.0);
        assert_eq!((value("far_ratio_1"), value("far_scaling")), (0.8, 1.5));
    }

    #[test]
    fn one_disturbed_round_does_not_count() {
        let rate = |full| PhysicsRate {
            threads: 1,
            full,
            bare: 2.0 * full,
            substeps: 4,
        };
        let middle = middle(&[rate(100.0), rate(3.0), rate(110.0)], 1);
        assert_eq!((middle.full, middle.bare), (100.0, 200.0));
    }
}
