//! The second judge: a learnt pair in the true machine and in a simulator that we did not write, over the same starts, with the
//! same policy and by the same reward and success.

use serde::{Deserialize, Serialize};
use tandem_core::Problem;

use crate::convergence::{self, Deviation};
use crate::error::Error;
use crate::evaluate::{Learnt, mean_interval, success, total_return};
use crate::evaluation::Interval;
use crate::judge::{Actions, Judge, Judgement, Starts, World};

/// Differences of success up to this count as agreement.
const SUCCESS_BAR: f64 = 0.05;
/// Differences of the return up to this share of it count as agreement.
const RETURN_BAR: f64 = 0.05;

/// A number of both judges.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair<T, D = T> {
    /// In the true machine.
    pub true_machine: T,
    /// In the simulator.
    pub simulator: T,
    /// The second less the first.
    pub difference: D,
}

/// A number of both judges with 95 % intervals; that of the difference is a bootstrap over pairs of episodes.
pub type Intervals = Pair<Option<Interval>>;

/// How a learnt pair did in both; the document of `tandem evaluate --simulator mujoco --json`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct SecondJudgement {
    /// Name of the problem.
    pub problem: String,
    /// Name of the method that found the pair.
    pub method: String,
    /// Seed of the run.
    pub seed: u64,
    /// Number of fresh episodes in each.
    pub episodes: usize,
    /// Name and version of the simulator.
    pub simulator: String,
    /// Share of solved episodes under mean actions.
    pub success: Intervals,
    /// Mean return under mean actions.
    #[serde(rename = "return")]
    pub total_return: Intervals,
    /// How far the simulator deviates from the true machine under the commands that the policy gave there.
    pub same_commands: Deviation,
    /// Episodes that were given up.
    pub faults: Pair<usize, i64>,
    /// Whether success and return agree; see `meaning`.
    pub agrees: bool,
    /// What that means, in a sentence.
    pub meaning: String,
}

impl SecondJudgement {
    /// Judges `learnt` on a design in the true machine and in `other`, its problem in the simulator.
    ///
    /// # Errors
    /// A design that cannot be built.
    pub fn of(learnt: &Learnt, design: &[f64], other: &dyn Problem, starts: Starts) -> Result<Self, Error> {
        let own = learnt.judge(design, Actions::Mean, &World::Full, starts)?;
        let theirs = Judge::new(other).judge(&learnt.policy, design, Actions::Mean, &World::Full, starts)?;
        let tracks = convergence::of_policy(&*learnt.instance.problem, &learnt.policy, design, starts)?;
        let success = Pair {
            true_machine: success(&own),
            simulator: success(&theirs),
            difference: difference(&own, &theirs, starts.seed, |o| f64::from(u8::from(o.success))),
        };
        let total_return = Pair {
            true_machine: total_return(&own, starts.seed),
            simulator: total_return(&theirs, starts.seed),
            difference: difference(&own, &theirs, starts.seed, |o| o.total_return),
        };
        let (agrees, meaning) = verdict(&success, &total_return);
        Ok(Self {
            problem: learnt.experiment.problem.clone(),
            method: learnt.experiment.method.clone(),
            seed: learnt.experiment.seed,
            episodes: starts.episodes,
            simulator: format!("MuJoCo {}", tandem_mujoco::Machine::version()),
            success,
            total_return,
            same_commands: tracks.against(other)?,
            faults: Pair {
                true_machine: own.faults(),
                simulator: theirs.faults(),
                difference: theirs.faults() as i64 - own.faults() as i64,
            },
            agrees,
            meaning,
        })
    }
}

/// The mean difference between episodes from the same start.
fn difference(
    own: &Judgement,
    theirs: &Judgement,
    seed: u64,
    of: impl Fn(&crate::judge::Outcome) -> f64,
) -> Option<Interval> {
    let pairs = own.outcomes.iter().zip(&theirs.outcomes);
    let differences: Vec<f64> = pairs.map(|(own, theirs)| of(theirs) - of(own)).collect();
    mean_interval(&differences, seed)
}

/// Whether a difference is small or may well be none.
fn small(difference: Interval, bar: f64) -> bool {
    difference.mean.abs() <= bar || (difference.low <= 0.0 && 0.0 <= difference.high)
}

/// Whether both judges agree, and what that means.
fn verdict(success: &Intervals, total_return: &Intervals) -> (bool, String) {
    let (Some(solved), Some(paid), Some(own)) =
        (success.difference, total_return.difference, total_return.true_machine)
    else {
        return (false, "nothing was judged".into());
    };
    let by = format!(
        "success differs by {:+.3}, the return by {:+.3}",
        solved.mean, paid.mean
    );
    let same_success = small(solved, SUCCESS_BAR);
    let same_return = small(paid, RETURN_BAR * own.mean.abs());
    let meaning = match (same_success, same_return) {
        (true, true) => format!("MuJoCo agrees ({by}): what was learnt does not hang on how Tandem moves the machine"),
        (true, false) => format!(
            "MuJoCo agrees in success, and pays otherwise ({by}): the task is solved as often, on ways that differ"
        ),
        (false, _) if solved.mean < 0.0 => format!(
            "MuJoCo does not agree ({by}): part of what was learnt hangs on how Tandem moves the machine, and may be lost on a \
             real one"
        ),
        (false, _) => format!(
            "MuJoCo does not agree ({by}): the pair succeeds more often there, so that Tandem's machine is the harder one"
        ),
    };
    (same_success && same_return, meaning)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::judge::Outcome;

    fn pair(own: f64, [mean, low, high]: [f64; 3]) -> Intervals {
        let at = |mean| {
            Some(Interval {
                mean,
                low: mean,
                high: mean,
            })
        };
        Pair {
            true_machine: at(own),
            simulator: at(own + mean),
            difference: Some(Interval { mean, low, high }),
        }
    }

    #[test]
    fn differences_are_taken_start_by_start() {
        let judgement = |returns: [f64; 3]| Judgement {
            outcomes: returns
                .map(|total_return| Outcome {
                    total_return,
                    ..Outcome::default()
                })
                .to_vec(),
            queries: Vec::new(),
        };
        let (own, theirs) = (judgement([1.0, 20.0, 300.0]), judgement([2.0, 21.0, 301.0]));
        let found = difference(&own, &theirs, 0, |o| o.total_return).unwrap();
        // however far the episodes are apart, each differs by 1
        assert_eq!([found.mean, found.low, found.high], [1.0; 3]);
    }

    #[test]
    fn what_may_be_chance_or_is_small_agrees() {
        let same = pair(10.0, [0.1, -0.2, 0.4]);
        for (success, agrees) in [
            ([-0.02, -0.03, -0.01], true),  // small
            ([-0.10, -0.25, 0.05], true),   // may be none
            ([-0.20, -0.30, -0.10], false), // neither
            ([0.20, 0.10, 0.30], false),
        ] {
            let (found, meaning) = verdict(&pair(0.9, success), &same);
            assert_eq!(found, agrees, "{success:?}: {meaning}");
        }
        let (found, meaning) = verdict(&pair(0.9, [0.0; 3]), &pair(10.0, [-2.0, -2.5, -1.5]));
        assert!(!found && meaning.contains("pays otherwise"), "{meaning}");
    }
}
