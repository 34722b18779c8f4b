//! Successive halving: combinations of settings are compared by true success at equal steps, and the best share of them
//! goes on (Jamieson and Talwalkar 2016). Runs pause at a *rung* with a checkpoint and go on from it, to the bytes of an
//! undisturbed run.
//!
//! On one machine a rung is decided when all have reached it, so that the same plan gives the same decisions. On a cluster
//! nobody waits (ASHA; Li et al. 2020): a combination goes on as soon as it is among the best share of those that are
//! there by now.

use std::collections::BTreeSet;
use std::path::Path;

use rayon::prelude::*;
use serde::{Deserialize, Serialize};

use super::Task;
use super::attempts::{self, Event};
use super::score::Score;
use super::state::State;

/// Where runs are compared, and how many go on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Halving {
    /// Environment steps of the rungs, ascending; from the last one a run goes on to its end.
    pub rungs: Vec<u64>,
    /// Share of the combinations that goes on from each.
    #[serde(default = "third")]
    pub keep: f64,
}

fn third() -> f64 {
    1.0 / 3.0
}

impl Halving {
    /// Checks the ranges: key and reason of the first value that is not right.
    ///
    /// # Errors
    /// The key, and what is wrong.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let ascending = self.rungs.windows(2).all(|pair| pair[0] < pair[1]);
        if self.rungs.is_empty() || self.rungs[0] == 0 || !ascending {
            return Err((
                "rungs",
                "ascending numbers of environment steps: [50000, 150000]".into(),
            ));
        }
        if !(self.keep > 0.0 && self.keep < 1.0) {
            return Err(("keep", format!("a share between 0 and 1, not {}", self.keep)));
        }
        Ok(())
    }

    /// How many combinations are to reach each rung, of so many that begin.
    fn expected(&self, all: usize) -> Vec<usize> {
        let fewer = |count: &usize| Some(self.kept(*count).max(1));
        std::iter::successors(Some(all), fewer).take(self.rungs.len()).collect()
    }

    fn kept(&self, count: usize) -> usize {
        // a third of three is one, whatever the rounding of a third
        (self.keep * count as f64 + 1e-9) as usize
    }
}

/// How far a run has come.
#[derive(Clone, Debug)]
pub struct Standing {
    state: State,
    /// Its score at each rung that it has reached.
    scores: Vec<Score>,
    /// Rungs from which it has set out: who did goes on, whoever arrives later.
    set_out: usize,
}

impl Standing {
    /// The standing of a run of the sweep in `sweep`.
    pub fn of(task: &Task, sweep: &Path) -> Self {
        let (mut scores, mut set_out): (Vec<Score>, usize) = Default::default();
        for event in attempts::read(&task.attempts(sweep)) {
            match event {
                Event::Began { .. } => set_out = scores.len(),
                Event::Rung { score, .. } => scores.push(score),
                Event::Ended { .. } => {}
            }
        }
        let state = State::of(task, sweep);
        let rungs = task.halving.as_ref().map_or(0, |halving| halving.rungs.len());
        if state == State::Finished && scores.len() < rungs {
            // `train --resume` knows of no rungs
            let last = Score::of(&sweep.join(&task.folder));
            scores.resize(rungs, last.unwrap_or_else(|_| Score::mean(std::iter::empty())));
        }
        Self { state, scores, set_out }
    }

    /// Rungs that are behind it.
    pub fn reached(&self) -> usize {
        self.scores.len()
    }

    fn is_out(&self) -> bool {
        matches!(self.state, State::Failed(_))
    }
}

/// How runs are chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// A rung is decided when all that are to reach it have.
    Together,
    /// Nobody waits.
    AtOnce,
}

/// Indices into `tasks` of the runs that may go on now; of tasks without halving, those that are not finished. Those that
/// are farthest come first.
pub fn allowed(sweep: &Path, tasks: &[Task], rule: Rule) -> Vec<usize> {
    let standings: Vec<Standing> = tasks.par_iter().map(|task| Standing::of(task, sweep)).collect();
    let mut found = Vec::new();
    let mut first = 0;
    for part in tasks.chunk_by(|a, b| a.experiment == b.experiment) {
        let standings = &standings[first..first + part.len()];
        let is_open = |standing: &Standing| !matches!(standing.state, State::Finished | State::Running { .. });
        let earned: Vec<bool> = match &part[0].halving {
            None => vec![true; part.len()],
            Some(halving) => earned(halving, part, standings, rule),
        };
        let open = (0..part.len()).filter(|&i| earned[i] && is_open(&standings[i]));
        found.extend(open.map(|i| (standings[i].reached(), first + i)));
        first += part.len();
    }
    found.sort_by_key(|&(reached, index)| (std::cmp::Reverse(reached), index));
    found.into_iter().map(|(_, index)| index).collect()
}

