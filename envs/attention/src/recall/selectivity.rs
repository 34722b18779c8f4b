//! How many random circuits solve the task with the code as it is.

use rayon::prelude::*;

use super::code::COMMANDS;
use super::config::Settings;
use super::world::Recall;
use tandem_core::preset::Share;
use tandem_core::problem::{Fidelity, Problem, ProblemError};
use tandem_core::stream::Stream;

/// Episodes of a design.
const EPISODES: usize = 8;

/// Draws designs and plays them with the code as it is, no corrections, on chips with noise; those work that succeed in most of
/// eight episodes. [`Share::can_reach`] counts those that do in one at least.
///
/// Work is spread over the current rayon pool; the result does not depend on its size.
///
/// # Errors
/// Settings that make no problem.
pub fn selectivity(settings: &Settings, designs: usize, seed: u64) -> Result<Share, ProblemError> {
    let problem = Recall::new(settings.clone())?;
    let hardware = problem.hardware();
    let successes = |i: usize| -> Result<usize, ProblemError> {
        let mut stream = Stream::new(seed, "selectivity", i as u64);
        let design = hardware.space().sample(&mut stream);
        let mut problem = problem.fresh();
        let mut successes = 0;
        for _ in 0..EPISODES {
            problem.reset(&design, Fidelity::Full, &mut stream)?;
            let mut steps = std::iter::repeat_with(|| problem.full_step(&[0.0; COMMANDS]));
            let last = steps.find(|step| step.ended());
            successes += usize::from(last.is_some_and(|step| step.success));
        }
        Ok(successes)
    };
    let found: Vec<usize> = (0..designs).into_par_iter().map(successes).collect::<Result<_, _>>()?;
    let at_least = |n: usize| found.iter().filter(|&&s| s >= n).count();
    Ok(Share {
        designs,
        can_reach: at_least(1),
        work: at_least(EPISODES / 2 + 1),
    })
}
