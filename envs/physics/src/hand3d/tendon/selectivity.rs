//! How hard the task is: the share of random designs that work.

use rayon::prelude::*;

use super::config::Settings;
use super::controller;
use super::hand::{joints, space};
use super::object::Object;
use tandem_core::preset::Share;
use tandem_core::problem::ProblemError;
use tandem_core::stream::Stream;

/// Objects that a design must grasp to work: random ones, the same for all designs.
const OBJECTS: usize = 6;

/// Draws designs and counts those with which a script ([`controller::works`]) lifts and holds all of some objects in the
/// machine. [`Share::can_reach`] counts designs with which it does so with the first or the second of them.
///
/// Work is spread over the current rayon pool; the result does not depend on its size. A lower bound: a policy may do
/// what the script does not.
///
/// # Errors
/// Bounds that make no design space.
pub fn selectivity(settings: &Settings, designs: usize, seed: u64) -> Result<Share, ProblemError> {
    let space = space()?;
    let mut stream = Stream::new(seed, "selectivity-objects", 0);
    let objects: Vec<(Object, f64)> = (0..OBJECTS)
        .map(|_| {
            let object = Object::draw(settings.start_offset, &mut stream);
            (object, stream.uniform(0.0, std::f64::consts::TAU))
        })
        .collect();
    let judge = |i: usize| {
        let mut stream = Stream::new(seed, "selectivity", i as u64);
        let Some(joints) = joints(&space.sample(&mut stream)) else {
            return (false, false);
        };
        let grasps = |(object, heading): &(Object, f64)| controller::works(&joints, object, *heading, settings);
        let any = objects[..2].iter().any(grasps);
        (any, any && objects.iter().all(grasps))
    };
    let verdicts: Vec<(bool, bool)> = (0..designs).into_par_iter().map(judge).collect();
    Ok(Share {
        designs,
        can_reach: verdicts.iter().filter(|v| v.0).count(),
        work: verdicts.iter().filter(|v| v.1).count(),
    })
}
