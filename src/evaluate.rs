//! The judgement of a run: fresh episodes of the learnt pair in the true machine, and the proxy's gap.

use tandem_core::{Hardware, Stream};
use tandem_learning::archive::Archive;
use tandem_learning::design::DesignOptimizer;
use tandem_learning::policy::PolicySnapshot;

use crate::agent::untrained;
use crate::convergence::{self, Deviation};
use crate::error::Error;
use crate::evaluation::{Evaluation, Interval, ProxyGap};
use crate::experiment::Experiment;
use crate::judge::{Actions, Judge, Judgement, Starts, World};
use crate::metrics;
use crate::output::{note, program, quoted};
use crate::record::{Counters, Evaluation as Kept};
use crate::registry::{self, Instance};
use crate::run_folder::RunFolder;
use crate::statistics::{RESAMPLES, bootstrap, mean, wilson};

/// A learnt pair of policy and design, with what is needed to judge it.
pub struct Learnt {
    /// The experiment it comes from.
    pub experiment: Experiment,
    /// Its problem.
    pub instance: Instance,
    /// Its policy.
    pub policy: PolicySnapshot,
    /// Its method, which holds the proxy if there is one.
    pub method: Box<dyn DesignOptimizer>,
    /// Logits of its design.
    pub logits: Vec<f64>,
    /// What its run has used.
    pub counters: Counters,
    /// The evaluation for which it was kept, if it was.
    pub kept: Option<Kept>,
}

impl Learnt {
    /// The best judged pair of a run folder.
    ///
    /// # Errors
    /// A folder without a checkpoint, or one that is damaged or foreign.
    pub fn open(folder: &RunFolder) -> Result<Self, Error> {
        let experiment = Experiment::from_run(folder)?;
        let bytes = folder.best()?.ok_or_else(|| {
            Error::Run(format!(
                "{0} has not been judged yet: train it for at least one evaluation (`{1} train --resume {0}`)",
                quoted(folder.path()),
                program()
            ))
        })?;
        let counters = counters(folder)?;
        Self::new(experiment, &Archive::from_bytes(&bytes)?, counters)
    }

    /// A pair as the trainer stores it.
    ///
    /// # Errors
    /// An archive that does not fit the experiment.
    pub fn new(experiment: Experiment, archive: &Archive, counters: Counters) -> Result<Self, Error> {
        let mut learnt = Self::parts(experiment, archive, counters, "policy")?;
        learnt.logits = archive.get_f64("best.logits")?;
        learnt.kept = Some(archive.get_json("best.evaluation")?);
        Ok(learnt)
    }

    /// The best judged pair of a run folder; the present one, with a word on stderr, where none has been judged yet.
    ///
    /// # Errors
    /// A folder without a checkpoint, or one that is damaged or foreign.
    pub fn open_present(folder: &RunFolder) -> Result<Self, Error> {
        if folder.best()?.is_some() {
            return Self::open(folder);
        }
        let experiment = Experiment::from_run(folder)?;
        let Some(checkpoint) = folder.latest_checkpoint()? else {
            return Self::open(folder); // which says what to do
        };
        note!("not judged yet: taking policy and design as they are at its latest checkpoint");
        let archive = Archive::from_bytes(&checkpoint.bytes)?;
        let counters = archive.get_json("counters")?;
        let mut learnt = Self::parts(experiment, &archive, counters, "average")?;
        if archive.contains("frozen") {
            learnt.logits = archive.get_f64("frozen")?;
        }
        Ok(learnt)
    }

    /// Policy, stored under this name, and method of an archive; the method's own design.
    fn parts(experiment: Experiment, archive: &Archive, counters: Counters, policy_name: &str) -> Result<Self, Error> {
        let instance = registry::problem(&experiment)?;
        let mut method = registry::method(&experiment, &instance)?;
        method.load(archive)?;
        let mut policy = untrained(&experiment, instance.problem.spec(), method.policy_inputs(), 0);
        policy.load(archive, policy_name)?;
        Ok(Self {
            policy: policy.snapshot(),
            logits: method.design(),
            method,
            instance,
            counters,
            experiment,
            kept: None,
        })
    }

    /// The design, in the parameters' units.
    pub fn design(&self) -> Vec<f64> {
        self.hardware().space().values(&self.logits)
    }

    /// The hardware model.
    pub fn hardware(&self) -> std::sync::Arc<dyn Hardware> {
        self.instance.problem.hardware()
    }

    /// Plays fresh episodes on a design.
    ///
    /// # Errors
    /// A design that cannot be built.
    pub fn judge(&self, design: &[f64], actions: Actions, world: &World, starts: Starts) -> Result<Judgement, Error> {
        let mut judge = Judge::new(&*self.instance.problem);
        Ok(judge.judge(&self.policy, design, actions, world, starts)?)
    }

