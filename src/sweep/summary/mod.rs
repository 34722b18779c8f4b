//! What a sweep or a comparison has found: groups of runs, and groups against each other, on each experiment and over all
//! of them; as tables, documents and plots.
//!
//! The seed is the unit of replication; intervals are stratified by experiment ([`crate::statistics`]).

pub mod cells;
mod document;
mod figures;
pub mod group;
mod table;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde_json::{Map, Value};
use tandem_core::Stream;

use crate::destination;
use crate::error::Error;
use crate::statistics::{Estimate, RESAMPLES, bootstrap, improvement, interquartile_mean, median, performance_profile};
use group::Group;

/// More groups of an experiment are not all held against each other, but each against the first; and as many curves are
/// told apart in a plot.
const MOST_PAIRED: usize = 8;
/// Scores of a performance profile: 0 to 1 in so many steps.
const PROFILE_STEPS: u32 = 50;
/// Resamples of each point of a profile.
const PROFILE_RESAMPLES: usize = 500;

/// All that is to be said about the runs.
pub struct Summary {
    /// The groups, in the order of the plan.
    pub groups: Vec<Group>,
    /// Interquartile mean of each group's success.
    pub success: Vec<Option<Estimate>>,
    /// What is in every experiment, over all of them; empty where there is one experiment.
    pub overall: Vec<Overall>,
    /// Groups against each other.
    pub improvements: Vec<Improvement>,
    /// The share of runs above each score.
    pub profiles: Vec<Profile>,
}

/// A method with its settings over all experiments.
pub struct Overall {
    /// What it is.
    pub entrant: Entrant,
    /// Finished runs.
    pub runs: usize,
    /// Interquartile mean of success over all experiments and seeds.
    pub success: Option<Estimate>,
}

/// A method with its settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Entrant {
    /// Name of the method.
    pub method: String,
    /// Number of the combination of settings.
    pub setting: usize,
    /// The settings.
    pub settings: Map<String, Value>,
    /// Method and settings as text.
    pub label: String,
    /// Scores of the seeds on each experiment.
    scores: Vec<Vec<f64>>,
}

impl Entrant {
    fn of(group: &Group) -> Self {
        Self {
            method: group.method.clone(),
            setting: group.setting,
            settings: group.settings.clone(),
            label: group.label(),
            scores: vec![group.scores()],
        }
    }

    fn settings_text(&self) -> String {
        group::settings_text(&self.settings)
    }

    fn strata(&self) -> Vec<&[f64]> {
        self.scores.iter().map(Vec::as_slice).collect()
    }
}

/// The probability that a run of `x` has more success than one of `y`.
pub struct Improvement {
    /// Name of the experiment; `None`: the mean over all of them.
    pub experiment: Option<String>,
    /// The one.
    pub x: Entrant,
    /// The other.
    pub y: Entrant,
    /// The probability.
    pub probability: Estimate,
}

/// A performance profile.
pub struct Profile {
    /// Name of the experiment; `None`: over all of them.
    pub experiment: Option<String>,
    /// Whose.
    pub entrant: Entrant,
    /// Score, and the share of runs above it.
    pub points: Vec<(f64, Estimate)>,
}

impl Summary {
    /// Describes these groups.
    pub fn new(groups: Vec<Group>) -> Self {
        let success = groups.par_iter().map(Group::success).collect();
        let mut scopes: Vec<(Option<String>, Vec<Entrant>)> = experiments(&groups)
            .iter()
            .map(|part| (Some(part[0].experiment.clone()), part.iter().map(Entrant::of).collect()))
            .collect();
        let mut overall = Vec::new();
        if scopes.len() > 1 {
            let everywhere = everywhere(&groups, scopes.len());
            overall = everywhere.par_iter().map(Overall::of).collect();
            scopes.push((None, everywhere));
        }
        Self {
            improvements: scopes
                .par_iter()
                .flat_map_iter(|(name, all)| against(name, all))
                .collect(),
            profiles: scopes
                .par_iter()
                .flat_map_iter(|(name, all)| profiles(name, all))
                .collect(),
            groups,
            success,
            overall,
        }
    }

    /// Writes tables, documents and plots into `folder`, the document as `document`; their paths.
    ///
    /// # Errors
    /// A folder that cannot be written, a plot that cannot be drawn.
    pub fn write(&self, folder: &Path, document: &str) -> Result<Vec<PathBuf>, Error> {
        let text = serde_json::to_string_pretty(&self.document());
        let text = text.map_err(|error| Error::Run(format!("cannot write JSON: {error}")))? + "\n";
        let mut files = vec![("table.md", self.markdown()), (document, text)];
        files.extend(self.csv());
        let mut paths = Vec::new();
        for (name, text) in files {
            let path = folder.join(name);
            destination::write(&path, text.as_bytes())?;
            paths.push(path);
        }
        paths.extend(self.draw(folder)?);
        Ok(paths)
    }

    /// Finished runs and all.
    pub fn counts(&self) -> (usize, usize) {
        let finished = self.groups.iter().map(|group| group.runs.len()).sum::<usize>();
        let missing = self.groups.iter().map(|group| group.missing.len()).sum::<usize>();
        (finished, finished + missing)
    }

    /// The groups of each experiment with their success.
    fn experiments(&self) -> Vec<(&[Group], &[Option<Estimate>])> {
        let mut success = &self.success[..];
        let part = |groups| {
            let (own, rest) = success.split_at(<[Group]>::len(groups));
            success = rest;
            (groups, own)
        };
        experiments(&self.groups).into_iter().map(part).collect()
    }
}

