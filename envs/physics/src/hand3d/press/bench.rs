//! Speed of the physical hand against a bare rapier loop.

use std::time::Instant;

use super::config::Settings;
use super::controller::Script;
use super::hand::{Hand, WORKING};
use super::machine::{Machine, Start};
use super::state::State;
use super::world::Press;
use crate::rate::PhysicsRate;
use tandem_core::problem::{Fidelity, Problem, ProblemError};
use tandem_core::stream::Stream;

/// Measures both loops, `steps` control steps each and per thread, on `threads` threads.
///
/// A hand that works grasps, lifts and presses by the script, episode after episode, so that contacts are as many as
/// in use. Building the machine is not counted.
///
/// # Errors
/// Settings that make no problem.
pub fn physics_bench(settings: &Settings, steps: usize, threads: usize) -> Result<PhysicsRate, ProblemError> {
    PhysicsRate::measure(steps, settings.substeps, threads, || seconds(settings, steps))
}

/// Seconds that one thread spends in the full and in the bare loop.
fn seconds(settings: &Settings, steps: usize) -> Result<[f64; 2], ProblemError> {
    let mut press = Press::new(settings.clone())?;
    let mut stream = Stream::new(0, "physics-bench", 0);
    let mut observation = vec![0.0; press.spec().observation.len()];
    let mut spent = [0.0; 2];
    let mut left = steps;
    // episode by episode: noise of the machine hits both loops alike
    while left > 0 {
        let now = left.min(settings.horizon);
        press.reset(&WORKING, Fidelity::Full, &mut stream)?;
        let start = Instant::now();
        for _ in 0..now {
            let command = press.state().map(State::scripted).unwrap_or_default();
            press.full_step(&command);
            press.observe(&mut observation);
        }
        spent[0] += start.elapsed().as_secs_f64();
        let built = Hand::new(&WORKING).and_then(|hand| {
            let machine = Machine::new(&hand, &Start::default(), settings.substeps)?;
            Some((machine, Script::new(&hand)))
        });
        if let Some((mut machine, script)) = built {
            let start = Instant::now();
            (0..now).for_each(|step| machine.bare_step(&script.targets(step)));
            spent[1] += start.elapsed().as_secs_f64();
        }
        left -= now;
    }
    Ok(spent)
}