/// The seeds of one combination.
struct Contender {
    /// Their places in the part.
    seeds: Vec<usize>,
    /// Rungs that all of them have reached.
    reached: usize,
}

/// Which runs of an experiment have earned their next stretch.
fn earned(halving: &Halving, part: &[Task], standings: &[Standing], rule: Rule) -> Vec<bool> {
    let places: Vec<usize> = (0..part.len()).collect();
    let same = |a: &usize, b: &usize| (&part[*a].method, part[*a].setting) == (&part[*b].method, part[*b].setting);
    let contender = |seeds: &[usize]| {
        // a seed that failed is left behind; with all of them the combination is out, and no one waits for it
        let well = || seeds.iter().filter(|&&i| !standings[i].is_out());
        Contender {
            seeds: well().copied().collect(),
            reached: well().map(|&i| standings[i].reached()).min().unwrap_or(usize::MAX),
        }
    };
    let contenders: Vec<Contender> = places.chunk_by(same).map(contender).collect();
    let rungs = halving.expected(contenders.len()).into_iter().enumerate();
    let best: Vec<BTreeSet<usize>> = rungs
        .map(|rung| best_at(halving, &contenders, standings, rung, rule))
        .collect();
    let mut earned = vec![false; part.len()];
    for (index, contender) in contenders.iter().enumerate() {
        for &seed in &contender.seeds {
            earned[seed] = match standings[seed].reached() {
                0 => true,
                reached if reached > contender.reached => false, // its other seeds come first
                reached => best.get(reached - 1).is_some_and(|best| best.contains(&index)),
            };
        }
    }
    earned
}