impl Overall {
    fn of(entrant: &Entrant) -> Self {
        let mut stream = Stream::new(0, "bootstrap", 0);
        Self {
            runs: entrant.scores.iter().map(Vec::len).sum(),
            success: bootstrap(&entrant.strata(), interquartile_mean, RESAMPLES, &mut stream),
            entrant: entrant.clone(),
        }
    }
}

fn experiments(groups: &[Group]) -> Vec<&[Group]> {
    groups.chunk_by(|a, b| a.experiment == b.experiment).collect()
}

/// What has finished runs in all of so many experiments, in the order of the first one.
fn everywhere(groups: &[Group], experiments: usize) -> Vec<Entrant> {
    let mut order = Vec::new();
    let mut found: BTreeMap<String, Entrant> = BTreeMap::new();
    for group in groups.iter().filter(|group| !group.runs.is_empty()) {
        match found.get_mut(&group.label()) {
            Some(entrant) => entrant.scores.push(group.scores()),
            None => {
                order.push(group.label());
                found.insert(group.label(), Entrant::of(group));
            }
        }
    }
    let entrants = order.iter().filter_map(|label| found.remove(label));
    entrants.filter(|entrant| entrant.scores.len() == experiments).collect()
}

/// Each pair, or each one against the first where there are many.
fn against(experiment: &Option<String>, all: &[Entrant]) -> Vec<Improvement> {
    let firsts = if all.len() <= MOST_PAIRED { all.len() } else { 1 };
    let pairs = (0..firsts).flat_map(|y| (y + 1..all.len()).map(move |x| (&all[x], &all[y])));
    let compare = |(x, y): (&Entrant, &Entrant)| {
        let tasks: Vec<(&[f64], &[f64])> = x.strata().into_iter().zip(y.strata()).collect();
        let mut stream = Stream::new(0, "bootstrap", 0);
        Some(Improvement {
            experiment: experiment.clone(),
            probability: improvement(&tasks, RESAMPLES, &mut stream)?,
            x: x.clone(),
            y: y.clone(),
        })
    };
    pairs.filter_map(compare).collect()
}

fn profiles(experiment: &Option<String>, all: &[Entrant]) -> Vec<Profile> {
    let scores: Vec<f64> = (0..=PROFILE_STEPS)
        .map(|i| f64::from(i) / f64::from(PROFILE_STEPS))
        .collect();
    let profile = |entrant: &Entrant| {
        let mut stream = Stream::new(0, "bootstrap", 0);
        let shares = performance_profile(&entrant.strata(), &scores, PROFILE_RESAMPLES, &mut stream)?;
        Some(Profile {
            experiment: experiment.clone(),
            points: scores.iter().copied().zip(shares).collect(),
            entrant: entrant.clone(),
        })
    };
    best(all, |entrant| interquartile_mean(&entrant.scores.concat()))
        .into_iter()
        .filter_map(profile)
        .collect()
}

/// The best few, in the order in which they stand.
fn best<T>(all: &[T], score: impl Fn(&T) -> Option<f64>) -> Vec<&T> {
    let mut ranked: Vec<(usize, f64)> = (all.iter().enumerate())
        .filter_map(|(i, one)| Some((i, score(one)?)))
        .collect();
    ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    ranked.truncate(MOST_PAIRED);
    ranked.sort_by_key(|(i, _)| *i);
    ranked.into_iter().map(|(i, _)| &all[i]).collect()
}

/// Median over a group's runs.
fn middle(group: &Group, of: fn(&group::RunResult) -> f64) -> Option<f64> {
    median(&group.runs.iter().map(of).collect::<Vec<f64>>())
}

#[cfg(test)]
mod tests {
    use super::group::tests::{group, run};
    use super::*;

    #[test]
    fn what_is_in_every_experiment_is_summed_up_over_all() {
        let runs = |successes: [f64; 2]| vec![run(0, successes[0], None), run(1, successes[1], None)];
        let summary = Summary::new(vec![
            group("far", "morph", runs([1.0, 1.0])),
            group("far", "cma", runs([0.0, 0.5])),
            group("near", "morph", runs([0.5, 1.0])),
            group("near", "cma", runs([0.5, 0.5])),
            group("near", "random", runs([0.0, 0.0])),
        ]);
        let labels: Vec<&str> = summary.overall.iter().map(|all| all.entrant.label.as_str()).collect();
        assert_eq!(labels, ["morph", "cma"], "random did not run on far");
        // of 1, 1, 0.5, 1 a quarter is dropped at each end
        assert_eq!(summary.overall[0].success.unwrap().value, 1.0);
        let over_all: Vec<&Improvement> = summary.improvements.iter().filter(|i| i.experiment.is_none()).collect();
        // cma beats morph never on far, and ties one of four pairs in two on near
        assert_eq!((over_all.len(), over_all[0].probability.value), (1, 0.125));
        assert_eq!(summary.profiles.len(), 2 + 3 + 2);
        assert_eq!(summary.counts(), (10, 10));
    }

    #[test]
    fn of_many_groups_each_is_held_against_the_first_and_the_best_are_drawn() {
        let many: Vec<Group> = (0..20)
            .map(|i| group("far", &format!("m{i}"), vec![run(0, f64::from(i) / 20.0, None)]))
            .collect();
        let summary = Summary::new(many);
        assert_eq!(summary.improvements.len(), 19);
        assert_eq!(summary.profiles.len(), MOST_PAIRED);
        assert_eq!(summary.profiles[0].entrant.label, "m12");
    }
}
