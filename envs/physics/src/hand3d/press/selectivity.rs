//! How hard the task is: the share of random designs that work.

use rayon::prelude::*;

use super::config::Settings;
use super::controller::{self, Script};
use super::hand::Hand;
use super::machine::{Machine, Start};
use super::task::cannot_press;
use tandem_core::preset::Share;
use tandem_core::problem::ProblemError;
use tandem_core::stream::Stream;

/// Draws designs and counts those with which the scripted controller ([`controller::run`]) succeeds in the machine
/// from the nominal start. [`Share::can_reach`] counts designs that geometry does not rule out
/// ([`super::task::cannot_press`]). Work is spread over the current rayon pool; the result does not depend on its
/// size. A lower bound: a policy may do what the script does not.
///
/// # Errors
/// Bounds that make no design space.
pub fn selectivity(settings: &Settings, designs: usize, seed: u64) -> Result<Share, ProblemError> {
    let space = Hand::space()?;
    let judge = |i: usize| {
        let mut stream = Stream::new(seed, "selectivity", i as u64);
        let hand = Hand::new(&space.sample(&mut stream)).filter(|hand| !cannot_press(hand))?;
        let mut machine = Machine::new(&hand, &Start::default(), settings.substeps)?;
        let attempt = controller::run(&mut machine, &Script::new(&hand));
        Some(attempt.is_ok_and(|attempt| attempt.success))
    };
    let verdicts: Vec<Option<bool>> = (0..designs).into_par_iter().map(judge).collect();
    Ok(Share {
        designs,
        can_reach: verdicts.iter().flatten().count(),
        work: verdicts.iter().flatten().filter(|works| **works).count(),
    })
}
