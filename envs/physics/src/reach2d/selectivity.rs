//! How hard a preset is: the share of random designs that work.

use rayon::prelude::*;

use super::config::Settings;
use super::controller;
use super::planner::Plan;
use super::walls::distance;
use super::world::Reach;
use tandem_core::preset::Share;
use tandem_core::stream::Stream;
use tandem_core::{Environment, Fidelity, Hardware, Problem, ProblemError};

/// Draws designs and counts those that work.
///
/// Without walls: the arm's reach must contain the goal, and [`controller::run`] must succeed in the machine.
/// With walls: a path must be planned ([`Plan::path`]), and [`controller::follow`] along it must succeed in the
/// machine. [`Share::can_reach`] counts arms that are long enough, or for which a path was planned. Work is spread over the current rayon pool; the result does not depend on its size.
///
/// # Errors
/// Settings that make no problem.
pub fn selectivity(settings: &Settings, designs: usize, seed: u64) -> Result<Share, ProblemError> {
    let reach = Reach::new(settings.clone())?;
    let space = reach.world().arm().space();
    let verdicts: Result<Vec<(bool, bool)>, ProblemError> = (0..designs)
        .into_par_iter()
        .map_init(
            || reach.twin(),
            |reach, i| {
                let mut stream = Stream::new(seed, "selectivity", i as u64);
                let design = space.sample(&mut stream);
                judge(reach, &design, &mut stream)
            },
        )
        .collect();
    let verdicts = verdicts?;
    Ok(Share {
        designs,
        can_reach: verdicts.iter().filter(|v| v.0).count(),
        work: verdicts.iter().filter(|v| v.1).count(),
    })
}

/// Whether a design can reach the goal, and whether it did so in the machine.
fn judge(reach: &mut Environment<Reach>, design: &[f64], stream: &mut Stream) -> Result<(bool, bool), ProblemError> {
    if !within_reach(reach.world(), design) {
        return Ok((false, false));
    }
    reach.reset(design, Fidelity::Full, stream)?;
    if !reach.world().settings().has_walls() {
        return Ok((true, controller::run(reach)));
    }
    let path = reach.state().and_then(|state| {
        let world = reach.world();
        let lengths = world.arm().arm(design).lengths;
        let plan = Plan::new(world.settings(), world.walls(), lengths, state.points()[0]);
        plan.path(state.angles(), stream)
    });
    Ok(match path {
        Some(path) => (true, controller::follow(reach, &path)),
        None => (false, false),
    })
}

/// The reach bound: the goal, with its tolerance, lies in the ring `[2 l_max - sum, sum]` around the base.
/// Exact from outside; from inside joint limits may forbid more.
pub(super) fn within_reach(reach: &Reach, design: &[f64]) -> bool {
    let arm = reach.arm().arm(design);
    let settings = reach.settings();
    let base = [
        settings.base[0] + arm.base[0] as f32,
        settings.base[1] + arm.base[1] as f32,
    ];
    let away = f64::from(distance(base, settings.goal));
    let tolerance = f64::from(settings.tolerance);
    let sum: f64 = arm.lengths.iter().sum();
    let longest = arm.lengths.iter().copied().fold(0.0, f64::max);
    sum + tolerance >= away && 2.0 * longest - sum - tolerance <= away
}
