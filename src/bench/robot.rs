//! How fast a robot of one's own is stepped: MuJoCo alone, and as an environment.

use std::time::Instant;

use rayon::prelude::*;
use tandem_core::{Environment, Fidelity, Problem, Stream};
use tandem_robot::{Config, RobotWorld, Simulation};

use super::Entry;
use crate::error::Error;
use crate::statistics::median;

/// Robots side by side, control steps of each in a round, and rounds; the medians count.
const ROBOTS: usize = 64;
const STEPS: usize = 200;
const ROUNDS: usize = 7;

/// Integration steps per second of MuJoCo alone, and control steps per second of the environment (commands, terms,
/// observation), on all threads, under random commands.
///
/// # Errors
/// A robot that cannot be built or that fails.
pub fn measure(config: &Config) -> Result<Vec<Entry>, Error> {
    let refused = |error: &dyn std::fmt::Display| Error::Input(format!("task: {error}"));
    let world = RobotWorld::new(config).map_err(|error| refused(&error))?;
    let threads = rayon::current_num_threads();
    let (mut bare, mut environment) = (Vec::new(), Vec::new());
    let mut robots = Vec::new();
    for _ in 0..ROBOTS {
        let robot = Simulation::new(world.robot().start_model().clone());
        robots.push(robot.map_err(|error| refused(&error))?);
    }
    let first = Environment::new(world);
    let mut environments: Vec<_> = (0..ROBOTS).map(|_| first.twin()).collect();
    let each = STEPS * config.control_steps;
    for _ in 0..ROUNDS {
        let begun = Instant::now();
        let stepped: Result<Vec<()>, _> = robots
            .par_iter_mut()
            .enumerate()
            .map(|(i, r)| step(r, each, i))
            .collect();
        stepped.map_err(|error| refused(&error))?;
        bare.push((ROBOTS * each) as f64 / begun.elapsed().as_secs_f64());
        let begun = Instant::now();
        let played: Result<Vec<()>, Error> = environments
            .par_iter_mut()
            .enumerate()
            .map(|(i, e)| play(e, i))
            .collect();
        played?;
        environment.push((ROBOTS * STEPS) as f64 / begun.elapsed().as_secs_f64());
    }
    Ok(vec![
        Entry::new(
            format!("integration_steps_{threads}"),
            median(&bare).unwrap_or(f64::NAN),
            "1/s",
        ),
        Entry::new(
            format!("control_steps_{threads}"),
            median(&environment).unwrap_or(f64::NAN),
            "1/s",
        ),
    ])
}

/// MuJoCo alone: new random controls at every step, as a batch of given controls would have.
fn step(robot: &mut Simulation, steps: usize, index: usize) -> Result<(), tandem_robot::engine::EngineError> {
    let mut stream = Stream::new(0, "bench/robot", index as u64);
    let ranges: Vec<[f64; 2]> = robot.model().actuator_ctrlrange().to_vec();
    robot.data_mut().reset();
    for _ in 0..steps {
        for (control, [low, high]) in robot.data_mut().ctrl_mut().iter_mut().zip(&ranges) {
            *control = stream.uniform(*low, *high);
        }
        robot.step()?;
    }
    Ok(())
}

/// The environment: commands in, observations and rewards out; an ended episode is followed by another.
fn play(environment: &mut Environment<RobotWorld>, index: usize) -> Result<(), Error> {
    let design = environment.hardware().space().start();
    let (commands, observations) = (environment.spec().command.len(), environment.spec().observation.len());
    let mut stream = Stream::new(1, "bench/robot", index as u64);
    let (mut command, mut observation) = (vec![0.0; commands], vec![0.0; observations]);
    environment.reset(&design, Fidelity::Full, &mut stream)?;
    for _ in 0..STEPS {
        command.iter_mut().for_each(|c| *c = stream.uniform(-1.0, 1.0) as f32);
        let step = environment.full_step(&command);
        environment.observe(&mut observation);
        if step.ended() {
            environment.reset(&design, Fidelity::Full, &mut stream)?;
        }
    }
    Ok(())
}