/// The contenders that go on from this rung, which `expected` are to reach: those that have set out, and the best.
fn best_at(
    halving: &Halving,
    contenders: &[Contender],
    standings: &[Standing],
    (rung, expected): (usize, usize),
    rule: Rule,
) -> BTreeSet<usize> {
    let score = |contender: &Contender| {
        let at = contender
            .seeds
            .iter()
            .filter_map(|&seed| standings[seed].scores.get(rung));
        Score::mean(at.copied())
    };
    let there = contenders
        .iter()
        .enumerate()
        .filter(|(_, contender)| contender.reached > rung);
    let mut there: Vec<(usize, Score)> = there.map(|(index, contender)| (index, score(contender))).collect();
    let has_set_out = |contender: &Contender| contender.seeds.iter().any(|&seed| standings[seed].set_out > rung);
    let gone = (0..contenders.len()).filter(|&index| has_set_out(&contenders[index]));
    let are_all = there.len() >= expected;
    if rule == Rule::Together && !are_all {
        return gone.collect();
    }
    let kept = halving.kept(there.len()).max(usize::from(are_all));
    there.sort_by(|(_, a), (_, b)| a.beats(b));
    let best = there.into_iter().take(kept).map(|(index, _)| index);
    best.chain(gone).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn halving() -> Halving {
        Halving {
            rungs: vec![100, 300],
            keep: third(),
        }
    }

    /// Nine combinations of one seed, each with its scores so far.
    fn case(scores: &[&[f64]]) -> (Vec<Task>, Vec<Standing>) {
        let task = |setting: usize| Task {
            setting,
            ..Task::default()
        };
        let score = |success: &f64| Score {
            success: *success,
            total_return: 0.0,
        };
        let standing = |scores: &&[f64]| Standing {
            state: State::Stopped,
            scores: scores.iter().map(score).collect(),
            set_out: scores.len().saturating_sub(1),
        };
        (
            (0..scores.len()).map(task).collect(),
            scores.iter().map(standing).collect(),
        )
    }

    fn going_on(scores: &[&[f64]], rule: Rule) -> Vec<usize> {
        let (tasks, standings) = case(scores);
        let earned = earned(&halving(), &tasks, &standings, rule);
        (0..tasks.len()).filter(|&i| earned[i]).collect()
    }

    #[test]
    fn a_third_goes_on_from_each_rung_when_all_are_there() {
        let fresh: [&[f64]; 9] = [&[]; 9];
        assert_eq!(going_on(&fresh, Rule::Together).len(), 9, "all begin");
        let first: [&[f64]; 9] = [&[0.1], &[0.9], &[0.2], &[0.8], &[0.3], &[0.3], &[0.5], &[0.0], &[0.4]];
        assert_eq!(going_on(&first, Rule::Together), [1, 3, 6]);
        let mut open = first;
        open[7] = &[];
        assert_eq!(going_on(&open, Rule::Together), [7], "one is not there yet");
        let second: [&[f64]; 9] = [
            &[0.1],
            &[0.9, 0.4],
            &[0.2],
            &[0.8, 0.9],
            &[0.3],
            &[0.3],
            &[0.5, 0.1],
            &[0.0],
            &[0.4],
        ];
        assert_eq!(going_on(&second, Rule::Together), [3]);
    }

    #[test]
    fn on_a_cluster_nobody_waits() {
        let few: [&[f64]; 9] = [&[0.1], &[0.9], &[], &[], &[], &[], &[], &[], &[]];
        assert_eq!(
            going_on(&few, Rule::AtOnce),
            [2, 3, 4, 5, 6, 7, 8],
            "two are too few for a third"
        );
        let three: [&[f64]; 9] = [&[0.1], &[0.9], &[0.2], &[], &[], &[], &[], &[], &[]];
        assert_eq!(going_on(&three, Rule::AtOnce), [1, 3, 4, 5, 6, 7, 8]);
    }

    #[test]
    fn who_has_set_out_goes_on_whoever_arrives_later() {
        let (mut tasks, mut standings) = case(&[&[0.3], &[0.2], &[0.1], &[0.9], &[0.8], &[], &[], &[]]);
        tasks.iter_mut().enumerate().for_each(|(i, task)| task.setting = i / 2);
        let halving = Halving { keep: 0.5, ..halving() };
        let at_once = |standings: &[Standing]| earned(&halving, &tasks, standings, Rule::AtOnce);
        let only_best = at_once(&standings);
        assert_eq!(
            only_best[..4],
            [false, false, true, true],
            "the second combination is the better of two"
        );
        standings[0].set_out = 1; // it was the best, and was stopped on its way
        assert_eq!(at_once(&standings)[..4], [true; 4], "with its other seed");
    }

    #[test]
    fn the_best_of_a_few_goes_on_at_last_and_failures_hold_nobody_up() {
        let two: [&[f64]; 2] = [&[0.1], &[0.2]];
        assert_eq!(going_on(&two, Rule::Together), [1], "a third of two is none");
        let (tasks, mut standings) = case(&[&[0.1], &[], &[0.3]]);
        standings[1].state = State::Failed("lost".into());
        let earned = earned(&halving(), &tasks, &standings, Rule::Together);
        assert_eq!(earned, [false, false, true]);
    }

    #[test]
    fn seeds_of_a_combination_are_averaged_and_go_on_together() {
        let (mut tasks, standings) = case(&[&[0.0], &[0.8], &[0.3], &[0.3], &[0.9], &[]]);
        tasks.iter_mut().enumerate().for_each(|(i, task)| task.setting = i / 2);
        let earned_by = |rule| earned(&halving(), &tasks, &standings, rule);
        assert_eq!(earned_by(Rule::Together), [false, false, false, false, false, true]);
        let (_, done) = case(&[&[0.0], &[0.8], &[0.3], &[0.3], &[0.9], &[0.0]]);
        let earned = earned(&halving(), &tasks, &done, Rule::Together);
        assert_eq!(earned, [false, false, false, false, true, true]);
    }

    #[test]
    fn a_run_that_was_finished_without_its_rungs_counts_at_all_of_them() {
        let sweep = tempfile::tempdir().unwrap();
        let task = Task {
            folder: "a".into(),
            halving: Some(halving()),
            ..Task::default()
        };
        let folder = sweep.path().join("a");
        std::fs::create_dir_all(folder.join("evaluation")).unwrap();
        let rows = "{\"env_steps\":9,\"true_success\":0.5,\"true_return\":1.0}\n";
        std::fs::write(folder.join("metrics.jsonl"), rows).unwrap();
        assert_eq!(Standing::of(&task, sweep.path()).reached(), 0);
        std::fs::write(folder.join(crate::run_folder::FINAL), "{}").unwrap();
        let scores = Standing::of(&task, sweep.path()).scores;
        assert_eq!(scores.iter().map(|score| score.success).collect::<Vec<_>>(), [0.5, 0.5]);
    }

    #[test]
    fn ties_in_success_are_decided_by_the_return() {
        let score = |success, total_return| Score { success, total_return };
        assert!(score(0.5, 1.0).beats(&score(0.4, 9.0)).is_lt());
        assert!(score(0.5, 1.0).beats(&score(0.5, 2.0)).is_gt());
    }

    #[test]
    fn values_out_of_range_are_refused() {
        let bad = |rungs: &[u64], keep| {
            Halving {
                rungs: rungs.into(),
                keep,
            }
            .check()
            .unwrap_err()
            .0
        };
        assert_eq!(bad(&[], 0.5), "rungs");
        assert_eq!(bad(&[200, 100], 0.5), "rungs");
        assert_eq!(bad(&[100], 1.0), "keep");
    }
}
