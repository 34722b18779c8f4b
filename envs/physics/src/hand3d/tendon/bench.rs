//! Speed of the physical hand against a bare rapier loop.

use std::time::Instant;

use super::config::Settings;
use super::controller::{LIFT_PHASE, torques};
use super::hand::{WORKING, joints};
use super::machine::Angles;
use super::state::State;
use super::task::HORIZON;
use super::world::Tendon;
use crate::rate::PhysicsRate;
use tandem_core::stream::Stream;
use tandem_core::{Environment, Fidelity, Problem, ProblemError};

/// Measures both loops, `steps` control steps each and per thread, on `threads` threads.
///
/// A hand that works closes on random objects and lifts them, episode after episode, so that contacts are as many as in
/// use. Building the machine is not counted.
///
/// # Errors
/// Settings that make no problem.
pub fn physics_bench(settings: &Settings, steps: usize, threads: usize) -> Result<PhysicsRate, ProblemError> {
    PhysicsRate::measure(steps, settings.substeps, threads, || seconds(settings, steps))
}

/// Seconds that one thread spends in the full and in the bare loop.
fn seconds(settings: &Settings, steps: usize) -> Result<[f64; 2], ProblemError> {
    let mut tendon = Tendon::new(settings.clone())?;
    let mut observation = vec![0.0; tendon.spec().observation.len()];
    let mut spent = [0.0; 2];
    let mut left = steps;
    // episode by episode: noise of the machine hits both loops alike
    while left > 0 {
        let now = left.min(HORIZON);
        // close to half of the tension in seven steps, then lift in fifteen
        let command = |step: usize| match step {
            0..7 => [1.0, 0.0],
            _ if LIFT_PHASE.contains(&step) => [0.0, 0.6],
            _ => [0.0, 0.0],
        };
        let start = |tendon: &mut Environment<Tendon>| {
            let stream = &mut Stream::new(left as u64, "physics-bench", 0);
            tendon.reset(&WORKING, Fidelity::Full, stream)
        };
        start(&mut tendon)?;
        let clock = Instant::now();
        for step in 0..now {
            tendon.full_step(&command(step));
            tendon.observe(&mut observation);
        }
        spent[0] += clock.elapsed().as_secs_f64();
        start(&mut tendon)?;
        let machine = tendon.state_mut().and_then(State::machine_mut);
        if let (Some(machine), Some(joints)) = (machine, joints(&WORKING)) {
            let (mut tension, mut slide) = (0.0, 0.0);
            let clock = Instant::now();
            for step in 0..now {
                let [pull, lift] = command(step);
                tension += 3.0 * pull;
                slide += 0.004 * lift;
                machine.bare_step(slide, |angles: &Angles| torques(&joints, tension, angles));
            }
            spent[1] += clock.elapsed().as_secs_f64();
        }
        left -= now;
    }
    Ok(spent)
}
