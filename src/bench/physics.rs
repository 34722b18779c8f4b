//! Physics steps per second, beside a bare rapier loop over the same scene.

use tandem_envs::reach2d::{Config, PhysicsRate, Settings, physics_bench};

use super::Entry;
use crate::error::Error;
use crate::statistics::median;

/// The scenes: five links without walls, with walls, fifteen links.
pub const SCENES: [&str; 3] = ["far", "passage", "far-15"];
/// Control steps of each loop per thread and round.
const STEPS: usize = 1000;
/// Rounds; the medians count, because other programs disturb some of them.
const ROUNDS: usize = 7;

/// One scene on one and on all threads.
pub struct Scene {
    /// Its preset.
    pub name: &'static str,
    /// On one thread.
    pub one: PhysicsRate,
    /// On all threads.
    pub all: PhysicsRate,
}

impl Scene {
    /// Measures a preset on 1 and on `threads` threads.
    ///
    /// # Errors
    /// A name that is no preset.
    pub fn measure(name: &'static str, threads: usize) -> Result<Self, Error> {
        let config = Config {
            preset: Some(name.to_owned()),
            ..Config::default()
        };
        let settings = Settings::new(&config)?;
        let (mut one, mut all) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            one.push(physics_bench(&settings, STEPS, 1)?);
            all.push(physics_bench(&settings, STEPS, threads)?);
        }
        Ok(Self {
            name,
            one: middle(&one, 1),
            all: middle(&all, threads),
        })
    }

    /// `NAME_full_THREADS` and `NAME_bare_THREADS` in control steps per second, `NAME_ratio_THREADS` (full to
    /// bare), and `NAME_scaling` (all threads to one).
    pub fn entries(&self) -> Vec<Entry> {
        let mut rates = vec![self.one];
        rates.extend((self.all.threads > 1).then_some(self.all));
        let mut entries = Vec::new();
        for rate in rates {
            let name = |what: &str| format!("{}_{what}_{}", self.name, rate.threads);
            entries.push(Entry::new(name("full"), rate.full, "control steps/s"));
            entries.push(Entry::new(name("bare"), rate.bare, "control steps/s"));
            entries.push(Entry::new(
                name("ratio"),
                rate.full / rate.bare,
                "full to bare",
            ));
        }
        let scaling = self.all.full / self.one.full;
        entries.push(Entry::new(
            format!("{}_scaling", self.name),
            scaling,
            "all threads to one",
        ));
        entries
    }
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
        };
        let scene = Scene {
            name: "far",
            one: rate(1, 80.0, 100.0),
            all: rate(2, 120.0, 150.0),
        };
        let entries = scene.entries();
        let value = |name: &str| entries.iter().find(|e| e.name == name).unwrap().value;
        assert_eq!((value("far_full_1"), value("far_bare_2")), (80.0, 150.0));
        assert_eq!((value("far_ratio_1"), value("far_scaling")), (0.8, 1.5));
    }

    #[test]
    fn one_disturbed_round_does_not_count() {
        let rate = |full| PhysicsRate {
            threads: 1,
            full,
            bare: 2.0 * full,
        };
        let middle = middle(&[rate(100.0), rate(3.0), rate(110.0)], 1);
        assert_eq!((middle.full, middle.bare), (100.0, 200.0));
    }
}