    /// The whole judgement of fresh episodes on a design.
    ///
    /// # Errors
    /// A design that cannot be built.
    pub fn evaluate(&self, design: &[f64], episodes: usize, seed: u64) -> Result<Evaluation, Error> {
        let starts = Starts {
            name: "evaluation",
            seed,
            episodes,
        };
        let true_world = World::Full;
        let mean = self.judge(design, Actions::Mean, &true_world, starts)?;
        let sampled = self.judge(design, Actions::Sampled, &true_world, starts)?;
        let start_design = self.hardware().space().start();
        let start = self.judge(&start_design, Actions::Mean, &true_world, starts)?;
        let half_step = self.half_step(design, starts)?;
        Ok(Evaluation {
            problem: self.experiment.problem.clone(),
            method: self.experiment.method.clone(),
            seed: self.experiment.seed,
            episodes,
            success: success(&mean),
            success_sampled: success(&sampled),
            success_start_design: success(&start),
            success_half_step: half_step.as_ref().and_then(|(half, _)| success(half)),
            half_step_difference: half_step.as_ref().map(|(half, _)| half.success() - mean.success()),
            return_half_step: half_step.as_ref().and_then(|(half, _)| total_return(half, seed)),
            half_step_deviation: half_step.map(|(_, deviation)| deviation),
            total_return: total_return(&mean, seed),
            proxy_gap: self.proxy_gap(design, &mean, starts)?,
            faults: mean.faults(),
            iteration: self.kept.as_ref().map(|kept| kept.iteration),
            env_steps: self.counters.env_steps,
            hardware_queries: self.counters.hardware_queries,
            seconds: self.counters.seconds,
            retrain: None,
        })
    }

    /// The same episodes with half the time step in the physics, and how far the machine's way is from its way at the shipped
    /// step under the same commands; none where there is no time step.
    fn half_step(&self, design: &[f64], starts: Starts) -> Result<Option<(Judgement, Deviation)>, Error> {
        let problem = &*self.instance.problem;
        let Some(finer) = problem.refined(2) else {
            return Ok(None);
        };
        let mut judge = Judge::new(&*finer);
        let judgement = judge.judge(&self.policy, design, Actions::Mean, &World::Full, starts)?;
        let tracks = convergence::of_policy(problem, &self.policy, design, starts)?;
        Ok(Some((judgement, tracks.against(&*finer)?)))
    }

    /// RMSE and 95 % quantile of the proxy's task effects on visited and uniform queries, and what the
    /// policy scores under the proxy beyond the true machine; null without a proxy or off its design.
    fn proxy_gap(&self, design: &[f64], mean: &Judgement, starts: Starts) -> Result<Option<ProxyGap>, Error> {
        let own = self.hardware().space().values(&self.method.design());
        let (Some([visited, uniform]), Some(model)) = (self.method.gap(&mean.queries), self.method.effect_model())
        else {
            return Ok(None);
        };
        if own != design {
            return Ok(None);
        }
        let world = World::Proxy(model.at(&self.method.design()));
        let proxied = self.judge(design, Actions::Mean, &world, starts)?;
        Ok(Some(ProxyGap {
            visited: visited.rmse,
            uniform: uniform.rmse,
            visited_p95: visited.p95,
            uniform_p95: uniform.p95,
            success: proxied.success() - mean.success(),
            total_return: proxied.mean_return() - mean.mean_return(),
        }))
    }
}

/// What a run has used, as of its newest whole checkpoint; says so where that is not the run's last iteration, or where
/// files that are not needed for the judgement are damaged.
fn counters(folder: &RunFolder) -> Result<Counters, Error> {
    if let Err(error) = folder.check_rows() {
        note!("warning: {error}");
    }
    let checkpoint = folder.latest_checkpoint()?;
    for reason in checkpoint.iter().flat_map(|found| &found.passed_over) {
        note!("passed over a damaged checkpoint: {reason}");
    }
    let counters: Counters = match &checkpoint {
        Some(checkpoint) => Archive::from_bytes(&checkpoint.bytes)?.get_json("counters")?,
        None => Counters::default(),
    };
    let rows = metrics::read(&folder.metrics()).unwrap_or_default(); // damage was warned of
    let last = rows.last().and_then(|row| row.get("iteration")?.as_u64()).unwrap_or(0);
    if last > counters.iteration {
        note!(
            "the run has {last} iterations and its newest checkpoint is of iteration {}: what it has used is counted up \
             to there",
            counters.iteration
        );
    }
    Ok(counters)
}

/// Success with its Wilson interval.
pub(crate) fn success(judgement: &Judgement) -> Option<Interval> {
    let episodes = judgement.outcomes.len() as u64;
    wilson(judgement.solved() as u64, episodes).map(Interval::from)
}

/// Mean return with its bootstrap interval over episodes.
pub(crate) fn total_return(judgement: &Judgement, seed: u64) -> Option<Interval> {
    let returns: Vec<f64> = judgement.outcomes.iter().map(|o| o.total_return).collect();
    mean_interval(&returns, seed)
}

/// The mean of these with its bootstrap interval.
pub(crate) fn mean_interval(values: &[f64], seed: u64) -> Option<Interval> {
    let mut stream = Stream::new(seed, "bootstrap", 0);
    bootstrap(&[values], mean, RESAMPLES, &mut stream).map(Interval::from)
}
