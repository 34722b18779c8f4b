//! Speed of the physical machine against a bare rapier loop.

use std::time::Instant;

use super::config::{MAX_LINKS, Settings};
use super::state::State;
use super::world::Reach;
use crate::rate::PhysicsRate;
use tandem_core::check::refuse;
use tandem_core::problem::{Fidelity, Problem, ProblemError};
use tandem_core::stream::Stream;

/// Control steps between two changes from one loop to the other: noise of the machine hits both alike.
const TURN: usize = 100;

/// Measures both loops, `steps` control steps each and per thread, on `threads` threads.
///
/// The arm has links of 0.85 of the longest length and follows smooth random commands.
///
/// # Errors
/// Settings that make no problem.
pub fn physics_bench(settings: &Settings, steps: usize, threads: usize) -> Result<PhysicsRate, ProblemError> {
    PhysicsRate::measure(steps, settings.substeps, threads, || seconds(settings, steps))
}

/// Seconds that one thread spends in the full and in the bare loop.
fn seconds(settings: &Settings, steps: usize) -> Result<[f64; 2], ProblemError> {
    let mut design = Reach::new(settings.clone())?.hardware().space().start();
    design[..settings.links].fill(0.85 * settings.length_bounds[1]);
    let mut worlds = Vec::new();
    for _ in 0..2 {
        let mut reach = Reach::new(settings.clone())?;
        let mut stream = Stream::new(0, "physics-bench", 0);
        reach.reset(&design, Fidelity::Full, &mut stream)?;
        worlds.push(reach);
    }
    let (n, walls) = (settings.links, settings.walls());
    let mut stream = Stream::new(1, "physics-bench", 0);
    let mut observation = vec![0.0; worlds[0].spec().observation.len()];
    let mut commands = vec![[0.0; MAX_LINKS]; TURN];
    let mut spent = [0.0; 2];
    let mut last = [0.0; MAX_LINKS];
    for _ in 0..steps.div_ceil(TURN) {
        for command in &mut commands {
            for u in &mut last[..n] {
                *u = (0.9 * *u + 0.2 * stream.normal() as f32).clamp(-1.0, 1.0);
            }
            *command = last;
        }
        let start = Instant::now();
        let mut fault = None;
        for command in &commands {
            fault = fault.or(worlds[0].full_step(&command[..n]).fault);
            worlds[0].observe(&mut observation);
        }
        spent[0] += start.elapsed().as_secs_f64();
        let start = Instant::now();
        if let Some(machine) = worlds[1].state_mut().and_then(State::machine) {
            for command in &commands {
                fault = fault.or(machine.step(&command[..n], &walls).err());
            }
        }
        spent[1] += start.elapsed().as_secs_f64();
        // a machine that has given up takes no time
        if let Some(fault) = fault {
            return refuse("preset", format!("`{}` cannot be measured: {fault}", settings.preset));
        }
    }
    let done = (steps.div_ceil(TURN) * TURN) as f64 / steps as f64;
    Ok(spent.map(|s| s / done))
}
